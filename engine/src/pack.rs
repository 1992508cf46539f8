//! Which lines share a record, and how much of a batch's room they take.

use crate::batch::Room;
use crate::destination::Destination;
use crate::destination::packing::Packing;
use crate::partition::KeyRule;

/// Puts lines into records, one after the other, as long as there is room.
pub(crate) struct Packer<'a> {
    to: &'a dyn Destination,
    packing: Option<Packing>,
    room: Room,
    /// What the records before the open one take.
    closed: Size,
    open: Option<Open>,
    /// Lines of each record.
    counts: Vec<u32>,
}

/// What records take of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    /// By the destination's weight.
    pub(crate) weight: u64,
    /// At most, in the body.
    pub(crate) wire: u64,
}

/// The record to which the next line may be added.
#[derive(Clone)]
struct Open {
    key: KeyRule,
    lines: u32,
    /// Bytes of its only line, or of it once it is packed.
    alone: u64,
    packed: u64,
}

impl<'a> Packer<'a> {
    /// Nothing is taken yet.
    pub(crate) fn new(to: &'a dyn Destination, room: Room) -> Self {
        let packing = to.packing();
        Self { to, packing, room, closed: Size::default(), open: None, counts: Vec::new() }
    }

    /// Takes a line of so many bytes, a newline that may be added included; false if there is no room.
    pub(crate) fn add(&mut self, data: u64, key: &KeyRule) -> bool {
        if let Some(open) = self.joined(data, key) {
            let size = self.closed.and(self.size(&open));
            if size.weight > self.room.weight || size.wire > self.room.wire {
                return false;
            }
            if let Some(count) = self.counts.last_mut() {
                *count = open.lines;
            }
            self.open = Some(open);
            return true;
        }
        let overhead = |packing: Packing| packing.overhead(key.longest()) + packing.line(data);
        let open = Open { key: key.clone(), lines: 1, alone: data, packed: self.packing.map_or(0, overhead) };
        let closed = self.taken();
        let size = closed.and(self.size(&open));
        if self.counts.len() as u64 >= self.room.records
            || size.weight > self.room.weight
            || size.wire > self.room.wire
        {
            return false;
        }
        self.closed = closed;
        self.open = Some(open);
        self.counts.push(1);
        true
    }

    /// Whether a line would share the open record.
    pub(crate) fn joins(&self, data: u64, key: &KeyRule) -> bool {
        self.joined(data, key).is_some()
    }

    /// Nothing more shares the open record.
    pub(crate) fn end_record(&mut self) {
        self.closed = self.taken();
        self.open = None;
    }

    /// What all records take.
    pub(crate) fn taken(&self) -> Size {
        self.open.as_ref().map_or(self.closed, |open| self.closed.and(self.size(open)))
    }

    /// Lines of each record.
    pub(crate) fn counts(self) -> Vec<u32> {
        self.counts
    }

    /// The open record with one line more, if that may be.
    fn joined(&self, data: u64, key: &KeyRule) -> Option<Open> {
        let (packing, open) = (self.packing?, self.open.as_ref()?);
        let packed = open.packed + packing.line(data);
        let fits = open.lines < packing.lines && self.to.weight(packed, key.longest()) <= packing.bytes;
        (fits && open.key.shares(key)).then(|| Open { lines: open.lines + 1, packed, ..open.clone() })
    }

    fn size(&self, open: &Open) -> Size {
        let (data, key) = (if open.lines > 1 { open.packed } else { open.alone }, open.key.longest());
        let separator = self.to.separator().len() as u64;
        Size { weight: self.to.weight(data, key), wire: self.to.wire_bound(data, key) + separator }
    }
}

impl Size {
    fn and(self, other: Self) -> Self {
        Self { weight: self.weight + other.weight, wire: self.wire + other.wire }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::for_flow;
    use crate::settings::{Destination, Flow, PartitionKey};
    use std::sync::Arc;

    const ROOMY: Room = Room { records: 500, weight: 1 << 20, wire: 1 << 20 };

    fn stream(aggregation: Option<u64>) -> Arc<dyn crate::destination::Destination> {
        let to = Destination::Kinesis { stream: "clicks".into() };
        let key = PartitionKey::Random;
        for_flow(&Flow { aggregation, partition_key: key, ..Flow::new("flow", Vec::new(), to) })
    }

    /// Lines of each record, for lines of these lengths.
    fn counts(to: &dyn crate::destination::Destination, room: Room, lines: &[(u64, KeyRule)]) -> Vec<u32> {
        let mut packer = Packer::new(to, room);
        let _ = lines.iter().all(|(data, key)| packer.add(*data, key));
        let taken = packer.taken();
        assert!(taken.weight <= room.weight && taken.wire <= room.wire, "{taken:?}");
        packer.counts()
    }

    fn random(lengths: &[u64]) -> Vec<(u64, KeyRule)> {
        lengths.iter().map(|length| (*length, KeyRule::Random)).collect()
    }

    #[test]
    fn lines_share_a_record_as_far_as_it_may_grow() {
        // 20 bytes of magic and hash, 18 of the key in it, 16 of its own key; 6 for each line.
        let lines = random(&[100, 100, 100, 100, 100]);
        assert_eq!(counts(&*stream(Some(54 + 3 * 106)), ROOMY, &lines), [3, 2]);
        assert_eq!(counts(&*stream(Some(54 + 3 * 106 - 1)), ROOMY, &lines), [2, 2, 1]);
        assert_eq!(counts(&*stream(None), ROOMY, &lines), [1, 1, 1, 1, 1]);
        assert_eq!(counts(&*stream(Some(1)), ROOMY, &lines), [1, 1, 1, 1, 1]);
    }

    #[test]
    fn a_line_too_large_to_share_goes_alone() {
        assert_eq!(counts(&*stream(Some(1000)), ROOMY, &random(&[10, 10, 5000, 10, 10])), [2, 1, 2]);
    }

    #[test]
    fn only_lines_of_one_key_share_a_record() {
        let fixed = |key: &str| (10, KeyRule::Fixed(key.into()));
        let lines = [fixed("a"), fixed("a"), fixed("b"), fixed("b"), fixed("a")];
        assert_eq!(counts(&*stream(Some(1000)), ROOMY, &lines), [2, 2, 1]);
        let lines = [(10, KeyRule::Hash), (10, KeyRule::Hash)];
        assert_eq!(counts(&*stream(Some(1000)), ROOMY, &lines), [1, 1]);
    }

    #[test]
    fn room_is_for_records_weight_and_body() {
        let lines = random(&[100; 9]);
        let to = stream(Some(54 + 2 * 106));
        assert_eq!(counts(&*to, Room { records: 2, ..ROOMY }, &lines), [2, 2]);
        assert_eq!(counts(&*to, Room { weight: 2 * (54 + 2 * 106), ..ROOMY }, &lines), [2, 2]);
        assert_eq!(counts(&*to, Room { weight: 2 * (54 + 2 * 106) - 1, ..ROOMY }, &lines), [2, 1]);
        assert_eq!(counts(&*to, Room { wire: 400, ..ROOMY }, &lines), [2]);
    }
}
