//! Deleted files that are not read yet: they are held open, and their blocks with them, up to a bound.

use super::{Asked, Engine};
use crate::Level;
use crate::event::{Deleted, Do, FileError, Now};
use crate::follow::{Ending, File, Stage};
use crate::ids::{FileId, FlowId, HandleId, Span};
use crate::settings::HoldDeleted;
use crate::state::Reason;
use std::collections::BTreeMap;

/// So many hundredths of a file system are left free by files that nobody but we can read.
const LEAST_FREE: u64 = 5;

/// What is known of the file systems on which deleted files are held open.
#[derive(Debug, Default)]
pub(super) struct Disks {
    /// Bytes that are wanting to the least that is to be free, by device.
    lacks: BTreeMap<u64, u64>,
    /// Questions that are out.
    asked: usize,
}

impl Engine {
    /// Asks how it stands with the files that are open under no name: while a destination waits nobody reads them, and
    /// only a read would tell that they were deleted.
    pub(super) fn look_at_deleted(&mut self) {
        let nameless = self.files.values().filter(|file| file.names.is_empty() && is_wanted(file));
        let handles: Vec<_> = nameless.filter_map(|file| Some((file.id, file.handle?))).collect();
        self.disks.asked += handles.len();
        for (id, handle) in handles {
            self.ask(Asked::Deleted(id, handle), Do::LookDeleted { handle });
        }
    }

    pub(super) fn looked_deleted(
        &mut self,
        id: FileId,
        handle: HandleId,
        result: Result<Deleted, FileError>,
        now: Now,
    ) {
        self.disks.asked -= 1;
        let file = self.files.get_mut(&id).filter(|file| file.handle == Some(handle));
        if let Some((file, deleted)) = file.zip(result.ok()) {
            file.links = deleted.links;
            let least = deleted.total / 100 * LEAST_FREE;
            self.disks.lacks.insert(file.identity.dev, least.saturating_sub(deleted.free));
        }
        if self.disks.asked == 0 {
            self.keep_within_bounds(now);
        }
    }

    /// Gives up the oldest until the others are few enough, and their file systems have room.
    fn keep_within_bounds(&mut self, now: Now) {
        let HoldDeleted::Bytes(most) = self.agent.hold_deleted else { return };
        let mut deleted: Vec<_> = self.files.values().filter(|file| is_deleted_unread(file)).collect();
        deleted.sort_by_key(|file| (file.mtime, file.id));
        let mut bytes: u64 = deleted.iter().map(|file| file.size).sum();
        let mut over = Vec::new();
        for file in deleted {
            let lack = self.disks.lacks.get_mut(&file.identity.dev);
            if bytes <= most && lack.as_ref().is_none_or(|lack| **lack == 0) {
                continue;
            }
            bytes -= file.size;
            if let Some(lack) = lack {
                *lack = lack.saturating_sub(file.size);
            }
            over.push(file.id);
        }
        for id in over {
            let is_read = self.files.get(&id).is_some_and(is_undelivered);
            if is_read { self.give_back(id, now) } else { self.give_up(id, now) }
        }
    }

    /// What was not read of a deleted file is lost. What was read is still delivered.
    fn give_up(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get(&id) else { return };
        let text = format!("{} was deleted and is given up unread: see hold_deleted", file.path.display());
        let size = file.size;
        let unread = |at: u64, seen: u64| Span::new(at, seen.max(size).max(at));
        let unread = file.cursors.iter().map(|cursor| {
            let span = unread(cursor.position.line.at, cursor.seen);
            (cursor.id(id), cursor.acked.missing(span))
        });
        for (cursor, spans) in unread.collect::<Vec<_>>() {
            for span in spans {
                self.flow(cursor.flow).counters.given_up_bytes += span.len();
                self.lose(cursor.flow, id, cursor.epoch, span, Reason::DeletedUnread, now);
                self.ack(cursor, span, now);
            }
            // Who still writes to it writes unseen.
            self.possible_loss(cursor.flow);
            self.budget.stop_waiting(cursor.flow.0 as usize);
        }
        self.note(Level::Error, "hold_deleted", text);
        if let Some(file) = self.files.get_mut(&id) {
            file.ending = Ending::Finished;
        }
        self.give_back(id, now);
    }

    /// Nothing more is read of a deleted file: its blocks are free once it is closed.
    fn give_back(&mut self, id: FileId, now: Now) {
        if let Some(file) = self.files.get_mut(&id) {
            file.cursors.iter_mut().for_each(|cursor| cursor.stage = Stage::Closed);
        }
        self.close_if_over(id, now);
    }

    /// Bytes of deleted files that are held open for a flow.
    pub(super) fn deleted_bytes(&self, flow: FlowId) -> u64 {
        let deleted = self.files.values().filter(|file| is_deleted_unread(file));
        deleted
            .filter(|file| file.cursors.iter().any(|cursor| cursor.flow == flow))
            .map(|file| file.size)
            .sum()
    }
}

/// Whether it is deleted, and open only because it is not read or not delivered yet.
fn is_deleted_unread(file: &File) -> bool {
    file.links == 0 && file.names.is_empty() && is_wanted(file)
}

fn is_wanted(file: &File) -> bool {
    is_unread(file) || is_undelivered(file)
}

/// Whether it is open with all bytes read, and some not delivered.
fn is_undelivered(file: &File) -> bool {
    file.handle.is_some() && file.ending == Ending::Finished && !file.is_answered()
}

/// Whether it is open with bytes to be read. Where reading is to begin may not be known yet.
fn is_unread(file: &File) -> bool {
    let placed = file.cursors.iter().all(|cursor| !cursor.stage.is_seeking());
    let unread = file.cursors.iter().any(|cursor| cursor.position.line.at < file.size);
    file.handle.is_some() && file.ending != Ending::Finished && placed && unread
}
