//! Records that are sent again by hand: as they are, once each, one a request, so that none is refused for another's
//! sake. They are outside of acknowledgement, and of pacing and window: there are few.

use super::{Asked, Engine, Phase};
use crate::command::Reply;
use crate::destination::{Answer, FailureKind, Verdict};
use crate::encode::BatchId;
use crate::event::{Do, Now, Request};
use crate::ids::{CommandId, FlowId};
use crate::partition::KeyRule;
use crate::settings::PartitionKey;
use bytes::Bytes;
use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

/// After so long the rest is not sent: who asked waits no longer than two minutes.
const LONGEST: Duration = Duration::from_mins(1);

/// These requests are of no batch: none gets this number.
const NO_BATCH: BatchId = BatchId(u64::MAX);

/// Records that are being sent again.
#[derive(Debug)]
pub(super) struct Resend {
    command: CommandId,
    flow: FlowId,
    /// Those not sent yet.
    left: VecDeque<Vec<u8>>,
    /// Which were accepted, of those that were judged. One is out.
    taken: Vec<bool>,
    begun: Duration,
}

impl Engine {
    pub(super) fn resend(&mut self, command: CommandId, flow: &str, records: Vec<Vec<u8>>, now: Now) {
        let refusal = match self.flow_named(flow) {
            None => format!("there is no flow {flow}"),
            Some(_) if self.phase != Phase::Running => "the agent starts or ends".into(),
            Some(_) if self.resend.is_some() => "records are being resent already".into(),
            Some(flow) => {
                let (left, taken) = (records.into(), Vec::new());
                self.resend = Some(Resend { command, flow, left, taken, begun: now.mono });
                return self.resend_next();
            }
        };
        self.reply(command, Reply::Refused(refusal));
    }

    /// Whether records of a flow are being resent.
    pub(super) fn is_resending(&self, flow: FlowId) -> bool {
        self.resend.as_ref().is_some_and(|resend| resend.flow == flow)
    }

    /// The record that is out was judged, or will not be.
    pub(super) fn resent(&mut self, answer: Option<&Answer>, now: Now) {
        let Some(resend) = &mut self.resend else { return };
        let flow = &mut self.flows[resend.flow.0 as usize];
        let verdict = answer.map(|answer| flow.sender.destination().judge(answer, 1));
        let accepted = verdict == Some(Verdict::Accepted);
        resend.taken.push(accepted);
        flow.counters.delivered_records += u64::from(accepted);
        let in_time = now.mono.saturating_sub(resend.begun) < LONGEST && self.phase == Phase::Running;
        if !in_time || !verdict.is_some_and(|verdict| is_its_own(&verdict)) {
            // What is not sent is not accepted.
            resend.taken.extend(resend.left.drain(..).map(|_| false));
        }
        self.resend_next();
    }

    fn resend_next(&mut self) {
        let Some(resend) = &mut self.resend else { return };
        let flow = &self.flows[resend.flow.0 as usize];
        let Some(record) = resend.left.pop_front() else {
            let (command, taken) = (resend.command, std::mem::take(&mut resend.taken));
            self.resend = None;
            return self.reply(command, Reply::Resent(taken));
        };
        let destination = flow.sender.destination();
        let rule = match &flow.settings.partition_key {
            _ if !destination.keyed() => KeyRule::None,
            // Its file is not told.
            PartitionKey::File => KeyRule::Random,
            key => KeyRule::new(key, &self.agent.host, Path::new("")),
        };
        let mut scratch = String::new();
        let key = rule.key(&record, &mut self.rng, &mut scratch);
        let newline = destination.concatenates() && record.last() != Some(&b'\n');
        let mut body = Vec::new();
        destination.begin(&mut body);
        destination.record(&mut body, &record, newline, key);
        destination.finish(&mut body, 1);
        let request = Request { flow: resend.flow, batch: NO_BATCH, body: Bytes::from(body), records: 1 };
        let counters = &mut self.flows[request.flow.0 as usize].counters;
        counters.requests += 1;
        counters.sent_bytes += request.body.len() as u64;
        self.ask(Asked::Resend, Do::Send(request));
    }
}

/// Whether a record was refused for what it is: the next one may fare better.
fn is_its_own(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Accepted => true,
        Verdict::Partial(failures) => {
            failures.iter().all(|(_, failure)| failure.kind == FailureKind::Refused)
        }
        Verdict::Refused(failure) => failure.kind == FailureKind::Refused,
        Verdict::Unanswered(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::event::{Action, Event, Outcome};
    use crate::ids::ActionId;
    use crate::settings::{Agent, Destination, Flow, Settings};
    use crate::{Poll, Start};

    const NOW: Now = Now { mono: Duration::ZERO, wall: 0 };

    /// An engine that begins.
    fn engine() -> Engine {
        let flow =
            Flow::new("flow", vec!["/none/*.log".into()], Destination::Kinesis { stream: "clicks".into() });
        let settings = Settings { agent: Agent::new("host"), flows: vec![flow] };
        let mut engine = Engine::new(Start { settings, seed: 1, boot_id: String::new(), booted: 0 }).unwrap();
        let Poll::Action(Action { id, what: Do::Load }) = engine.poll(NOW) else { panic!("no load") };
        let outcome = Outcome::Loaded(Box::default());
        engine.handle(Event::Done { id, outcome }, NOW);
        engine
    }

    /// The next action that is one of these.
    fn next(engine: &mut Engine) -> (ActionId, Result<Request, Reply>) {
        loop {
            match engine.poll(NOW) {
                Poll::Action(Action { id, what: Do::Send(request) }) => return (id, Ok(request)),
                Poll::Action(Action { id, what: Do::Reply { reply, .. } }) => return (id, Err(*reply)),
                Poll::Action(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// What becomes of records of which each gets such an answer.
    fn resend(records: usize, answers: &[(u16, &str)]) -> Vec<bool> {
        let mut engine = engine();
        let records = vec![b"record".to_vec(); records];
        let command = Command::Resend { flow: "flow".into(), records };
        engine.handle(Event::Command { id: CommandId(1), command }, NOW);
        for (status, body) in answers {
            let (id, sent) = next(&mut engine);
            assert_eq!(sent.unwrap().records, 1);
            let body = Bytes::copy_from_slice(body.as_bytes());
            let answer = Answer::Http { status: *status, error_type: None, clock_offset: None, body };
            engine.handle(Event::Done { id, outcome: Outcome::Sent(answer) }, NOW);
        }
        match next(&mut engine) {
            (_, Err(Reply::Resent(taken))) => taken,
            other => panic!("{other:?}"),
        }
    }

    const TAKEN: (u16, &str) =
        (200, r#"{"FailedRecordCount":0,"Records":[{"SequenceNumber":"1","ShardId":"s"}]}"#);
    const REFUSED: (u16, &str) = (400, r#"{"__type":"ValidationException","message":"no"}"#);
    const BROKEN: (u16, &str) = (500, r#"{"__type":"InternalFailure"}"#);

    #[test]
    fn a_refused_record_does_not_keep_the_others_back() {
        assert_eq!(resend(3, &[TAKEN, REFUSED, TAKEN]), [true, false, true]);
    }

    #[test]
    fn nothing_is_sent_after_a_failure_that_is_not_the_record_s() {
        assert_eq!(resend(3, &[TAKEN, BROKEN]), [true, false, false]);
    }

    #[test]
    fn no_records_are_resent_at_once() {
        assert!(resend(0, &[]).is_empty());
    }
}
