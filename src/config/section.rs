//! A table as it was written, checked by the schema: values with their places, defaults filled in.

use super::diagnostic::Spot;
use std::collections::BTreeMap;
use std::time::Duration;

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Section {
    /// Its header, or the braces of an inline table.
    pub(super) spot: Spot,
    pub(super) values: BTreeMap<&'static str, Value>,
    /// Of the keys that were written.
    pub(super) places: BTreeMap<&'static str, Places>,
}

/// Where a key was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Places {
    pub(super) key: Spot,
    pub(super) value: Spot,
}

/// A value of the kind that the schema names.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// With variables replaced.
    Text(String),
    Bool(bool),
    Count(u64),
    /// In bytes.
    Size(u64),
    Time(Duration),
    Never,
    /// One of the schema's choices.
    Word(&'static str),
    /// Each with its place.
    Texts(Vec<(String, Spot)>),
    Table(Section),
    Tables(Vec<Section>),
    /// What its feature understands.
    Any(Node),
    /// Wrong, and already noted as such.
    Faulty,
}

/// A value whose form its feature knows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) spot: Spot,
    pub(super) what: What,
}

/// What it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// With variables replaced.
    Text(String),
    Bool(bool),
    Integer(i64),
    Float(f64),
    List(Vec<Node>),
    /// Names with their places, in the order in which they were written.
    Table(Vec<(String, Spot, Node)>),
    /// A time, or a number that is too large.
    Other,
}

/// The getters are called with the names and kinds of the schema, which fills in every default.
impl Section {
    /// Where a key was written, if it was.
    pub(super) fn written(&self, name: &str) -> Option<&Places> {
        self.places.get(name)
    }

    /// Where to point at when a value is wrong: at it, or at the table when it is a default.
    pub(super) fn spot(&self, name: &str) -> Spot {
        self.written(name).map_or_else(|| self.spot.clone(), |places| places.value.clone())
    }

    /// Whether the value was already noted as wrong.
    pub(super) fn faulty(&self, name: &str) -> bool {
        self.values.get(name) == Some(&Value::Faulty)
    }

    /// A string; `None` when empty or not given.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A list of strings, each with its place.
    pub(super) fn texts(&self, name: &str) -> &[(String, Spot)] {
        match self.values.get(name) {
            Some(Value::Texts(texts)) => texts,
            _ => &[],
        }
    }

    /// Whether it is `true`.
    pub(super) fn is(&self, name: &str) -> bool {
        self.values.get(name) == Some(&Value::Bool(true))
    }

    /// A number with a default.
    pub(super) fn count(&self, name: &str) -> u64 {
        match self.values.get(name) {
            Some(Value::Count(count)) => *count,
            other => unreachable!("{name} has no count: {other:?}"),
        }
    }

    /// A size with a default, in bytes; `None`: never.
    pub(super) fn size(&self, name: &str) -> Option<u64> {
        match self.values.get(name) {
            Some(Value::Size(bytes)) => Some(*bytes),
            Some(Value::Never) => None,
            other => unreachable!("{name} has no size: {other:?}"),
        }
    }

    /// A duration; `None`: never, or not given.
    pub(super) fn time(&self, name: &str) -> Option<Duration> {
        match self.values.get(name) {
            Some(Value::Time(time)) => Some(*time),
            _ => None,
        }
    }

    /// The chosen word.
    pub(super) fn word(&self, name: &str) -> &'static str {
        match self.values.get(name) {
            Some(Value::Word(word)) => word,
            other => unreachable!("{name} has no word: {other:?}"),
        }
    }

    /// What its feature understands, if it was written.
    pub(super) fn any(&self, name: &str) -> Option<&Node> {
        match self.values.get(name) {
            Some(Value::Any(node)) => Some(node),
            _ => None,
        }
    }

    /// The chosen word, of a key without a default.
    pub(super) fn chosen(&self, name: &str) -> Option<&'static str> {
        match self.values.get(name) {
            Some(Value::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// A table, written or made of defaults.
    pub(super) fn table(&self, name: &str) -> &Section {
        match self.values.get(name) {
            Some(Value::Table(section)) => section,
            other => unreachable!("{name} is no table: {other:?}"),
        }
    }

    /// A list of tables.
    pub(super) fn tables(&self, name: &str) -> &[Section] {
        match self.values.get(name) {
            Some(Value::Tables(sections)) => sections,
            _ => &[],
        }
    }
}
