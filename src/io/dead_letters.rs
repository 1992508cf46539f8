//! Dead letters: records that a destination refused, one file of JSON lines a flow under `state_dir/dead-letters`.
//!
//! The agent appends; `kintail dead-letter` takes letters out, also while the agent runs. So every change of a
//! file is made under a lock, and nobody keeps one open between two changes.

mod edit;

pub(crate) use edit::{EditError, Editor, Found, files_of, letters};

use jiff::Timestamp;
use kintail_engine::content::fingerprint;
use kintail_engine::event::{FileError, Letter};
use kintail_engine::ids::{Epoch, FileId, Span};
use kintail_engine::json;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Longest flow name that makes a file name as it is; of a longer one, its beginning and its hash do.
const LONG_NAME: usize = 200;

/// A dead letter as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeadLetter {
    /// The flow that gave it up.
    pub(crate) flow: String,
    /// The file it was read from.
    pub(crate) file: FileId,
    /// That file's epoch.
    pub(crate) epoch: Epoch,
    /// That file's name, as last seen.
    #[serde(with = "json::path")]
    pub(crate) path: PathBuf,
    /// The bytes it was made of.
    pub(crate) span: Span,
    /// When it was given up, in UTC.
    pub(crate) time: String,
    /// The service's error code, or the rule that refused it.
    pub(crate) code: String,
    /// The service's words.
    pub(crate) message: String,
    /// The record.
    #[serde(with = "json::base64")]
    pub(crate) data: Vec<u8>,
}

/// The agent's side: appends.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetters {
    dir: PathBuf,
    /// Most bytes of all files together.
    max: u64,
}

impl DeadLetters {
    /// Those under `state_dir`, at most `max` bytes in all.
    pub(crate) fn new(state_dir: &Path, max: u64) -> Self {
        Self { dir: dir(state_dir), max }
    }

    /// Appends letters of a flow: all of them, on disk, or none.
    pub(crate) fn append(&self, flow: &str, letters: &[Letter], now: Timestamp) -> Result<(), FileError> {
        let mut lines = Vec::new();
        for letter in letters {
            write_line(&mut lines, &line(flow, letter, now))?;
        }
        match DirBuilder::new().mode(0o700).create(&self.dir) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(told(&error)),
            _ => {}
        }
        let _lock = lock(&self.dir).map_err(|error| told(&error))?;
        let held = size(&self.dir).map_err(|error| told(&error))?;
        if held + lines.len() as u64 > self.max {
            return Err(FileError::NoSpace(format!("dead_letter_max ({} bytes) is reached", self.max)));
        }
        append(&self.dir, &file_name(flow), &lines).map_err(|error| told(&error))
    }
}

fn line(flow: &str, letter: &Letter, now: Timestamp) -> DeadLetter {
    DeadLetter {
        flow: flow.into(),
        file: letter.cursor.file,
        epoch: letter.cursor.epoch,
        path: letter.path.clone(),
        span: letter.span,
        time: now.to_string(),
        code: letter.code.clone(),
        message: letter.message.clone(),
        data: letter.data.to_vec(),
    }
}

fn write_line(lines: &mut Vec<u8>, letter: &DeadLetter) -> Result<(), FileError> {
    serde_json::to_writer(&mut *lines, letter).map_err(|error| FileError::Other(error.to_string()))?;
    lines.push(b'\n');
    Ok(())
}

fn append(dir: &Path, name: &str, lines: &[u8]) -> io::Result<()> {
    let path = dir.join(name);
    let new = !path.exists();
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let end = cut_torn_line(&mut file)?;
    let written = file.write_all(lines).and_then(|()| file.sync_data());
    if let Err(error) = written {
        // As good as it can be done now; the next append cuts what is torn.
        let _ = file.set_len(end);
        return Err(error);
    }
    if new { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Cuts off what a crash or a full disk left of a line, and goes to the end. No letter is lost: it was not answered.
fn cut_torn_line(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut buffer = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(start))?;
        buffer.clear();
        file.take(end - start).read_to_end(&mut buffer)?;
        if let Some(newline) = buffer.iter().rposition(|&byte| byte == b'\n') {
            end = start + newline as u64 + 1;
            break;
        }
        end = start;
    }
    if end < file.metadata()?.len() {
        file.set_len(end)?;
    }
    file.seek(SeekFrom::Start(end))
}

fn dir(state_dir: &Path) -> PathBuf {
    state_dir.join("dead-letters")
}

/// Held while files change; the kernel gives it up with the process.
fn lock(dir: &Path) -> io::Result<File> {
    let lock = lock_file(dir, "lock")?;
    lock.lock()?;
    Ok(lock)
}

fn lock_file(dir: &Path, name: &str) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(dir.join(name))
}

/// The files of all flows, by name.
fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "jsonl") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Bytes of all files.
fn size(dir: &Path) -> io::Result<u64> {
    files(dir)?.iter().map(|path| fs::metadata(path).map(|meta| meta.len())).sum()
}

/// A flow's file: its name, with what might mean something to the file system in percent and hex.
fn file_name(flow: &str) -> String {
    let letter = |(at, byte): (usize, u8)| {
        let plain = byte.is_ascii_alphanumeric() || b"-_".contains(&byte) || (byte == b'.' && at > 0);
        if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    let name = flow.bytes().enumerate().map(letter).collect::<Vec<_>>().concat();
    match name.get(..LONG_NAME) {
        Some(start) => format!("{start}%{:016x}.jsonl", fingerprint(flow.as_bytes()).hash),
        None => name + ".jsonl",
    }
}

fn told(error: &io::Error) -> FileError {
    match error.kind() {
        ErrorKind::NotFound => FileError::NotFound,
        ErrorKind::PermissionDenied => FileError::Denied,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FileError::NoSpace(error.to_string()),
        _ => FileError::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
