//! From a buffer to records: hands it out to be cut, and takes the pieces in.

use super::read::{Plan, Reading};
use super::{Asked, Engine};
use crate::event::{Chunk, Do, Letter, Now};
use crate::follow::{Ending, LARGE_READ, SMALL_READ, Stage};
use crate::frame::{Cut, FrameJob, Framed, Framing, Rec};
use crate::ids::{CursorId, HandleId, Span};
use crate::job::Job;
use crate::state::Reason;
use bytes::Bytes;

impl Engine {
    pub(super) fn frame(&mut self, id: CursorId, handle: HandleId, plan: Plan, chunk: Chunk) {
        let rules = self.flows[id.flow.0 as usize].rules;
        let Some(file) = self.files.get_mut(&id.file) else { return };
        let base = plan.check.at - u64::from(plan.check.print.len);
        let at_end = base + chunk.bytes.len() as u64 >= chunk.meta.size;
        let rested = matches!(file.ending, Ending::Closing { size } if size == chunk.meta.size);
        let full = chunk.bytes.len() as u64 == plan.len;
        let head = file.head;
        let Some(cursor) = file.cursor(id.flow) else { return };
        cursor.chunk = if full { (cursor.chunk * 2).min(LARGE_READ) } else { SMALL_READ };
        let charge = chunk.bytes.len() as u64;
        let job = FrameJob {
            cursor: id,
            bytes: chunk.bytes,
            base,
            check: plan.check,
            head,
            mode: plan.mode,
            data: cursor.position.data(),
            header: cursor.position.header,
            ended: rested && at_end,
            hole: id.epoch.is_after_another() && cursor.position.may_be_hole(),
            hold: plan.len / 2,
            rules,
        };
        let read = Reading { handle, mode: plan.mode, charge, size: chunk.meta.size };
        self.ask(Asked::Frame(id, read), Do::Compute(Job::Frame(job)));
    }

    pub(super) fn framed(&mut self, id: CursorId, read: Reading, framed: Framed, now: Now) {
        let flow = id.flow.0 as usize;
        if !self.current(id, read.handle) {
            return self.budget.give(flow, read.charge);
        }
        match framed.framing {
            Framing::Changed(head) => {
                self.budget.give(flow, read.charge);
                self.changed(id, read.mode, head, now);
            }
            Framing::Same(cut) => self.cut(id, read, *cut, now),
        }
    }

    pub(super) fn cut(&mut self, id: CursorId, read: Reading, mut cut: Cut, now: Now) {
        let Reading { mode, charge, size, .. } = read;
        let cursor = self.files.get_mut(&id.file).and_then(|file| file.cursor(id.flow));
        if let Some((seen, line)) = cursor.map(|cursor| (cursor.seen, cursor.position.line.at))
            && size < seen
        {
            if line == 0 {
                self.budget.give(id.flow.0 as usize, charge);
                return self.begin_anew(id.file, cut.head.unwrap_or_default(), now);
            }
            self.shrunk(id, size, now);
        }
        self.saw(id, size, now);
        let Some(file) = self.files.get_mut(&id.file) else { return };
        if let Some(head) = cut.head.filter(|head| head.len > file.head.len) {
            file.head = head;
            self.keeper.file(id.file);
        }
        let size = file.size;
        let rules = self.flows[id.flow.0 as usize].rules;
        let Some(cursor) = file.cursor(id.flow) else { return };
        let from = cursor.position.line.at;
        cursor.position.advance(mode, &cut);
        let to = cursor.position.line;
        if to.at > from {
            cursor.checks.push_back(to);
        }
        let more = cursor.again || cut.end < size || cursor.position.can_go_on(rules);
        cursor.stage = if more { Stage::Queued } else { Stage::Idle };
        cursor.again = false;
        cut.lines.recs.retain(|rec| !cursor.acked.covers(span(cut.lines.base, *rec)));
        cut.dead.retain(|rec| !cursor.acked.covers(span(cut.lines.base, *rec)));
        cut.lost.retain(|(span, _)| !cursor.acked.covers(*span));
        let key = cursor.key.clone();
        let counters = &mut self.flow(id.flow).counters;
        counters.read_bytes += to.at - from;
        counters.filtered_lines += u64::from(cut.filtered_lines);
        counters.records += cut.lines.recs.len() as u64;
        if more {
            self.flow(id.flow).ready.push_back(id.file);
        }
        self.settle(id, &mut cut, now);
        if cut.lines.recs.is_empty() {
            self.budget.give(id.flow.0 as usize, charge);
        } else {
            let sender = &mut self.flows[id.flow.0 as usize].sender;
            sender.push(cut.lines, key, charge, now.mono);
        }
        if !more {
            self.at_rest(id.file, now);
        }
    }

    /// What of a buffer is not shipped.
    pub(super) fn settle(&mut self, id: CursorId, cut: &mut Cut, now: Now) {
        if let Some(span) = cut.filtered {
            self.ack(id, span, now);
        }
        for (span, reason) in std::mem::take(&mut cut.lost) {
            self.lose(id.flow, id.file, id.epoch, span, reason, now);
            // A truncated line's span is acknowledged with its record.
            if reason != Reason::Truncated {
                self.ack(id, span, now);
            }
        }
        if !cut.dead.is_empty() {
            let path = self.files[&id.file].path.clone();
            let letter = |rec: &Rec| Letter {
                cursor: id,
                path: path.clone(),
                span: span(cut.lines.base, *rec),
                code: "Oversize".into(),
                message: "the line is longer than the limit".into(),
                data: Bytes::copy_from_slice(cut.lines.data(*rec)),
            };
            let letters = cut.dead.iter().map(letter).collect();
            self.write_letters(id.flow, letters);
        }
    }
}

fn span(base: u64, rec: Rec) -> Span {
    Span::new(base + u64::from(rec.start), rec.end)
}
