//! What one flow was given of one content.

use crate::spans::Spans;
use std::collections::BTreeMap;

/// What one flow was given of one content.
#[derive(Debug)]
pub(crate) struct Book {
    /// Bytes that the engine may call acknowledged: served ones, and those on the ledger.
    pub(super) acked: Spans,
    /// Bytes accepted by the service, among the dead letters, or filtered.
    served: Spans,
    /// Served bytes of which the engine was told.
    pub(super) known: Spans,
    /// Records accepted, by the offset of their first byte.
    pub(super) sent: BTreeMap<u64, Sent>,
    /// First bytes of records are in order up to here.
    pub(super) in_order: u64,
    /// Bytes before this were there before the flow, which begins at the end.
    pub(super) skipped: u64,
    /// How many of its lines were looked at for filtering.
    pub(super) lines_seen: usize,
    /// The running agent was given every byte before this.
    pub(super) read_to: u64,
    /// Records before this may come once more: they were read in two epochs.
    pub(super) again_to: u64,
    /// And cut every byte before this into lines.
    pub(super) framed_to: u64,
    /// The content is gone; the bytes before this are owed all the same.
    pub(super) gone: Option<u64>,
    /// The engine could see that bytes before this are gone, and owes a word about them.
    pub(super) noticed: u64,
    /// Bytes from here on were written when nobody had to look any more.
    pub(super) late_from: u64,
}

/// How often a record was accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// Offset after its last byte.
    pub(crate) end: u64,
    /// So often.
    pub(crate) times: u32,
    /// So often it may be.
    pub(crate) allowed: u32,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            acked: Spans::default(),
            served: Spans::default(),
            known: Spans::default(),
            sent: BTreeMap::new(),
            in_order: 0,
            skipped: 0,
            lines_seen: 0,
            read_to: 0,
            again_to: 0,
            framed_to: 0,
            gone: None,
            noticed: 0,
            late_from: u64::MAX,
        }
    }
}

impl Book {
    /// The service, the dead letters or a filter took these bytes.
    pub(super) fn serve(&mut self, start: u64, end: u64) {
        self.served.add(start, end);
        self.acked.add(start, end);
    }

    /// The first byte from here on that was not served before, in these or in other pieces.
    pub(super) fn unserved_from(&self, start: u64) -> u64 {
        self.served.gap_from(start)
    }

    /// Nothing is left from here on, after so many lines.
    pub(super) fn lose_end(&mut self, size: u64, lines: usize) {
        self.acked.cut_off(size);
        self.served.cut_off(size);
        self.known.cut_off(size);
        self.sent.retain(|_, sent| sent.end <= size);
        for place in
            [&mut self.in_order, &mut self.skipped, &mut self.read_to, &mut self.framed_to, &mut self.noticed]
        {
            *place = size.min(*place);
        }
        self.lines_seen = lines.min(self.lines_seen);
    }

    /// The ledger lost what was not synced: only served bytes are acknowledged.
    pub(super) fn forget_ledger(&mut self) {
        self.acked = self.served.clone();
    }

    /// The record at `start` may be accepted once more.
    pub(super) fn excuse(&mut self, start: u64, end: u64) {
        self.sent.entry(start).or_insert(Sent { end, times: 0, allowed: 1 }).allowed += 1;
    }
}
