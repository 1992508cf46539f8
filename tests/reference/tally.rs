//! What rounds were about, so that one sees how strict they were.

use std::fmt;
use std::ops::AddAssign;

/// Counts lines, but for the last ones.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Complete ones that were written.
    pub(crate) written: usize,
    /// That had to arrive.
    pub(crate) owed: usize,
    /// That came, though they were not owed any more.
    pub(crate) spared: usize,
    /// That were destroyed unread and are on the ledger.
    pub(crate) on_ledger: usize,
    /// That were destroyed unread, for which a possible loss had to be counted.
    pub(crate) counted: usize,
    /// Whose content was destroyed before anything of it was read.
    pub(crate) unread: usize,
    /// That were written between a copy and the truncation.
    pub(crate) uncopied: usize,
    /// That were written to a file that no agent follows any more.
    pub(crate) unfollowed: usize,
    /// That came more than once, for a reason.
    pub(crate) repeated: usize,
    /// Half lines that came.
    pub(crate) halves: usize,
    pub(crate) kills: usize,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.written += other.written;
        self.owed += other.owed;
        self.spared += other.spared;
        self.on_ledger += other.on_ledger;
        self.counted += other.counted;
        self.unread += other.unread;
        self.uncopied += other.uncopied;
        self.unfollowed += other.unfollowed;
        self.repeated += other.repeated;
        self.halves += other.halves;
        self.kills += other.kills;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { written, owed, spared, on_ledger, counted, .. } = self;
        let Self { unread, uncopied, unfollowed, repeated, halves, kills, .. } = self;
        write!(
            f,
            "{written} lines: {owed} owed, {spared} others delivered, {on_ledger} on the ledger, {counted} in possible \
             losses, {unread} in contents never read, {uncopied} after a copy, {unfollowed} in files that none follows; \
             {repeated} came again for a reason, {halves} half lines, {kills} kills"
        )
    }
}
