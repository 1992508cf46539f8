//! Records to a body: encoded once, straight from the read buffer.

use crate::destination::Destination;
use crate::frame::Lines;
use crate::ids::FlowId;
use crate::partition::KeyRule;
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;

/// A request's number, within its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchId(pub u64);

/// Records to put into one body.
#[derive(Debug)]
pub struct EncodeJob {
    /// Whose.
    pub flow: FlowId,
    /// For which batch.
    pub batch: BatchId,
    /// How bodies look.
    pub destination: Arc<dyn Destination>,
    /// Records that are encoded already, copied from an earlier body.
    pub encoded: Vec<Bytes>,
    /// New records, after those.
    pub parts: Vec<Part>,
    /// Remove one final newline.
    pub strip: bool,
    /// Most bytes the body will have.
    pub capacity: usize,
    /// Seeds random keys.
    pub seed: u64,
}

/// Some records of a buffer.
#[derive(Clone, Debug)]
pub struct Part {
    /// The buffer.
    pub lines: Arc<Lines>,
    /// Which of its records.
    pub recs: Range<usize>,
    /// How their keys are made.
    pub key: KeyRule,
}

/// A body.
#[derive(Debug)]
pub struct Encoded {
    /// Whose.
    pub flow: FlowId,
    /// Of which batch.
    pub batch: BatchId,
    /// The bytes as they go over the wire.
    pub body: Bytes,
    /// Where each record lies in the body.
    pub entries: Vec<Range<u32>>,
}

impl EncodeJob {
    /// Encodes.
    pub fn run(self) -> Encoded {
        let mut writer = Writer::new(&self);
        for entry in &self.encoded {
            writer.copy(entry);
        }
        for part in &self.parts {
            for rec in &part.lines.recs[part.recs.clone()] {
                writer.record(part.lines.data(*rec), part.lines.is_cut(*rec), &part.key);
            }
        }
        let (body, entries) = writer.finish();
        Encoded { flow: self.flow, batch: self.batch, body, entries }
    }
}

/// Joins records that are encoded already into a body of their own.
pub fn join(destination: &dyn Destination, encoded: &[Bytes]) -> (Bytes, Vec<Range<u32>>) {
    let bytes: usize = encoded.iter().map(|entry| entry.len() + destination.separator().len()).sum();
    let mut body = Vec::with_capacity(bytes + destination.overhead() as usize);
    let mut entries = Vec::with_capacity(encoded.len());
    destination.begin(&mut body);
    for entry in encoded {
        if !entries.is_empty() {
            body.extend_from_slice(destination.separator());
        }
        let start = body.len() as u32;
        body.extend_from_slice(entry);
        entries.push(start..body.len() as u32);
    }
    destination.finish(&mut body, entries.len() as u32);
    (body.into(), entries)
}

struct Writer<'a> {
    destination: &'a dyn Destination,
    body: Vec<u8>,
    entries: Vec<Range<u32>>,
    rng: fastrand::Rng,
    scratch: String,
    strip: bool,
    concatenates: bool,
}

impl<'a> Writer<'a> {
    fn new(job: &'a EncodeJob) -> Self {
        let records = job.encoded.len() + job.parts.iter().map(|part| part.recs.len()).sum::<usize>();
        let mut body = Vec::with_capacity(job.capacity);
        job.destination.begin(&mut body);
        Self {
            destination: &*job.destination,
            body,
            entries: Vec::with_capacity(records),
            rng: fastrand::Rng::with_seed(job.seed),
            scratch: String::new(),
            strip: job.strip,
            concatenates: job.destination.concatenates(),
        }
    }

    fn copy(&mut self, entry: &[u8]) {
        let start = self.separate();
        self.body.extend_from_slice(entry);
        self.entries.push(start..self.body.len() as u32);
    }

    fn record(&mut self, data: &[u8], cut: bool, key: &KeyRule) {
        let start = self.separate();
        let ended = data.last() == Some(&b'\n');
        let data = if self.strip && !self.concatenates && ended { &data[..data.len() - 1] } else { data };
        let newline = if self.concatenates { !ended } else { cut && !self.strip };
        let key = match key {
            // The hash is of the record as sent: with its newline where one is added.
            KeyRule::Hash if newline => {
                let sent = [data, b"\n"].concat();
                key.key(&sent, &mut self.rng, &mut self.scratch)
            }
            _ => key.key(data, &mut self.rng, &mut self.scratch),
        };
        self.destination.record(&mut self.body, data, newline, key);
        self.entries.push(start..self.body.len() as u32);
    }

    fn separate(&mut self) -> u32 {
        if !self.entries.is_empty() {
            self.body.extend_from_slice(self.destination.separator());
        }
        self.body.len() as u32
    }

    fn finish(mut self) -> (Bytes, Vec<Range<u32>>) {
        self.destination.finish(&mut self.body, self.entries.len() as u32);
        (self.body.into(), self.entries)
    }
}
