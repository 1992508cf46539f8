//! All records of a buffer through the steps, into a buffer of their own.

use super::kinesis_agent::{self, Converted};
use super::place::{At, Place};
use super::record::Record;
use super::step::OnError;
use super::{Fate, Fault, Program, write};
use crate::content;
use crate::frame::{self, Cut, Dead, Half, Lines, Rec};
use crate::ids::Span;
use crate::state::{Check, Reason};
use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;

/// Steps for the records of one job.
#[derive(Clone, Debug)]
pub struct Processing {
    /// The flow's.
    pub program: Arc<Program>,
    /// Where the file was first seen.
    pub path: Arc<Path>,
    /// Wall time in nanoseconds since the epoch.
    pub now: i64,
    /// The file's last write, in nanoseconds since the epoch.
    pub mtime: i64,
    /// Most bytes that the records made take together; the rest is read again. A line that was read alone always
    /// finds room.
    pub room: u64,
}

impl Processing {
    /// Puts what the steps make in the place of the records, none longer than `limit`.
    pub(crate) fn apply(&self, cut: &mut Cut, buffer: Buffer, limit: u64) {
        let mut lines = Lines { recs: std::mem::take(&mut cut.lines.recs), ..cut.lines.clone() };
        if self.program.awaits_names() && buffer.start == 0 && !lines.recs.is_empty() {
            cut.program = Some(self.named_by(&lines.bytes));
            if lines.recs[0].at == 0 {
                cut.filtered_lines += 1;
                let rec = lines.recs.remove(0);
                cut.filtered.push(lines.span(rec));
            }
        }
        let program = cut.program.clone().unwrap_or_else(|| Arc::clone(&self.program));
        let place = Place::new(&program, &self.path, self.now);
        let mut record = Record::new();
        let mut out = Out {
            program: &program,
            processing: self,
            limit: limit as usize,
            buffer: Vec::with_capacity(self.room.min(2 * lines.bytes.len() as u64) as usize),
            cut,
        };
        for rec in &lines.recs {
            let Ok(()) = out.line(&lines, *rec, &place, &mut record) else {
                stop(out.cut, &lines, *rec, buffer);
                break;
            };
        }
        let mut made = out.buffer;
        made.shrink_to_fit();
        cut.lines.bytes = made.into();
        cut.lines.made = true;
    }
}

impl Processing {
    /// The program with the columns that a file's first line names: the buffer's first, as much of it as there is.
    pub(crate) fn named_by(&self, buffer: &[u8]) -> Arc<Program> {
        let end = memchr::memchr(b'\n', buffer).map_or(buffer.len(), |newline| newline + 1);
        Arc::new(self.program.named_by(frame::split(&buffer[..end]).0))
    }
}

/// A job's read buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffer {
    /// The offset of its first byte.
    pub(crate) base: u64,
    /// Where its first line starts.
    pub(crate) start: u64,
    /// Nothing will follow.
    pub(crate) ended: bool,
}

/// There is no more room.
struct Full;

struct Out<'j> {
    program: &'j Program,
    processing: &'j Processing,
    limit: usize,
    buffer: Vec<u8>,
    cut: &'j mut Cut,
}

impl<'j> Out<'j> {
    fn line<'a>(
        &mut self,
        lines: &'a Lines,
        rec: Rec,
        place: &'a Place<'a>,
        record: &mut Record<'a>,
    ) -> Result<(), Full>
    where
        'j: 'a,
    {
        let program = self.program;
        let (text, end) = text_of(lines, rec);
        if let Some(chain) = program.chain() {
            let start = self.buffer.len();
            return match kinesis_agent::convert(chain, &[text, end].concat(), self.processing.now) {
                Converted::Record(made) => {
                    self.buffer.extend_from_slice(&made);
                    self.made(rec, (text, end), start)
                }
                Converted::Dropped => {
                    self.filter(lines.span(rec));
                    Ok(())
                }
                Converted::Failed => self.failed(rec, (text, end), program.last(), Fault::Conversion),
            };
        }
        record.begin(text);
        let at = At { place, step: 0, offset: rec.at };
        match program.run(record, at, self.processing.mtime) {
            Fate::Filtered => self.filter(lines.span(rec)),
            Fate::Failed(step, fault) => return self.failed(rec, (text, end), step, fault),
            Fate::Ship => {
                let start = self.buffer.len();
                if record.parsed {
                    write::object(&mut self.buffer, &record.made, &record.members);
                    self.buffer.push(b'\n');
                } else {
                    self.buffer.extend_from_slice(record.bytes(record.text));
                    self.buffer.extend_from_slice(end);
                }
                return self.made(rec, (text, end), start);
            }
        }
        Ok(())
    }

    /// What the steps made of a line is in the buffer from `start` on.
    fn made(&mut self, rec: Rec, line: (&[u8], &[u8]), start: usize) -> Result<(), Full> {
        if self.buffer.len() - start > self.limit {
            self.buffer.truncate(start);
            return self.failed(rec, line, self.program.last(), Fault::TooLong);
        }
        self.push(rec, start)
    }

    /// What is in the buffer from `start` on is a record.
    fn push(&mut self, rec: Rec, start: usize) -> Result<(), Full> {
        if self.buffer.len() as u64 > self.processing.room {
            self.buffer.truncate(start);
            return Err(Full);
        }
        let len = (self.buffer.len() - start) as u32;
        self.cut.lines.recs.push(Rec { start: start as u32, len, ..rec });
        Ok(())
    }

    fn filter(&mut self, span: Span) {
        self.cut.filtered_lines += 1;
        match self.cut.filtered.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            _ => self.cut.filtered.push(span),
        }
    }

    fn failed(&mut self, rec: Rec, line: (&[u8], &[u8]), step: usize, fault: Fault) -> Result<(), Full> {
        let program = self.program;
        let on_error = program.steps[step].on_error;
        let original = [&program.original(line.0), line.1].concat();
        let span = Span::new(rec.at, rec.end);
        let message = format!("step {}: {fault}", step + 1);
        match on_error {
            OnError::Pass if original.len() <= self.limit => {
                let start = self.buffer.len();
                self.buffer.extend_from_slice(&original);
                self.push(rec, start)?;
            }
            OnError::Drop => {
                self.cut.filtered_lines += 1;
                self.cut.lost.push((span, Reason::OnError));
            }
            // With what is redacted in it, the line may be too long by itself.
            OnError::Pass | OnError::DeadLetter => {
                let (data, code, message) = (Bytes::from(original), "Process", message.clone());
                self.cut.dead.push(Dead { span, data, code, message });
            }
        }
        self.cut.failed_lines += 1;
        self.cut.fault.get_or_insert(message);
        Ok(())
    }
}

/// A record's text and its end; where it was cut, its newline is to be added.
fn text_of(lines: &Lines, rec: Rec) -> (&[u8], &[u8]) {
    let data = lines.data(rec);
    if lines.is_cut(rec) { (data, b"\n") } else { frame::split(data) }
}

/// The lines from this record on are read again: it alone, if nothing else was done.
fn stop(cut: &mut Cut, lines: &Lines, rec: Rec, buffer: Buffer) {
    let check = |at: u64| -> Check { content::check(at, &lines.bytes[..(at - buffer.base) as usize]) };
    let piece =
        !(lines.data(rec).ends_with(b"\n") || lines.is_cut(rec) || buffer.ended && rec.end == cut.end);
    cut.half = match piece {
        _ if rec.at > buffer.start => Half::Short,
        false => Half::Ends(check(rec.end)),
        true => Half::Searched { to: check(rec.end), data: rec.end },
    };
    cut.next = check(rec.at);
    cut.end = rec.at;
    cut.dead.retain(|dead| dead.span.start < rec.at);
    cut.lost.retain(|(span, _)| span.start < rec.at);
}
