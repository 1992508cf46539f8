//! A followed file, and each flow's cursor on it.
//!
//! A cursor's stages:
//!
//! ```text
//! Closed ──found──> Unsaved ──row saved──> Queued ──slot──> Busy ──framed──> Queued (more to read)
//!                      ^                     ^                ├──at its end─> Idle ──notice──> Queued
//!  Seek ──> Found ─────┘ (start_at = "end")  │                └──error──> Failed ──a while──> Queued
//!                                            ├── Stuck (too many ranges) <── Queued
//!                                            └── Waits (strict order) <── Queued
//! ```

pub mod name;
mod names;

pub use names::Names;

use crate::ack::Acked;
use crate::content;
use crate::frame::Position;
use crate::ids::{CursorId, Epoch, FileId, FlowId, HandleId, Span};
use crate::partition::KeyRule;
use crate::process::Program;
use crate::settings;
use crate::state::{Check, CursorRow, FileRow, Fingerprint, Identity};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Least read while a file is followed, in bytes.
pub const SMALL_READ: u64 = 64 * 1024;

/// Largest read while a file is caught up with, in bytes: beyond it nothing is gained.
pub const LARGE_READ: u64 = 512 * 1024;

/// A file, known by its lasting id.
#[derive(Debug)]
pub struct File {
    /// The lasting id.
    pub id: FileId,
    /// Where it was first seen.
    pub first_path: Arc<Path>,
    /// Where it was last seen.
    pub path: Arc<Path>,
    /// The followed names it has now.
    pub names: Names,
    /// The followed names it had when its content was lost.
    pub former_names: Names,
    /// What the kernel calls it.
    pub identity: Identity,
    /// Its first bytes.
    pub head: Fingerprint,
    /// The newest epoch given.
    pub epoch: Epoch,
    /// The open file.
    pub handle: Option<HandleId>,
    /// Bytes at the last look.
    pub size: u64,
    /// Actions asked for before its size was told.
    pub sized: u64,
    /// Wall time of its last write, at the last look.
    pub mtime: i64,
    /// When a change was last seen.
    pub changed: Duration,
    /// Wall time it was last seen.
    pub last_seen: i64,
    /// When it was last read; of an open one seeing its name tells nothing of its content.
    pub last_read: Duration,
    /// Names it has anywhere, at the last look.
    pub links: u64,
    /// Whether its row is in the store, with its newest epoch.
    pub row: Row,
    /// It lost its live name.
    pub ending: Ending,
    /// Complete scans that did not find it.
    pub missed: u32,
    /// Why it cannot be read.
    pub problem: Option<Box<str>>,
    /// One for each flow that follows it.
    pub cursors: Vec<Cursor>,
    /// It may be a copy of another one.
    pub held: Option<Box<Held>>,
    /// Wall time at which its content was seen to be gone from where it was.
    pub lost: Option<i64>,
    /// Bytes at its end that cannot be decoded.
    pub damaged: u64,
    /// Of those that the store knew, which was there first.
    pub rank: u32,
    /// No glob led to the name it was first seen under: it was rotated when it was met.
    pub archived: bool,
}

/// Whether a file's id and epoch, and all its cursors, are in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// No, or something was added since.
    Unsaved,
    /// They are in the transaction that is out.
    Saving,
    /// Yes.
    Saved,
}

/// How far a file is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Under its live name.
    Live,
    /// No longer; read on until it rests.
    Displaced,
    /// It rested: a last read takes its unterminated line too, if its size is still this.
    Closing {
        /// Bytes when it was found at rest.
        size: u64,
    },
    /// Read to its end. It is read on should it grow.
    Finished,
    /// Its content is nowhere. What was read of it is waited for, the rest is on the ledger.
    Gone,
}

/// A flow's place in a file.
#[derive(Debug)]
pub struct Cursor {
    /// The flow.
    pub flow: FlowId,
    /// What the offsets are of.
    pub epoch: Epoch,
    /// What is done with.
    pub acked: Acked,
    /// What is read next.
    pub position: Position,
    /// Most bytes its reads have seen in this epoch: what is known to have existed.
    pub seen: u64,
    /// Line ends that may become the saved check.
    pub checks: VecDeque<Check>,
    /// By which the content is recognised after a restart; never past the prefix.
    pub check: Check,
    /// What it does.
    pub stage: Stage,
    /// Something may have changed since the read that is out.
    pub again: bool,
    /// A record of several lines waits for more of them, or for its time.
    pub open: bool,
    /// Bytes of the next read.
    pub chunk: u64,
    /// How keys are made.
    pub key: KeyRule,
    /// The flow's steps with the columns that the file's first line names.
    pub program: Option<Arc<Program>>,
}

/// What a cursor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The file is not open.
    Closed,
    /// It looks backwards from here for the last newline.
    Seek {
        /// No newline was found from here on.
        to: u64,
    },
    /// The last newline was found, and the file's beginning is read again: it may have been truncated meanwhile.
    Found {
        /// Just after the newline.
        check: Check,
    },
    /// Its place is being saved.
    Unsaved,
    /// At the end, as far as known.
    Idle,
    /// Its last read failed; it is tried again soon, or at a notice.
    Failed,
    /// Wants to read.
    Queued,
    /// A read or a job is out.
    Busy,
    /// Too many acknowledged ranges past the prefix.
    Stuck,
    /// With strict order: another file is to be read before it.
    Waits,
}

impl Stage {
    /// Whether its place is being looked for.
    pub fn is_seeking(self) -> bool {
        matches!(self, Stage::Seek { .. } | Stage::Found { .. })
    }
}

/// A file that may be a copy of another one, whose content may yet be destroyed: until that is known nobody reads it.
#[derive(Debug)]
pub struct Held {
    /// Flows that follow it if it is none.
    pub followers: Vec<FlowId>,
    /// The file that began as it does, when both were looked at.
    pub original: Option<FileId>,
    /// When it was seen to grow last.
    pub since: Duration,
}

impl File {
    /// One of which nothing is known but this. It is not open.
    pub fn new(id: FileId, path: Arc<Path>, identity: Identity, head: Fingerprint, epoch: Epoch) -> Self {
        Self {
            id,
            first_path: path.clone(),
            path,
            names: Names::default(),
            former_names: Names::default(),
            identity,
            head,
            epoch,
            handle: None,
            size: 0,
            sized: 0,
            mtime: 0,
            changed: Duration::ZERO,
            last_seen: 0,
            last_read: Duration::ZERO,
            links: 1,
            row: Row::Unsaved,
            ending: Ending::Live,
            missed: 0,
            problem: None,
            cursors: Vec::new(),
            held: None,
            lost: None,
            damaged: 0,
            rank: 0,
            archived: false,
        }
    }

    /// From its row. It is not open.
    pub fn from_row(row: FileRow) -> Self {
        let path: Arc<Path> = row.path.into();
        let first_path = if row.first_path == *path { Arc::clone(&path) } else { row.first_path.into() };
        Self {
            first_path,
            last_seen: row.last_seen,
            row: Row::Saved,
            ending: if row.finished { Ending::Finished } else { Ending::Live },
            ..Self::new(row.id, path, row.identity, row.head, row.epoch)
        }
    }

    /// Its row.
    pub fn to_row(&self) -> FileRow {
        FileRow {
            id: self.id,
            first_path: self.first_path.to_path_buf(),
            path: self.path.to_path_buf(),
            identity: self.identity,
            head: self.head,
            epoch: self.epoch,
            last_seen: self.last_seen,
            finished: self.ending == Ending::Finished && self.is_acked(),
        }
    }

    /// One more flow follows it; most files have one.
    pub fn add_cursor(&mut self, cursor: Cursor) {
        self.cursors.reserve_exact(1);
        self.cursors.push(cursor);
    }

    /// The flow's cursor.
    pub fn cursor(&mut self, flow: FlowId) -> Option<&mut Cursor> {
        self.cursors.iter_mut().find(|cursor| cursor.flow == flow)
    }

    /// Whether it is under the name it was first seen under, and that is no rotated one.
    pub fn is_live(&self) -> bool {
        self.names.contains(&self.first_path) && self.has_live_name()
    }

    /// Whether the name it was first seen under is no rotated one.
    pub fn has_live_name(&self) -> bool {
        !self.archived && !name::is_rotated(&self.first_path)
    }

    /// Whether it is compressed: its offsets are of its plain text, and it never grows.
    pub fn is_compressed(&self) -> bool {
        name::codec(&self.path).is_some()
    }

    /// Whether it is, or was, known by this name.
    pub fn had_name(&self, path: &Path) -> bool {
        self.all_names().any(|name| **name == *path)
    }

    /// The names that it has, or had.
    pub fn all_names(&self) -> impl Iterator<Item = &Arc<Path>> {
        self.names.iter().chain(&self.former_names).chain([&self.path, &self.first_path])
    }

    /// Whether its content is no longer where it was, and not found yet elsewhere: at most a copy of it is left.
    pub fn is_homeless(&self) -> bool {
        self.identity == Identity::default()
    }

    /// Whether a name looks like one that rotation gave a copy of it.
    pub fn may_be_copied_to(&self, path: &Path) -> bool {
        let copied =
            |name: &Arc<Path>| name::is_copy_of(path, name) || name::is_compressed_copy_of(path, name);
        self.all_names().any(copied)
    }

    /// Whether it begins like this, as far as it is known how it begins.
    pub fn begins(&self, head: &[u8]) -> bool {
        let len = self.head.len as usize;
        len > 0 && head.len() >= len && content::fingerprint(&head[..len]) == self.head
    }

    /// Whether nothing leads to it: it is not open, and has no name.
    pub fn is_closed(&self) -> bool {
        self.handle.is_none() && self.names.is_empty()
    }

    /// Whether one of these flows follows it.
    pub fn is_followed_by_any(&self, flows: &[FlowId]) -> bool {
        self.cursors.iter().any(|cursor| flows.contains(&cursor.flow))
    }

    /// Whether it is not where it was, as far as is known, and more is expected of it.
    pub fn is_missing(&self) -> bool {
        self.is_closed() && !self.is_over()
    }

    /// Whether nothing more is expected of it.
    pub fn is_over(&self) -> bool {
        self.ending == Ending::Gone || self.ending == Ending::Finished && self.is_acked()
    }

    /// Whether any flow knows that it had bytes past these.
    pub fn is_known_past(&self, size: u64) -> bool {
        self.cursors.iter().any(|cursor| cursor.is_known_past(size))
    }

    /// With other content it begins anew under the name that it has, if that is no rotated one.
    pub fn begin_under_its_name(&mut self) {
        if !self.is_live() && self.names.contains(&self.path) && !name::is_rotated(&self.path) {
            self.first_path = self.path.clone();
        }
    }

    /// Whether every byte known of it is done with.
    pub fn is_acked(&self) -> bool {
        self.is_done_to(self.size)
    }

    /// Whether every byte before this one is done with.
    pub fn is_done_to(&self, size: u64) -> bool {
        self.cursors.iter().all(|cursor| cursor.acked.prefix() >= size)
    }

    /// Whether every byte that was read of it is done with.
    pub fn is_answered(&self) -> bool {
        let read = |cursor: &Cursor| Span::new(0, cursor.position.line.at);
        self.cursors.iter().all(|cursor| cursor.acked.covers(read(cursor)))
    }

    /// Whether no cursor has anything to read.
    pub fn is_at_rest(&self) -> bool {
        self.cursors.iter().all(|cursor| matches!(cursor.stage, Stage::Idle | Stage::Closed))
    }
}

impl Cursor {
    /// Whether it had bytes past these, as far as is known.
    pub fn is_known_past(&self, size: u64) -> bool {
        self.seen.max(self.acked.end()) > size
    }

    /// A new flow's or file's cursor.
    pub fn new(flow: FlowId, epoch: Epoch, stage: Stage, key: KeyRule, rules: &settings::Line) -> Self {
        Self {
            flow,
            epoch,
            acked: Acked::default(),
            position: Position::new(Check::default(), rules.skip_header),
            seen: 0,
            checks: VecDeque::new(),
            check: Check::default(),
            stage,
            again: false,
            open: false,
            chunk: SMALL_READ,
            key,
            program: None,
        }
    }

    /// From its row: reading goes on at the check, and what is acknowledged already is not sent again.
    pub fn from_row(flow: FlowId, row: &CursorRow, key: KeyRule, rules: &settings::Line) -> Self {
        let mut cursor = Self::new(flow, row.epoch, Stage::Closed, key, rules);
        cursor.acked = Acked::new(row.prefix, &row.ranges);
        cursor.start_at(row.check);
        cursor.seen = row.seen;
        cursor
    }

    /// Its row.
    pub fn row(&self, flow: String, file: FileId) -> CursorRow {
        CursorRow {
            flow,
            file,
            epoch: self.epoch,
            prefix: self.acked.prefix(),
            ranges: self.acked.ranges().collect(),
            check: self.check,
            seen: self.seen,
        }
    }

    /// Its id.
    pub fn id(&self, file: FileId) -> CursorId {
        CursorId { flow: self.flow, file, epoch: self.epoch }
    }

    /// Reads on from a check.
    pub fn start_at(&mut self, check: Check) {
        let header = if check.at == 0 { self.position.header } else { 0 };
        self.position = Position::new(check, header);
        self.check = check;
        self.checks.clear();
    }

    /// Begins at a check, with all before it done with.
    pub fn skip_to(&mut self, check: Check) {
        self.acked.ack(Span::new(0, check.at));
        self.start_at(check);
    }

    /// Acknowledges a span and moves the check along. Returns the bytes that were not acknowledged before.
    pub fn ack(&mut self, span: Span) -> u64 {
        let fresh = self.acked.ack(span);
        while let Some(check) = self.checks.front().filter(|check| check.at <= self.acked.prefix()) {
            self.check = *check;
            self.checks.pop_front();
        }
        if self.checks.is_empty() {
            // Most files rest most of the time.
            self.checks = VecDeque::new();
        }
        fresh
    }
}
