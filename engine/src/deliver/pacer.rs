//! How fast a stream is sent to: as fast as answers come until it throttles, then as fast as it accepted, and a
//! little faster each second.

use std::time::Duration;

/// What one shard takes in a second: 1,000 records or 1 MiB
/// (<https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>). Cost is counted in shard-seconds,
/// so that it does not matter which of the two limits is met.
fn cost(records: u64, bytes: u64) -> f64 {
    (records as f64 / 1000.0).max(bytes as f64 / (1024.0 * 1024.0))
}

/// A rate is cut at most once in this time: answers to requests that were out together tell the same story.
const CUT_EVERY: Duration = Duration::from_millis(500);

/// After so long without a throttle there is no limit any more.
const FORGET_AFTER: Duration = Duration::from_mins(1);

/// Growth of the rate a second.
const GROWTH: f64 = 0.1;

/// Adapts to throttling.
#[derive(Debug, Default)]
pub struct Pacer {
    off: bool,
    limit: Option<Limit>,
    accepted: Meter,
}

#[derive(Debug)]
struct Limit {
    /// Cost a second.
    rate: f64,
    /// What may be sent now; below zero: a debt.
    tokens: f64,
    updated: Duration,
    cut: Duration,
}

/// Cost accepted in the running and in the last second.
#[derive(Debug, Default)]
struct Meter {
    since: Duration,
    running: f64,
    last: f64,
}

impl Pacer {
    /// Sends as fast as answers come if `off`.
    pub fn new(off: bool) -> Self {
        Self { off, ..Self::default() }
    }

    /// When the next request may go.
    pub fn ready_at(&self, now: Duration) -> Duration {
        match &self.limit {
            Some(limit) => {
                let tokens = limit.tokens + limit.rate * now.saturating_sub(limit.updated).as_secs_f64();
                if tokens >= 0.0 {
                    now
                } else {
                    now + Duration::from_secs_f64((-tokens / limit.rate).min(60.0))
                }
            }
            None => now,
        }
    }

    /// A request goes out.
    pub fn sent(&mut self, records: u64, bytes: u64, now: Duration) {
        if let Some(limit) = &mut self.limit {
            limit.refill(now);
            limit.tokens -= cost(records, bytes);
        }
    }

    /// Records were accepted.
    pub fn accepted(&mut self, records: u64, bytes: u64, now: Duration) {
        self.accepted.add(cost(records, bytes), now);
        if let Some(limit) = &mut self.limit {
            limit.refill(now);
            if now.saturating_sub(limit.cut) > FORGET_AFTER {
                self.limit = None;
            }
        }
    }

    /// Records were throttled.
    pub fn throttled(&mut self, now: Duration) {
        if self.off {
            return;
        }
        let measured = self.accepted.rate(now).max(0.01);
        match &mut self.limit {
            None => self.limit = Some(Limit { rate: measured, tokens: 0.0, updated: now, cut: now }),
            Some(limit) if now.saturating_sub(limit.cut) >= CUT_EVERY => {
                limit.refill(now);
                limit.rate = (limit.rate * 0.8).max(measured).min(limit.rate);
                limit.tokens = limit.tokens.min(0.0);
                limit.cut = now;
            }
            Some(_) => {}
        }
    }

    /// The rate in shards, if there is a limit.
    pub fn rate(&self) -> Option<f64> {
        self.limit.as_ref().map(|limit| limit.rate)
    }
}

impl Limit {
    fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.updated).as_secs_f64();
        self.tokens = (self.tokens + self.rate * passed).min(self.rate);
        self.rate *= 1.0 + GROWTH * passed.min(1.0);
        self.updated = now;
    }
}

impl Meter {
    fn add(&mut self, cost: f64, now: Duration) {
        self.turn(now);
        self.running += cost;
    }

    fn rate(&mut self, now: Duration) -> f64 {
        self.turn(now);
        self.last.max(self.running)
    }

    fn turn(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.since);
        if passed >= Duration::from_secs(1) {
            self.last = if passed < Duration::from_secs(2) { self.running } else { 0.0 };
            self.running = 0.0;
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends single records for ten seconds to a service that takes `capacity` a second; accepted and throttled.
    fn run(capacity: f64) -> (u32, u32) {
        let mut pacer = Pacer::new(false);
        let (mut bucket, mut accepted, mut throttled) = (capacity, 0, 0);
        for tick in 0..100_000u64 {
            let now = Duration::from_micros(tick * 100);
            bucket = (bucket + capacity / 10_000.0).min(capacity);
            if pacer.ready_at(now) > now {
                continue;
            }
            pacer.sent(1, 100, now);
            if bucket >= 1.0 {
                bucket -= 1.0;
                accepted += 1;
                pacer.accepted(1, 100, now);
            } else {
                throttled += 1;
                pacer.throttled(now);
            }
        }
        (accepted, throttled)
    }

    #[test]
    fn a_throttling_stream_is_used_well_and_rarely_asked_too_much() {
        let (accepted, throttled) = run(1000.0);
        assert!(accepted > 9_000, "{accepted} of about 11,000");
        assert!(throttled < 2_000, "{throttled} throttled");
    }

    #[test]
    fn without_throttles_there_is_no_limit() {
        let mut pacer = Pacer::new(false);
        pacer.sent(500, 1 << 20, Duration::ZERO);
        assert_eq!(pacer.ready_at(Duration::ZERO), Duration::ZERO);
        pacer.throttled(Duration::ZERO);
        assert!(pacer.rate().is_some());
        pacer.accepted(1, 1, Duration::from_secs(61));
        assert_eq!(pacer.rate(), None);
    }
}
