//! Sequences that bring together what seldom meets by chance.

use super::{chance, pick};
use crate::plan::setup::Setup;
use crate::plan::{Fault, MS, Op, SEC, Timed};
use fastrand::Rng;

/// One of the stories, begun at some time.
pub(super) fn story(rng: &mut Rng, setup: &Setup, begin: u64) -> Vec<Timed> {
    let writer = rng.usize(..setup.writers.len());
    let ops = match rng.u32(..3) {
        0 => a_name_goes_while_the_other_is_hidden(writer),
        1 => half_a_line_where_nobody_can_look(writer),
        _ => refilled_again_and_again(rng, writer),
    };
    ops.into_iter().map(|(after, op)| Timed { at: begin + after, op }).collect()
}

/// A file has two names; while nobody looks it loses one, and then the other cannot be seen for a while.
fn a_name_goes_while_the_other_is_hidden(writer: usize) -> Vec<(u64, Op)> {
    vec![
        (0, Op::Append { writer, lines: vec![60, 70] }),
        (MS, Op::Link { writer }),
        (SEC, Op::Append { writer, lines: vec![41] }),
        (3 * SEC, Op::Stop { down: 300 * MS }),
        (3 * SEC + 50 * MS, Op::Delete { writer, reopen: true }),
        (3 * SEC + 60 * MS, Op::Fault { kind: Fault::Hidden, lasts: 9 * SEC }),
    ]
}

/// A live file ends in half a line, and its directory cannot be listed.
fn half_a_line_where_nobody_can_look(writer: usize) -> Vec<(u64, Op)> {
    vec![
        (0, Op::Append { writer, lines: vec![52] }),
        (MS, Op::Half { writer, body: 95, part: 3 }),
        (500 * MS, Op::Fault { kind: Fault::Files, lasts: 5 * SEC }),
    ]
}

/// A file is truncated and written anew faster than it is read.
fn refilled_again_and_again(rng: &mut Rng, writer: usize) -> Vec<(u64, Op)> {
    let mut ops = Vec::new();
    let mut at = 0;
    for _ in 0..rng.u32(2..8) {
        ops.push((at, Op::Append { writer, lines: vec![60, 103, 28] }));
        at += rng.u64(..5 * MS);
        ops.push((at, Op::Refill { writer, more: pick(rng, &[0, 0, -40, 200]) }));
        at += rng.u64(..40 * MS);
        if chance(rng, 300) {
            at += 300 * MS;
        }
    }
    ops
}
