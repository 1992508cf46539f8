//! What an answer brings about: records that are acknowledged, go again, or die.

use super::isolate::{GroupId, Judged};
use super::request::{Again, Batch, Retry};
use super::{Sender, health, request};
use crate::batch::Item;
use crate::budget::Budget;
use crate::destination::{Failure, FailureKind, Verdict};
use crate::encode::BatchId;
use crate::event::Now;
use crate::ids::{CursorId, Span};
use crate::{partition, unpack};
use bytes::Bytes;
use std::time::Duration;

/// More refused records than this in a minute are no accident: the flow stops.
const MAX_DEAD_A_MINUTE: usize = 100;

/// What an answer brought about.
#[derive(Debug, Default)]
pub struct Effects {
    /// Delivered.
    pub acked: Vec<(CursorId, Span)>,
    /// Delivered records.
    pub delivered: u64,
    /// Will never be accepted.
    pub dead: Vec<Dead>,
    /// Records that go again.
    pub retried: u64,
    /// Records that were throttled.
    pub throttled: u64,
    /// From the request to its answer.
    pub took: Duration,
}

/// A record that will never be accepted.
#[derive(Debug)]
pub struct Dead {
    /// Its way back.
    pub item: Item,
    /// The service's words.
    pub failure: Failure,
    /// The record, taken out of the body.
    pub data: Bytes,
}

impl Effects {
    fn ack(&mut self, item: &Item) {
        self.delivered += 1;
        match self.acked.last_mut() {
            Some((cursor, span)) if *cursor == item.cursor && span.end == item.span.start => {
                span.end = item.span.end;
            }
            _ => self.acked.push((item.cursor, item.span)),
        }
    }
}

/// An answer that is being dealt with.
struct Answering<'a> {
    now: Now,
    budget: &'a mut Budget,
    rng: &'a mut fastrand::Rng,
    effects: Effects,
}

impl Sender {
    /// An answer came.
    pub fn answered(
        &mut self,
        id: BatchId,
        verdict: Verdict,
        now: Now,
        budget: &mut Budget,
        rng: &mut fastrand::Rng,
    ) -> Effects {
        let Some(mut batch) = self.out.remove(&id) else { return Effects::default() };
        let mut answer = Answering { now, budget, rng, effects: Effects::default() };
        let latency = batch.sent.take().map_or(Duration::ZERO, |sent| now.mono.saturating_sub(sent));
        answer.effects.took = latency;
        match verdict {
            Verdict::Accepted => {
                self.progressed(&batch, batch.len(), latency, now);
                self.shards.answered(&batch.targets, &[], batch.weight_of(1), now.mono, answer.rng);
                batch.items.iter().for_each(|item| answer.effects.ack(item));
                answer.budget.give(self.flow.0 as usize, batch.charge);
                self.judge_group(batch.group, &mut answer);
            }
            Verdict::Partial(failures) if failures.len() < batch.len() || self.are_paced(&failures) => {
                let accepted = batch.len() - failures.len();
                if accepted > 0 {
                    self.progressed(&batch, accepted, latency, now);
                }
                self.partial(&batch, &failures, &mut answer);
                let each = batch.weight_of(1);
                self.shards.answered(&batch.targets, &failures, each, now.mono, answer.rng);
                answer.budget.give(self.flow.0 as usize, batch.charge);
                self.judge_group(batch.group, &mut answer);
            }
            Verdict::Partial(failures) => self.all_failed(batch, &failures, &mut answer),
            Verdict::Refused(failure) if failure.kind == FailureKind::Refused => {
                self.take_apart(batch, failure, &mut answer);
            }
            Verdict::Refused(failure) | Verdict::Unanswered(failure) => {
                self.whole(batch, &failure, &mut answer);
            }
        }
        answer.effects
    }

    /// Whether all of them wait for their shards, and not the flow as a whole.
    fn are_paced(&self, failures: &[(u32, Failure)]) -> bool {
        let throttled = |(_, failure): &(u32, Failure)| failure.kind == FailureKind::Throttled;
        self.shards.are_known() && failures.iter().all(throttled)
    }

    /// Records were accepted: the window opens, wider where answers take long.
    fn progressed(&mut self, batch: &Batch, accepted: usize, latency: Duration, now: Now) {
        self.health.recovered();
        self.pacer.accepted(accepted as u64, batch.weight_of(accepted as u64), now.mono);
        let enough = 2 + (latency.as_millis() / 5) as u32;
        self.window = (self.window * 2).min(enough.max(self.window)).min(self.destination.window()).max(1);
    }

    fn partial(&mut self, batch: &Batch, failures: &[(u32, Failure)], answer: &mut Answering<'_>) {
        let mut failures = failures.iter().peekable();
        for (index, items) in batch.records() {
            let Some((_, failure)) = failures.next_if(|(at, _)| *at as usize == index) else {
                for item in items {
                    answer.effects.ack(item);
                }
                continue;
            };
            self.health.noted(failure, answer.now);
            self.one_failed(items, failure, &batch.entry(index), answer);
        }
        if answer.effects.throttled > 0 {
            self.pacer.throttled(
                answer.effects.throttled,
                batch.weight_of(answer.effects.throttled),
                answer.now.mono,
            );
        }
    }

    /// A record failed while others were accepted.
    fn one_failed(&mut self, items: &[Item], failure: &Failure, entry: &Bytes, answer: &mut Answering<'_>) {
        if failure.kind == FailureKind::Throttled {
            answer.effects.throttled += 1;
        }
        let refused = failure.kind == FailureKind::Refused;
        if !refused && self.gives_up(items, answer.now.mono)
            || refused && items.len() == 1 && self.may_die(failure, answer.now)
        {
            return self.bury(items, failure, entry, answer);
        }
        answer.effects.retried += items.len() as u64;
        if refused && items.len() > 1 {
            // Which of its lines is to blame shows when they go apart.
            let (first, second) = items.split_at(items.len() / 2);
            for (items, half) in
                [first, second].into_iter().zip(unpack::halves(&*self.destination, entry, items))
            {
                self.retry_later(items, &half, answer);
            }
        } else {
            self.retry_later(items, entry, answer);
        }
    }

    /// Every record failed, each for itself.
    fn all_failed(&mut self, batch: Batch, failures: &[(u32, Failure)], answer: &mut Answering<'_>) {
        let mildest = failures.iter().map(|(_, failure)| failure).min_by_key(|failure| failure.kind);
        let Some(failure) = mildest.cloned() else { return };
        if failure.kind == FailureKind::Refused {
            self.take_apart(batch, failure, answer);
        } else {
            self.whole(batch, &failure, answer);
        }
    }

    /// The request failed as a whole: the same body goes again.
    fn whole(&mut self, mut batch: Batch, failure: &Failure, answer: &mut Answering<'_>) {
        if failure.kind == FailureKind::Throttled {
            answer.effects.throttled += batch.len() as u64;
            self.pacer.throttled(batch.len() as u64, batch.weight, answer.now.mono);
            let each = batch.weight_of(1);
            self.shards.refused(&batch.targets, each, answer.now.mono, answer.rng);
        }
        self.health.failed(failure, &self.retry, answer.now, answer.rng);
        self.window = 1;
        answer.effects.retried += batch.items.len() as u64;
        for item in &mut batch.items {
            item.failed.get_or_insert(answer.now.mono);
        }
        if self.retry.give_up.is_some() && self.health.lasting().is_none() {
            batch = match self.without_given_up(batch, failure, answer) {
                Some(batch) => batch,
                None => return,
            };
        }
        self.again.insert(0, Again { due: self.health.until(), batch });
    }

    /// Buries the records of a batch that failed for too long.
    fn without_given_up(
        &mut self,
        batch: Batch,
        failure: &Failure,
        answer: &mut Answering<'_>,
    ) -> Option<Batch> {
        if !batch.records().any(|(_, items)| self.gives_up(items, answer.now.mono)) {
            return Some(batch);
        }
        let flow = self.flow.0 as usize;
        for (index, items) in batch.records() {
            let entry = batch.entry(index);
            if self.gives_up(items, answer.now.mono) {
                self.bury(items, failure, &entry, answer);
            } else {
                self.go_again(items.to_vec(), &entry, 0, self.health.until(), answer);
            }
        }
        answer.budget.give(flow, batch.charge);
        None
    }

    fn take_apart(&mut self, batch: Batch, failure: Failure, answer: &mut Answering<'_>) {
        self.health.noted(&failure, answer.now);
        answer.effects.retried += batch.items.len() as u64;
        if batch.items.len() > 1 {
            let group = self.groups.split(batch.group);
            let charge = batch.charge;
            let (mut first, mut second) = batch.halves(&*self.destination, group);
            first.charge = charge / 2;
            second.charge = charge - first.charge;
            let due = answer.now.mono;
            // In their order, before others.
            self.again.splice(0..0, [first, second].map(|batch| Again { due, batch }));
            return;
        }
        let judged = match batch.group {
            Some(group) => self.groups.refused(group, batch, failure),
            None => Judged::AllRefused(vec![(batch, failure)]),
        };
        self.conclude(judged, answer);
    }

    fn judge_group(&mut self, group: Option<GroupId>, answer: &mut Answering<'_>) {
        if let Some(group) = group {
            let judged = self.groups.accepted(group);
            self.conclude(judged, answer);
        }
    }

    fn conclude(&mut self, judged: Judged, answer: &mut Answering<'_>) {
        let flow = self.flow.0 as usize;
        match judged {
            Judged::Open => {}
            Judged::Guilty(suspects) => {
                for (batch, failure) in suspects {
                    if self.may_die(&failure, answer.now) {
                        self.bury(&batch.items, &failure, &batch.entry(0), answer);
                        answer.budget.give(flow, batch.charge);
                    } else {
                        self.keep_refused(&batch, answer);
                    }
                }
            }
            Judged::AllRefused(suspects) => {
                if let Some((_, failure)) = suspects.first() {
                    self.health.failed(failure, &self.retry, answer.now, answer.rng);
                }
                for (batch, _) in &suspects {
                    self.keep_refused(batch, answer);
                }
            }
        }
    }

    /// A single record that was refused goes again, when the flow does.
    fn keep_refused(&mut self, batch: &Batch, answer: &mut Answering<'_>) {
        self.go_again(batch.items.clone(), &batch.entry(0), batch.charge, self.health.until(), answer);
    }

    fn retry_later(&mut self, items: &[Item], entry: &Bytes, answer: &mut Answering<'_>) {
        let tries = items.iter().map(|item| item.tries).max().unwrap_or(0);
        let wait = health::back_off(tries, self.retry.initial, self.retry.max, answer.rng);
        let mut items = items.to_vec();
        for item in &mut items {
            item.failed.get_or_insert(answer.now.mono);
        }
        self.go_again(items, entry, 0, answer.now.mono + wait, answer);
    }

    /// A record waits to go again, encoded as it is, in place of so many booked bytes.
    fn go_again(
        &mut self,
        items: Vec<Item>,
        entry: &[u8],
        booked: u64,
        due: Duration,
        answer: &mut Answering<'_>,
    ) {
        let weight = entry.len() as u64;
        answer.budget.resize(self.flow.0 as usize, booked, weight);
        let known = self.shards.are_known();
        let hash = known.then(|| partition::hash_key(&self.destination.key(entry)));
        // A copy of its own: a slice would keep the whole body in memory.
        let entry = Bytes::copy_from_slice(entry);
        let retry = Retry { items, entry, weight, hash, due, is_first: true };
        if self.strict {
            request::put_in_order(&mut self.retries, retry);
        } else {
            self.retries.push_back(retry);
        }
    }

    /// Whether the lines of a record have failed for too long, together as they are.
    fn gives_up(&self, items: &[Item], now: Duration) -> bool {
        let failed = items.iter().filter_map(|item| item.failed).min();
        self.retry.give_up.zip(failed).is_some_and(|(limit, failed)| now.saturating_sub(failed) >= limit)
    }

    /// Each line is a dead letter of its own.
    fn bury(&self, items: &[Item], failure: &Failure, entry: &[u8], answer: &mut Answering<'_>) {
        let lines = unpack::lines(&*self.destination, entry, items);
        let letters = items.iter().zip(lines);
        let dead = letters.map(|(item, data)| Dead { item: *item, failure: failure.clone(), data });
        answer.effects.dead.extend(dead);
    }

    /// Whether a refused record becomes a dead letter. Where too many did in the last minute the flow is wrong: it
    /// keeps them, and stops.
    fn may_die(&mut self, failure: &Failure, now: Now) -> bool {
        while self.dead.front().is_some_and(|at| now.mono.saturating_sub(*at) > Duration::from_mins(1)) {
            self.dead.pop_front();
        }
        if self.dead.len() >= MAX_DEAD_A_MINUTE {
            self.health.stop(failure, now);
            return false;
        }
        self.dead.push_back(now.mono);
        true
    }
}
