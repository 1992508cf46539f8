//! The most that the user lets a flow send a second, in records and in bytes.

use super::bucket::Bucket;
use crate::settings::MaxRate;
use std::time::Duration;

/// So much of a second's worth may go at once: little, so that no second has much more than its own.
const AT_ONCE: f64 = 0.1;

/// Keeps a flow below its highest rates. What one request takes too much is a debt, for which the next one waits.
#[derive(Debug)]
pub struct Limits {
    records: Option<Bucket>,
    bytes: Option<Bucket>,
}

impl Limits {
    /// Limits of so much a second.
    pub fn new(most: MaxRate) -> Self {
        Self { records: most.records.map(bucket), bytes: most.bytes.map(bucket) }
    }

    /// When the next request may be made: when all that may go at once may go.
    pub fn ready_at(&self, now: Duration) -> Duration {
        let buckets = [&self.records, &self.bytes].into_iter().flatten();
        buckets.map(|bucket| bucket.full_at(now)).max().unwrap_or(now)
    }

    /// Most records and bytes of one request.
    pub fn most(&self) -> (u64, u64) {
        let most = |bucket: &Option<Bucket>| bucket.as_ref().map_or(u64::MAX, |bucket| bucket.full() as u64);
        (most(&self.records), most(&self.bytes))
    }

    /// A request of so many records and bytes is made.
    pub fn take(&mut self, records: u64, bytes: u64, now: Duration) {
        for (bucket, taken) in [(&mut self.records, records), (&mut self.bytes, bytes)] {
            if let Some(bucket) = bucket {
                bucket.take(taken as f64, now);
            }
        }
    }
}

/// For so much a second, at least one at once.
fn bucket(rate: u64) -> Bucket {
    let rate = rate as f64;
    Bucket::new(rate, (rate * AT_ONCE).trunc().max(1.0), 0.0, Duration::ZERO)
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
