//! What goes in and out of the engine: events and actions. Each action has an id and exactly one answer.

use crate::command::{Command, Reply};
use crate::destination::Answer;
use crate::discover::Wanted;
use crate::encode::BatchId;
use crate::ids::{ActionId, CommandId, CursorId, FlowId, HandleId, Span};
use crate::job::{Job, JobDone};
use crate::settings::Settings;
use crate::state::{Identity, Saved, Transaction};
use bytes::Bytes;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The time, as the driver tells it. Deadlines use only the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Time since the agent started; never goes back.
    pub mono: Duration,
    /// Wall time in nanoseconds since the Unix epoch; may jump.
    pub wall: i64,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The one answer to an action.
    Done {
        /// The action's id.
        id: ActionId,
        /// How it went; of the kind that belongs to the action.
        outcome: Outcome,
    },
    /// The kernel says that something moved. A hint: it may be late, doubled, wrong or missing.
    Notice(Notice),
    /// A question or an order from outside.
    Command {
        /// Named by who asks; comes back with the reply.
        id: CommandId,
        /// What is asked.
        command: Command,
    },
    /// A new configuration. What it does not change goes on undisturbed.
    Reload(Box<Settings>),
    /// Stop reading, send what was read, save, end (SIGTERM). The second time: send nothing more and wait for no
    /// answer, save, end.
    Shutdown,
}

/// A hint of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An entry came, went, or was renamed.
    Entries {
        /// The watched directory.
        dir: PathBuf,
    },
    /// A file's content changed.
    Content {
        /// The file, under the watched directory's name.
        path: PathBuf,
    },
    /// No more notices come for a directory that was watched: it was removed, renamed, or its file system is gone.
    WatchEnded {
        /// The directory.
        dir: PathBuf,
    },
    /// Notices were lost: look at everything.
    Overflow,
}

/// How an action went.
#[derive(Debug)]
pub enum Outcome {
    /// To [`Do::Load`]: the store's content. A store that cannot be opened never gets here; the agent does not start.
    Loaded(Box<Saved>),
    /// To [`Do::Save`].
    Saved(Result<(), StoreError>),
    /// To [`Do::List`].
    Listed(Result<Listing, FileError>),
    /// To [`Do::FollowLink`]: the directory of what it leads to.
    Followed(Result<PathBuf, FileError>),
    /// To [`Do::Look`].
    Looked(Result<Meta, FileError>),
    /// To [`Do::Open`].
    Opened(Result<Meta, FileError>),
    /// To [`Do::Measure`].
    Measured(Result<Measured, FileError>),
    /// To [`Do::LookDeleted`].
    LookedDeleted(Result<Deleted, FileError>),
    /// To [`Do::Read`].
    Read(Result<Chunk, FileError>),
    /// To [`Do::Close`], [`Do::Unwatch`], [`Do::Switch`] and [`Do::Reply`].
    Closed,
    /// To [`Do::Watch`]: whether notices will come for this directory.
    Watched(Result<(), FileError>),
    /// To [`Do::Compute`].
    Computed(Box<JobDone>),
    /// To [`Do::Send`].
    Sent(Answer),
    /// To [`Do::ListShards`].
    ShardsListed(Answer),
    /// To [`Do::DeadLetters`]: on disk, or not.
    DeadLettered(Result<(), FileError>),
    /// Not done, and never will be: the driver gave it up.
    Cancelled,
}

/// What the engine wants done.
#[derive(Debug)]
pub struct Action {
    /// By which the answer is matched.
    pub id: ActionId,
    /// The deed.
    pub what: Do,
}

/// A deed. The driver does it in any order with others, without a queue or a decision of its own.
#[derive(Debug)]
pub enum Do {
    /// Read the whole store.
    Load,
    /// Apply a transaction.
    Save(Transaction),
    /// List a directory: the entries that `wanted` names.
    List {
        /// The directory.
        dir: PathBuf,
        /// What is of interest; a pure filter.
        wanted: Arc<Wanted>,
    },
    /// Tell in which directory the file is, or was, that a link leads to.
    FollowLink {
        /// The link.
        link: PathBuf,
    },
    /// Stat a path, following links as the settings say.
    Look {
        /// The path.
        path: PathBuf,
    },
    /// Open a file for reading, never blocking, and stat it.
    Open {
        /// What to call it from now on.
        handle: HandleId,
        /// The path.
        path: PathBuf,
        /// How it is compressed, if its plain text is to be read: offsets are of that then.
        codec: Option<Codec>,
    },
    /// Decode a compressed file to its end. Sizes that are told of it from then on are of its plain text.
    Measure {
        /// The open file.
        handle: HandleId,
    },
    /// Read at most `len` bytes at `offset`, fewer only at the end of the file, and stat it after the read.
    Read {
        /// The open file.
        handle: HandleId,
        /// For whom; nobody yet while a file is only being looked at.
        cursor: Option<CursorId>,
        /// The first byte.
        offset: u64,
        /// Most bytes.
        len: usize,
    },
    /// Stat an open file, and its file system.
    LookDeleted {
        /// The open file.
        handle: HandleId,
    },
    /// Close an open file.
    Close {
        /// The open file.
        handle: HandleId,
    },
    /// Ask for notices of a directory (not of what is below it).
    Watch {
        /// The directory.
        dir: PathBuf,
    },
    /// No more notices of a directory.
    Unwatch {
        /// The directory.
        dir: PathBuf,
    },
    /// Run a pure job, anywhere. Jobs of one file are never out at once.
    Compute(Job),
    /// Send a body.
    Send(Request),
    /// Ask which shards a flow's stream has.
    ListShards {
        /// Whose stream.
        flow: FlowId,
        /// The body of the request, as JSON.
        body: Bytes,
    },
    /// Append records that cannot be delivered to the dead-letter file, and sync it.
    DeadLetters {
        /// The flow that gives them up.
        flow: FlowId,
        /// The records.
        letters: Vec<Letter>,
    },
    /// From this flow's next request on, send as the newest configuration says. Answered with [`Outcome::Closed`].
    Switch {
        /// The flow.
        flow: FlowId,
        /// Its name in the configuration.
        name: String,
    },
    /// Answer a command.
    Reply {
        /// The command's id.
        command: CommandId,
        /// The answer.
        reply: Box<Reply>,
    },
}

/// One request, encoded for its destination.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose.
    pub flow: FlowId,
    /// The batch that it carries.
    pub batch: BatchId,
    /// The bytes as they go over the wire.
    pub body: Bytes,
    /// Records in it.
    pub records: u32,
}

/// A record that cannot be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Where it was read.
    pub cursor: CursorId,
    /// The file's name, as last seen.
    pub path: PathBuf,
    /// The bytes it was made of.
    pub span: Span,
    /// The service's error code, or the rule that refused it.
    pub code: String,
    /// The service's words.
    pub message: String,
    /// The record.
    pub data: Bytes,
}

/// A directory's entries, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Those that were wanted.
    pub entries: Vec<Entry>,
    /// How many there were to be looked at.
    pub scanned: u64,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, as the file system has it.
    pub name: std::ffi::OsString,
    /// What it is, without following a link.
    pub kind: Kind,
    /// Its inode number (of a link: the link's).
    pub ino: u64,
}

/// What a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Link,
    /// A FIFO, socket or device.
    Other,
}

/// What a stat tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// What it is, links followed.
    pub kind: Kind,
    /// What the kernel calls it.
    pub identity: Identity,
    /// Bytes.
    pub size: u64,
    /// Last write, in nanoseconds since the epoch.
    pub mtime: i64,
    /// Last change of content or inode, in nanoseconds since the epoch.
    pub ctime: i64,
    /// Names it has; 0 once deleted.
    pub links: u64,
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// `.gz`.
    Gzip,
    /// `.zst`.
    Zstd,
    /// `.bz2`.
    Bzip2,
    /// `.xz`.
    Xz,
}

/// A compressed file, decoded to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Bytes of plain text that can be read.
    pub size: u64,
    /// What is after them.
    pub end: PlainEnd,
    /// The file as it is on the disk, its size too.
    pub meta: Meta,
}

/// What is after the plain text that could be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlainEnd {
    /// The trailer of the last member, and nothing more.
    Whole,
    /// Nothing, and the last member is not at its end: it may still be written.
    Unfinished,
    /// What cannot be decoded.
    Damaged {
        /// Bytes on the disk from the beginning of the member that is damaged.
        bytes: u64,
        /// Why, in the decoder's words.
        why: String,
    },
}

/// An open file that may have no name any more, and the room on its file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Names it has; 0 once deleted.
    pub links: u64,
    /// Bytes that others may still write there.
    pub free: u64,
    /// Bytes that the file system has.
    pub total: u64,
}

/// What a read brought.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The bytes; fewer than asked only at the file's end. What backs them is not much larger than they are.
    pub bytes: Bytes,
    /// The file after the read.
    pub meta: Meta,
}

/// Why a file call failed. "Could not look" is never "deleted".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// No such file or directory, or a dangling link.
    #[error("not found")]
    NotFound,
    /// A FIFO, a device, a directory, or a link to one.
    #[error("not a regular file")]
    NoFile,
    /// No permission.
    #[error("permission denied")]
    Denied,
    /// No free descriptor, in the process or on the host.
    #[error("too many open files")]
    TooManyFiles,
    /// The open file is no more what its server knows; its name may be.
    #[error("stale file handle")]
    Stale,
    /// No more watches, or none on this file system.
    #[error("no notices for this directory: {0}")]
    NoWatch(String),
    /// No space left, the quota is full, or a limit of our own is reached.
    #[error("no space: {0}")]
    NoSpace(String),
    /// Any other error.
    #[error("{0}")]
    Other(String),
}

/// Why the store did not save.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store could not be written: {0}")]
pub struct StoreError(pub String);
