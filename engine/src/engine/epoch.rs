//! Acknowledging, losing, and beginning anew: what happens to the bytes of an epoch.

use super::Engine;
use crate::follow::{Cursor, Ended, Stage};
use crate::ids::{CursorId, Epoch, FileId, FlowId, Span};
use crate::state::{Check, Fingerprint, LedgerRow, Put, Reason};
use crate::{Level, event::Now};

/// Ledger rows that are remembered; the store counts the rest.
const MAX_LEDGER: usize = 10_000;

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
        if self.ledger.len() < MAX_LEDGER {
            self.ledger.push(row);
        }
    }

    /// Something happened that may have destroyed lines unseen.
    pub(super) fn possible_loss(&mut self, flow: FlowId) {
        let counted = self.flow(flow);
        counted.possible_losses += 1;
        counted.counters.possible_losses += 1;
        self.keeper.flow(flow);
    }

    /// The content is another than before: a truncation, or a refill. What was read before is still delivered, under
    /// its own epoch; what was seen and not read is lost.
    pub(super) fn begin_epoch(&mut self, id: FileId, now: Now) {
        self.next_epoch(id, From::Start, now);
    }

    /// The file is shorter than it was, though not so much that it shows in what was read: it was truncated, and what
    /// was seen past the place that was read last is gone. Returns whether that is so.
    pub(super) fn shrunk(&mut self, id: FileId, now: Now) -> bool {
        let shrunk = self.files.get(&id).is_some_and(|file| file.size < file.seen);
        if shrunk {
            self.next_epoch(id, From::Here, now);
        }
        shrunk
    }

    fn next_epoch(&mut self, id: FileId, from: From, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let text = format!("{} was truncated or overwritten", file.path.display());
        let seen = std::mem::take(&mut file.seen);
        file.seen = file.size;
        let same = file.cursors.iter().map(|cursor| cursor.position.line.at).min().unwrap_or(0);
        if from == From::Start || same < u64::from(file.head.len) {
            file.head = Fingerprint::default();
        }
        let epoch = Epoch { store: self.store, number: file.epoch.number + 1 };
        file.epoch = epoch;
        file.saved = false;
        let mut unread = Vec::new();
        let mut ended = Vec::new();
        for cursor in &mut file.cursors {
            let id = cursor.id(file.id);
            let (before, missing) = restart(cursor, epoch, seen, from);
            unread.push((id, missing));
            ended.push((id, before));
        }
        for (cursor, spans) in unread {
            for span in spans {
                self.lose(cursor.flow, id, cursor.epoch, span, Reason::FileTruncated, now);
            }
            self.possible_loss(cursor.flow);
            let flow = self.flow(cursor.flow);
            flow.counters.truncations += 1;
            let skip_header = flow.settings.line.skip_header;
            self.budget.stop_waiting(cursor.flow.0 as usize);
            let file = self.files.get_mut(&id);
            if let Some(cursor) = file.and_then(|file| file.cursor(cursor.flow))
                && cursor.position.line.at == 0
            {
                cursor.position.header = skip_header;
            }
        }
        for (cursor, before) in ended {
            self.end(cursor, before);
        }
        self.note(Level::Info, "truncated", text);
        self.keeper.whole_file(id);
        self.save_urgently(now);
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

/// Where a new epoch is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// From byte 0: the content is another.
    Start,
    /// From where reading stands: the content before is the same as far as can be told.
    Here,
}

/// Puts a cursor into a new epoch. Returns what remains of the old one, and what of it is lost.
fn restart(cursor: &mut Cursor, epoch: Epoch, seen: u64, from: From) -> (Ended, Vec<Span>) {
    let read = cursor.position.line.at;
    let missing = cursor.acked.missing(Span::new(read, seen.max(read)));
    let acked = std::mem::take(&mut cursor.acked);
    let ended = Ended { flow: cursor.flow, epoch: cursor.epoch, acked, end: read };
    cursor.epoch = epoch;
    match from {
        From::Start => cursor.start_at(Check::default()),
        From::Here => cursor.skip_to(cursor.position.line),
    }
    cursor.again = false;
    cursor.stage = Stage::Unsaved;
    (ended, missing)
}
