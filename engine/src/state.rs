//! What the store holds between runs: rows in, rows out. How they are laid out on disk is the store's affair.

use crate::ids::{Epoch, FileId, Span};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything that was saved, as [`crate::event::Do::Load`] brings it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Saved {
    /// The last boot in which each saved file was met or looked for; another one now means a reboot.
    pub boot_id: String,
    /// Known flows.
    pub flows: Vec<FlowRow>,
    /// Known files.
    pub files: Vec<FileRow>,
    /// Known positions.
    pub cursors: Vec<CursorRow>,
    /// What is known to be missing.
    pub ledger: Vec<LedgerRow>,
}

/// A flow that once ran. Its key is the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRow {
    /// The flow's name.
    pub name: String,
    /// Its globs at the last look: files that match only a later, wider one follow `start_at` too.
    pub files: Vec<String>,
    /// Wall time of the last look whose findings are saved, in nanoseconds since the epoch.
    pub last_look: i64,
    /// Lines that a truncation or deletion may have destroyed unseen: events counted.
    pub possible_losses: u64,
}

/// A file, by its lasting id, and all by which it is found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// The lasting id; the key.
    pub id: FileId,
    /// Where it was first seen (`{file}`, and the `file` partition key).
    pub first_path: PathBuf,
    /// Where it was last seen.
    pub path: PathBuf,
    /// What the kernel calls it.
    pub identity: Identity,
    /// Its first bytes.
    pub head: Fingerprint,
    /// Its newest epoch.
    pub epoch: Epoch,
    /// Wall time it was last seen under any name, in nanoseconds since the epoch.
    pub last_seen: i64,
    /// It lost its live name and was read to its end.
    pub finished: bool,
}

/// What the kernel calls a file. Equal identities are the same file only if the content agrees as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Birth time in nanoseconds since the epoch; 0 where the file system has none.
    pub btime: i64,
}

/// A hash of `len` bytes of content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Bytes hashed, at most 1 KiB.
    pub len: u32,
    /// XXH3-64 of them.
    pub hash: u64,
}

/// A fingerprint of the bytes just before an offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The offset after the last byte hashed.
    pub at: u64,
    /// Of the bytes before it.
    pub print: Fingerprint,
}

/// A flow's position in a file. Its key is (flow, file, epoch). The row of an epoch that ended stays until all
/// that was read of it is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorRow {
    /// The flow's name.
    pub flow: String,
    /// The file.
    pub file: FileId,
    /// The epoch the offsets are of.
    pub epoch: Epoch,
    /// Every byte before it is acknowledged.
    pub prefix: u64,
    /// Acknowledged ranges past the prefix: sorted, apart, not empty, at most 1,024 before reading waits.
    pub ranges: Vec<Span>,
    /// By which the content is recognised; never past the prefix.
    pub check: Check,
    /// The epoch's size at the last look: what is known to exist.
    pub seen: u64,
}

/// What is known to be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The flow's name.
    pub flow: String,
    /// The file.
    pub file: FileId,
    /// Its epoch.
    pub epoch: Epoch,
    /// Where the file was last seen.
    #[serde(with = "crate::json::path")]
    pub path: PathBuf,
    /// The bytes.
    pub span: Span,
    /// Why they are missing.
    pub reason: Reason,
    /// Wall time in nanoseconds since the epoch.
    pub time: i64,
}

/// Why bytes were not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// `oversize = "truncate"` cut them off.
    Truncated,
    /// `oversize = "drop"` dropped the line.
    Oversize,
    /// A step of `[[flow.process]]` failed, and its `on_error = "drop"` dropped the line.
    OnError,
    /// They were written, seen, and gone before they could be read.
    FileTruncated,
    /// The file was gone with bytes outstanding.
    FileGone,
    /// The file was deleted, and more was unread than `hold_deleted` holds.
    DeletedUnread,
    /// A compressed file could not be decoded from there on; so many bytes of it on the disk.
    Damaged,
    /// Only NULs, at the start of a file that was truncated: its writer goes on at its old offset.
    Hole,
    /// A dead letter was cleared by hand.
    DeadLetterCleared,
    /// The user moved the offset past them.
    OffsetSet,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 10] = [
        Self::Truncated,
        Self::Oversize,
        Self::OnError,
        Self::FileTruncated,
        Self::FileGone,
        Self::DeletedUnread,
        Self::Damaged,
        Self::Hole,
        Self::DeadLetterCleared,
        Self::OffsetSet,
    ];

    /// Its name in the store, in JSON and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Oversize => "oversize",
            Self::OnError => "on_error",
            Self::FileTruncated => "file_truncated",
            Self::FileGone => "file_gone",
            Self::DeletedUnread => "deleted_unread",
            Self::Damaged => "damaged",
            Self::Hole => "hole",
            Self::DeadLetterCleared => "dead_letter_cleared",
            Self::OffsetSet => "offset_set",
        }
    }

    /// The reason of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// One change of the store. A transaction applies all or none.
#[derive(Clone, Debug, PartialEq)]
pub enum Put {
    /// Insert or replace by name.
    Flow(FlowRow),
    /// Forget a flow with its cursors.
    ForgetFlow(String),
    /// Rename a flow and all that hangs on its name.
    RenameFlow {
        /// The old name.
        from: String,
        /// The new one.
        to: String,
    },
    /// Insert or replace by id.
    File(FileRow),
    /// Forget a file with its cursors (its ledger stays).
    ForgetFile(FileId),
    /// Insert or replace by (flow, file, epoch).
    Cursor(CursorRow),
    /// Forget one flow's cursor on an epoch of a file.
    ForgetCursor {
        /// The flow's name.
        flow: String,
        /// The file.
        file: FileId,
        /// The epoch.
        epoch: Epoch,
    },
    /// Merged with its neighbours of the same file and reason.
    Loss(LedgerRow),
    /// Empties the ledger.
    ClearLedger,
    /// Each saved file was met or looked for in this boot.
    Boot(String),
}

/// Changes that are saved together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transaction {
    /// In this order.
    pub puts: Vec<Put>,
    /// On disk (not only handed to the kernel) when answered.
    pub sync: bool,
}
