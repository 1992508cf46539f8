//! Syslog as daemons write it to files: RFC 3164, and the same with RFC 3339 time stamps.

use super::Sink;
use super::scan::{Scan, rfc3339 as time3339};

/// A line's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'t> {
    pub(super) priority: Option<&'t [u8]>,
    pub(super) timestamp: &'t [u8],
    pub(super) hostname: &'t [u8],
    pub(super) program: &'t [u8],
    pub(super) processid: Option<&'t [u8]>,
    pub(super) message: &'t [u8],
}

impl Line<'_> {
    /// Its members, as the Amazon Kinesis Agent calls them; the priority last, if there is one.
    pub(super) fn put(self, sink: &mut Sink<'_, '_>) {
        sink.text("timestamp", self.timestamp);
        sink.text("hostname", self.hostname);
        sink.text("program", self.program);
        sink.option("processid", self.processid);
        sink.text("message", self.message);
        if self.priority.is_some() {
            sink.option("priority", self.priority);
        }
    }
}

/// `Mar  7 04:22:00 host program[pid]: message`, perhaps with a `<priority>` before all or after the time.
pub(super) fn rfc3164(line: &[u8]) -> Option<Line<'_>> {
    parse(line, |scan| {
        let all = scan.0;
        scan.shape(b"Aaa ")?;
        if scan.0.first() == Some(&b' ') {
            scan.take(1)?;
            scan.shape(b"9")?;
        } else {
            let digits = scan.some(|byte| byte.is_ascii_digit())?;
            (digits.len() <= 2).then_some(())?;
        }
        scan.shape(b" 99:99:99")?;
        Some(&all[..all.len() - scan.0.len()])
    })
}

/// `2019-01-02T03:04:05.678+01:00 host program[pid]: message`.
pub(super) fn rfc3339(line: &[u8]) -> Option<Line<'_>> {
    parse(line, time3339)
}

fn parse<'t>(line: &'t [u8], time: impl Fn(&mut Scan<'t>) -> Option<&'t [u8]>) -> Option<Line<'t>> {
    let mut scan = Scan(line);
    let before = priority(&mut scan)?;
    let timestamp = time(&mut scan)?;
    scan.byte(b' ')?;
    let within = priority(&mut scan)?;
    if within.is_some() {
        scan.byte(b' ')?;
    }
    let hostname = scan.some_until(b' ').filter(|name| name[0] != b'<')?;
    let program = scan.some(|byte| !b" :[".contains(&byte))?;
    let mut processid = None;
    if scan.0.first() == Some(&b'[') {
        scan.take(1)?;
        processid = Some(scan.some_until(b']')?);
    }
    scan.byte(b':')?;
    let message = scan.0.strip_prefix(b" ").unwrap_or(scan.0);
    Some(Line { priority: before.or(within), timestamp, hostname, program, processid, message })
}

/// `<34>` or `<4.6>`, if there is one; nothing if what looks like one is none.
#[expect(clippy::option_option, reason = "a wrong one is an error, a missing one is not")]
fn priority<'t>(scan: &mut Scan<'t>) -> Option<Option<&'t [u8]>> {
    if scan.0.first() != Some(&b'<') {
        return Some(None);
    }
    scan.take(1)?;
    let inner = scan.some(|byte| byte.is_ascii_digit() || byte == b'.')?;
    scan.byte(b'>')?;
    Some(Some(inner))
}
