//! Sending: whose turn it is, what an answer brings about, and dead letters.

use super::{Asked, Engine, Phase};
use crate::Level;
use crate::deliver::Dead;
use crate::destination::{self, Answer, Failure, Verdict};
use crate::encode::{BatchId, Encoded};
use crate::event::{Action, Do, FileError, Letter, Now};
use crate::ids::FlowId;
use crate::status::histogram::SIZES;
use crate::timer::Timer;
use std::time::Duration;

/// Dead letters that could not be written are tried again after so long.
const LETTERS_AGAIN: Duration = Duration::from_secs(10);

impl Engine {
    /// The next body to encode or to send, each flow in its turn.
    pub(super) fn next_send(&mut self, now: Duration) -> Option<Action> {
        let stopping = self.phase != Phase::Running;
        for step in 0..self.flows.len() {
            let index = (self.send_turn + step) % self.flows.len();
            let borrow = self.may_borrow(FlowId(index as u32), now);
            let flow = &mut self.flows[index];
            if !flow.sends(now) {
                continue;
            }
            let stopping = stopping || !flow.is_settled();
            if !stopping && let Some(body) = flow.sender.list_shards(now) {
                let flow = FlowId(index as u32);
                return Some(self.action(Asked::Shards(flow), Do::ListShards { flow, body }));
            }
            if let Some(what) = flow.sender.step(now, &mut self.budget, borrow, &mut self.rng, stopping) {
                self.send_turn = index + 1;
                return Some(self.send_action(what));
            }
        }
        None
    }

    fn send_action(&mut self, what: Do) -> Action {
        let asked = match &what {
            Do::Send(request) => {
                let counters = &mut self.flows[request.flow.0 as usize].counters;
                counters.requests += 1;
                counters.sent_bytes += request.body.len() as u64;
                Asked::Send(request.flow, request.batch)
            }
            _ => Asked::Encode,
        };
        self.action(asked, what)
    }

    pub(super) fn encoded(&mut self, encoded: Encoded, now: Now) {
        let flow = &mut self.flows[encoded.flow.0 as usize];
        if let Some(what) = flow.sender.encoded(encoded, now.mono, &mut self.budget) {
            let action = self.send_action(what);
            self.out.push_back(action);
        }
    }

    pub(super) fn sent(&mut self, id: FlowId, batch: BatchId, answer: &Answer, now: Now) {
        let flow = &mut self.flows[id.0 as usize];
        let Some(records) = flow.sender.records_in(batch) else { return };
        let verdict = flow.sender.destination().judge(answer, records);
        if let Some(shard) = destination::aws::shard_in(answer) {
            flow.sender.shards.named(shard, now.mono, &mut self.rng);
        }
        match &verdict {
            Verdict::Unanswered(_) => flow.counters.unanswered_requests += 1,
            Verdict::Refused(_) => flow.counters.failed_requests += 1,
            Verdict::Accepted | Verdict::Partial(_) => {}
        }
        let failure = match &verdict {
            Verdict::Refused(failure) | Verdict::Unanswered(failure) => Some(failure.clone()),
            Verdict::Accepted | Verdict::Partial(_) => None,
        };
        let flow = &mut self.flows[id.0 as usize];
        let ailed = flow.sender.health.lasting().is_some();
        let effects = flow.sender.answered(batch, verdict, now, &mut self.budget, &mut self.rng);
        flow.request_times.add_time(effects.took);
        flow.request_records.add(u64::from(records), &SIZES);
        flow.counters.delivered_records += effects.delivered;
        flow.counters.retried_records += effects.retried;
        flow.counters.throttled_records += effects.throttled;
        self.report(id, failure.as_ref(), ailed);
        let mut delivered = 0;
        for (cursor, span) in effects.acked {
            delivered += self.ack(cursor, span, now);
        }
        self.flow(id).counters.delivered_bytes += delivered;
        if !effects.dead.is_empty() {
            let letters = effects.dead.into_iter().map(|dead| self.letter(dead)).collect();
            self.write_letters(id, letters, 0);
        }
    }

    /// Without a map of the shards sending adapts to throttles alone.
    pub(super) fn shards_listed(&mut self, id: FlowId, answer: Option<&Answer>, now: Now) {
        let flow = &mut self.flows[id.0 as usize];
        if let Err(why) = flow.sender.shards.listed(answer, now.mono, &mut self.rng) {
            let name = &flow.settings.name;
            let what = format!(
                "flow {name}, {}: {why}; sending is paced by its throttles until this is mended",
                flow.sender.destination().describe()
            );
            let subject = format!("shards {name}");
            self.note(Level::Warn, subject, what);
        }
    }

    /// What more requests do not mend is for a person to see, and so is its end.
    fn report(&mut self, id: FlowId, failure: Option<&Failure>, ailed: bool) {
        let flow = &self.flows[id.0 as usize];
        let ails = flow.sender.health.lasting().is_some();
        let stopped = flow.sender.health.has_stopped() && !ailed;
        let what = match failure {
            _ if stopped => "more than 100 records a minute were refused: the flow has stopped; mend the \
                             cause, then restart"
                .to_owned(),
            Some(failure) => format!("{} ({}): {}", failure.code, failure.kind.name(), failure.message),
            None if ailed && !ails => "accepted again".to_owned(),
            None => return,
        };
        let level = match failure {
            _ if ails => Level::Error,
            Some(_) => Level::Warn,
            None => Level::Info,
        };
        let name = &flow.settings.name;
        let code = failure.map_or("", |failure| &*failure.code);
        let subject = format!("send {name} {code} {level:?}");
        let text = format!("flow {name}, {}: {what}", flow.sender.destination().describe());
        self.note(level, subject, text);
    }

    fn letter(&self, dead: Dead) -> Letter {
        let file = self.files.get(&dead.item.cursor.file);
        Letter {
            cursor: dead.item.cursor,
            path: file.map(|file| file.path.to_path_buf()).unwrap_or_default(),
            span: dead.item.span,
            code: dead.failure.code.to_string(),
            message: dead.failure.message.to_string(),
            data: dead.data,
        }
    }

    pub(super) fn write_letters(&mut self, flow: FlowId, letters: Vec<Letter>, booked: u64) {
        self.letters_out += 1;
        let what = Do::DeadLetters { flow, letters: letters.clone() };
        self.ask(Asked::Letters(flow, letters, booked), what);
    }

    /// Their bytes count as acknowledged only once they are on disk.
    pub(super) fn lettered(
        &mut self,
        flow: FlowId,
        letters: Vec<Letter>,
        booked: u64,
        result: Result<(), FileError>,
        now: Now,
    ) {
        self.letters_out -= 1;
        match result {
            Ok(()) => {
                self.budget.give(flow.0 as usize, booked);
                self.flow(flow).counters.dead_letters += letters.len() as u64;
                for letter in letters {
                    self.ack(letter.cursor, letter.span, now);
                }
            }
            Err(error) => {
                let text = format!("dead letters cannot be written, they wait: {error}");
                self.note(Level::Error, "dead letters", text);
                self.unwritten.push((flow, letters, booked));
                self.timers.set_by(Timer::DeadLetters, now.mono + LETTERS_AGAIN);
            }
        }
    }

    pub(super) fn write_letters_again(&mut self) {
        for (flow, letters, booked) in std::mem::take(&mut self.unwritten) {
            self.write_letters(flow, letters, booked);
        }
    }
}
