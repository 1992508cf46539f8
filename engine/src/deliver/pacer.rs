//! How fast a stream, or a shard of it, is sent to: as fast as answers come until it throttles, then about as fast as it
//! accepted.
//!
//! Answers are judged by windows of a second or more. If more of one was throttled than slower sending cures, the rate is cut
//! to what was accepted; otherwise it grows: up to what was accepted then quickly, beyond it slowly at first, the faster
//! the longer that goes well. What two cuts do not cure has another cause than our rate (faults, a hot shard beside idle
//! ones) and is tolerated, at the rate of before: cutting for it again and again would only end at a standstill.

use super::bucket::filled_at;
use super::ramp::Ramp;
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

/// A shard takes so many seconds' worth at once before it throttles: what was accepted until then is more than it takes.
const BURST: f64 = 1.0;

/// A stream whose shards are not known is begun at the rate of one, ...
const FIRST_SPEED: f64 = 1.0;

/// ... and has begun at the rate of so many.
const LAST_SPEED: f64 = 64.0;

/// A request of a stream that throttles has at most what so many seconds take.
const PORTION: f64 = 0.1;

/// Throttles before so many seconds of a shard's rate were sent are not for our rate.
const EARLY: f64 = 0.5;

/// The lowest limit, in shards: other producers may take nearly all.
const FLOOR: f64 = 0.05;

/// Answers are judged together for so long at least.
const WINDOW: Duration = Duration::from_secs(1);

/// Answers with throttles among them, or after a cut, are judged together for so long, unless there are [`ANSWERS`] of
/// them before.
const LONG_WINDOW: Duration = Duration::from_secs(4);

/// So many answers say something.
const ANSWERS: u32 = 20;

/// Fewer answers do not tell more throttles than are tolerated from a few by chance.
const FEW_ANSWERS: u32 = 8;

/// Answers that come so soon after a cut are of requests sent before it.
const SETTLE: Duration = Duration::from_millis(500);

/// Throttles beyond what is tolerated that are taken for chance, as a share.
const MARGIN: f64 = 0.05;

/// Most throttles that are tolerated, as a share.
const MOST_TOLERATED: f64 = 0.35;

/// A cut has cured throttling of which at most this part is left.
const CURED: f64 = 0.25;

/// So many cuts that cure nothing say that our rate is not the cause.
const CUTS: u32 = 2;

/// The rate grows by so much after the first good window; twice that after the next, up to [`MOST_GROWTH`].
const FIRST_GROWTH: f64 = 0.1;

/// The same once it is what is known to be accepted, ...
const NEAR_GROWTH: f64 = 0.03;

/// ... which it is up to so much more.
const NEAR: f64 = 1.2;

/// Most growth after a window: a shard takes a second's worth before it shows that it was too much.
const MOST_GROWTH: f64 = 0.25;

/// After so long without a throttle there is no limit any more.
const FORGET_AFTER: Duration = Duration::from_mins(1);

/// Adapts to throttling.
#[derive(Debug, Default)]
pub struct Pacer {
    off: bool,
    /// It is for one shard of several.
    shard: bool,
    ramp: Option<Ramp>,
    limit: Option<Limit>,
    window: Window,
    /// Accepted in the last whole window, in shards.
    accepted: f64,
    /// Answered so far, in shard-seconds.
    begun: f64,
    /// The share of throttles among the early answers.
    tolerated: f64,
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
    /// What is known to be accepted: up to it growth is safe. Infinite if nothing is known.
    proven: f64,
    /// The share of throttles that slower sending does not cure.
    tolerated: f64,
    /// Until it shows what the last cut cured.
    cut: Option<Cut>,
}

/// The rate was cut, perhaps several times.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// The share of throttles it was cut for.
    share: f64,
    /// The rate before.
    rate: f64,
    times: u32,
}

/// What a window's answers say of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judgement {
    /// As it should be.
    Well,
    /// The rate was cut.
    Cut,
    /// The throttles are not for our rate, which is what it was before.
    NotForUs,
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
    /// Never slows down.
    pub fn off() -> Self {
        Self { off: true, ..Self::default() }
    }

    /// For a stream whose shards are not known, which is begun slowly.
    pub fn of_stream() -> Self {
        let ramp = Ramp::new(FIRST_SPEED, LAST_SPEED, Duration::ZERO);
        Self { ramp: Some(ramp), ..Self::default() }
    }

    /// For one shard, of which others may have a part.
    pub fn of_shard() -> Self {
        Self { shard: true, ..Self::default() }
    }

    /// When the next request may go.
    pub fn ready_at(&self, now: Duration) -> Duration {
        let begun = self.ramp.as_ref().map_or(now, |ramp| ramp.ready_at(now));
        self.spare_at(0.0, now).max(begun)
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

    /// Most records and bytes of a request: several a second, so that their answers say something.
    pub fn most(&self, now: Duration) -> (u64, u64) {
        let begun = self.ramp.as_ref().map(|ramp| ramp.tokens(now));
        let limit = self.limit.as_ref().map(|limit| PORTION * limit.rate);
        let Some(most) = begun.into_iter().chain(limit).reduce(f64::min) else { return (u64::MAX, u64::MAX) };
        ((most * SHARD_RECORDS).ceil() as u64, (most * SHARD_BYTES) as u64)
    }

    /// A request goes out.
    pub fn sent(&mut self, records: u64, bytes: u64, now: Duration) {
        let cost = cost(records, bytes);
        if let Some(ramp) = &mut self.ramp {
            ramp.take(cost, now);
        }
        if let Some(limit) = &mut self.limit {
            limit.refill(now);
            limit.tokens -= cost;
        }
    }

    /// Records were accepted.
    pub fn accepted(&mut self, records: u64, bytes: u64, now: Duration) {
        self.answered(now);
        let cost = cost(records, bytes);
        self.begun += cost;
        if now >= self.window.opens {
            self.window.accepted += cost;
        }
        if self.limit.as_ref().is_some_and(|limit| now.saturating_sub(limit.throttled) > FORGET_AFTER) {
            self.limit = None;
            self.tolerated = 0.0;
        }
        if self.ramp.as_mut().is_some_and(|ramp| ramp.grow(now)) {
            self.ramp = None;
        }
    }

    /// Records were throttled. Returns whether that may be for our rate.
    pub fn throttled(&mut self, records: u64, bytes: u64, now: Duration) -> bool {
        if self.off {
            return false;
        }
        self.answered(now);
        let cost = cost(records, bytes);
        self.begun += cost;
        if now >= self.window.opens {
            self.window.throttled += cost;
        }
        if let Some(limit) = &mut self.limit {
            limit.throttled = now;
            return limit.tolerated == 0.0;
        }
        if !self.shard && self.begun < EARLY {
            self.tolerated = self.window.share().min(MOST_TOLERATED);
            return false;
        }
        // A few answers say little of what is more than the usual.
        let early = self.tolerated > 0.0 && self.window.answers < FEW_ANSWERS;
        if early || !self.window.is_beyond(self.tolerated) {
            return self.tolerated == 0.0;
        }
        self.slow_down(now);
        true
    }

    /// There is a limit from now on.
    fn slow_down(&mut self, now: Duration) {
        let Window { accepted, throttled, .. } = self.window;
        let passed = self.window.first.map_or(0.0, |first| now.saturating_sub(first).as_secs_f64());
        let took = self.accepted.max(accepted / (passed + BURST));
        let rate = if self.shard { (SHARD_CUT * took).max(SHARD_START) } else { took.max(START) };
        // From a few answers it cannot be told how much is too much.
        let proven = if took >= rate { took } else { f64::INFINITY };
        // A shard goes at its own rate if this turns out to be for nothing.
        let before = if self.shard { 1.0 } else { (accepted + throttled) / passed.max(BURST) };
        let cut = Cut { share: self.window.share(), rate: before.max(rate), times: 1 };
        self.limit = Some(Limit::new(rate, proven, cut, now));
        self.window = Window { opens: now + SETTLE, ..Window::default() };
        self.ramp = None;
    }

    /// Whether the stream is still being begun.
    pub fn begins(&self) -> bool {
        self.ramp.is_some()
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
        let tried = self.limit.as_ref().is_some_and(|limit| limit.cut.is_some());
        let doubtful = (tried || self.window.throttled > 0.0) && self.window.answers < ANSWERS;
        let enough = if doubtful { LONG_WINDOW } else { WINDOW };
        // What a stream takes at once when it is begun says nothing of its rate.
        if passed < enough || self.ramp.is_some() {
            self.window.answers += 1;
            return;
        }
        let judged =
            std::mem::replace(&mut self.window, Window { first: Some(now), answers: 1, ..Window::default() });
        self.accepted = judged.accepted / passed.as_secs_f64();
        if let Some(limit) = &mut self.limit {
            limit.refill(now);
            match limit.judge(&judged, passed.as_secs_f64()) {
                Judgement::Cut => self.window = Window { opens: now + SETTLE, ..Window::default() },
                Judgement::NotForUs if !self.shard => {
                    self.tolerated = limit.tolerated;
                    self.ramp = Some(Ramp::new(limit.rate, LAST_SPEED.max(2.0 * limit.rate), now));
                    self.limit = None;
                }
                Judgement::Well | Judgement::NotForUs => {}
            }
        } else if judged.share() < self.tolerated {
            // What ails others may have an end.
            self.tolerated += (judged.share() - self.tolerated) / 4.0;
        }
    }
}

impl Window {
    fn answered(&self) -> f64 {
        self.accepted + self.throttled
    }

    /// Of throttles.
    fn share(&self) -> f64 {
        self.throttled / self.answered().max(f64::MIN_POSITIVE)
    }

    /// Whether more was throttled than is tolerated. By chance there may be more, the more so the fewer requests
    /// there were.
    fn is_beyond(&self, tolerated: f64) -> bool {
        let chance = (tolerated * (1.0 - tolerated) / f64::from(self.answers.max(1))).sqrt();
        self.share() > tolerated + MARGIN.max(2.0 * chance)
    }
}

impl Limit {
    fn new(rate: f64, proven: f64, cut: Cut, now: Duration) -> Self {
        Self {
            rate,
            tokens: 0.0,
            updated: now,
            throttled: now,
            growth: if rate < proven { FIRST_GROWTH } else { NEAR_GROWTH },
            proven,
            tolerated: 0.0,
            cut: Some(cut),
        }
    }

    fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.updated).as_secs_f64();
        self.tokens = (self.tokens + self.rate * passed).min(self.rate);
        self.updated = now;
    }

    fn judge(&mut self, window: &Window, seconds: f64) -> Judgement {
        let share = window.share();
        let cut = self.cut.take();
        let in_vain = cut.filter(|cut| share > cut.share * CURED);
        match in_vain {
            Some(cut) if cut.times >= CUTS && !window.is_beyond(MOST_TOLERATED) => {
                self.tolerated = share.min(MOST_TOLERATED);
                self.rate = cut.rate;
                self.proven = f64::INFINITY;
                self.growth = FIRST_GROWTH;
                return Judgement::NotForUs;
            }
            None if cut.is_some() => self.tolerated = 0.0,
            _ => {}
        }
        let used = window.answered() / seconds;
        if window.is_beyond(self.tolerated) {
            let accepted = window.accepted / seconds;
            self.cut = Some(match in_vain {
                Some(cut) => Cut { times: cut.times + 1, ..cut },
                None => Cut { share, rate: self.rate, times: 1 },
            });
            self.rate = accepted.max(used.min(self.rate) / 2.0).min(self.rate * 0.9).max(FLOOR);
            self.proven = self.rate;
            self.tokens = self.tokens.min(0.0);
            self.growth = NEAR_GROWTH;
            return Judgement::Cut;
        }
        // A limit that is not made use of is not proven.
        if used > self.rate / 2.0 {
            self.grow();
        }
        Judgement::Well
    }

    /// A window went well.
    fn grow(&mut self) {
        let more = self.rate * (1.0 + self.growth);
        if self.rate < self.proven && more >= self.proven {
            self.rate = self.proven;
            self.growth = NEAR_GROWTH;
            return;
        }
        self.rate = more;
        if !(self.proven..NEAR * self.proven).contains(&self.rate) {
            self.growth = (2.0 * self.growth).min(MOST_GROWTH);
        }
    }
}

#[cfg(test)]
mod tests;
