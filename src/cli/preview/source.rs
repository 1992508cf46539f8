//! What a preview reads: a file by offset, or standard input.

use bytes::Bytes;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

/// What cannot be read twice is held in memory, up to so many bytes.
const MOST: u64 = 64 * 1024 * 1024;

/// Where the bytes are.
#[derive(Debug)]
pub(super) enum Source {
    File(File),
    Memory(Bytes),
}

impl Source {
    /// A file; `-` is standard input. A pipe is read to its end first.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Self::held(io::stdin().lock());
        }
        let file = File::open(path)?;
        let meta = file.metadata()?;
        if meta.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if meta.is_file() { Ok(Self::File(file)) } else { Self::held(file) }
    }

    fn held(input: impl Read) -> io::Result<Self> {
        let mut bytes = Vec::new();
        input.take(MOST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST {
            return Err(io::Error::other("more than 64 MiB of what is no file: name a file instead"));
        }
        Ok(Self::Memory(bytes.into()))
    }

    /// Its size now, in bytes.
    pub(super) fn size(&self) -> io::Result<u64> {
        match self {
            Self::File(file) => Ok(file.metadata()?.len()),
            Self::Memory(bytes) => Ok(bytes.len() as u64),
        }
    }

    /// Its last write in nanoseconds since the epoch; 0 if nobody knows.
    pub(super) fn mtime(&self) -> i64 {
        let Self::File(file) = self else { return 0 };
        let meta = file.metadata().ok();
        meta.map_or(0, |meta| meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec()))
    }

    /// `len` bytes from `offset` on; fewer only at its end.
    pub(super) fn read(&self, offset: u64, len: u64) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => {
                let start = (offset as usize).min(bytes.len());
                Ok(bytes.slice(start..(start + len as usize).min(bytes.len())))
            }
            Self::File(file) => {
                let mut buffer = vec![0; len as usize];
                let mut filled = 0;
                while filled < buffer.len() {
                    match file.read_at(&mut buffer[filled..], offset + filled as u64) {
                        Ok(0) => break,
                        Ok(read) => filled += read,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                buffer.truncate(filled);
                Ok(buffer.into())
            }
        }
    }
}
