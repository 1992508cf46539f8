//! The table of operations and crash points: which agent lives ended where, after what.

use crate::plan::point::Point;
use crate::world::{KINDS, Kind, Tally};
use std::fmt::Write;

/// Each pair is to be hit so often...
const WANTED: u64 = 100;
/// ...in so many seeds.
const SHARE: u64 = 20_000;

/// The table: a line for each crash point, a column for each operation.
pub(crate) fn text(tally: &Tally, seeds: u64) -> String {
    let mut text = format!("\n{:<24}", "crash after");
    for kind in KINDS {
        let name = format!("{kind:?}");
        write!(text, "{:>8}", &name[..name.len().min(7)]).expect("a string takes all");
    }
    for point in Point::all() {
        write!(text, "\n{:<24}", format!("{point:?}")).expect("a string takes all");
        for kind in KINDS {
            write!(text, "{:>8}", count(tally, kind, point)).expect("a string takes all");
        }
    }
    let least = pairs().map(|(kind, point)| count(tally, kind, point)).min().unwrap_or(0);
    write!(text, "\nat least {least}; {} pairs under {WANTED} in {SHARE} seeds\n", rare(tally, seeds).len())
        .expect("a string takes all");
    text
}

/// Pairs hit too rarely, by name.
pub(crate) fn rare(tally: &Tally, seeds: u64) -> Vec<String> {
    pairs()
        .filter(|(kind, point)| count(tally, *kind, *point) * SHARE < WANTED * seeds)
        .map(|(kind, point)| format!("{kind:?} before a crash at {point:?}"))
        .collect()
}

/// All pairs: there is none that cannot occur.
fn pairs() -> impl Iterator<Item = (Kind, Point)> {
    Point::all().flat_map(|point| KINDS.into_iter().map(move |kind| (kind, point)))
}

fn count(tally: &Tally, kind: Kind, point: Point) -> u64 {
    tally.pairs.get(&(kind, point)).copied().unwrap_or(0)
}
