//! Opens a store: makes it, finds out whether it is sound, and if not sets it aside and takes its copy.

use super::fault::{Fault, to_io};
use super::{BAK, DB, OpenError, WAL, rows, schema};
use kintail_engine::state::Saved;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a writer waits for a reader, such as somebody's `sqlite3`, that is in its way.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Makes the state directory, for its owner alone, if it is not there.
pub(super) fn make_dir(dir: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Directory { path: dir.into(), source };
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(error)),
        _ if !dir.is_dir() => Err(failed(ErrorKind::NotADirectory.into())),
        _ => Ok(()),
    }
}

/// Opens the store in `dir`, whose lock is held.
pub(super) fn open(dir: &Path) -> Result<(Connection, Saved), OpenError> {
    let path = dir.join(DB);
    create(&path).map_err(|source| OpenError::NotWritable { path: path.clone(), source })?;
    let logged = fs::metadata(dir.join(WAL)).is_ok_and(|wal| wal.len() > 0);
    let found = match check(&path, logged || dir.join(BAK).exists()) {
        Err(Fault::Corrupt(why)) => {
            replace(dir, &why)?;
            check(&path, false)
        }
        found => found,
    };
    let (connection, content) = found.map_err(|fault| OpenError::from_fault(&path, fault))?;
    prepare(&connection, dir, content)
        .map_err(|fault| OpenError::from_fault(&path, fault))
        .map(|saved| (connection, saved))
}

/// Opens a database that exists, for writing.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    db.pragma_update(None, "trusted_schema", false)?;
    // We move the log ourselves, before it is long, and want no surprise in the middle of a save.
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    db.pragma_update(None, "cache_size", -1024)?;
    Ok(db)
}

/// An empty database, for its owner alone; SQLite gives the files beside it the same mode.
fn create(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}

/// Opens a database and looks at every page and every row. One that was `used` must not be empty.
fn check(path: &Path, used: bool) -> Result<(Connection, schema::Content), Fault> {
    first_look(path, used)?;
    let db = connect(path)?;
    // What turns out to be damaged stays as it is, its log too.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let content = schema::inspect(&db)?;
    match content {
        schema::Content::Empty if used => return Err(Fault::Corrupt("it is empty".into())),
        schema::Content::Empty => {}
        schema::Content::Store(_) => {
            sound(&db)?;
            rows::load(&db)?;
        }
    }
    Ok((db, content))
}

/// Looks at a database before SQLite does, which would throw away the log beside one that is cut short.
fn first_look(path: &Path, used: bool) -> Result<(), Fault> {
    let mut start = Vec::new();
    File::open(path)?.take(16).read_to_end(&mut start)?;
    match start.as_slice() {
        b"SQLite format 3\0" => Ok(()),
        [] if !used => Ok(()),
        [] => Err(Fault::Corrupt("it is empty".into())),
        _ => Err(Fault::Corrupt("it is no database".into())),
    }
}

/// Whether every page makes sense.
pub(super) fn sound(db: &Connection) -> Result<(), Fault> {
    let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(Fault::Corrupt(verdict)) }
}

/// Brings a sound database to our schema and proves that it can be written.
fn prepare(db: &Connection, dir: &Path, content: schema::Content) -> Result<Saved, Fault> {
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        tracing::warn!(mode, "this file system cannot share memory; saving will be slow");
    }
    db.pragma_update(None, "synchronous", "FULL")?;
    schema::migrate(db, content)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    sync_dir(dir)?;
    Ok(rows::load(db)?)
}

/// Puts the copy, or nothing, in a damaged store's place.
fn replace(dir: &Path, why: &str) -> Result<(), OpenError> {
    let failed = |source| OpenError::NotWritable { path: dir.join(DB), source };
    let copy = sound_copy(dir)?;
    let aside = set_aside(dir).map_err(failed)?;
    tracing::error!(
        "the store is damaged ({why}) and was set aside as {}; {}",
        aside.display(),
        match &copy {
            Some(_) => "its copy is used, and what was shipped since the copy was made is shipped again",
            None => "there is no sound copy, so reading starts from the beginning",
        }
    );
    if let Some(copy) = copy {
        fs::rename(copy, dir.join(DB)).map_err(failed)?;
    } else {
        remove(&dir.join(DB)).map_err(failed)?;
        create(&dir.join(DB)).map_err(failed)?;
    }
    sync_dir(dir).map_err(failed)
}

/// A second copy of the copy, ready to be moved into place, if it is sound.
fn sound_copy(dir: &Path) -> Result<Option<PathBuf>, OpenError> {
    let bak = dir.join(BAK);
    let fresh = dir.join("state.db.restored");
    let copied = remove(&fresh).and_then(|()| {
        fs::copy(&bak, &fresh)?;
        File::open(&fresh)?.sync_all()
    });
    match copied {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OpenError::NotWritable { path: fresh, source }),
    }
    match check(&fresh, true) {
        Ok(_) => Ok(Some(fresh)),
        Err(Fault::Corrupt(why)) => {
            tracing::error!("{} is damaged too: {why}", bak.display());
            Ok(None)
        }
        Err(fault) => Err(OpenError::from_fault(&bak, fault)),
    }
}

/// Gives the damaged store another name, with its log: a log that stayed would be applied to what comes in its
/// place. The database itself stays under its name too where the file system permits, so that a crash
/// before the copy is in place finds it damaged again rather than gone.
fn set_aside(dir: &Path) -> io::Result<PathBuf> {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S.%3fZ");
    let aside = dir.join(format!("{DB}.corrupt-{time}"));
    let with = |path: &Path, end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let db = dir.join(DB);
    if fs::hard_link(&db, &aside).is_err() {
        fs::rename(&db, &aside)?;
    }
    for end in ["-wal", "-shm"] {
        match fs::rename(with(&db, end), with(&aside, end)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes names that came or went last through a power cut.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

impl OpenError {
    /// The error for what is wrong with the database at `path`.
    pub(super) fn from_fault(path: &Path, fault: Fault) -> Self {
        let path = path.to_path_buf();
        match fault {
            Fault::Corrupt(why) => Self::Corrupt { path, why },
            Fault::Newer { by, version } => Self::Newer { path, by, version },
            Fault::Hash(hash) => Self::Hash { path, hash },
            Fault::Io(source) => Self::NotWritable { path, source },
            Fault::Unusable(error) => Self::NotWritable { source: to_io(error, &path), path },
        }
    }
}
