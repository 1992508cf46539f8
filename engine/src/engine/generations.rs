//! Generations that nobody has seen: a rotated name beside a followed one, written since the last look, is followed
//! too, whether or not a glob leads to it.

use super::tree::{Seen, Sighting};
use super::unread::Why;
use super::{Engine, FlowStart};
use crate::event::{FileError, Kind, Meta, Now};
use crate::follow::File;
use crate::ids::FlowId;
use crate::state::{Identity, Put};
use std::time::Duration;

/// How much older than its last write a time stamp may be: the kernel's clock for files ticks so coarsely.
const TICK: Duration = Duration::from_millis(20);

/// The same where a file system keeps whole seconds only, as ext3 does, or every other one, as FAT does.
const COARSE_TICK: Duration = Duration::from_millis(2_020);

/// A look that is so much newer than the saved one is saved.
const SAVE_LOOK: Duration = Duration::from_mins(1);

impl Engine {
    /// A file under a rotated name that no glob leads to: known, or unseen, or none of ours.
    pub(super) fn looked_at_kin(
        &mut self,
        mut sighting: Sighting,
        result: Result<Meta, FileError>,
        now: Now,
    ) {
        let meta = match result {
            Ok(meta) => meta,
            Err(error) => return self.concluded_failed(&sighting, &error, now),
        };
        self.refresh(&mut sighting);
        self.mind_the_device(&sighting, &meta, now);
        let known = self.by_identity.contains_key(&meta.identity) || !sighting.followers.is_empty();
        let path = sighting.path();
        let copy = || self.kin_of(&path).any(File::is_missing);
        let followed =
            known || !self.unseen_by(&sighting.kin, meta.identity, meta.mtime).is_empty() || copy();
        if meta.kind == Kind::File && followed {
            self.tree.opening.give();
            self.open_in_turn(sighting, now);
        } else {
            self.concluded(&sighting, Seen::Passed(Why::NotMeant), now);
        }
    }

    /// Which of these flows have never seen a file that was last written then.
    pub(super) fn unseen_by(&self, flows: &[FlowId], identity: Identity, mtime: i64) -> Vec<FlowId> {
        let held = self.held_before.contains_key(&(identity.ino, identity.btime));
        let unseen = |flow: &FlowId| {
            let flow = &self.flows[flow.0 as usize];
            let since = flow.last_look.saturating_sub(coarseness(mtime).as_nanos() as i64);
            flow.start != FlowStart::FirstScan && (mtime >= since || held)
        };
        flows.iter().copied().filter(unseen).collect()
    }

    /// Where the clock is set back, the last look was as much earlier.
    pub(super) fn mind_the_clock(&mut self, now: Now) {
        let ahead = now.wall.saturating_sub(now.mono.as_nanos() as i64);
        let back = std::mem::replace(&mut self.ahead, ahead).saturating_sub(ahead);
        if back > 0 {
            for flow in &mut self.flows {
                flow.last_look = flow.last_look.saturating_sub(back);
            }
        }
    }

    /// A scan that began a while ago is complete: what there was then is known, if all could be looked at.
    pub(super) fn looked_everywhere(&mut self, now: Now) {
        // What is held back, or was renamed while it was looked at, is not known yet.
        if !self.held.is_empty() || self.is_looking_astray() || !self.saw_all() {
            return;
        }
        for id in std::mem::take(&mut self.held_rows) {
            self.keeper.later(Put::ForgetFile(id));
            self.save_soon(now);
        }
        let known = self.files.values().filter(|file| is_to_be_read(file)).map(|file| file.last_read);
        let known = known.min().unwrap_or(self.tree.scan_began).min(self.tree.scan_began);
        let began = now.wall - (now.mono.saturating_sub(known)).as_nanos() as i64;
        for flow in &mut self.flows {
            flow.last_look = flow.last_look.max(began);
        }
        let old = |look: i64| began.abs_diff(look) >= SAVE_LOOK.as_nanos() as u64;
        for index in 0..self.flows.len() {
            if old(self.flows[index].saved_look) && self.flows[index].start == FlowStart::Begun {
                self.flows[index].saved_look = began;
                self.keeper.flow(FlowId(index as u32));
                self.save_soon(now);
            }
        }
    }
}

/// Whether it is open, and may have another content since it was read last: nobody has come to read it again.
fn is_to_be_read(file: &File) -> bool {
    file.handle.is_some() && file.held.is_none() && !file.is_at_rest()
}

/// How much older than its last write this time stamp may be.
pub(super) fn coarseness(time: i64) -> Duration {
    if time % 1_000_000_000 == 0 { COARSE_TICK } else { TICK }
}
