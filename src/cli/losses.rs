//! `kintail losses`: what is known to be missing, and why.

use super::agent::{self, Error, ask_if_any, change};
use super::human::{bytes, clean, path, table, utc};
use super::output::print;
use super::{ExitCode, LossesArgs, LossesCommand};
use crate::config::Config;
use crate::io::store::{LedgerCount, View};
use kintail_engine::command::{Command, Reply};
use kintail_engine::state::{LedgerRow, Put};
use serde_json::{Value, json};
use std::path::Path;

/// Answers it.
pub(super) fn run(config: &Config, args: &LossesArgs) -> ExitCode {
    agent::end(match args.command {
        Some(LossesCommand::Clear) => clear(&config.state_dir),
        None => show(&config.state_dir, args.json),
    })
}

fn show(state_dir: &Path, as_json: bool) -> Result<ExitCode, Error> {
    // The counters are only in the store, and only for whom may read it.
    let view = View::read(state_dir);
    let (rows, counts) = match (ask_if_any(state_dir, &Command::Losses)?, view) {
        (Some(Reply::Losses(rows)), view) => {
            (rows, view.ok().flatten().map(|view| view.ledger_counts).unwrap_or_default())
        }
        (Some(other), _) => return Err(agent::odd(&other)),
        (None, view) => view?.map(|view| (view.saved.ledger, view.ledger_counts)).unwrap_or_default(),
    };
    let text = if as_json { machine(&rows, &counts).to_string() } else { people(&rows, &counts) };
    Ok(print(text.trim_end(), ExitCode::Success))
}

fn clear(state_dir: &Path) -> Result<ExitCode, Error> {
    match ask_if_any(state_dir, &Command::ClearLosses)? {
        Some(Reply::Done) => {}
        Some(other) => return Err(agent::odd(&other)),
        None => change(state_dir, |_| Ok(vec![Put::ClearLedger]))?,
    }
    Ok(ExitCode::Success)
}

fn people(rows: &[LedgerRow], counts: &[LedgerCount]) -> String {
    if rows.is_empty() && counts.is_empty() {
        return "nothing is known to be missing".into();
    }
    let row = |row: &LedgerRow| {
        [
            utc(row.time),
            clean(&row.flow).into_owned(),
            path(&row.path),
            format!("{}..{}", row.span.start, row.span.end),
            bytes(row.span.len()),
            row.reason.name().into(),
        ]
    };
    let earlier = |count: &LedgerCount| {
        [
            utc(count.last),
            clean(&count.flow).into_owned(),
            format!("({} earlier ranges)", count.ranges),
            String::new(),
            bytes(count.bytes),
            count.reason.name().into(),
        ]
    };
    let rows: Vec<_> = counts.iter().map(earlier).chain(rows.iter().map(row)).collect();
    table(["TIME", "FLOW", "FILE", "RANGE", "BYTES", "REASON"], &rows)
}

fn machine(rows: &[LedgerRow], counts: &[LedgerCount]) -> Value {
    let row = |row: &LedgerRow| {
        json!({
            "time": utc(row.time),
            "flow": row.flow,
            "file": row.file,
            "epoch": row.epoch,
            "path": row.path.to_string_lossy(),
            "start": row.span.start,
            "end": row.span.end,
            "reason": row.reason.name(),
        })
    };
    let earlier = |count: &LedgerCount| {
        json!({
            "first": utc(count.first),
            "last": utc(count.last),
            "flow": count.flow,
            "ranges": count.ranges,
            "bytes": count.bytes,
            "reason": count.reason.name(),
        })
    };
    json!({
        "losses": rows.iter().map(row).collect::<Vec<_>>(),
        "earlier": counts.iter().map(earlier).collect::<Vec<_>>(),
    })
}
