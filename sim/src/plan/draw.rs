//! From a seed to its plan.

use super::point::{Deed, Point};
use super::setup::{Pace, ROOT, Rates, Scope, Setup, Style, Writer};
use super::{Fault, MS, Op, Plan, SEC, Timed};
use crate::text::tellable;
use fastrand::Rng;
use kintail_engine::settings::{
    Agent, Batch, Destination, Flow, HoldDeleted, KIB, Line, Newline, Oversize, Pacing, PartitionKey,
    Settings, StartAt, Watch, least_memory,
};
use std::path::Path;
use std::time::Duration;

impl Plan {
    /// The plan of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut setup = setup(&mut rng);
        let ops = ops(&mut rng, &setup);
        let burying =
            |op: &Op| matches!(op, Op::Crash { point, .. } if point.deed() == Some(Deed::DeadLetters));
        if ops.iter().any(|timed| burying(&timed.op)) {
            for flow in &mut setup.settings.flows {
                flow.line.oversize = Oversize::DeadLetter;
                flow.line.max_bytes = 200;
            }
        }
        Self { seed, noise: rng.u64(..), setup, ops }
    }
}

/// One of these.
pub(crate) fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

/// True `part` times in a thousand.
pub(crate) fn chance(rng: &mut Rng, part: u32) -> bool {
    part > 0 && rng.u32(..1000) < part
}

fn millis(rng: &mut Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

fn setup(rng: &mut Rng) -> Setup {
    let dirs = [ROOT, ROOT, "/log/sub", "/log/sub/deep", "/log/other"];
    let styles = [Style::Numbers { keep: 2 }, Style::Numbers { keep: 4 }, Style::Date, Style::Stem];
    let writers = (0..rng.usize(1..=3))
        .map(|n| Writer {
            path: Path::new(pick(rng, &dirs)).join(format!("app{n}.log")),
            style: pick(rng, &styles),
            early: chance(rng, 300),
        })
        .collect();
    let scopes: Vec<Scope> = (0..pick(rng, &[1, 1, 1, 2, 3]))
        .map(|_| pick(rng, &[Scope::Live, Scope::Family, Scope::Tree, Scope::All, Scope::All]))
        .collect();
    let flows = scopes.iter().enumerate().map(|(n, scope)| flow(rng, n, *scope)).collect();
    let mut settings = Settings { agent: agent(rng), flows };
    settings.agent.memory = least_memory(&settings) + pick(rng, &[0, 0, 16 * KIB, 1024 * KIB]);
    let calm = chance(rng, 300);
    Setup {
        settings,
        scopes,
        writers,
        births: chance(rng, 700),
        grain: pick(rng, &[1, 4_000_000, 10_000_000]),
        deaf_dirs: chance(rng, 80),
        no_watch: chance(rng, 80),
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
    flow.close_after = millis(rng, 100..3000);
    flow.partition_key = match rng.u32(..5) {
        0 => PartitionKey::File,
        1 => PartitionKey::Hash,
        2 => PartitionKey::Field("missing".into()),
        3 => PartitionKey::Const("one".into()),
        _ => PartitionKey::Random,
    };
    flow.pacing = pick(rng, &[Pacing::Auto, Pacing::Adaptive, Pacing::Off]);
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
    // The key counts against the record, at its largest: 256 characters of four bytes.
    flow.max_record = flow.line.max_bytes + 1200;
    flow
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

fn ops(rng: &mut Rng, setup: &Setup) -> Vec<Timed> {
    let length = SEC * rng.u64(3..12);
    let heavy = chance(rng, 60);
    let mut ops: Vec<Timed> = (0..rng.u64(25..70))
        .map(|_| Timed { at: rng.u64(..length), op: operation(rng, setup, heavy) })
        .collect();
    if rng.bool() {
        for _ in 0..rng.u32(2..=6) {
            ops.push(Timed { at: rng.u64(..length), op: crash(rng) });
        }
    }
    // Operations often come in quick succession: a rotation right after a write, a write right after that.
    for n in 1..ops.len() {
        if chance(rng, 300) {
            ops[n].at = ops[n - 1].at + rng.u64(..20 * MS);
        }
    }
    ops.sort_by_key(|timed| timed.at);
    ops
}

fn operation(rng: &mut Rng, setup: &Setup, heavy: bool) -> Op {
    let writer = rng.usize(..setup.writers.len());
    match rng.u32(..100) {
        0..43 => Op::Append { writer, lines: lines(rng, setup, heavy) },
        43..54 => Op::Half { writer, body: body(rng, setup, heavy), part: rng.u32(1..6) },
        54..63 => Op::Rotate { writer, reopen: chance(rng, 700) },
        63..66 => Op::Reopen { writer },
        66..69 => Op::Truncate { writer },
        69..73 => Op::Refill { writer, more: pick(rng, &[0, 0, -40, 200]) },
        73..76 => Op::Delete { writer, reopen: rng.bool() },
        76..79 => Op::Prune { writer },
        79..82 => Op::Link { writer },
        82..84 => Op::Touch { writer },
        84..86 => Op::Jump { by: pick(rng, &[-3_600_000, -500, 700, 86_400_000]) },
        86..94 => Op::Fault { kind: fault(rng), lasts: MS * rng.u64(50..3000) },
        94..97 => Op::Ask,
        _ => Op::Stop { down: MS * rng.u64(..1500) },
    }
}

fn fault(rng: &mut Rng) -> Fault {
    pick(rng, &[Fault::Outage, Fault::Throttle, Fault::StoreFull, Fault::Files, Fault::Deaf])
}

fn crash(rng: &mut Rng) -> Op {
    // Some points come so rarely that most agents die elsewhere before.
    let weight = |point: Point| match point.deed() {
        Some(Deed::Look | Deed::Unwatch) => 0,
        Some(Deed::Close) => 3,
        Some(Deed::Watch | Deed::Save) => 2,
        _ => 1,
    };
    let points: Vec<Point> =
        Point::all().flat_map(|point| std::iter::repeat_n(point, weight(point))).collect();
    Op::Crash {
        point: pick(rng, &points),
        skip: pick(rng, &[0, 0, 0, 1, 3]),
        power: chance(rng, 400),
        down: MS * pick(rng, &[0, 5, 100, 1000]),
    }
}

fn lines(rng: &mut Rng, setup: &Setup, heavy: bool) -> Vec<u32> {
    let most = if heavy { 12 } else { 6 };
    (0..rng.u32(1..most)).map(|_| body(rng, setup, heavy)).collect()
}

/// A line's length: around the limits, or plain. Never a multiple of eight but 0, so that the last piece of a
/// split line is more than its newline.
fn body(rng: &mut Rng, setup: &Setup, heavy: bool) -> u32 {
    let flow = &setup.settings.flows[rng.usize(..setup.settings.flows.len())];
    let limit = flow.line.max_bytes as usize;
    let most = if heavy { 4000 } else { 120 };
    let limit = limit.min(most * 4);
    let length = match rng.u32(..100) {
        0..4 => return 0,
        4..8 => limit - 1,
        8..11 => limit + rng.usize(1..8),
        11..14 => limit * 2 + rng.usize(..200),
        _ => rng.usize(4..most),
    };
    let length = tellable(length);
    (length - usize::from(length.is_multiple_of(8))) as u32
}
