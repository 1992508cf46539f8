//! The most that the user lets a flow send a second, in records and in bytes.

use super::pacer::filled_at;
use crate::settings::MaxRate;
use std::time::Duration;

/// So much of a second's worth may go at once: little, so that no second has much more than its own.
const AT_ONCE: f64 = 0.1;

/// Keeps a flow below its highest rates. What one request takes too much is a debt, for which the next one waits.
#[derive(Debug)]
pub struct Limits {
    records: Option<Limit>,
    bytes: Option<Limit>,
}

#[derive(Debug)]
struct Limit {
    /// A second.
    rate: f64,
    /// What may go now; below zero: a debt.
    tokens: f64,
    updated: Duration,
}

impl Limits {
    /// Limits of so much a second.
    pub fn new(most: MaxRate) -> Self {
        Self { records: most.records.map(Limit::new), bytes: most.bytes.map(Limit::new) }
    }

    /// When the next request may be made.
    pub fn ready_at(&self, now: Duration) -> Duration {
        self.all().map(|limit| limit.ready_at(now)).max().unwrap_or(now)
    }

    /// Most records and bytes of one request.
    pub fn most(&self) -> (u64, u64) {
        let most = |limit: &Option<Limit>| limit.as_ref().map_or(u64::MAX, Limit::at_once);
        (most(&self.records), most(&self.bytes))
    }

    /// A request of so many records and bytes is made.
    pub fn take(&mut self, records: u64, bytes: u64, now: Duration) {
        for (limit, taken) in [(&mut self.records, records), (&mut self.bytes, bytes)] {
            if let Some(limit) = limit {
                limit.take(taken, now);
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = &Limit> {
        [&self.records, &self.bytes].into_iter().flatten()
    }
}

impl Limit {
    fn new(rate: u64) -> Self {
        Self { rate: rate as f64, tokens: 0.0, updated: Duration::ZERO }
    }

    fn at_once(&self) -> u64 {
        ((self.rate * AT_ONCE) as u64).max(1)
    }

    fn tokens(&self, now: Duration) -> f64 {
        let passed = now.saturating_sub(self.updated).as_secs_f64();
        (self.tokens + self.rate * passed).min(self.at_once() as f64)
    }

    /// When all that may go at once may go.
    fn ready_at(&self, now: Duration) -> Duration {
        filled_at(self.at_once() as f64 - self.tokens(now), self.rate, now)
    }

    fn take(&mut self, taken: u64, now: Duration) {
        self.tokens = self.tokens(now) - taken as f64;
        self.updated = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends requests of what is allowed, each of records of `each` bytes, for some seconds; what went in each.
    fn seconds(most: MaxRate, each: u64, count: usize) -> Vec<(u64, u64)> {
        let mut limits = Limits::new(most);
        let mut sent = vec![(0, 0); count];
        let mut now = Duration::ZERO;
        while let Some(second) = sent.get_mut(now.as_secs() as usize) {
            let (records, bytes) = limits.most();
            let records = records.min(bytes / each).clamp(1, 500);
            limits.take(records, records * each, now);
            *second = (second.0 + records, second.1 + records * each);
            let ready = limits.ready_at(now);
            assert!(ready > now, "a request takes all that may go at once");
            now = ready;
        }
        sent
    }

    #[test]
    fn no_second_has_much_more_than_its_share_nor_much_less() {
        for (most, each) in [
            (MaxRate { records: Some(1000), bytes: None }, 100),
            (MaxRate { records: None, bytes: Some(200_000) }, 100),
            (MaxRate { records: Some(2000), bytes: Some(200_000) }, 100),
        ] {
            for (records, bytes) in seconds(most, each, 20) {
                let share =
                    |limit: Option<u64>, sent: u64| limit.map_or(0.0, |limit| sent as f64 / limit as f64);
                let used = share(most.records, records).max(share(most.bytes, bytes));
                assert!((0.9..=1.1).contains(&used), "{most:?}: {records} records, {bytes} bytes");
            }
        }
    }

    #[test]
    fn a_record_larger_than_a_second_goes_and_is_paid_for_afterwards() {
        let sent = seconds(MaxRate { records: None, bytes: Some(1000) }, 5000, 20);
        assert_eq!(sent.iter().map(|second| second.0).sum::<u64>(), 4, "{sent:?}");
    }

    #[test]
    fn less_than_one_record_a_tenth_of_a_second_still_goes() {
        let sent = seconds(MaxRate { records: Some(2), bytes: None }, 100, 10);
        assert_eq!(sent.iter().map(|second| second.0).sum::<u64>(), 19, "{sent:?}");
    }
}
