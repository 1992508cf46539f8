//! What can be wrong with a database, told apart by what is to be done about it.

use rusqlite::{Error, ErrorCode};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Why a database cannot be used.
#[derive(Debug)]
pub(super) enum Fault {
    /// Its content makes no sense: set it aside.
    Corrupt(String),
    /// A later version wrote it: leave it alone.
    Newer {
        /// That version.
        by: String,
        /// Its schema.
        version: i64,
    },
    /// It recognises content by another hash: leave it alone.
    Hash(String),
    /// It cannot be read or written now; its content may be well.
    Unusable(Error),
    /// The same, found without SQLite.
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        if is_corrupt(&error) { Self::Corrupt(error.to_string()) } else { Self::Unusable(error) }
    }
}

/// Whether the content is to blame, not the disk or the system.
pub(super) fn is_corrupt(error: &Error) -> bool {
    match error {
        Error::SqliteFailure(failure, _) => matches!(
            failure.code,
            // The last is what a missing table or column yields; our statements themselves are right.
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown
        ),
        Error::SqlInputError { .. }
        | Error::FromSqlConversionFailure(..)
        | Error::InvalidColumnType(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::QueryReturnedNoRows => true,
        _ => false,
    }
}

/// The error as an operating system's one, whose kind tells what would help. SQLite calls many a full disk an
/// I/O error, so the disk under `path` is asked.
pub(super) fn to_io(error: Error, path: &Path) -> io::Error {
    let full = || {
        let dir = path.parent().unwrap_or(path);
        rustix::fs::statvfs(dir).is_ok_and(|fs| fs.f_blocks > 0 && fs.f_bavail == 0)
    };
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) if full() => {
            return io::Error::new(ErrorKind::StorageFull, format!("no space left ({error})"));
        }
        Some(ErrorCode::DiskFull) => ErrorKind::StorageFull,
        Some(ErrorCode::ReadOnly) => ErrorKind::ReadOnlyFilesystem,
        Some(ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => ErrorKind::PermissionDenied,
        Some(ErrorCode::DatabaseBusy) => ErrorKind::ResourceBusy,
        _ => ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
