//! Records waiting to be sent, and cutting batches from them.

use crate::destination::Destination;
use crate::encode::Part;
use crate::frame::Lines;
use crate::ids::{CursorId, FileId, Span};
use crate::pack::{Packer, Size};
use crate::partition::KeyRule;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Framed records that no batch holds yet, oldest first.
#[derive(Debug, Default)]
pub struct Pending {
    queue: VecDeque<Waiting>,
    records: u64,
    weight: u64,
}

#[derive(Debug)]
struct Waiting {
    lines: Arc<Lines>,
    /// The first record that is not taken.
    next: usize,
    key: KeyRule,
    since: Duration,
    /// Bytes booked for the buffer.
    charge: u64,
}

/// One line's way back to its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it was read.
    pub cursor: CursorId,
    /// What it acknowledges.
    pub span: Span,
    /// How often it was sent.
    pub tries: u32,
    /// When it failed first.
    pub failed: Option<Duration>,
    /// Bytes of its data, without a newline that is added.
    pub length: u32,
}

/// A buffer whose bytes are booked until the last of its records is encoded.
#[derive(Debug)]
pub struct Source {
    lines: Arc<Lines>,
    charge: u64,
}

impl Source {
    /// Lets go of the buffer. Returns the bytes booked for it if nobody else holds it.
    pub fn release(self) -> u64 {
        Arc::into_inner(self.lines).map_or(0, |_| self.charge)
    }
}

/// How much may be taken.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Records.
    pub records: u64,
    /// Bytes by the destination's weight.
    pub weight: u64,
    /// Bytes of body.
    pub wire: u64,
}

/// What was taken.
#[derive(Debug, Default)]
pub struct Taken {
    /// The records.
    pub parts: Vec<Part>,
    /// Their way back, in the same order.
    pub items: Vec<Item>,
    /// How many of them share a record, record by record.
    pub counts: Vec<u32>,
    /// Most bytes of body they take.
    pub wire: u64,
    /// Their weight.
    pub weight: u64,
    /// The buffers that hold them, each with the bytes booked for it.
    pub sources: Vec<Source>,
}

impl Pending {
    /// Records waiting, about: lines that will share one count as one.
    pub fn records(&self, to: &dyn Destination) -> u64 {
        let Some(packing) = to.packing() else { return self.records };
        (self.weight / packing.bytes.max(1)).max(self.records / u64::from(packing.lines)).min(self.records)
    }

    /// Their weight in bytes.
    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// Whether none wait.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Since when the oldest waits.
    pub fn oldest(&self) -> Option<Duration> {
        self.queue.front().map(|waiting| waiting.since)
    }

    /// Adds the records of a buffer for which `charge` bytes are booked. There is at least one.
    pub fn push(&mut self, lines: Lines, key: KeyRule, charge: u64, now: Duration, to: &dyn Destination) {
        self.records += lines.recs.len() as u64;
        self.weight += lines.recs.iter().map(|rec| weight(rec.len, &key, to)).sum::<u64>();
        self.queue.push_back(Waiting { lines: Arc::new(lines), next: 0, key, since: now, charge });
    }

    /// Since when the oldest waits of those that are not of these files.
    pub fn oldest_but(&self, held: &BTreeSet<FileId>) -> Option<Duration> {
        self.first_but(held).map(|waiting| waiting.since)
    }

    /// The weight and body bytes of the next record that is not of these files.
    pub fn peek_but(&self, held: &BTreeSet<FileId>, to: &dyn Destination) -> Option<(u64, u64)> {
        self.first_but(held).map(|waiting| waiting.size(to))
    }

    fn first_but(&self, held: &BTreeSet<FileId>) -> Option<&Waiting> {
        self.queue.iter().find(|waiting| !held.contains(&waiting.lines.cursor.file))
    }

    /// Bytes of a file's lines that wait.
    pub fn bytes_of(&self, file: FileId) -> u64 {
        let of_file = self.queue.iter().filter(|waiting| waiting.lines.cursor.file == file);
        let rest = |waiting: &Waiting| {
            waiting.lines.recs[waiting.next..].iter().map(|rec| u64::from(rec.len)).sum::<u64>()
        };
        of_file.map(rest).sum()
    }

    /// Takes as many records as there is room for, in order.
    pub fn take(&mut self, room: Room, to: &dyn Destination) -> Taken {
        let mut taken = Taken::default();
        let mut packer = Packer::new(to, room);
        while let Some(waiting) = self.queue.front_mut() {
            let from = waiting.next;
            while waiting.next < waiting.lines.recs.len() && packer.add(waiting.data(), &waiting.key) {
                waiting.next += 1;
            }
            self.weight -= waiting.taken_since(from, to, &mut taken);
            if waiting.next < waiting.lines.recs.len() {
                break;
            }
            self.queue.pop_front();
        }
        self.taken(taken, packer)
    }

    /// Takes the next record of each file but these, as far as there is room.
    pub fn take_one_each(&mut self, room: Room, to: &dyn Destination, held: &BTreeSet<FileId>) -> Taken {
        let mut taken = Taken::default();
        let mut packer = Packer::new(to, room);
        let mut begun = held.clone();
        for waiting in &mut self.queue {
            if !begun.insert(waiting.lines.cursor.file) {
                continue;
            }
            let from = waiting.next;
            while waiting.next < waiting.lines.recs.len()
                && (waiting.next == from || packer.joins(waiting.data(), &waiting.key))
                && packer.add(waiting.data(), &waiting.key)
            {
                waiting.next += 1;
            }
            self.weight -= waiting.taken_since(from, to, &mut taken);
            if waiting.next == from {
                break;
            }
            packer.end_record();
        }
        self.queue.retain(|waiting| waiting.next < waiting.lines.recs.len());
        self.taken(taken, packer)
    }

    fn taken(&mut self, mut taken: Taken, packer: Packer<'_>) -> Taken {
        self.records -= taken.items.len() as u64;
        Size { weight: taken.weight, wire: taken.wire } = packer.taken();
        taken.counts = packer.counts();
        taken
    }
}

/// What a line weighs while it waits: as a record, or as a part of one.
fn weight(length: u32, key: &KeyRule, to: &dyn Destination) -> u64 {
    let data = u64::from(length) + 1;
    to.packing().map_or_else(|| to.weight(data, key.longest()), |packing| packing.line(data))
}

impl Waiting {
    /// Bytes of the next record, with a newline that may be added.
    fn data(&self) -> u64 {
        u64::from(self.lines.recs[self.next].len) + 1
    }

    /// Adds what was taken from here on to the others. Returns its weight while it waited.
    fn taken_since(&self, from: usize, to: &dyn Destination, taken: &mut Taken) -> u64 {
        let recs = from..self.next;
        if recs.is_empty() {
            return 0;
        }
        let before = taken.items.len();
        taken.items.extend(recs.clone().map(|rec| self.item(rec)));
        taken.sources.push(Source { lines: Arc::clone(&self.lines), charge: self.charge });
        taken.parts.push(Part { lines: Arc::clone(&self.lines), recs, key: self.key.clone() });
        taken.items[before..].iter().map(|item| weight(item.length, &self.key, to)).sum()
    }

    fn size(&self, to: &dyn Destination) -> (u64, u64) {
        let (data, key) = (self.data(), self.key.longest());
        (to.weight(data, key), to.wire_bound(data, key))
    }

    fn item(&self, rec: usize) -> Item {
        let rec = self.lines.recs[rec];
        let span = self.lines.span(rec);
        Item { cursor: self.lines.cursor, span, tries: 0, failed: None, length: rec.len }
    }
}
