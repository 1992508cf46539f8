//! How the agent is: what `kintail status` shows, and the counters behind metrics.

pub mod histogram;

use histogram::Histogram;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How the agent is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Nothing is wrong that waits for a person.
    pub healthy: bool,
    /// What is wrong with the agent as a whole (the store cannot be written…).
    pub problems: Vec<String>,
    /// Bytes held of `memory`.
    pub memory_used: u64,
    /// `memory`.
    pub memory_limit: u64,
    /// Files that are open.
    #[serde(default)]
    pub open_files: u64,
    /// How long transactions of the store took, in microseconds, by [`histogram::TIMES`].
    #[serde(default)]
    pub store_times: Histogram,
    /// In the order of the configuration.
    pub flows: Vec<FlowStatus>,
}

/// How a flow is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlowStatus {
    /// Its name.
    pub name: String,
    /// Where it ships, in words.
    pub destination: String,
    /// Nothing is wrong that waits for a person.
    pub healthy: bool,
    /// Bytes of its files not yet acknowledged.
    pub lag_bytes: u64,
    /// For how long bytes have been waiting, in seconds; 0 when none do.
    pub lag_seconds: f64,
    /// Requests out now.
    pub in_flight: u32,
    /// What it waits for, in words; empty when for nothing.
    pub waiting_for: String,
    /// The last failure.
    pub last_error: Option<LastError>,
    /// Since the agent started.
    pub counters: Counters,
    /// How long requests took that were answered, in microseconds, by [`histogram::TIMES`].
    #[serde(default)]
    pub request_times: Histogram,
    /// How many records requests had that were answered, by [`histogram::SIZES`].
    #[serde(default)]
    pub request_records: Histogram,
    /// Its files.
    pub files: Vec<FileStatus>,
    /// Names and directories that it follows and that are not read, the first thousand.
    #[serde(default)]
    pub unread: Vec<UnreadName>,
    /// How many there are.
    #[serde(default)]
    pub unread_names: u64,
    /// Bytes of deleted files that are held open until they are read.
    #[serde(default)]
    pub deleted_bytes: u64,
}

/// A name that is followed and not read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnreadName {
    /// The file's, or the directory's.
    #[serde(with = "crate::json::path")]
    pub path: PathBuf,
    /// Why, in words.
    pub why: String,
}

/// A flow's last failure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LastError {
    /// The kind, as docs/operating.md names it.
    pub kind: String,
    /// The service's code.
    pub code: String,
    /// The service's words.
    pub message: String,
    /// What to do about it.
    pub advice: String,
    /// Wall time in nanoseconds since the epoch.
    pub time: i64,
    /// It still lasts.
    pub lasting: bool,
}

/// How a flow is with one file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FileStatus {
    /// As last seen.
    #[serde(with = "crate::json::path")]
    pub path: PathBuf,
    /// Its lasting id.
    pub file: String,
    /// Every byte before it is acknowledged.
    pub offset: u64,
    /// At the last look.
    pub size: u64,
    /// Bytes not yet acknowledged.
    pub lag: u64,
    /// Why it is not being read, in words; empty when it is.
    pub waiting_for: String,
}

/// What was counted since the agent started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Bytes read from files, without those read again.
    pub read_bytes: u64,
    /// Records made.
    pub records: u64,
    /// Records acknowledged by the destination.
    pub delivered_records: u64,
    /// Bytes of log acknowledged by the destination.
    pub delivered_bytes: u64,
    /// Requests sent.
    pub requests: u64,
    /// Bytes of their bodies.
    pub sent_bytes: u64,
    /// Records sent again.
    pub retried_records: u64,
    /// Records that were throttled.
    pub throttled_records: u64,
    /// Requests without an answer.
    pub unanswered_requests: u64,
    /// Requests refused as a whole.
    pub failed_requests: u64,
    /// Lines dropped by a filter, or skipped as header.
    pub filtered_lines: u64,
    /// Lines on which a step failed, whatever became of them.
    #[serde(default)]
    pub failed_lines: u64,
    /// Records given to the dead letters.
    pub dead_letters: u64,
    /// Bytes on the ledger.
    pub lost_bytes: u64,
    /// Bytes of deleted files that were given up unread; they are on the ledger.
    #[serde(default)]
    pub given_up_bytes: u64,
    /// Events that may have destroyed lines unseen.
    pub possible_losses: u64,
    /// New names of followed files that were noticed.
    pub rotations: u64,
    /// Truncations, and other content under the same identity.
    pub truncations: u64,
}
