//! Delivery of one flow: which records go when. What an answer means for each, and what goes again, is in `answer`.
//!
//! A batch is cut only against a free slot of the window, so that records wait together rather than in many small
//! bodies. It is then in one of three places: `out` (being encoded or unanswered), `again` (whole, for the same body
//! once more) or gone, its failed records copied into `retries`.

mod answer;
mod bucket;
pub mod health;
pub mod isolate;
pub mod max_rate;
pub mod pacer;
mod ramp;
mod request;
pub mod shards;

pub use answer::{Dead, Effects};
pub use request::Batch;

use crate::batch::{Item, Pending, Room, Source};
use crate::budget::Budget;
use crate::destination::{Destination, FailureKind};
use crate::encode::{BatchId, EncodeJob, Encoded};
use crate::event::{Do, Request};
use crate::frame::Lines;
use crate::ids::{FileId, FlowId};
use crate::job::Job;
use crate::partition::{self, KeyRule};
use crate::settings::{Batch as BatchRules, Flow, Newline, Pacing, PartitionKey, Retry as RetryRules};
use bytes::Bytes;
use health::Health;
use isolate::Groups;
use max_rate::Limits;
use pacer::Pacer;
use request::{Again, Retry};
use shards::{Shards, Targets};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// A flow that sent nothing for so long, and has nothing out, sends a lone line at once.
const IDLE: Duration = Duration::from_millis(50);

/// Records that failed go again together, so often at most, unless nothing else is to be sent.
const TOGETHER: Duration = Duration::from_millis(50);

/// So few records that failed do not wait for each other where nothing else is to be sent.
const FEW: usize = 8;

/// Most requests at once while it is not known how much the stream takes: all that are out are refused when it is too
/// much.
const BEGINNING: u32 = 2;

/// So many records are tried at a time while every record of the flow is refused: one that was, and one that was not
/// sent yet, so that a few bad records cannot hold up the rest.
const PROBE: u64 = 2;

/// Sends one flow's records.
#[derive(Debug)]
pub struct Sender {
    flow: FlowId,
    destination: Arc<dyn Destination>,
    rules: BatchRules,
    retry: RetryRules,
    strip: bool,
    /// One record of a file is unanswered at a time.
    strict: bool,
    /// Framed records that no batch holds yet.
    pub pending: Pending,
    retries: VecDeque<Retry>,
    again: Vec<Again>,
    out: BTreeMap<BatchId, Batch>,
    groups: Groups,
    /// How the destination does.
    pub health: Health,
    pacer: Pacer,
    limits: Limits,
    /// They pace in the pacer's stead where they are known.
    pub shards: Shards,
    window: u32,
    next_batch: u64,
    last_sent: Option<Duration>,
    /// When records went again last.
    last_again: Duration,
    /// Nothing could be cut for want of memory: only an event changes that.
    starved: bool,
    dead: VecDeque<Duration>,
}

impl Sender {
    /// Sends for `flow`.
    pub fn new(id: FlowId, flow: &Flow, destination: Arc<dyn Destination>) -> Self {
        let limits = destination.limits();
        let in_order = destination.in_order();
        let give_up = flow.retry.give_up.filter(|_| !in_order);
        let retry = RetryRules { give_up, ..flow.retry };
        let mut rules = flow.batch;
        let by_shard = flow.pacing == Pacing::Auto
            && flow.partition_key == PartitionKey::Random
            && destination.list_shards(None).is_some();
        rules.max_records = rules.max_records.min(limits.records);
        rules.max_bytes = rules.max_bytes.min(limits.bytes);
        Self {
            flow: id,
            destination,
            rules,
            retry,
            strip: flow.newline == Newline::Strip,
            strict: flow.strict && !in_order,
            pending: Pending::default(),
            retries: VecDeque::new(),
            again: Vec::new(),
            out: BTreeMap::new(),
            groups: Groups::default(),
            health: Health::default(),
            pacer: if flow.pacing == Pacing::Off || in_order { Pacer::off() } else { Pacer::of_stream() },
            limits: Limits::new(flow.max_rate),
            shards: Shards::new(by_shard),
            window: 1,
            next_batch: 0,
            last_sent: None,
            last_again: Duration::ZERO,
            starved: false,
            dead: VecDeque::new(),
        }
    }

    /// What was wrong may be mended: what failed goes again at once, before what follows it.
    pub fn try_again(&mut self, now: Duration) {
        self.health.try_again();
        for again in &mut self.again {
            again.due = again.due.min(now);
        }
    }

    /// The destination's pure half.
    pub fn destination(&self) -> &dyn Destination {
        &*self.destination
    }

    /// Requests that are being encoded or unanswered.
    pub fn in_flight(&self) -> u32 {
        self.out.len() as u32
    }

    /// Since when the longest unanswered request is out.
    pub fn unanswered_since(&self) -> Option<Duration> {
        self.out.values().filter_map(|batch| batch.sent).min()
    }

    /// Since when something waits to be delivered: read, unanswered, failed, or held up by what ails the flow.
    pub fn waiting_since(&self) -> Option<Duration> {
        let whole = self.again.iter().map(|again| &again.batch).chain(self.out.values());
        let items =
            whole.flat_map(|batch| &batch.items).chain(self.retries.iter().flat_map(|retry| &retry.items));
        let failed = items.filter_map(|item| item.failed).min();
        let ailing = self.health.since().filter(|_| !self.is_empty());
        [self.unanswered_since(), self.pending.oldest(), failed, ailing].into_iter().flatten().min()
    }

    /// Records waiting to go again.
    pub fn waiting_again(&self) -> usize {
        let whole: usize = self.again.iter().map(|again| again.batch.len()).sum();
        self.retries.len() + whole + self.groups.suspects()
    }

    /// Whether nothing waits and nothing is out.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.out.is_empty() && self.waiting_again() == 0
    }

    /// Whether nothing is out, and nothing waits that would still go.
    pub fn is_done(&self) -> bool {
        self.is_empty() || self.health.has_stopped() && self.out.is_empty()
    }

    /// Enough waits that reading more would only hold memory.
    pub fn is_full(&self) -> bool {
        self.pending.weight() >= 2 * self.rules.max_bytes
            || self.pending.records(self.destination()) >= 8 * u64::from(self.rules.max_records)
            || self.waiting_again() > 16 * self.rules.max_records as usize
    }

    /// Enough of a file waits that reading more of it would only hold memory: with strict order one file's records may wait
    /// while others' go.
    pub fn is_full_of(&self, file: FileId) -> bool {
        self.strict && self.pending.bytes_of(file) >= self.rules.max_bytes / 4
    }

    /// Sending has slowed down to so many shards' worth, if it has.
    pub fn paced_at(&self) -> Option<f64> {
        if self.shards.are_known() { self.shards.rate() } else { self.pacer.rate() }
    }

    /// Takes in the records of a buffer for which `charge` bytes are booked. There is at least one.
    pub fn push(&mut self, lines: Lines, key: KeyRule, charge: u64, now: Duration) {
        self.pending.push(lines, key, charge, now, &*self.destination);
    }

    /// The body of a request for the shards of the stream, if it is time for one.
    pub fn list_shards(&mut self, now: Duration) -> Option<Bytes> {
        let token = self.shards.ask(now)?;
        self.destination.list_shards(token.as_deref()).map(Bytes::from)
    }

    /// Records of an unanswered request.
    pub fn records_in(&self, id: BatchId) -> Option<u32> {
        self.out.get(&id).map(|batch| batch.len() as u32)
    }

    /// The next thing to do, if there is a free slot and something is due.
    pub fn step(
        &mut self,
        now: Duration,
        budget: &mut Budget,
        borrow: bool,
        rng: &mut fastrand::Rng,
        stopping: bool,
    ) -> Option<Do> {
        if self.health.has_stopped() || self.in_flight() >= self.slots() || self.ready_at(now) > now {
            return None;
        }
        if let Some(at) = self.next_again().iter().position(|again| again.due <= now) {
            let batch = self.again.remove(at).batch;
            self.shards.resent(&batch.targets, batch.weight_of(1), now);
            self.limits.take(batch.len() as u64, batch.weight, now);
            return Some(self.send(batch, now));
        }
        if self.again_goes_first() {
            return None;
        }
        self.starved = false;
        self.due_at(now, stopping).filter(|due| *due <= now)?;
        self.cut(now, budget, borrow, rng)
    }

    /// When to look again if nothing happens before. `None`: only an answer or new records change anything.
    pub fn deadline(&self, now: Duration, stopping: bool) -> Option<Duration> {
        if self.health.has_stopped() || self.in_flight() >= self.slots() {
            return None;
        }
        let again = self.next_again().iter().map(|again| again.due).min();
        let waits = self.starved || self.again_goes_first();
        let fresh = if waits { None } else { self.due_at(now, stopping) };
        let due = [again, fresh].into_iter().flatten().min()?;
        Some(due.max(self.ready_at(now)))
    }

    /// Whole batches of which one may go next: with strict order the first alone.
    fn next_again(&self) -> &[Again] {
        let most = if self.strict { 1 } else { usize::MAX };
        &self.again[..most.min(self.again.len())]
    }

    /// With strict order nothing overtakes them.
    fn again_goes_first(&self) -> bool {
        self.strict && !self.again.is_empty()
    }

    fn slots(&self) -> u32 {
        if self.strict || self.health.is_failing() {
            return 1;
        }
        let most = if self.pacer.begins() && !self.shards.are_known() { BEGINNING } else { u32::MAX };
        self.window.min(self.destination.window()).min(most)
    }

    fn ready_at(&self, now: Duration) -> Duration {
        let paced = self.shards.ready_at(now).unwrap_or_else(|| self.pacer.ready_at(now));
        self.health.until().max(paced).max(self.limits.ready_at(now))
    }

    /// When the next batch is to be cut.
    fn due_at(&self, now: Duration, stopping: bool) -> Option<Duration> {
        let any = self.shards.any_ready_at(now);
        // Each record for itself would be a request of its own.
        let few = self.retries.len() < FEW && self.pending.is_empty() && self.out.is_empty();
        let alone = self.strict || few;
        let together = if alone { Duration::ZERO } else { self.last_again + TOGETHER };
        let ready = |retry: &Retry| self.due_again(retry, any, now).max(together);
        let retry = self.retries.iter().filter(|retry| !self.strict || retry.is_first).map(ready).min();
        let fresh = self.pending.oldest_but(&self.held()).map(|oldest| {
            let full = self.pending.records(self.destination()) >= u64::from(self.rules.max_records)
                || self.pending.weight() >= self.rules.max_bytes;
            if full || stopping {
                return now;
            }
            let aged = oldest + self.rules.max_age;
            let idle = self.destination.prompt() && self.out.is_empty() && self.waiting_again() == 0;
            if idle { aged.min(self.last_sent.map_or(now, |sent| sent + IDLE)) } else { aged }
        });
        [retry, fresh].into_iter().flatten().min()
    }

    /// With strict order: the files of which a record goes again, before any that follows it.
    fn held(&self) -> BTreeSet<FileId> {
        if !self.strict {
            return BTreeSet::new();
        }
        self.retries.iter().filter_map(Retry::file).collect()
    }

    fn cut(
        &mut self,
        now: Duration,
        budget: &mut Budget,
        borrow: bool,
        rng: &mut fastrand::Rng,
    ) -> Option<Do> {
        let flow = self.flow.0 as usize;
        let overhead = self.destination.overhead();
        let available = budget.room(flow, borrow).saturating_sub(overhead);
        let mut room = self.room(available, now);
        let files_held = self.held();
        let mut targets = self.shards.targets();
        let (encoded, mut items, mut counts) = self.take_retries(now, &mut room, &mut targets, rng);
        if encoded.is_empty() {
            // One record always goes, however large: from the reserve if need be.
            let (weight, wire) = self.pending.peek_but(&files_held, self.destination())?;
            room.weight = room.weight.max(weight);
            let wire = wire + self.destination.separator().len() as u64;
            if wire > room.wire {
                if !budget.take_whole(flow, wire + overhead, borrow) {
                    self.starved = true;
                    return None;
                }
                budget.give(flow, wire + overhead);
                room = Room { records: 1, wire, ..room };
            }
        }
        budget.stop_waiting(flow);
        let taken = if self.strict {
            self.pending.take_one_each(room, &*self.destination, &files_held)
        } else {
            self.pending.take(room, &*self.destination)
        };
        if items.is_empty() && taken.items.is_empty() {
            return None;
        }
        let records = taken.counts.len();
        let each = taken.weight / records.max(1) as u64;
        let ranges = self.shards.spread(&mut targets, records, each, now);
        let copied: u64 = encoded.iter().map(|entry| entry.len() as u64 + 1).sum();
        let charge = copied + taken.wire + overhead;
        budget.resize(flow, 0, charge);
        let held = encoded.iter().map(|entry| entry.len() as u64).sum();
        items.extend(taken.items);
        counts.extend_from_slice(&taken.counts);
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        let job = EncodeJob {
            flow: self.flow,
            batch: id,
            destination: Arc::clone(&self.destination),
            encoded,
            parts: taken.parts,
            counts: taken.counts,
            targets: ranges,
            strip: self.strip,
            capacity: charge as usize,
            seed: rng.u64(..),
        };
        let batch = Batch {
            items,
            counts,
            body: Bytes::new(),
            entries: Vec::new(),
            charge,
            sources: taken.sources,
            copies: held,
            weight: taken.weight + copied,
            targets,
            group: None,
            sent: None,
        };
        self.limits.take(batch.len() as u64, batch.weight, now);
        self.out.insert(id, batch);
        Some(Do::Compute(Job::Encode(job)))
    }

    /// What the next batch may hold.
    fn room(&self, wire: u64, now: Duration) -> Room {
        let (records, bytes) =
            if self.shards.are_known() { self.shards.most(now) } else { self.pacer.most(now) };
        let (most_records, most_bytes) = self.limits.most();
        let records = records.min(most_records).min(u64::from(self.rules.max_records));
        let records = if self.is_wrong() { records.min(PROBE) } else { records };
        Room { records, weight: bytes.min(most_bytes).min(self.rules.max_bytes), wire }
    }

    /// Whether all that was sent last was refused, each record for itself.
    fn is_wrong(&self) -> bool {
        self.health.lasting() == Some(FailureKind::Refused)
    }

    /// When a record may go again, where `any` shard takes one then: a lone one can go there with another key.
    fn due_again(&self, retry: &Retry, any: Option<Duration>, now: Duration) -> Duration {
        let own = self.shards.ready_for(retry.hash, now);
        let ready = any.filter(|_| retry.is_lone()).map_or(own, |any| any.min(own));
        retry.due.max(ready)
    }

    /// Where its shard throttles and another does not, a record of a random key gets another key: else one shard's
    /// records would fill the memory of all. Those of several lines have their key inside.
    fn aimed(&self, retry: Retry, now: Duration, rng: &mut fastrand::Rng) -> Retry {
        let Some(range) = self.shards.aim(retry.hash, now).filter(|_| retry.is_lone()) else { return retry };
        let mut scratch = String::new();
        let key = KeyRule::Random.key_in(Some(&range), b"", rng, &mut scratch);
        let mut entry = Vec::with_capacity(retry.entry.len());
        self.destination.record(&mut entry, &self.destination.data(&retry.entry), false, key);
        Retry { entry: entry.into(), hash: Some(partition::hash_key(key)), ..retry }
    }

    /// Records that go again now, as far as there is room.
    fn take_retries(
        &mut self,
        now: Duration,
        room: &mut Room,
        targets: &mut Targets,
        rng: &mut fastrand::Rng,
    ) -> (Vec<Bytes>, Vec<Item>, Vec<u32>) {
        let (mut encoded, mut items, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        let mut later = VecDeque::new();
        let kept_for_fresh = u64::from(self.is_wrong() && !self.pending.is_empty());
        let mut any = self.shards.any_ready_at(now);
        while let Some(retry) = self.retries.pop_front() {
            let wire = retry.entry.len() as u64 + 1;
            let first = encoded.is_empty();
            let fits = room.records > kept_for_fresh
                && (first || (retry.weight <= room.weight && wire <= room.wire));
            if self.due_again(&retry, any, now) > now || !fits || self.strict && !retry.is_first {
                later.push_back(retry);
                continue;
            }
            room.records -= 1;
            room.weight = room.weight.saturating_sub(retry.weight);
            room.wire = room.wire.saturating_sub(wire);
            self.last_again = now;
            let retry = self.aimed(retry, now, rng);
            self.shards.again(targets, retry.hash, retry.weight, now);
            any = self.shards.any_ready_at(now);
            encoded.push(retry.entry);
            counts.push(retry.items.len() as u32);
            items.extend(retry.items);
        }
        self.retries = later;
        if self.strict {
            request::mark_first(&mut self.retries);
        }
        (encoded, items, counts)
    }

    /// A body is ready: it goes at once, into the slot that was kept for it.
    pub fn encoded(&mut self, encoded: Encoded, now: Duration, budget: &mut Budget) -> Option<Do> {
        let mut batch = self.out.remove(&encoded.batch)?;
        let flow = self.flow.0 as usize;
        let buffers: u64 = batch.sources.drain(..).map(Source::release).sum();
        budget.give(flow, buffers + std::mem::take(&mut batch.copies));
        let size = encoded.body.len() as u64;
        debug_assert!(size <= batch.charge, "a body of {size} bytes for which {} are booked", batch.charge);
        budget.resize(flow, batch.charge, size);
        batch.charge = size;
        batch.body = encoded.body;
        batch.entries = encoded.entries;
        Some(self.send_as(encoded.batch, batch, now))
    }

    fn send(&mut self, batch: Batch, now: Duration) -> Do {
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        self.send_as(id, batch, now)
    }

    fn send_as(&mut self, id: BatchId, mut batch: Batch, now: Duration) -> Do {
        for item in &mut batch.items {
            item.tries += 1;
        }
        batch.sent = Some(now);
        self.last_sent = Some(now);
        self.pacer.sent(batch.len() as u64, batch.weight, now);
        let records = batch.len() as u32;
        let request = Request { flow: self.flow, batch: id, body: batch.body.clone(), records };
        self.out.insert(id, batch);
        Do::Send(request)
    }
}
