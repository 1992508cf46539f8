//! Where the state is kept: on disk, or for `tail` nowhere.

use kintail_engine::event::{FileError, Letter, StoreError};
use kintail_engine::ids::StoreId;
use kintail_engine::state::{Saved, Transaction};

/// Where the state is kept.
#[derive(Debug)]
pub(crate) enum Keeper {
    /// Nowhere: what is saved is forgotten.
    Nowhere,
}

impl Keeper {
    /// Everything that was saved.
    pub(crate) fn load(&self, reply: impl FnOnce(Saved) + Send + 'static) {
        match self {
            Self::Nowhere => reply(Saved::empty(StoreId(fastrand::u64(..)))),
        }
    }

    /// Saves.
    pub(crate) fn save(
        &self,
        _transaction: Transaction,
        reply: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) {
        match self {
            Self::Nowhere => reply(Ok(())),
        }
    }

    /// Appends records that cannot be delivered to the dead-letter file.
    pub(crate) fn dead_letters(
        &self,
        _flow: &str,
        _letters: Vec<Letter>,
        reply: impl FnOnce(Result<(), FileError>) + Send + 'static,
    ) {
        match self {
            Self::Nowhere => reply(Err(FileError::Other("there is no state directory".into()))),
        }
    }

    /// Whether anything is worth saving at the end.
    pub(crate) fn keeps(&self) -> bool {
        !matches!(self, Self::Nowhere)
    }
}
