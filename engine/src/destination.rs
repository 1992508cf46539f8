//! The pure half of a destination: limits, encoding, judging an answer. The rest of the engine sees only the trait.

pub mod aws;
pub mod file;
pub mod firehose;
pub mod kinesis;
pub mod packing;
pub mod stdout;

use crate::settings;
use bytes::Bytes;
use packing::Packing;
use std::fmt;
use std::sync::Arc;

/// The pure half of a destination. A body is `begin`, then for each record `record` with `separator` between
/// two, then `finish`; a record's encoded bytes can be copied into another body of the same destination as they are.
pub trait Destination: fmt::Debug + Send + Sync {
    /// Where it ships, in words, for status and logs: `stream clicks`.
    fn describe(&self) -> String;

    /// What one request may hold.
    fn limits(&self) -> Limits;

    /// What a record counts against the limits, in bytes. `data` is without the newline that [`Self::record`] may
    /// add, which only destinations that concatenate are asked to.
    fn weight(&self, data: u64, key: u64) -> u64;

    /// Most bytes a record takes in a body, without the separator.
    fn wire_bound(&self, data: u64, key: u64) -> u64;

    /// Most bytes that `begin` and `finish` add to a body.
    fn overhead(&self) -> u64;

    /// Whether records bear a partition key.
    fn keyed(&self) -> bool;

    /// Whether records are concatenated downstream, so that each must end with a newline.
    fn concatenates(&self) -> bool;

    /// Whether a batch may go at once when the flow is idle, instead of waiting for `max_age`.
    fn prompt(&self) -> bool {
        true
    }

    /// Whether records arrive in the order they are sent in. Then one that fails holds up the rest, and is never
    /// given up for having failed for long.
    fn in_order(&self) -> bool {
        false
    }

    /// Most requests in flight at once.
    fn window(&self) -> u32;

    /// Begins a body.
    fn begin(&self, body: &mut Vec<u8>);

    /// Between two records.
    fn separator(&self) -> &'static [u8];

    /// Appends a record: `data`, and a newline after it if `newline`.
    fn record(&self, body: &mut Vec<u8>, data: &[u8], newline: bool, key: &str);

    /// The record inside of what [`Self::record`] appended: for the dead letters, not for the hot path.
    fn data(&self, encoded: &[u8]) -> Vec<u8>;

    /// The key inside of what [`Self::record`] appended; empty where there are none.
    fn key(&self, encoded: &[u8]) -> String;

    /// How lines share records, if they do.
    fn packing(&self) -> Option<Packing> {
        None
    }

    /// Ends a body of `records` records.
    fn finish(&self, body: &mut Vec<u8>, records: u32);

    /// The body of a request (JSON) for the shards of the stream, or for the page that a token stands for; nothing where
    /// there are none.
    fn list_shards(&self, _token: Option<&str>) -> Option<Vec<u8>> {
        None
    }

    /// What an answer to a request of `records` records means.
    fn judge(&self, answer: &Answer, records: u32) -> Verdict;
}

/// What one request may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most records.
    pub records: u32,
    /// Most bytes, by [`Destination::weight`].
    pub bytes: u64,
    /// Largest record, by [`Destination::weight`].
    pub record: u64,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A response of a service.
    Http {
        /// The status code.
        status: u16,
        /// The header `x-amzn-errortype`, if there is one.
        error_type: Option<String>,
        /// The service's clock less ours in seconds, by the header `date`.
        clock_offset: Option<i64>,
        /// The whole body (at most [`MAX_ANSWER`] bytes are kept; a longer one is cut, and so unreadable).
        body: Bytes,
    },
    /// Every record is where it belongs (file, stdout).
    Written,
    /// There was no response.
    Failed {
        /// Whether the request may have arrived all the same.
        may_have_arrived: bool,
        /// Why.
        failure: Failure,
    },
}

/// Longest response body that is looked at: 500 sequence numbers are under 100 KiB.
pub const MAX_ANSWER: usize = 1024 * 1024;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All records are accepted.
    Accepted,
    /// Those not named are accepted; the others failed. Indices ascend.
    Partial(Vec<(u32, Failure)>),
    /// The request failed as a whole; nothing was accepted.
    Refused(Failure),
    /// Nobody knows whether it was accepted: no answer, or an unreadable one. All records go again.
    Unanswered(Failure),
}

/// A failure, in the service's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it means for sending.
    pub kind: FailureKind,
    /// The code, such as `ProvisionedThroughputExceededException`.
    pub code: Arc<str>,
    /// The message; never with a secret in it.
    pub message: Arc<str>,
}

/// The kinds of failure; docs/operating.md has their table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// Slower, please.
    Throttled,
    /// Try again.
    Transient,
    /// The credentials are missing, wrong or expired.
    Credentials,
    /// Our clock is wrong.
    Skew,
    /// Not permitted.
    Denied,
    /// The stream does not exist.
    Missing,
    /// The service finds fault with a record, or with the whole flow.
    Refused,
    /// The disk is full, or the output cannot be written.
    Output,
}

impl FailureKind {
    /// Its name in status, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::Credentials => "credentials",
            Self::Skew => "skew",
            Self::Denied => "denied",
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::Output => "output",
        }
    }
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, code: impl Into<Arc<str>>, message: impl Into<Arc<str>>) -> Self {
        Self { kind, code: code.into(), message: message.into() }
    }
}

/// The pure half for a flow.
pub fn for_flow(flow: &settings::Flow) -> Arc<dyn Destination> {
    match &flow.destination {
        settings::Destination::Kinesis { stream } => Arc::new(kinesis::Kinesis::new(stream, flow)),
        settings::Destination::Firehose { delivery_stream } => {
            let most = flow.aggregation.map(|bytes| bytes.min(flow.max_record));
            Arc::new(firehose::Firehose::new(delivery_stream, most))
        }
        settings::Destination::File { path, .. } => Arc::new(file::File::new(path)),
        settings::Destination::Stdout => Arc::new(stdout::Stdout),
    }
}
