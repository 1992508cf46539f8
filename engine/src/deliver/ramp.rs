//! How a flow begins: slowly, in shard-seconds.

use super::bucket::Bucket;
use std::time::Duration;

/// The speed grows no sooner than after so long, ...
const STEP: Duration = Duration::from_millis(100);

/// ... to so much of what it was.
const GROWTH: f64 = 1.6;

/// A beginning flow sends at most what so many seconds of its speed allow at once.
const RAMP_FULL: f64 = 0.05;

/// A flow begins slowly, then goes faster with each [`STEP`] in which nothing is throttled.
#[derive(Debug)]
pub(super) struct Ramp {
    bucket: Bucket,
    /// What shards take.
    speed: f64,
    /// From this speed on it has begun.
    last: f64,
    grown: Duration,
}

impl Ramp {
    /// Begins at the first speed, in shards.
    pub(super) fn new(first: f64, last: f64, now: Duration) -> Self {
        let bucket = Bucket::new(first, RAMP_FULL * first, RAMP_FULL * first, now);
        Self { bucket, speed: first, last, grown: now }
    }

    pub(super) fn tokens(&self, now: Duration) -> f64 {
        self.bucket.tokens(now)
    }

    pub(super) fn take(&mut self, tokens: f64, now: Duration) {
        self.bucket.take(tokens, now);
    }

    pub(super) fn ready_at(&self, now: Duration) -> Duration {
        self.bucket.ready_at(RAMP_FULL / 2.0, now)
    }

    /// Something was throttled: others begin as well, or have begun.
    pub(super) fn slow_down(&mut self, now: Duration) {
        if now.saturating_sub(self.grown) >= STEP {
            self.go_at(self.speed / 2.0, now);
        }
    }

    fn go_at(&mut self, speed: f64, now: Duration) {
        self.speed = speed;
        self.grown = now;
        self.bucket.go_at(speed, RAMP_FULL * speed, now);
    }

    /// Nothing was throttled. Returns whether the flow has begun.
    pub(super) fn grow(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.grown) >= STEP {
            self.go_at(self.speed * GROWTH, now);
        }
        self.speed >= self.last
    }
}
