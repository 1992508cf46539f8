//! How a step parses.

use super::Resolver;
use crate::config::section::Section;
use kintail_engine::process::{Action, Csv, FormatError, LogFormat, Parser};

impl Resolver<'_> {
    /// `None` when an error was noted.
    pub(super) fn parser(&mut self, section: &Section) -> Option<Action> {
        let parser = match section.chosen("parse")? {
            "json" => Parser::Json,
            "csv" => Parser::Csv(self.csv(section)?),
            "logfmt" => Parser::Logfmt,
            "regex" => self.regex(section)?,
            "common_apache" => Parser::CommonApache,
            "combined_apache" => Parser::CombinedApache,
            "apache_error" => Parser::ApacheError,
            "nginx" => self.nginx(section)?,
            "syslog" => Parser::Syslog,
            "rfc3339_syslog" => Parser::Rfc3339Syslog,
            "rfc5424" => Parser::Rfc5424,
            "docker" => Parser::Docker,
            _ => Parser::Cri,
        };
        Some(Action::Parse { parser, field: section.text("field").map(str::to_owned) })
    }

    fn csv(&mut self, section: &Section) -> Option<Csv> {
        let columns: Vec<String> = section.texts("columns").iter().map(|(name, _)| name.clone()).collect();
        let delimiter = section.text("delimiter").unwrap_or(",");
        let header = section.is("header");
        if header && let Some(places) = section.written("columns") {
            let help = "leave one of them out";
            self.errors.push(places.key.clone(), "`columns` beside `header = true`", help);
            return None;
        }
        if columns.is_empty() && !header {
            if !section.faulty("columns") {
                let help = "write columns = [\"a\", \"b\"], or header = true";
                self.errors.push(section.spot("columns"), "the columns have no names", help);
            }
            return None;
        }
        match delimiter.as_bytes() {
            [byte] if !b"\"\r\n".contains(byte) => Some(Csv { columns, delimiter: *byte }),
            _ => {
                let help = "one ASCII character that is no quote, such as \"\\t\"";
                self.errors.push(section.spot("delimiter"), "not a delimiter", help);
                None
            }
        }
    }

    fn regex(&mut self, section: &Section) -> Option<Parser> {
        let spot = section.spot("pattern");
        let Some(text) = section.text("pattern") else {
            if !section.faulty("pattern") {
                let help = "write pattern = '^(?<level>\\w+) (?<message>.*)'";
                self.errors.push(spot, "parse = \"regex\" needs its pattern", help);
            }
            return None;
        };
        let pattern = self.compiled(text, &spot)?;
        if pattern.names().next().is_none() {
            let help = "name what is to be a member: (?<name>…)";
            self.errors.push(spot, "a pattern without named groups finds nothing", help);
            return None;
        }
        Some(Parser::Regex(pattern))
    }

    fn nginx(&mut self, section: &Section) -> Option<Parser> {
        let format = section.text("format").unwrap_or("combined");
        if format == "error" {
            return Some(Parser::NginxError);
        }
        match LogFormat::new(format) {
            Ok(format) => Some(Parser::Nginx(format)),
            Err(error) => {
                let help = match error {
                    FormatError::Adjacent => {
                        "nobody could tell where the first ends: write something between"
                    }
                    FormatError::Empty | FormatError::Name => {
                        "write it as in nginx.conf: '$remote_addr $status'; $${name} for ${name}"
                    }
                };
                self.errors.push(section.spot("format"), format!("not a log_format: {error}"), help);
                None
            }
        }
    }
}
