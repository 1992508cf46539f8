//! The tables, their versions, and what the store says about itself.

use super::fault::Fault;
use kintail_engine::content::HASH_NAME;
use rusqlite::{Connection, OptionalExtension, params};

/// `application_id` of a store: "ktal".
const APPLICATION: i32 = 0x6b74_616c;

/// Each brings the schema to the next version. They only add, so that an older program goes on working: every
/// statement names its columns, and an update leaves those it does not know alone.
const MIGRATIONS: &[&str] = &[FIRST];

/// The oldest schema version whose programs can use a store of our version.
const OLDEST_READER: i64 = 1;

/// Ids of 64 bits are stored as the signed integer of the same bits, paths as their bytes.
const FIRST: &str = "
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE flow (
    name TEXT PRIMARY KEY,
    files TEXT NOT NULL, -- JSON array of globs
    last_look INTEGER NOT NULL, -- nanoseconds since 1970, as all times here
    possible_losses INTEGER NOT NULL
) STRICT;
CREATE TABLE file (
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,
    first_path BLOB NOT NULL,
    path BLOB NOT NULL,
    dev INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    btime INTEGER NOT NULL,
    head_len INTEGER NOT NULL,
    head_hash INTEGER NOT NULL,
    epoch_run INTEGER NOT NULL,
    epoch_number INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    PRIMARY KEY (run, number)
) STRICT;
CREATE TABLE cursor (
    flow TEXT NOT NULL,
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,
    epoch_run INTEGER NOT NULL,
    epoch_number INTEGER NOT NULL,
    prefix INTEGER NOT NULL,
    ranges BLOB NOT NULL,
    check_at INTEGER NOT NULL,
    check_len INTEGER NOT NULL,
    check_hash INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    PRIMARY KEY (flow, run, number, epoch_run, epoch_number)
) STRICT, WITHOUT ROWID;
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY, -- in the order of their coming
    flow TEXT NOT NULL,
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,
    epoch_run INTEGER NOT NULL,
    epoch_number INTEGER NOT NULL,
    path BLOB NOT NULL,
    start INTEGER NOT NULL,
    \"end\" INTEGER NOT NULL,
    reason TEXT NOT NULL,
    time INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_place ON ledger (flow, run, number, epoch_run, epoch_number, reason, start);
CREATE TABLE ledger_count ( -- what the full ledger no longer lists one by one
    flow TEXT NOT NULL,
    reason TEXT NOT NULL,
    ranges INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (flow, reason)
) STRICT, WITHOUT ROWID;
";

/// What a database turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing was ever written to it.
    Empty,
    /// A store whose schema is of this version, which we can use.
    Store(i64),
}

/// Finds out whether this is a store that we can use.
pub(super) fn inspect(db: &Connection) -> Result<Content, Fault> {
    let application: i32 = pragma(db, "application_id")?;
    let version: i64 = pragma(db, "user_version")?;
    if application != APPLICATION {
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        return match (application, version, tables) {
            (0, 0, 0) => Ok(Content::Empty),
            _ => Err(Fault::Corrupt("it is no store of kintail".into())),
        };
    }
    if version > ours() && get::<i64>(db, "oldest_reader")?.is_none_or(|oldest| oldest > ours()) {
        let by = get(db, "written_by")?.unwrap_or_else(|| "of a later version".into());
        return Err(Fault::Newer { by, version });
    }
    match get::<String>(db, "hash")? {
        Some(hash) if hash != HASH_NAME => Err(Fault::Hash(hash)),
        _ => Ok(Content::Store(version)),
    }
}

/// Makes the tables, or brings them to our version; all or nothing.
pub(super) fn migrate(db: &Connection, content: Content) -> rusqlite::Result<()> {
    let version = match content {
        Content::Empty => 0,
        Content::Store(version) => version,
    };
    let transaction = db.unchecked_transaction()?;
    for migration in MIGRATIONS.iter().skip(version as usize) {
        transaction.execute_batch(migration)?;
    }
    if content == Content::Empty {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        set(&transaction, "hash", HASH_NAME)?;
    }
    if version <= ours() {
        transaction.pragma_update(None, "user_version", ours())?;
        set(&transaction, "written_by", env!("CARGO_PKG_VERSION"))?;
        set(&transaction, "oldest_reader", OLDEST_READER)?;
    }
    // Also shows, before anything depends on it, whether the store can be written at all.
    set(&transaction, "opened_by", env!("CARGO_PKG_VERSION"))?;
    transaction.commit()
}

/// The last boot in which the agent met, or looked for, each saved file.
pub(super) const BOOT_ID: &str = "boot_id";

/// Our schema version.
pub(super) const fn ours() -> i64 {
    MIGRATIONS.len() as i64
}

/// What the store says about itself under `key`.
pub(super) fn get<T: rusqlite::types::FromSql>(db: &Connection, key: &str) -> rusqlite::Result<Option<T>> {
    db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
}

/// Says so.
pub(super) fn set(db: &Connection, key: &str, value: impl rusqlite::ToSql) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2";
    db.prepare_cached(sql)?.execute(params![key, value]).map(drop)
}

fn pragma<T: rusqlite::types::FromSql>(db: &Connection, name: &str) -> rusqlite::Result<T> {
    db.pragma_query_value(None, name, |row| row.get(0))
}
