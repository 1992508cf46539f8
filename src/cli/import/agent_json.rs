//! The Kinesis Agent's `agent.json`: JSON with comments, numbers also as texts, unknown keys ignored.

use crate::cli::agent::Error;
use kintail_engine::process::Json;
use std::fs;
use std::path::Path;

/// An object of it.
#[derive(Clone, Debug)]
pub(super) struct Object(Vec<(String, Json)>);

impl Object {
    /// A file's.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let failed = |why: String| Error::Io(format!("{}: {why}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        match serde_json::from_str(&without_comments(&text)) {
            Ok(Json::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(failed("not a JSON object".into())),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value)
            .filter(|value| **value != Json::Null)
    }

    /// Its keys in their order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// A text; an empty one counts as none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Json::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Error> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Json::Number(number)) => number.as_u64(),
            Some(Json::Text(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        number
            .map(Some)
            .ok_or_else(|| Error::Io(format!("{name} is not a number; the agent would not start")))
    }

    /// The objects in a list.
    pub(super) fn objects(&self, name: &str) -> Vec<Self> {
        let Some(Json::List(items)) = self.get(name) else { return Vec::new() };
        let object = |item: &Json| match item {
            Json::Object(members) => Some(Self(members.clone())),
            _ => None,
        };
        items.iter().filter_map(object).collect()
    }
}

/// Each comment becomes blanks; what stands between quotes is none.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '"' => {
                out.push(next);
                while let Some(inner) = rest.next() {
                    out.push(inner);
                    match inner {
                        '\\' => out.extend(rest.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '/' if rest.next_if_eq(&'/').is_some() => while rest.next_if(|next| *next != '\n').is_some() {},
            '/' if rest.next_if_eq(&'*').is_some() => {
                let mut last = ' ';
                for next in rest.by_ref() {
                    if (last, next) == ('*', '/') {
                        break;
                    }
                    // Errors are told by their line.
                    if next == '\n' {
                        out.push('\n');
                    }
                    last = next;
                }
                out.push(' ');
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_part_of_texts() {
        let text = "{ // one\n \"a\": \"// no \\\" /* no */\", /* two\n * three **/ \"b\": 1 }";
        let json: Json = serde_json::from_str(&without_comments(text)).unwrap();
        assert_eq!(json.to_string(), r#"{"a":"// no \" /* no */","b":1}"#);
    }
}
