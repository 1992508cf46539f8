//! Operations happen to the world.

use super::tally::Kind;
use super::writers::Ink;
use super::{Armed, What, World};
use crate::oracle::Broken;
use crate::plan::point::{Deed, Point};
use crate::plan::{Fault, MS, Op, SEC};
use crate::text::tellable;
use kintail_engine::command::Command;
use kintail_engine::event::Event;
use kintail_engine::ids::CommandId;
use std::time::Duration;

/// A glob that leads to no file.
const NOWHERE: &str = "/log/none/*.log";

impl World {
    pub(super) fn operate(&mut self, index: usize) -> Result<(), Broken> {
        let op = self.plan.ops[index].op.clone();
        self.say(|| format!("-- {op:?}"));
        let kind = match op {
            Op::Append { writer, lines } => {
                Some(kind_of_write(Kind::Append, self.write(writer, &Ink::Lines(&lines))))
            }
            Op::Half { writer, body, part } => {
                Some(kind_of_write(Kind::Half, self.write(writer, &Ink::Half { body, part })))
            }
            Op::Rotate { writer, reopen } => {
                let kind = if reopen { Kind::Rotate } else { Kind::RotateOpen };
                self.rotate(writer, reopen).then_some(kind)
            }
            Op::Reopen { writer } => {
                self.reopen(writer);
                Some(Kind::Reopen)
            }
            Op::Truncate { writer } => self.truncate(writer).map(|_| Kind::Truncate),
            Op::Copy { writer, after } => self.copy(writer, after).then_some(Kind::Copy),
            Op::Compress { writer, after } => self.compress(writer, after).then_some(Kind::Compress),
            Op::Refill { writer, more } => self.refill(writer, more).then_some(Kind::Refill),
            Op::Delete { writer, reopen } => self.delete(writer, reopen).then_some(Kind::Delete),
            Op::RemoveDir { writer, reopen } => self.remove_dir(writer, reopen).then_some(Kind::RemoveDir),
            Op::Prune { writer } => self.prune(writer).then_some(Kind::Prune),
            Op::Link { writer } => self.link(writer).then_some(Kind::Link),
            Op::Touch { writer } => {
                self.touch(writer);
                Some(Kind::Touch)
            }
            Op::Jump { by } => {
                self.skew += by * MS as i64;
                Some(Kind::Jump)
            }
            Op::Fault { kind, lasts } => Some(self.fault(kind, self.now + lasts)),
            Op::Ask => return self.command(index),
            Op::Reload { flow, globs } => {
                self.reload(flow, globs);
                None
            }
            Op::Stop { down } => {
                self.done[0].insert(Kind::Stop);
                return self.stop(down);
            }
            Op::Crash { point, skip, power, down } => {
                return self.arm(index, Armed { point, skip, power, down });
            }
        };
        if let Some(kind) = kind {
            self.done[0].insert(kind);
            self.tally.operations[kind as usize] += 1;
        }
        Ok(())
    }

    /// A truncation, and at once as many bytes as before plus `more`, nearly.
    fn refill(&mut self, writer: usize, more: i32) -> bool {
        let Some(size) = self.truncate(writer) else { return false };
        let wanted = size.saturating_add_signed(i64::from(more)).min(20_000);
        let mut lines = Vec::new();
        let mut left = wanted as u32;
        while left > 0 {
            let line = if left < 200 { left } else { 104 };
            // Never an empty line: a refill with the bytes that were there before cannot be told.
            let body = tellable((line as usize - 1).max(4));
            lines.push((body - usize::from(body.is_multiple_of(8) && body > 0)) as u32);
            left = left.saturating_sub(line.max(5));
        }
        self.write_live(writer, &Ink::Lines(&lines));
        true
    }

    fn fault(&mut self, kind: Fault, until: u64) -> Kind {
        let (fault, kind) = match kind {
            Fault::Outage => (&mut self.faults.outage, Kind::Outage),
            Fault::Throttle => (&mut self.faults.throttle, Kind::Throttle),
            Fault::StoreFull => (&mut self.faults.store, Kind::StoreFull),
            Fault::Files => (&mut self.faults.files, Kind::FileErrors),
            Fault::Hidden => (&mut self.faults.hidden, Kind::FileErrors),
            Fault::Deaf => {
                let life = self.lives;
                self.queue.put(until, What::Notice(life, kintail_engine::event::Notice::Overflow));
                (&mut self.faults.deaf, Kind::Deaf)
            }
        };
        *fault = (*fault).max(until);
        kind
    }

    /// The configuration changes, and the agent is told so if one lives.
    fn reload(&mut self, flow: usize, globs: bool) {
        let settings = &mut self.plan.setup.settings;
        let flow = &mut settings.flows[flow];
        if !globs {
            flow.batch.max_age += Duration::from_millis(1);
        } else if flow.files.last().is_some_and(|glob| glob == NOWHERE) {
            flow.files.pop();
        } else {
            flow.files.push(NOWHERE.into());
        }
        let settings = Box::new(settings.clone());
        if self.agent.is_some() {
            self.handle(Event::Reload(settings));
        }
    }

    fn command(&mut self, index: usize) -> Result<(), Broken> {
        let Some(agent) = &mut self.agent else { return Ok(()) };
        let id = CommandId(index as u64 + 1);
        agent.asked.insert(id.0);
        let commands = [Command::Status, Command::Offsets, Command::Losses];
        let command = commands[index % commands.len()].clone();
        self.done[0].insert(Kind::Ask);
        self.handle(Event::Command { id, command });
        self.reached(Point::Command)
    }

    /// Prepares a death. Points that come only at a start or by request are brought about.
    fn arm(&mut self, index: usize, armed: Armed) -> Result<(), Broken> {
        if self.armed.is_some() {
            // The death before still waits for its point.
            return Ok(());
        }
        self.armed = Some(armed);
        self.await_death();
        match armed.point {
            Point::Asked(Deed::Load | Deed::Watch) | Point::Answered(Deed::Load | Deed::Watch) => {
                self.crash()?;
                self.armed = Some(Armed { skip: 0, ..armed });
            }
            Point::Shutdown => {
                self.armed = Some(Armed { skip: 0, ..armed });
                self.stop(0)?;
            }
            Point::Command | Point::Asked(Deed::Reply) | Point::Answered(Deed::Reply) => {
                self.armed = Some(Armed { skip: 0, ..armed });
                self.command(index)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// A death that does not come to its point comes without it in the end.
    pub(super) fn await_death(&mut self) {
        if let Some(armed) = self.armed {
            let patience = if armed.point.is_rare() { 5 * SEC } else { 2 * SEC };
            self.queue.put(self.now + patience, What::Die(self.lives));
        }
    }
}

fn kind_of_write(plain: Kind, (file, dir): (bool, bool)) -> Kind {
    match (file, dir) {
        (_, true) => Kind::MakeDir,
        (true, _) => Kind::Create,
        _ => plain,
    }
}
