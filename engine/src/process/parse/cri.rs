//! What container runtimes write for the kubelet: `TIME STREAM TAGS MESSAGE`. Partial lines (tag `P`) are records of
//! their own.

use super::Sink;
use super::scan::{Scan, rfc3339};

/// A line's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'t> {
    pub(super) time: &'t [u8],
    pub(super) stream: &'t [u8],
    pub(super) logtag: &'t [u8],
    pub(super) message: &'t [u8],
}

impl Line<'_> {
    /// Its members.
    pub(super) fn put(self, sink: &mut Sink<'_, '_>) {
        sink.text("time", self.time);
        sink.text("stream", self.stream);
        sink.text("logtag", self.logtag);
        sink.text("message", self.message);
    }
}

/// Parses a line.
pub(super) fn parse(line: &[u8]) -> Option<Line<'_>> {
    let mut scan = Scan(line);
    let time = rfc3339(&mut scan)?;
    scan.byte(b' ')?;
    let stream = scan.until(b' ').filter(|stream| [&b"stdout"[..], b"stderr"].contains(stream))?;
    let logtag = scan.some(|byte| byte != b' ')?;
    let message = scan.0.strip_prefix(b" ").unwrap_or(scan.0);
    Some(Line { time, stream, logtag, message })
}
