//! Reads a store without its lock, beside a running agent or without one, and changes nothing.

use super::fault::Fault;
use super::{DB, LedgerCount, OpenError, ledger, open, rows, schema};
use kintail_engine::state::Saved;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// What a store held at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    /// Its rows.
    pub(crate) saved: Saved,
    /// What the full ledger no longer lists.
    pub(crate) ledger_counts: Vec<LedgerCount>,
}

impl View {
    /// Reads the store in `dir`; `None` if there is none.
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>, OpenError> {
        let path = dir.join(DB);
        match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(OpenError::NotReadable { path, source }),
            Ok(_) => {}
        }
        read(&path).map_err(|fault| match fault {
            Fault::Io(source) => OpenError::NotReadable { path: path.clone(), source },
            Fault::Unusable(error) => {
                let source = super::fault::to_io(error, &path);
                OpenError::NotReadable { path: path.clone(), source }
            }
            fault => OpenError::from_fault(&path, fault),
        })
    }
}

fn read(path: &Path) -> Result<Option<View>, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(Duration::from_secs(1))?;
    let moment = db.unchecked_transaction()?;
    if schema::inspect(&moment)? == schema::Content::Empty {
        return Ok(None);
    }
    open::sound(&moment)?;
    Ok(Some(View { saved: rows::load(&moment)?, ledger_counts: ledger::counts(&moment)? }))
}
