//! Pacing by shard: records with random keys are spread over the open shards, each as fast as that shard takes them.
//!
//! Which shards are open `ListShards` tells. Each has a bucket that mirrors the service's own, and a [`Pacer`] of its own
//! for what other producers take. A record is meant for the shard that has the most room; its key is drawn until its
//! hash lies there. Without a map, or with too large a one, nothing here has a say.

pub mod map;

use super::bucket::Bucket;
use super::pacer::{Pacer, SHARD_BYTES, SHARD_RECORDS, cost};
use super::ramp::Ramp;
use crate::destination::{Answer, Failure, FailureKind, aws};
use map::{Open, Unusable};
use std::ops::RangeInclusive;
use std::time::Duration;

/// The map is asked for again after so long, and up to as much more, so that many agents do not ask at once.
const EACH: Duration = Duration::from_mins(10);

/// ... after a failure that may pass.
const AGAIN: Duration = Duration::from_secs(10);

/// ... after a sign that the shards are others, and up to as much more.
const SOON: Duration = Duration::from_secs(1);

/// Signs do not count so soon after an answer.
const SETTLED: Duration = Duration::from_secs(10);

/// A key is drawn about so often as there are shards, each time for an MD5 of some 150 ns. With more shards than this that
/// is too dear for a record of a lone line, and one agent hardly fills a shard.
const MOST: usize = 16;

/// A shard of which more than this share is throttled is shared with others: a flow that begins goes slower. Less is
/// a matter of when requests happen to arrive.
const SHARED: f64 = 0.1;

/// Tokens of a shard that throttles and was not made use of: the map may be wrong.
const IDLE: f64 = 0.5;

/// A shard's bucket holds what it takes in a second. A part is left to what arrives bunched.
const FULL: f64 = 0.9;

/// A shard's rate, less what makes up for clocks that do not run alike.
const RATE: f64 = 0.99;

/// A request waits until a shard takes so much, in seconds of its rate.
const LEAST: f64 = 0.05;

/// A flow begins at this part of the shards' rate: others may begin with it.
const FIRST_SPEED: f64 = 0.25;

/// From this part on only the shards' own buckets count.
const LAST_SPEED: f64 = 4.0;

/// After so long it has begun.
const BEGINNING: Duration = Duration::from_secs(2);

/// The target of a record whose shard is not known.
const NOWHERE: u16 = u16::MAX;

/// The shards that the records of a batch are meant for.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Of which map.
    map: u32,
    /// Record by record.
    shards: Vec<u16>,
}

impl Targets {
    fn push(&mut self, shard: Option<usize>) {
        self.shards.push(shard.map_or(NOWHERE, |shard| shard as u16));
    }
}

/// The open shards of a flow's stream, as far as they are known.
#[derive(Debug)]
pub struct Shards {
    open: Vec<Shard>,
    map: u32,
    ramp: Option<Ramp>,
    listing: Listing,
    /// When the last listing came.
    listed: Option<Duration>,
}

/// How far the next listing is.
#[derive(Debug)]
enum Listing {
    /// Never asked for.
    Off,
    Due(Duration),
    /// The next page is to be asked for.
    Next(String, Vec<Open>),
    Asked(Vec<Open>),
}

#[derive(Debug)]
struct Shard {
    is: Open,
    bucket: Bucket,
    pacer: Pacer,
}

impl Shards {
    /// Asks for a map if `on`.
    pub fn new(on: bool) -> Self {
        let listing = if on { Listing::Due(Duration::ZERO) } else { Listing::Off };
        Self { open: Vec::new(), map: 0, ramp: None, listing, listed: None }
    }

    /// Whether there is a map.
    pub fn are_known(&self) -> bool {
        !self.open.is_empty()
    }

    /// When the map, or its next page, is to be asked for.
    pub fn listing_due(&self) -> Option<Duration> {
        match &self.listing {
            Listing::Due(at) => Some(*at),
            Listing::Next(..) => Some(Duration::ZERO),
            Listing::Off | Listing::Asked(_) => None,
        }
    }

    /// The map is asked for: `Some` with the token of the page, or none for the first.
    pub fn ask(&mut self, now: Duration) -> Option<Option<String>> {
        self.listing_due().filter(|due| *due <= now)?;
        let (token, found) = match std::mem::replace(&mut self.listing, Listing::Off) {
            Listing::Next(token, found) => (Some(token), found),
            _ => (None, Vec::new()),
        };
        self.listing = Listing::Asked(found);
        Some(token)
    }

    /// A page came, or did not. An error is for the log; the map that is known stays.
    pub fn listed(
        &mut self,
        answer: Option<&Answer>,
        now: Duration,
        rng: &mut fastrand::Rng,
    ) -> Result<(), String> {
        let Listing::Asked(mut found) = std::mem::replace(&mut self.listing, Listing::Off) else {
            return Ok(());
        };
        let failure = answer.and_then(aws::failure_of);
        let lasts = failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Denied);
        let pause = if lasts { EACH } else { AGAIN };
        let page = match (answer, failure) {
            (Some(Answer::Http { body, .. }), None) => {
                map::add_page(&mut found, body).map_err(|error| error.to_string())
            }
            (_, Some(failure)) => Err(format!("ListShards: {}: {}", failure.code, failure.message)),
            _ => Err(Unusable::Unreadable.to_string()),
        };
        let open = match page {
            Ok(Some(token)) => {
                self.listing = Listing::Next(token, found);
                return Ok(());
            }
            Ok(None) => map::whole(found).map_err(|error| error.to_string()),
            Err(why) => Err(why),
        };
        let wait = if open.is_ok() { EACH } else { pause };
        self.listing = Listing::Due(now + wait + wait.mul_f64(rng.f64()));
        self.install(open?, now);
        Ok(())
    }

    /// An answer names a shard: one that is not on the map says that it is old.
    pub fn named(&mut self, id: &str, now: Duration, rng: &mut fastrand::Rng) {
        if self.are_known() && !self.open.iter().any(|shard| shard.is.id == id) {
            self.doubt(now, rng);
        }
    }

    fn doubt(&mut self, now: Duration, rng: &mut fastrand::Rng) {
        let settled = self.listed.is_none_or(|at| now.saturating_sub(at) >= SETTLED);
        if settled && let Listing::Due(due) = &mut self.listing {
            *due = (*due).min(now + SOON.mul_f64(rng.f64()));
        }
    }

    /// A shard that is as it was goes on as it did.
    fn install(&mut self, open: Vec<Open>, now: Duration) {
        let first = self.listed.is_none();
        self.listed = Some(now);
        let open = if open.len() > MOST { Vec::new() } else { open };
        if self.open.iter().map(|shard| &shard.is).eq(&open) {
            return;
        }
        self.map += 1;
        if first {
            let shards = open.len() as f64;
            self.ramp = Some(Ramp::new(FIRST_SPEED * shards, LAST_SPEED * shards, now));
        }
        let mut before = std::mem::take(&mut self.open);
        self.open = open
            .into_iter()
            .map(|is| match before.iter().position(|shard| shard.is == is) {
                Some(at) => before.swap_remove(at),
                None => Shard::new(is, first, now),
            })
            .collect();
    }

    /// When the next request may go, if there is a map.
    pub fn ready_at(&self, now: Duration) -> Option<Duration> {
        let ready = self.any_ready_at(now)?;
        Some(ready.max(self.ramp.as_ref().map_or(now, |ramp| ramp.ready_at(now))))
    }

    /// When a record may go again whose key has this hash.
    pub fn ready_for(&self, hash: Option<u128>, now: Duration) -> Duration {
        self.shard_of(hash).map_or(now, |at| self.open[at].ready_at(now))
    }

    /// When the first of the shards takes a record, if there is a map.
    pub fn any_ready_at(&self, now: Duration) -> Option<Duration> {
        self.open.iter().map(|shard| shard.ready_at(now)).min()
    }

    /// A record can have another key, and the shard of its own throttles: the hash keys of another that has most room.
    pub fn aim(&self, hash: Option<u128>, now: Duration) -> Option<RangeInclusive<u128>> {
        let own = self.shard_of(hash)?;
        self.open[own].pacer.rate()?;
        let others = self.open.iter().enumerate().filter(|(at, _)| *at != own).map(|(_, shard)| shard);
        let best = others.max_by(|one, two| one.tokens(now).total_cmp(&two.tokens(now)))?;
        (best.ready_at(now) <= now).then(|| best.is.range.clone())
    }

    /// Most records and bytes of a request.
    pub fn most(&self, now: Duration) -> (u64, u64) {
        if !self.are_known() {
            return (u64::MAX, u64::MAX);
        }
        let spare: f64 = self.open.iter().map(|shard| shard.tokens(now).max(0.0)).sum();
        let spare = self.ramp.as_ref().map_or(spare, |ramp| spare.min(ramp.tokens(now)));
        (((spare * SHARD_RECORDS) as u64).max(1), ((spare * SHARD_BYTES) as u64).max(1))
    }

    /// The rate in shards, if any is shared.
    pub fn rate(&self) -> Option<f64> {
        let shared = self.open.iter().any(|shard| shard.pacer.rate().is_some());
        shared.then(|| self.open.iter().map(|shard| shard.pacer.rate().unwrap_or(1.0).min(1.0)).sum())
    }

    /// No targets yet.
    pub fn targets(&self) -> Targets {
        Targets { map: self.map, shards: Vec::new() }
    }

    /// A record goes again where its key leads.
    pub fn again(&mut self, targets: &mut Targets, hash: Option<u128>, bytes: u64, now: Duration) {
        if !self.are_known() {
            return;
        }
        let shard = self.shard_of(hash);
        targets.push(shard);
        if let Some(at) = shard {
            self.open[at].sent(1, bytes, now);
        }
    }

    /// New records, each of about so many bytes, go where there is room: the hash keys that each one's key may have.
    pub fn spread(
        &mut self,
        targets: &mut Targets,
        records: usize,
        bytes: u64,
        now: Duration,
    ) -> Vec<RangeInclusive<u128>> {
        if !self.are_known() {
            return Vec::new();
        }
        let each = cost(1, bytes);
        let mut room: Vec<f64> = self.open.iter().map(|shard| shard.tokens(now)).collect();
        let mut counts = vec![0; room.len()];
        let mut ranges = Vec::with_capacity(records);
        for _ in 0..records {
            let best = (0..room.len()).max_by(|one, two| room[*one].total_cmp(&room[*two])).unwrap_or(0);
            room[best] -= each;
            counts[best] += 1;
            targets.push(Some(best));
            ranges.push(self.open[best].is.range.clone());
        }
        for (shard, count) in self.open.iter_mut().zip(counts) {
            if count > 0 {
                shard.sent(count, count * bytes, now);
            }
        }
        if let Some(ramp) = &mut self.ramp {
            ramp.take(each * records as f64, now);
        }
        ranges
    }

    /// The same records go once more.
    pub fn resent(&mut self, targets: &Targets, bytes: u64, now: Duration) {
        for (at, count) in self.counts(targets, |_| true) {
            self.open[at].sent(count, count * bytes, now);
        }
    }

    /// An answer came: all are accepted but those that failed. A record is of about so many bytes.
    pub fn answered(
        &mut self,
        targets: &Targets,
        failures: &[(u32, Failure)],
        bytes: u64,
        now: Duration,
        rng: &mut fastrand::Rng,
    ) {
        let kind = |index: usize| {
            let found = failures.binary_search_by_key(&(index as u32), |(at, _)| *at);
            found.ok().map(|at| failures[at].1.kind)
        };
        for (at, count) in self.counts(targets, |index| kind(index).is_none()) {
            self.open[at].pacer.accepted(count, count * bytes, now);
        }
        let throttled = self.counts(targets, |index| kind(index) == Some(FailureKind::Throttled));
        self.throttled(targets, throttled, bytes, now, rng);
    }

    /// All of them were throttled.
    pub fn refused(&mut self, targets: &Targets, bytes: u64, now: Duration, rng: &mut fastrand::Rng) {
        let all = self.counts(targets, |_| true);
        self.throttled(targets, all, bytes, now, rng);
    }

    fn throttled(
        &mut self,
        targets: &Targets,
        throttled: Vec<(usize, u64)>,
        bytes: u64,
        now: Duration,
        rng: &mut fastrand::Rng,
    ) {
        let sent = self.counts(targets, |_| true);
        let mut by_others = false;
        for (at, count) in throttled {
            let all = sent.iter().find(|(other, _)| *other == at).map_or(count, |(_, all)| *all);
            let shard = &mut self.open[at];
            let idle = shard.bucket.tokens(now) > IDLE;
            let heeded = shard.pacer.throttled(count, count * bytes, now);
            if heeded {
                shard.bucket.empty(now);
            } else {
                // The service did not count them either.
                shard.bucket.give(cost(count, count * bytes), now);
            }
            by_others |= heeded && count as f64 > SHARED * all as f64;
            if idle {
                self.doubt(now, rng);
            }
        }
        let Some(ramp) = &mut self.ramp else { return };
        if by_others {
            // The other shards are as full, perhaps.
            ramp.slow_down(now);
        }
        let begun = self.listed.is_some_and(|at| now.saturating_sub(at) >= BEGINNING);
        if begun || !by_others && ramp.grow(now) {
            self.ramp = None;
        }
    }

    /// Records for each shard of those that are wanted, if they are of this map.
    fn counts(&self, targets: &Targets, wanted: impl Fn(usize) -> bool) -> Vec<(usize, u64)> {
        let mut counts = vec![0; self.open.len()];
        if targets.map == self.map {
            for (index, shard) in targets.shards.iter().enumerate() {
                if let Some(count) = counts.get_mut(*shard as usize).filter(|_| wanted(index)) {
                    *count += 1;
                }
            }
        }
        counts.into_iter().enumerate().filter(|(_, count)| *count > 0).collect()
    }

    fn shard_of(&self, hash: Option<u128>) -> Option<usize> {
        let hash = hash?;
        let at = self.open.partition_point(|shard| *shard.is.range.end() < hash);
        (at < self.open.len()).then_some(at)
    }
}

impl Shard {
    /// One that was there before us has a full bucket.
    fn new(is: Open, is_full: bool, now: Duration) -> Self {
        let bucket = Bucket::new(RATE, FULL, if is_full { FULL } else { 0.0 }, now);
        Self { is, bucket, pacer: Pacer::of_shard() }
    }

    fn tokens(&self, now: Duration) -> f64 {
        self.bucket.tokens(now).min(self.pacer.tokens(now))
    }

    fn ready_at(&self, now: Duration) -> Duration {
        self.bucket.ready_at(LEAST, now).max(self.pacer.spare_at(LEAST, now))
    }

    fn sent(&mut self, records: u64, bytes: u64, now: Duration) {
        self.bucket.take(cost(records, bytes), now);
        self.pacer.sent(records, bytes, now);
    }
}

#[cfg(test)]
mod tests;
