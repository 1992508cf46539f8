//! Where the state is kept: on disk, or for `tail` nowhere.

use crate::io::dead_letters::DeadLetters;
use crate::io::store::{OpenError, Store};
use kintail_engine::event::StoreError;
use kintail_engine::state::{Saved, Transaction};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

/// Where the state is kept.
#[derive(Debug)]
pub(crate) enum Keeper {
    /// Nowhere: what is saved is forgotten.
    Nowhere,
    /// In a state directory.
    Disk(Box<Disk>),
}

/// A state directory.
#[derive(Debug)]
pub(crate) struct Disk {
    store: Store,
    /// What was in it at the start; taken when it is first asked for.
    saved: Option<Saved>,
    dir: PathBuf,
    letters: DeadLetters,
}

/// Why there is no state to begin with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeeperError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be read.
    #[error("the store in {} cannot be read: {source}", dir.display())]
    Load {
        /// The state directory.
        dir: PathBuf,
        /// Why.
        source: StoreError,
    },
}

impl Keeper {
    /// The state in `state_dir`, read, and kept from others; at most `most_letters` bytes of dead letters.
    pub(crate) fn open(state_dir: &Path, most_letters: u64) -> Result<Self, KeeperError> {
        let store = Store::open(state_dir)?;
        let (answer, answers) = channel();
        store.load(move |saved| drop(answer.send(saved)));
        let saved = answers.recv().unwrap_or_else(|_| Err(StoreError("its thread has ended".into())));
        let dir = state_dir.to_path_buf();
        let saved = saved.map_err(|source| KeeperError::Load { dir: dir.clone(), source })?;
        let letters = DeadLetters::new(state_dir, most_letters);
        Ok(Self::Disk(Box::new(Disk { store, saved: Some(saved), dir, letters })))
    }

    /// Everything that was saved. A store that was read at the start and cannot be read any more gives no reply.
    pub(crate) fn load(&mut self, reply: impl FnOnce(Saved) + Send + 'static) {
        match self {
            Self::Nowhere => reply(Saved::default()),
            Self::Disk(disk) => match disk.saved.take() {
                Some(saved) => reply(saved),
                None => disk.store.load(move |saved| drop(saved.map(reply))),
            },
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
            Self::Disk(disk) => disk.store.save(transaction, reply),
        }
    }

    /// Takes so many bytes of dead letters from now on.
    pub(crate) fn change(&mut self, most_letters: u64) {
        if let Self::Disk(disk) = self {
            disk.letters = DeadLetters::new(&disk.dir, most_letters);
        }
    }

    /// The dead letters, and the directory in which they are.
    pub(crate) fn dead_letters(&self) -> Option<(DeadLetters, PathBuf)> {
        match self {
            Self::Nowhere => None,
            Self::Disk(disk) => Some((disk.letters.clone(), disk.dir.clone())),
        }
    }

    /// Whether anything is worth saving at the end.
    pub(crate) fn keeps(&self) -> bool {
        matches!(self, Self::Disk(_))
    }
}
