//! How the agent starts, stands still and ends.

use crate::world::{Due, PATIENCE, TICK, World};
use rustix::process::Signal;
use std::thread;
use std::time::{Duration, Instant};

/// Whether the agent runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Up,
    /// Told to end; it starts again so long after it did.
    Ending(Duration),
    Down,
}

impl World {
    pub(crate) fn start(&mut self) {
        self.say("the agent starts");
        self.daemon.start();
        (self.life, self.still, self.started) = (Life::Up, Duration::ZERO, Instant::now());
    }

    pub(crate) fn is_up(&self) -> bool {
        self.life == Life::Up
    }

    pub(crate) fn freeze(&mut self, lasts: Duration) {
        if self.is_up() && self.frozen.is_none() {
            self.daemon.signal(Signal::STOP);
            self.frozen = Some(Instant::now());
            self.later(lasts, Due::Thaw);
        }
    }

    pub(crate) fn thaw(&mut self) {
        if let Some(since) = self.frozen.take() {
            self.daemon.signal(Signal::CONT);
            self.still += since.elapsed();
            self.due.retain(|(_, due)| !matches!(due, Due::Thaw));
            self.say("the agent goes on");
        }
    }

    pub(crate) fn kill(&mut self, down: Duration) {
        if self.is_up() {
            self.thaw();
            self.daemon.kill();
            self.listen();
            self.book.killed(self.still);
            self.model.agent_ended();
            self.life = Life::Down;
            self.later(down, Due::Start);
        }
    }

    pub(crate) fn stop(&mut self, down: Duration) {
        if self.is_up() {
            self.thaw();
            self.daemon.signal(Signal::TERM);
            self.model.agent_ended();
            self.life = Life::Ending(down);
        }
    }

    /// Has the agent end in order.
    pub(crate) fn finish(&mut self) {
        self.say("the agent is told to end");
        self.life = Life::Ending(Duration::MAX);
        self.daemon.signal(Signal::TERM);
        if !self.wait_for_end() {
            self.faults.push("the agent does not end".into());
        }
    }

    pub(crate) fn wait_for_end(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(well) = self.daemon.ended() {
                self.listen();
                return well;
            }
            thread::sleep(TICK);
        }
        false
    }

    pub(crate) fn is_idle(&self) -> bool {
        let Some(flow) = self.daemon.status() else { return false };
        let list = |name: &str| flow[name].as_array().cloned().unwrap_or_default();
        let waits = list("files").iter().any(|file| file["waiting_for"] != "");
        let held = list("unread").iter().any(|name| name["why"].as_str().unwrap_or("").contains("held back"));
        flow["in_flight"] == 0 && !waits && !held
    }
}
