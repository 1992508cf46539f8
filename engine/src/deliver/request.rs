//! A request on its way, and records that go again.

use super::isolate::GroupId;
use super::shards::Targets;
use crate::batch::{Item, Source};
use crate::destination::Destination;
use crate::ids::FileId;
use crate::{encode, unpack};
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::time::Duration;

/// Records on their way.
#[derive(Debug)]
pub struct Batch {
    /// Its lines' way back.
    pub(super) items: Vec<Item>,
    /// How many of them share a record, record by record.
    pub(super) counts: Vec<u32>,
    pub(super) body: Bytes,
    pub(super) entries: Vec<Range<u32>>,
    /// Bytes booked for the body.
    pub(super) charge: u64,
    /// Buffers from which the body is being encoded.
    pub(super) sources: Vec<Source>,
    /// Bytes booked for encoded records that are being copied into the body.
    pub(super) copies: u64,
    pub(super) weight: u64,
    /// The shards that they are meant for.
    pub(super) targets: Targets,
    pub(super) group: Option<GroupId>,
    pub(super) sent: Option<Duration>,
}

/// A record that goes again, encoded as it was.
#[derive(Debug)]
pub(super) struct Retry {
    /// Its lines' way back.
    pub(super) items: Vec<Item>,
    pub(super) entry: Bytes,
    pub(super) weight: u64,
    /// Its key's hash, where that tells of the shard.
    pub(super) hash: Option<u128>,
    pub(super) due: Duration,
    /// With strict order: no other of the same file goes before it.
    pub(super) is_first: bool,
}

#[derive(Debug)]
pub(super) struct Again {
    pub(super) due: Duration,
    pub(super) batch: Batch,
}

impl Retry {
    /// Whether it is a line by itself.
    pub(super) fn is_lone(&self) -> bool {
        self.items.len() == 1
    }

    /// Of its first line; with strict order of all.
    pub(super) fn file(&self) -> Option<FileId> {
        self.items.first().map(|item| item.cursor.file)
    }
}

/// Adds a record, with strict order, before those of its file that follow it there.
pub(super) fn put_in_order(retries: &mut VecDeque<Retry>, retry: Retry) {
    let place = |retry: &Retry| retry.items.first().map(|item| (item.cursor, item.span.start));
    let follows = |other: &Retry| match (place(other), place(&retry)) {
        (Some((theirs, after)), Some((ours, at))) => theirs == ours && after > at,
        _ => false,
    };
    let at = retries.iter().position(follows).unwrap_or(retries.len());
    retries.insert(at, retry);
    mark_first(retries);
}

/// Of each file the first goes first.
pub(super) fn mark_first(retries: &mut VecDeque<Retry>) {
    let mut files = BTreeSet::new();
    for retry in retries {
        retry.is_first = retry.file().is_none_or(|file| files.insert(file));
    }
}

impl Batch {
    /// How many records it has.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Its records, each with the way back of its lines.
    pub(super) fn records(&self) -> impl Iterator<Item = (usize, &[Item])> {
        let mut rest = &self.items[..];
        self.counts.iter().enumerate().map(move |(index, count)| {
            let (own, others) = rest.split_at(*count as usize);
            rest = others;
            (index, own)
        })
    }

    /// Bytes that so many of its records weigh, about.
    pub(super) fn weight_of(&self, records: u64) -> u64 {
        records * self.weight / self.len().max(1) as u64
    }

    pub(super) fn entry(&self, index: usize) -> Bytes {
        let range = &self.entries[index];
        self.body.slice(range.start as usize..range.end as usize)
    }

    /// Two batches of half of its records, or of its only record's lines.
    pub(super) fn halves(self, to: &dyn Destination, group: GroupId) -> (Self, Self) {
        let (middle, entries, counts) = if self.len() > 1 {
            let entries = (0..self.len()).map(|index| self.entry(index)).collect();
            (self.len() / 2, entries, self.counts)
        } else {
            let first = self.items.len() / 2;
            let counts = vec![first as u32, (self.items.len() - first) as u32];
            (1, unpack::halves(to, &self.entry(0), &self.items).to_vec(), counts)
        };
        let lines = counts[..middle].iter().sum::<u32>() as usize;
        let first = Self::of(to, &entries[..middle], &counts[..middle], &self.items[..lines], group);
        let second = Self::of(to, &entries[middle..], &counts[middle..], &self.items[lines..], group);
        (first, second)
    }

    /// A batch of records that are encoded already; nothing is booked for it.
    fn of(to: &dyn Destination, encoded: &[Bytes], counts: &[u32], items: &[Item], group: GroupId) -> Self {
        let (body, entries) = encode::join(to, encoded);
        Self {
            items: items.to_vec(),
            counts: counts.to_vec(),
            charge: 0,
            sources: Vec::new(),
            copies: 0,
            weight: body.len() as u64,
            targets: Targets::default(),
            group: Some(group),
            sent: None,
            body,
            entries,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CursorId, Epoch, FileId, FlowId, RunId, Span};

    fn retry(file: u64, at: u64) -> Retry {
        let run = RunId(1);
        let cursor =
            CursorId { flow: FlowId(0), file: FileId { run, number: file }, epoch: Epoch { run, number: 0 } };
        let item = Item { cursor, span: Span::new(at, at + 1), tries: 1, failed: None, length: 1 };
        let (entry, due) = (Bytes::new(), Duration::ZERO);
        Retry { items: vec![item], entry, weight: 1, hash: None, due, is_first: false }
    }

    #[test]
    fn a_record_that_fails_again_stays_before_those_that_follow_it() {
        let mut retries = VecDeque::new();
        for (file, at) in [(1, 5), (2, 9), (1, 7), (1, 2), (2, 3)] {
            put_in_order(&mut retries, retry(file, at));
        }
        let places = retries
            .iter()
            .map(|retry| (retry.items[0].cursor.file.number, retry.items[0].span.start, retry.is_first));
        let places: Vec<_> = places.collect();
        assert_eq!(places, [(1, 2, true), (1, 5, false), (2, 3, true), (2, 9, false), (1, 7, false)]);
    }
}
