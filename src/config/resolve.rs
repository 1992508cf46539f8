//! What was written to what it means: the whole agent. Flows are resolved in `flow`, destinations in `destination`.

mod destination;
mod flow;
mod multiline;
mod process;
mod together;

use super::diagnostic::Error;
use super::env::Lookup;
use super::paths::Base;
use super::section::Section;
use super::{AssumeRole, Aws, Config, Endpoints, Log, LogFormat, LogLevel, Metrics};
use kintail_engine::settings::{Agent, HoldDeleted, Settings, Symlinks, Watch};
use std::collections::BTreeMap;

/// Resolves the main file's sections, and notes what is wrong.
pub(super) struct Resolver<'a> {
    pub(super) base: &'a Base,
    pub(super) errors: &'a mut Error,
    pub(super) lookup: Lookup<'a>,
    /// What placeholders stand for that needs io, by their names.
    pub(super) facts: BTreeMap<String, String>,
}

impl Resolver<'_> {
    /// The configuration of the main file, and the flows of all files.
    pub(super) fn config(&mut self, root: &Section, flows: &[Section], host: String) -> Config {
        let agent = root.table("agent");
        let aws = self.aws(root.table("aws"));
        let (flows, io): (Vec<_>, Vec<_>) =
            flows.iter().map(|section| (self.flow(section), self.flow_io(section, &aws))).unzip();
        let facts = std::mem::take(&mut self.facts);
        let state_dir = self.base.path(agent.text("state_dir").unwrap_or_default());
        Config {
            engine: Settings { agent: Agent { facts, ..engine_agent(agent, host) }, flows },
            state_dir,
            log: log(agent.table("log")),
            dead_letter_max: agent.size("dead_letter_max").unwrap_or_default(),
            status_group: agent.text("status_group").map(str::to_owned),
            metrics: self.metrics(root),
            aws,
            flows: io,
        }
    }

    fn metrics(&mut self, root: &Section) -> Option<Metrics> {
        root.written("metrics")?;
        let section = root.table("metrics");
        let listen = section.text("listen").and_then(|text| text.parse().ok());
        if listen.is_none() {
            let help = "write it like \"127.0.0.1:9464\", or \"[::1]:9464\"";
            self.errors.push(section.spot("listen"), "not an address with a port", help);
        }
        Some(Metrics { listen: listen?, per_file: section.is("per_file") })
    }

    fn aws(&mut self, section: &Section) -> Aws {
        let endpoints = section.table("endpoints");
        let text = |name| section.text(name).map(str::to_owned);
        Aws {
            region: self.region(section),
            profile: text("profile"),
            endpoints: Endpoints {
                kinesis: self.url(endpoints, "kinesis"),
                firehose: self.url(endpoints, "firehose"),
                sts: self.url(endpoints, "sts"),
                cloudwatch: self.url(endpoints, "cloudwatch"),
            },
            assume_role: self.assume_role(section),
            fips: section.is("fips"),
            dual_stack: section.is("dual_stack"),
            ca_bundle: section.text("ca_bundle").map(|path| self.base.path(path)),
            shared_credentials_file: section.text("shared_credentials_file").map(|path| self.base.path(path)),
        }
    }

    fn assume_role(&mut self, parent: &Section) -> Option<AssumeRole> {
        parent.written("assume_role")?;
        let section = parent.table("assume_role");
        if !section.faulty("arn") && !section.text("arn").is_some_and(|arn| arn.starts_with("arn:")) {
            let help = "write arn = \"arn:aws:iam::ACCOUNT:role/NAME\"";
            self.errors.push(section.spot("arn"), "a role to assume needs its ARN", help);
        }
        Some(AssumeRole {
            arn: section.text("arn").unwrap_or_default().to_owned(),
            external_id: section.text("external_id").map(str::to_owned),
            session_name: section.text("session_name").unwrap_or("kintail").to_owned(),
            duration: section.time("duration").unwrap_or_default(),
        })
    }

    fn region(&mut self, section: &Section) -> Option<String> {
        let region = section.text("region")?;
        if !region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
            self.errors.push(section.spot("region"), "not a region", "write it like \"eu-west-1\"");
        }
        Some(region.to_owned())
    }

    fn url(&mut self, section: &Section, name: &str) -> Option<String> {
        let url = section.text(name)?;
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
        if host.is_empty()
            || host.ends_with('@')
            || url.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            self.errors.push(section.spot(name), "not a URL", "write it like \"https://host:port\"");
        }
        Some(url.to_owned())
    }
}

fn engine_agent(section: &Section, host: String) -> Agent {
    Agent {
        memory: section.size("memory").unwrap_or_default(),
        shutdown_timeout: section.time("shutdown_timeout").unwrap_or_default(),
        rescan: section.time("rescan").unwrap_or_default(),
        watch: match section.word("watch") {
            "poll" => Watch::Poll,
            _ => Watch::Auto,
        },
        follow_symlinks: match section.word("follow_symlinks") {
            "none" => Symlinks::None,
            "all" => Symlinks::All,
            _ => Symlinks::Files,
        },
        hold_deleted: section.size("hold_deleted").map_or(HoldDeleted::Unlimited, HoldDeleted::Bytes),
        forget_after: section.time("forget_after").unwrap_or_default(),
        host,
        // Known when all flows are read.
        facts: BTreeMap::new(),
        // Known when the agent runs: its log is one of them.
        own_paths: Vec::new(),
    }
}

fn log(section: &Section) -> Log {
    Log {
        level: match section.word("level") {
            "error" => LogLevel::Error,
            "warn" => LogLevel::Warn,
            "debug" => LogLevel::Debug,
            "trace" => LogLevel::Trace,
            _ => LogLevel::Info,
        },
        format: match section.word("format") {
            "json" => LogFormat::Json,
            _ => LogFormat::Text,
        },
    }
}
