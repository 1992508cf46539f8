//! All deadlines of the engine but those of sending, in one table.

use crate::ids::FileId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Look at all directories, and at the files that were active lately. Each `rescan`.
    Reconcile,
    /// Look at files for which no notices come. Each 250 ms.
    PollFiles,
    /// Look at a part of the files that were not active lately.
    Sweep,
    /// See whether there is a descriptor for what waits.
    Room,
    /// Save what changed.
    Save,
    /// Forget what was not seen for long.
    Forget,
    /// Look whether a file that lost its live name is at rest.
    Quiet(FileId),
    /// Try a file again that could not be read.
    Retry(FileId),
    /// See whether a file's record of several lines waited for long enough.
    Joined(FileId),
    /// Look again at a file that is held back.
    Held(FileId),
    /// Write dead letters again that could not be written.
    DeadLetters,
    /// A drain takes too long.
    Drain,
    /// A flow that a new configuration changes takes too long to come to rest.
    Change,
    /// The shutdown takes too long.
    Stop,
}

/// Deadlines; each timer is set at most once.
#[derive(Debug, Default)]
pub struct Timers {
    due: BTreeSet<(Duration, Timer)>,
    at: BTreeMap<Timer, Duration>,
}

impl Timers {
    /// Sets a timer, in place of what it was set to.
    pub fn set(&mut self, timer: Timer, at: Duration) {
        self.cancel(timer);
        self.at.insert(timer, at);
        self.due.insert((at, timer));
    }

    /// Sets a timer unless it is due earlier anyway.
    pub fn set_by(&mut self, timer: Timer, at: Duration) {
        if self.at.get(&timer).is_none_or(|set| *set > at) {
            self.set(timer, at);
        }
    }

    /// Unsets a timer.
    pub fn cancel(&mut self, timer: Timer) {
        if let Some(at) = self.at.remove(&timer) {
            self.due.remove(&(at, timer));
        }
    }

    /// A timer that is due, no longer set.
    pub fn fire(&mut self, now: Duration) -> Option<Timer> {
        let (at, timer) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.cancel(timer);
        Some(timer)
    }

    /// The next deadline.
    pub fn next(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at)
    }
}
