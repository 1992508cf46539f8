//! Bytes to lines to records, with their spans: a pure job over one read buffer.
//!
//! Half lines are not held: the log file is the buffer, and the next read begins at the line's start again. Only of
//! a long one (over [`FrameJob::hold`]) is it remembered how far it was searched, so that no byte is searched for
//! ever; it is read once more when its end, or the limit, is known.
//!
//! NULs are data where something follows them. At the end of a file nobody knows yet: they wait. At the start of a file
//! that was truncated they are a hole, left by a writer that goes on at its old offset, and no part of a line.

use crate::content::{self, WINDOW};
use crate::ids::{CursorId, Span};
use crate::multiline::Joining;
use crate::process::{Buffer, Processing, Program};
use crate::settings::{Line, Oversize};
use crate::state::{Check, Fingerprint, Reason};
use bytes::Bytes;
use std::sync::Arc;

mod cut;
mod position;
#[cfg(test)]
mod tests;

pub use position::{Position, Step};

/// A buffer to cut into records.
#[derive(Clone, Debug)]
pub struct FrameJob {
    /// Whose.
    pub cursor: CursorId,
    /// What was read, from a little before `check.at`.
    pub bytes: Bytes,
    /// The offset of its first byte.
    pub base: u64,
    /// Where the job begins, and what the bytes before it were when they were read last.
    pub check: Check,
    /// What the file's first bytes were when they were read last; empty if nobody knows.
    pub head: Fingerprint,
    /// What the job begins with.
    pub mode: Mode,
    /// Where the bytes end that are known to be of the line that is searched.
    pub data: u64,
    /// Lines still to be skipped as header.
    pub header: u32,
    /// Nothing will follow: what has no newline is a record too.
    pub ended: bool,
    /// The file was truncated, and nothing but NULs was found of it so far: those are no part of a line.
    pub hole: bool,
    /// A half line longer than this is searched on, not read again from its start.
    pub hold: u64,
    /// What a line is.
    pub rules: Rules,
    /// How lines are joined to records; `None`: each is one.
    pub joining: Option<Box<Joining>>,
    /// What is made of the lines; `None`: they are shipped as they are.
    pub process: Option<Box<Processing>>,
}

/// What a line is, for this flow and destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Longest record, in bytes with its newline; at least 2.
    pub limit: u64,
    /// What happens to a longer line.
    pub oversize: Oversize,
}

impl Rules {
    /// The smaller of the flow's limit and what the destination takes.
    pub fn new(line: &Line, payload: u64) -> Self {
        Self { limit: line.max_bytes.min(payload).max(2), oversize: line.oversize }
    }

    /// Whether a line over the limit is cut into pieces before its end is known.
    pub fn splits(self) -> bool {
        matches!(self.oversize, Oversize::Split | Oversize::DeadLetter)
    }
}

/// What a job begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The start of a line.
    Lines,
    /// The inside of a line whose end is looked for.
    Search,
    /// The file's first line, only for the columns that it names.
    Names,
    /// The start of one long line, all of it in the buffer or as much as a record takes. Its end, if known.
    Long {
        /// After its newline.
        end: Option<Check>,
    },
}

/// What came of a [`FrameJob`].
#[derive(Clone, Debug)]
pub struct Framed {
    /// Whose.
    pub cursor: CursorId,
    /// The outcome.
    pub framing: Framing,
}

/// What a buffer turned out to be.
#[derive(Clone, Debug)]
pub enum Framing {
    /// The bytes before the offset are not what they were: another content, with these first bytes as far as they
    /// were read.
    Changed(Fingerprint),
    /// The bytes follow what was read before.
    Same(Box<Cut>),
}

/// A buffer, cut.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The records, and the buffer that holds them.
    pub lines: Lines,
    /// Records for the dead letters.
    pub dead: Vec<Dead>,
    /// Bytes that are not shipped by intent: header lines, and what steps drop.
    pub filtered: Vec<Span>,
    /// How many lines these are.
    pub filtered_lines: u32,
    /// How many lines a step failed on.
    pub failed_lines: u32,
    /// Why it failed on the first of them.
    pub fault: Option<String>,
    /// The flow's steps, when the file's first line was found to name their columns.
    pub program: Option<Arc<Program>>,
    /// Bytes that `oversize` or `on_error` discards.
    pub lost: Vec<(Span, Reason)>,
    /// Where the next line starts.
    pub next: Check,
    /// What is known of that line.
    pub half: Half,
    /// Header lines still to be skipped.
    pub header: u32,
    /// A record of several lines, which begins at `next`, waits for more of them.
    pub open: bool,
    /// Of the file's first bytes, when the buffer begins with them.
    pub head: Option<Fingerprint>,
    /// The offset after the buffer's last byte.
    pub end: u64,
}

/// What is known of an unfinished line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Half {
    /// Read it from its start.
    #[default]
    Short,
    /// It goes on at least to here.
    Searched {
        /// How far it was searched.
        to: Check,
        /// From here on only NULs were found, which may not be of it: none of them is shipped yet.
        data: u64,
    },
    /// It ends here.
    Ends(Check),
    /// It begins here; before are the NULs of a hole.
    Hole(Check),
    /// It is the first of several that make a record, of which so many bytes do not tell the end.
    Joined {
        /// To be read from the record's start on.
        need: u64,
    },
}

/// A record for the dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// The bytes of the file that it is made of.
    pub span: Span,
    /// The record.
    pub data: Bytes,
    /// The rule that refused it.
    pub code: &'static str,
    /// Why, in words.
    pub message: String,
}

/// Records that share a buffer.
#[derive(Clone, Debug)]
pub struct Lines {
    /// Whose.
    pub cursor: CursorId,
    /// The whole buffer.
    pub bytes: Bytes,
    /// Steps made the records; else they are the file's bytes.
    pub made: bool,
    /// The records, in file order.
    pub recs: Vec<Rec>,
}

/// A record in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rec {
    /// Where it starts in the buffer.
    pub start: u32,
    /// Bytes that are shipped.
    pub len: u32,
    /// The offset at which its span starts.
    pub at: u64,
    /// The offset after its span; past its bytes when it was cut.
    pub end: u64,
}

impl Lines {
    /// The bytes of the file that a record acknowledges.
    pub fn span(&self, rec: Rec) -> Span {
        Span::new(rec.at, rec.end)
    }

    /// The record's bytes.
    pub fn data(&self, rec: Rec) -> &[u8] {
        &self.bytes[rec.start as usize..(rec.start + rec.len) as usize]
    }

    /// Whether the record was cut, so that its newline has to be added.
    pub fn is_cut(&self, rec: Rec) -> bool {
        !self.made && rec.at + u64::from(rec.len) != rec.end
    }

    /// Has bytes that are not shipped acknowledged with the record just before them, so that they make no range of
    /// their own. Both are in file order. Returns those that have none before them.
    pub fn absorb(&mut self, spans: Vec<Span>) -> Vec<Span> {
        let mut recs = self.recs.iter_mut().peekable();
        let mut left = Vec::new();
        for span in spans {
            while recs.next_if(|rec| rec.end < span.start).is_some() {}
            match recs.peek_mut() {
                Some(rec) if rec.end == span.start => rec.end = span.end,
                _ => left.push(span),
            }
        }
        left
    }
}

/// A line's text, and its end: a newline, with the carriage return before it.
pub(crate) fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let text = line.strip_suffix(b"\n").map_or(line, |text| text.strip_suffix(b"\r").unwrap_or(text));
    line.split_at(text.len())
}

impl FrameJob {
    /// Cuts the buffer.
    pub fn run(self) -> Framed {
        let cursor = self.cursor;
        if !self.follows() {
            let head = if self.base == 0 { self.head_now() } else { Fingerprint::default() };
            return Framed { cursor, framing: Framing::Changed(head) };
        }
        let mut cut = cut::cut(&self);
        if self.mode == Mode::Names {
            cut.program = self.process.as_ref().map(|process| process.named_by(&self.bytes));
        } else if let Some(process) = &self.process {
            let buffer = Buffer { base: self.base, start: self.check.at, ended: self.ended };
            process.apply(&mut cut, buffer, self.rules.limit);
        }
        Framed { cursor, framing: Framing::Same(Box::new(cut)) }
    }

    fn head_now(&self) -> Fingerprint {
        content::fingerprint(&self.bytes[..self.bytes.len().min(WINDOW)])
    }

    fn follows(&self) -> bool {
        let len = self.check.print.len as usize;
        self.bytes.len() >= len
            && self.base + len as u64 == self.check.at
            && content::fingerprint(&self.bytes[..len]) == self.check.print
            && self.begins_as_before()
    }

    /// At the file's start there is nothing before the offset: its first bytes tell a content that was replaced
    /// before any line of it was complete.
    fn begins_as_before(&self) -> bool {
        let len = self.head.len as usize;
        self.base > 0 || self.bytes.len() < len || content::fingerprint(&self.bytes[..len]) == self.head
    }
}
