//! Where agents die, and how the rare points come about.

use super::{DAY, chance, pick};
use crate::plan::point::{Deed, Point};
use crate::plan::setup::{Scope, Setup};
use crate::plan::{MS, Op};
use fastrand::Rng;
use kintail_engine::settings::{Oversize, Watch};
use std::time::Duration;

/// Deaths come here only in worlds made for it. A seed has one of these at most, so that most worlds stay as drawn.
const RARE: [Deed; 3] = [Deed::Look, Deed::Unwatch, Deed::DeadLetters];

/// What a seed's deaths are made for, if anything.
pub(super) fn theme(rng: &mut Rng) -> Option<Deed> {
    chance(rng, 550).then(|| pick(rng, &RARE))
}

/// A death, after what brings it about.
pub(super) fn death(rng: &mut Rng, theme: Option<Deed>, setup: &Setup) -> Vec<Op> {
    let theme = theme.filter(|_| rng.bool());
    let points: Vec<Point> =
        Point::all().flat_map(|point| std::iter::repeat_n(point, weight(point.deed(), theme))).collect();
    let point = pick(rng, &points);
    let mut ops = cause(rng, point, setup.writers.len());
    ops.push(Op::Crash {
        point,
        skip: if point.is_rare() { 0 } else { pick(rng, &[0, 0, 0, 1, 3]) },
        power: chance(rng, 400),
        down: MS * pick(rng, &[0, 5, 100, 1000]),
    });
    ops
}

/// How often a point is drawn: the more often, the more rarely an agent that waits for it gets there.
fn weight(deed: Option<Deed>, theme: Option<Deed>) -> usize {
    match deed {
        _ if theme.is_some() => usize::from(deed == theme),
        Some(deed) if RARE.contains(&deed) => 0,
        Some(Deed::Close) => 5,
        Some(Deed::Load | Deed::Watch | Deed::Save | Deed::Open | Deed::Encode) => 4,
        _ => 3,
    }
}

/// What makes an agent come to a point that it would hardly come to by itself.
fn cause(rng: &mut Rng, point: Point, writers: usize) -> Vec<Op> {
    match point.deed() {
        // A file that has ended and was not written for long is closed, and from then on looked at by name.
        Some(Deed::Look) => {
            let rotations = (0..writers).map(|writer| Op::Rotate { writer, reopen: true });
            rotations.chain([Op::Jump { by: DAY }]).collect()
        }
        Some(Deed::Unwatch) => {
            let writer = rng.usize(..writers);
            vec![Op::Compress { writer, after: 0 }, Op::RemoveDir { writer, reopen: true }]
        }
        _ => Vec::new(),
    }
}

/// Makes the world one in which an agent can die as it is to.
pub(super) fn suit(setup: &mut Setup, op: &Op) {
    let Op::Crash { point, .. } = op else { return };
    let agent = &mut setup.settings.agent;
    let flows = &mut setup.settings.flows;
    match point.deed() {
        Some(Deed::DeadLetters) => {
            for flow in flows {
                flow.line.oversize = Oversize::DeadLetter;
                flow.line.max_bytes = flow.line.max_bytes.min(96);
            }
        }
        Some(Deed::Look) => {
            setup.scopes[0] = Scope::All;
            flows[0].files = vec![Scope::All.glob().into()];
            for flow in flows {
                flow.close_after = flow.close_after.min(Duration::from_millis(300));
            }
            agent.rescan = agent.rescan.min(Duration::from_secs(1));
        }
        Some(Deed::Unwatch) => {
            setup.scopes[0] = Scope::All;
            flows[0].files = vec![Scope::All.glob().into()];
            setup.no_watch = false;
            agent.rescan = agent.rescan.min(Duration::from_secs(1));
            agent.watch = Watch::Auto;
        }
        _ => {}
    }
}
