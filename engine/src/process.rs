//! `[[flow.process]]`: steps that make a record of a line, in order. Pure: what needs io comes in as text.
//!
//! A step works on a record (`process/record.rs`): a text, and members once it is parsed, all of them slices of the read buffer
//! where that serves. What is left after the last step is written into a buffer of the job: members as JSON, else the
//! text. `apply` does that for all records of a buffer.

mod apply;
mod edit;
mod kinesis_agent;
mod parse;
mod pattern;
mod place;
mod record;
mod step;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod write;

pub(crate) use apply::Buffer;
pub use apply::Processing;
pub use kinesis_agent::{AgentFormat, Conversion, Form, JavaError, JavaPattern, Json};
pub use parse::{Csv, FormatError, LogFormat, Parser};
pub use pattern::{Pattern, PatternError};
pub use step::{Action, Content, Filter, Members, OnError, Output, Step, Time, Type, is_time_format, zone};
pub use template::{Kubernetes, PLACEHOLDERS, Slot, Template, TemplateError};

use crate::settings::{Agent, Flow};
use place::At;
use record::{Member, Part, Record, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A flow's steps, and what they know of the agent.
#[derive(Debug)]
pub struct Program {
    steps: Vec<Step>,
    flow: String,
    host: String,
    facts: BTreeMap<String, String>,
}

/// Why a step failed on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("not {0}")]
    Shape(&'static str),
    #[error("there is no text to parse in that member")]
    NoText,
    #[error("an option of the Kinesis Agent could not convert it")]
    Conversion,
    #[error("a member's text is not of its type")]
    Type,
    #[error("the record is longer than the limit")]
    TooLong,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Ship,
    /// A filter dropped it.
    Filtered,
    /// The step of this number failed.
    Failed(usize, Fault),
}

impl Program {
    /// A flow's; `None` if it has no steps.
    pub fn new(flow: &Flow, agent: &Agent) -> Option<Arc<Self>> {
        (!flow.process.is_empty()).then(|| {
            Arc::new(Self {
                steps: flow.process.clone(),
                flow: flow.name.clone(),
                host: agent.host.clone(),
                facts: agent.facts.clone(),
            })
        })
    }

    /// Whether a file's first line names its columns, and has not yet.
    pub fn awaits_names(&self) -> bool {
        self.steps.iter().any(|step| awaited(step).is_some())
    }

    /// The same, with the columns that a file's first line names.
    fn named_by(&self, line: &[u8]) -> Self {
        let named = |step: &Step| match awaited(step) {
            Some((csv, field)) => {
                let parser = Parser::Csv(csv.named_by(line));
                Step { action: Action::Parse { parser, field: field.clone() }, ..step.clone() }
            }
            None => step.clone(),
        };
        Self {
            steps: self.steps.iter().map(named).collect(),
            flow: self.flow.clone(),
            host: self.host.clone(),
            facts: self.facts.clone(),
        }
    }

    /// The options of the Kinesis Agent, if that is what the steps are.
    fn chain(&self) -> Option<impl Iterator<Item = &Conversion>> {
        let mut chain = self.steps.iter().map_while(|step| match &step.action {
            Action::KinesisAgent(conversion) => Some(conversion),
            _ => None,
        });
        // There is one only where all are such.
        let first = chain.next()?;
        Some(std::iter::once(first).chain(chain))
    }

    /// Takes a record through all steps.
    fn run<'a>(&'a self, record: &mut Record<'a>, at: At<'a>, mtime: i64) -> Fate {
        for (number, step) in self.steps.iter().enumerate() {
            match record.step(&step.action, At { step: number, ..at }, mtime) {
                Ok(true) => {}
                Ok(false) => return Fate::Filtered,
                Err(fault) => return Fate::Failed(number, fault),
            }
        }
        Fate::Ship
    }

    /// The line as it is shipped where a step failed: as it was read, but that what is to be taken out is.
    fn original<'l>(&self, line: &'l [u8]) -> Cow<'l, [u8]> {
        let mut line = Cow::Borrowed(line);
        for step in &self.steps {
            if let Action::Redact { pattern, with } = &step.action
                && let Cow::Owned(changed) = text::redacted(&line, pattern, with)
            {
                line = Cow::Owned(changed);
            }
        }
        line
    }

    /// The last step's, for a record that came out too long.
    fn last(&self) -> usize {
        self.steps.len().saturating_sub(1)
    }
}

/// The CSV whose columns a step does not know yet.
fn awaited(step: &Step) -> Option<(&Csv, &Option<String>)> {
    match &step.action {
        Action::Parse { parser: Parser::Csv(csv), field } if csv.columns.is_empty() => Some((csv, field)),
        _ => None,
    }
}

impl<'a> Record<'a> {
    /// Does a step. Returns whether the record is kept.
    fn step(&mut self, action: &'a Action, at: At<'a>, mtime: i64) -> Result<bool, Fault> {
        match action {
            Action::Parse { parser, field } => self.parse(parser, field.as_deref())?,
            Action::Types(types) => self.convert(types, mtime)?,
            Action::Add(members) => self.add(&members.members, at),
            Action::Rename(names) => names.iter().for_each(|(from, to)| self.rename(from, to)),
            Action::Remove(names) => names.iter().for_each(|name| self.remove(name.as_bytes())),
            Action::Nest(nests) => nests.iter().for_each(|(name, names)| self.nest(name, names)),
            Action::Flatten(names) => names.iter().for_each(|name| self.flatten(name.as_bytes())),
            Action::Keep(filter) => return Ok(self.matches(filter)),
            Action::Drop(filter) => return Ok(!self.matches(filter)),
            Action::Redact { pattern, with } => self.redact(pattern, with),
            Action::SingleLine(by) => self.single_line(by),
            Action::TruncateField { field, bytes } => self.truncate(field.as_bytes(), *bytes as usize),
            Action::Sample(share) => return Ok(self.sampled(*share, at.offset)),
            Action::Metadata(members) => self.wrap(&members.members, at),
            Action::Output(output) => self.output(output, at),
            // They work on the record with its newline, all of them at once.
            Action::KinesisAgent(_) => {}
        }
        Ok(true)
    }

    fn parse(&mut self, parser: &'a Parser, field: Option<&str>) -> Result<(), Fault> {
        let Some(field) = field else {
            let Self { text, made, members, .. } = self;
            members.clear();
            self.parsed = true;
            return parsed(parser, *text, made, members).ok_or(Fault::Shape(parser.wants()));
        };
        self.members();
        let at = self.find(field.as_bytes()).ok_or(Fault::NoText)?;
        let from = match &self.members[at].value {
            Value::Text(part) => *part,
            other => {
                let text = other.text(&self.made).ok_or(Fault::NoText)?.into_owned();
                self.make(&text)
            }
        };
        let new = self.parsed_by(parser, from).ok_or(Fault::Shape(parser.wants()))?;
        self.replace(at, new);
        Ok(())
    }

    /// The members that a parser finds in a part.
    fn parsed_by(&mut self, parser: &'a Parser, from: Part<'a>) -> Option<Vec<Member<'a>>> {
        let mut new = Vec::new();
        parsed(parser, from, &mut self.made, &mut new)?;
        Some(new)
    }

    fn convert(&mut self, types: &[(String, Type)], mtime: i64) -> Result<(), Fault> {
        self.members();
        for (name, to) in types {
            let Some(at) = self.find(name.as_bytes()) else { continue };
            let value = types::convert(&self.members[at].value, to, &mut self.made, mtime);
            self.members[at].value = value.ok_or(Fault::Type)?;
        }
        Ok(())
    }

    fn add(&mut self, members: &'a [(String, Content)], at: At<'a>) {
        self.members();
        for (name, content) in members {
            let value = at.content(content, self);
            self.set(name.as_bytes(), value);
        }
    }

    fn matches(&self, filter: &Filter) -> bool {
        let regex = filter.pattern.regex();
        match &filter.field {
            None => regex.is_match(self.bytes(self.text)),
            Some(name) => self.field(name.as_bytes()).is_some_and(|text| regex.is_match(&text)),
        }
    }

    /// By the line and where it is, so that a line that is read again is decided alike.
    fn sampled(&self, share: f64, offset: u64) -> bool {
        const RANGE: f64 = (1u64 << 53) as f64;
        let hash = xxh3_64_with_seed(self.bytes(self.text), offset);
        ((hash >> 11) as f64) < share * RANGE
    }

    fn wrap(&mut self, members: &'a [(String, Content)], at: At<'a>) {
        let metadata = Value::Object(at.members(members, self));
        let data = if self.parsed {
            Value::Object(std::mem::take(&mut self.members))
        } else {
            Value::Text(self.text)
        };
        self.parsed = true;
        self.members = vec![
            Member { name: "metadata".into(), value: metadata },
            Member { name: "data".into(), value: data },
        ];
    }

    fn output(&mut self, output: &'a Output, at: At<'a>) {
        match output {
            Output::Json => drop(self.members()),
            Output::Original => self.become_text(self.text),
            Output::Template(template) => {
                let text = at.fill(template, self).unwrap_or_else(|| "".into());
                self.become_text(text);
            }
        }
    }
}

fn parsed<'a>(
    parser: &'a Parser,
    from: Part<'a>,
    made: &mut Vec<u8>,
    to: &mut Vec<Member<'a>>,
) -> Option<()> {
    match from {
        Part::Held(bytes) => parser.parse(bytes, &mut parse::Sink::new(from, bytes, made, to)),
        Part::Made { .. } => {
            // What a parser makes goes to the same buffer.
            let copy = from.bytes(made).to_vec();
            parser.parse(&copy, &mut parse::Sink::new(from, &copy, made, to))
        }
    }
}
