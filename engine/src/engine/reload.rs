//! A new configuration while the agent runs. A flow that it changes reads nothing more; when what it has read is delivered,
//! or the time for that is over, it goes on as after a restart: from what is done with, by its new settings. One that it
//! ends leaves its places in the store, from where one that begins takes its own. All others are not disturbed.

use super::lost::why_gone;
use super::start::key_rule;
use super::{Asked, Engine, Flow, FlowStart, Level, Phase};
use crate::discover::Globs;
use crate::event::{Do, Now};
use crate::follow::{Cursor, Ending, Stage};
use crate::ids::{CursorId, FileId, FlowId, Span};
use crate::settings::{self, Settings, Watch};
use crate::state::{CursorRow, Put, Saved};
use crate::timer::Timer;
use std::collections::BTreeSet;
use std::time::Duration;

/// What the configuration says of a flow.
#[derive(Debug)]
pub(super) enum FlowState {
    /// It is as configured.
    Settled,
    /// It is about to be another, or to end.
    Changing {
        to: Change,
        /// What is not delivered by then is read again.
        until: Duration,
    },
    /// It has come to rest. What its new globs lead to may have been its before: the store is asked.
    Widening(Box<settings::Flow>),
    /// It has ended.
    Gone,
}

/// What becomes of a flow.
#[derive(Debug)]
pub(super) enum Change {
    Other(Box<settings::Flow>),
    Gone,
}

impl Flow {
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.state, FlowState::Settled)
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.state, FlowState::Gone)
    }

    /// Whether what was read is sent.
    pub(super) fn sends(&self, now: Duration) -> bool {
        match self.state {
            FlowState::Settled => true,
            FlowState::Changing { until, .. } => now < until,
            FlowState::Widening(_) | FlowState::Gone => false,
        }
    }

    /// Begins anew with other settings, and keeps what it has counted and seen.
    fn renew(&mut self, index: usize, settings: settings::Flow, agent: &settings::Agent) {
        let old = std::mem::replace(self, Self::new(index, settings, agent));
        let is_wider = self.settings.files.iter().any(|glob| !old.settings.files.contains(glob));
        self.start = match old.start {
            FlowStart::Begun if is_wider => FlowStart::Widened(old.settings.files),
            start => start,
        };
        self.counters = old.counters;
        self.request_times = old.request_times;
        self.request_records = old.request_records;
        (self.last_look, self.saved_look) = (old.last_look, old.saved_look);
        self.possible_losses = old.possible_losses;
    }
}

impl Engine {
    pub(super) fn reload(&mut self, settings: Settings, now: Now) {
        match self.phase {
            Phase::Loading => return self.early_reload = Some(settings),
            Phase::Running => {}
            Phase::Stopping | Phase::Saving | Phase::Finished => return,
        }
        // Whoever asks for a reload has tried the patterns.
        if let Err(error) = Globs::new(&settings.agent, &settings.flows) {
            return self.note(Level::Error, "reload", format!("the configuration is not taken: {error}"));
        }
        let Settings { agent, flows } = settings;
        let renamed = agent.host != self.agent.host || agent.facts != self.agent.facts;
        let until = now.mono + agent.shutdown_timeout;
        self.agent = agent;
        for index in 0..self.flows.len() {
            let wanted = flows.iter().find(|wanted| wanted.name == self.flows[index].settings.name);
            self.change(FlowId(index as u32), wanted, renamed, until, now.mono);
        }
        let known = |wanted: &settings::Flow| self.flow_named(&wanted.name).is_some();
        self.arriving = flows.into_iter().filter(|wanted| !known(wanted)).collect();
        if !self.arriving.is_empty() {
            self.load_arriving(now);
        }
        self.timers.set(Timer::Change, until);
        self.tree.watch = self.agent.watch;
        if self.agent.watch == Watch::Poll {
            self.timers.set_by(Timer::PollFiles, now.mono + super::sweep::POLL_FILES);
        }
        self.timers.set(Timer::Reconcile, now.mono + self.agent.rescan);
        self.book_anew();
        self.regrow(now);
        self.note(Level::Info, "reload", "the configuration was read again");
    }

    /// What becomes of a flow of which the new configuration says this.
    fn change(
        &mut self,
        id: FlowId,
        wanted: Option<&settings::Flow>,
        renamed: bool,
        until: Duration,
        now: Duration,
    ) {
        let flow = self.flow(id);
        if flow.is_gone() {
            return;
        }
        let to = match wanted {
            None => Change::Gone,
            Some(wanted) if renamed || *wanted != flow.settings || flow.sender.health.has_stopped() => {
                Change::Other(Box::new(wanted.clone()))
            }
            Some(_) => {
                // What it was denied may be granted now.
                flow.sender.try_again(now);
                flow.state = FlowState::Settled;
                return self.switch(id);
            }
        };
        flow.state = FlowState::Changing { to, until };
    }

    /// From its next request on a flow sends as the new configuration says.
    fn switch(&mut self, flow: FlowId) {
        let name = self.flow(flow).settings.name.clone();
        self.ask(Asked::Nothing, Do::Switch { flow, name });
    }

    /// The agent is about to end: what is to become of the flows, the next one sees to.
    pub(super) fn stop_changing(&mut self) {
        self.arriving.clear();
        for flow in self.flows.iter_mut().filter(|flow| !flow.is_gone()) {
            flow.state = FlowState::Settled;
        }
    }

    /// Flows that have come to rest become what they are to be.
    pub(super) fn move_changes(&mut self, now: Now) {
        let (mut changed, mut ended) = (false, false);
        for index in 0..self.flows.len() {
            let id = FlowId(index as u32);
            if !self.is_ready_to_change(id, now) {
                continue;
            }
            changed = true;
            match std::mem::replace(&mut self.flow(id).state, FlowState::Settled) {
                FlowState::Changing { to: Change::Other(settings), .. }
                    if self.leads_elsewhere(id, &settings) =>
                {
                    self.flow(id).state = FlowState::Widening(settings);
                    self.load_arriving(now);
                }
                FlowState::Changing { to: Change::Other(settings), .. } => {
                    self.become_other(id, *settings, now);
                }
                FlowState::Changing { to: Change::Gone, .. } => {
                    self.end(id, now);
                    ended = true;
                }
                FlowState::Settled | FlowState::Widening(_) | FlowState::Gone => {}
            }
        }
        if changed {
            self.book_anew();
        }
        // Other globs come with what the store knows.
        if ended {
            self.regrow(now);
        }
    }

    /// Whether nothing of a flow that changes is out, and nothing of it waits, or its time is over.
    fn is_ready_to_change(&self, id: FlowId, now: Now) -> bool {
        let flow = &self.flows[id.0 as usize];
        let FlowState::Changing { until, .. } = flow.state else { return false };
        let waits = !flow.sender.is_done() || self.unwritten.iter().any(|(of, ..)| *of == id);
        let out = flow.sender.in_flight() > 0 || self.asked.is_out_for(id) || self.is_resending(id);
        let drains = self.drains.iter().any(|drain| drain.is_of(id));
        !out && !drains && (!waits || now.mono >= until)
    }

    /// Whether other settings lead a flow to other files.
    fn leads_elsewhere(&self, id: FlowId, other: &settings::Flow) -> bool {
        let flow = &self.flows[id.0 as usize].settings;
        (&flow.files, &flow.exclude, &flow.archives, flow.compressed)
            != (&other.files, &other.exclude, &other.archives, other.compressed)
    }

    /// As after a restart: what was read and is not done with is read again.
    fn become_other(&mut self, id: FlowId, settings: settings::Flow, now: Now) {
        let index = id.0 as usize;
        self.flows[index].renew(index, settings, &self.agent);
        self.switch(id);
        for file in self.drop_undelivered(id, now) {
            self.read_on(file, id);
            self.place(file, now);
            self.forget_if_over(file, now);
        }
        self.keeper.flow(id);
        self.save_soon(now);
    }

    /// Forgets what a flow has read and could not deliver. Returns the files in which it has a place.
    fn drop_undelivered(&mut self, id: FlowId, now: Now) -> Vec<FileId> {
        self.unwritten.retain(|(of, ..)| *of != id);
        self.budget.clear(id.0 as usize);
        let followed = self.files.values().filter(|file| file.is_followed_by_any(&[id]));
        let ids: Vec<FileId> = followed.map(|file| file.id).collect();
        for file in &ids {
            self.give_up_gone(*file, id, now);
        }
        ids
    }

    /// What was read of a content that is gone and could not be delivered in time is nowhere any more.
    fn give_up_gone(&mut self, id: FileId, flow: FlowId, now: Now) {
        let Some(file) = self.files.get_mut(&id).filter(|file| file.ending == Ending::Gone) else { return };
        let reason = why_gone(file);
        let Some(cursor) = file.cursor(flow) else { return };
        let (epoch, read) = (cursor.epoch, Span::new(0, cursor.position.line.at));
        for span in cursor.acked.missing(read) {
            self.lose(flow, id, epoch, span, reason, now);
            self.ack(CursorId { flow, file: id, epoch }, span, now);
        }
    }

    /// A flow goes on in a file from what is done with.
    fn read_on(&mut self, id: FileId, of: FlowId) {
        let flow = &mut self.flows[of.0 as usize];
        let Some(file) = self.files.get_mut(&id) else { return };
        let key = key_rule(flow, &self.agent.host, &file.first_path);
        let is_open = file.handle.is_some();
        let Some(cursor) = file.cursor(of) else { return };
        let row = cursor.row(String::new(), id);
        let stage = match cursor.stage {
            stage @ Stage::Closed => stage,
            stage if stage.is_seeking() => {
                flow.ready.push_back(id);
                stage
            }
            _ => Stage::Unsaved,
        };
        *cursor = Cursor { stage, ..Cursor::from_row(of, &row, key, &flow.settings.line) };
        let is_open = is_open && stage != Stage::Closed;
        // It may have been closed with records unanswered.
        if matches!(file.ending, Ending::Closing { .. })
            || file.ending == Ending::Finished && !file.is_acked()
        {
            file.ending = Ending::Displaced;
        }
        let name = file.names.first().filter(|_| !is_open && !file.is_acked()).cloned();
        self.release_if_saved(id);
        if let Some(name) = name {
            self.look_at(&name);
        }
    }

    /// A flow ends. Its places stay in the store.
    fn end(&mut self, id: FlowId, now: Now) {
        for file in self.drop_undelivered(id, now) {
            self.unfollow(file, id, now);
            self.forget_if_over(file, now);
        }
        let held: Vec<FileId> = self.held.iter().copied().collect();
        for file in held {
            self.hold_no_more(file, id, now);
        }
        if let Some(row) = self.flow_row(id) {
            self.keeper.later(row);
        }
        let flow = self.flow(id);
        flow.state = FlowState::Gone;
        flow.ready.clear();
        flow.settings.files.clear();
        flow.settings.archives.clear();
        let text = format!("flow {} has ended, its offsets are kept", flow.settings.name);
        self.note(Level::Info, "reload", text);
        self.save_urgently(now);
    }

    /// A flow follows a file no more; its place stays in the store.
    pub(super) fn unfollow(&mut self, id: FileId, flow: FlowId, now: Now) {
        let name = self.flow(flow).settings.name.clone();
        let Some(file) = self.files.get_mut(&id) else { return };
        let Some(at) = file.cursors.iter().position(|cursor| cursor.flow == flow) else { return };
        let cursor = file.cursors.remove(at);
        let (first_path, is_alone) = (file.first_path.clone(), file.cursors.is_empty());
        if !cursor.stage.is_seeking() {
            self.keeper.later(Put::Cursor(cursor.row(name, id)));
            self.save_soon(now);
        }
        if is_alone {
            self.close_file(id);
        }
        self.let_all_of(&first_path);
    }

    /// A file that is held back is held for this flow no more.
    fn hold_no_more(&mut self, id: FileId, flow: FlowId, now: Now) {
        let Some(held) = self.files.get_mut(&id).and_then(|file| file.held.as_mut()) else { return };
        held.followers.retain(|follower| *follower != flow);
        if held.followers.is_empty() {
            self.close_file(id);
            self.forget(id, now);
        }
    }

    /// Flows begin, or begin again: what the store knows of them is looked up once all until now is in it, or cannot be.
    pub(super) fn load_arriving(&mut self, now: Now) {
        self.keeper.load_when_saved();
        self.save_urgently(now);
    }

    pub(super) fn arrive(&mut self, mut saved: Saved, now: Now) {
        if self.phase != Phase::Running {
            return;
        }
        // It may be that the store cannot be written.
        self.keeper.unsaved().for_each(|put| overlay(&mut saved, put));
        let mut names = BTreeSet::new();
        for settings in std::mem::take(&mut self.arriving) {
            names.insert(settings.name.clone());
            let id = self.seat(settings);
            self.switch(id);
        }
        let rows = saved.flows.into_iter().filter(|row| names.contains(&row.name)).collect();
        let globs_before = self.know_all(rows, now);
        names.extend(self.widen(now));
        let known = |row: &CursorRow| {
            let flow = self.flow_named(&row.flow);
            self.files.get(&row.file).is_some_and(|file| file.cursors.iter().any(|it| Some(it.flow) == flow))
        };
        let rows = saved.cursors.into_iter().filter(|row| names.contains(&row.flow) && !known(row)).collect();
        for (file, flow) in self.take_cursors(rows, now) {
            if self.files.get(&file).is_some_and(|file| file.handle.is_some()) {
                self.set_off(file, flow);
            }
        }
        self.book_anew();
        self.regrow(now);
        for (flow, before) in globs_before {
            self.mind_narrower_globs(flow, &before);
        }
    }

    /// Flows with other globs take them. Returns their names.
    fn widen(&mut self, now: Now) -> Vec<String> {
        let mut names = Vec::new();
        for index in 0..self.flows.len() {
            let state = &mut self.flows[index].state;
            if !matches!(state, FlowState::Widening(_)) {
                continue;
            }
            if let FlowState::Widening(settings) = std::mem::replace(state, FlowState::Settled) {
                names.push(settings.name.clone());
                self.become_other(FlowId(index as u32), *settings, now);
            }
        }
        names
    }

    /// A flow that begins gets its id: that of one of its name that has ended, or a new one.
    fn seat(&mut self, settings: settings::Flow) -> FlowId {
        let same = |flow: &Flow| flow.is_gone() && flow.settings.name == settings.name;
        let index = self.flows.iter().position(same).unwrap_or(self.flows.len());
        if index == self.flows.len() {
            self.flows.push(Flow::new(index, settings, &self.agent));
            self.budget.add_flow();
        } else {
            self.flows[index].renew(index, settings, &self.agent);
            self.flows[index].start = FlowStart::FirstScan;
        }
        FlowId(index as u32)
    }

    /// A flow has come to a file that is open.
    fn set_off(&mut self, id: FileId, flow: FlowId) {
        self.is_read_anew(id);
        if let Some(cursor) = self.files.get_mut(&id).and_then(|file| file.cursor(flow)) {
            cursor.stage = Stage::Unsaved;
        }
        self.release_if_saved(id);
    }

    /// Memory is shared by the flows that there are now.
    fn book_anew(&mut self) {
        let flows = || self.flows.iter().filter(|flow| !flow.is_gone());
        let reserve = settings::reserve(flows().map(|flow| &flow.settings));
        self.budget.share_out(self.agent.memory, reserve, flows().count());
    }
}

/// A place, or a flow, that the store does not have yet.
fn overlay(saved: &mut Saved, put: &Put) {
    match put {
        Put::Cursor(row) => {
            saved.cursors.retain(|old| (&old.flow, old.file, old.epoch) != (&row.flow, row.file, row.epoch));
            saved.cursors.push(row.clone());
        }
        Put::Flow(row) => {
            saved.flows.retain(|old| old.name != row.name);
            saved.flows.push(row.clone());
        }
        _ => {}
    }
}
