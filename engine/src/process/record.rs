//! The record that steps work on: a text, and its members once it is parsed. All of it is slices of what was read, of
//! the settings, or of one buffer that is used again for each line.

use std::borrow::Cow;

/// Some bytes of a record.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'a> {
    /// In the read buffer or the settings.
    Held(&'a [u8]),
    /// In the record's own buffer.
    Made {
        /// Where they start.
        start: u32,
        /// Where they end.
        end: u32,
    },
}

/// A member of a record.
#[derive(Clone, Debug)]
pub(super) struct Member<'a> {
    pub(super) name: Part<'a>,
    pub(super) value: Value<'a>,
}

/// A member's value.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Null,
    /// Any bytes.
    Text(Part<'a>),
    /// A JSON value as it was written, known to be one.
    Json(Part<'a>),
    Object(Vec<Member<'a>>),
}

/// A record at work.
#[derive(Debug)]
pub(super) struct Record<'a> {
    /// What would be parsed, without its line end.
    pub(super) text: Part<'a>,
    /// Whether it has members.
    pub(super) parsed: bool,
    pub(super) members: Vec<Member<'a>>,
    pub(super) made: Vec<u8>,
}

impl<'a> Part<'a> {
    /// A part of this part.
    pub(super) fn sub(self, start: usize, end: usize) -> Self {
        match self {
            Self::Held(bytes) => Self::Held(&bytes[start..end]),
            Self::Made { start: from, .. } => {
                Self::Made { start: from + start as u32, end: from + end as u32 }
            }
        }
    }

    /// Its bytes.
    pub(super) fn bytes<'b>(self, made: &'b [u8]) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Self::Held(bytes) => bytes,
            Self::Made { start, end } => &made[start as usize..end as usize],
        }
    }
}

impl<'a> From<&'a str> for Part<'a> {
    fn from(text: &'a str) -> Self {
        Self::Held(text.as_bytes())
    }
}

impl<'a> Value<'a> {
    /// JSON that the settings hold.
    pub(super) fn json(text: &'a str) -> Self {
        Self::Json(text.into())
    }

    /// As text: a string's content, what another value looks like in JSON; nothing for null.
    pub(super) fn text<'b>(&self, made: &'b [u8]) -> Option<Cow<'b, [u8]>>
    where
        'a: 'b,
    {
        match self {
            Self::Null => None,
            Self::Text(part) => Some(part.bytes(made).into()),
            Self::Json(part) => match part.bytes(made) {
                b"null" => None,
                string if string.starts_with(b"\"") => Some(super::write::unescaped(string)),
                other => Some(other.into()),
            },
            Self::Object(members) => {
                let mut out = Vec::new();
                super::write::object(&mut out, made, members);
                Some(out.into())
            }
        }
    }
}

impl<'a> Record<'a> {
    /// No line yet.
    pub(super) fn new() -> Self {
        Self { text: Part::Held(b""), parsed: false, members: Vec::new(), made: Vec::new() }
    }

    /// Begins with a line.
    pub(super) fn begin(&mut self, text: &'a [u8]) {
        self.text = Part::Held(text);
        self.parsed = false;
        self.members.clear();
        self.made.clear();
    }

    /// A part's bytes.
    pub(super) fn bytes<'b>(&'b self, part: Part<'a>) -> &'b [u8]
    where
        'a: 'b,
    {
        part.bytes(&self.made)
    }

    /// Keeps bytes that a step makes.
    pub(super) fn make(&mut self, bytes: &[u8]) -> Part<'a> {
        make(&mut self.made, |made| made.extend_from_slice(bytes))
    }

    /// Its members; a line that is not parsed has one, `message`.
    pub(super) fn members(&mut self) -> &mut Vec<Member<'a>> {
        if !self.parsed {
            self.parsed = true;
            self.members.clear();
            self.members.push(Member { name: "message".into(), value: Value::Text(self.text) });
        }
        &mut self.members
    }

    /// It is this text from now on.
    pub(super) fn become_text(&mut self, text: Part<'a>) {
        self.text = text;
        self.parsed = false;
        self.members.clear();
    }

    /// Where the member of this name is: the last one, if there are several.
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        self.members.iter().rposition(|member| member.name.bytes(&self.made) == name)
    }

    /// Gives a member a value: in its place, or at the end.
    pub(super) fn set(&mut self, name: &'a [u8], value: Value<'a>) {
        self.members();
        match self.find(name) {
            Some(at) => self.members[at].value = value,
            None => self.members.push(Member { name: Part::Held(name), value }),
        }
    }

    /// A member's text; of a line that is not parsed, `message` is the line.
    pub(super) fn field(&self, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        if !self.parsed && name == b"message" {
            return Some(self.bytes(self.text).into());
        }
        self.members[self.find(name)?].value.text(&self.made)
    }
}

/// Appends to a record's own buffer.
pub(super) fn make<'a>(made: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Part<'a> {
    let start = made.len() as u32;
    write(made);
    Part::Made { start, end: made.len() as u32 }
}
