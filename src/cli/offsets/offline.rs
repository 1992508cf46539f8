//! Offsets without an agent: what to change in the store. Nothing is in flight, so no epoch need begin.

use crate::cli::agent::Error;
use crate::cli::content;
use crate::io::files::look;
use kintail_engine::command::Position;
use kintail_engine::content::{WINDOW, check, fingerprint};
use kintail_engine::event::FileError;
use kintail_engine::ids::Span;
use kintail_engine::settings::Symlinks;
use kintail_engine::state::{Check, CursorRow, FileRow, LedgerRow, Put, Reason, Saved};
use std::path::Path;

/// Where every flow is, by what is saved.
pub(super) fn positions(saved: &Saved) -> Vec<Position> {
    let newest = |cursor: &&CursorRow| file_of(saved, cursor).is_some_and(|file| file.epoch == cursor.epoch);
    saved.cursors.iter().filter(newest).map(|cursor| position(saved, cursor)).collect()
}

fn position(saved: &Saved, cursor: &CursorRow) -> Position {
    let file = file_of(saved, cursor);
    // A file that is gone, or another one by now, has no size.
    let size = file.and_then(|file| {
        let meta = look(&file.path, Symlinks::Files).ok()?;
        (meta.identity == file.identity).then_some(meta.size)
    });
    Position {
        flow: cursor.flow.clone(),
        file: cursor.file.to_string(),
        path: file.map(|file| file.path.clone()).unwrap_or_default(),
        offset: cursor.prefix,
        ahead: cursor.ranges.iter().map(|range| range.len()).sum(),
        size,
    }
}

fn file_of<'a>(saved: &'a Saved, cursor: &CursorRow) -> Option<&'a FileRow> {
    saved.files.iter().find(|file| file.id == cursor.file)
}

/// Go on at `offset`. What is passed over goes to the ledger.
pub(super) fn set(saved: &Saved, flow: &str, path: &Path, offset: u64) -> Result<Vec<Put>, Error> {
    known(saved, flow)?;
    let (file, size) = find(saved, path)?;
    if offset > size {
        return Err(Error::Refused(format!("{} has only {size} bytes", path.display())));
    }
    let before = content::before(path, offset)?;
    let old =
        saved.cursors.iter().find(|row| row.flow == flow && row.file == file.id && row.epoch == file.epoch);
    let cursor = CursorRow {
        flow: flow.into(),
        file: file.id,
        epoch: file.epoch,
        prefix: offset,
        ranges: Vec::new(),
        check: check(offset, &before),
        seen: size,
    };
    let time = jiff::Timestamp::now().as_nanosecond() as i64;
    let passed_over = gaps(old, offset).into_iter().map(|span| {
        Put::Loss(LedgerRow {
            flow: flow.into(),
            file: file.id,
            epoch: file.epoch,
            path: file.path.clone(),
            span,
            reason: Reason::OffsetSet,
            time,
        })
    });
    let mut puts: Vec<_> = passed_over.collect();
    puts.extend([Put::Cursor(cursor), unfinished(file)]);
    Ok(puts)
}

/// Ship a file again from its beginning, or all files of a flow.
pub(super) fn reset(saved: &Saved, flow: &str, path: Option<&Path>) -> Result<Vec<Put>, Error> {
    known(saved, flow)?;
    let only = path.map(|path| find(saved, path).map(|(file, _)| file.id)).transpose()?;
    let mut puts = Vec::new();
    for cursor in saved.cursors.iter().filter(|row| row.flow == flow && only.is_none_or(|id| id == row.file))
    {
        if let Some(file) = file_of(saved, cursor).filter(|file| file.epoch == cursor.epoch) {
            let begun =
                CursorRow { prefix: 0, ranges: Vec::new(), check: Check::default(), ..cursor.clone() };
            puts.extend([Put::Cursor(begun), unfinished(file)]);
        }
    }
    match path {
        Some(path) if puts.is_empty() => {
            Err(Error::Refused(format!("flow {flow} has not read {}", path.display())))
        }
        _ => Ok(puts),
    }
}

/// Give a flow's offsets to another name.
pub(super) fn rename(saved: &Saved, old: &str, new: &str) -> Result<Vec<Put>, Error> {
    known(saved, old)?;
    Ok(vec![Put::RenameFlow { from: old.into(), to: new.into() }])
}

fn known(saved: &Saved, flow: &str) -> Result<(), Error> {
    if saved.flows.iter().any(|row| row.name == flow) {
        return Ok(());
    }
    let names: Vec<_> = saved.flows.iter().map(|row| row.name.as_str()).collect();
    Err(Error::Refused(format!("nothing is saved for a flow {flow}; there is: {}", names.join(", "))))
}

/// The saved file that is at `path` now, by identity and content, and its size.
fn find<'a>(saved: &'a Saved, path: &Path) -> Result<(&'a FileRow, u64), Error> {
    let meta = look(path, Symlinks::All).map_err(|error| told(path, &error))?;
    let mut same = saved.files.iter().filter(|file| file.identity == meta.identity).peekable();
    if same.peek().is_none() {
        let why = "no flow has read it yet; start_at and offsets apply to files that the agent has seen";
        return Err(Error::Refused(format!("{}: {why}", path.display())));
    }
    let head = content::read_path(path, 0, WINDOW)?;
    let matching = same
        .filter(|file| head.get(..file.head.len as usize).is_some_and(|head| fingerprint(head) == file.head));
    matching.max_by_key(|file| file.last_seen).map(|file| (file, meta.size)).ok_or_else(|| {
        let why = "its content is not what was read; the agent will start it from its beginning";
        Error::Refused(format!("{}: {why}", path.display()))
    })
}

/// It is to be read on.
fn unfinished(file: &FileRow) -> Put {
    Put::File(FileRow { finished: false, ..file.clone() })
}

/// What is not acknowledged before `offset`.
fn gaps(cursor: Option<&CursorRow>, offset: u64) -> Vec<Span> {
    let mut at = cursor.map_or(0, |row| row.prefix);
    let mut gaps = Vec::new();
    let ranges = cursor.map_or(&[][..], |row| &row.ranges);
    for range in ranges.iter().chain([&Span::new(offset, offset)]) {
        let end = range.start.min(offset);
        if at < end {
            gaps.push(Span::new(at, end));
        }
        at = at.max(range.end);
    }
    gaps
}

fn told(path: &Path, error: &FileError) -> Error {
    Error::Io(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
