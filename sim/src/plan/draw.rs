//! From a seed to its plan.

mod crash;
mod setup;
mod story;

use super::setup::Setup;
use super::{Fault, MS, Op, Plan, SEC, Timed};
use crate::text::tellable;
use crash::{death, suit, theme};
use fastrand::Rng;
use setup::setup;
use story::story;

/// In milliseconds.
const DAY: i64 = 86_400_000;

impl Plan {
    /// The plan of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut setup = setup(&mut rng);
        let mut ops = ops(&mut rng, &setup);
        ops.extend(reloads(seed, &setup, &ops));
        ops.sort_by_key(|timed| timed.at);
        for timed in &ops {
            suit(&mut setup, &timed.op);
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

fn ops(rng: &mut Rng, setup: &Setup) -> Vec<Timed> {
    let length = SEC * rng.u64(3..12);
    let heavy = chance(rng, 60);
    let mut ops: Vec<Timed> = (0..rng.u64(50..120))
        .map(|_| Timed { at: rng.u64(..length), op: operation(rng, setup, heavy) })
        .collect();
    // Operations often come in quick succession: a rotation right after a write, a write right after that.
    for n in 1..ops.len() {
        if chance(rng, 300) {
            ops[n].at = ops[n - 1].at + rng.u64(..20 * MS);
        }
    }
    if chance(rng, 150) {
        let begin = rng.u64(..length);
        ops.extend(story(rng, setup, begin));
    }
    // Half of the seeds, and a few whose deaths find no agent that lives.
    if chance(rng, 520) {
        let theme = theme(rng);
        for _ in 0..rng.u32(3..=7) {
            let at = moment(rng, &ops, length);
            ops.extend(death(rng, theme, setup).into_iter().map(|op| Timed { at, op }));
        }
    }
    ops.sort_by_key(|timed| timed.at);
    ops
}

/// One agent in four gets other configurations. With dice of their own: the worlds of the others stay as they are.
fn reloads(seed: u64, setup: &Setup, ops: &[Timed]) -> Vec<Timed> {
    let mut rng = Rng::with_seed(!seed);
    if !chance(&mut rng, 250) {
        return Vec::new();
    }
    let reload = |rng: &mut Rng| {
        let at = ops[rng.usize(..ops.len())].at + rng.u64(..20 * MS);
        let flow = rng.usize(..setup.settings.flows.len());
        Timed { at, op: Op::Reload { flow, globs: chance(rng, 400) } }
    };
    (0..rng.u32(1..8)).map(|_| reload(&mut rng)).collect()
}

/// When an agent is to die. Not at once: a crash is worth more when something happened before.
fn moment(rng: &mut Rng, ops: &[Timed], length: u64) -> u64 {
    let near = ops[rng.usize(..ops.len())].at + rng.u64(..20 * MS);
    if chance(rng, 300) { near } else { rng.u64(length / 5..length) }
}

fn operation(rng: &mut Rng, setup: &Setup, heavy: bool) -> Op {
    let writer = rng.usize(..setup.writers.len());
    match rng.u32(..100) {
        0..23 => Op::Append { writer, lines: lines(rng, setup, heavy) },
        23..27 => Op::Compress { writer, after: pick(rng, &[0, MS, 300 * MS, 3 * SEC]) },
        27..30 => Op::Copy { writer, after: pick(rng, &[0, MS, 20 * MS, 300 * MS]) },
        30..38 => Op::Half { writer, body: body(rng, setup, heavy), part: rng.u32(1..6) },
        38..48 => Op::Rotate { writer, reopen: chance(rng, 700) },
        48..52 => Op::Reopen { writer },
        52..56 => Op::Truncate { writer },
        56..60 => Op::Refill { writer, more: pick(rng, &[0, 0, -40, 200]) },
        60..64 => Op::Delete { writer, reopen: rng.bool() },
        64..67 => Op::RemoveDir { writer, reopen: rng.bool() },
        67..73 => Op::Prune { writer },
        73..77 => Op::Link { writer },
        77..80 => Op::Touch { writer },
        80..83 => Op::Jump { by: pick(rng, &[-3_600_000, -500, 700, DAY]) },
        83..94 => Op::Fault { kind: fault(rng), lasts: MS * rng.u64(50..3000) },
        94..97 => Op::Ask,
        _ => Op::Stop { down: MS * rng.u64(..1500) },
    }
}

fn fault(rng: &mut Rng) -> Fault {
    // Where files cannot be read, little happens that an agent could die of.
    pick(rng, &[Fault::Outage, Fault::Throttle, Fault::StoreFull, Fault::Files, Fault::Files, Fault::Deaf])
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
