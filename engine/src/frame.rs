//! Bytes to lines to records, with their spans.

use crate::ids::CursorId;

/// A buffer to cut into records.
#[derive(Debug)]
pub struct FrameJob {
    /// Whose.
    pub cursor: CursorId,
}

/// Records of a buffer.
#[derive(Debug)]
pub struct Framed {}

impl FrameJob {
    /// Cuts.
    pub fn run(self) -> Framed {
        Framed {}
    }
}
