//! A step as the Kinesis Agent's `dataProcessingOptions` have it: one of their objects, its keys by their old names.

use super::Resolver;
use crate::config::section::{Node, What};
use kintail_engine::process::{AgentFormat, Conversion, Form, JavaPattern, Json};

const OPTIONS: [&str; 5] = ["SINGLELINE", "CSVTOJSON", "LOGTOJSON", "ADDMETADATA", "ADDBRACKETS"];

/// The object's members.
struct Object<'n> {
    node: &'n Node,
}

impl<'n> Object<'n> {
    fn get(&self, name: &str) -> Option<&'n Node> {
        let What::Table(members) = &self.node.what else { return None };
        members.iter().find(|(found, ..)| found == name).map(|(.., node)| node)
    }
}

/// Each gives `None` when an error was noted.
impl Resolver<'_> {
    pub(super) fn conversion(&mut self, node: &Node) -> Option<Conversion> {
        let What::Table(members) = &node.what else {
            return self.wrong(node, "not a table", "write it like { optionName = \"SINGLELINE\" }");
        };
        self.only(members, &Conversion::KEYS, || format!("known are {}", Conversion::KEYS.join(", ")))?;
        let object = Object { node };
        let form = match object.get("jsonFormat") {
            Some(node) => match self.one_of(node, ["COMPACT", "PRETTYPRINT"])? {
                "COMPACT" => Form::Compact,
                _ => Form::Pretty,
            },
            None => Form::Compact,
        };
        let name = self.needed(&object, "optionName")?;
        Some(match self.one_of(name, OPTIONS)? {
            "SINGLELINE" => self.single_line(&object)?,
            "CSVTOJSON" => {
                let delimiter = match object.get("delimiter") {
                    Some(node) => self.java(node)?,
                    None => JavaPattern::new(",").ok()?,
                };
                let fields = self.needed(&object, "customFieldNames")?;
                Conversion::Csv { fields: self.words(fields)?, delimiter, form }
            }
            "LOGTOJSON" => self.log(&object, form)?,
            "ADDMETADATA" => {
                let timestamp = match object.get("timestamp").map(|node| (node, &node.what)) {
                    None => false,
                    Some((_, What::Bool(is))) => *is,
                    Some((node, _)) => return self.wrong(node, "not true or false", "write true or false"),
                };
                let metadata = match object.get("metadata") {
                    Some(node) => self.json(node)?,
                    None => Json::Null,
                };
                Conversion::Metadata { timestamp, metadata, form }
            }
            _ => Conversion::Brackets,
        })
    }

    fn single_line(&mut self, object: &Object) -> Option<Conversion> {
        let (mut trim, mut escape) = (true, false);
        if let Some(node) = object.get("parseOptions") {
            let What::List(items) = &node.what else {
                return self.wrong(node, "not a list", "write it like [\"NO_TRIM\"]");
            };
            for item in items {
                match self.one_of(item, ["NO_TRIM", "ESCAPE_NEW_LINE"])? {
                    "NO_TRIM" => trim = false,
                    _ => escape = true,
                }
            }
        }
        Some(Conversion::SingleLine { trim, escape })
    }

    fn log(&mut self, object: &Object, form: Form) -> Option<Conversion> {
        let node = self.needed(object, "logFormat")?;
        let name = self.word(node)?;
        let Some(format) = AgentFormat::by_name(&name) else {
            let known = "COMMONAPACHELOG, COMBINEDAPACHELOG, APACHEERRORLOG, SYSLOG, RFC3339SYSLOG";
            return self.wrong(node, "not a log format of the agent", &format!("known are {known}"));
        };
        let fields = match object.get("customFieldNames") {
            Some(node) => Some(self.words(node)?),
            None => None,
        };
        let pattern = match object.get("matchPattern") {
            Some(node) => Some(self.java(node)?),
            None => None,
        };
        if pattern.is_some() && fields.is_none() {
            return self.wrong(object.node, "`matchPattern` without names", "write customFieldNames = […]");
        }
        Some(Conversion::Log { format, pattern, fields, form })
    }

    fn needed<'n>(&mut self, object: &Object<'n>, name: &str) -> Option<&'n Node> {
        object
            .get(name)
            .or_else(|| self.wrong(object.node, &format!("`{name}` is missing"), "this option needs it"))
    }

    fn one_of<const N: usize>(&mut self, node: &Node, words: [&'static str; N]) -> Option<&'static str> {
        let text = self.word(node)?;
        let found = words.into_iter().find(|word| *word == text);
        found.or_else(|| {
            self.wrong(node, "not one of the agent's words", &format!("known are {}", words.join(", ")))
        })
    }

    fn java(&mut self, node: &Node) -> Option<JavaPattern> {
        let text = self.word(node)?;
        match JavaPattern::new(&text) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let help = "a pattern of java.util.regex; in single quotes \\ is itself";
                self.errors.push(node.spot.clone(), format!("not a pattern that can be run: {error}"), help);
                None
            }
        }
    }

    fn json(&mut self, node: &Node) -> Option<Json> {
        let text = self.word(node)?;
        let help = "a JSON value in single quotes, such as '{\"team\":\"web\"}'";
        serde_json::from_str(&text).ok().or_else(|| self.wrong(node, "not JSON", help))
    }
}
