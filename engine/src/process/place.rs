//! Where a line comes from: what placeholders stand for, and templates filled in.

use super::Program;
use super::record::{Part, Record, Value};
use super::step::{Action, Content, Members};
use super::template::{Kubernetes, Piece, Slot, Template};
use crate::process::record::Member;
use std::path::Path;

/// What is the same for all lines of a job.
#[derive(Debug)]
pub(super) struct Place<'a> {
    program: &'a Program,
    path: &'a Path,
    /// When they are processed, as text.
    timestamp: String,
    /// The named groups of each step's pattern for the path.
    groups: Vec<Vec<(&'a str, &'a [u8])>>,
}

/// One line's place.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub(super) place: &'a Place<'a>,
    /// The step's number.
    pub(super) step: usize,
    /// The line's.
    pub(super) offset: u64,
}

impl<'a> Place<'a> {
    pub(super) fn new(program: &'a Program, path: &'a Path, wall: i64) -> Self {
        let now = jiff::Timestamp::from_nanosecond(wall.into()).unwrap_or_default();
        let groups = program.steps.iter().map(|step| match &step.action {
            Action::Add(members) | Action::Metadata(members) => groups(members, path),
            _ => Vec::new(),
        });
        Self { program, path, timestamp: format!("{now:.3}"), groups: groups.collect() }
    }

    fn kubernetes(&self, part: Kubernetes) -> Option<&'a [u8]> {
        part.of(self.path.to_str()?).map(str::as_bytes)
    }
}

fn groups<'a>(members: &'a Members, path: &'a Path) -> Vec<(&'a str, &'a [u8])> {
    let Some(pattern) = &members.path else { return Vec::new() };
    let Some(found) = pattern.regex().captures(path.as_os_str().as_encoded_bytes()) else {
        return Vec::new();
    };
    let group = |name| found.name(name).map(|group| (name, group.as_bytes()));
    pattern.names().filter_map(group).collect()
}

impl<'a> At<'a> {
    /// A template filled in; nothing if it is one placeholder alone that stands for nothing.
    pub(super) fn fill(self, template: &'a Template, record: &mut Record<'a>) -> Option<Part<'a>> {
        match &template.0[..] {
            [] => Some("".into()),
            [Piece::Text(text)] => Some(text.as_str().into()),
            [Piece::Slot(slot)] => self.slot(slot, record),
            pieces => {
                let mut out = Vec::new();
                for piece in pieces {
                    let part = match piece {
                        Piece::Text(text) => Some(text.as_str().into()),
                        Piece::Slot(slot) => self.slot(slot, record),
                    };
                    out.extend_from_slice(part.map_or(b"", |part| part.bytes(&record.made)));
                }
                Some(record.make(&out))
            }
        }
    }

    fn slot(self, slot: &'a Slot, record: &mut Record<'a>) -> Option<Part<'a>> {
        let Self { place, step, offset } = self;
        let program = place.program;
        Some(match slot {
            Slot::Hostname => program.host.as_str().into(),
            Slot::Flow => program.flow.as_str().into(),
            Slot::Timestamp => place.timestamp.as_str().into(),
            Slot::File => Part::Held(place.path.as_os_str().as_encoded_bytes()),
            Slot::Basename => Part::Held(place.path.file_name()?.as_encoded_bytes()),
            Slot::Offset => record.make(offset.to_string().as_bytes()),
            Slot::Line => record.text,
            Slot::Field(name) => {
                let text = record.field(name.as_bytes())?.into_owned();
                record.make(&text)
            }
            Slot::Path(name) => Part::Held(place.groups[step].iter().find(|(group, _)| group == name)?.1),
            Slot::Kubernetes(part) => Part::Held(place.kubernetes(*part)?),
            Slot::Fact(name) => program.facts.get(name)?.as_str().into(),
        })
    }

    /// Members with their values.
    pub(super) fn members(
        self,
        members: &'a [(String, Content)],
        record: &mut Record<'a>,
    ) -> Vec<Member<'a>> {
        let member = |(name, content): &'a (String, Content)| Member {
            name: Part::from(name.as_str()),
            value: self.content(content, record),
        };
        members.iter().map(member).collect()
    }

    pub(super) fn content(self, content: &'a Content, record: &mut Record<'a>) -> Value<'a> {
        match content {
            Content::Text(template) => self.fill(template, record).map_or(Value::Null, Value::Text),
            Content::Json(json) => Value::json(json),
            Content::Table(members) => Value::Object(self.members(members, record)),
        }
    }
}
