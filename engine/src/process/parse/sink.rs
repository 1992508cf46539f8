//! Where parsers put what they find.

use crate::process::record::{Member, Part, Value, make};

/// Takes the members of one text.
pub(in crate::process) struct Sink<'a, 'w> {
    /// What is parsed.
    text: Part<'a>,
    /// Where its first byte is.
    base: usize,
    made: &'w mut Vec<u8>,
    members: &'w mut Vec<Member<'a>>,
}

impl<'a, 'w> Sink<'a, 'w> {
    /// For `text`, whose bytes the parser is given.
    pub(in crate::process) fn new(
        text: Part<'a>,
        bytes: &[u8],
        made: &'w mut Vec<u8>,
        members: &'w mut Vec<Member<'a>>,
    ) -> Self {
        Self { text, base: bytes.as_ptr().addr(), made, members }
    }

    /// A slice of the text.
    pub(super) fn part(&self, slice: &[u8]) -> Part<'a> {
        let start = slice.as_ptr().addr() - self.base;
        self.text.sub(start, start + slice.len())
    }

    /// Bytes that are not in the text as they should be.
    pub(super) fn make(&mut self, bytes: &[u8]) -> Part<'a> {
        make(self.made, |made| made.extend_from_slice(bytes))
    }

    /// A member.
    pub(super) fn push(&mut self, name: Part<'a>, value: Value<'a>) {
        self.members.push(Member { name, value });
    }

    /// A member whose value is a slice of the text.
    pub(super) fn text(&mut self, name: &'static str, slice: &[u8]) {
        self.push(name.into(), Value::Text(self.part(slice)));
    }

    /// The same; null if there is none.
    pub(super) fn option(&mut self, name: &'static str, slice: Option<&[u8]>) {
        let value = slice.map_or(Value::Null, |slice| Value::Text(self.part(slice)));
        self.push(name.into(), value);
    }

    /// Makes the last member of this name plain text and cuts it to the length that is told of it.
    pub(super) fn shorten(&mut self, name: &[u8], len: impl Fn(&[u8]) -> usize) -> Option<()> {
        let made = &*self.made;
        let at = self.members.iter().rposition(|member| member.name.bytes(made) == name)?;
        let value = &self.members[at].value;
        let part = match value {
            Value::Text(part) => *part,
            Value::Json(json) if json.bytes(made).starts_with(b"\"") => {
                let text = value.text(made)?.into_owned();
                self.make(&text)
            }
            _ => return None,
        };
        let len = len(part.bytes(self.made));
        self.members[at].value = Value::Text(part.sub(0, len));
        Some(())
    }

    /// The text of a member that a parser finds in a part of the text.
    pub(super) fn text_in(
        &mut self,
        part: &[u8],
        name: &[u8],
        parse: impl FnOnce(&[u8], &mut Sink<'a, '_>) -> Option<()>,
    ) -> Option<Vec<u8>> {
        let mut members = Vec::new();
        let text = self.part(part);
        parse(part, &mut Sink::new(text, part, self.made, &mut members))?;
        let member = members.iter().rfind(|member| member.name.bytes(self.made) == name)?;
        Some(member.value.text(self.made)?.into_owned())
    }

    /// Adds to the text of the last member of this name.
    pub(super) fn append(&mut self, name: &[u8], more: &[u8]) -> Option<()> {
        let made = &*self.made;
        let at = self.members.iter().rposition(|member| member.name.bytes(made) == name)?;
        let text = [&*self.members[at].value.text(made)?, more].concat();
        self.members[at].value = Value::Text(self.make(&text));
        Some(())
    }

    /// Members whose values are slices of the text; `-` is null.
    pub(super) fn dashed(&mut self, names: &[&'static str], slices: &[&[u8]]) {
        for (name, slice) in names.iter().zip(slices) {
            self.option(name, Some(*slice).filter(|slice| *slice != b"-"));
        }
    }
}
