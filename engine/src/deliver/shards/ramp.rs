//! How a flow begins: slowly, in shard-seconds.

use crate::deliver::bucket::Bucket;
use std::time::Duration;

/// A flow begins at this part of the shards' rate: others may begin with it.
const FIRST_SPEED: f64 = 0.25;

/// From this speed on only the shards' own buckets count.
const LAST_SPEED: f64 = 4.0;

/// The speed doubles no sooner than after so long.
const STEP: Duration = Duration::from_millis(100);

/// A beginning flow sends at most what so many seconds of its speed allow at once.
const RAMP_FULL: f64 = 0.1;

/// A flow begins slowly, then goes twice as fast with each [`STEP`] in which nothing is throttled.
#[derive(Debug)]
pub(super) struct Ramp {
    bucket: Bucket,
    shards: f64,
    speed: f64,
    grown: Duration,
}

impl Ramp {
    pub(super) fn new(shards: usize, now: Duration) -> Self {
        let shards = shards as f64;
        let rate = FIRST_SPEED * shards;
        let bucket = Bucket::new(rate, RAMP_FULL * rate, RAMP_FULL * rate, now);
        Self { bucket, shards, speed: FIRST_SPEED, grown: now }
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

    /// Nothing was throttled. Returns whether the flow has begun.
    pub(super) fn grow(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.grown) >= STEP {
            self.speed *= 2.0;
            self.grown = now;
            let rate = self.speed * self.shards;
            self.bucket.go_at(rate, RAMP_FULL * rate, now);
        }
        self.speed >= LAST_SPEED
    }
}
