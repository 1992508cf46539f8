//! The last of the plain text that was decoded, so that a step back costs no second decode.

/// Bytes that are kept at least, once there are as many.
const KEPT: usize = 64 * 1024;
/// Bytes that are decoded at once at most.
const STEP: usize = 64 * 1024;

/// Plain text up to where the decoder is.
pub(super) struct Text {
    held: Box<[u8]>,
    /// The end of what is decoded there.
    len: usize,
    /// Where in the plain text that end is.
    end: u64,
}

impl Text {
    /// Before the first byte.
    pub(super) fn new() -> Self {
        // Twice as much as is needed, so that what is kept is moved seldom.
        Self { held: vec![0; 2 * (KEPT + STEP)].into(), len: 0, end: 0 }
    }

    /// The first byte that is kept.
    pub(super) fn begin(&self) -> u64 {
        self.end - self.len as u64
    }

    /// The first byte that is not decoded yet.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// All that is kept from `offset`, which is not before the first byte that is.
    pub(super) fn from(&self, offset: u64) -> &[u8] {
        let at = usize::try_from(offset - self.begin()).map_or(self.len, |at| at.min(self.len));
        &self.held[at..self.len]
    }

    /// Where the next text goes.
    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.held.len() - self.len < STEP {
            self.held.copy_within(self.len - KEPT..self.len, 0);
            self.len = KEPT;
        }
        &mut self.held[self.len..][..STEP]
    }

    /// So much of the space is text now.
    pub(super) fn add(&mut self, len: usize) {
        self.len += len;
        self.end += len as u64;
    }
}
