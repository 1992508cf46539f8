//! Rows to tables and back: loads what is saved, applies transactions.

use super::{ledger, ranges, schema};
use kintail_engine::ids::{Epoch, FileId, RunId};
use kintail_engine::state::{Check, CursorRow, FileRow, Fingerprint, FlowRow, Identity, Put, Saved};
use rusqlite::{Connection, Row, ToSql, params, types::Type};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Reads the whole store.
pub(super) fn load(db: &Connection) -> rusqlite::Result<Saved> {
    Ok(Saved {
        boot_id: schema::get(db, schema::BOOT_ID)?.unwrap_or_default(),
        flows: all(db, "SELECT name, files, last_look, possible_losses FROM flow ORDER BY name", flow)?,
        files: all(db, FILES, file)?,
        cursors: all(db, CURSORS, cursor)?,
        ledger: ledger::load(db)?,
    })
}

const FILES: &str = "SELECT run, number, first_path, path, dev, ino, btime, head_len, head_hash, \
    epoch_run, epoch_number, last_seen, finished FROM file ORDER BY run, number";

const CURSORS: &str = "SELECT run, number, flow, epoch_run, epoch_number, prefix, ranges, \
    check_at, check_len, check_hash, seen FROM cursor \
    ORDER BY flow, run, number, epoch_run, epoch_number";

/// Applies one change.
pub(super) fn apply(db: &Connection, put: &Put) -> rusqlite::Result<()> {
    match put {
        Put::Flow(row) => put_flow(db, row),
        Put::ForgetFlow(name) => {
            run(db, "DELETE FROM cursor WHERE flow = ?1", params![name])?;
            run(db, "DELETE FROM flow WHERE name = ?1", params![name])
        }
        Put::RenameFlow { from, to } => rename_flow(db, from, to),
        Put::File(row) => put_file(db, row),
        Put::ForgetFile(id) => {
            run(db, "DELETE FROM cursor WHERE run = ?1 AND number = ?2", params![store(id), number(id)])?;
            run(db, "DELETE FROM file WHERE run = ?1 AND number = ?2", params![store(id), number(id)])
        }
        Put::Cursor(row) => put_cursor(db, row),
        Put::ForgetCursor { flow, file, epoch } => run(
            db,
            "DELETE FROM cursor WHERE flow = ?1 AND run = ?2 AND number = ?3 AND epoch_run = ?4
             AND epoch_number = ?5",
            params![flow, store(file), number(file), epoch.run.0.cast_signed(), epoch.number],
        ),
        Put::Loss(row) => ledger::add(db, row),
        Put::ClearLedger => ledger::clear(db),
        Put::Boot(id) => schema::set(db, schema::BOOT_ID, id),
    }
}

fn put_flow(db: &Connection, row: &FlowRow) -> rusqlite::Result<()> {
    run(
        db,
        "INSERT INTO flow (name, files, last_look, possible_losses) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name)
         DO UPDATE SET files = ?2, last_look = ?3, possible_losses = ?4",
        params![
            row.name,
            serde_json::to_string(&row.files).map_err(unwritable)?,
            row.last_look,
            row.possible_losses.cast_signed()
        ],
    )
}

/// What is saved under the old name wins over what a short life under the new one has left.
fn rename_flow(db: &Connection, from: &str, to: &str) -> rusqlite::Result<()> {
    if from == to {
        return Ok(());
    }
    for sql in [
        "DELETE FROM flow WHERE name = ?2 AND EXISTS (SELECT 1 FROM flow WHERE name = ?1)",
        "UPDATE flow SET name = ?2 WHERE name = ?1",
        "UPDATE OR REPLACE cursor SET flow = ?2 WHERE flow = ?1",
    ] {
        run(db, sql, params![from, to])?;
    }
    ledger::rename_flow(db, from, to)
}

fn put_file(db: &Connection, row: &FileRow) -> rusqlite::Result<()> {
    run(
        db,
        "INSERT INTO file (run, number, first_path, path, dev, ino, btime, head_len, head_hash, epoch_run,
             epoch_number, last_seen, finished)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (run, number) DO UPDATE SET first_path = ?3, path = ?4, dev = ?5, ino = ?6, btime = ?7,
             head_len = ?8, head_hash = ?9, epoch_run = ?10, epoch_number = ?11, last_seen = ?12, finished = ?13",
        params![
            store(&row.id),
            number(&row.id),
            bytes(&row.first_path),
            bytes(&row.path),
            row.identity.dev.cast_signed(),
            row.identity.ino.cast_signed(),
            row.identity.btime,
            row.head.len,
            row.head.hash.cast_signed(),
            row.epoch.run.0.cast_signed(),
            row.epoch.number,
            row.last_seen,
            row.finished
        ],
    )
}

fn put_cursor(db: &Connection, row: &CursorRow) -> rusqlite::Result<()> {
    let ranges = ranges::encode(row.prefix, &row.ranges).ok_or_else(|| {
        unwritable(format!("acknowledged ranges of {} in flow {} are in disorder", row.file, row.flow))
    })?;
    run(
        db,
        "INSERT INTO cursor (flow, run, number, epoch_run, epoch_number, prefix, ranges, check_at, check_len,
             check_hash, seen)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (flow, run, number, epoch_run, epoch_number) DO UPDATE SET prefix = ?6, ranges = ?7,
             check_at = ?8, check_len = ?9, check_hash = ?10, seen = ?11",
        params![
            row.flow,
            store(&row.file),
            number(&row.file),
            row.epoch.run.0.cast_signed(),
            row.epoch.number,
            row.prefix.cast_signed(),
            ranges,
            row.check.at.cast_signed(),
            row.check.print.len,
            row.check.print.hash.cast_signed(),
            row.seen.cast_signed()
        ],
    )
}

fn flow(row: &Row<'_>) -> rusqlite::Result<FlowRow> {
    let files: String = row.get(1)?;
    Ok(FlowRow {
        name: row.get(0)?,
        files: serde_json::from_str(&files).map_err(|error| unreadable(1, Type::Text, error))?,
        last_look: row.get(2)?,
        possible_losses: unsigned(row, 3)?,
    })
}

fn file(row: &Row<'_>) -> rusqlite::Result<FileRow> {
    Ok(FileRow {
        id: file_id(row, 0)?,
        first_path: path(row, 2)?,
        path: path(row, 3)?,
        identity: Identity { dev: unsigned(row, 4)?, ino: unsigned(row, 5)?, btime: row.get(6)? },
        head: Fingerprint { len: row.get(7)?, hash: unsigned(row, 8)? },
        epoch: epoch(row, 9)?,
        last_seen: row.get(11)?,
        finished: row.get(12)?,
    })
}

fn cursor(row: &Row<'_>) -> rusqlite::Result<CursorRow> {
    let prefix = unsigned(row, 5)?;
    let packed: Vec<u8> = row.get(6)?;
    Ok(CursorRow {
        file: file_id(row, 0)?,
        flow: row.get(2)?,
        epoch: epoch(row, 3)?,
        prefix,
        ranges: ranges::decode(prefix, &packed)
            .ok_or_else(|| unreadable(6, Type::Blob, "acknowledged ranges make no sense"))?,
        check: Check {
            at: unsigned(row, 7)?,
            print: Fingerprint { len: row.get(8)?, hash: unsigned(row, 9)? },
        },
        seen: unsigned(row, 10)?,
    })
}

/// Every row that a query yields.
pub(super) fn all<T>(
    db: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    db.prepare_cached(sql)?.query_map([], read)?.collect()
}

/// Runs a statement whose row count is of no interest.
pub(super) fn run(db: &Connection, sql: &str, params: &[&dyn ToSql]) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute(params).map(drop)
}

/// A file's id in columns `at` and the next.
pub(super) fn file_id(row: &Row<'_>, at: usize) -> rusqlite::Result<FileId> {
    Ok(FileId { run: RunId(unsigned(row, at)?), number: unsigned(row, at + 1)? })
}

/// An epoch in columns `at` and the next.
pub(super) fn epoch(row: &Row<'_>, at: usize) -> rusqlite::Result<Epoch> {
    Ok(Epoch { run: RunId(unsigned(row, at)?), number: row.get(at + 1)? })
}

/// A number of 64 bits, stored as the signed one of the same bits.
pub(super) fn unsigned(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get(at).map(i64::cast_unsigned)
}

/// A path, which need not be UTF-8.
pub(super) fn path(row: &Row<'_>, at: usize) -> rusqlite::Result<PathBuf> {
    row.get(at).map(|bytes| OsString::from_vec(bytes).into())
}

/// A path's bytes.
pub(super) fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// The first column of a file's key.
pub(super) fn store(id: &FileId) -> i64 {
    id.run.0.cast_signed()
}

/// The second column of a file's key.
pub(super) fn number(id: &FileId) -> i64 {
    id.number.cast_signed()
}

fn unreadable(
    column: usize,
    kind: Type,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, error.into())
}

fn unwritable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(error.into())
}
