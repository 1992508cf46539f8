//! Records to a body: encoded once, straight from the read buffer.

use crate::destination::Destination;
use crate::destination::packing::{Line, Packing};
use crate::frame::Lines;
use crate::ids::FlowId;
use crate::partition::KeyRule;
use bytes::Bytes;
use std::iter;
use std::ops::{Range, RangeInclusive};
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
    /// How many of their lines share a record, record by record.
    pub counts: Vec<u32>,
    /// The hash keys that a random key should have, record by record as `counts`; none if any will do.
    pub targets: Vec<RangeInclusive<u128>>,
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

impl Part {
    /// Its lines as they go into records.
    fn lines(&self, strip: bool, concatenates: bool) -> impl Iterator<Item = (Line<'_>, &KeyRule)> {
        self.lines.recs[self.recs.clone()].iter().map(move |rec| {
            let data = self.lines.data(*rec);
            let ended = data.last() == Some(&b'\n');
            let data = if strip && !concatenates && ended { &data[..data.len() - 1] } else { data };
            let newline = if concatenates { !ended } else { self.lines.is_cut(*rec) && !strip };
            (Line { data, newline }, &self.key)
        })
    }
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
        let concatenates = self.destination.concatenates();
        let mut lines = self.parts.iter().flat_map(|part| part.lines(self.strip, concatenates));
        for (index, count) in self.counts.iter().enumerate() {
            writer.target = self.targets.get(index).cloned();
            let Some((first, key)) = lines.next() else { break };
            if *count == 1 {
                writer.record(first, key);
            } else {
                let others = lines.by_ref().take(*count as usize - 1).map(|(line, _)| line);
                writer.packed(iter::once(first).chain(others), key);
            }
        }
        debug_assert!(lines.next().is_none(), "every line is of a record");
        drop(lines);
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
    /// The packed record that is being made.
    packed: Vec<u8>,
    packing: Option<Packing>,
    /// The hash keys that the next record's key should have.
    target: Option<RangeInclusive<u128>>,
}

impl<'a> Writer<'a> {
    fn new(job: &'a EncodeJob) -> Self {
        let records = job.encoded.len() + job.counts.len();
        let mut body = Vec::with_capacity(job.capacity);
        job.destination.begin(&mut body);
        Self {
            destination: &*job.destination,
            body,
            entries: Vec::with_capacity(records),
            rng: fastrand::Rng::with_seed(job.seed),
            scratch: String::new(),
            packed: Vec::new(),
            packing: job.destination.packing(),
            target: None,
        }
    }

    fn copy(&mut self, entry: &[u8]) {
        let start = self.separate();
        self.body.extend_from_slice(entry);
        self.entries.push(start..self.body.len() as u32);
    }

    fn record(&mut self, line: Line<'_>, key: &KeyRule) {
        let start = self.separate();
        let Line { data, newline } = line;
        let key = match key {
            // The hash is of the record as sent: with its newline where one is added.
            KeyRule::Hash if newline => {
                let sent = [data, b"\n"].concat();
                key.key(&sent, &mut self.rng, &mut self.scratch)
            }
            _ => key.key_in(self.target.as_ref(), data, &mut self.rng, &mut self.scratch),
        };
        self.destination.record(&mut self.body, data, newline, key);
        self.entries.push(start..self.body.len() as u32);
    }

    /// A record of several lines, whose keys do not depend on them.
    fn packed<'l>(&mut self, lines: impl Iterator<Item = Line<'l>>, key: &KeyRule) {
        let start = self.separate();
        let key = key.key_in(self.target.as_ref(), b"", &mut self.rng, &mut self.scratch);
        self.packed.clear();
        if let Some(packing) = self.packing {
            packing.pack(&mut self.packed, lines, key);
        }
        self.destination.record(&mut self.body, &self.packed, false, key);
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
