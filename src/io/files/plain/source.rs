//! The bytes of a compressed file as they are on the disk, in order.

use crate::io::files::calls;
use kintail_engine::event::FileError;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;

/// Bytes a read.
const HELD: usize = 64 * 1024;

/// What was read of the file and not decoded yet.
pub(super) struct Source {
    held: Box<[u8]>,
    /// The next byte in `held`.
    next: usize,
    /// The end of what is read there.
    end: usize,
    /// Where in the file that end is.
    offset: u64,
}

impl Source {
    /// At the file's beginning.
    pub(super) fn new() -> Self {
        Self { held: vec![0; HELD].into(), next: 0, end: 0, offset: 0 }
    }

    /// What is held.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.held[self.next..self.end]
    }

    /// Holds something, unless the file ends here as it is now.
    pub(super) fn fill(&mut self, file: &File) -> Result<bool, FileError> {
        while self.bytes().is_empty() {
            match file.read_at(&mut self.held, self.offset) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    (self.next, self.end) = (0, read);
                    self.offset += read as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(calls::told(&error)),
            }
        }
        Ok(true)
    }

    /// Goes past `len` bytes of what is held.
    pub(super) fn take(&mut self, len: usize) {
        self.next += len;
    }

    /// Where in the file the next byte is.
    pub(super) fn offset(&self) -> u64 {
        self.offset - (self.end - self.next) as u64
    }
}
