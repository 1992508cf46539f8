//! The configuration written out again: every value as resolved, in the schema's order, secrets masked.

use super::schema::{Key, Kind, ROOT, Table};
use super::units::{format_size, format_time};
use super::{AssumeRole, Config, FlowIo, LogFormat, mask};
use kintail_engine::multiline::{Join, Language, Multiline};
use kintail_engine::settings::{
    Agent, Destination, Flow, FoundBy, HoldDeleted, MaxRate, Newline, Oversize, Pacing, PartitionKey,
    StartAt, Symlinks, Watch, Wire,
};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

mod kinesis_agent;
mod process;

pub(crate) use process::{inline, literal};

impl Config {
    /// As TOML that means the same when it is read again (but for masked secrets).
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        table(&mut out, &ROOT, &self.ordered());
        out
    }

    /// As JSON with the keys of the TOML; what has no value is left out.
    pub fn to_json(&self) -> Value {
        let mut all = self.ordered();
        process::unordered(&mut all);
        all
    }

    /// The same, with the order kept where it matters.
    fn ordered(&self) -> Value {
        let flows = self.engine.flows.iter().zip(&self.flows);
        let mut all = json!({
            "agent": agent(self),
            "metrics": self.metrics.map(|metrics| json!({ "listen": metrics.listen, "per_file": metrics.per_file })),
        "aws": {
                "region": self.aws.region,
                "profile": self.aws.profile,
                "endpoints": {
                    "kinesis": self.aws.endpoints.kinesis,
                    "firehose": self.aws.endpoints.firehose,
                    "sts": self.aws.endpoints.sts,
                    "cloudwatch": self.aws.endpoints.cloudwatch,
                },
                "assume_role": self.aws.assume_role.as_ref().map(assume_role),
                "fips": self.aws.fips,
                "dual_stack": self.aws.dual_stack,
                "ca_bundle": self.aws.ca_bundle,
                "shared_credentials_file": self.aws.shared_credentials_file,
            },
            "flow": flows.map(|(engine, io)| flow(engine, io)).collect::<Vec<_>>(),
        });
        tidy(&mut all);
        all
    }
}

fn agent(config: &Config) -> Value {
    let agent: &Agent = &config.engine.agent;
    json!({
        "state_dir": config.state_dir,
        "memory": format_size(agent.memory),
        "shutdown_timeout": format_time(agent.shutdown_timeout),
        "rescan": format_time(agent.rescan),
        "watch": match agent.watch {
            Watch::Auto => "auto",
            Watch::Poll => "poll",
        },
        "follow_symlinks": match agent.follow_symlinks {
            Symlinks::None => "none",
            Symlinks::Files => "files",
            Symlinks::All => "all",
        },
        "hold_deleted": match agent.hold_deleted {
            HoldDeleted::Bytes(bytes) => format_size(bytes),
            HoldDeleted::Unlimited => "never".to_owned(),
        },
        "forget_after": format_time(agent.forget_after),
        "dead_letter_max": format_size(config.dead_letter_max),
        "status_group": config.status_group,
        "log": {
            "level": config.log.level,
            "format": match config.log.format {
                LogFormat::Text => "text",
                LogFormat::Json => "json",
            },
        },
    })
}

fn assume_role(role: &AssumeRole) -> Value {
    json!({
        "arn": role.arn,
        "external_id": role.external_id,
        "session_name": role.session_name,
        "duration": format_time(role.duration),
    })
}

fn flow(flow: &Flow, io: &FlowIo) -> Value {
    let mut all = json!({
        "name": flow.name,
        "files": flow.files,
        "exclude": flow.exclude,
        "archives": flow.archives,
        "compressed": flow.compressed,
        "start_at": match flow.start_at {
            StartAt::Beginning => "beginning",
            StartAt::End => "end",
        },
        "close_after": format_time(flow.close_after),
        "ordering": if flow.strict { "strict" } else { "none" },
        "identity": match flow.identity {
            FoundBy::Inode => "inode",
            FoundBy::Content => "content",
        },
        "ignore_older": flow.ignore_older.map(format_time),
        "region": io.region,
        "endpoint": io.endpoint,
        "assume_role": io.assume_role.as_ref().map(assume_role),
        "partition_key": partition_key(&flow.partition_key),
        "aggregation": flow.aggregation.is_some(),
        "aggregate_bytes": flow.aggregation.map(format_size),
        "max_record": format_size(flow.max_record),
        "pacing": match flow.pacing {
            Pacing::Auto => "auto",
            Pacing::Adaptive => "adaptive",
            Pacing::Off => "off",
        },
        "max_rate": max_rate(flow.max_rate),
        "wire": match flow.wire {
            Wire::Auto => "auto",
            Wire::Cbor => "cbor",
            Wire::Json => "json",
        },
        "newline": match flow.newline {
            Newline::Keep => "keep",
            Newline::Strip => "strip",
        },
        "batch": {
            "max_records": flow.batch.max_records,
            "max_bytes": format_size(flow.batch.max_bytes),
            "max_age": format_time(flow.batch.max_age),
        },
        "retry": {
            "initial": format_time(flow.retry.initial),
            "max": format_time(flow.retry.max),
            "give_up": or_never(flow.retry.give_up),
        },
        "line": {
            "max_bytes": format_size(flow.line.max_bytes),
            "oversize": match flow.line.oversize {
                Oversize::Split => "split",
                Oversize::Truncate => "truncate",
                Oversize::Drop => "drop",
                Oversize::DeadLetter => "dead_letter",
            },
            "skip_header": flow.line.skip_header,
        },
        "multiline": flow.multiline.as_deref().map(multiline),
        "process": if flow.process.is_empty() { Value::Null } else { process::process(&flow.process) },
    });
    let (key, value) = destination(&flow.destination);
    all[key] = value;
    all
}

fn multiline(rules: &Multiline) -> Value {
    let (way, value) = match &rules.join {
        Join::Start(pattern) => ("start", json!(process::literal(pattern.as_str()))),
        Join::Continue(pattern) => ("continue", json!(process::literal(pattern.as_str()))),
        Join::End(pattern) => ("end", json!(process::literal(pattern.as_str()))),
        // Is not written: it follows from the steps.
        Join::Pieces(_) => return Value::Null,
        Join::Trace(language) => (
            "preset",
            json!(match language {
                Language::Java => "java",
                Language::Python => "python",
                Language::Go => "go",
                Language::Ruby => "ruby",
            }),
        ),
    };
    json!({
        way: value,
        "max_wait": format_time(rules.max_wait),
        "max_lines": rules.max_lines,
        "max_bytes": format_size(rules.max_bytes),
    })
}

fn max_rate(most: MaxRate) -> Value {
    match most {
        MaxRate { bytes: None, records: None } => Value::Null,
        MaxRate { bytes, records } => json!({ "bytes": bytes.map(format_size), "records": records }),
    }
}

fn destination(destination: &Destination) -> (&'static str, Value) {
    match destination {
        Destination::Kinesis { stream } => ("stream", json!(stream)),
        Destination::Firehose { delivery_stream } => ("delivery_stream", json!(delivery_stream)),
        Destination::File { path, rotate, keep } => {
            ("file", json!({ "path": path, "rotate": format_size(*rotate), "keep": keep }))
        }
        Destination::Stdout => ("stdout", json!(true)),
    }
}

fn partition_key(key: &PartitionKey) -> String {
    match key {
        PartitionKey::Random => "random".to_owned(),
        PartitionKey::File => "file".to_owned(),
        PartitionKey::Hash => "hash".to_owned(),
        PartitionKey::Field(name) => format!("field:{name}"),
        PartitionKey::Const(text) => format!("const:{text}"),
    }
}

fn or_never(time: Option<Duration>) -> String {
    time.map_or_else(|| "never".to_owned(), format_time)
}

/// Leaves out what has no value, and masks secrets.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            for (key, member) in members.iter_mut() {
                if mask::is_secret(key) {
                    *member = json!(mask::MASK);
                }
                tidy(member);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::String(text) => *text = mask::mask_urls(text),
        _ => {}
    }
}

/// Writes the keys of a table in the schema's order, then the tables below it.
fn table(out: &mut String, schema: &Table, value: &Value) {
    let members = || schema.keys.iter().filter_map(|key| Some((key, value.get(key.name)?)));
    // Writing to a string cannot fail.
    let is_table = |key: &Key, member| !matches!(key.kind, Kind::Any) && is_table(member);
    for (key, member) in members().filter(|(key, member)| !is_table(key, member)) {
        let _ = writeln!(out, "{} = {}", key.name, process::inline(member));
    }
    for (key, member) in members().filter(|(key, member)| is_table(key, member)) {
        match (key.kind, member) {
            (Kind::Tables(schema), Value::Array(items)) => {
                for item in items {
                    headed(out, schema, schema.header, item);
                }
            }
            (Kind::Table(inner) | Kind::TextOrTable(_, inner), _) => {
                headed(out, inner, &below(schema, key.name), member);
            }
            _ => {}
        }
    }
}

fn headed(out: &mut String, schema: &Table, header: &str, value: &Value) {
    if value.as_object().is_some_and(serde_json::Map::is_empty) {
        return;
    }
    let blank = if out.is_empty() { "" } else { "\n" };
    let _ = writeln!(out, "{blank}{header}");
    table(out, schema, value);
}

/// The header of a table below another; one schema may be at home in several places.
fn below(parent: &Table, name: &str) -> String {
    match parent.header.trim_matches(['[', ']']) {
        "" => format!("[{name}]"),
        parent => format!("[{parent}.{name}]"),
    }
}

fn is_table(value: &Value) -> bool {
    value.is_object() || value.as_array().is_some_and(|items| items.first().is_some_and(Value::is_object))
}

#[cfg(test)]
mod tests;
