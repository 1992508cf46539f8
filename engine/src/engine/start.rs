//! From the store to work: known files and positions, and the first steps of a flow.

use super::{Engine, Flow, FlowStart, Phase};
use crate::event::Now;
use crate::follow::{Cursor, File, Row, Stage};
use crate::ids::{FileId, FlowId, Span};
use crate::partition::KeyRule;
use crate::settings::{StartAt, Watch};
use crate::state::{Check, CursorRow, FlowRow, Put, Reason, Saved};
use crate::timer::Timer;
use crate::{Level, discover::Globs};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

impl Engine {
    pub(super) fn loaded(&mut self, saved: Saved, now: Now) {
        self.phase = if self.phase == Phase::Loading { Phase::Running } else { self.phase };
        self.loaded_boot(&saved.boot_id, now);
        self.ledger = saved.ledger;
        let placed: BTreeSet<FileId> = saved.cursors.iter().map(|row| row.file).collect();
        for row in saved.files {
            if !placed.contains(&row.id) {
                // No flow had a place in it yet: it was held back.
                self.held_before.insert((row.identity.ino, row.identity.btime), row.path);
                self.held_rows.push(row.id);
                continue;
            }
            let archived = self.tree.globs().followers_at(&row.first_path).is_empty();
            let file = File { archived, ..File::from_row(row) };
            if !file.is_homeless() {
                self.by_identity.insert(file.identity, file.id);
            }
            self.kin.add_all(&file);
            self.files.insert(file);
        }
        self.rank();
        let globs_before = self.know_all(saved.flows, now);
        self.take_cursors(saved.cursors, now);
        for (flow, before) in globs_before {
            self.mind_narrower_globs(flow, &before);
        }
        self.tree.scan_began = now.mono;
        for (dir, standing) in self.tree.bases() {
            self.enter(&dir, vec![standing], 0);
        }
        self.timers.set(Timer::Reconcile, now.mono + self.agent.rescan);
        self.timers.set(Timer::Sweep, now.mono + super::sweep::SWEEP);
        self.timers.set(Timer::Forget, now.mono + Duration::from_hours(1));
        if self.agent.watch == Watch::Poll {
            self.timers.set(Timer::PollFiles, now.mono + super::sweep::POLL_FILES);
        }
        if let Some(settings) = self.early_reload.take() {
            self.reload(settings, now);
        }
    }

    /// What the store knows of flows. Returns the globs they had then.
    pub(super) fn know_all(&mut self, rows: Vec<FlowRow>, now: Now) -> Vec<(FlowId, Vec<String>)> {
        let mut globs = Vec::new();
        for row in rows {
            let Some(id) = self.flow_named(&row.name) else { continue };
            globs.push((id, row.files.clone()));
            let flow = self.flow(id);
            // Where the clock was set back meanwhile, nobody knows how long ago that was.
            flow.last_look = if row.last_look > now.wall { i64::MIN } else { row.last_look };
            flow.saved_look = row.last_look;
            flow.possible_losses = row.possible_losses;
            let same = flow.settings.files.iter().all(|glob| row.files.contains(glob));
            flow.start = if same { FlowStart::Begun } else { FlowStart::Widened(row.files) };
        }
        globs
    }

    /// The newest epoch of a flow's file is where it goes on; older ones ended with bytes that are gone by now. Returns
    /// which flows have a place in which files.
    pub(super) fn take_cursors(&mut self, mut rows: Vec<CursorRow>, now: Now) -> Vec<(FileId, FlowId)> {
        let mut taken = Vec::new();
        rows.sort_by(|a, b| (&a.flow, a.file, b.epoch.number).cmp(&(&b.flow, b.file, a.epoch.number)));
        for row in rows {
            let Some(flow) = self.flow_named(&row.flow) else { continue };
            let Some(file) = self.files.get_mut(&row.file) else { continue };
            if file.cursor(flow).is_none() {
                let settings = &self.flows[flow.0 as usize];
                let key = key_rule(settings, &self.agent.host, &file.first_path);
                let cursor = Cursor::from_row(flow, &row, key, &settings.settings.line);
                file.size = file.size.max(row.seen);
                file.add_cursor(cursor);
                taken.push((row.file, flow));
                continue;
            }
            let acked = crate::ack::Acked::new(row.prefix, &row.ranges);
            for span in acked.missing(Span::new(0, row.seen)) {
                self.lose(flow, row.file, row.epoch, span, Reason::FileTruncated, now);
            }
            self.keeper.later(Put::ForgetCursor { flow: row.flow, file: row.file, epoch: row.epoch });
            self.save_soon(now);
        }
        taken
    }

    pub(super) fn flow_named(&self, name: &str) -> Option<FlowId> {
        let is_it = |flow: &Flow| flow.settings.name == name && !flow.is_gone();
        self.flows.iter().position(is_it).map(|index| FlowId(index as u32))
    }

    /// A file that a flow has not known before gets its cursor.
    pub(super) fn follow(&mut self, id: FileId, flow: FlowId) {
        // It was sighted for a flow that has ended since.
        if self.flow(flow).is_gone() {
            return;
        }
        let at_end = self.starts_at_end(flow, &self.files[&id].path);
        let settings = &self.flows[flow.0 as usize];
        let Some(file) = self.files.get_mut(&id) else { return };
        if file.cursor(flow).is_some() {
            return;
        }
        let key = key_rule(settings, &self.agent.host, &file.first_path);
        let seeks = at_end && !file.is_compressed();
        let stage = if seeks { Stage::Seek { to: file.size } } else { Stage::Unsaved };
        let mut cursor = Cursor::new(flow, file.epoch, stage, key, &settings.settings.line);
        cursor.seen = file.size;
        if at_end && !seeks {
            cursor.skip_to(Check { at: file.size, ..Check::default() });
        }
        file.add_cursor(cursor);
        file.row = Row::Unsaved;
        if seeks {
            self.flow(flow).ready.push_back(id);
        }
    }

    fn starts_at_end(&self, flow: FlowId, path: &Path) -> bool {
        let id = flow;
        let flow = &self.flows[id.0 as usize];
        let at_end = flow.settings.start_at == StartAt::End;
        match &flow.start {
            FlowStart::FirstScan => at_end,
            // A generation that no glob leads to is none of the files that only the new globs match.
            FlowStart::Widened(before) => {
                at_end
                    && !Globs::matched_by(before, path)
                    && self.tree.globs().followers_at(path).contains(&id)
            }
            FlowStart::Saving | FlowStart::Begun => false,
        }
    }

    /// All directories were looked into: flows in their first scan may save their positions.
    pub(super) fn first_scan_done(&mut self, now: Now) {
        for index in 0..self.flows.len() {
            let flow = FlowId(index as u32);
            if matches!(self.flows[index].start, FlowStart::Saving | FlowStart::Begun) {
                continue;
            }
            let seeking = self.files.values().flat_map(|file| &file.cursors);
            let seeking = seeking.filter(|cursor| cursor.flow == flow);
            // A compressed file that comes after the others would be read whole.
            let at_end = self.flows[index].settings.start_at == StartAt::End;
            let awaits = at_end && self.decoding.awaits(flow);
            if awaits || seeking.into_iter().any(|cursor| cursor.stage.is_seeking()) {
                continue;
            }
            match self.flows[index].start {
                FlowStart::FirstScan => {
                    self.flow(flow).start = FlowStart::Saving;
                    self.report_first_start(flow);
                }
                FlowStart::Widened(_) => self.flow(flow).start = FlowStart::Begun,
                FlowStart::Saving | FlowStart::Begun => {}
            }
            self.keeper.flow(flow);
            self.save_urgently(now);
        }
    }

    fn report_first_start(&mut self, flow: FlowId) {
        let cursors = self.files.values().filter_map(|file| {
            let cursor = file.cursors.iter().find(|cursor| cursor.flow == flow)?;
            Some(file.size - cursor.position.line.at.min(file.size))
        });
        let sizes: Vec<u64> = cursors.collect();
        let name = &self.flows[flow.0 as usize].settings.name;
        let files = if sizes.len() == 1 { "file" } else { "files" };
        let bytes: u64 = sizes.iter().sum();
        let text = format!("flow {name} starts: {} {files}, {bytes} bytes to ship", sizes.len());
        self.note(Level::Info, format!("start {}", flow.0), text);
    }

    /// A flow's first positions are saved (or need not be): those of its files that are may be read, others when theirs
    /// are.
    pub(super) fn begin(&mut self, flow: FlowId) {
        self.flow(flow).start = FlowStart::Begun;
        let saved = self.files.values().filter(|file| file.row == Row::Saved);
        let ids: Vec<FileId> = saved.map(|file| file.id).collect();
        for id in ids {
            self.release(id);
        }
    }

    /// A file may be read if its row is saved.
    pub(super) fn release_if_saved(&mut self, id: FileId) {
        if self.files.get(&id).is_some_and(|file| file.row == Row::Saved) {
            self.release(id);
        }
    }

    /// Files whose rows are saved may be read by flows that have begun.
    pub(super) fn release(&mut self, id: FileId) {
        let Some(file) = self.files.get_mut(&id) else { return };
        for cursor in &mut file.cursors {
            let flow = &mut self.flows[cursor.flow.0 as usize];
            let begun = matches!(flow.start, FlowStart::Begun | FlowStart::Widened(_));
            if cursor.stage == Stage::Unsaved && begun {
                if file.handle.is_some() {
                    cursor.stage = Stage::Queued;
                    flow.ready.push_back(id);
                } else {
                    cursor.stage = Stage::Closed;
                }
            }
        }
    }
}

pub(super) fn key_rule(flow: &Flow, host: &str, first_path: &Path) -> KeyRule {
    if flow.sender.destination().keyed() {
        KeyRule::new(&flow.settings.partition_key, host, first_path)
    } else {
        KeyRule::None
    }
}
