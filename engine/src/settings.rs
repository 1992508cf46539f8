//! What the engine is told to do: resolved values, nothing left to parse. The configuration makes them.

use crate::multiline::Multiline;
use crate::process::Step;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// One KiB in bytes.
pub const KIB: u64 = 1024;
/// One MiB in bytes.
pub const MIB: u64 = 1024 * KIB;

/// Everything the engine is told at start or reload.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// For all flows.
    pub agent: Agent,
    /// In the order of the configuration; names are unique.
    pub flows: Vec<Flow>,
}

/// What holds for the whole agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// Most bytes held: read buffers, half lines, bodies.
    pub memory: u64,
    /// How long a shutdown waits for answers.
    pub shutdown_timeout: Duration,
    /// How often a reconcile looks at directories and active files.
    pub rescan: Duration,
    /// Whether notices of the kernel are used.
    pub watch: Watch,
    /// Which symbolic links are followed.
    pub follow_symlinks: Symlinks,
    /// How much deleted, unread data is held open.
    pub hold_deleted: HoldDeleted,
    /// How long after a file was last seen it is forgotten.
    pub forget_after: Duration,
    /// This host's name, the first part of `partition_key = "file"`.
    pub host: String,
    /// What io found out for placeholders, by their names: `env.HOME`, `ec2.instance_id`.
    pub facts: BTreeMap<String, String>,
    /// What the agent itself writes (state directory, outputs, its log): files, and directories with all that is
    /// below them. No wildcard matches them; a pattern without one does.
    pub own_paths: Vec<PathBuf>,
}

/// Whether notices of the kernel are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Notices where they work, polling elsewhere.
    Auto,
    /// Polling only.
    Poll,
}

/// Which symbolic links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symlinks {
    /// None.
    None,
    /// Links to files.
    Files,
    /// Links to files and to directories.
    All,
}

/// Most bytes of deleted, unread files held open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldDeleted {
    /// Give up the oldest over this many bytes.
    Bytes(u64),
    /// Never give one up.
    Unlimited,
}

/// One flow: some files, one destination.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Owns the offsets.
    pub name: String,
    /// Absolute glob patterns.
    pub files: Vec<String>,
    /// Absolute glob patterns, or patterns of a bare file name, left out.
    pub exclude: Vec<String>,
    /// Globs of directories' files where rotated files go.
    pub archives: Vec<String>,
    /// Compressed files that were never seen before are shipped too.
    pub compressed: bool,
    /// Where a file that exists at the flow's first start is begun.
    pub start_at: StartAt,
    /// A rotated file at its end is finished after so long without a write.
    pub close_after: Duration,
    /// By what a file is found again.
    pub identity: FoundBy,
    /// Files last written before so long ago are left unread.
    pub ignore_older: Option<Duration>,
    /// Where the records go.
    pub destination: Destination,
    /// How a record's partition key is made.
    pub partition_key: PartitionKey,
    /// Each file's records are delivered in their order: one of a file is unanswered at a time.
    pub strict: bool,
    /// Lines share records of at most so many bytes. Their keys must not depend on the line.
    pub aggregation: Option<u64>,
    /// Largest record, key included, in bytes.
    pub max_record: u64,
    /// Whether sending adapts to throttling.
    pub pacing: Pacing,
    /// Most that is sent, whatever the destination takes.
    pub max_rate: MaxRate,
    /// How requests to a data stream are encoded; delivery streams take JSON only.
    pub wire: Wire,
    /// Whether a record keeps the newline of its line.
    pub newline: Newline,
    /// When a batch goes.
    pub batch: Batch,
    /// How failed records are tried again.
    pub retry: Retry,
    /// What a line is.
    pub line: Line,
    /// Which lines make one record, if not each its own.
    pub multiline: Option<Arc<Multiline>>,
    /// Steps that make a record of a line, in order.
    pub process: Vec<Step>,
}

/// Most of a flow a second, without limit where there is none. Never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaxRate {
    /// Bytes of records, with their keys.
    pub bytes: Option<u64>,
    /// Records as the destination counts them: lines that share one are one.
    pub records: Option<u64>,
}

/// By what a file is found again after a restart, or when it was closed meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// Device, inode and birth, and then its content must agree.
    Inode,
    /// Its name, and 64 first bytes at least: for file systems whose inode numbers are not stable.
    Content,
}

/// Where a file that exists at a flow's first start is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// At byte 0.
    Beginning,
    /// After the last newline at the size it has.
    End,
}

/// Where records go. What only sending needs (endpoint, credentials) the engine does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A Kinesis data stream, by name or ARN.
    Kinesis {
        /// Name or ARN.
        stream: String,
    },
    /// A Firehose delivery stream, by name.
    Firehose {
        /// Name.
        delivery_stream: String,
    },
    /// A file on this host.
    File {
        /// Where it is written.
        path: PathBuf,
        /// Rotated at this many bytes.
        rotate: u64,
        /// So many rotated files are kept.
        keep: u32,
    },
    /// Standard output.
    Stdout,
}

/// How a record's partition key is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionKey {
    /// 16 hex digits, new for each record.
    Random,
    /// Host name, colon, the path under which the file was first seen.
    File,
    /// Lower-case hex MD5 of the record as sent.
    Hash,
    /// The top-level member of this name of a JSON record; random where there is none.
    Field(String),
    /// Always this text, at most 256 characters.
    Const(String),
}

/// Whether sending adapts to throttling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pacing {
    /// By what the service tells of itself, else adaptive.
    Auto,
    /// By the answers alone.
    Adaptive,
    /// As fast as answers come.
    Off,
}

/// How requests to a data stream are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// CBOR, unless the endpoint turns out not to take it.
    Auto,
    /// CBOR: bytes as they are, a sixth less than base64 in JSON.
    Cbor,
    /// JSON.
    Json,
}

/// Whether a record keeps the newline of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newline {
    /// It does.
    Keep,
    /// One final `\n` is removed (never `\r`); destinations that concatenate add it again.
    Strip,
}

/// When a batch goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// At so many records.
    pub max_records: u32,
    /// At so many bytes, as the destination counts them.
    pub max_bytes: u64,
    /// When its oldest record is so old.
    pub max_age: Duration,
}

/// How failed records are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Upper end of the first back-off.
    pub initial: Duration,
    /// Upper end of the longest back-off.
    pub max: Duration,
    /// A record becomes a dead letter so long after its first failure; `None`: never.
    pub give_up: Option<Duration>,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Longest line with its newline, in bytes.
    pub max_bytes: u64,
    /// What happens to a longer one.
    pub oversize: Oversize,
    /// So many lines at a file's start are not shipped.
    pub skip_header: u32,
}

/// What happens to a line over the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oversize {
    /// Pieces of the limit's length; only the last has the newline.
    Split,
    /// Cut to the limit, newline kept; the rest goes to the ledger.
    Truncate,
    /// The whole line goes to the ledger.
    Drop,
    /// In pieces to the dead letters.
    DeadLetter,
}

impl Agent {
    /// The documented defaults.
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            memory: 64 * MIB,
            shutdown_timeout: Duration::from_secs(10),
            rescan: Duration::from_secs(5),
            watch: Watch::Auto,
            follow_symlinks: Symlinks::Files,
            hold_deleted: HoldDeleted::Bytes(10 * 1024 * MIB),
            forget_after: Duration::from_hours(7 * 24),
            host: host.into(),
            facts: BTreeMap::new(),
            own_paths: Vec::new(),
        }
    }
}

impl Flow {
    /// A flow with the documented defaults for its destination.
    pub fn new(name: impl Into<String>, files: Vec<String>, destination: Destination) -> Self {
        let batch = destination.default_batch(false);
        Self {
            name: name.into(),
            files,
            exclude: Vec::new(),
            archives: Vec::new(),
            compressed: false,
            start_at: StartAt::Beginning,
            close_after: Duration::from_secs(10),
            identity: FoundBy::Inode,
            ignore_older: None,
            destination,
            partition_key: PartitionKey::Random,
            strict: false,
            aggregation: None,
            max_record: MIB,
            pacing: Pacing::Auto,
            max_rate: MaxRate::default(),
            wire: Wire::Auto,
            newline: Newline::Keep,
            batch,
            retry: Retry { initial: Duration::from_millis(100), max: Duration::from_secs(10), give_up: None },
            line: Line { max_bytes: MIB, oversize: Oversize::Split, skip_header: 0 },
            multiline: None,
            process: Vec::new(),
        }
    }
}

impl Destination {
    /// When a batch goes by default: small delays for streams, longer ones where lines are to share records, and for
    /// Firehose, whose quota of requests all hosts share.
    pub fn default_batch(&self, aggregated: bool) -> Batch {
        let max_age = match self {
            Self::Firehose { .. } => Duration::from_secs(5),
            Self::Kinesis { .. } if aggregated => Duration::from_secs(1),
            _ => Duration::from_millis(100),
        };
        Batch { max_records: 500, max_bytes: MIB, max_age }
    }
}

/// Least `memory` with which these settings work, in bytes: the reserve, and 64 KiB a flow.
pub fn least_memory(settings: &Settings) -> u64 {
    reserve(&settings.flows) + 64 * KIB * settings.flows.len().max(1) as u64
}

/// The reserve that goes from flow to flow: the largest line as read, and as encoded (base64 takes a third
/// more, the key and the punctuation a little).
pub fn reserve<'a>(flows: impl IntoIterator<Item = &'a Flow>) -> u64 {
    let largest = flows.into_iter().map(|flow| flow.line.max_bytes.max(flow.max_record)).max();
    largest.unwrap_or(MIB) * 3 + 64 * KIB
}
