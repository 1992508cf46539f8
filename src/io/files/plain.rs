//! The plain text of a compressed file, read by its offsets.

mod decoder;
mod live;
mod member;
mod source;
mod text;

pub(super) use live::Live;

use super::calls;
use super::lanes::Heard;
use bytes::Bytes;
use decoder::Decoder;
use kintail_engine::event::{Chunk, Codec, FileError, Measured, Meta, PlainEnd};
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard};

/// How an open file is compressed, and how far it is decoded.
#[derive(Debug)]
pub(super) struct Plain {
    codec: Codec,
    live: Arc<Live>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Made when it is needed, given up when others need theirs.
    decoder: Option<Decoder>,
    /// The plain text's size, once it was measured.
    size: Option<u64>,
    /// The file when that began.
    seen: Option<Meta>,
}

impl Plain {
    /// Nothing is decoded yet.
    pub(super) fn new(codec: Codec, live: Arc<Live>) -> Arc<Self> {
        Arc::new(Self { codec, live, state: Mutex::default() })
    }

    /// Reads `len` bytes of plain text, fewer only at its end, then stats the file.
    pub(super) fn read(
        self: &Arc<Self>,
        file: &File,
        offset: u64,
        len: usize,
        heard: &Heard,
    ) -> Result<Chunk, FileError> {
        let mut state = self.begin();
        let bytes = state.read(self.codec, file, offset, len, heard).inspect_err(|_| state.decoder = None)?;
        let meta = calls::stat(file)?;
        Ok(Chunk { bytes, meta: Meta { size: state.size.unwrap_or(meta.size), ..meta } })
    }

    /// Decodes to the end; from then on sizes are of the plain text.
    pub(super) fn measure(self: &Arc<Self>, file: &File, heard: &Heard) -> Result<Measured, FileError> {
        let mut state = self.begin();
        state.measure(self.codec, file, heard).inspect_err(|_| state.decoder = None)
    }

    /// Gives up the decoder, unless it decodes right now.
    fn forget(&self) -> bool {
        self.state.try_lock().is_ok_and(|mut state| {
            state.decoder = None;
            true
        })
    }

    fn begin(self: &Arc<Self>) -> MutexGuard<'_, State> {
        let state = self.state.lock().expect("not poisoned");
        self.live.used(self);
        state
    }
}

impl State {
    fn read(
        &mut self,
        codec: Codec,
        file: &File,
        offset: u64,
        len: usize,
        heard: &Heard,
    ) -> Result<Bytes, FileError> {
        let left = self.size.map_or(u64::MAX, |size| size.saturating_sub(offset));
        let len = len.min(usize::try_from(left).unwrap_or(usize::MAX));
        if self.decoder.as_ref().is_some_and(|decoder| offset < decoder.text().begin()) {
            self.decoder = None;
        }
        let decoder = self.decoder.get_or_insert_with(|| Decoder::new(codec));
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let held = decoder.text().from(offset + bytes.len() as u64);
            bytes.extend_from_slice(&held[..held.len().min(len - bytes.len())]);
            if bytes.len() < len && !decoder.advance(file)? {
                // Less than was measured: somebody wrote over it.
                self.size = self.size.map(|size| size.min(decoder.text().end()));
                break;
            }
            heard.now();
        }
        // What is held is counted by its length.
        bytes.shrink_to_fit();
        Ok(bytes.into())
    }

    fn measure(&mut self, codec: Codec, file: &File, heard: &Heard) -> Result<Measured, FileError> {
        let now = calls::stat(file)?;
        // Of a file that only grew what was decoded is still true.
        let goes_on = |then: Meta| now.size > then.size || (now.size, now.mtime) == (then.size, then.mtime);
        self.decoder = self.decoder.take().filter(|_| self.seen.is_none_or(goes_on));
        let goes_on = self.decoder.is_some();
        let mut measured = self.decode_all(codec, file, heard)?;
        // Or it did not only grow.
        if goes_on && matches!(measured.end, PlainEnd::Damaged { .. }) {
            self.decoder = None;
            measured = self.decode_all(codec, file, heard)?;
        }
        (self.size, self.seen) = (Some(measured.size), Some(now));
        Ok(measured)
    }

    fn decode_all(&mut self, codec: Codec, file: &File, heard: &Heard) -> Result<Measured, FileError> {
        let decoder = self.decoder.get_or_insert_with(|| Decoder::new(codec));
        while decoder.advance(file)? {
            heard.now();
        }
        let meta = calls::stat(file)?;
        Ok(Measured { size: decoder.text().end(), end: decoder.end(meta.size), meta })
    }
}

#[cfg(test)]
mod tests;
