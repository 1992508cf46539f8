//! A flow's steps as they may be written. The order of members matters: they stand in a list of names and values,
//! marked by the name that no member of TOML's own has here.

use super::kinesis_agent;
use crate::config::mask;
use kintail_engine::process::{
    Action, Content, Filter, Members, OnError, Output, Parser, Step, Template, Time, Type,
};
use serde_json::{Map, Value, json};

/// Marks a table whose order matters.
const ORDERED: &str = "\0ordered";

/// All steps.
pub(super) fn process(steps: &[Step]) -> Value {
    steps.iter().map(step).collect()
}

fn step(step: &Step) -> Value {
    let mut out = match &step.action {
        Action::Parse { parser, field } => {
            let mut out = self::parser(parser);
            out["field"] = json!(field);
            out
        }
        Action::Types(types) => json!({ "types": ordered(types, member_type) }),
        Action::Add(members) => with_path("add", members),
        Action::Metadata(members) => with_path("metadata", members),
        Action::Rename(names) => json!({ "rename": ordered(names, |to| json!(to)) }),
        Action::Remove(names) => json!({ "remove": names }),
        Action::Nest(nests) => json!({ "nest": ordered(nests, |names| json!(names)) }),
        Action::Flatten(names) => json!({ "flatten": names }),
        Action::Keep(filter) => json!({ "keep": self::filter(filter) }),
        Action::Drop(filter) => json!({ "drop": self::filter(filter) }),
        Action::Redact { pattern, with } => {
            json!({ "redact": { "pattern": literal(pattern.as_str()), "with": literal(with) } })
        }
        Action::SingleLine(by) => json!({ "single_line": literal(by) }),
        Action::TruncateField { field, bytes } => {
            json!({ "truncate_field": { "field": literal(field), "bytes": bytes } })
        }
        Action::Sample(share) => json!({ "sample": share }),
        Action::KinesisAgent(conversion) => json!({ "kinesis_agent": kinesis_agent::conversion(conversion) }),
        Action::Output(Output::Json) => json!({ "output": "json" }),
        Action::Output(Output::Original) => json!({ "output": "original" }),
        Action::Output(Output::Template(text)) => json!({ "output": { "template": template(text) } }),
    };
    out["on_error"] = json!(match step.on_error {
        OnError::Pass => "pass",
        OnError::Drop => "drop",
        OnError::DeadLetter => "dead_letter",
    });
    out
}

fn parser(parser: &Parser) -> Value {
    let name = match parser {
        Parser::Json => "json",
        Parser::Csv(csv) => {
            let delimiter = char::from(csv.delimiter).to_string();
            let header = csv.columns.is_empty();
            let columns = if header { Value::Null } else { json!(csv.columns) };
            let header = if header { json!(true) } else { Value::Null };
            return json!({ "parse": "csv", "columns": columns, "header": header, "delimiter": delimiter });
        }
        Parser::Logfmt => "logfmt",
        Parser::Regex(pattern) => return json!({ "parse": "regex", "pattern": literal(pattern.as_str()) }),
        Parser::CommonApache => "common_apache",
        Parser::CombinedApache => "combined_apache",
        Parser::ApacheError => "apache_error",
        Parser::Nginx(format) => return json!({ "parse": "nginx", "format": literal(format.as_str()) }),
        Parser::NginxError => return json!({ "parse": "nginx", "format": "error" }),
        Parser::Syslog => "syslog",
        Parser::Rfc3339Syslog => "rfc3339_syslog",
        Parser::Rfc5424 => "rfc5424",
        Parser::Docker => "docker",
        Parser::Cri => "cri",
    };
    json!({ "parse": name })
}

fn with_path(name: &str, members: &Members) -> Value {
    let path = members.path.as_ref().map(|pattern| literal(pattern.as_str()));
    json!({ name: ordered(&members.members, content), "path": path })
}

fn content(content: &Content) -> Value {
    match content {
        Content::Text(text) => json!(template(text)),
        Content::Json(json) => serde_json::from_str(json).unwrap_or_default(),
        Content::Table(members) => ordered(members, self::content),
    }
}

fn template(template: &Template) -> String {
    literal(&template.to_string())
}

/// `${` would be replaced when it is read again.
pub(crate) fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

fn filter(filter: &Filter) -> Value {
    let pattern = literal(filter.pattern.as_str());
    match &filter.field {
        None => json!(pattern),
        Some(field) => json!({ "field": literal(field), "pattern": pattern }),
    }
}

fn member_type(to: &Type) -> Value {
    match to {
        Type::Integer => json!("integer"),
        Type::Number => json!("number"),
        Type::Boolean => json!("boolean"),
        Type::Timestamp(Time { format: None, zone_name, .. }) if zone_name == "UTC" => json!("timestamp"),
        Type::Timestamp(Time { format: None, zone_name, .. }) => json!({ "zone": zone_name }),
        Type::Timestamp(Time { format: Some(format), zone_name, .. }) => {
            json!({ "timestamp": literal(format), "zone": zone_name })
        }
    }
}

/// A table whose order matters; secrets masked.
fn ordered<T>(members: &[(String, T)], show: impl Fn(&T) -> Value) -> Value {
    let shown = |(name, value): &(String, T)| {
        json!([name, if mask::is_secret(name) { json!(mask::MASK) } else { show(value) }])
    };
    json!({ ORDERED: members.iter().map(shown).collect::<Vec<_>>() })
}

/// The members of a table whose order matters.
fn members(value: &Value) -> Option<impl Iterator<Item = (&str, &Value)>> {
    let pairs = value.get(ORDERED)?.as_array()?;
    Some(pairs.iter().filter_map(|pair| Some((pair.get(0)?.as_str()?, pair.get(1)?))))
}

/// As JSON, where no order matters.
pub(super) fn unordered(value: &mut Value) {
    let table: Option<Map<_, _>> =
        members(value).map(|members| members.map(|(name, value)| (name.to_owned(), value.clone())).collect());
    if let Some(table) = table {
        *value = Value::Object(table);
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(unordered),
        Value::Array(items) => items.iter_mut().for_each(unordered),
        _ => {}
    }
}

/// As TOML in one line.
pub(crate) fn inline(value: &Value) -> String {
    let Some(members) = members(value) else {
        return toml::Value::try_from(value).map(|value| value.to_string()).unwrap_or_default();
    };
    let member = |(name, value): (&str, &Value)| format!("{} = {}", inline(&json!(name)), inline(value));
    let members: Vec<String> = members.map(member).collect();
    if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) }
}
