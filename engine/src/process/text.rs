//! Steps on text: redact, `single_line`.

use super::pattern::Pattern;
use super::record::{Member, Part, Record, Value};
use super::write;
use regex::bytes::NoExpand;
use std::borrow::Cow;

/// Replaces all that the pattern matches.
pub(super) fn redacted<'t>(text: &'t [u8], pattern: &Pattern, with: &str) -> Cow<'t, [u8]> {
    pattern.regex().replace_all(text, NoExpand(with.as_bytes()))
}

impl Record<'_> {
    /// Replaces all that the pattern matches, in the text and in the members' values.
    pub(super) fn redact(&mut self, pattern: &Pattern, with: &str) {
        self.text = redact_part(self.text, &mut self.made, pattern, with);
        if self.parsed {
            redact_all(&mut self.members, &mut self.made, pattern, with);
        }
    }

    /// Joins the lines of the text.
    pub(super) fn single_line(&mut self, by: &str) {
        let text = self.bytes(self.text);
        if memchr::memchr(b'\n', text).is_none() {
            self.text = trimmed(self.text, &self.made);
            return;
        }
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
        let joined = lines.join(by.as_bytes());
        self.text = self.make(&joined);
    }
}

fn trimmed<'a>(part: Part<'a>, made: &[u8]) -> Part<'a> {
    let text = part.bytes(made);
    let start = text.len() - text.trim_ascii_start().len();
    part.sub(start, start + text.trim_ascii().len())
}

fn redact_part<'a>(part: Part<'a>, made: &mut Vec<u8>, pattern: &Pattern, with: &str) -> Part<'a> {
    match redacted(part.bytes(made), pattern, with) {
        Cow::Borrowed(_) => part,
        Cow::Owned(text) => super::record::make(made, |made| made.extend_from_slice(&text)),
    }
}

fn redact_all(members: &mut [Member<'_>], made: &mut Vec<u8>, pattern: &Pattern, with: &str) {
    for member in members {
        match &mut member.value {
            Value::Null => {}
            Value::Text(part) => *part = redact_part(*part, made, pattern, with),
            Value::Json(part) => {
                if let Some(json) = redact_json(part.bytes(made), pattern, with) {
                    *part = super::record::make(made, |made| made.extend_from_slice(&json));
                }
            }
            Value::Object(members) => redact_all(members, made, pattern, with),
        }
    }
}

/// The strings and numbers of a JSON value redacted, names not; nothing if there is nothing to redact.
fn redact_json(json: &[u8], pattern: &Pattern, with: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut changed = false;
    let mut at = 0;
    while at < json.len() {
        let end = scalar_end(json, at);
        let token = &json[at..end];
        at = end;
        let is_name = token[0] == b'"' && json[at..].trim_ascii_start().starts_with(b":");
        let text = match token[0] {
            b'"' if !is_name => write::unescaped(token),
            b'-' | b'0'..=b'9' => token.into(),
            _ => {
                out.extend_from_slice(token);
                continue;
            }
        };
        match redacted(&text, pattern, with) {
            Cow::Borrowed(_) => out.extend_from_slice(token),
            Cow::Owned(text) => {
                changed = true;
                write::string(&mut out, &text);
            }
        }
    }
    changed.then_some(out)
}

/// Where a string or number ends; one byte of anything else.
fn scalar_end(json: &[u8], start: usize) -> usize {
    match json[start] {
        b'-' | b'0'..=b'9' => {
            let rest = &json[start..];
            let len = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"+-.".contains(byte)));
            start + len.unwrap_or(rest.len())
        }
        _ => write::token_end(json, start),
    }
}
