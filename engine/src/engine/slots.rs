//! How much is asked for at once of one kind. What a mount that hangs never answers does not keep the rest waiting: what
//! has been out since before the last reconcile takes no slot.

#[derive(Debug)]
pub(super) struct Slots {
    most: usize,
    out: usize,
    /// Of those, how many were out at the last reconcile, and may be for ever.
    stuck: usize,
}

impl Slots {
    pub(super) fn new(most: usize) -> Self {
        Self { most, out: 0, stuck: 0 }
    }

    /// Whether one more may be asked for.
    pub(super) fn has_one(&self) -> bool {
        self.out < self.stuck + self.most
    }

    /// Whether all was answered.
    pub(super) fn are_free(&self) -> bool {
        self.out == 0
    }

    pub(super) fn take(&mut self) {
        self.out += 1;
    }

    pub(super) fn give(&mut self) {
        self.out -= 1;
        self.stuck = self.stuck.min(self.out);
    }

    /// A reconcile begins.
    pub(super) fn reconcile(&mut self) {
        self.stuck = self.out;
    }
}
