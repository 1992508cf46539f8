//! A power cut may eat a log's end that was read already: the file system had not written it yet.

use super::generations::coarseness;
use super::{Engine, Level};
use crate::content::WINDOW;
use crate::event::{Meta, Now};
use crate::follow::{Cursor, File, Row, name};
use crate::ids::{CursorId, Epoch, FileId, Span};
use crate::state::{Check, Put, Reason};
use std::path::Path;

impl Engine {
    /// A saved file was found, begins as it did, and is as `meta` tells. If it ends before what was known of
    /// it, the machine was booted since, and nobody has written to it in this boot, it goes on where it ends: what comes there
    /// is new.
    pub(super) fn mind_a_power_cut(&mut self, id: FileId, path: &Path, meta: &Meta, now: Now) {
        let (run, size) = (self.run, meta.size);
        // What was written since takes the place of what was lost, and nobody knows from where on.
        let untouched = self.is_untouched(meta);
        // Without a birth time, what bears a rotated name may be a copy that was made before that was read.
        let no_copy = meta.identity.btime != 0 || !name::is_rotated(path);
        let may_be = self.boot.is_new && untouched && no_copy;
        let Some(file) = self.files.get_mut(&id).filter(|file| may_be && is_told(file)) else { return };
        let epoch = Epoch { run, number: file.epoch.number + 1 };
        let longer = file.cursors.iter_mut().filter(|cursor| cursor.is_known_past(size));
        let cut: Vec<_> = longer.map(|cursor| (cursor.id(id), cut_off(cursor, size, epoch))).collect();
        if cut.is_empty() {
            return;
        }
        if file.cursors.iter().any(|cursor| cursor.epoch == epoch) {
            file.epoch = epoch;
        }
        file.row = Row::Unsaved;
        let text =
            format!("{} lost its end in a power cut, it is read on at its last line", file.path.display());
        self.note(Level::Warn, "power cut", text);
        for (before, lost) in cut {
            self.lost_its_end(before, lost, now);
        }
        self.keeper.whole_file(id);
        self.save_urgently(now);
    }

    /// Whether nobody wrote to it in this boot.
    pub(super) fn is_untouched(&self, meta: &Meta) -> bool {
        meta.mtime.saturating_add(coarseness(meta.mtime).as_nanos() as i64) < self.boot.began
    }

    fn lost_its_end(&mut self, before: CursorId, lost: Vec<Span>, now: Now) {
        let CursorId { flow, file, epoch } = before;
        for span in lost {
            self.lose(flow, file, epoch, span, Reason::FileTruncated, now);
        }
        self.possible_loss(flow);
        self.flow(flow).counters.truncations += 1;
        if self.files.get_mut(&file).and_then(|file| file.cursor(flow)).is_some_and(|now| now.epoch != epoch)
        {
            let flow = self.flows[flow.0 as usize].settings.name.clone();
            self.keeper.later(Put::ForgetCursor { flow, file, epoch });
        }
    }
}

/// Whether it was not looked at since the start, and enough is known of its beginning to tell it from a refill.
fn is_told(file: &File) -> bool {
    file.last_read.is_zero() && file.head.len as usize == WINDOW
}

/// A cursor's place in a file of which nothing is left from `size` on. Where that was done with, a new epoch begins, which
/// keeps what is done with before; it is read from the beginning to find the last line's start, and what is done with is not
/// sent again. Returns what was seen there and is not done with.
fn cut_off(cursor: &mut Cursor, size: u64, epoch: Epoch) -> Vec<Span> {
    let lost = cursor.acked.missing(Span::new(size, cursor.seen.max(size)));
    cursor.seen = cursor.seen.min(size);
    if cursor.acked.end() > size {
        cursor.epoch = epoch;
        cursor.acked.cut_off(size);
        cursor.start_at(Check::default());
    }
    lost
}
