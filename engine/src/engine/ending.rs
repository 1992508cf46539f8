//! How a file ends: it loses its live name, comes to rest, is finished, closed, and in the end forgotten.

use super::sweep::ACTIVE;
use super::{Asked, Engine};
use crate::event::{Do, Now};
use crate::follow::{Ending, Stage};
use crate::ids::{FileId, HandleId, Span};
use crate::state::{Put, Reason};
use crate::timer::Timer;
use std::time::Duration;

/// Longest time between two looks at a file that lost its live name.
const QUIET_LOOK: Duration = Duration::from_secs(1);

/// Shortest time between two such looks.
const SHORT_LOOK: Duration = Duration::from_millis(10);

impl Engine {
    /// Whether it is still under its live name decides whether it can end.
    pub(super) fn place(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let was_live = file.ending == Ending::Live;
        match (file.is_live(), file.ending) {
            (true, _) => file.ending = Ending::Live,
            (false, Ending::Live) => {
                file.ending = Ending::Displaced;
                file.changed = now.mono;
            }
            (false, _) => {}
        }
        let displaced = file.ending == Ending::Displaced;
        let moved = was_live != (file.ending == Ending::Live);
        let name = file.names.first().filter(|_| displaced && was_live && file.handle.is_none()).cloned();
        if displaced && file.handle.is_some() {
            self.look_whether_quiet(id, now);
        }
        self.may_be_spare(id);
        if moved {
            self.let_all_beside(id);
        }
        // What has no newline at its end is to be read yet.
        if let Some(name) = name {
            self.look_at(&name);
        }
    }

    pub(super) fn look_whether_quiet(&mut self, id: FileId, now: Now) {
        let close_after = self.close_after(id);
        self.timers.set_by(Timer::Quiet(id), now.mono + close_after.clamp(SHORT_LOOK, QUIET_LOOK));
    }

    /// The longest of its flows'.
    pub(super) fn close_after(&self, id: FileId) -> Duration {
        let flows = self.flows_of(id).into_iter();
        flows.map(|flow| self.flows[flow.0 as usize].settings.close_after).max().unwrap_or_default()
    }

    /// Looks whether a file that lost its live name has come to rest: then each flow's last read takes what has no
    /// newline. No flow waits for another that is not there yet.
    pub(super) fn quiet(&mut self, id: FileId, now: Now) {
        let close_after = self.close_after(id);
        self.close_if_over(id, now);
        let may_be_live = self.may_be_live(id);
        let Some(file) = self.files.get_mut(&id) else { return };
        let may_end = matches!(file.ending, Ending::Displaced | Ending::Closing { .. });
        if file.handle.is_none() || file.held.is_some() || !may_end {
            return;
        }
        // Nobody writes on in a compressed file.
        let rested = file.is_compressed() || now.mono.saturating_sub(file.changed) >= close_after;
        let begun = file.cursors.iter().all(|cursor| cursor.stage != Stage::Unsaved);
        if rested && begun && file.ending == Ending::Displaced && !may_be_live {
            file.ending = Ending::Closing { size: file.size };
        }
        // Of a copy that ends before any flow's place nothing is read.
        if file.cursors.iter().all(|cursor| cursor.stage == Stage::Closed) {
            self.at_rest(id, now);
        }
        self.wake(id);
        if self.files.get(&id).is_some_and(|file| file.ending != Ending::Finished) {
            self.look_whether_quiet(id, now);
        }
    }

    /// Whether a file may have its live name though no listing says so: nobody could look, or not yet.
    pub(super) fn may_be_live(&self, id: FileId) -> bool {
        let Some(file) = self.files.get(&id) else { return false };
        let path = &file.first_path;
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return false };
        let unopened = || self.may_be_behind(file.identity.ino, dir, name);
        let unlisted = || file.path == *path && file.links > 0 && !self.is_known_dir(dir);
        file.has_live_name() && (self.cannot_list(dir) || unopened() || unlisted())
    }

    /// A read of a closing file brought nothing new, or something.
    pub(super) fn at_rest(&mut self, id: FileId, now: Now) {
        self.may_be_spare(id);
        let Some(file) = self.files.get_mut(&id) else { return };
        let Ending::Closing { size } = file.ending else { return };
        if file.size != size {
            file.ending = Ending::Displaced;
            return;
        }
        self.let_successors(id);
        let Some(file) = self.files.get(&id) else { return };
        if file.is_at_rest() && file.cursors.iter().all(|cursor| cursor.position.line.at >= size) {
            self.finish(id, now);
        }
    }

    pub(super) fn finish(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        file.ending = Ending::Finished;
        let damaged = Span::new(file.size, file.size + std::mem::take(&mut file.damaged));
        let cursors: Vec<_> = file.cursors.iter().map(|cursor| cursor.id(id)).collect();
        for cursor in cursors.into_iter().filter(|_| !damaged.is_empty()) {
            self.lose(cursor.flow, id, cursor.epoch, damaged, Reason::Damaged, now);
        }
        self.timers.set(Timer::Quiet(id), now.mono + ACTIVE);
        self.keeper.file(id);
        self.save_soon(now);
        self.may_be_spare(id);
        self.let_successors(id);
        self.close_if_over(id, now);
        self.forget_if_over(id, now);
    }

    /// A finished file is closed when it was deleted, or was not written for long: until then a late writer is read on,
    /// also where no glob leads to the file any more.
    pub(super) fn close_if_over(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get(&id).filter(|file| file.ending == Ending::Finished) else {
            return;
        };
        let rested = file.is_compressed() || now.wall.saturating_sub(file.mtime) >= ACTIVE.as_nanos() as i64;
        let handle = file.handle;
        if !file.is_at_rest() || self.is_being_read(handle) {
            return self.timers.set_by(Timer::Quiet(id), now.mono + QUIET_LOOK);
        }
        if !(rested || file.links == 0) {
            return self.timers.set_by(Timer::Quiet(id), now.mono + ACTIVE);
        }
        // Should its flow get another configuration, what is not delivered is read again; unless it was given up.
        let given_up = file.cursors.iter().all(|cursor| cursor.stage == Stage::Closed);
        if file.links == 0 && !file.is_answered() && !given_up {
            return self.timers.set_by(Timer::Quiet(id), now.mono + QUIET_LOOK);
        }
        // As long as it is open, a copy that was made before its last lines can be told.
        let lately = now.mono.saturating_sub(file.changed) < ACTIVE;
        if file.links == 0 && lately && self.may_have_copy(file) {
            return self.timers.set_by(Timer::Quiet(id), now.mono + QUIET_LOOK);
        }
        // Who opened it once more before it was deleted is to find it known.
        let deleted = file.links == 0 && file.names.is_empty() && !self.asked.is_meeting(file.identity);
        self.close_file(id);
        if deleted {
            self.is_deleted(id, now);
        }
    }

    /// Whether a read is out, be it one of a content that was lost.
    pub(super) fn is_being_read(&self, handle: Option<HandleId>) -> bool {
        handle.is_some_and(|handle| self.asked.is_reading(handle))
    }

    /// A file is not read any more.
    pub(super) fn close_file(&mut self, id: FileId) {
        if let Some(handle) = self.let_go(id) {
            self.close(handle);
        }
    }

    /// A file is not open any more; its handle, to be closed.
    pub(super) fn let_go(&mut self, id: FileId) -> Option<HandleId> {
        self.timers.cancel(Timer::Quiet(id));
        self.timers.cancel(Timer::Joined(id));
        let file = self.files.get_mut(&id)?;
        for cursor in &mut file.cursors {
            cursor.stage = Stage::Closed;
        }
        if file.ending == Ending::Finished && file.names.is_empty() {
            // All of it was read: it is not looked for again.
            file.missed = 1;
        }
        file.handle.take()
    }

    /// A content that is gone leaves nothing to remember when all that was read of it is done with.
    pub(super) fn forget_if_over(&mut self, id: FileId, now: Now) {
        if self.files.get(&id).is_some_and(|file| file.ending == Ending::Gone && file.is_answered()) {
            self.forget(id, now);
        }
    }

    pub(super) fn forget(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.remove(&id) else { return };
        self.held.remove(&id);
        self.kin.remove(&file);
        if self.by_identity.get(&file.identity) == Some(&id) {
            self.by_identity.remove(&file.identity);
        }
        self.keeper.forget(id);
        self.keeper.later(Put::ForgetFile(id));
        self.save_soon(now);
        self.let_all_of(&file.first_path);
    }

    /// Forgets files that were not seen for long.
    pub(super) fn forget_old(&mut self, now: Now) {
        self.timers.set(Timer::Forget, now.mono + Duration::from_hours(1));
        let oldest = now.wall.saturating_sub(self.agent.forget_after.as_nanos() as i64);
        let old = self.files.values().filter(|file| {
            file.handle.is_none() && file.names.is_empty() && file.last_seen < oldest && file.is_acked()
        });
        let ids: Vec<FileId> = old.map(|file| file.id).collect();
        for id in ids {
            self.forget(id, now);
        }
    }

    pub(super) fn close(&mut self, handle: HandleId) {
        self.ask(Asked::Close, Do::Close { handle });
        self.tree.to_open.extend(self.decoding.closed(handle));
    }
}
