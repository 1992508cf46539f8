//! The steps of a flow: as the engine is told, and what a line is to become, in code of its own.

use crate::text::LineId;
use kintail_engine::process::{Action, Content, Filter, Members, OnError, Parser, Pattern, Step, Template};

/// The steps of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    /// Drop the lines whose number ends with a digit below 4.
    pub(crate) drop: bool,
    pub(crate) make: Make,
    /// Of the step that makes something.
    pub(crate) on_error: OnError,
}

/// What is made of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Make {
    Nothing,
    /// JSON with the line and the flow's name.
    Add,
    /// JSON with the line in two, its number and the rest; fails where the number ends with a digit over 21.
    Parse,
}

/// What becomes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is as it was written.
    Plain,
    /// It is this.
    Made(String),
    Filtered,
    Failed,
}

impl Steps {
    /// No steps.
    pub(crate) const NONE: Self = Self { drop: false, make: Make::Nothing, on_error: OnError::Pass };

    /// As the engine is told.
    pub(crate) fn settings(self) -> Vec<Step> {
        let pattern = |text| Pattern::new(text).expect("a pattern");
        let drop = Action::Drop(Filter { field: None, pattern: pattern("(?s-u)^...[0-3]") });
        let name = Content::Text(Template::parse("{flow}").expect("a template"));
        let make = match self.make {
            Make::Nothing => None,
            Make::Add => Some(Action::Add(Members { members: vec![("x".into(), name)], path: None })),
            Make::Parse => {
                let parser = Parser::Regex(pattern("(?s-u)^(?<id>...[0-9a-l])(?<rest>.*)$"));
                Some(Action::Parse { parser, field: None })
            }
        };
        let drop = self.drop.then_some(Step { action: drop, on_error: OnError::Pass });
        drop.into_iter().chain(make.map(|action| Step { action, on_error: self.on_error })).collect()
    }

    /// Whether lines of this number are dropped.
    pub(crate) fn filters(self, id: LineId) -> bool {
        self.drop && id.0 % 32 < 4
    }

    /// What becomes of a record with this text, a piece of a line of this number, or of an empty line.
    pub(crate) fn fate(self, id: Option<LineId>, text: &[u8], flow: &str, limit: u64) -> Fate {
        if id.is_some_and(|id| self.filters(id)) {
            return Fate::Filtered;
        }
        let json = |bytes: &[u8]| serde_json::Value::from(String::from_utf8_lossy(bytes)).to_string();
        let made = match (self.make, id) {
            (Make::Nothing, _) => return Fate::Plain,
            (Make::Add, _) => format!("{{\"message\":{},\"x\":\"{flow}\"}}", json(text)),
            (Make::Parse, Some(id)) if id.0 % 32 < 22 && text.len() >= 4 => {
                format!("{{\"id\":{},\"rest\":{}}}", json(&text[..4]), json(&text[4..]))
            }
            (Make::Parse, _) => return Fate::Failed,
        };
        if made.len() as u64 + 1 > limit { Fate::Failed } else { Fate::Made(made) }
    }

    /// The text of which this was made, if it was; what is no UTF-8 in it stands as U+FFFD.
    pub(crate) fn unmade(self, record: &[u8]) -> Option<String> {
        let record: serde_json::Value = serde_json::from_slice(record).ok()?;
        let text = |name: &str| Some(record.get(name)?.as_str()?.to_owned());
        match self.make {
            Make::Nothing => None,
            Make::Add => text("message"),
            Make::Parse => Some(text("id")? + &text("rest")?),
        }
    }
}
