//! What container runtimes write for the kubelet: `TIME STREAM TAGS MESSAGE`. A long line is written in pieces, all but
//! the last with the tag `P`.

use super::Sink;
use super::scan::{Scan, rfc3339};
use crate::process::record::Value;

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

/// Puts the members of a line, or of the pieces in which it was written: time and stream of the first, the tag of the
/// last. Where several lines were joined otherwise, their messages are lines, too.
pub(super) fn put(text: &[u8], sink: &mut Sink<'_, '_>) -> Option<()> {
    if memchr::memchr(b'\n', text).is_none() {
        return parse(text).map(|line| line.put(sink));
    }
    let pieces: Vec<Line<'_>> = text.split(|byte| *byte == b'\n').map(parse).collect::<Option<_>>()?;
    let (first, last) = (pieces.first()?, pieces.last()?);
    let mut message = Vec::with_capacity(text.len());
    for (number, piece) in pieces.iter().enumerate() {
        message.extend_from_slice(piece.message);
        if number + 1 < pieces.len() && !piece.logtag.starts_with(b"P") {
            message.push(b'\n');
        }
    }
    sink.text("time", first.time);
    sink.text("stream", first.stream);
    sink.text("logtag", last.logtag);
    let message = sink.make(&message);
    sink.push("message".into(), Value::Text(message));
    Some(())
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
