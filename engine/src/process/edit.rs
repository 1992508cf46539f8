//! Steps on members: rename, remove, nest, flatten, `truncate_field`, and the members of a parsed text.

use super::record::{Member, Part, Record, Value};
use std::collections::BTreeSet;

impl<'a> Record<'a> {
    /// Gives a member another name; one that has it already goes.
    pub(super) fn rename(&mut self, from: &str, to: &'a str) {
        self.members();
        let Some(at) = self.find(from.as_bytes()) else { return };
        let made = &self.made;
        let mut index = 0..;
        self.members.retain_mut(|member| {
            if index.next() == Some(at) {
                member.name = to.into();
                return true;
            }
            ![from.as_bytes(), to.as_bytes()].contains(&member.name.bytes(made))
        });
    }

    /// Removes all members of a name.
    pub(super) fn remove(&mut self, name: &[u8]) {
        self.members();
        let made = &self.made;
        self.members.retain(|member| member.name.bytes(made) != name);
    }

    /// Puts members below another, in their order; with what is there, if that has members.
    pub(super) fn nest(&mut self, name: &'a str, names: &[String]) {
        self.members();
        let made = &self.made;
        let moves = |member: &Member<'_>| names.iter().any(|name| member.name.bytes(made) == name.as_bytes());
        let (below, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.members).into_iter().partition(moves);
        self.members = rest;
        if below.is_empty() {
            return;
        }
        let at = self.find(name.as_bytes());
        if let Some(Value::Object(members)) = at.map(|at| &mut self.members[at].value) {
            members.extend(below);
        } else {
            self.set(name.as_bytes(), Value::Object(below));
        }
    }

    /// Puts a member's own members in its place; one that has none stays.
    pub(super) fn flatten(&mut self, name: &[u8]) {
        self.members();
        let Some(at) = self.find(name) else { return };
        let below = match &mut self.members[at].value {
            Value::Object(members) => Some(std::mem::take(members)),
            Value::Json(json) => {
                let json = *json;
                self.object(json)
            }
            Value::Null | Value::Text(_) => None,
        };
        if let Some(below) = below {
            self.replace(at, below);
        }
    }

    /// The members of JSON that is an object.
    fn object(&mut self, json: Part<'a>) -> Option<Vec<Member<'a>>> {
        self.bytes(json).starts_with(b"{").then_some(())?;
        self.parsed_by(&super::parse::Parser::Json, json)
    }

    /// Puts members in the place of one; others of the same names go.
    pub(super) fn replace(&mut self, at: usize, new: Vec<Member<'a>>) {
        let made = &self.made;
        let names: BTreeSet<&[u8]> = new.iter().map(|member| member.name.bytes(made)).collect();
        let mut new = Some(new);
        let mut members = Vec::with_capacity(self.members.len());
        for (index, member) in std::mem::take(&mut self.members).into_iter().enumerate() {
            if index == at {
                members.extend(new.take().unwrap_or_default());
            } else if !names.contains(member.name.bytes(made)) {
                members.push(member);
            }
        }
        self.members = members;
    }

    /// Cuts a member's text to at most so many bytes, at the end of a character where it is text.
    pub(super) fn truncate(&mut self, name: &[u8], bytes: usize) {
        self.members();
        let Some(at) = self.find(name) else { return };
        let value = &self.members[at].value;
        let part = match value {
            Value::Text(part) => *part,
            Value::Json(part) if self.bytes(*part).starts_with(b"\"") => {
                let text = value.text(&self.made).unwrap_or_default().into_owned();
                self.make(&text)
            }
            _ => return,
        };
        let text = self.bytes(part);
        if text.len() > bytes {
            let cut = (bytes.saturating_sub(3)..=bytes).rev().find(|at| text[*at] & 0xc0 != 0x80);
            self.members[at].value = Value::Text(part.sub(0, cut.unwrap_or(bytes)));
        }
    }
}
