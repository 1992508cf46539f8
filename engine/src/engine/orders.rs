//! Orders and questions from outside: status, offsets, the ledger.

use super::{Asked, Engine};
use crate::command::{Command, Position, Reply};
use crate::event::{Do, Now};
use crate::follow::{Cursor, File, Row, Stage};
use crate::ids::{CommandId, CursorId, FileId, FlowId, Span};
use crate::shipped::Shipped;
use crate::state::{Check, Identity, Put, Reason};
use crate::timer::Timer;
use std::path::Path;

/// Files that are drained before their offsets change.
#[derive(Debug)]
pub(super) struct Drain {
    command: CommandId,
    cursors: Vec<CursorId>,
    offset: u64,
}

impl Drain {
    /// Whether it holds any flow back from reading a file.
    pub(super) fn holds_any(&self, file: FileId) -> bool {
        self.cursors.iter().any(|id| id.file == file)
    }

    /// Whether a flow's place is to be changed.
    pub(super) fn is_of(&self, flow: FlowId) -> bool {
        self.cursors.iter().any(|id| id.flow == flow)
    }

    /// Whether it holds a cursor back from reading.
    pub(super) fn holds(&self, flow: FlowId, file: FileId) -> bool {
        self.cursors.iter().any(|id| id.flow == flow && id.file == file)
    }
}

impl Engine {
    pub(super) fn command(&mut self, id: CommandId, command: Command, now: Now) {
        let reply = match command {
            Command::Status => Reply::Status(Box::new(self.status(now))),
            Command::Offsets => Reply::Offsets(self.positions()),
            Command::Shipped { files } => Reply::Shipped(self.shipped(&files)),
            Command::Losses => Reply::Losses(self.ledger.clone()),
            Command::ClearLosses => {
                self.ledger.clear();
                self.keeper.later(Put::ClearLedger);
                self.save_soon(now);
                Reply::Done
            }
            Command::SetOffset { flow, path, offset } => {
                return self.set_offsets(id, &flow, Some(&path), offset, now);
            }
            Command::ResetOffsets { flow, path } => {
                return self.set_offsets(id, &flow, path.as_deref(), 0, now);
            }
            Command::RenameOffsets { .. } => Reply::Refused(
                "a running agent cannot rename offsets: stop it, and run the command again".into(),
            ),
            // The configuration is the driver's.
            Command::Reload => Reply::Refused("there is no configuration to read".into()),
            Command::AddLosses { losses } => {
                for row in losses {
                    self.keeper.later(Put::Loss(row.clone()));
                    crate::ledger::add(&mut self.ledger, row);
                }
                self.keeper.reply_when_saved(id);
                return self.save_urgently(now);
            }
            Command::Resend { flow, records } => return self.resend(id, &flow, records, now),
        };
        self.reply(id, reply);
    }

    pub(super) fn reply(&mut self, command: CommandId, reply: Reply) {
        self.ask(Asked::Nothing, Do::Reply { command, reply: Box::new(reply) });
    }

    fn positions(&self) -> Vec<Position> {
        let cursors = self.files.values().flat_map(|file| file.cursors.iter().map(move |c| (file, c)));
        cursors
            .map(|(file, cursor)| Position {
                flow: self.flows[cursor.flow.0 as usize].settings.name.clone(),
                file: file.id.to_string(),
                path: file.path.to_path_buf(),
                offset: cursor.acked.prefix(),
                ahead: cursor.acked.ahead(),
                size: Some(file.size),
            })
            .collect()
    }

    fn shipped(&self, wanted: &[Identity]) -> Vec<Shipped> {
        let files = self.files.values().filter(|file| wanted.contains(&file.identity));
        let of = |file: &File, cursor: &Cursor| {
            let flow = self.flows[cursor.flow.0 as usize].settings.name.clone();
            Shipped::of(&file.to_row(), &cursor.row(flow, file.id), &self.ledger)
        };
        files.flat_map(|file| file.cursors.iter().map(move |cursor| of(file, cursor))).collect()
    }

    /// Drains the files first: what is out is answered under the old positions.
    fn set_offsets(&mut self, command: CommandId, flow: &str, path: Option<&Path>, offset: u64, now: Now) {
        let Some(flow) = self.flow_named(flow) else {
            return self.reply(command, Reply::Refused(format!("there is no flow {flow}")));
        };
        let files = self.files.values_mut().filter(|file| !file.is_homeless()).filter(|file| {
            path.is_none_or(|path| {
                *file.path == *path || *file.first_path == *path || file.names.contains(path)
            })
        });
        let mut cursors = Vec::new();
        let mut shortest = u64::MAX;
        for file in files {
            let (id, size) = (file.id, file.size);
            let Some(cursor) = file.cursor(flow) else { continue };
            cursors.push(cursor.id(id));
            shortest = shortest.min(size);
        }
        if !cursors.is_empty() && offset > shortest {
            let text = format!("the file has {shortest} bytes, the offset {offset} is past its end");
            return self.reply(command, Reply::Refused(text));
        }
        if cursors.is_empty() {
            return self.reply(command, Reply::Refused("the flow follows no such file".into()));
        }
        self.drains.push(Drain { command, cursors, offset });
        self.timers.set_by(Timer::Drain, now.mono + self.agent.shutdown_timeout);
    }

    pub(super) fn move_drains(&mut self, now: Now) {
        let drained = |engine: &Self, drain: &Drain| drain.cursors.iter().all(|id| engine.is_settled(*id));
        let mut index = 0;
        while index < self.drains.len() {
            if drained(self, &self.drains[index]) {
                let drain = self.drains.remove(index);
                self.apply(&drain, now);
            } else {
                index += 1;
            }
        }
    }

    pub(super) fn drain_timed_out(&mut self, now: Now) {
        for drain in std::mem::take(&mut self.drains) {
            self.apply(&drain, now);
        }
    }

    /// Nothing of a cursor is out, and all that was read is acknowledged.
    fn is_settled(&self, id: CursorId) -> bool {
        let Some(file) = self.files.get(&id.file) else { return true };
        file.cursors.iter().filter(|cursor| cursor.flow == id.flow).all(|cursor| {
            cursor.stage != Stage::Busy && cursor.acked.covers(Span::new(0, cursor.position.line.at))
        })
    }

    /// What is still unanswered belongs to the epoch that ends here. What is passed over is lost.
    fn apply(&mut self, drain: &Drain, now: Now) {
        for id in &drain.cursors {
            self.begin_at(*id, drain.offset, now);
        }
        self.reply(drain.command, Reply::Done);
    }

    fn begin_at(&mut self, id: CursorId, offset: u64, now: Now) {
        let run = self.run;
        let header = self.flow(id.flow).settings.line.skip_header;
        let Some(file) = self.files.get_mut(&id.file).filter(|file| !file.is_homeless()) else { return };
        file.epoch = crate::ids::Epoch { run, number: file.epoch.number + 1 };
        file.row = Row::Unsaved;
        let (epoch, open) = (file.epoch, file.handle.is_some());
        let Some(cursor) = file.cursor(id.flow) else { return };
        let old = cursor.epoch;
        let passed_over = cursor.acked.missing(Span::new(0, offset));
        cursor.epoch = epoch;
        cursor.acked = crate::ack::Acked::default();
        cursor.position.header = header;
        cursor.skip_to(Check { at: offset, ..Check::default() });
        cursor.stage = if open { Stage::Unsaved } else { Stage::Closed };
        for span in passed_over {
            self.lose(id.flow, id.file, old, span, Reason::OffsetSet, now);
        }
        let flow = self.flow(id.flow).settings.name.clone();
        self.keeper.later(Put::ForgetCursor { flow, file: id.file, epoch: old });
        self.keeper.whole_file(id.file);
        self.save_urgently(now);
    }
}
