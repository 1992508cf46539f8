//! Acknowledging, losing, and beginning anew: what happens to the bytes of an epoch.

use super::Engine;
use crate::follow::{Cursor, Ended, Row, Stage};
use crate::ids::{CursorId, Epoch, FileId, FlowId, Span};
use crate::state::{Check, Fingerprint, LedgerRow, Put, Reason};
use crate::{Level, event::Now};

impl Engine {
    /// A span is done with. Returns how many of its bytes were not before.
    pub(super) fn ack(&mut self, id: CursorId, span: Span, now: Now) -> u64 {
        let Some(file) = self.files.get_mut(&id.file) else { return 0 };
        self.timers.set_by(crate::timer::Timer::Save, now.mono + super::offsets::SAVE_EVERY);
        self.keeper.cursor(id);
        if let Some(cursor) = file.cursors.iter_mut().find(|c| c.flow == id.flow && c.epoch == id.epoch) {
            let fresh = cursor.ack(span);
            if cursor.stage == Stage::Stuck && !cursor.acked.is_full() {
                cursor.stage = Stage::Queued;
                self.flows[id.flow.0 as usize].ready.push_back(id.file);
            }
            self.forget_if_over(id.file, now);
            return fresh;
        }
        let Some(at) = file.ended.iter().position(|e| e.flow == id.flow && e.epoch == id.epoch) else {
            return 0;
        };
        let fresh = file.ended[at].acked.ack(span);
        if file.ended[at].is_done() {
            file.ended.remove(at);
            let flow = self.flows[id.flow.0 as usize].settings.name.clone();
            self.keeper.later(Put::ForgetCursor { flow, file: id.file, epoch: id.epoch });
            self.forget_if_over(id.file, now);
        }
        fresh
    }

    /// Puts bytes on the ledger.
    pub(super) fn lose(
        &mut self,
        flow: FlowId,
        file: FileId,
        epoch: Epoch,
        span: Span,
        reason: Reason,
        now: Now,
    ) {
        let path = self.files.get(&file).map(|file| file.path.clone()).unwrap_or_default();
        let name = self.flows[flow.0 as usize].settings.name.clone();
        let row = LedgerRow { flow: name, file, epoch, path, span, reason, time: now.wall };
        self.flow(flow).counters.lost_bytes += span.len();
        self.keeper.later(Put::Loss(row.clone()));
        self.save_soon(now);
        crate::ledger::add(&mut self.ledger, row);
    }

    /// Something happened that may have destroyed lines unseen.
    pub(super) fn possible_loss(&mut self, flow: FlowId) {
        let counted = self.flow(flow);
        counted.possible_losses += 1;
        counted.counters.possible_losses += 1;
        self.keeper.flow(flow);
    }

    /// The content is another than before: a truncation, or a refill. What was read before is still delivered, under
    /// its own epoch; what was seen and not read is lost. What one flow finds holds for all: another may stand where
    /// it cannot be told. `head` is of the new content's first bytes, as far as they are known.
    pub(super) fn begin_epoch(&mut self, id: FileId, head: Fingerprint, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let text = format!("{} was truncated or overwritten, it is read from its start", file.path.display());
        let epoch = Epoch { run: self.run, number: file.epoch.number + 1 };
        file.epoch = epoch;
        file.head = head;
        file.begin_under_its_name();
        file.row = Row::Unsaved;
        let mut before = Vec::new();
        for cursor in &mut file.cursors {
            let old = cursor.id(id);
            let header = self.flows[cursor.flow.0 as usize].settings.line.skip_header;
            let (ended, missing) = restart(cursor, epoch, file.size, header);
            before.push((old, ended, missing));
        }
        for (old, ended, missing) in before {
            for span in missing {
                self.lose(old.flow, id, old.epoch, span, Reason::FileTruncated, now);
            }
            self.end(old, ended);
            self.truncated(old.flow);
            self.budget.stop_waiting(old.flow.0 as usize);
        }
        self.place(id, now);
        self.note(Level::Info, "truncated", text);
        self.keeper.whole_file(id);
        self.save_urgently(now);
    }

    fn truncated(&mut self, flow: FlowId) {
        self.flow(flow).counters.truncations += 1;
        self.possible_loss(flow);
    }

    /// The file is shorter than it was, though what was read of it is still there: a half line was cut off. What was
    /// seen past the end is gone, and was never a record.
    pub(super) fn shrunk(&mut self, id: CursorId, size: u64, now: Now) {
        let Some(cursor) = self.files.get_mut(&id.file).and_then(|file| file.cursor(id.flow)) else { return };
        let seen = std::mem::replace(&mut cursor.seen, size);
        let from = size.max(cursor.position.line.at).min(seen);
        let missing = cursor.acked.missing(Span::new(from, seen));
        for span in missing {
            self.lose(id.flow, id.file, id.epoch, span, Reason::FileTruncated, now);
        }
        self.truncated(id.flow);
    }

    /// An epoch ended: its row stays while bytes of it are unacknowledged.
    fn end(&mut self, id: CursorId, ended: Ended) {
        if ended.is_done() {
            let flow = self.flows[id.flow.0 as usize].settings.name.clone();
            self.keeper.later(Put::ForgetCursor { flow, file: id.file, epoch: id.epoch });
        } else if let Some(file) = self.files.get_mut(&id.file) {
            file.ended.push(ended);
        }
    }
}

/// Puts a cursor at the beginning of a new epoch of `size` bytes. Returns what remains of the old one, and what of it
/// is lost.
fn restart(cursor: &mut Cursor, epoch: Epoch, size: u64, header: u32) -> (Ended, Vec<Span>) {
    let read = cursor.position.line.at;
    let seen = std::mem::replace(&mut cursor.seen, size);
    if cursor.stage.is_seeking() {
        // What was there it was about to pass over.
        cursor.acked.ack(Span::new(0, seen));
    }
    let missing = cursor.acked.missing(Span::new(read, seen.max(read)));
    let acked = std::mem::take(&mut cursor.acked);
    let ended = Ended { flow: cursor.flow, epoch: cursor.epoch, acked, end: read };
    cursor.epoch = epoch;
    cursor.start_at(Check::default());
    cursor.position.header = header;
    cursor.again = false;
    cursor.stage = Stage::Unsaved;
    (ended, missing)
}
