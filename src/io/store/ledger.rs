//! The loss ledger: neighbours merged, at most [`MOST`] rows, older ones only counted.

use super::rows::{all, bytes, epoch, file_id, number, path, run, store, unsigned};
use kintail_engine::ids::Span;
use kintail_engine::state::{LedgerRow, Reason};
use rusqlite::{Connection, Row, params};
use serde::Serialize;

/// Most rows; over it the oldest go into counters by flow and reason.
pub(super) const MOST: u64 = 10_000;

/// Ranges that the full ledger no longer lists one by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LedgerCount {
    /// The flow's name.
    pub(crate) flow: String,
    /// Why they are missing.
    pub(crate) reason: Reason,
    /// How many.
    pub(crate) ranges: u64,
    /// Bytes in them.
    pub(crate) bytes: u64,
    /// Wall time of the first, in nanoseconds since the epoch.
    pub(crate) first: i64,
    /// Wall time of the last, in nanoseconds since the epoch.
    pub(crate) last: i64,
}

/// Reads it. Rows whose reason only a later version knows stay where they are and are left out.
pub(super) fn load(db: &Connection) -> rusqlite::Result<Vec<LedgerRow>> {
    let sql = "SELECT run, number, epoch_run, epoch_number, flow, path, start, \"end\", reason, time \
        FROM ledger ORDER BY id";
    Ok(all(db, sql, row)?.into_iter().flatten().collect())
}

fn row(row: &Row<'_>) -> rusqlite::Result<Option<LedgerRow>> {
    let Some(reason) = Reason::from_name(&row.get::<_, String>(8)?) else { return Ok(None) };
    Ok(Some(LedgerRow {
        flow: row.get(4)?,
        file: file_id(row, 0)?,
        epoch: epoch(row, 2)?,
        path: path(row, 5)?,
        span: Span { start: unsigned(row, 6)?, end: unsigned(row, 7)? },
        reason,
        time: row.get(9)?,
    }))
}

/// Reads the counters.
pub(super) fn counts(db: &Connection) -> rusqlite::Result<Vec<LedgerCount>> {
    let sql = "SELECT flow, reason, ranges, bytes, first, last FROM ledger_count ORDER BY flow, reason";
    let read = |row: &Row<'_>| {
        let Some(reason) = Reason::from_name(&row.get::<_, String>(1)?) else { return Ok(None) };
        Ok(Some(LedgerCount {
            flow: row.get(0)?,
            reason,
            ranges: unsigned(row, 2)?,
            bytes: unsigned(row, 3)?,
            first: row.get(4)?,
            last: row.get(5)?,
        }))
    };
    Ok(all(db, sql, read)?.into_iter().flatten().collect())
}

/// Adds a range, as one with those of the same file and reason that it touches.
pub(super) fn add(db: &Connection, loss: &LedgerRow) -> rusqlite::Result<()> {
    if loss.span.is_empty() {
        return Ok(());
    }
    let mut span = loss.span;
    for (id, old) in touching(db, loss)? {
        span = Span::new(span.start.min(old.start), span.end.max(old.end));
        run(db, "DELETE FROM ledger WHERE id = ?1", params![id])?;
    }
    run(
        db,
        "INSERT INTO ledger (flow, run, number, epoch_run, epoch_number, reason, start, \"end\", path, time)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            loss.flow,
            store(&loss.file),
            number(&loss.file),
            loss.epoch.run.0.cast_signed(),
            loss.epoch.number,
            loss.reason.name(),
            span.start.cast_signed(),
            span.end.cast_signed(),
            bytes(&loss.path),
            loss.time
        ],
    )
}

/// The rows that `loss` overlaps or is next to. Rows never touch each other, so only the last one that starts
/// before it and those that start within it come into question, however long the ledger is.
fn touching(db: &Connection, loss: &LedgerRow) -> rusqlite::Result<Vec<(i64, Span)>> {
    let place = "flow = ?1 AND run = ?2 AND number = ?3 AND epoch_run = ?4 AND epoch_number = ?5 \
        AND reason = ?6";
    let sql = format!(
        "SELECT id, start, \"end\" FROM ledger WHERE {place} AND start <= ?8 AND \"end\" >= ?7
         AND start >= coalesce((SELECT max(start) FROM ledger WHERE {place} AND start < ?7), ?7)"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let params = params![
        loss.flow,
        store(&loss.file),
        number(&loss.file),
        loss.epoch.run.0.cast_signed(),
        loss.epoch.number,
        loss.reason.name(),
        loss.span.start.cast_signed(),
        loss.span.end.cast_signed()
    ];
    let rows = statement.query_map(params, |row| {
        Ok((row.get(0)?, Span { start: unsigned(row, 1)?, end: unsigned(row, 2)? }))
    })?;
    rows.collect()
}

/// Moves the oldest rows over `most` into the counters.
pub(super) fn cap(db: &Connection, most: u64) -> rusqlite::Result<()> {
    let rows: i64 = db.prepare_cached("SELECT count(*) FROM ledger")?.query_row([], |row| row.get(0))?;
    let over = rows.saturating_sub_unsigned(most);
    if over <= 0 {
        return Ok(());
    }
    merge_counts(
        db,
        "SELECT flow, reason, count(*), sum(\"end\" - start), min(time), max(time)
         FROM (SELECT * FROM ledger ORDER BY id LIMIT ?1) WHERE true GROUP BY flow, reason",
        params![over],
    )?;
    run(db, "DELETE FROM ledger WHERE id IN (SELECT id FROM ledger ORDER BY id LIMIT ?1)", params![over])
}

/// Empties it.
pub(super) fn clear(db: &Connection) -> rusqlite::Result<()> {
    run(db, "DELETE FROM ledger", &[])?;
    run(db, "DELETE FROM ledger_count", &[])
}

/// Gives a flow's losses to another name.
pub(super) fn rename_flow(db: &Connection, from: &str, to: &str) -> rusqlite::Result<()> {
    run(db, "UPDATE ledger SET flow = ?2 WHERE flow = ?1", params![from, to])?;
    merge_counts(
        db,
        "SELECT ?2, reason, ranges, bytes, first, last FROM ledger_count WHERE flow = ?1",
        params![from, to],
    )?;
    run(db, "DELETE FROM ledger_count WHERE flow = ?1", params![from])
}

/// Adds what `select` yields to the counters.
fn merge_counts(db: &Connection, select: &str, params: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT INTO ledger_count (flow, reason, ranges, bytes, first, last) {select}
         ON CONFLICT (flow, reason) DO UPDATE SET ranges = ranges + excluded.ranges,
             bytes = bytes + excluded.bytes, first = min(first, excluded.first), last = max(last, excluded.last)"
    );
    run(db, &sql, params)
}
