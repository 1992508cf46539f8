//! What a seed stands for: the settings, the faults, and a list of operations with their times. A plan is data,
//! so that it can be shrunk and shown.

pub(crate) mod draw;
pub(crate) mod joined;
pub(crate) mod point;
pub(crate) mod setup;
pub(crate) mod steps;

use point::Point;
use setup::Setup;

/// Milliseconds in the clock's unit.
pub(crate) const MS: u64 = 1_000_000;
/// Seconds in the clock's unit.
pub(crate) const SEC: u64 = 1000 * MS;

/// All that happens in a world, but for latencies and single faults, which `noise` decides.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) noise: u64,
    pub(crate) setup: Setup,
    /// In the order of their times.
    pub(crate) ops: Vec<Timed>,
}

/// An operation and its time in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Timed {
    pub(crate) at: u64,
    pub(crate) op: Op,
}

/// Something that happens to the world. Writers are named by their place in [`Setup::writers`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Writes lines of these lengths (newline not counted); ends an open half line first.
    Append { writer: usize, lines: Vec<u32> },
    /// Begins a line of this length, or writes on at the open one, without its newline.
    Half { writer: usize, body: u32, part: u32 },
    /// Renames the live file away. Without `reopen` the writer goes on in the renamed one.
    Rotate { writer: usize, reopen: bool },
    /// A writer that went on in a renamed or deleted file makes a new one.
    Reopen { writer: usize },
    /// Cuts the live file to nothing.
    Truncate { writer: usize },
    /// Copies the live file to a rotated name, and cuts it to nothing a while after.
    Copy { writer: usize, after: u64 },
    /// Compresses the youngest rotated file that is not, which goes when that is done, a while after.
    Compress { writer: usize, after: u64 },
    /// Cuts it to nothing and writes again at once, to as many bytes as before plus `more`.
    Refill { writer: usize, more: i32 },
    /// Removes the live file's name.
    Delete { writer: usize, reopen: bool },
    /// Removes the live file's directory with all that is below it.
    RemoveDir { writer: usize, reopen: bool },
    /// Removes the oldest rotated file.
    Prune { writer: usize },
    /// Gives the live file a second name.
    Link { writer: usize },
    /// Moves the file's times without a write.
    Touch { writer: usize },
    /// The wall clock jumps by so many milliseconds.
    Jump { by: i64 },
    /// A fault lasts for so long.
    Fault { kind: Fault, lasts: u64 },
    /// Somebody asks for the status.
    Ask,
    /// The agent gets another configuration, in which this flow's batches are of another age; or, with `globs`, it has one more
    /// that leads nowhere, or one less.
    Reload { flow: usize, globs: bool },
    /// The agent dies at the `skip`-th next occurrence of `point`, and stays down for a while. With `power` the
    /// whole machine does, and the store loses what was not synced.
    Crash { point: Point, skip: u32, power: bool, down: u64 },
    /// The agent is told to end, and is started again after a while.
    Stop { down: u64 },
}

impl Plan {
    /// Whether the wall clock never goes back.
    pub(crate) fn has_steady_clock(&self) -> bool {
        !self.ops.iter().any(|timed| matches!(timed.op, Op::Jump { by } if by < 0))
    }
}

/// A fault that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// No request gets an answer that helps.
    Outage,
    /// Most requests and records are throttled.
    Throttle,
    /// The store cannot be written.
    StoreFull,
    /// Most calls on files fail.
    Files,
    /// Notices are lost; the kernel says so in the end.
    Deaf,
    /// The directory of second names cannot be listed.
    Hidden,
}
