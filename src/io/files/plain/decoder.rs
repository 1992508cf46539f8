//! Decodes a compressed file, member after member, from its beginning on.

use super::member::{self, Member, Step, Then};
use super::source::Source;
use super::text::Text;
use kintail_engine::event::{Codec, FileError, PlainEnd};
use std::fmt;
use std::fs::File;

/// Where decoding is, and the last of the plain text before that.
pub(super) struct Decoder {
    codec: Codec,
    source: Source,
    text: Text,
    /// The one that is being decoded.
    member: Option<Box<dyn Member>>,
    /// Where in the file it begins.
    begun: u64,
    /// The last step filled its space: the member may have more text without more input.
    full: bool,
    /// A member was decoded to its end.
    any: bool,
    /// Why decoding does not go on.
    damage: Option<String>,
}

impl Decoder {
    /// At the file's beginning.
    pub(super) fn new(codec: Codec) -> Self {
        Self {
            codec,
            source: Source::new(),
            text: Text::new(),
            member: None,
            begun: 0,
            full: false,
            any: false,
            damage: None,
        }
    }

    /// What was decoded last.
    pub(super) fn text(&self) -> &Text {
        &self.text
    }

    /// Decodes a little more; `false` where that cannot be, as the file is now.
    pub(super) fn advance(&mut self, file: &File) -> Result<bool, FileError> {
        if self.damage.is_some() || !self.full && !self.source.fill(file)? {
            return Ok(false);
        }
        match self.member.take() {
            Some(member) => self.decode(member)?,
            None => self.between()?,
        }
        Ok(true)
    }

    /// What is after the text that could be decoded. `size` is the file's, as it is on the disk.
    pub(super) fn end(&self, size: u64) -> PlainEnd {
        match &self.damage {
            Some(why) => PlainEnd::Damaged { bytes: size.saturating_sub(self.begun), why: why.clone() },
            None if self.any && self.member.is_none() => PlainEnd::Whole,
            None => PlainEnd::Unfinished,
        }
    }

    /// Begins a member, or skips padding, with what is held of the file.
    fn between(&mut self) -> Result<(), FileError> {
        if self.any && member::is_padded(self.codec) {
            let zeros = self.source.bytes().iter().take_while(|byte| **byte == 0).count();
            self.source.take(zeros);
        }
        let Some(first) = self.source.bytes().first() else { return Ok(()) };
        self.begun = self.source.offset();
        if member::may_begin(self.codec, *first) {
            self.member = Some(member::begin(self.codec).ok_or_else(no_memory)?);
        } else {
            self.damage = Some("no member of its format begins here".into());
        }
        Ok(())
    }

    fn decode(&mut self, mut member: Box<dyn Member>) -> Result<(), FileError> {
        let space = self.text.space();
        let most = space.len();
        let Step { taken, given, then } = member.step(self.source.bytes(), space);
        let stuck = !self.full && taken == 0 && given == 0;
        self.source.take(taken);
        self.text.add(given);
        self.full = given == most;
        match then {
            Then::More if stuck => self.damage = Some("decoding does not go on".into()),
            Then::More => self.member = Some(member),
            Then::End => (self.any, self.full) = (true, false),
            Then::Damage(why) => self.damage = Some(why),
            Then::NoMemory => return Err(no_memory()),
        }
        Ok(())
    }
}

fn no_memory() -> FileError {
    FileError::Other("no memory to decode it".into())
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("codec", &self.codec)
            .field("text", &self.text.end())
            .field("begun", &self.begun)
            .field("damage", &self.damage)
            .finish_non_exhaustive()
    }
}
