//! The side of `kintail dead-letter`: reads letters, and takes out those that were sent or given up.

use super::{DeadLetter, dir, file_name, files, lock, lock_file};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Why dead letters cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EditError {
    /// Another command is at it.
    #[error("another kintail dead-letter is at work; wait until it is done")]
    Busy,
    /// A file cannot be read or changed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Reads and changes dead letters, one editor at a time.
#[derive(Debug)]
pub(crate) struct Editor {
    dir: PathBuf,
    _lock: File,
}

/// A letter and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Bytes of its file, with the newline.
    pub(crate) at: Range<u64>,
    /// The letter; `None` if the line cannot be read.
    pub(crate) letter: Option<DeadLetter>,
}

/// The files of a flow, or of all.
pub(crate) fn files_of(state_dir: &Path, flow: Option<&str>) -> Result<Vec<PathBuf>, EditError> {
    let dir = dir(state_dir);
    let mut files = files(&dir).map_err(|source| EditError::Io { path: dir, source })?;
    if let Some(flow) = flow {
        let name = file_name(flow);
        files.retain(|path| path.file_name().is_some_and(|found| *found == *name));
    }
    Ok(files)
}

/// The letters of a file, one after the other.
pub(crate) fn letters(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Found, EditError>> + use<>, EditError> {
    let failed = |source| EditError::Io { path: path.to_path_buf(), source };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let mut at = 0;
    let path = path.to_path_buf();
    Ok(std::iter::from_fn(move || {
        next(&mut file, &mut at).map_err(|source| EditError::Io { path: path.clone(), source }).transpose()
    }))
}

/// The next whole line. One that is torn is not there: it was never answered.
fn next(file: &mut BufReader<File>, at: &mut u64) -> io::Result<Option<Found>> {
    let mut line = Vec::new();
    let start = *at;
    *at += file.read_until(b'\n', &mut line)? as u64;
    let found = Found { at: start..*at, letter: serde_json::from_slice(&line).ok() };
    Ok(line.ends_with(b"\n").then_some(found))
}

impl Editor {
    /// The editor of the dead letters under `state_dir`; `None` if there never were any.
    pub(crate) fn open(state_dir: &Path) -> Result<Option<Self>, EditError> {
        let dir = dir(state_dir);
        let failed = |source| EditError::Io { path: dir.clone(), source };
        let lock = match lock_file(&dir, "edit") {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            lock => lock.map_err(failed)?,
        };
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { dir, _lock: lock })),
            Err(TryLockError::WouldBlock) => Err(EditError::Busy),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Takes the letters at these places out of a file: all of them or none, whatever happens. The places ascend.
    pub(crate) fn remove(&self, path: &Path, places: &[Range<u64>]) -> Result<(), EditError> {
        if places.is_empty() {
            return Ok(());
        }
        self.rewrite(path, places).map_err(|source| EditError::Io { path: path.to_path_buf(), source })
    }

    fn rewrite(&self, path: &Path, places: &[Range<u64>]) -> io::Result<()> {
        let _lock = lock(&self.dir)?;
        let mut old = &File::open(path)?;
        let size = old.metadata()?.len();
        let fresh = path.with_extension("new");
        let _ = fs::remove_file(&fresh);
        let mut new =
            BufWriter::new(OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?);
        let mut kept = 0;
        let mut from = 0;
        for place in places.iter().chain([&(size..size)]) {
            old.seek(SeekFrom::Start(from))?;
            kept += io::copy(&mut Read::take(old, place.start.saturating_sub(from)), &mut new)?;
            from = place.end;
        }
        new.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        if kept == 0 {
            fs::remove_file(path)?;
            fs::remove_file(&fresh)?;
        } else {
            fs::rename(&fresh, path)?;
        }
        File::open(&self.dir)?.sync_all()
    }
}
