//! Questions and orders from outside, and their answers, as the status socket carries them.

use crate::shipped::Shipped;
use crate::state::{Identity, LedgerRow};
use crate::status::Status;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A question or an order from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "command")]
pub enum Command {
    /// How is it?
    Status,
    /// Where is each flow in each file?
    Offsets,
    /// What is shipped of these files, by what the kernel calls them?
    Shipped {
        /// The files.
        files: Vec<Identity>,
    },
    /// Go on at `offset`. Drains the file first.
    SetOffset {
        /// The flow's name.
        flow: String,
        /// The file, under any name it has.
        #[serde(with = "crate::json::path")]
        path: PathBuf,
        /// The new position.
        offset: u64,
    },
    /// Start over: one file, or all of the flow.
    ResetOffsets {
        /// The flow's name.
        flow: String,
        /// The file; all if not given.
        #[serde(default, with = "crate::json::path::option")]
        path: Option<PathBuf>,
    },
    /// Give a flow's offsets to another name.
    RenameOffsets {
        /// The name they are saved under.
        from: String,
        /// The name in the configuration now.
        to: String,
    },
    /// What is known to be missing.
    Losses,
    /// Put these on the ledger; done when they are on disk.
    AddLosses {
        /// The bytes that were given up.
        losses: Vec<LedgerRow>,
    },
    /// Empty the ledger.
    ClearLosses,
    /// Read the configuration again, and do what it says now.
    Reload,
    /// Send records as they are, once each.
    Resend {
        /// The flow's name.
        flow: String,
        /// The records.
        #[serde(with = "crate::json::base64::list")]
        records: Vec<Vec<u8>>,
    },
}

/// The answer to a [`Command`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reply", content = "value")]
pub enum Reply {
    /// To [`Command::Status`].
    Status(Box<Status>),
    /// To [`Command::Offsets`].
    Offsets(Vec<Position>),
    /// To [`Command::Shipped`]: for each flow and file that it knows.
    Shipped(Vec<Shipped>),
    /// To [`Command::Losses`].
    Losses(Vec<LedgerRow>),
    /// To [`Command::Resend`]: for each record whether it was accepted, in order.
    Resent(Vec<bool>),
    /// It is done.
    Done,
    /// It cannot be done; why, and what would help.
    Refused(String),
}

/// Where a flow is in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The flow's name.
    pub flow: String,
    /// The file's lasting id.
    pub file: String,
    /// The file, as last seen.
    #[serde(with = "crate::json::path")]
    pub path: PathBuf,
    /// Every byte before it is acknowledged.
    pub offset: u64,
    /// Acknowledged bytes past it.
    pub ahead: u64,
    /// The file's size at the last look; `None` when it was not seen yet.
    pub size: Option<u64>,
}
