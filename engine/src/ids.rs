//! The names of things: flows, files, epochs, actions, handles, and the spans of bytes they are about.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A flow of the running agent: its place in the configuration. The store knows a flow by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u32);

/// Drawn at random when a store is made, and again when it comes back from its copy, so that numbers given
/// under it can never have been given before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StoreId(pub u64);

/// A file's lasting id: given at first sight, kept through renames, restarts and changes of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId {
    /// The store under which the file was first seen.
    pub store: StoreId,
    /// Counted up within the store, from 1.
    pub number: u64,
}

/// One life of a file's content: a truncation (or other content under the same id) begins the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch {
    /// The store under which the epoch began.
    pub store: StoreId,
    /// Counted up within the file, from 0.
    pub number: u32,
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
        write!(f, "{:016x}-{}", self.store.0, self.number)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}", self.store.0, self.number)
    }
}
