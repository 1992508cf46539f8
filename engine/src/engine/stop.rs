//! The end: no more reads, what was read is sent, and what is known is saved.

use super::{Engine, Phase};
use crate::Level;
use crate::event::Now;
use crate::follow::Stage;
use crate::timer::Timer;

impl Engine {
    pub(super) fn shut_down(&mut self, now: Now) {
        match self.phase {
            Phase::Loading => self.phase = Phase::Finished,
            Phase::Running => {
                self.phase = Phase::Stopping;
                self.stop_changing();
                self.timers.set(Timer::Stop, now.mono + self.agent.shutdown_timeout);
            }
            Phase::Stopping => self.save_the_last(now),
            Phase::Saving | Phase::Finished => {}
        }
    }

    pub(super) fn stop_timed_out(&mut self, now: Now) {
        if self.phase == Phase::Stopping {
            let unanswered: u32 = self.flows.iter().map(|flow| flow.sender.in_flight()).sum();
            let text =
                format!("{unanswered} requests were not answered in time; the next start sends them again");
            self.note(Level::Warn, "stop", text);
            self.save_the_last(now);
        } else {
            self.phase = Phase::Finished;
        }
    }

    /// Begins the last transaction. It too has its time: a disk may hang.
    fn save_the_last(&mut self, now: Now) {
        self.timers.set(Timer::Stop, now.mono + self.agent.shutdown_timeout);
        self.phase = Phase::Saving;
        self.keep_endings();
        self.keeper_dirty_all();
        self.save(now);
    }

    /// Each poll: whether the next phase begins.
    pub(super) fn move_on(&mut self, now: Now) {
        match self.phase {
            Phase::Loading | Phase::Finished => {}
            Phase::Running => {
                self.look_at_next();
                self.conclude_scan(now);
                self.move_drains(now);
                self.move_changes(now);
            }
            Phase::Stopping => {
                if self.is_drained() {
                    self.save_the_last(now);
                }
            }
            Phase::Saving => {
                if self.is_saving() {
                    return;
                }
                if self.is_saved() || self.cannot_save() {
                    self.phase = Phase::Finished;
                } else {
                    self.save(now);
                }
            }
        }
    }

    /// Nothing that was read waits for anything.
    fn is_drained(&self) -> bool {
        let busy = self.files.values().flat_map(|file| &file.cursors).any(|c| c.stage == Stage::Busy);
        !busy
            && self.letters_out == 0
            && self.resend.is_none()
            && self.flows.iter().all(|flow| flow.sender.is_done())
    }

    /// The last transaction tells of every flow that it looked until now.
    fn keeper_dirty_all(&mut self) {
        for index in 0..self.flows.len() {
            self.keeper.flow(crate::ids::FlowId(index as u32));
        }
    }
}
