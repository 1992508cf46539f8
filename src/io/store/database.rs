//! An open store: reads all of it, applies transactions, keeps its write-ahead log short.

use super::fault::to_io;
use super::{DB, OpenError, WAL, ledger, lock::Lock, open, rows};
use kintail_engine::event::StoreError;
use kintail_engine::state::{Put, Saved, Transaction};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Over this many bytes the write-ahead log is moved into the database. A save adds some 10 KiB, so that it stays
/// well under the 1 MiB that it may take.
const LONG_WAL: u64 = 512 * 1024;

/// A store, locked, for use by one thread. The agent uses it through [`super::Store`]; commands that change offsets
/// while no agent runs use it directly.
#[derive(Debug)]
pub(crate) struct Database {
    dir: PathBuf,
    /// `None` after a failure: it is opened anew before the next save.
    connection: Option<Connection>,
    /// What `load` answers first: it was read anyway to see that all is well.
    loaded: Option<Saved>,
    _lock: Lock,
}

impl Database {
    /// Opens the store in `dir`, which is made if need be. A damaged store is set aside and its copy used.
    pub(crate) fn open(dir: &Path) -> Result<Self, OpenError> {
        open::make_dir(dir)?;
        let lock = Lock::take(dir)?;
        let (connection, saved) = open::open(dir)?;
        Ok(Self { dir: dir.into(), connection: Some(connection), loaded: Some(saved), _lock: lock })
    }

    /// Everything that is saved.
    pub(crate) fn load(&mut self) -> Result<Saved, StoreError> {
        match self.loaded.take() {
            Some(saved) => Ok(saved),
            None => self.with_connection(|db, _| rows::load(db)),
        }
    }

    /// Applies a transaction: all of it or nothing. With `sync` it is on disk when this returns, and so is all
    /// that was saved before.
    pub(crate) fn save(&mut self, transaction: &Transaction) -> Result<(), StoreError> {
        self.loaded = None;
        self.with_connection(|db, dir| {
            write(db, transaction)?;
            shorten_wal(db, dir);
            Ok(())
        })
    }

    /// Moves all into the database file and syncs it.
    pub(crate) fn close(mut self) -> Result<(), StoreError> {
        self.with_connection(|db, _| checkpoint(db))
    }

    /// A failure may be one of the connection (a file system gone and come back), so the next call gets a new one.
    fn with_connection<T>(
        &mut self,
        work: impl FnOnce(&Connection, &Path) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let attempt = || {
            let connection = match self.connection.take() {
                Some(connection) => connection,
                None => open::connect(&self.dir.join(DB))?,
            };
            let result = work(&connection, &self.dir)?;
            self.connection = Some(connection);
            Ok(result)
        };
        attempt().map_err(|error| StoreError(to_io(error, &self.dir.join(DB)).to_string()))
    }
}

/// Writes a transaction.
fn write(db: &Connection, transaction: &Transaction) -> rusqlite::Result<()> {
    db.pragma_update(None, "synchronous", if transaction.sync { "FULL" } else { "NORMAL" })?;
    let sql = db.unchecked_transaction()?;
    for put in &transaction.puts {
        rows::apply(&sql, put)?;
    }
    if transaction.puts.iter().any(|put| matches!(put, Put::Loss(_))) {
        ledger::cap(&sql, ledger::MOST)?;
    }
    sql.commit()
}

/// Failing to is no failure of the save: it is tried again after the next. A reader that is in the way is not
/// waited for.
fn shorten_wal(db: &Connection, dir: &Path) {
    let long = std::fs::metadata(dir.join(WAL)).is_ok_and(|wal| wal.len() > LONG_WAL);
    let shorten = || {
        db.busy_timeout(Duration::ZERO)?;
        checkpoint(db)?;
        db.busy_timeout(open::BUSY)
    };
    if long && let Err(error) = shorten() {
        tracing::debug!(%error, "the write-ahead log stays long");
    }
}

fn checkpoint(db: &Connection) -> rusqlite::Result<()> {
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
