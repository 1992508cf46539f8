//! Reading: which file next, how much, and what comes of it.

use super::{Asked, Engine};
use crate::content;
use crate::event::{Chunk, Do, FileError, Now};
use crate::follow::{Ending, Stage};
use crate::frame::{Half, Mode, Step};
use crate::ids::{CursorId, FileId, FlowId, HandleId};
use crate::state::{Check, Fingerprint};
use crate::timer::Timer;
use crate::{Level, event::Action};
use std::time::Duration;

/// Most reads out at once: enough for a queue at each of a few devices.
pub(super) const MAX_READS: usize = 8;

/// What a flow may read in its turn, in bytes.
const QUANTUM: i64 = 256 * 1024;

/// A read is not worth less, in bytes.
const LEAST_READ: u64 = 4 * 1024;

/// A file that could not be read is tried again after so long.
const RETRY: Duration = Duration::from_secs(1);

/// So many times the bytes of lines are booked for what steps make of them: mostly they make less.
const GROWTH: u64 = 2;

/// What a read is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) check: Check,
    pub(super) mode: Mode,
    /// Bytes asked for, and booked.
    pub(super) len: u64,
    /// Bytes booked for what steps make of them.
    pub(super) room: u64,
    /// Actions asked for before it.
    asked: u64,
}

/// A read that is being framed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// What was read: the file may have gone on in a copy since.
    pub(super) handle: HandleId,
    pub(super) mode: Mode,
    /// Bytes booked.
    pub(super) charge: u64,
    /// The file's, after the read.
    pub(super) size: u64,
}

impl Plan {
    fn booked(&self) -> u64 {
        self.len + self.room
    }
}

impl Engine {
    /// Something may have changed in a file.
    pub(super) fn wake(&mut self, id: FileId) {
        let Some(file) = self.files.get_mut(&id) else { return };
        for cursor in &mut file.cursors {
            match cursor.stage {
                Stage::Idle | Stage::Failed => {
                    cursor.stage = Stage::Queued;
                    self.flows[cursor.flow.0 as usize].ready.push_back(id);
                }
                Stage::Busy => cursor.again = true,
                _ => {}
            }
        }
    }

    /// The next read, by deficit round robin over the flows.
    pub(super) fn next_read(&mut self, now: Now) -> Option<Action> {
        if !self.reads.has_one() {
            return None;
        }
        for _ in 0..=self.flows.len() {
            let flow = FlowId(self.turn as u32);
            if self.flows[self.turn].credit > 0
                && let Some((action, len)) = self.read_of(flow, now)
            {
                self.flow(flow).credit -= len as i64;
                self.reads.take();
                return Some(action);
            }
            self.turn = (self.turn + 1) % self.flows.len();
            let next = &mut self.flows[self.turn];
            next.credit = (next.credit + QUANTUM).min(QUANTUM);
        }
        None
    }

    fn read_of(&mut self, flow: FlowId, now: Now) -> Option<(Action, u64)> {
        if !self.flow(flow).is_settled() {
            return None;
        }
        let borrow = self.may_borrow(flow, now.mono);
        for _ in 0..self.flow(flow).ready.len() {
            if self.flow(flow).sender.is_full() {
                return None;
            }
            let id = self.flow(flow).ready.pop_front()?;
            let Some((Some(handle), stage)) = self.queued(id, flow) else { continue };
            if self.flow(flow).sender.is_full_of(id) {
                self.flow(flow).ready.push_back(id);
                continue;
            }
            if self.waits_for_another(id, flow) {
                continue;
            }
            if stage.is_seeking() {
                return Some(self.seek(id, flow, handle, stage));
            }
            match self.plan(id, flow, borrow, now) {
                Planned::Read(plan) => return Some(self.start_read(id, flow, handle, plan)),
                Planned::Nothing => {}
                Planned::NoRoom => {
                    self.flow(flow).ready.push_front(id);
                    return None;
                }
            }
        }
        None
    }

    fn queued(&mut self, id: FileId, flow: FlowId) -> Option<(Option<HandleId>, Stage)> {
        let file = self.files.get_mut(&id)?;
        let handle = file.handle;
        let draining = self.drains.iter().any(|drain| drain.holds(flow, id));
        let cursor = file.cursor(flow)?;
        if draining && cursor.stage == Stage::Queued {
            cursor.stage = Stage::Idle;
        }
        let stage = cursor.stage;
        (stage == Stage::Queued || stage.is_seeking()).then_some((handle, stage))
    }

    fn plan(&mut self, id: FileId, flow: FlowId, borrow: bool, now: Now) -> Planned {
        let rules = self.flow(flow).rules;
        let awaits = self.flow(flow).program.as_ref().is_some_and(|program| program.awaits_names());
        loop {
            let Some(cursor) = self.files.get_mut(&id).and_then(|file| file.cursor(flow)) else {
                return Planned::Nothing;
            };
            // What lies between the ranges is always read: after a restart nothing else would ever fill them.
            if cursor.acked.is_full() && cursor.position.line.at >= cursor.acked.end() {
                cursor.stage = Stage::Stuck;
                return Planned::Nothing;
            }
            let epoch = cursor.epoch;
            let chunk = cursor.chunk;
            if awaits && cursor.program.is_none() && cursor.position.line.at > 0 {
                return self.book(flow, Check::default(), Mode::Names, None, chunk, borrow);
            }
            match cursor.position.step(rules) {
                Step::Skip { span, reason } => {
                    if let Some(reason) = reason {
                        self.lose(flow, id, epoch, span, reason, now);
                    }
                    self.ack(CursorId { flow, file: id, epoch }, span, now);
                }
                Step::Read { check, mode, need } => {
                    return self.book(flow, check, mode, need, chunk, borrow);
                }
            }
        }
    }

    /// Takes memory for a read: what it needs, or as much as is convenient but never more than half of what is
    /// free, so that bodies find room.
    fn book(
        &mut self,
        flow: FlowId,
        check: Check,
        mode: Mode,
        need: Option<u64>,
        chunk: u64,
        borrow: bool,
    ) -> Planned {
        let index = flow.0 as usize;
        let overlap = u64::from(check.print.len);
        let growth = if self.flows[index].program.is_some() { GROWTH } else { 0 };
        let len = match need {
            Some(need) => overlap + need,
            None => overlap + chunk.min(self.budget.room(index, borrow) / 2 / (1 + growth)),
        };
        let room = match need {
            _ if growth == 0 || matches!(mode, Mode::Search | Mode::Names) => 0,
            Some(_) => self.flows[index].rules.limit,
            None => growth * (len - overlap),
        };
        let plan = Plan { check, mode, len, room, asked: self.next_action };
        let enough = need.is_some() || len >= overlap + LEAST_READ;
        let booked = match need {
            // While records are on their way, their memory will do.
            Some(_) if !self.flows[index].sender.is_empty() => self.budget.take(index, plan.booked(), borrow),
            Some(_) => self.budget.take_whole(index, plan.booked(), borrow),
            None => enough && self.budget.take(index, plan.booked(), borrow),
        };
        if booked {
            self.budget.stop_waiting(index);
            Planned::Read(plan)
        } else {
            Planned::NoRoom
        }
    }

    fn start_read(&mut self, id: FileId, flow: FlowId, handle: HandleId, plan: Plan) -> (Action, u64) {
        let mut epoch = None;
        if let Some(cursor) = self.files.get_mut(&id).and_then(|file| file.cursor(flow)) {
            cursor.stage = Stage::Busy;
            cursor.again = false;
            epoch = Some(cursor.id(id));
        }
        let offset = plan.check.at - u64::from(plan.check.print.len);
        let read = Do::Read { handle, cursor: epoch, offset, len: plan.len as usize };
        let cursor = epoch.unwrap_or(CursorId { flow, file: id, epoch: self.files[&id].epoch });
        (self.action(Asked::Read { cursor, handle, plan }, read), plan.len)
    }

    pub(super) fn read(
        &mut self,
        id: CursorId,
        handle: HandleId,
        mut plan: Plan,
        result: Result<Chunk, FileError>,
        now: Now,
    ) {
        self.reads.give();
        let flow = id.flow.0 as usize;
        let current = self.current(id, handle);
        let chunk = match result {
            Ok(chunk) if current => chunk,
            result => {
                self.budget.give(flow, plan.booked());
                if current && let Err(error) = result {
                    self.read_failed(id, &error, now);
                }
                return;
            }
        };
        let held = chunk.bytes.len() as u64;
        let overlap = u64::from(plan.check.print.len);
        let booked = plan.booked();
        if plan.mode == Mode::Lines {
            plan.room = plan.room.min(GROWTH * held.saturating_sub(overlap));
        }
        let charge = held + plan.room;
        self.budget.resize(flow, booked, charge);
        self.look(id.file, &chunk, plan.asked, now);
        let acked = self.acked_end(id);
        let file = &self.files[&id.file];
        // Where nothing was read before, a file that has fewer bytes than are known of its beginning is another content;
        // unless this read is an old one, which tells nothing.
        let short = overlap == 0 && chunk.meta.size < u64::from(file.head.len);
        let stale = short && chunk.meta.size != file.size;
        // When it was met it was empty.
        let compressed = overlap == 0 && file.head.len == 0 && content::is_compressed(&chunk.bytes);
        if compressed && !self.is_being_read(Some(handle)) {
            self.budget.give(flow, charge);
            self.is_compressed(id.file, now);
        } else if stale || compressed {
            self.budget.give(flow, charge);
            self.read_again(id);
        } else if held < overlap || chunk.meta.size < acked || short {
            self.budget.give(flow, charge);
            self.changed(id, plan.mode, Fingerprint::default(), now);
        } else {
            self.frame(id, handle, plan, chunk, now);
        }
    }

    pub(super) fn read_again(&mut self, id: CursorId) {
        let Some(cursor) = self.files.get_mut(&id.file).and_then(|file| file.cursor(id.flow)) else { return };
        cursor.stage = Stage::Queued;
        self.flow(id.flow).ready.push_back(id.file);
    }

    /// The bytes before the place that was read are not what they were.
    pub(super) fn changed(&mut self, id: CursorId, mode: Mode, head: Fingerprint, now: Now) {
        if mode != Mode::Search {
            return self.begin_anew(id.file, head, now);
        }
        // Only the half line that was searched is known to be another: what is before it, the next read tells.
        let Some(cursor) = self.files.get_mut(&id.file).and_then(|file| file.cursor(id.flow)) else { return };
        cursor.position.half = Half::Short;
        self.read_again(id);
    }

    /// So many bytes are known to exist.
    pub(super) fn saw(&mut self, id: CursorId, size: u64, now: Now) {
        let Some(cursor) = self.files.get_mut(&id.file).and_then(|file| file.cursor(id.flow)) else { return };
        if size > cursor.seen {
            cursor.seen = size;
            self.keeper.cursor(id);
            self.timers.set_by(Timer::Save, now.mono + super::offsets::SAVE_EVERY);
        }
    }

    /// The last acknowledged byte: a file that is shorter is not what it was.
    fn acked_end(&mut self, id: CursorId) -> u64 {
        let cursor = self.files.get_mut(&id.file).and_then(|file| file.cursor(id.flow));
        cursor.map_or(0, |cursor| cursor.acked.end())
    }

    /// What the stat after a read tells. One that was asked for before a larger size was told may be the older, and
    /// says nothing.
    pub(super) fn look(&mut self, id: FileId, chunk: &Chunk, asked: u64, now: Now) {
        let told = self.next_action;
        let Some(file) = self.files.get_mut(&id) else { return };
        if chunk.meta.size < file.size && asked < file.sized {
            return;
        }
        file.sized = told;
        file.problem = None;
        file.links = chunk.meta.links;
        file.last_seen = now.wall;
        file.last_read = now.mono;
        if chunk.meta.size != file.size || chunk.meta.mtime != file.mtime {
            match file.ending {
                Ending::Live | Ending::Displaced | Ending::Gone => {}
                Ending::Closing { .. } => file.ending = Ending::Displaced,
                Ending::Finished => {
                    file.ending = Ending::Displaced;
                    self.timers.set_by(Timer::Quiet(id), now.mono);
                }
            }
            file.changed = now.mono;
        }
        file.mtime = chunk.meta.mtime;
        file.size = chunk.meta.size;
    }

    /// Whether an answer belongs to what the file is now.
    pub(super) fn current(&self, id: CursorId, handle: HandleId) -> bool {
        self.files.get(&id.file).filter(|file| file.handle == Some(handle)).is_some_and(|file| {
            let cursor = file.cursors.iter().find(|cursor| cursor.flow == id.flow);
            cursor.is_some_and(|cursor| cursor.epoch == id.epoch && cursor.stage == Stage::Busy)
        })
    }

    pub(super) fn read_failed(&mut self, id: CursorId, error: &FileError, now: Now) {
        let Some(file) = self.files.get_mut(&id.file) else { return };
        file.problem = Some(error.to_string().into());
        let text = format!("{} cannot be read: {error}", file.path.display());
        let subject = format!("read {}", file.path.display());
        if let Some(cursor) = file.cursor(id.flow) {
            cursor.stage = Stage::Failed;
        }
        self.timers.set_by(Timer::Retry(id.file), now.mono + RETRY);
        self.note(Level::Error, subject, text);
        if *error == FileError::Stale {
            self.open_anew(id.file);
        }
    }

    /// An open file cannot be read any more, for ever: what has its name now is opened, or it is looked for.
    fn open_anew(&mut self, id: FileId) {
        let Some(file) = self.files.get(&id).filter(|file| !self.is_being_read(file.handle)) else { return };
        let name = file.names.first().cloned();
        self.close_file(id);
        if let Some(name) = name {
            self.look_at(&name);
        }
    }

    /// A flow with a request unanswered for long keeps to its share of memory.
    pub(super) fn may_borrow(&self, flow: FlowId, now: Duration) -> bool {
        let since = self.flows[flow.0 as usize].sender.unanswered_since();
        since.is_none_or(|since| now.saturating_sub(since) <= Duration::from_secs(1))
    }
}

enum Planned {
    Read(Plan),
    /// The cursor has nothing to read now.
    Nothing,
    /// There is no memory for it now.
    NoRoom,
}
