//! The store: positions, ids and losses in `state_dir/state.db`, on a thread of its own.
//!
//! - [`Store`]: what the driver asks, answered by call-back
//! - [`Database`]: the same, synchronously, for commands while no agent runs; [`View`] reads without the lock
//! - `open`: sound or damaged, new or old; `copy`: the hourly copy; `lock`: one agent a directory
//! - `schema`, `rows`, `ranges`, `ledger`: how it is laid out on disk

mod copy;
mod database;
mod fault;
mod ledger;
mod lock;
mod open;
mod ranges;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod view;
mod worker;

pub(crate) use database::Database;
pub(crate) use ledger::LedgerCount;
pub(crate) use view::View;

use kintail_engine::event::StoreError;
use kintail_engine::state::{Saved, Transaction};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;
use worker::{FIRST_COPY, Job, Worker};

/// The database's name in the state directory.
const DB: &str = "state.db";
/// Its write-ahead log's.
const WAL: &str = "state.db-wal";
/// Its checked copy's.
const BAK: &str = "state.db.bak";

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The state directory is missing and cannot be made.
    #[error(
        "the state directory {} cannot be made: {source}; make it for the user that runs kintail, or set \
         agent.state_dir to another place",
        path.display()
    )]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process holds the lock.
    #[error(
        "the state directory {} is in use by {}; stop it, or give this one a state_dir of its own",
        dir.display(), holder(*pid)
    )]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// Who holds it, if that can be told.
        pid: Option<u32>,
    },
    /// A file of the store cannot be written.
    #[error("{} cannot be written: {source}; {}", path.display(), advice(source))]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the store cannot be read.
    #[error("{} cannot be read: {source}; run this as the user that runs the agent", path.display())]
    NotReadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is damaged, and so is what was put in its place; or it was only to be read.
    #[error("{} is damaged: {why}; the agent sets it aside when it starts", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// How.
        why: String,
    },
    /// A later version wrote it.
    #[error(
        "{} was written by kintail {by} (schema {version}), and this is kintail {} (schema {}); use that \
         version or a later one, or another agent.state_dir",
        path.display(), env!("CARGO_PKG_VERSION"), schema::ours()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version that wrote it.
        by: String,
        /// Its schema.
        version: i64,
    },
    /// It knows content by a hash that this version cannot compute.
    #[error(
        "{} recognises files by the hash {hash:?}, which this version does not know; use the version that wrote it",
        path.display()
    )]
    Hash {
        /// The file.
        path: PathBuf,
        /// The hash's name.
        hash: String,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another kintail".into(), |pid| format!("process {pid}"))
}

/// What would help.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space there",
        io::ErrorKind::ReadOnlyFilesystem => {
            "make it writable for the user that runs kintail, or set agent.state_dir to another place"
        }
        io::ErrorKind::PermissionDenied => {
            "give it to the user that runs kintail, or set agent.state_dir to another place"
        }
        io::ErrorKind::ResourceBusy => "close what else has it open",
        _ => "look at the disk, or set agent.state_dir to another place",
    }
}

/// The store of a running agent. Answers come on its thread, in the order of the questions.
#[derive(Debug)]
pub(crate) struct Store {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Store {
    /// Opens the store in `state_dir` and keeps others out until it is closed or dropped.
    pub(crate) fn open(state_dir: &Path) -> Result<Self, OpenError> {
        Self::open_with(state_dir, FIRST_COPY)
    }

    fn open_with(state_dir: &Path, first_copy: Duration) -> Result<Self, OpenError> {
        let database = Database::open(state_dir)?;
        let (jobs, work) = mpsc::channel();
        let worker = Worker::new(database, state_dir.into(), first_copy);
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || worker.run(&work))
            .map_err(|source| OpenError::NotWritable { path: state_dir.join(DB), source })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Reads the whole store.
    pub(crate) fn load(&self, reply: impl FnOnce(Result<Saved, StoreError>) + Send + 'static) {
        self.ask(Job::Load(Box::new(reply)));
    }

    /// Applies a transaction.
    pub(crate) fn save(
        &self,
        transaction: Transaction,
        reply: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) {
        self.ask(Job::Save(transaction, Box::new(reply)));
    }

    fn ask(&self, job: Job) {
        // The thread ends only after the sender is gone.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
        }
    }
}

/// Ends: all that was saved is in the database file and synced, and the lock is free.
impl Drop for Store {
    fn drop(&mut self) {
        drop(self.jobs.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(_)) => tracing::error!("the store's thread panicked"),
            // What was saved is in its log, and found there.
            Some(Ok(Err(error))) => tracing::warn!("{error}"),
            _ => {}
        }
    }
}
