//! Acknowledging and losing: what happens to the bytes of an epoch.

use super::Engine;
use crate::event::Now;
use crate::follow::Stage;
use crate::ids::{CursorId, Epoch, FileId, FlowId, Span};
use crate::state::{LedgerRow, Put, Reason};

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
            self.let_successors(id.file);
            self.forget_if_over(id.file, now);
            return fresh;
        }
        0
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
        let path = self.files.get(&file).map(|file| file.path.to_path_buf()).unwrap_or_default();
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
        self.flow(id.flow).counters.truncations += 1;
        self.possible_loss(id.flow);
    }
}
