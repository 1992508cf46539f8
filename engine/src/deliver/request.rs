//! A request on its way, and records that go again.

use super::isolate::GroupId;
use crate::batch::{Item, Source};
use crate::destination::Destination;
use crate::encode;
use bytes::Bytes;
use std::ops::Range;
use std::time::Duration;

/// Records on their way.
#[derive(Debug)]
pub struct Batch {
    pub(super) items: Vec<Item>,
    pub(super) body: Bytes,
    pub(super) entries: Vec<Range<u32>>,
    /// Bytes booked for the body.
    pub(super) charge: u64,
    /// Buffers from which the body is being encoded.
    pub(super) sources: Vec<Source>,
    /// Bytes booked for encoded records that are being copied into the body.
    pub(super) copies: u64,
    pub(super) weight: u64,
    pub(super) group: Option<GroupId>,
    pub(super) sent: Option<Duration>,
}

/// A record that goes again, encoded as it was.
#[derive(Debug)]
pub(super) struct Retry {
    pub(super) item: Item,
    pub(super) entry: Bytes,
    pub(super) weight: u64,
    pub(super) due: Duration,
}

#[derive(Debug)]
pub(super) struct Again {
    pub(super) due: Duration,
    pub(super) batch: Batch,
}

impl Batch {
    /// Bytes that so many of its records weigh, about.
    pub(super) fn weight_of(&self, records: u64) -> u64 {
        records * self.weight / self.items.len().max(1) as u64
    }

    pub(super) fn entry(&self, index: usize) -> Bytes {
        let range = &self.entries[index];
        self.body.slice(range.start as usize..range.end as usize)
    }

    pub(super) fn halves(self, destination: &dyn Destination, group: GroupId) -> (Self, Self) {
        let middle = self.items.len() / 2;
        let entries: Vec<Bytes> = (0..self.items.len()).map(|index| self.entry(index)).collect();
        let half = |items: &[Item], entries: &[Bytes], charge: u64| {
            let (body, entries) = encode::join(destination, entries);
            let weight = body.len() as u64;
            let items = items.to_vec();
            Self {
                items,
                body,
                entries,
                charge,
                sources: Vec::new(),
                copies: 0,
                weight,
                group: Some(group),
                sent: None,
            }
        };
        let charge = self.charge / 2;
        let first = half(&self.items[..middle], &entries[..middle], charge);
        let second = half(&self.items[middle..], &entries[middle..], self.charge - charge);
        (first, second)
    }
}
