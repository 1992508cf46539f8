//! The agent starts, dies, and ends in order.

use super::agent::{Agent, Echo, Flight, Stage};
use super::writers::Ink;
use super::{Armed, Kind, What, World, wall};
use crate::oracle::Broken;
use crate::plan::point::{Deed, Point};
use crate::plan::{MS, SEC};
use kintail_engine::event::{Do, Event, Outcome, Request};
use kintail_engine::ids::ActionId;
use kintail_engine::{Engine, Start};
use std::collections::BTreeSet;

/// So many first bytes tell a content from one that took its place.
const TOLD_BY: u64 = 1024;

impl World {
    /// An agent starts from what the store holds.
    pub(super) fn start(&mut self) -> Result<(), Broken> {
        if self.agent.is_some() {
            return Ok(());
        }
        self.lives += 1;
        if self.plan.setup.renumbered && self.rng.bool() {
            self.renumber();
        }
        self.say(|| "an agent starts".into());
        self.oracle.started(&self.disk, &self.store.rows, self.store.is_of(&self.boot_id()));
        let start = Start {
            settings: self.plan.setup.settings.clone(),
            seed: self.rng.u64(..),
            boot_id: self.boot_id(),
            booted: self.booted,
        };
        let engine =
            Engine::new(start).map_err(|error| Broken::new("good settings are taken", error.to_string()))?;
        self.agent = Some(Agent::new(engine, self.lives, self.now));
        self.await_death();
        Ok(())
    }

    /// The device is mounted again, or the machine was booted.
    fn renumber(&mut self) {
        // What is in another directory now is told only by a boot, and a time of birth; and of a name of which no row tells,
        // nobody knows what is behind it.
        let archives = self.plan.setup.writers.iter().any(|writer| writer.archives);
        if archives && !self.plan.setup.births || self.disk.nodes.iter().any(|node| node.linked) {
            return;
        }
        self.disk.dev += 1;
        let booted = archives || self.rng.bool();
        if booted {
            self.boots += 1;
            self.booted = wall(self.now, self.skew);
        }
        self.oracle.renumbered(&self.disk, booted);
    }

    /// The agent has reached a point; it may be where it dies.
    pub(super) fn reached(&mut self, point: Point) -> Result<(), Broken> {
        self.last = point;
        match &mut self.armed {
            Some(armed) if armed.point == point && armed.skip == 0 && self.agent.is_some() => self.crash(),
            Some(armed) if armed.point == point => {
                armed.skip = armed.skip.saturating_sub(1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The agent dies where it is.
    pub(super) fn crash(&mut self) -> Result<(), Broken> {
        let Some(Armed { power, down, .. }) = self.armed.take() else { return Ok(()) };
        if self.agent.is_none() {
            return Ok(());
        }
        self.say(|| format!("the agent dies{}", if power { ", the power is cut" } else { "" }));
        let done: BTreeSet<Kind> = self.done.iter().flatten().copied().collect();
        self.tally.crash(self.last, &done);
        self.bury_agent()?;
        if power {
            self.cut_power();
        }
        self.queue.put(self.now + down, What::Start);
        Ok(())
    }

    /// What was not synced is lost: of the store, and of logs their ends.
    fn cut_power(&mut self) {
        self.boots += 1;
        self.booted = wall(self.now, self.skew);
        let kept = self.rng.usize(..=self.store.unsynced());
        self.store.lose(kept);
        self.oracle.power_cut(&self.store.rows);
        self.tally.power_cuts += 1;
        // Where the clock is set back, nobody knows what was written since the boot.
        if self.plan.has_steady_clock() && self.rng.u8(..4) > 0 {
            self.lose_ends();
            self.write_before_the_agent();
        }
        // After one, a file system may fail for a while.
        if self.rng.u8(..8) == 0 {
            self.faults.files = self.faults.files.max(self.now + 2 * SEC);
        }
    }

    /// Some programs start before the agent does, and write where nothing may be left of what it has read.
    fn write_before_the_agent(&mut self) {
        for writer in 0..self.pens.len() {
            if self.disk.find(&self.plan.setup.writers[writer].path).is_some() && self.rng.bool() {
                self.write_live(writer, &Ink::Lines(&[23, 70]));
            }
        }
    }

    fn lose_ends(&mut self) {
        for node in 0..self.disk.nodes.len() {
            // The machine boots at once here, so what is left was written a while before.
            let written = self.stamp() - 3 * SEC as i64;
            let may = self.disk.may_lose_end(node, written) && !self.to_be_cut.contains(&node);
            if !may || self.rng.u8(..4) == 0 {
                continue;
            }
            let content = self.disk.nodes[node].content;
            let mut ends = self.disk.line_ends(content);
            // A file that is told from a refill by what is left of its beginning is the one that goes on where it ends.
            let told = ends.partition_point(|end| *end < TOLD_BY);
            if told < ends.len() && self.rng.u8(..4) > 0 {
                ends.drain(..told);
            }
            let kept = ends[self.rng.usize(..ends.len())];
            self.disk.lose_end(node, kept);
            self.disk.touch(node, written);
            self.oracle.lost_end(&self.disk, content, &self.store.rows);
            self.say(|| format!("content {content} ends at {kept} now"));
        }
    }

    /// The agent is told to end, and starts again `down` after it did.
    pub(super) fn stop(&mut self, down: u64) -> Result<(), Broken> {
        let Some(agent) = &mut self.agent else { return Ok(()) };
        if agent.stopping {
            return Ok(());
        }
        agent.stopping = true;
        agent.told = self.now;
        agent.down = down;
        let life = agent.life;
        self.say(|| "the agent is told to end".into());
        self.queue.put(self.now + self.patience(), What::Impatience(life));
        self.handle(Event::Shutdown);
        self.reached(Point::Shutdown)
    }

    pub(super) fn patience(&self) -> u64 {
        self.plan.setup.settings.agent.shutdown_timeout.as_nanos() as u64 + 500 * MS
    }

    /// The engine says that it ended.
    pub(super) fn finish(&mut self) -> Result<(), Broken> {
        let Some(agent) = &self.agent else { return Ok(()) };
        if !agent.stopping {
            return Err(Broken::new("an engine ends when it is told to", ""));
        }
        let down = agent.down;
        let in_time = self.now < agent.told + self.patience();
        let timeout = self.plan.setup.settings.agent.shutdown_timeout.as_nanos() as u64;
        let sending = agent.flying.values().any(|flight| flight.deed == Deed::Send);
        if sending && self.now < agent.told + timeout {
            return Err(Broken::new("an ordered end waits for its answers", "a request is unanswered"));
        }
        self.say(|| "the agent ended".into());
        if self.saves_well && in_time {
            self.oracle.ended_well(&self.disk, &self.store.rows)?;
        }
        self.tally.stops += 1;
        self.bury_agent()?;
        self.queue.put(self.now + down, What::Start);
        Ok(())
    }

    /// The driver has waited for long enough: what is not done is not done. Only the last transactions get the same
    /// time again.
    pub(super) fn cancel_all(&mut self) -> Result<(), Broken> {
        let Some(agent) = &mut self.agent else { return Ok(()) };
        let mut given_up = std::mem::take(&mut agent.flying);
        if !std::mem::replace(&mut agent.hurried, true) {
            let saving = |flight: &Flight| matches!(flight.deed, Deed::Save | Deed::DeadLetters);
            agent.flying = given_up.extract_if(.., |_, flight| saving(flight)).collect();
        } else if given_up.values().any(|flight| flight.deed == Deed::Save) {
            self.saves_well = false;
        }
        self.say(|| format!("{} actions are given up", given_up.len()));
        for (id, flight) in given_up {
            let outcome = match flight.stage {
                Stage::Performed(Outcome::Sent(_)) => {
                    if let Echo::Sent { flow, records, .. } = flight.echo {
                        self.oracle.unanswered(flow, &records);
                    }
                    Outcome::Cancelled
                }
                Stage::Performed(outcome) => {
                    self.echo(flight.echo);
                    outcome
                }
                Stage::Asked(Do::Send(request)) | Stage::Silent(request) => {
                    self.maybe_arrive(&request)?;
                    Outcome::Cancelled
                }
                Stage::Asked(_) => Outcome::Cancelled,
            };
            self.handle(Event::Done { id, outcome });
        }
        let life = self.lives;
        self.drain()?;
        match &self.agent {
            Some(agent) if agent.life == life && agent.flying.is_empty() => {
                Err(Broken::new("an ordered end comes to an end", "nothing is unanswered, yet it goes on"))
            }
            Some(agent) if agent.life == life => {
                self.queue.put(self.now + self.patience(), What::Impatience(life));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The sender of a request that hangs gives up.
    pub(super) fn give_up(&mut self, id: ActionId) -> Result<(), Broken> {
        let Some(flight) = self.agent.as_mut().and_then(|agent| agent.flying.get_mut(&id)) else {
            return Ok(());
        };
        let silent =
            std::mem::replace(&mut flight.stage, Stage::Performed(Outcome::Sent(super::service::silence())));
        if let Stage::Silent(request) = silent {
            // It is on its way still, or lost: the oracle cannot blame the engine for sending it again.
            self.excuse(&request)?;
            let life = self.lives;
            self.queue.put(self.now, What::Answer(life, id));
            self.stragglers.push((id, request));
        }
        Ok(())
    }

    /// A request that hung arrives, whether or not its sender still waits.
    pub(super) fn late(&mut self, id: ActionId) -> Result<(), Broken> {
        if let Some(at) = self.stragglers.iter().position(|straggler| straggler.0 == id) {
            let (_, request) = self.stragglers.swap_remove(at);
            return self.maybe_arrive(&request);
        }
        let Some(flight) = self.agent.as_mut().and_then(|agent| agent.flying.get_mut(&id)) else {
            return Ok(());
        };
        let stage = std::mem::replace(&mut flight.stage, Stage::Performed(Outcome::Cancelled));
        let Stage::Silent(request) = stage else {
            flight.stage = stage;
            return Ok(());
        };
        let (outcome, echo) = self.send(&request)?;
        let life = self.lives;
        if let Some(flight) = self.agent.as_mut().and_then(|agent| agent.flying.get_mut(&id)) {
            flight.stage = Stage::Performed(outcome);
            flight.echo = echo;
        }
        self.queue.put(self.now, What::Answer(life, id));
        Ok(())
    }

    /// A request of which nobody will hear arrives, or does not.
    fn maybe_arrive(&mut self, request: &Request) -> Result<(), Broken> {
        self.excuse(request)?;
        if self.rng.bool() { self.send(request).map(drop) } else { Ok(()) }
    }

    /// What is left of the agent: its handles are closed, its requests arrive or do not.
    fn bury_agent(&mut self) -> Result<(), Broken> {
        let Some(agent) = self.agent.take() else { return Ok(()) };
        self.stragglers.clear();
        self.done = [BTreeSet::new(), std::mem::take(&mut self.done[0])];
        for (_, flight) in agent.flying {
            if let Stage::Asked(Do::Send(request)) | Stage::Silent(request) = flight.stage {
                self.maybe_arrive(&request)?;
            }
        }
        self.oracle.ended();
        for open in agent.handles.into_values() {
            self.shut(open.node, false);
        }
        Ok(())
    }
}
