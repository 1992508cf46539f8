//! The Kinesis Agent's checkpoints as rows of the store: up to where each file is shipped.

use super::OldFlow;
use crate::cli::agent::Error;
use crate::cli::content;
use crate::io::files::look;
use kintail_engine::content::{WINDOW, check, fingerprint};
use kintail_engine::event::Meta;
use kintail_engine::ids::{Epoch, FileId, RunId};
use kintail_engine::settings::Symlinks;
use kintail_engine::state::{CursorRow, FileRow, FlowRow, Identity, Put, Saved};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

const NEWEST: &str = "SELECT path, fileId, lastModifiedTime, size, offset, lastUpdated FROM FILE_CHECKPOINTS \
    WHERE flow = ?1 ORDER BY lastUpdated DESC LIMIT 1";

/// Where a flow was.
#[derive(Clone, Debug)]
struct Checkpoint {
    path: PathBuf,
    dev: u64,
    ino: u64,
    /// Milliseconds since the epoch.
    mtime: i64,
    size: u64,
    offset: u64,
    /// Nanoseconds since the epoch.
    updated: i64,
}

/// A file that is there.
#[derive(Clone, Debug)]
struct Here {
    path: PathBuf,
    meta: Meta,
}

/// The rows that carry all flows on, and what is to be said of it.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) puts: Vec<Put>,
    pub(super) told: Vec<String>,
    files: HashMap<Identity, FileId>,
    run: RunId,
}

/// The checkpoints in `file`; `None` if there are none.
pub(super) fn open(file: &Path) -> Result<Option<Connection>, Error> {
    if !file.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(file, flags).map(Some).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &rusqlite::Error) -> Error {
    Error::Io(format!("{}: {error}; --checkpoints names another file", file.display()))
}

impl Carried {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self { puts: Vec::new(), told: Vec::new(), files: HashMap::new(), run: RunId(fastrand::u64(1..)) }
    }

    /// Carries on a flow.
    pub(super) fn flow(
        &mut self,
        flow: &OldFlow,
        from: Option<&(PathBuf, Connection)>,
        saved: &Saved,
    ) -> Result<(), Error> {
        if saved.flows.iter().any(|row| row.name == flow.name) {
            let why = "the store has offsets of a flow of this name; kintail import overwrites nothing";
            return Err(Error::Refused(format!("{}: {why}", flow.name)));
        }
        let checkpoint = match from {
            Some((file, db)) => newest(db, &flow.id).map_err(|error| unreadable(file, &error))?,
            None => None,
        };
        let here = files_of(flow)?;
        let matching: Vec<&Here> = here.iter().filter(|file| flow.matches(&file.path)).collect();
        match checkpoint {
            Some(checkpoint) => self.go_on(flow, &checkpoint, &here, &matching),
            None => self.begin(flow, &matching),
        }
    }

    /// As the old agent would begin: with the newest file, and it would never read another that is there.
    fn begin(&mut self, flow: &OldFlow, matching: &[&Here]) -> Result<(), Error> {
        self.told.push(format!("{}: no checkpoint", flow.name));
        if flow.from_beginning {
            self.know(flow, jiff::Timestamp::now().as_nanosecond() as i64);
            let newest = matching.iter().map(|file| file.meta.mtime).max().unwrap_or(i64::MIN);
            for file in matching.iter().filter(|file| file.meta.mtime < newest) {
                self.shipped(flow, file, file.meta.size)?;
            }
        }
        Ok(())
    }

    /// Goes on at the checkpoint: older files are shipped, newer ones are not.
    fn go_on(
        &mut self,
        flow: &OldFlow,
        checkpoint: &Checkpoint,
        here: &[Here],
        matching: &[&Here],
    ) -> Result<(), Error> {
        self.know(flow, checkpoint.updated);
        let (name, path, offset) = (&flow.name, checkpoint.path.display(), checkpoint.offset);
        let found = find(checkpoint, here, matching);
        let limit = found.map_or(checkpoint.mtime.saturating_mul(1_000_000), |file| file.meta.mtime);
        for file in matching.iter().filter(|file| file.meta.mtime <= limit) {
            // The checkpoint's own file is dealt with below, or was emptied since: then what it holds is new.
            let is_own = file.meta.identity.ino == checkpoint.ino;
            if !is_own && found.is_none_or(|found| found.path != file.path) {
                self.shipped(flow, file, file.meta.size)?;
            }
        }
        let Some(file) = found else {
            self.told.push(format!(
                "{name}: {path}, read to byte {offset}, is gone; newer files are shipped whole"
            ));
            return Ok(());
        };
        self.told.push(format!("{name}: {} from byte {offset}", file.path.display()));
        self.shipped(flow, file, offset)
    }

    fn know(&mut self, flow: &OldFlow, last_look: i64) {
        let files = vec![flow.glob()];
        self.puts.push(Put::Flow(FlowRow { name: flow.name.clone(), files, last_look, possible_losses: 0 }));
    }

    /// A flow has shipped a file up to an offset.
    fn shipped(&mut self, flow: &OldFlow, file: &Here, offset: u64) -> Result<(), Error> {
        let run = self.run;
        let next = self.files.len() as u64 + 1;
        let known = self.files.contains_key(&file.meta.identity);
        let id = *self.files.entry(file.meta.identity).or_insert(FileId { run, number: next });
        let before = content::before(&file.path, offset)?;
        if !known {
            self.puts.push(Put::File(FileRow {
                id,
                first_path: file.path.clone(),
                path: file.path.clone(),
                identity: file.meta.identity,
                head: fingerprint(&content::read_path(&file.path, 0, WINDOW.min(file.meta.size as usize))?),
                epoch: Epoch::first(run),
                last_seen: jiff::Timestamp::now().as_nanosecond() as i64,
                finished: false,
            }));
        }
        if before.last().is_some_and(|byte| *byte != b'\n') && offset < file.meta.size {
            self.told.push(format!(
                "{}: byte {offset} of {} is within a line",
                flow.name,
                file.path.display()
            ));
        }
        self.puts.push(Put::Cursor(CursorRow {
            flow: flow.name.clone(),
            file: id,
            epoch: Epoch::first(run),
            prefix: offset,
            ranges: Vec::new(),
            check: check(offset, &before),
            seen: file.meta.size,
        }));
        Ok(())
    }
}

/// The file that the old agent would go on with: by its inode, whose device may have got another number, or the copy
/// of one that was truncated since.
fn find<'h>(old: &Checkpoint, here: &'h [Here], matching: &[&'h Here]) -> Option<&'h Here> {
    let same = |file: &&Here| file.meta.identity.ino == old.ino && file.meta.size >= old.offset;
    let exactly = here.iter().filter(same).find(|file| file.meta.identity.dev == old.dev);
    exactly.or_else(|| here.iter().find(same)).or_else(|| {
        let truncated = |file: &&Here| file.path == old.path && file.meta.identity.ino == old.ino;
        here.iter().find(truncated)?;
        let ms = |file: &Here| file.meta.mtime / 1_000_000;
        let copies = matching.iter().filter(|file| {
            file.meta.identity.ino != old.ino
                && ms(file) >= old.mtime
                && file.meta.size >= old.offset.max(old.size)
        });
        copies.min_by_key(|file| file.meta.mtime).copied()
    })
}

/// All files in a flow's directory.
fn files_of(flow: &OldFlow) -> Result<Vec<Here>, Error> {
    let entries = match fs::read_dir(&flow.dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::Io(format!("{}: {error}", flow.dir.display()))),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::Io(format!("{}: {error}", flow.dir.display())))?;
        let path = entry.path();
        if fs::metadata(&path).is_ok_and(|meta| meta.is_file())
            && let Ok(meta) = look(&path, Symlinks::All)
        {
            files.push(Here { path, meta });
        }
    }
    Ok(files)
}

fn newest(db: &Connection, flow: &str) -> rusqlite::Result<Option<Checkpoint>> {
    let row = db.query_row(NEWEST, [flow], |row| {
        let (dev, ino) = inode(&row.get::<_, String>(1)?).unwrap_or_default();
        let updated: String = row.get(5)?;
        let number = |at| row.get::<_, i64>(at);
        Ok(Checkpoint {
            path: row.get::<_, String>(0)?.into(),
            dev,
            ino,
            mtime: number(2)?,
            size: number(3)?.max(0) as u64,
            offset: number(4)?.max(0) as u64,
            updated: time(&updated).unwrap_or(number(2)?.saturating_mul(1_000_000)),
        })
    });
    row.optional()
}

/// `(dev=fe00,ino=123)`: the device in hexadecimal digits, the inode in decimal ones.
fn inode(key: &str) -> Option<(u64, u64)> {
    let (dev, ino) = key.strip_prefix("(dev=")?.strip_suffix(')')?.split_once(",ino=")?;
    Some((u64::from_str_radix(dev, 16).ok()?, ino.parse().ok()?))
}

/// `2026-03-01 12:00:00.000`, in UTC.
fn time(text: &str) -> Option<i64> {
    let civil: jiff::civil::DateTime = text.trim().replacen(' ', "T", 1).parse().ok()?;
    Some(jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?.as_nanosecond() as i64)
}
