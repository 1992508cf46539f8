//! Sets of byte ranges.

/// Byte ranges: sorted, apart, none empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spans(Vec<(u64, u64)>);

impl Spans {
    /// Adds `start..end`.
    pub(crate) fn add(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let first = self.0.partition_point(|span| span.1 < start);
        let last = self.0.partition_point(|span| span.0 <= end);
        let joined = match self.0.get(first..last) {
            Some([only]) => (only.0.min(start), only.1.max(end)),
            Some([low, .., high]) => (low.0.min(start), high.1.max(end)),
            _ => (start, end),
        };
        self.0.splice(first..last, [joined]);
    }

    /// Takes out all from here on.
    pub(crate) fn cut_off(&mut self, end: u64) {
        self.0.retain(|span| span.0 < end);
        if let Some(last) = self.0.last_mut() {
            last.1 = last.1.min(end);
        }
    }

    /// Whether every byte of `start..end` is in it.
    pub(crate) fn covers(&self, start: u64, end: u64) -> bool {
        start >= end || {
            let at = self.0.partition_point(|span| span.1 < end);
            self.0.get(at).is_some_and(|span| span.0 <= start && span.1 >= end)
        }
    }

    /// The first byte from `start` on that is not in it.
    pub(crate) fn gap_from(&self, start: u64) -> u64 {
        let at = self.0.partition_point(|span| span.1 <= start);
        match self.0.get(at) {
            Some(span) if span.0 <= start => span.1,
            _ => start,
        }
    }

    /// The ranges.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_ranges_become_one() {
        let mut spans = Spans::default();
        spans.add(10, 20);
        spans.add(30, 40);
        spans.add(0, 5);
        assert!(!spans.covers(10, 31));
        spans.add(20, 30);
        assert_eq!(spans.iter().collect::<Vec<_>>(), [(0, 5), (10, 40)]);
        assert!(spans.covers(12, 40));
        assert_eq!((spans.gap_from(0), spans.gap_from(7), spans.gap_from(39)), (5, 7, 40));
        spans.add(4, 11);
        assert_eq!(spans.iter().collect::<Vec<_>>(), [(0, 40)]);
    }
}
