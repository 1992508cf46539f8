//! A flow's steps: each table is one, but that `types` may stand beside `parse`.

mod content;
mod kinesis_agent;
mod node;
mod parse;
mod types;

use super::Resolver;
use crate::config::diagnostic::Spot;
use crate::config::section::{Node, Section, What};
use crate::config::units;
use kintail_engine::process::{Action, Filter, Members, OnError, Output, Pattern, Step};

/// What a table may do.
const ACTIONS: [&str; 15] = [
    "parse",
    "types",
    "add",
    "rename",
    "remove",
    "nest",
    "flatten",
    "keep",
    "drop",
    "redact",
    "single_line",
    "truncate_field",
    "sample",
    "metadata",
    "kinesis_agent",
];

const ONE: &str =
    "write each step under a [[flow.process]] of its own; only `types` may stand beside `parse`";

impl Resolver<'_> {
    /// All steps of a flow, in order.
    pub(super) fn process(&mut self, section: &Section) -> Vec<Step> {
        let tables = section.tables("process");
        let (old, new): (Vec<_>, Vec<_>) =
            tables.iter().partition(|table| table.written("kinesis_agent").is_some());
        if let (Some(old), Some(new)) = (old.first(), new.first()) {
            let also = (new.spot.clone(), "the other one");
            let help =
                "options of the Kinesis Agent work on records with their newlines, other steps without";
            self.errors.push_pair(old.spot.clone(), "`kinesis_agent` beside another step", also, help);
        }
        tables.iter().flat_map(|table| self.step(table)).collect()
    }

    fn step(&mut self, section: &Section) -> Vec<Step> {
        let on_error = match section.word("on_error") {
            "drop" => OnError::Drop,
            "dead_letter" => OnError::DeadLetter,
            _ => OnError::Pass,
        };
        let mut written: Vec<(Spot, &str)> = ACTIONS
            .into_iter()
            .chain(["output"])
            .filter_map(|name| section.written(name).map(|places| (places.key.clone(), name)))
            .collect();
        written.sort();
        let names: Vec<&str> = written.iter().map(|(_, name)| *name).collect();
        self.companions(section, &names);
        let mut names = match names[..] {
            [] => {
                let help = format!("write one of {}, output", ACTIONS.join(", "));
                self.errors.push(section.spot.clone(), "a step that does nothing", help);
                return Vec::new();
            }
            ["types", "parse"] => vec!["parse", "types"],
            ["parse", "types"] | [_] => names,
            [..] => {
                let also = (written[0].0.clone(), "the first one");
                self.errors.push_pair(written[1].0.clone(), "two steps in one table", also, ONE);
                return Vec::new();
            }
        };
        names.retain(|name| !section.faulty(name));
        let action = |name| Some(Step { action: self.action(section, name)?, on_error });
        names.into_iter().filter_map(action).collect()
    }

    /// Keys that only mean something beside another.
    fn companions(&mut self, section: &Section, names: &[&str]) {
        let parser = if section.faulty("parse") { None } else { section.chosen("parse") };
        let csv = "parse = \"csv\"";
        for (name, fits, home) in [
            ("field", names.contains(&"parse"), "`parse`"),
            ("pattern", parser == Some("regex"), "parse = \"regex\""),
            ("columns", parser == Some("csv"), csv),
            ("delimiter", parser == Some("csv"), csv),
            ("header", parser == Some("csv"), csv),
            ("format", parser == Some("nginx"), "parse = \"nginx\""),
            ("path", names.contains(&"add") || names.contains(&"metadata"), "`add` or `metadata`"),
        ] {
            if let Some(places) = section.written(name).filter(|_| !fits && !section.faulty("parse")) {
                let help = format!("it stands beside {home}");
                self.errors.push(places.key.clone(), format!("`{name}` means nothing here"), help);
            }
        }
    }

    /// `None` when an error was noted.
    fn action(&mut self, section: &Section, name: &str) -> Option<Action> {
        let texts = || section.texts(name).iter().map(|(text, _)| text.clone()).collect::<Vec<_>>();
        match name {
            "parse" => return self.parser(section),
            "remove" => return Some(Action::Remove(texts())),
            "flatten" => return Some(Action::Flatten(texts())),
            _ => {}
        }
        let node = section.any(name)?;
        Some(match name {
            "types" => Action::Types(self.types(node)?),
            "add" => Action::Add(self.members(section, node)?),
            "metadata" => Action::Metadata(self.members(section, node)?),
            "rename" => Action::Rename(self.named(node, Self::word)?),
            "nest" => Action::Nest(self.named(node, Self::words)?),
            "keep" => Action::Keep(self.filter(node)?),
            "drop" => Action::Drop(self.filter(node)?),
            "redact" => {
                let [pattern, with] = self.parts(node, ["pattern", "with"])?;
                Action::Redact { pattern: self.pattern(pattern)?, with: self.word(with)? }
            }
            "single_line" => Action::SingleLine(match &node.what {
                What::Bool(true) => " ".to_owned(),
                _ => self.word(node)?,
            }),
            "truncate_field" => {
                let [field, bytes] = self.parts(node, ["field", "bytes"])?;
                Action::TruncateField { field: self.word(field)?, bytes: self.bytes(bytes)? }
            }
            "kinesis_agent" => Action::KinesisAgent(self.conversion(node)?),
            "sample" => Action::Sample(self.share(node)?),
            _ => Action::Output(self.output(node)?),
        })
    }

    fn members(&mut self, section: &Section, node: &Node) -> Option<Members> {
        let path = match section.text("path") {
            Some(text) => Some(self.compiled(text, &section.spot("path"))?),
            None => None,
        };
        let names: Vec<String> = path.iter().flat_map(Pattern::names).map(str::to_owned).collect();
        Some(Members { members: self.contents(node, &names)?, path })
    }

    fn filter(&mut self, node: &Node) -> Option<Filter> {
        if let What::Text(text) = &node.what {
            return Some(Filter { field: None, pattern: self.compiled(text, &node.spot)? });
        }
        let [field, pattern] = self.parts(node, ["field", "pattern"])?;
        Some(Filter { field: Some(self.word(field)?), pattern: self.pattern(pattern)? })
    }

    fn output(&mut self, node: &Node) -> Option<Output> {
        match &node.what {
            What::Text(text) if text == "json" => Some(Output::Json),
            What::Text(text) if text == "original" => Some(Output::Original),
            What::Table(_) => {
                let [text] = self.parts(node, ["template"])?;
                Some(Output::Template(self.template(text, &[])?))
            }
            _ => self.wrong(node, "not an output", "write \"json\", \"original\" or { template = \"…\" }"),
        }
    }

    fn share(&mut self, node: &Node) -> Option<f64> {
        let share = match node.what {
            What::Float(share) => share,
            What::Integer(share) => share as f64,
            _ => f64::NAN,
        };
        if (0.0..=1.0).contains(&share) {
            return Some(share);
        }
        self.wrong(node, "not a share", "a number from 0 to 1, such as 0.1")
    }

    fn bytes(&mut self, node: &Node) -> Option<u64> {
        let bytes = match &node.what {
            What::Integer(bytes) => u64::try_from(*bytes).ok(),
            What::Text(text) => units::parse_size(text).ok(),
            _ => None,
        };
        bytes.or_else(|| self.wrong(node, "not a number of bytes", "such as 100 or \"1KiB\""))
    }
}
