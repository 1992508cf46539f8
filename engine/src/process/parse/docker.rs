//! Docker's json-file driver: `{"log":"…\n","stream":"stdout","time":"…"}`. A long line is written in pieces, of which
//! only the last one's `log` ends with a newline.

use super::{Sink, json};

/// Parses a line, or the pieces in which it was written; the newline at the end of `log` goes.
pub(super) fn parse(text: &[u8], sink: &mut Sink<'_, '_>) -> Option<()> {
    let mut pieces = text.split(|byte| *byte == b'\n');
    json::parse(pieces.next()?, sink)?;
    for piece in pieces {
        let more = sink.text_in(piece, b"log", json::parse)?;
        sink.append(b"log", &more)?;
    }
    sink.shorten(b"log", |log| {
        let line = log.strip_suffix(b"\n").unwrap_or(log);
        line.strip_suffix(b"\r").unwrap_or(line).len()
    })
}
