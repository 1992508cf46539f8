//! A step of the Kinesis Agent as it may be written.

use super::process::literal;
use kintail_engine::process::{AgentFormat, Conversion, Form};
use serde_json::{Value, json};

pub(super) fn conversion(conversion: &Conversion) -> Value {
    match conversion {
        Conversion::SingleLine { trim, escape } => {
            let options = [(!trim, "NO_TRIM"), (*escape, "ESCAPE_NEW_LINE")];
            let options: Vec<_> = options.into_iter().filter_map(|(is, name)| is.then_some(name)).collect();
            json!({ "optionName": "SINGLELINE", "parseOptions": options })
        }
        Conversion::Csv { fields, delimiter, form } => json!({
            "optionName": "CSVTOJSON",
            "customFieldNames": texts(fields),
            "delimiter": literal(delimiter.as_str()),
            "jsonFormat": self::form(*form),
        }),
        Conversion::Log { format, pattern, fields, form } => json!({
            "optionName": "LOGTOJSON",
            "logFormat": name(*format),
            "matchPattern": pattern.as_ref().map(|pattern| literal(pattern.as_str())),
            "customFieldNames": fields.as_deref().map(texts),
            "jsonFormat": self::form(*form),
        }),
        Conversion::Metadata { timestamp, metadata, form } => json!({
            "optionName": "ADDMETADATA",
            "timestamp": timestamp,
            "metadata": literal(&metadata.to_string()),
            "jsonFormat": self::form(*form),
        }),
        Conversion::Brackets => json!({ "optionName": "ADDBRACKETS" }),
    }
}

fn texts(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| literal(text)).collect()
}

fn form(form: Form) -> &'static str {
    match form {
        Form::Compact => "COMPACT",
        Form::Pretty => "PRETTYPRINT",
    }
}

fn name(format: AgentFormat) -> &'static str {
    match format {
        AgentFormat::CommonApache => "COMMONAPACHELOG",
        AgentFormat::CombinedApache => "COMBINEDAPACHELOG",
        AgentFormat::ApacheError => "APACHEERRORLOG",
        AgentFormat::Syslog => "SYSLOG",
        AgentFormat::Rfc3339Syslog => "RFC3339SYSLOG",
    }
}
