//! A power cut may eat a log's end that was read already: the file system had not written it yet.

use super::generations::coarseness;
use super::{Engine, Level};
use crate::content::WINDOW;
use crate::event::{Meta, Now};
use crate::follow::{Cursor, File, Row};
use crate::ids::{Epoch, FileId, FlowId, Span};
use crate::state::{Check, Put, Reason};

impl Engine {
    /// A saved file was found that begins as it did, and is as `meta` tells. If it ends before what was read of it, the machine
    /// was booted since, and nobody has written to it in this boot, it goes on where it ends: what comes there is new. The new
    /// epoch keeps what of the old one is still there, and is read from the beginning to find the last line's start; what is
    /// done with is not sent again.
    pub(super) fn mind_a_power_cut(&mut self, id: FileId, meta: &Meta, now: Now) {
        let (run, size) = (self.run, meta.size);
        // What was written since takes the place of what was lost, and nobody knows from where on.
        let untouched = meta.mtime.saturating_add(coarseness(meta.mtime).as_nanos() as i64) < self.booted;
        let cut = self.rebooted && untouched;
        let Some(file) = self.files.get_mut(&id).filter(|file| cut && is_told(file)) else { return };
        let epoch = Epoch { run, number: file.epoch.number + 1 };
        let mut cut = Vec::new();
        for cursor in file.cursors.iter_mut().filter(|cursor| cursor.acked.end() > size) {
            cut.push((cursor.flow, cursor.epoch, cut_off(cursor, size, epoch)));
        }
        if cut.is_empty() {
            return;
        }
        file.epoch = epoch;
        file.row = Row::Unsaved;
        let text =
            format!("{} lost its end in a power cut, it is read on at its last line", file.path.display());
        self.note(Level::Warn, "power cut", text);
        for (flow, before, lost) in cut {
            for span in lost {
                self.lose(flow, id, before, span, Reason::FileTruncated, now);
            }
            self.possible_loss(flow);
            self.flow(flow).counters.truncations += 1;
            self.forget_epoch(flow, id, before);
        }
        self.keeper.whole_file(id);
        self.save_urgently(now);
    }

    fn forget_epoch(&mut self, flow: FlowId, file: FileId, epoch: Epoch) {
        let flow = self.flows[flow.0 as usize].settings.name.clone();
        self.keeper.later(Put::ForgetCursor { flow, file, epoch });
    }
}

/// Whether it was not looked at since the start, and enough is known of its beginning to tell it from a refill.
fn is_told(file: &File) -> bool {
    file.last_read.is_zero() && file.head.len as usize == WINDOW
}

/// A cursor's place in a file of which nothing is left from `size` on. Returns what was seen there and is not done with.
fn cut_off(cursor: &mut Cursor, size: u64, epoch: Epoch) -> Vec<Span> {
    let lost = cursor.acked.missing(Span::new(size, cursor.seen.max(size)));
    cursor.epoch = epoch;
    cursor.acked.cut_off(size);
    cursor.seen = size;
    cursor.start_at(Check::default());
    lost
}
