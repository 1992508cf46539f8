//! The checked copy, `state.db.bak`: made beside a working store, put in place only when it is sound.

use super::fault::Fault;
use super::{BAK, DB, open, schema};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// Why no copy was made; the one before stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// The copy, and so the store, is damaged.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The store cannot be read, or the copy cannot be written.
    #[error("the store's copy cannot be made: {0}")]
    Database(rusqlite::Error),
    /// The copy cannot be put in place.
    #[error("the store's copy cannot be put in place: {0}")]
    Place(#[from] io::Error),
}

/// Copies the store in `dir`. It reads one state of it through a connection of its own, and so holds up no save.
pub(super) fn make(dir: &Path) -> Result<(), CopyError> {
    let fresh = dir.join("state.db.bak.new");
    open::remove(&fresh)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    let made = fill(dir, &fresh).map_err(|fault| match fault {
        Fault::Corrupt(why) => CopyError::Damaged(why),
        Fault::Unusable(error) => CopyError::Database(error),
        Fault::Io(error) => CopyError::Place(error),
        Fault::Newer { .. } | Fault::Hash(_) => CopyError::Damaged("its version changed".into()),
    });
    if let Err(error) = made {
        open::remove(&fresh)?;
        return Err(error);
    }
    File::open(&fresh)?.sync_all()?;
    fs::rename(&fresh, dir.join(BAK))?;
    open::sync_dir(dir)?;
    Ok(())
}

fn fill(dir: &Path, fresh: &Path) -> Result<(), Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let from = Connection::open_with_flags(dir.join(DB), flags)?;
    from.busy_timeout(Duration::from_secs(1))?;
    let mut to = open::connect(fresh)?;
    copy_pages(&from, &mut to)?;
    // A single file, without a log beside it.
    to.pragma_update(None, "journal_mode", "DELETE")?;
    schema::inspect(&to)?;
    open::sound(&to)
}

/// All pages in one step: they are of one state, and a save meanwhile does not start it over.
fn copy_pages(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    let backup = Backup::new(from, to)?;
    match backup.step(-1)? {
        StepResult::Done => Ok(()),
        _ => Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)),
    }
}
