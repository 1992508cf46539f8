//! From a buffer to records: hands it out to be cut, and takes the pieces in.

use super::read::{Plan, Reading};
use super::{Asked, Engine, Level};
use crate::event::{Chunk, Do, Letter, Now};
use crate::follow::{Ending, LARGE_READ, SMALL_READ, Stage};
use crate::frame::{Cut, Dead, FrameJob, Framed, Framing, Mode};
use crate::ids::{CursorId, HandleId, Span};
use crate::job::Job;
use crate::multiline::Joining;
use crate::partition::KeyRule;
use crate::process::Processing;
use crate::state::Reason;
use crate::timer::Timer;
use std::sync::Arc;

impl Engine {
    pub(super) fn frame(&mut self, id: CursorId, handle: HandleId, plan: Plan, chunk: Chunk, now: Now) {
        let rules = self.flows[id.flow.0 as usize].rules;
        let process = self.processing(id, &plan, &chunk, now);
        let base = plan.check.at - u64::from(plan.check.print.len);
        let at_end = base + chunk.bytes.len() as u64 >= chunk.meta.size;
        let joining = self.joining(id, at_end, now);
        let Some(file) = self.files.get_mut(&id.file) else { return };
        let rested = matches!(file.ending, Ending::Closing { size } if size == chunk.meta.size);
        let full = chunk.bytes.len() as u64 == plan.len;
        let head = file.head;
        let Some(cursor) = file.cursor(id.flow) else { return };
        cursor.chunk = if full { (cursor.chunk * 2).min(LARGE_READ) } else { SMALL_READ };
        let charge = chunk.bytes.len() as u64 + plan.room;
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
            joining,
            process,
        };
        let read = Reading { handle, mode: plan.mode, charge, size: chunk.meta.size };
        self.ask(Asked::Frame(id, read), Do::Compute(Job::Frame(job)));
    }

    /// What a job needs to join lines, if the flow does.
    fn joining(&self, id: CursorId, at_end: bool, now: Now) -> Option<Box<Joining>> {
        let rules = self.flows[id.flow.0 as usize].multiline.as_ref()?;
        let file = self.files.get(&id.file)?;
        let cursor = file.cursors.iter().find(|cursor| cursor.flow == id.flow)?;
        // Nothing that was delivered is joined to what was not.
        let ranges = cursor.acked.ranges().flat_map(|range| [range.start, range.end]);
        let breaks = std::iter::once(cursor.acked.prefix()).chain(ranges).collect();
        let waited = at_end && now.mono.saturating_sub(file.changed) >= rules.max_wait;
        Some(Box::new(Joining { rules: Arc::clone(rules), waited, breaks }))
    }

    /// An open record is complete when nothing was written for so long.
    fn await_more(&mut self, id: CursorId, now: Now) {
        let Some(rules) = &self.flows[id.flow.0 as usize].multiline else { return };
        let changed = self.files.get(&id.file).map_or(now.mono, |file| file.changed);
        self.timers.set_by(Timer::Joined(id.file), changed + rules.max_wait);
    }

    /// What a job needs to take lines through the flow's steps, if it has any.
    fn processing(&self, id: CursorId, plan: &Plan, chunk: &Chunk, now: Now) -> Option<Box<Processing>> {
        let program = self.flows[id.flow.0 as usize].program.as_ref()?;
        let file = self.files.get(&id.file)?;
        let cursor = file.cursors.iter().find(|cursor| cursor.flow == id.flow)?;
        // From the file's first line on, that tells the columns.
        let named = cursor.program.as_ref().filter(|_| plan.check.at > 0);
        let program = Arc::clone(named.unwrap_or(program));
        let path = file.first_path.clone();
        let mtime = chunk.meta.mtime;
        Some(Box::new(Processing { program, path, now: now.wall, mtime, room: plan.room }))
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
        self.names(id, &mut cut);
        if mode == Mode::Names {
            self.budget.give(id.flow.0 as usize, charge);
            return self.read_again(id);
        }
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
        cursor.open = cut.open;
        cut.lines.recs.retain(|rec| !cursor.acked.covers(Span::new(rec.at, rec.end)));
        cut.dead.retain(|dead| !cursor.acked.covers(dead.span));
        cut.lost.retain(|(span, _)| !cursor.acked.covers(*span));
        let key = cursor.key.clone();
        if cut.open && !more {
            self.await_more(id, now);
        }
        self.flow(id.flow).counters.read_bytes += to.at - from;
        if more {
            self.flow(id.flow).ready.push_back(id.file);
        }
        self.hand_over(id, cut, key, charge, now);
        if !more {
            self.at_rest(id.file, now);
        }
    }

    /// The file's first line named columns.
    fn names(&mut self, id: CursorId, cut: &mut Cut) {
        if let Some(program) = cut.program.take()
            && let Some(cursor) = self.files.get_mut(&id.file).and_then(|file| file.cursor(id.flow))
        {
            cursor.program = Some(program);
        }
    }

    /// What is shipped goes to the sender, with what is booked for it.
    fn hand_over(&mut self, id: CursorId, mut cut: Cut, key: KeyRule, mut charge: u64, now: Now) {
        let counters = &mut self.flow(id.flow).counters;
        counters.filtered_lines += u64::from(cut.filtered_lines);
        counters.failed_lines += u64::from(cut.failed_lines);
        counters.records += cut.lines.recs.len() as u64;
        if let Some(fault) = &cut.fault {
            self.failed(id, fault);
        }
        if cut.lines.made {
            // Of the read buffer nothing is left.
            let made = cut.lines.bytes.len() as u64;
            self.budget.resize(id.flow.0 as usize, charge, made + letters(&cut));
            charge = made;
        }
        self.settle(id, &mut cut, now);
        if cut.lines.recs.is_empty() {
            self.budget.give(id.flow.0 as usize, charge);
        } else {
            let sender = &mut self.flows[id.flow.0 as usize].sender;
            sender.push(cut.lines, key, charge, now.mono);
        }
    }

    /// A step failed on some lines.
    fn failed(&mut self, id: CursorId, fault: &str) {
        let flow = &self.flows[id.flow.0 as usize];
        let (name, lines) = (&flow.settings.name, flow.counters.failed_lines);
        let path = self.files.get(&id.file).map(|file| file.path.display().to_string()).unwrap_or_default();
        let text = format!("flow {name}: steps failed on {lines} lines so far, last of {path}: {fault}");
        self.note(Level::Warn, format!("steps {name}"), text);
    }

    /// What of a buffer is not shipped.
    pub(super) fn settle(&mut self, id: CursorId, cut: &mut Cut, now: Now) {
        let booked = if cut.lines.made { letters(cut) } else { 0 };
        let mut done = std::mem::take(&mut cut.filtered);
        for (span, reason) in std::mem::take(&mut cut.lost) {
            self.lose(id.flow, id.file, id.epoch, span, reason, now);
            // A truncated line's span is acknowledged with its record.
            if reason != Reason::Truncated {
                done.push(span);
            }
        }
        if cut.lines.made {
            done.sort_unstable_by_key(|span| span.start);
            done = cut.lines.absorb(done);
        }
        for span in done {
            self.ack(id, span, now);
        }
        if !cut.dead.is_empty() {
            let path = self.files[&id.file].path.clone();
            let letter = |dead: Dead| Letter {
                cursor: id,
                path: path.to_path_buf(),
                span: dead.span,
                code: dead.code.into(),
                message: dead.message,
                data: dead.data,
            };
            let letters = std::mem::take(&mut cut.dead).into_iter().map(letter).collect();
            self.write_letters(id.flow, letters, booked);
        }
    }
}

/// Bytes of dead letters.
fn letters(cut: &Cut) -> u64 {
    cut.dead.iter().map(|dead| dead.data.len() as u64).sum()
}
