//! Token buckets, in shard-seconds: what a shard takes, and how fast a flow begins.

use crate::deliver::pacer::filled_at;
use std::time::Duration;

/// A shard's bucket holds what it takes in a second. A part is left to what arrives bunched.
const FULL: f64 = 0.9;

/// A shard's rate, less what makes up for clocks that do not run alike.
const RATE: f64 = 0.99;

/// A flow begins at this part of the shards' rate: others may begin with it.
const FIRST_SPEED: f64 = 0.25;

/// From this speed on only the shards' own buckets count.
const LAST_SPEED: f64 = 4.0;

/// The speed doubles no sooner than after so long.
const STEP: Duration = Duration::from_millis(100);

/// A beginning flow sends at most what so many seconds of its speed allow at once.
const RAMP_FULL: f64 = 0.1;

/// Tokens that come at a rate, up to a most. Below zero they are a debt.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: f64,
    full: f64,
    tokens: f64,
    updated: Duration,
}

impl Bucket {
    /// What a shard takes; one that was there before us is full.
    pub(super) fn of_shard(is_full: bool, now: Duration) -> Self {
        Self { rate: RATE, full: FULL, tokens: if is_full { FULL } else { 0.0 }, updated: now }
    }

    pub(super) fn tokens(&self, now: Duration) -> f64 {
        let passed = now.saturating_sub(self.updated).as_secs_f64();
        (self.tokens + self.rate * passed).min(self.full)
    }

    pub(super) fn take(&mut self, tokens: f64, now: Duration) {
        self.tokens = self.tokens(now) - tokens;
        self.updated = now;
    }

    /// There was less in it than we thought.
    pub(super) fn empty(&mut self, now: Duration) {
        self.tokens = self.tokens(now).min(0.0);
        self.updated = now;
    }

    /// When so many seconds' worth are in it.
    pub(super) fn ready_at(&self, seconds: f64, now: Duration) -> Duration {
        let lacking = seconds * self.rate - self.tokens(now);
        filled_at(lacking, self.rate, now)
    }
}

/// How a flow begins: slowly, then twice as fast with each [`STEP`] in which nothing is throttled.
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
        let bucket = Bucket { rate, full: RAMP_FULL * rate, tokens: RAMP_FULL * rate, updated: now };
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
            self.bucket.take(0.0, now);
            self.speed *= 2.0;
            self.grown = now;
            self.bucket.rate = self.speed * self.shards;
            self.bucket.full = RAMP_FULL * self.bucket.rate;
        }
        self.speed >= LAST_SPEED
    }
}
