//! Where agents die, and worlds in which the rare points come often enough.

use super::{chance, pick};
use crate::plan::point::{Deed, Point};
use crate::plan::setup::Setup;
use crate::plan::{MS, Op};
use fastrand::Rng;
use kintail_engine::settings::Oversize;

/// How often a point is drawn.
fn weight(point: Point) -> usize {
    match (point, point.deed()) {
        (_, Some(Deed::Look | Deed::Unwatch)) => 0,
        // Deaths that wait in vain for their point are mostly here.
        (Point::Answered(Deed::List | Deed::Frame | Deed::Send), _) => 1,
        // These come so rarely that most agents die elsewhere before.
        (_, Some(Deed::Close)) => 6,
        (_, Some(Deed::DeadLetters | Deed::Open | Deed::Encode | Deed::Watch | Deed::Save)) => 4,
        _ => 3,
    }
}

/// A death.
pub(super) fn crash(rng: &mut Rng) -> Op {
    let points: Vec<Point> =
        Point::all().flat_map(|point| std::iter::repeat_n(point, weight(point))).collect();
    let point = pick(rng, &points);
    Op::Crash {
        point,
        skip: if point.is_rare() { 0 } else { pick(rng, &[0, 0, 0, 1, 3]) },
        power: chance(rng, 400),
        down: MS * pick(rng, &[0, 5, 100, 1000]),
    }
}

/// Makes the world one in which an agent can die as it is to.
pub(super) fn suit(setup: &mut Setup, op: &Op) {
    let Op::Crash { point, .. } = op else { return };
    if point.deed() == Some(Deed::DeadLetters) {
        for flow in &mut setup.settings.flows {
            flow.line.oversize = Oversize::DeadLetter;
            flow.line.max_bytes = flow.line.max_bytes.min(96);
        }
    }
}
