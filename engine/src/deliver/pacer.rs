//! How fast a stream is sent to: as fast as answers come until it throttles, then about as fast as it accepted.
//!
//! Answers are judged by windows of a second or more. If more of one was throttled than slower sending cures, the rate is cut
//! to what was accepted; otherwise it grows, the faster the longer that goes well. What the window after a cut still
//! throttles has another cause than our rate (faults, a hot shard beside idle ones) and is tolerated: cutting for it
//! again and again would only end at a standstill.

use super::bucket::filled_at;
use std::time::Duration;

/// What one shard takes in a second: 1,000 records or 1 MiB
/// (<https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>). Cost is counted in shard-seconds,
/// so that it does not matter which of the two limits is met.
pub(super) fn cost(records: u64, bytes: u64) -> f64 {
    (records as f64 / SHARD_RECORDS).max(bytes as f64 / SHARD_BYTES)
}

/// Records that a shard takes in a second.
pub(super) const SHARD_RECORDS: f64 = 1000.0;

/// Bytes that a shard takes in a second.
pub(super) const SHARD_BYTES: f64 = 1024.0 * 1024.0;

/// The lowest first limit, in shards: a stream has at least one, and a throttle among the first answers says little.
const START: f64 = 1.0;

/// The same for a shard of its own: others may have most of it.
const SHARD_START: f64 = 0.1;

/// A shard that begins to throttle is left so much of what it took: others that share it find that out as well.
const SHARD_CUT: f64 = 0.5;

/// The lowest limit, in shards: other producers may take nearly all.
const FLOOR: f64 = 0.05;

/// Answers are judged together for so long at least.
const WINDOW: Duration = Duration::from_secs(1);

/// Answers with throttles among them are judged together for so long, unless there are [`ANSWERS`] of them before.
const LONG_WINDOW: Duration = Duration::from_secs(4);

/// So many answers say something.
const ANSWERS: u32 = 10;

/// Answers that come so soon after a cut are of requests sent before it.
const SETTLE: Duration = Duration::from_millis(500);

/// Throttles beyond what is tolerated that are taken for chance, as a share.
const MARGIN: f64 = 0.05;

/// Most throttles that are tolerated, as a share.
const MOST_TOLERATED: f64 = 0.35;

/// The rate grows by so much after the first good window; twice that after the next, up to [`MOST_GROWTH`].
const FIRST_GROWTH: f64 = 0.1;

/// Most growth after a window: the rate doubles.
const MOST_GROWTH: f64 = 1.0;

/// After so long without a throttle there is no limit any more.
const FORGET_AFTER: Duration = Duration::from_mins(1);

/// Adapts to throttling.
#[derive(Debug, Default)]
pub struct Pacer {
    off: bool,
    /// It is for one shard of several.
    shard: bool,
    limit: Option<Limit>,
    window: Window,
    /// Accepted in the last whole window, in shards.
    accepted: f64,
}

#[derive(Debug)]
struct Limit {
    /// Cost a second: shards.
    rate: f64,
    /// What may be sent now; below zero: a debt.
    tokens: f64,
    updated: Duration,
    throttled: Duration,
    /// After the next good window.
    growth: f64,
    /// The share of throttles that slower sending does not cure.
    tolerated: f64,
    /// The share of throttles for which the rate was cut, until the window after that is judged.
    cut_for: Option<f64>,
}

/// Answers of about a second, as cost.
#[derive(Debug, Default)]
struct Window {
    /// When it opens; earlier answers do not count.
    opens: Duration,
    /// Its first answer.
    first: Option<Duration>,
    answers: u32,
    accepted: f64,
    throttled: f64,
}

impl Pacer {
    /// Sends as fast as answers come if `off`.
    pub fn new(off: bool) -> Self {
        Self { off, ..Self::default() }
    }

    /// For one shard, of which others may have a part.
    pub fn of_shard() -> Self {
        Self { shard: true, ..Self::default() }
    }

    /// When the next request may go.
    pub fn ready_at(&self, now: Duration) -> Duration {
        self.spare_at(0.0, now)
    }

    /// When so many seconds' worth may go.
    pub fn spare_at(&self, seconds: f64, now: Duration) -> Duration {
        let Some(limit) = &self.limit else { return now };
        let lacking = seconds * limit.rate - self.tokens(now);
        filled_at(lacking, limit.rate, now)
    }

    /// What may go now, in shard-seconds; below zero: a debt.
    pub fn tokens(&self, now: Duration) -> f64 {
        self.limit.as_ref().map_or(f64::INFINITY, |limit| {
            let passed = now.saturating_sub(limit.updated).as_secs_f64();
            (limit.tokens + limit.rate * passed).min(limit.rate)
        })
    }

    /// Most records and bytes of a request: what a second takes, for more at once would be throttled in part.
    pub fn most(&self) -> (u64, u64) {
        self.limit.as_ref().map_or((u64::MAX, u64::MAX), |limit| {
            ((limit.rate * SHARD_RECORDS).ceil() as u64, (limit.rate * SHARD_BYTES) as u64)
        })
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
        self.answered(now);
        if now >= self.window.opens {
            self.window.accepted += cost(records, bytes);
        }
        if self.limit.as_ref().is_some_and(|limit| now.saturating_sub(limit.throttled) > FORGET_AFTER) {
            self.limit = None;
        }
    }

    /// Records were throttled.
    pub fn throttled(&mut self, records: u64, bytes: u64, now: Duration) {
        if self.off {
            return;
        }
        self.answered(now);
        if let Some(limit) = &mut self.limit {
            limit.throttled = now;
            if now >= self.window.opens {
                self.window.throttled += cost(records, bytes);
            }
        } else {
            // Less than a second's answers are no more than a second's: a stream takes the first of them as fast as
            // they come.
            let accepted = self.accepted.max(self.window.accepted);
            let rate = if self.shard { (SHARD_CUT * accepted).max(SHARD_START) } else { accepted.max(START) };
            self.limit = Some(Limit::new(rate, now));
            self.window = Window { opens: now + SETTLE, ..Window::default() };
        }
    }

    /// The rate in shards, if there is a limit.
    pub fn rate(&self) -> Option<f64> {
        self.limit.as_ref().map(|limit| limit.rate)
    }

    /// An answer came: it may be the first of the next window.
    fn answered(&mut self, now: Duration) {
        if now < self.window.opens {
            return;
        }
        let first = *self.window.first.get_or_insert(now);
        let passed = now.saturating_sub(first);
        let doubtful = self.window.throttled > 0.0 && self.window.answers < ANSWERS;
        let enough = if doubtful { LONG_WINDOW } else { WINDOW };
        if passed < enough {
            self.window.answers += 1;
            return;
        }
        let judged =
            std::mem::replace(&mut self.window, Window { first: Some(now), answers: 1, ..Window::default() });
        self.accepted = judged.accepted / passed.as_secs_f64();
        if let Some(limit) = &mut self.limit {
            limit.refill(now);
            if limit.judge(&judged, passed.as_secs_f64()) {
                self.window = Window { opens: now + SETTLE, ..Window::default() };
            }
        }
    }
}

impl Limit {
    fn new(rate: f64, now: Duration) -> Self {
        Self {
            rate,
            tokens: 0.0,
            updated: now,
            throttled: now,
            growth: FIRST_GROWTH,
            tolerated: 0.0,
            cut_for: Some(0.0),
        }
    }

    fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.updated).as_secs_f64();
        self.tokens = (self.tokens + self.rate * passed).min(self.rate);
        self.updated = now;
    }

    /// Returns whether the rate was cut.
    fn judge(&mut self, window: &Window, seconds: f64) -> bool {
        let answered = window.accepted + window.throttled;
        let share = window.throttled / answered.max(f64::MIN_POSITIVE);
        if let Some(before) = self.cut_for.take() {
            let cured = share <= before / 2.0;
            self.tolerated = if cured { 0.0 } else { f64::midpoint(share, before).min(MOST_TOLERATED) };
        }
        // By chance there may be more of what is tolerated, the more so the fewer requests there were.
        let chance = (self.tolerated * (1.0 - self.tolerated) / f64::from(window.answers.max(1))).sqrt();
        if share > self.tolerated + MARGIN.max(chance) {
            let used = self.rate.min(answered / seconds);
            let accepted = window.accepted / seconds;
            self.rate = accepted.max(used / 2.0).min(self.rate * 0.9).max(FLOOR);
            self.tokens = self.tokens.min(0.0);
            self.growth = FIRST_GROWTH;
            self.cut_for = Some(share);
            return true;
        }
        // A limit that is not made use of is not proven.
        if answered / seconds > self.rate / 2.0 {
            self.rate *= 1.0 + self.growth;
            self.growth = (2.0 * self.growth).min(MOST_GROWTH);
        }
        false
    }
}

#[cfg(test)]
mod tests;
