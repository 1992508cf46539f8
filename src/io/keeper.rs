//! Where the state is kept: on disk, or for `tail` nowhere.

use super::dead_letters::DeadLetters;
use super::store::{OpenError, Store};
use jiff::Timestamp;
use kintail_engine::event::{FileError, Letter, StoreError};
use kintail_engine::ids::StoreId;
use kintail_engine::state::{Saved, Transaction};
use std::path::Path;

/// Where the state is kept.
#[derive(Debug)]
pub(crate) enum Keeper {
    /// Nowhere: what is saved is forgotten.
    Nowhere,
    /// In a state directory.
    Disk {
        /// Positions and losses.
        store: Store,
        /// Records that were refused.
        letters: DeadLetters,
    },
}

impl Keeper {
    /// Opens a state directory.
    pub(crate) fn on_disk(state_dir: &Path, dead_letter_max: u64) -> Result<Self, OpenError> {
        let letters = DeadLetters::new(state_dir, dead_letter_max);
        Ok(Self::Disk { store: Store::open(state_dir)?, letters })
    }

    /// Everything that was saved. A store that cannot be read any more drops `reply`.
    pub(crate) fn load(&self, reply: impl FnOnce(Saved) + Send + 'static) {
        match self {
            Self::Nowhere => reply(Saved::empty(StoreId(fastrand::u64(..)))),
            Self::Disk { store, .. } => store.load(|saved| match saved {
                Ok(saved) => reply(saved),
                Err(error) => tracing::error!("the store cannot be read: {}", error.0),
            }),
        }
    }

    /// Saves.
    pub(crate) fn save(
        &self,
        transaction: Transaction,
        reply: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) {
        match self {
            Self::Nowhere => reply(Ok(())),
            Self::Disk { store, .. } => store.save(transaction, reply),
        }
    }

    /// Appends records that cannot be delivered to the dead-letter file.
    pub(crate) fn dead_letters(
        &self,
        flow: &str,
        letters: Vec<Letter>,
        reply: impl FnOnce(Result<(), FileError>) + Send + 'static,
    ) {
        match self {
            Self::Nowhere => reply(Err(FileError::Other("there is no state directory".into()))),
            Self::Disk { letters: file, .. } => {
                let (file, flow) = (file.clone(), flow.to_owned());
                // They are rare, and a sync of theirs must not hold up the store's. No thread: dropped, so cancelled.
                let work = move || reply(file.append(&flow, &letters, Timestamp::now()));
                if let Err(error) = std::thread::Builder::new().name("dead-letters".into()).spawn(work) {
                    tracing::debug!(%error, "no thread for dead letters");
                }
            }
        }
    }

    /// Whether anything is worth saving at the end.
    pub(crate) fn keeps(&self) -> bool {
        !matches!(self, Self::Nowhere)
    }
}
