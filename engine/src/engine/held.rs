//! Files that may be copies of another one, as `copytruncate` makes them: held back until the original is truncated, or
//! until it is clear that it is not.

use super::meet::Beginning;
use super::tree::{Seen, Sighting};
use super::{Asked, Engine, FlowStart};
use crate::content::{self, WINDOW};
use crate::event::{Chunk, Do, FileError, Meta, Now};
use crate::follow::{Ending, File, Held, Stage, name};
use crate::ids::{FileId, FlowId};
use crate::state::Put;
use crate::timer::Timer;
use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

/// A copy is complete, and its original truncated, so long after it grew last.
const DECIDE_AFTER: Duration = Duration::from_secs(10);

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Whether a file that nobody knows may be a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The content of this one was lost, and goes on in it.
    CopyOf(FileId),
    /// It begins as this one does.
    Of(FileId),
    /// The original is not known yet, or this one is too short still.
    Unclear,
    /// It is a file of its own.
    No,
}

impl Engine {
    /// Whether a file that nobody knows is not to be read before it is known whether it is a copy. In a flow's first scan
    /// nothing is held back: it begins with what is there.
    pub(super) fn is_to_be_held(&mut self, sighting: &Sighting, likeness: Likeness) -> bool {
        let begun = |flow: &FlowId| self.flows[flow.0 as usize].start != FlowStart::FirstScan;
        if !sighting.followers.iter().all(begun) {
            return false;
        }
        // What is known of the live file may be older than this one.
        let path = sighting.path();
        let kin = self.kin_of(&path).filter(|file| is_written(file));
        let kin: Vec<FileId> = kin.map(|file| file.id).collect();
        for id in &kin {
            self.wake(*id);
        }
        likeness != Likeness::No || !kin.is_empty() || self.is_early(&path)
    }

    /// Whether the originals of what is in an archive may not be known yet.
    fn is_early(&self, path: &Path) -> bool {
        self.tree.scans == 0 && path.parent().is_some_and(|dir| !self.archiving(dir).is_empty())
    }

    /// What a file that nobody knows is, by its name, its first bytes, and the file that it was alike before.
    pub(super) fn likeness(&self, path: &Path, meta: &Meta, head: &[u8], before: Option<FileId>) -> Likeness {
        let kin = || {
            let kin = self.kin_of(path).filter(|file| file.held.is_none());
            // What is older than a file is no copy of it.
            let older = |file: &File| meta.identity.btime != 0 && meta.identity.btime < file.identity.btime;
            kin.filter(move |file| file.identity != meta.identity && !older(file))
        };
        let is_lost = |file: &File| Self::is_lost_since(file, meta);
        let alike = kin().filter(|file| file.begins(head) || before == Some(file.id));
        let alike = alike.filter(|file| is_lost(file) || is_written(file));
        // The longest beginning tells most; and of several that are alike the newest was copied.
        match alike.max_by_key(|file| (before == Some(file.id), file.head.len, is_lost(file), file.id)) {
            Some(file) if is_lost(file) => Likeness::CopyOf(file.id),
            Some(file) => Likeness::Of(file.id),
            None if self.is_live_unknown(path) => Likeness::Unclear,
            None if kin().any(|file| is_written(file) && is_undecided(file, head)) => Likeness::Unclear,
            None => Likeness::No,
        }
    }

    /// Whether the live file is not known yet of which rotation may have made this one.
    fn is_live_unknown(&self, path: &Path) -> bool {
        let (Some(dir), Some(file_name)) = (path.parent(), path.file_name()) else { return false };
        let lives = name::lives(file_name);
        let mut seen = lives.iter().filter_map(|live| self.seen_behind(dir, OsStr::new(live)));
        seen.any(|seen| matches!(seen, Seen::Opening | Seen::Failed(_)))
    }

    /// Nobody reads it yet.
    pub(super) fn hold(&mut self, id: FileId, followers: Vec<FlowId>, likeness: Likeness, now: Now) {
        if let Some(file) = self.files.get_mut(&id) {
            file.held = Some(Box::new(Held { followers, original: likeness.original(), since: now.mono }));
            self.held.insert(id);
            self.timers.set(Timer::Held(id), now.mono + LOOK);
            // A row without a flow's place tells the next agent of it.
            self.keeper.whole_file(id);
            self.save_urgently(now);
        }
    }

    /// Bytes of files that are held back from a flow.
    pub(super) fn held_bytes(&self, flow: FlowId) -> u64 {
        let held = |file: &&File| file.held.as_ref().is_some_and(|held| held.followers.contains(&flow));
        self.held.iter().filter_map(|id| self.files.get(id)).filter(held).map(|file| file.size).sum()
    }

    /// An original was lost: is one of these its copy?
    pub(super) fn look_at_held(&mut self, now: Now) {
        for id in &self.held {
            self.timers.set(Timer::Held(*id), now.mono);
        }
    }

    pub(super) fn look_at_one_held(&mut self, id: FileId, now: Now) {
        let Some(handle) = self.files.get(&id).filter(|file| file.held.is_some()).and_then(|f| f.handle)
        else {
            return;
        };
        if self.is_being_read(Some(handle)) {
            // The answer that comes may be older than what happened.
            return self.timers.set(Timer::Held(id), now.mono + LOOK);
        }
        self.budget.take_look(WINDOW as u64);
        let read = Do::Read { handle, cursor: None, offset: 0, len: WINDOW };
        self.ask(Asked::Held(id, handle), read);
    }

    /// A held file was looked at: it is a copy, or none, or nobody knows yet.
    pub(super) fn looked_at_held(&mut self, id: FileId, result: Result<Chunk, FileError>, now: Now) {
        self.budget.give_look(WINDOW as u64);
        let Some(file) = self.files.get_mut(&id) else { return };
        let (Some(held), Ok(chunk)) = (&mut file.held, result) else {
            return self.timers.set_by(Timer::Held(id), now.mono + LOOK);
        };
        if chunk.meta.size != file.size {
            file.size = chunk.meta.size;
            held.since = now.mono;
        }
        file.links = chunk.meta.links;
        let rested = now.mono.saturating_sub(held.since);
        let (path, original, grew) = (file.path.clone(), held.original, held.since);
        let likeness = self.likeness(&path, &chunk.meta, &chunk.bytes, original);
        if let Likeness::CopyOf(original) = likeness {
            return self.is_copy(id, original, &chunk, now);
        }
        let alone = likeness == Likeness::No && original.is_none() && !self.is_early(&path);
        if rested >= if alone { LOOK } else { DECIDE_AFTER } && !self.is_unseen_since(original, grew) {
            return self.is_no_copy(id, &chunk, now);
        }
        if let Some(held) = self.files.get_mut(&id).and_then(|file| file.held.as_mut()) {
            held.original = likeness.original().or(original);
        }
        self.timers.set(Timer::Held(id), now.mono + LOOK);
    }

    /// Whether an open file was not read since then: where its destination is slow, its truncation may not have been
    /// noticed yet.
    fn is_unseen_since(&self, original: Option<FileId>, since: Duration) -> bool {
        let file = original.and_then(|id| self.files.get(&id));
        let reads = |file: &File| file.cursors.iter().any(|cursor| cursor.stage != Stage::Closed);
        file.is_some_and(|file| file.handle.is_some() && reads(file) && file.last_read <= since)
    }

    /// The lost content takes the place of the file that was held back.
    fn is_copy(&mut self, id: FileId, original: FileId, chunk: &Chunk, now: Now) {
        let Some(copy) = self.files.remove(&id) else { return };
        self.held.remove(&id);
        self.kin.remove(&copy);
        let Some(handle) = copy.handle else { return };
        self.timers.cancel(Timer::Quiet(id));
        self.keeper.forget(id);
        self.keeper.later(Put::ForgetFile(id));
        for path in &copy.names {
            self.set_file_behind(path, id, original);
        }
        self.has_copy(original, handle, &copy.path, &Beginning::of(chunk), now);
        if let Some(file) = self.files.get_mut(&original) {
            file.path.clone_from(&copy.path);
            file.names = copy.names;
            self.kin.add_all(file);
        }
        self.is_open(original, &copy.path, &chunk.meta, true, now);
        self.go_on(original, now);
        self.save_soon(now);
    }

    /// It is read like any other.
    fn is_no_copy(&mut self, id: FileId, chunk: &Chunk, now: Now) {
        if content::is_compressed(&chunk.bytes) {
            return self.is_compressed(id, now);
        }
        let Some(file) = self.files.get_mut(&id) else { return };
        let Some(held) = file.held.take() else { return };
        self.held.remove(&id);
        file.head = content::fingerprint(&chunk.bytes);
        for flow in held.followers {
            self.follow(id, flow);
        }
        self.keeper.whole_file(id);
        self.save_urgently(now);
        self.place(id, now);
    }
}

/// Whether it may yet be copied and truncated: a finished file no longer is.
fn is_written(file: &File) -> bool {
    let open = matches!(file.ending, Ending::Live | Ending::Displaced | Ending::Closing { .. });
    open && !file.is_homeless()
}

/// Whether too little is known of its beginning, or of the other's, to tell whether they are alike.
fn is_undecided(file: &File, head: &[u8]) -> bool {
    let unknown = file.head.len == 0 && file.size > 0;
    let longer = head.len() < WINDOW && file.head.len as usize > head.len();
    unknown || longer
}

impl Likeness {
    fn original(self) -> Option<FileId> {
        match self {
            Self::CopyOf(file) | Self::Of(file) => Some(file),
            Self::Unclear | Self::No => None,
        }
    }
}
