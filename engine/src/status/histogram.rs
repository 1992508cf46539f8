//! How values are spread: counts by upper bounds, as Prometheus wants them.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Upper bounds of times, in microseconds: from 1 ms to a minute.
pub const TIMES: [u64; 12] = [
    1_000,
    3_000,
    10_000,
    30_000,
    100_000,
    300_000,
    1_000_000,
    3_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    u64::MAX,
];

/// Upper bounds of numbers of records: to 500, what AWS takes in a request, and more in one that lines share.
pub const SIZES: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 499, 500, 10_000, u64::MAX];

/// Counts of values by their size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// How many values were at most each bound, and over the one before.
    pub counts: [u64; 12],
    /// Of all values.
    pub sum: u64,
}

impl Histogram {
    /// Counts a value by `bounds`, always the same ones.
    pub fn add(&mut self, value: u64, bounds: &[u64; 12]) {
        let at = bounds.partition_point(|bound| *bound < value).min(bounds.len() - 1);
        self.counts[at] += 1;
        self.sum = self.sum.saturating_add(value);
    }

    /// Counts a time, by [`TIMES`].
    pub fn add_time(&mut self, time: Duration) {
        self.add(time.as_micros() as u64, &TIMES);
    }

    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_by_the_first_bound_that_is_not_below_it() {
        let mut histogram = Histogram::default();
        for value in [0, 1, 2, 3, 500, 501, u64::MAX] {
            histogram.add(value, &SIZES);
        }
        assert_eq!(histogram.counts, [2, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1]);
        assert_eq!((histogram.count(), histogram.sum), (7, u64::MAX));
    }
}
