//! Docker's json-file driver: `{"log":"…\n","stream":"stdout","time":"…"}`.

use super::{Sink, json};

/// Parses a line; the newline at the end of `log` goes.
pub(super) fn parse(line: &[u8], sink: &mut Sink<'_, '_>) -> Option<()> {
    json::parse(line, sink)?;
    sink.shorten(b"log", |log| {
        let line = log.strip_suffix(b"\n").unwrap_or(log);
        line.strip_suffix(b"\r").unwrap_or(line).len()
    })
}
