//! The virtual store: transactions apply wholly, and those that were not synced can be lost in a power cut.

use kintail_engine::ids::{Epoch, FileId};
use kintail_engine::state::{CursorRow, FileRow, FlowRow, LedgerRow, Put, Saved, Transaction};
use std::collections::BTreeMap;

/// What names a cursor row.
pub(crate) type CursorKey = (String, FileId, Epoch);

/// The store's rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) flows: BTreeMap<String, FlowRow>,
    pub(crate) files: BTreeMap<FileId, FileRow>,
    pub(crate) cursors: BTreeMap<CursorKey, CursorRow>,
    pub(crate) ledger: Vec<LedgerRow>,
    boot_id: String,
}

/// A store that forgets what was not synced when the power goes.
#[derive(Debug)]
pub(crate) struct Store {
    /// As a reader sees them now.
    pub(crate) rows: Rows,
    synced: Rows,
    pending: Vec<Transaction>,
}

impl Store {
    /// A store that was just made.
    pub(crate) fn new() -> Self {
        Self { rows: Rows::default(), synced: Rows::default(), pending: Vec::new() }
    }

    /// All rows.
    pub(crate) fn load(&self) -> Saved {
        Saved {
            boot_id: self.rows.boot_id.clone(),
            flows: self.rows.flows.values().cloned().collect(),
            files: self.rows.files.values().cloned().collect(),
            cursors: self.rows.cursors.values().cloned().collect(),
            ledger: self.rows.ledger.clone(),
        }
    }

    /// Whether the agent says that it is done with the boots before this one.
    pub(crate) fn is_of(&self, boot_id: &str) -> bool {
        self.rows.boot_id == boot_id
    }

    /// Applies a transaction.
    pub(crate) fn save(&mut self, transaction: Transaction) {
        self.rows.apply(&transaction);
        let sync = transaction.sync;
        self.pending.push(transaction);
        if sync {
            for transaction in self.pending.drain(..) {
                self.synced.apply(&transaction);
            }
        }
    }

    /// Transactions that a power cut can take.
    pub(crate) fn unsynced(&self) -> usize {
        self.pending.len()
    }

    /// The power goes: of the unsynced transactions only the first `kept` are there afterwards.
    pub(crate) fn lose(&mut self, kept: usize) {
        for transaction in self.pending.drain(..).take(kept) {
            self.synced.apply(&transaction);
        }
        self.rows = self.synced.clone();
    }
}

impl Rows {
    fn apply(&mut self, transaction: &Transaction) {
        for put in &transaction.puts {
            self.put(put);
        }
    }

    fn put(&mut self, put: &Put) {
        match put {
            Put::Flow(row) => drop(self.flows.insert(row.name.clone(), row.clone())),
            Put::ForgetFlow(name) => {
                self.flows.remove(name);
                self.cursors.retain(|key, _| key.0 != *name);
            }
            Put::RenameFlow { from, to } => self.rename(from, to),
            Put::File(row) => drop(self.files.insert(row.id, row.clone())),
            Put::ForgetFile(file) => {
                self.files.remove(file);
                self.cursors.retain(|key, _| key.1 != *file);
            }
            Put::Cursor(row) => {
                self.cursors.insert((row.flow.clone(), row.file, row.epoch), row.clone());
            }
            Put::ForgetCursor { flow, file, epoch } => {
                self.cursors.remove(&(flow.clone(), *file, *epoch));
            }
            Put::Loss(row) => self.ledger.push(row.clone()),
            Put::ClearLedger => self.ledger.clear(),
            Put::Boot(id) => id.clone_into(&mut self.boot_id),
        }
    }

    fn rename(&mut self, from: &str, to: &str) {
        if let Some(mut row) = self.flows.remove(from) {
            to.clone_into(&mut row.name);
            self.flows.insert(row.name.clone(), row);
        }
        for (mut key, mut row) in std::mem::take(&mut self.cursors) {
            if key.0 == from {
                to.clone_into(&mut key.0);
                to.clone_into(&mut row.flow);
            }
            self.cursors.insert(key, row);
        }
        for row in self.ledger.iter_mut().filter(|row| row.flow == from) {
            to.clone_into(&mut row.flow);
        }
    }
}
