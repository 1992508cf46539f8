//! A token bucket.

use std::time::Duration;

/// Tokens that come at a rate, up to a most. Below zero they are a debt.
#[derive(Debug)]
pub(super) struct Bucket {
    /// A second.
    rate: f64,
    full: f64,
    tokens: f64,
    updated: Duration,
}

impl Bucket {
    /// One with so many tokens in it.
    pub(super) fn new(rate: f64, full: f64, tokens: f64, now: Duration) -> Self {
        Self { rate, full, tokens, updated: now }
    }

    /// The most that it holds.
    pub(super) fn full(&self) -> f64 {
        self.full
    }

    pub(super) fn tokens(&self, now: Duration) -> f64 {
        let passed = now.saturating_sub(self.updated).as_secs_f64();
        (self.tokens + self.rate * passed).min(self.full)
    }

    pub(super) fn take(&mut self, tokens: f64, now: Duration) {
        self.tokens = self.tokens(now) - tokens;
        self.updated = now;
    }

    /// Some were taken for nothing.
    pub(super) fn give(&mut self, tokens: f64, now: Duration) {
        self.tokens = (self.tokens(now) + tokens).min(self.full);
        self.updated = now;
    }

    /// There was less in it than we thought.
    pub(super) fn empty(&mut self, now: Duration) {
        self.tokens = self.tokens(now).min(0.0);
        self.updated = now;
    }

    /// From now on tokens come at another rate, up to another most.
    pub(super) fn go_at(&mut self, rate: f64, full: f64, now: Duration) {
        self.take(0.0, now);
        self.rate = rate;
        self.full = full;
    }

    /// When so many seconds' worth are in it.
    pub(super) fn ready_at(&self, seconds: f64, now: Duration) -> Duration {
        filled_at(seconds * self.rate - self.tokens(now), self.rate, now)
    }

    /// When it is full.
    pub(super) fn full_at(&self, now: Duration) -> Duration {
        filled_at(self.full - self.tokens(now), self.rate, now)
    }
}

/// When what is lacking has come at a rate; in a minute at the latest.
pub(super) fn filled_at(lacking: f64, rate: f64, now: Duration) -> Duration {
    if lacking <= 0.0 { now } else { now + Duration::from_secs_f64((lacking / rate).min(60.0)) }
}
