//! What a world is like: its settings, writers, and how often things go wrong.

use super::{chance, pick};
use crate::plan::MS;
use crate::plan::joined;
use crate::plan::setup::{ARCHIVE, Pace, ROOT, Rates, Scope, Setup, Style, Writer};
use crate::plan::steps::{Make, Steps};
use fastrand::Rng;
use kintail_engine::process::OnError;
use kintail_engine::settings::{
    Agent, Batch, Destination, Flow, HoldDeleted, KIB, Line, MaxRate, Newline, Oversize, Pacing,
    PartitionKey, Settings, StartAt, Watch, Wire, least_memory,
};
use std::path::Path;
use std::time::Duration;

fn millis(rng: &mut Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

/// A world.
pub(super) fn setup(rng: &mut Rng) -> Setup {
    let dirs = [ROOT, ROOT, "/log/sub", "/log/sub/deep", "/log/other"];
    let styles = [Style::Numbers { keep: 2 }, Style::Numbers { keep: 4 }, Style::Date, Style::Stem];
    let archives = chance(rng, 250);
    let writers: Vec<Writer> = (0..rng.usize(1..=3))
        .map(|n| Writer {
            path: Path::new(pick(rng, &dirs)).join(format!("app{n}.log")),
            style: pick(rng, &styles),
            archives: archives && chance(rng, 700),
            early: chance(rng, 300),
        })
        .collect();
    let scopes: Vec<Scope> = (0..pick(rng, &[1, 1, 1, 2, 3]))
        .map(|_| pick(rng, &[Scope::Live, Scope::Family, Scope::Tree, Scope::All, Scope::All]))
        .collect();
    let mut flows: Vec<Flow> = scopes.iter().enumerate().map(|(n, scope)| flow(rng, n, *scope)).collect();
    for flow in flows.iter_mut().filter(|_| archives) {
        flow.archives = if chance(rng, 800) { vec![format!("{ARCHIVE}/*")] } else { Vec::new() };
    }
    let steps: Vec<Steps> = flows.iter().map(|_| steps(rng)).collect();
    for (flow, steps) in flows.iter_mut().zip(&steps) {
        flow.process = steps.settings();
        flow.multiline = joined::settings(flow, *steps);
    }
    let mut settings = Settings { agent: agent(rng), flows };
    settings.agent.memory = least_memory(&settings) + pick(rng, &[0, 0, 16 * KIB, 1024 * KIB]);
    let calm = chance(rng, 300);
    Setup {
        settings,
        scopes,
        steps,
        writers,
        births: chance(rng, 700),
        renumbered: chance(rng, 150),
        grain: pick(rng, &[1, 1, 4_000_000, 4_000_000, 10_000_000, 1_000_000_000]),
        deaf_dirs: chance(rng, 80),
        no_watch: chance(rng, 80),
        descriptors: if chance(rng, 150) { rng.usize(3..9) } else { usize::MAX },
        rates: if calm { Rates::default() } else { rates(rng) },
        pace: pace(rng),
    }
}

fn agent(rng: &mut Rng) -> Agent {
    let mut agent = Agent::new("host");
    agent.shutdown_timeout = millis(rng, 500..5000);
    agent.rescan = millis(rng, 500..4000);
    agent.watch = if chance(rng, 200) { Watch::Poll } else { Watch::Auto };
    agent.hold_deleted = pick(rng, &[HoldDeleted::Unlimited, HoldDeleted::Bytes(1 << 30)]);
    agent
}

fn flow(rng: &mut Rng, number: usize, scope: Scope) -> Flow {
    let destination = match rng.u32(..100) {
        0..70 => Destination::Kinesis { stream: format!("stream{number}") },
        70..80 => Destination::Firehose { delivery_stream: format!("stream{number}") },
        80..90 => Destination::File { path: format!("/out/{number}").into(), rotate: 1 << 40, keep: 1 },
        _ => Destination::Stdout,
    };
    let mut flow = Flow::new(format!("flow{number}"), vec![scope.glob().into()], destination);
    flow.start_at = if chance(rng, 150) { StartAt::End } else { StartAt::Beginning };
    flow.compressed = chance(rng, 200);
    flow.close_after = millis(rng, 100..3000);
    flow.partition_key = match rng.u32(..5) {
        0 => PartitionKey::File,
        1 => PartitionKey::Hash,
        2 => PartitionKey::Field("missing".into()),
        3 => PartitionKey::Const("one".into()),
        _ => PartitionKey::Random,
    };
    // Not drawn, so that seeds stay the stories that they are known as.
    flow.wire = if flow.close_after.as_millis().is_multiple_of(4) { Wire::Json } else { Wire::Auto };
    flow.pacing = pick(rng, &[Pacing::Auto, Pacing::Adaptive, Pacing::Off]);
    if flow.close_after.as_millis().is_multiple_of(5) {
        flow.max_rate = MaxRate { bytes: Some(64 * KIB), records: Some(300) };
    }
    flow.newline = if chance(rng, 250) { Newline::Strip } else { Newline::Keep };
    flow.batch = Batch {
        max_records: pick(rng, &[1, 3, 10, 50, 500]),
        max_bytes: pick(rng, &[512, 4 * KIB, 64 * KIB, 1024 * KIB]),
        max_age: millis(rng, 5..300),
    };
    flow.retry.initial = millis(rng, 10..200);
    flow.retry.max = flow.retry.initial * rng.u32(1..10);
    flow.retry.give_up = chance(rng, 60).then(|| millis(rng, 200..3000));
    flow.line = Line {
        max_bytes: 8 * pick(rng, &[8, 25, 64, 512, 1250, 8192]),
        oversize: pick(
            rng,
            &[Oversize::Split, Oversize::Split, Oversize::Truncate, Oversize::Drop, Oversize::DeadLetter],
        ),
        skip_header: pick(rng, &[0, 0, 0, 0, 1, 2]),
    };
    flow.strict = strict(&flow);
    flow.aggregation = aggregation(&flow);
    // The key counts against the record, at its largest: 256 characters of four bytes.
    flow.max_record = flow.line.max_bytes + 1200;
    flow
}

/// Some flows to streams, by what is drawn already.
fn strict(flow: &Flow) -> bool {
    let keyed = !matches!(flow.partition_key, PartitionKey::Random | PartitionKey::Hash);
    let stream = matches!(flow.destination, Destination::Kinesis { .. });
    stream && keyed && flow.close_after.as_millis() % 7 < 3
}

/// Some flows, by what is drawn already: lines share records where their keys may.
fn aggregation(flow: &Flow) -> Option<u64> {
    let shares = matches!(
        (&flow.destination, &flow.partition_key),
        (Destination::Firehose { .. }, _)
            | (_, PartitionKey::File | PartitionKey::Const(_) | PartitionKey::Random)
    );
    let remote = matches!(flow.destination, Destination::Kinesis { .. } | Destination::Firehose { .. });
    match flow.close_after.as_millis() % 5 {
        0 if shares && remote => Some(200),
        1 if shares && remote => Some(50 * KIB),
        _ => None,
    }
}

/// Most flows have none.
fn steps(rng: &mut Rng) -> Steps {
    if !chance(rng, 350) {
        return Steps::NONE;
    }
    Steps {
        drop: rng.bool(),
        make: pick(rng, &[Make::Nothing, Make::Add, Make::Parse, Make::Parse]),
        on_error: pick(rng, &[OnError::Pass, OnError::Drop, OnError::DeadLetter]),
    }
}

fn rates(rng: &mut Rng) -> Rates {
    let mut rate = |low: u32, high: u32| if rng.bool() { rng.u32(low..high) } else { 0 };
    Rates {
        record: rate(5, 300),
        request: rate(5, 300),
        lost: rate(5, 150),
        garbled: rate(2, 60),
        slow: rate(2, 60),
        file: rate(2, 60),
        store: rate(2, 150),
        notice: rate(20, 500),
        hesitate: rate(100, 500),
    }
}

fn pace(rng: &mut Rng) -> Pace {
    Pace {
        file: MS / 10 * pick(rng, &[1, 10, 200]),
        compute: MS / 10 * pick(rng, &[1, 10, 100]),
        save: MS * pick(rng, &[1, 20, 300]),
        send: MS * pick(rng, &[2, 20, 200]),
    }
}
