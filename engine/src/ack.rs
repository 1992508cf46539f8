//! Acknowledgement: which bytes of an epoch are done with (delivered, filtered, or on the ledger). They come out
//! of order; only the contiguous prefix may ever be saved as an offset, the ranges past it are saved beside it.

use crate::ids::Span;
use std::collections::BTreeMap;

/// Past so many ranges reading the file waits.
pub const MAX_RANGES: usize = 1024;

/// The acknowledged bytes of one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acked {
    prefix: u64,
    /// Start to end; sorted, apart, not touching, all past the prefix.
    ranges: BTreeMap<u64, u64>,
}

impl Acked {
    /// As it was saved.
    pub fn new(prefix: u64, ranges: &[Span]) -> Self {
        let mut acked = Self { prefix, ranges: BTreeMap::new() };
        for span in ranges {
            acked.ack(*span);
        }
        acked
    }

    /// Every byte before it is acknowledged.
    pub fn prefix(&self) -> u64 {
        self.prefix
    }

    /// The acknowledged ranges past the prefix, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = Span> + '_ {
        self.ranges.iter().map(|(start, end)| Span::new(*start, *end))
    }

    /// Whether there are as many ranges as may be.
    pub fn is_full(&self) -> bool {
        self.ranges.len() >= MAX_RANGES
    }

    /// Bytes acknowledged past the prefix.
    pub fn ahead(&self) -> u64 {
        self.ranges().map(Span::len).sum()
    }

    /// The end of the last acknowledged byte.
    pub fn end(&self) -> u64 {
        self.ranges.last_key_value().map_or(self.prefix, |(_, end)| *end)
    }

    /// Whether every byte of the span is acknowledged.
    pub fn covers(&self, span: Span) -> bool {
        if span.end <= self.prefix || span.is_empty() {
            return true;
        }
        let start = span.start.max(self.prefix);
        self.ranges.range(..=start).next_back().is_some_and(|(_, end)| *end >= span.end)
    }

    /// Acknowledges a span. Returns how many of its bytes were not acknowledged before.
    pub fn ack(&mut self, span: Span) -> u64 {
        let mut start = span.start.max(self.prefix);
        let mut end = span.end;
        if start >= end {
            return 0;
        }
        let mut fresh = end - start;
        if let Some((&s, &e)) = self.ranges.range(..start).next_back()
            && e >= start
        {
            fresh -= e.min(end) - start;
            start = s;
            end = end.max(e);
            self.ranges.remove(&s);
        }
        while let Some((&s, &e)) = self.ranges.range(start..=end).next() {
            let inner = e.min(end).saturating_sub(s.max(span.start));
            fresh -= inner.min(fresh);
            end = end.max(e);
            self.ranges.remove(&s);
        }
        if start == self.prefix {
            self.prefix = end;
        } else {
            self.ranges.insert(start, end);
        }
        fresh
    }

    /// Nothing exists from here on.
    pub fn cut_off(&mut self, end: u64) {
        self.prefix = self.prefix.min(end);
        drop(self.ranges.split_off(&end));
        if let Some(mut last) = self.ranges.last_entry() {
            *last.get_mut() = end.min(*last.get());
        }
    }

    /// The bytes of `span` that are not acknowledged.
    pub fn missing(&self, span: Span) -> Vec<Span> {
        let mut missing = Vec::new();
        let mut at = span.start.max(self.prefix);
        for range in self.ranges().filter(|range| range.end > span.start) {
            if range.start >= span.end {
                break;
            }
            if at < range.start {
                missing.push(Span::new(at, range.start));
            }
            at = at.max(range.end);
        }
        if at < span.end {
            missing.push(Span::new(at, span.end));
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_never_passes_an_unacknowledged_byte() {
        let mut acked = Acked::default();
        assert_eq!(acked.ack(Span::new(10, 20)), 10);
        assert_eq!(acked.prefix(), 0);
        assert_eq!(acked.ack(Span::new(0, 10)), 10);
        assert_eq!(acked.prefix(), 20);
        assert_eq!(acked.ranges().count(), 0);
    }

    #[test]
    fn any_order_of_acknowledgements_agrees_with_a_bit_map() {
        for seed in 0..300 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut acked = Acked::default();
            let mut bits = [false; 64];
            for _ in 0..rng.usize(1..60) {
                let start = rng.u64(0..64);
                let span = Span::new(start, rng.u64(start..=64));
                let fresh = bits[span.start as usize..span.end as usize].iter().filter(|bit| !**bit).count();
                bits[span.start as usize..span.end as usize].fill(true);
                assert_eq!(acked.ack(span), fresh as u64, "seed {seed}");
                let prefix = bits.iter().take_while(|bit| **bit).count() as u64;
                assert_eq!(acked.prefix(), prefix, "seed {seed}");
                let all = bits.iter().filter(|bit| **bit).count() as u64;
                assert_eq!(prefix + acked.ahead(), all, "seed {seed}");
                let start = rng.u64(0..64);
                let probe = Span::new(start, rng.u64(start..=64));
                let holes =
                    bits[probe.start as usize..probe.end as usize].iter().filter(|bit| !**bit).count();
                assert_eq!(acked.covers(probe), holes == 0, "seed {seed}");
                let missing: u64 = acked.missing(probe).into_iter().map(Span::len).sum();
                assert_eq!(missing, holes as u64, "seed {seed}");
            }
        }
    }
}
