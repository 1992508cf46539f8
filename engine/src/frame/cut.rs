//! Cuts a buffer: where lines end, which become records, which are too long.

mod join;

use super::{Cut, Dead, FrameJob, Half, Lines, Mode, Rec};
use crate::content;
use crate::ids::Span;
use crate::multiline::Open;
use crate::settings::Oversize;
use crate::state::{Check, Reason};
use bytes::Bytes;

/// Whether a line begins after these bytes. After a hole one does, too.
fn begins_line(before: &[u8]) -> bool {
    before.is_empty() || before.ends_with(b"\n") || before.iter().all(|byte| *byte == 0)
}

/// Cuts a job's buffer.
pub(super) fn cut(job: &FrameJob) -> Cut {
    let mut cutter = Cutter::new(job);
    match job.mode {
        Mode::Lines => cutter.lines(),
        Mode::Names => {}
        Mode::Search if job.hole => cutter.search_hole(),
        Mode::Search => cutter.search(),
        Mode::Long { end } => cutter.long(end),
    }
    cutter.finish()
}

struct Cutter<'a> {
    job: &'a FrameJob,
    /// Where the next line starts, in the buffer.
    at: usize,
    recs: Vec<Rec>,
    dead: Vec<Rec>,
    lost: Vec<(Span, Reason)>,
    header: u32,
    /// Where the last header line ends, in the buffer.
    header_end: usize,
    half: Half,
    /// The record of several lines that is not complete, and where it starts, in the buffer.
    joined: Option<(usize, Open)>,
    /// Overrides the check at `at`, for an end past the buffer.
    next: Option<Check>,
}

impl<'a> Cutter<'a> {
    fn new(job: &'a FrameJob) -> Self {
        Self {
            job,
            at: job.check.print.len as usize,
            recs: Vec::new(),
            dead: Vec::new(),
            lost: Vec::new(),
            header: job.header,
            header_end: 0,
            half: Half::Short,
            joined: None,
            next: None,
        }
    }

    fn lines(&mut self) {
        let bytes = &self.job.bytes[..];
        if self.job.hole && bytes.get(self.at) == Some(&0) {
            return self.search_hole();
        }
        let from = self.at;
        self.recs.reserve(bytes.len() / 128);
        for newline in memchr::memchr_iter(b'\n', &bytes[from..]) {
            let end = from + newline + 1;
            if self.header > 0 {
                self.header -= 1;
                self.header_end = end;
            } else {
                self.whole(end);
            }
            self.at = end;
        }
        if self.at < bytes.len() && self.job.ended {
            self.last();
        }
        self.leave_open();
        if self.at < bytes.len() && self.joined.is_none() && !self.may_be_joined() {
            self.rest();
        }
    }

    /// The last line, which has no newline: nothing follows.
    fn last(&mut self) {
        let end = self.job.bytes.len();
        if self.header == 0 {
            self.whole(end);
        } else {
            self.header = 0;
            self.header_end = end;
        }
        self.at = end;
    }

    /// A whole line, `at..end`: a record, or one of its lines.
    fn whole(&mut self, end: usize) {
        match &self.job.joining {
            Some(joining) if !self.is_inside() => self.join(joining, end),
            _ => self.line(end),
        }
    }

    /// A whole line, `at..end`.
    fn line(&mut self, end: usize) {
        let limit = self.job.rules.limit as usize;
        if end - self.at <= limit {
            return self.record(self.at, end, end);
        }
        match self.job.rules.oversize {
            Oversize::Split | Oversize::DeadLetter => {
                let mut start = self.at;
                while start < end {
                    let stop = end.min(start + limit);
                    self.record(start, stop, stop);
                    start = stop;
                }
            }
            Oversize::Truncate => {
                self.record(self.at, self.at + limit - 1, end);
                self.lose(self.at + limit - 1, end, Reason::Truncated);
            }
            Oversize::Drop => self.lose(self.at, end, Reason::Oversize),
        }
    }

    /// What has no newline yet, from `at` to the buffer's end.
    fn rest(&mut self) {
        let (end, limit) = (self.job.bytes.len(), self.job.rules.limit as usize);
        let data = self.data_end(self.at);
        while self.header == 0 && self.job.rules.splits() && data >= self.at + limit {
            self.record(self.at, self.at + limit, self.at + limit);
            self.at += limit;
        }
        if (end - self.at) as u64 > self.job.hold.min(self.job.rules.limit) {
            self.half = Half::Searched { to: self.check_at(end), data: self.offset(data.max(self.at)) };
        }
    }

    /// Where the last byte ends that is no NUL, from a place on.
    fn data_end(&self, from: usize) -> usize {
        let last = self.job.bytes[from..].iter().rposition(|byte| *byte != 0);
        last.map_or(from, |last| from + last + 1)
    }

    /// Looks for the end of a hole that begins at the file's start. Nothing of it is held meanwhile.
    fn search_hole(&mut self) {
        let bytes = &self.job.bytes[..];
        self.half = match bytes[self.at..].iter().position(|byte| *byte != 0) {
            Some(nuls) => Half::Hole(self.check_at(self.at + nuls)),
            None if self.job.ended => Half::Hole(self.check_at(bytes.len())),
            None => Half::Searched { to: self.check_at(bytes.len()), data: 0 },
        };
    }

    /// Looks for the end of a line that starts before the buffer.
    fn search(&mut self) {
        let bytes = &self.job.bytes[..];
        self.half = match memchr::memchr(b'\n', &bytes[self.at..]) {
            Some(newline) => Half::Ends(self.check_at(self.at + newline + 1)),
            None if self.job.ended => Half::Ends(self.check_at(bytes.len())),
            None => {
                let data = self.data_end(self.at);
                let data = if data == self.at { self.job.data } else { self.offset(data) };
                Half::Searched { to: self.check_at(bytes.len()), data }
            }
        };
    }

    /// One long line, or its next piece.
    fn long(&mut self, end: Option<Check>) {
        let (start, limit) = (self.at, self.job.rules.limit as usize);
        let whole = end.map(|end| (end.at - self.job.check.at) as usize);
        let held = self.job.bytes.len() - start;
        match whole {
            Some(whole) if whole <= limit && held >= whole => {
                self.at = start + whole;
                self.record(start, self.at, self.at);
            }
            Some(whole) if whole > limit && held >= limit && !self.job.rules.splits() => {
                let span_end = self.job.check.at + whole as u64;
                let at = self.offset(start);
                self.push(Rec { start: start as u32, len: limit as u32 - 1, at, end: span_end });
                let cut = Span::new(self.offset(start + limit - 1), span_end);
                self.lost.push((cut, Reason::Truncated));
                self.next = end;
            }
            _ if self.job.rules.splits() && held >= limit => {
                self.at = start + limit;
                self.record(start, self.at, self.at);
                self.half = end.map_or(Half::Short, Half::Ends);
            }
            // The file is shorter than it was: look again from the line's start.
            _ => {}
        }
    }

    fn record(&mut self, start: usize, stop: usize, span_end: usize) {
        let (at, end) = (self.offset(start), self.offset(span_end));
        self.push(Rec { start: start as u32, len: (stop - start) as u32, at, end });
    }

    fn push(&mut self, rec: Rec) {
        let whole_line = self.job.rules.oversize != Oversize::DeadLetter;
        if whole_line || !self.is_piece(rec) { self.recs.push(rec) } else { self.dead.push(rec) }
    }

    /// Whether a record is a piece of a line over the limit: it lacks a newline where it ends, or where it starts.
    fn is_piece(&self, rec: Rec) -> bool {
        let (start, end) = (rec.start as usize, (rec.start + rec.len) as usize);
        let unended = self.job.bytes[end - 1] != b'\n' && u64::from(rec.len) >= self.job.rules.limit;
        let before = &self.job.bytes[..start];
        unended || !begins_line(before)
    }

    /// Whether `at` is inside a line of which a piece was shipped.
    fn is_inside(&self) -> bool {
        !begins_line(&self.job.bytes[..self.at])
    }

    fn dead_letter(&self, rec: Rec) -> Dead {
        let data = &self.job.bytes[rec.start as usize..(rec.start + rec.len) as usize];
        Dead {
            span: Span::new(rec.at, rec.end),
            data: Bytes::copy_from_slice(data),
            code: "Oversize",
            message: "the line is longer than the limit".into(),
        }
    }

    fn lose(&mut self, start: usize, end: usize, reason: Reason) {
        self.lost.push((Span::new(self.offset(start), self.offset(end)), reason));
    }

    fn offset(&self, at: usize) -> u64 {
        self.job.base + at as u64
    }

    fn check_at(&self, at: usize) -> Check {
        content::check(self.offset(at), &self.job.bytes[..at])
    }

    fn finish(self) -> Cut {
        let job = self.job;
        let searching = job.mode == Mode::Search;
        let skipped = job.header - self.header;
        // Header lines are acknowledged all together, so that a restart among them begins with the first again.
        let filtered =
            (job.header > 0 && self.header == 0).then(|| Span::new(0, self.offset(self.header_end)));
        let dead = self.dead.iter().map(|rec| self.dead_letter(*rec)).collect();
        let head = (job.base == 0).then(|| job.head_now());
        Cut {
            dead,
            filtered: filtered.into_iter().collect(),
            filtered_lines: skipped,
            failed_lines: 0,
            fault: None,
            program: None,
            lost: self.lost,
            next: self.next.unwrap_or_else(|| {
                if searching {
                    job.check
                } else {
                    content::check(job.base + self.at as u64, &job.bytes[..self.at])
                }
            }),
            half: self.half,
            header: self.header,
            open: self.joined.is_some(),
            head,
            end: job.base + job.bytes.len() as u64,
            lines: Lines { cursor: job.cursor, bytes: job.bytes.clone(), made: false, recs: self.recs },
        }
    }
}
