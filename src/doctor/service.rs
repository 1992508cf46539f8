//! The services: who we are to them, whether they are there, and what they let us do.

use super::{Finding, Level};
use crate::config::Config;
use crate::io::sinks::{Question, Sink};
use bytes::Bytes;
use kintail_engine::deliver::health;
use kintail_engine::destination::aws::failure_of;
use kintail_engine::destination::{self, Answer, Failure, FailureKind};
use kintail_engine::encode::BatchId;
use kintail_engine::event::Request;
use kintail_engine::ids::FlowId;
use kintail_engine::settings::{Destination, Flow, Wire};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// A clock that is off by more, in seconds, will have requests refused at five minutes.
const SKEW: i64 = 60;

/// Asks for each flow to AWS.
pub(super) async fn ask(config: &Config, probe: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, (flow, io)) in config.engine.flows.iter().zip(&config.flows).enumerate() {
        if !matches!(flow.destination, Destination::Kinesis { .. } | Destination::Firehose { .. }) {
            continue;
        }
        match Sink::for_flow(flow, io, &config.aws) {
            Ok(sink) => findings.extend(Asker { flow, id: FlowId(index as u32), sink }.ask(probe).await),
            Err(error) => findings.push(Finding::new(&flow.name, Level::Error, error.to_string())),
        }
    }
    findings
}

struct Asker<'a> {
    flow: &'a Flow,
    id: FlowId,
    sink: Sink,
}

impl Asker<'_> {
    async fn ask(&self, probe: bool) -> Vec<Finding> {
        let mut findings = vec![self.identity().await];
        let (described, offset) = self.describe().await;
        let reached = described.level != Level::Error;
        findings.push(described);
        findings.extend(offset.map(|offset| self.clock(offset)));
        if let Destination::Kinesis { .. } = self.flow.destination
            && reached
        {
            findings.extend(self.list_shards().await);
        }
        findings.push(if probe { self.probe().await } else { self.unproven() });
        findings
    }

    fn finding(&self, level: Level, text: impl Into<String>) -> Finding {
        Finding::new(&self.flow.name, level, text)
    }

    fn failed(&self, what: &str, failure: &Failure) -> Finding {
        let text = format!("{what}: {} ({}): {}", failure.code, failure.kind.name(), failure.message);
        self.finding(Level::Error, text).advise(health::advice(failure.kind))
    }

    async fn identity(&self) -> Finding {
        match self.sink.identity().await {
            Ok(arn) => self.finding(Level::Ok, format!("credentials are of {arn}")),
            Err(failure) if failure.kind == FailureKind::Credentials => self.failed("credentials", &failure),
            Err(failure) => {
                self.finding(Level::NotProven, format!("whose the credentials are: {}", failure.message))
            }
        }
    }

    /// What the stream is, and the service's clock less ours.
    async fn describe(&self) -> (Finding, Option<i64>) {
        let (name, body) = match &self.flow.destination {
            Destination::Kinesis { stream } if stream.starts_with("arn:") => {
                (stream, json!({ "StreamARN": stream }))
            }
            Destination::Kinesis { stream } => (stream, json!({ "StreamName": stream })),
            Destination::Firehose { delivery_stream } => {
                (delivery_stream, json!({ "DeliveryStreamName": delivery_stream }))
            }
            Destination::File { .. } | Destination::Stdout => unreachable!("these are not asked"),
        };
        let body = Bytes::from(body.to_string());
        let answer = answered(|reply| self.sink.ask(Question::Stream, body, reply)).await;
        let offset = if let Answer::Http { clock_offset, .. } = &answer { *clock_offset } else { None };
        let what = format!("stream {name}");
        let finding = match failure_of(&answer) {
            None => self.described(&what, &answer),
            // Shipping needs it not.
            Some(failure) if failure.kind == FailureKind::Denied => {
                self.finding(Level::NotProven, format!("{what}: it may not be described ({})", failure.code))
            }
            Some(failure) => self.failed(&what, &failure),
        };
        (finding, offset)
    }

    fn described(&self, what: &str, answer: &Answer) -> Finding {
        let Answer::Http { body, .. } = answer else { return self.finding(Level::Ok, what) };
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let is = |name: &str| -> Option<String> {
            ["StreamDescriptionSummary", "DeliveryStreamDescription"].iter().find_map(|part| {
                let found = &value[part][name];
                found.as_str().map(str::to_owned).or_else(|| found.as_u64().map(|number| number.to_string()))
            })
        };
        let status =
            is("StreamStatus").or_else(|| is("DeliveryStreamStatus")).unwrap_or_else(|| "there".into());
        let mode = value["StreamDescriptionSummary"]["StreamModeDetails"]["StreamMode"].as_str();
        let mode = mode.map(|mode| format!(", {mode}"));
        let shards = is("OpenShardCount").map(|count| format!(", {count} shards"));
        let text = format!("{what} is {status}{}{}", mode.unwrap_or_default(), shards.unwrap_or_default());
        let works = matches!(&*status, "ACTIVE" | "UPDATING" | "there");
        self.finding(if works { Level::Ok } else { Level::Warning }, text)
    }

    fn clock(&self, offset: i64) -> Finding {
        let level = if offset.abs() <= SKEW { Level::Ok } else { Level::Warning };
        let finding = self.finding(level, format!("this host's clock is off by {offset} s"));
        if level == Level::Ok { finding } else { finding.advise(health::advice(FailureKind::Skew)) }
    }

    async fn list_shards(&self) -> Option<Finding> {
        let body = destination::for_flow(self.flow).list_shards(None)?;
        let answer = answered(|reply| self.sink.ask(Question::Shards, Bytes::from(body), reply)).await;
        Some(match failure_of(&answer) {
            None => self.finding(Level::Ok, "kinesis:ListShards is allowed: sending is paced by shard"),
            Some(failure) if failure.kind == FailureKind::Denied => self
                .finding(
                    Level::Warning,
                    "kinesis:ListShards is not allowed: sending is paced by throttles alone",
                )
                .advise("grant it: two in a hundred records less are refused"),
            Some(failure) => self.failed("kinesis:ListShards", &failure),
        })
    }

    fn unproven(&self) -> Finding {
        self.finding(Level::NotProven, "that records may be sent: --send-probe sends one")
    }

    /// Sends one record that says what it is.
    async fn probe(&self) -> Finding {
        let flow = Flow { wire: Wire::Json, ..self.flow.clone() };
        let destination = destination::for_flow(&flow);
        let record =
            json!({ "kintail": "probe", "flow": flow.name, "time": jiff::Timestamp::now().to_string() });
        let mut body = Vec::new();
        destination.begin(&mut body);
        let key = if destination.keyed() { "kintail-probe" } else { "" };
        destination.record(&mut body, format!("{record}\n").as_bytes(), false, key);
        destination.finish(&mut body, 1);
        let request = Request { flow: self.id, batch: BatchId(0), body: Bytes::from(body), records: 1 };
        let answer = answered(|reply| self.sink.send(request, reply)).await;
        match destination.judge(&answer, 1) {
            destination::Verdict::Accepted => self.finding(Level::Ok, "a probe was accepted"),
            destination::Verdict::Partial(failures) => match failures.first() {
                Some((_, failure)) => self.failed("a probe", failure),
                None => self.finding(Level::Ok, "a probe was accepted"),
            },
            destination::Verdict::Refused(failure) | destination::Verdict::Unanswered(failure) => {
                self.failed("a probe", &failure)
            }
        }
    }
}

/// The answer to what `ask` asks, which is told where it goes.
async fn answered(ask: impl FnOnce(Box<dyn FnOnce(Answer) + Send>)) -> Answer {
    let (reply, answer) = oneshot::channel();
    ask(Box::new(|answer| drop(reply.send(answer))));
    answer.await.unwrap_or_else(|_| {
        let failure = Failure::new(FailureKind::Transient, "NoAnswer", "there was no answer");
        Answer::Failed { may_have_arrived: false, failure }
    })
}
