//! `kintail offsets`: up to where each file is shipped. The running agent is asked; without one, its store.

mod offline;

use super::agent::{self, Error, ask_if_any, change};
use super::human::{bytes, clean, path, table};
use super::output::print;
use super::{ExitCode, OffsetsCommand};
use crate::config::Config;
use kintail_engine::command::{Command, Position, Reply};
use std::path::{Path, PathBuf};

/// Answers it.
pub(super) fn run(config: &Config, command: &OffsetsCommand) -> ExitCode {
    let state_dir = &config.state_dir;
    agent::end(match command {
        OffsetsCommand::List { json } => list(state_dir, *json),
        OffsetsCommand::Set { flow, path, offset } => set(state_dir, flow, path, *offset),
        OffsetsCommand::Reset { flow, path } => reset(state_dir, flow, path.as_deref()),
        OffsetsCommand::Rename { old, new } => rename(state_dir, old, new),
    })
}

fn list(state_dir: &Path, as_json: bool) -> Result<ExitCode, Error> {
    let positions = match ask_if_any(state_dir, &Command::Offsets)? {
        Some(Reply::Offsets(positions)) => positions,
        Some(other) => return Err(agent::odd(&other)),
        None => offline::positions(&agent::view(state_dir)?.saved),
    };
    let text = if as_json {
        serde_json::to_string_pretty(&positions).map_err(|error| Error::Io(error.to_string()))?
    } else {
        people(&positions)
    };
    Ok(print(text.trim_end(), ExitCode::Success))
}

fn people(positions: &[Position]) -> String {
    let row = |position: &Position| {
        [
            clean(&position.flow).into_owned(),
            path(&position.path),
            position.offset.to_string(),
            position.ahead.to_string(),
            position.size.map_or("-".into(), |size| size.to_string()),
            position
                .size
                .map_or("-".into(), |size| bytes(size.saturating_sub(position.offset + position.ahead))),
        ]
    };
    let rows: Vec<_> = positions.iter().map(row).collect();
    table(["FLOW", "FILE", "OFFSET", "AHEAD", "SIZE", "LAG"], &rows)
}

fn set(state_dir: &Path, flow: &str, path: &Path, offset: u64) -> Result<ExitCode, Error> {
    let path = absolute(path)?;
    let command = Command::SetOffset { flow: flow.into(), path: path.clone(), offset };
    tell(state_dir, &command, || change(state_dir, |saved| offline::set(&saved, flow, &path, offset)))
}

fn reset(state_dir: &Path, flow: &str, path: Option<&Path>) -> Result<ExitCode, Error> {
    let path = path.map(absolute).transpose()?;
    let command = Command::ResetOffsets { flow: flow.into(), path: path.clone() };
    tell(state_dir, &command, || change(state_dir, |saved| offline::reset(&saved, flow, path.as_deref())))
}

fn rename(state_dir: &Path, old: &str, new: &str) -> Result<ExitCode, Error> {
    let command = Command::RenameOffsets { from: old.into(), to: new.into() };
    tell(state_dir, &command, || change(state_dir, |saved| offline::rename(&saved, old, new)))
}

/// Has the agent do it, or does it.
fn tell(
    state_dir: &Path,
    command: &Command,
    without_agent: impl FnOnce() -> Result<(), Error>,
) -> Result<ExitCode, Error> {
    match ask_if_any(state_dir, command)? {
        Some(Reply::Done) => {}
        Some(other) => return Err(agent::odd(&other)),
        None => without_agent()?,
    }
    Ok(ExitCode::Success)
}

/// The agent has another working directory.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|error| Error::Io(format!("{}: {error}", path.display())))
}
