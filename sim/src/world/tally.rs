//! What happened in a world, counted.

use crate::plan::point::Point;
use std::collections::{BTreeMap, BTreeSet};

/// Operations as they turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Append,
    Half,
    Create,
    MakeDir,
    Rotate,
    RotateOpen,
    Reopen,
    Truncate,
    Copy,
    Compress,
    Refill,
    Delete,
    RemoveDir,
    Prune,
    Link,
    Touch,
    Jump,
    Outage,
    Throttle,
    StoreFull,
    FileErrors,
    Deaf,
    Ask,
    Stop,
}

/// All kinds.
pub(crate) const KINDS: [Kind; 24] = [
    Kind::Append,
    Kind::Half,
    Kind::Create,
    Kind::MakeDir,
    Kind::Rotate,
    Kind::RotateOpen,
    Kind::Reopen,
    Kind::Truncate,
    Kind::Copy,
    Kind::Compress,
    Kind::Refill,
    Kind::Delete,
    Kind::RemoveDir,
    Kind::Prune,
    Kind::Link,
    Kind::Touch,
    Kind::Jump,
    Kind::Outage,
    Kind::Throttle,
    Kind::StoreFull,
    Kind::FileErrors,
    Kind::Deaf,
    Kind::Ask,
    Kind::Stop,
];

/// Counts of one world, or of many.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) events: u64,
    pub(crate) actions: u64,
    pub(crate) polls: u64,
    pub(crate) requests: u64,
    pub(crate) letters: u64,
    pub(crate) crashes: u64,
    pub(crate) power_cuts: u64,
    pub(crate) stops: u64,
    /// Most bytes held for the engine.
    pub(crate) peak: u64,
    pub(crate) operations: [u64; KINDS.len()],
    /// Crashes at a point, where that life or the one before saw an operation.
    pub(crate) pairs: BTreeMap<(Kind, Point), u64>,
}

impl Tally {
    /// An agent died here, after these operations.
    pub(crate) fn crash(&mut self, at: Point, done: &BTreeSet<Kind>) {
        self.crashes += 1;
        for kind in done {
            *self.pairs.entry((*kind, at)).or_default() += 1;
        }
    }

    /// Adds another world's counts.
    pub(crate) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.actions += other.actions;
        self.polls += other.polls;
        self.requests += other.requests;
        self.letters += other.letters;
        self.crashes += other.crashes;
        self.power_cuts += other.power_cuts;
        self.stops += other.stops;
        self.peak = self.peak.max(other.peak);
        for (sum, more) in self.operations.iter_mut().zip(other.operations) {
            *sum += more;
        }
        for (pair, more) in &other.pairs {
            *self.pairs.entry(*pair).or_default() += more;
        }
    }
}
