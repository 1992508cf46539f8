//! `memory`: every byte held is booked to a flow. Half is split evenly between flows and never lent, the rest is
//! lent, and one reserve goes from flow to flow so that the largest line always gets through.

use std::collections::VecDeque;

/// Who holds how much of `memory`.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    reserve: u64,
    /// Between how many flows it is shared.
    flows: u64,
    used: Vec<u64>,
    /// Held while files are looked at, for no flow yet.
    looks: u64,
    /// The flow that may use the reserve now.
    holder: Option<usize>,
    /// Flows that wait for it, in turn.
    waiting: VecDeque<usize>,
    /// Flows that asked for it since the others were last forgotten.
    asked: Vec<bool>,
}

impl Budget {
    /// `limit` bytes for `flows` flows, `reserve` of them for one at a time.
    pub fn new(limit: u64, reserve: u64, flows: usize) -> Self {
        Self {
            limit,
            reserve,
            flows: flows as u64,
            looks: 0,
            used: vec![0; flows],
            holder: None,
            waiting: VecDeque::new(),
            asked: vec![false; flows],
        }
    }

    /// Shares other memory out, between other flows. What is held stays so.
    pub fn share_out(&mut self, limit: u64, reserve: u64, flows: usize) {
        (self.limit, self.reserve, self.flows) = (limit, reserve, flows as u64);
        self.release_reserve();
    }

    /// There is one more flow.
    pub fn add_flow(&mut self) {
        self.used.push(0);
        self.asked.push(false);
    }

    /// A flow holds nothing any more, and waits for nothing.
    pub fn clear(&mut self, flow: usize) {
        self.stop_waiting(flow);
        self.used[flow] = 0;
        self.release_reserve();
    }

    /// Bytes held by all flows.
    pub fn used(&self) -> u64 {
        self.used.iter().sum::<u64>() + self.looks
    }

    /// The whole of `memory`.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes held by a flow.
    pub fn used_by(&self, flow: usize) -> u64 {
        self.used[flow]
    }

    /// Takes bytes to look at a file with: few, and within the reserve's allowance for that.
    pub fn take_look(&mut self, bytes: u64) {
        self.looks += bytes;
    }

    /// Gives them back.
    pub fn give_look(&mut self, bytes: u64) {
        self.looks = self.looks.saturating_sub(bytes);
    }

    /// What one flow may always have.
    fn share(&self) -> u64 {
        (self.limit - self.reserve.min(self.limit)) / 2 / self.flows.max(1)
    }

    /// How much more a flow may take now, without the reserve; past its share only if it may borrow.
    pub fn room(&self, flow: usize, borrow: bool) -> u64 {
        let own = self.share().saturating_sub(self.used[flow]);
        if borrow { own + self.pool().saturating_sub(self.lent()) } else { own }
    }

    /// What can be lent in all.
    fn pool(&self) -> u64 {
        self.limit - self.reserve.min(self.limit) - self.share() * self.flows
    }

    /// What flows have past their shares; of the reserve too, while one has it.
    fn lent(&self) -> u64 {
        self.used.iter().map(|used| used.saturating_sub(self.share())).sum()
    }

    /// Takes bytes if there is room.
    pub fn take(&mut self, flow: usize, bytes: u64, borrow: bool) -> bool {
        let fits = bytes <= self.room(flow, borrow);
        if fits {
            self.used[flow] += bytes;
        }
        fits
    }

    /// Takes bytes that cannot be fewer and without which the flow cannot go on: from the reserve if need be, when it
    /// is the flow's turn.
    pub fn take_whole(&mut self, flow: usize, bytes: u64, borrow: bool) -> bool {
        if self.take(flow, bytes, borrow) {
            self.stop_waiting(flow);
            return true;
        }
        if !borrow {
            // A flow that waits for an answer does not get it: the others would wait with it.
            self.stop_waiting(flow);
            return false;
        }
        if self.holder.is_none() && self.waiting.front().is_none_or(|first| *first == flow) {
            self.stop_waiting(flow);
            self.holder = Some(flow);
        }
        if self.holder == Some(flow) {
            let total = self.used.iter().sum::<u64>();
            let fits = bytes <= self.limit.saturating_sub(total + self.untouchable(flow));
            if fits {
                self.used[flow] += bytes;
            }
            self.release_reserve();
            return fits;
        }
        self.asked[flow] = true;
        if !self.waiting.contains(&flow) {
            self.waiting.push_back(flow);
        }
        false
    }

    /// What is left of the shares of all other flows.
    fn untouchable(&self, flow: usize) -> u64 {
        let others = (0..self.used.len()).filter(|other| *other != flow);
        others.map(|other| self.share().saturating_sub(self.used[other])).sum()
    }

    /// Every flow had the occasion to ask: one that did not waits for nothing any more, and must not be waited for.
    /// Returns whether another may have the reserve by that.
    pub fn forget_silent(&mut self) -> bool {
        let first = self.waiting.front().copied();
        self.waiting.retain(|flow| self.asked[*flow]);
        self.asked.fill(false);
        self.holder.is_none() && self.waiting.front().is_some_and(|flow| Some(*flow) != first)
    }

    /// Forgets that a flow waits for the reserve.
    pub fn stop_waiting(&mut self, flow: usize) {
        self.waiting.retain(|other| *other != flow);
    }

    /// Gives bytes back; the reserve too, as soon as the flow does without.
    pub fn give(&mut self, flow: usize, bytes: u64) {
        debug_assert!(self.used[flow] >= bytes, "gives back more than it took");
        self.used[flow] = self.used[flow].saturating_sub(bytes);
        self.release_reserve();
    }

    /// Whoever has the reserve gives it up once all fits without.
    fn release_reserve(&mut self) {
        let Some(flow) = self.holder.take() else { return };
        if self.lent() > self.pool() {
            self.holder = Some(flow);
        }
    }

    /// Books a change of size: from what was reserved to what it turned out to be.
    pub fn resize(&mut self, flow: usize, from: u64, to: u64) {
        if to > from {
            self.used[flow] += to - from;
        } else {
            self.give(flow, from - to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_split_evenly_and_never_lent() {
        let mut budget = Budget::new(1100, 100, 2);
        assert!(budget.take(0, 750, true), "its share of 250, and all that is lent");
        assert!(!budget.take(0, 1, true));
        assert!(budget.take(1, 250, false), "the other's share is untouched");
        assert!(!budget.take(1, 1, true));
        budget.give(0, 100);
        assert!(budget.take(1, 100, true));
    }

    #[test]
    fn a_flow_that_may_not_borrow_keeps_to_its_share() {
        let mut budget = Budget::new(1100, 100, 2);
        assert!(!budget.take(0, 251, false));
        assert!(budget.take(0, 250, false));
    }

    #[test]
    fn the_reserve_goes_from_flow_to_flow_in_turn() {
        let mut budget = Budget::new(1100, 100, 2);
        assert!(budget.take(0, 750, true) && budget.take(1, 250, true));
        assert!(budget.take_whole(1, 100, true));
        assert!(!budget.take_whole(0, 100, true), "it is in use");
        budget.give(1, 100);
        assert!(!budget.take_whole(1, 100, true), "the other waited");
        assert!(budget.take_whole(0, 100, true));
        assert!(budget.used() <= budget.limit());
    }

    #[test]
    fn a_flow_that_asks_no_more_is_not_waited_for() {
        let mut budget = Budget::new(1100, 100, 3);
        assert!(budget.take(0, 666, true) && budget.take(1, 166, true) && budget.take(2, 166, true));
        assert!(budget.take_whole(0, 50, true));
        assert!(!budget.take_whole(1, 50, true) && !budget.take_whole(2, 50, true));
        assert!(!budget.forget_silent(), "both asked");
        budget.give(0, 50);
        assert!(!budget.take_whole(2, 50, true), "the other is first");
        assert!(budget.forget_silent());
        assert!(budget.take_whole(2, 50, true));
    }
}
