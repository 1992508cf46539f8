//! The names of things: flows, files, epochs, actions, handles, and the spans of bytes they are about.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A flow of the running agent: its place in the configuration. The store knows a flow by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u32);

/// Drawn at random whenever an agent starts: what it numbers under it can never have been numbered before, whatever
/// became of the store meanwhile (a power cut, a full disk, a copy from yesterday).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub u64);

/// A file's lasting id: given at first sight, kept through renames, restarts and changes of its name.
///
/// Written as `RUN-NUMBER`, also in JSON, where a number of 64 bits would be rounded by many readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FileId {
    /// The run in which the file was first seen.
    pub run: RunId,
    /// Counted up within the run, from 1.
    pub number: u64,
}

impl FileId {
    /// No id comes before it.
    pub const FIRST: Self = Self { run: RunId(0), number: 0 };
}

/// One life of a file's content: a truncation (or other content under the same id) begins the next.
///
/// Written as `RUN.NUMBER`, also in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Epoch {
    /// The run in which the epoch began.
    pub run: RunId,
    /// Counted up within the file. From 0; from 1 where the inode had another content before.
    pub number: u32,
}

impl Epoch {
    /// Of a file's first content.
    pub fn first(run: RunId) -> Self {
        Self { run, number: 0 }
    }

    /// Of a content that took another's place.
    pub fn after_another(run: RunId) -> Self {
        Self { run, number: 1 }
    }

    /// Whether something was there before.
    pub fn is_after_another(self) -> bool {
        self.number > 0
    }
}

/// What an answer is matched by; counted up for the whole life of an engine, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub u64);

/// An open file, as the engine named it in [`crate::event::Do::Open`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandleId(pub u64);

/// A question from outside (the status socket, a signal), answered by [`crate::event::Do::Reply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// What offsets, ledger and record ids hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CursorId {
    /// The flow that reads.
    pub flow: FlowId,
    /// The file it reads.
    pub file: FileId,
    /// The file's epoch.
    pub epoch: Epoch,
}

/// Bytes `start..end` of one epoch of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u64,
    /// Offset after the last byte.
    pub end: u64,
}

impl Span {
    /// The span `start..end`.
    pub const fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    /// Bytes in it.
    pub const fn len(self) -> u64 {
        self.end - self.start
    }

    /// Whether it holds nothing.
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.run.0, self.number)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}", self.run.0, self.number)
    }
}

/// A text that is no id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: {0:?}")]
pub struct NotAnId(String);

impl FromStr for FileId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let (run, number) = parse(text, '-').ok_or_else(|| NotAnId(text.into()))?;
        Ok(Self { run, number })
    }
}

impl FromStr for Epoch {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let (run, number) = parse(text, '.').ok_or_else(|| NotAnId(text.into()))?;
        Ok(Self { run, number })
    }
}

/// A run's id in hex, a mark, a decimal number.
fn parse<N: FromStr>(text: &str, mark: char) -> Option<(RunId, N)> {
    let (run, number) = text.split_once(mark)?;
    Some((RunId(u64::from_str_radix(run, 16).ok()?), number.parse().ok()?))
}

impl From<FileId> for String {
    fn from(id: FileId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for FileId {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, NotAnId> {
        text.parse()
    }
}

impl From<Epoch> for String {
    fn from(epoch: Epoch) -> Self {
        epoch.to_string()
    }
}

impl TryFrom<String> for Epoch {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, NotAnId> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_as_they_are_written() {
        let file = FileId { run: RunId(u64::MAX), number: u64::MAX };
        let epoch = Epoch { run: RunId(0x1f), number: 7 };
        assert_eq!(file.to_string().parse(), Ok(file));
        assert_eq!(epoch.to_string(), "000000000000001f.7");
        assert_eq!(epoch.to_string().parse(), Ok(epoch));
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in ["", "-", "1", "1-", "x-1", "1-x", "1.2", "-1-1", "11111111111111111-1"] {
            assert!(text.parse::<FileId>().is_err(), "{text}");
        }
    }
}
