//! `kintail dead-letter`: the records that a destination refused.

use super::agent::{self, Error, ask, ask_if_any, change};
use super::human::{bytes, clean, path as name, table};
use super::output::print;
use super::{DeadLetterCommand, ExitCode};
use crate::config::Config;
use crate::io::dead_letters::{DeadLetter, EditError, Editor, Found, files_of, letters};
use kintail_engine::command::{Command, Reply};
use kintail_engine::state::{LedgerRow, Put, Reason};
use std::ops::Range;
use std::path::Path;

/// Most bytes of records in one question to the agent.
const QUESTION: usize = 4 * 1024 * 1024;

/// Most records in one.
const RECORDS: usize = 500;

/// Most losses in one.
const LOSSES: usize = 10_000;

/// Answers it.
pub(super) fn run(config: &Config, command: &DeadLetterCommand) -> ExitCode {
    let state_dir = &config.state_dir;
    agent::end(match command {
        DeadLetterCommand::List { flow, json } => list(state_dir, flow.as_deref(), *json),
        DeadLetterCommand::Resend { flow } => resend(state_dir, flow.as_deref()),
        DeadLetterCommand::Clear { flow } => clear(state_dir, flow.as_deref()),
    })
}

impl From<EditError> for Error {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Busy => Self::Refused(error.to_string()),
            EditError::Io { .. } => Self::Io(error.to_string()),
        }
    }
}

/// The letters of one file that are of the flow, if one is named.
fn of_flow(
    file: &Path,
    flow: Option<&str>,
) -> Result<impl Iterator<Item = Result<(Range<u64>, DeadLetter), Error>>, Error> {
    let wanted = move |letter: &DeadLetter| flow.is_none_or(|flow| flow == letter.flow);
    Ok(letters(file)?.filter_map(move |found| match found {
        Ok(Found { at, letter: Some(letter) }) if wanted(&letter) => Some(Ok((at, letter))),
        Ok(_) => None,
        Err(error) => Some(Err(error.into())),
    }))
}

fn list(state_dir: &Path, flow: Option<&str>, as_json: bool) -> Result<ExitCode, Error> {
    let mut rows = Vec::new();
    for file in files_of(state_dir, flow)? {
        for letter in of_flow(&file, flow)? {
            let (_, letter) = letter?;
            if !as_json {
                rows.push(row(&letter));
                continue;
            }
            let line = serde_json::to_string(&letter).map_err(|error| Error::Io(error.to_string()))?;
            let code = print(line, ExitCode::Success);
            if code != ExitCode::Success {
                return Ok(code);
            }
        }
    }
    if as_json {
        return Ok(ExitCode::Success);
    }
    let text = table(["TIME", "FLOW", "FILE", "OFFSET", "BYTES", "CODE", "MESSAGE"], &rows);
    Ok(print(if rows.is_empty() { "there are no dead letters" } else { text.trim_end() }, ExitCode::Success))
}

fn row(letter: &DeadLetter) -> [String; 7] {
    [
        clean(&letter.time).into_owned(),
        clean(&letter.flow).into_owned(),
        name(&letter.path),
        letter.span.start.to_string(),
        bytes(letter.data.len() as u64),
        clean(&letter.code).into_owned(),
        clean(&letter.message).into_owned(),
    ]
}

/// What became of the letters that were sent again.
#[derive(Default)]
struct Sent {
    accepted: usize,
    refused: usize,
}

fn resend(state_dir: &Path, flow: Option<&str>) -> Result<ExitCode, Error> {
    // Nobody but the agent knows where they go; that it runs is asked before anything is touched.
    ask(state_dir, &Command::Status)?;
    let mut sent = Sent::default();
    if let Some(editor) = Editor::open(state_dir)? {
        for file in files_of(state_dir, flow)? {
            let mut accepted = Vec::new();
            // A file is rewritten once, also when the agent goes away half way.
            let result = resend_file(state_dir, &file, flow, &mut accepted, &mut sent);
            editor.remove(&file, &accepted)?;
            result?;
        }
    }
    let code = if sent.refused == 0 { ExitCode::Success } else { ExitCode::Failure };
    Ok(print(format!("{} accepted, {} refused again and kept", sent.accepted, sent.refused), code))
}

fn resend_file(
    state_dir: &Path,
    file: &Path,
    flow: Option<&str>,
    accepted: &mut Vec<Range<u64>>,
    sent: &mut Sent,
) -> Result<(), Error> {
    let mut all = of_flow(file, flow)?.peekable();
    while let Some(first) = all.next() {
        let (at, letter) = first?;
        let flow = letter.flow;
        let mut places = vec![at];
        let mut held = letter.data.len();
        let mut records = vec![letter.data];
        while let Some(Ok((_, next))) = all.peek()
            && next.flow == flow
            && held + next.data.len() <= QUESTION
            && records.len() < RECORDS
            && let Some(Ok((at, next))) = all.next()
        {
            held += next.data.len();
            places.push(at);
            records.push(next.data);
        }
        match ask(state_dir, &Command::Resend { flow, records })? {
            Reply::Resent(taken) if taken.len() == places.len() => {
                let before = accepted.len();
                let total = places.len();
                accepted.extend(places.into_iter().zip(taken).filter(|(_, taken)| *taken).map(|(at, _)| at));
                sent.accepted += accepted.len() - before;
                sent.refused += total - (accepted.len() - before);
            }
            other => return Err(agent::odd(&other)),
        }
    }
    Ok(())
}

/// First to the ledger, then out of the file: a crash between the two leaves a letter on both, never on none.
fn clear(state_dir: &Path, flow: Option<&str>) -> Result<ExitCode, Error> {
    let mut cleared = 0;
    if let Some(editor) = Editor::open(state_dir)? {
        for file in files_of(state_dir, flow)? {
            let mut places = Vec::new();
            let mut losses = Vec::new();
            for letter in of_flow(&file, flow)? {
                let (at, letter) = letter?;
                places.push(at);
                losses.push(loss(letter));
                if losses.len() == LOSSES {
                    put_on_ledger(state_dir, std::mem::take(&mut losses))?;
                }
            }
            put_on_ledger(state_dir, losses)?;
            editor.remove(&file, &places)?;
            cleared += places.len();
        }
    }
    Ok(print(format!("{cleared} dead letters moved to the loss ledger"), ExitCode::Success))
}

fn loss(letter: DeadLetter) -> LedgerRow {
    LedgerRow {
        flow: letter.flow,
        file: letter.file,
        epoch: letter.epoch,
        path: letter.path,
        span: letter.span,
        reason: Reason::DeadLetterCleared,
        time: jiff::Timestamp::now().as_nanosecond() as i64,
    }
}

fn put_on_ledger(state_dir: &Path, losses: Vec<LedgerRow>) -> Result<(), Error> {
    if losses.is_empty() {
        return Ok(());
    }
    let command = Command::AddLosses { losses };
    match (ask_if_any(state_dir, &command)?, command) {
        (Some(Reply::Done), _) => Ok(()),
        (None, Command::AddLosses { losses }) => {
            change(state_dir, |_| Ok(losses.into_iter().map(Put::Loss).collect()))
        }
        (Some(other), _) => Err(agent::odd(&other)),
        (None, _) => Ok(()),
    }
}
