//! The store's thread: answers questions in their order, and has the copy made when its time comes.

use super::copy::{self, CopyError};
use super::database::Database;
use kintail_engine::event::StoreError;
use kintail_engine::state::{Saved, Transaction};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A young store has its first copy after so long.
pub(super) const FIRST_COPY: Duration = Duration::from_mins(1);
/// And another each time so long has passed, if anything was saved.
const COPY_EVERY: Duration = Duration::from_hours(1);

/// Where an answer goes.
type Reply<T> = Box<dyn FnOnce(T) + Send>;

/// What the thread is asked.
pub(super) enum Job {
    /// Read all.
    Load(Reply<Result<Saved, StoreError>>),
    /// Apply this.
    Save(Transaction, Reply<Result<(), StoreError>>),
}

/// The thread's state.
pub(super) struct Worker {
    database: Database,
    dir: PathBuf,
    /// When the next copy is due.
    next_copy: Instant,
    /// Something was saved since the last copy.
    changed: bool,
    /// Makes a copy now, or has made one.
    copier: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn new(database: Database, dir: PathBuf, first_copy: Duration) -> Self {
        Self { database, dir, next_copy: Instant::now() + first_copy, changed: false, copier: None }
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) -> Result<(), StoreError> {
        loop {
            let wait = self.next_copy.saturating_duration_since(Instant::now());
            match jobs.recv_timeout(wait) {
                Ok(Job::Load(reply)) => reply(self.database.load()),
                Ok(Job::Save(transaction, reply)) => {
                    let saved = self.database.save(&transaction);
                    self.changed |= saved.is_ok();
                    reply(saved);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= self.next_copy {
                self.next_copy = Instant::now() + COPY_EVERY;
                if std::mem::take(&mut self.changed) {
                    self.copy();
                }
            }
        }
        self.wait_for_copier();
        self.database.close()
    }

    /// On a thread of its own, one at a time: a copy must not hold up a save.
    fn copy(&mut self) {
        self.wait_for_copier();
        let dir = self.dir.clone();
        let spawned =
            std::thread::Builder::new().name("store-copy".into()).spawn(move || tell(copy::make(&dir)));
        match spawned {
            Ok(copier) => self.copier = Some(copier),
            Err(error) => tell(Err(error.into())),
        }
    }

    fn wait_for_copier(&mut self) {
        if let Some(copier) = self.copier.take()
            && copier.join().is_err()
        {
            tracing::error!("the thread that makes the store's copy panicked");
        }
    }
}

/// Nobody waits for the hourly copy: what went wrong goes to the log.
fn tell(made: Result<(), CopyError>) {
    match made {
        Ok(()) => tracing::debug!("the store's copy is made"),
        Err(error @ CopyError::Damaged(_)) => {
            tracing::error!("{error}; the last sound copy is kept, and used at the next start");
        }
        Err(error) => tracing::warn!("{error}; the one before is kept"),
    }
}
