//! Compressed names: never followed as they are. What is behind one is looked at when its original is gone and it is owed
//! something, a few at a time; what it is then, `meeting` finds out.

use super::sweep::ACTIVE;
use super::tree::{Seen, Sighting};
use super::unread::Why;
use super::{Asked, Engine};
use crate::event::{Do, FileError, Kind, Meta, Now};
use crate::follow::{File, name};
use crate::ids::{FileId, FlowId, HandleId};
use crate::timer::Timer;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most that are open at once: each is decoded from its beginning, by a decoder that takes memory.
const MOST_OPEN: usize = 2;

/// One that was changed so lately is still being written.
const FRESH: Duration = Duration::from_secs(1);

/// One that has been without its end for so long, and was not changed meanwhile, stays without it.
const GIVEN_UP: Duration = Duration::from_secs(10);

/// A second, in nanoseconds.
pub(super) const SECOND: i64 = 1_000_000_000;

/// The compressed files that are open, and the names that have their turn after them.
#[derive(Debug, Default)]
pub(super) struct Decoding {
    open: BTreeSet<HandleId>,
    waiting: VecDeque<Sighting>,
    /// Those without their end: their last change, and since when they have been seen so.
    pub(super) unfinished: BTreeMap<PathBuf, (i64, Duration)>,
}

impl Decoding {
    /// Whether one more may be opened.
    pub(super) fn has_slot(&self) -> bool {
        self.open.len() < MOST_OPEN
    }

    pub(super) fn opens(&mut self, handle: HandleId) {
        self.open.insert(handle);
    }

    pub(super) fn wait(&mut self, sighting: Sighting) {
        self.waiting.push_back(sighting);
    }

    /// A handle is closed; whose turn it is then.
    pub(super) fn closed(&mut self, handle: HandleId) -> Option<Sighting> {
        if self.open.remove(&handle) { self.waiting.pop_front() } else { None }
    }

    /// Whether a file that this flow follows waits for its turn.
    pub(super) fn awaits(&self, flow: FlowId) -> bool {
        self.waiting.iter().any(|sighting| sighting.followers.contains(&flow))
    }

    /// A file without its end was looked at; whether it has been so for so long that it stays so.
    pub(super) fn is_given_up(&mut self, path: PathBuf, meta: &Meta, now: Now) -> bool {
        // Who was not looked at for so long is not there any more.
        self.unfinished.retain(|_, (_, since)| now.mono.saturating_sub(*since) < ACTIVE);
        let (ctime, since) = self.unfinished.entry(path).or_insert((meta.ctime, now.mono));
        if *ctime != meta.ctime {
            (*ctime, *since) = (meta.ctime, now.mono);
        }
        now.mono.saturating_sub(*since) >= GIVEN_UP
    }

    /// Whether a name waits for its turn.
    pub(super) fn awaits_name(&self, dir: &Path, name: &OsStr) -> bool {
        self.waiting.iter().any(|sighting| sighting.dir == dir && sighting.name == name)
    }
}

impl Engine {
    /// A compressed name was sighted. While what it is made of is there as well, that is read.
    pub(super) fn look_at_compressed(&mut self, sighting: Sighting, now: Now) {
        self.tree.opening.take();
        if self.is_original_beside(&sighting.dir, &sighting.name) {
            return self.concluded(&sighting, Seen::Beside, now);
        }
        let path = sighting.path();
        self.ask(Asked::LookAtCompressed(sighting), Do::Look { path });
    }

    /// Whether the rotated file of whose name this one is, is there. A live name is there again soon.
    fn is_original_beside(&self, dir: &Path, name: &OsStr) -> bool {
        let Some((plain, _)) = name::compressed(name) else { return false };
        name::is_rotated(Path::new(plain)) && self.tree.name(dir, OsStr::new(plain)).is_some()
    }

    pub(super) fn looked_at_compressed(
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
        if sighting.is_listed_as_other(meta.identity.ino) {
            return self.concluded_failed(&sighting, &FileError::NotFound, now);
        }
        let known = self.by_identity.get(&meta.identity).copied();
        if let Some(file) = known.and_then(|id| self.files.get_mut(&id))
            && (file.handle.is_some() || file.is_over() && meta.identity.btime != 0)
        {
            file.mtime = meta.mtime;
            let id = file.id;
            return self.name(id, &sighting, now);
        }
        let original = self.original_by_name(&sighting, &meta);
        if let Some(original) = original.filter(|id| self.files.get(id).is_some_and(|file| !is_lost(file))) {
            let unseen = self.may_be_unseen(&sighting, &meta);
            return self.concluded(&sighting, Seen::CopyOf { original, unseen, unsure: false }, now);
        }
        let wanted = known.or(original).is_some() || self.may_be_owed(&sighting, &meta);
        if meta.kind != Kind::File || !wanted {
            let why = if wanted { Why::NoLog } else { Why::Compressed };
            return self.concluded(&sighting, Seen::Passed(why), now);
        }
        if is_younger(&meta, FRESH, now) {
            return self.put_off(&sighting, Why::Unfinished);
        }
        self.tree.opening.give();
        self.open_in_turn(sighting, now);
    }

    /// The file whose name it bears, and whose last write it tells; whole seconds do not tell.
    pub(super) fn original_by_name(&self, sighting: &Sighting, meta: &Meta) -> Option<FileId> {
        if meta.mtime % SECOND == 0 {
            return None;
        }
        let (path, plain) = (sighting.path(), sighting.plain_path()?);
        let mut originals = self.originals_of(&path);
        originals.find(|file| *file.path == *plain && file.mtime == meta.mtime).map(|file| file.id)
    }

    /// Whether it may hold lines that nobody was given: as a generation, or as a copy of a file that is not read to its end.
    fn may_be_owed(&self, sighting: &Sighting, meta: &Meta) -> bool {
        self.may_be_unseen(sighting, meta) || self.originals_of(&sighting.path()).any(File::is_missing)
    }

    pub(super) fn may_be_unseen(&self, sighting: &Sighting, meta: &Meta) -> bool {
        !sighting.followers.is_empty() || !self.unseen_in(sighting, meta).is_empty()
    }

    /// The flows to which it is a generation that they have not seen, or may have in it what they have not.
    pub(super) fn unseen_in(&self, sighting: &Sighting, meta: &Meta) -> Vec<FlowId> {
        if sighting.unseen || self.may_hold_unread(sighting, meta) {
            return sighting.kin.clone();
        }
        self.unseen_by(&sighting.kin, meta.identity, meta.mtime)
    }

    /// Whether a file is missing of which nobody has read a byte, or was held back when the agent before this one ended: this
    /// may be what is left of it.
    fn may_hold_unread(&self, sighting: &Sighting, meta: &Meta) -> bool {
        let path = sighting.path();
        let plain = sighting.plain_path();
        let older = |file: &File| match file.identity.btime {
            0 => plain.as_ref().is_some_and(|plain| file.had_name(plain)),
            btime => btime <= meta.mtime,
        };
        let held = self.held_before.values().any(|held| name::is_compressed_copy_of(&path, held));
        held || self.originals_of(&path).any(|file| file.head.len == 0 && is_unread(file) && older(file))
    }

    /// A file that nobody has read yet is compressed, under a name that does not tell.
    pub(super) fn is_compressed(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let (handle, names) = (file.handle.take(), std::mem::take(&mut file.names));
        for name in &names {
            if let Some(known) = self.tree.name_mut(name).filter(|known| known.seen == Seen::File(id)) {
                known.seen = Seen::Passed(Why::Compressed);
            }
        }
        if let Some(handle) = handle {
            self.close(handle);
        }
        self.timers.cancel(Timer::Quiet(id));
        self.forget(id, now);
    }

    /// After a listing: those whose originals are gone, or may be, are looked at.
    pub(super) fn look_again_at_compressed(&mut self, path: &Path) {
        let Some(dir) = self.tree.dirs.get(path) else { return };
        let news = dir.names.iter().filter_map(|(name, known)| {
            let seen = self.news_of_compressed(path, name, known.seen)?;
            Some((name.clone(), seen))
        });
        for (name, seen) in news.collect::<Vec<_>>() {
            let Some(known) = self.tree.name_mut(&path.join(&name)) else { continue };
            let before = std::mem::replace(&mut known.seen, seen);
            if seen == Seen::Opening {
                let unseen = matches!(before, Seen::CopyOf { unseen: true, .. });
                let sighting = Sighting { unseen, ..known.sighting(path, &name) };
                self.tree.to_open.push_back(sighting);
            }
        }
    }

    /// What becomes of one that waits for its original, if anything.
    fn news_of_compressed(&self, dir: &Path, name: &OsStr, seen: Seen) -> Option<Seen> {
        match seen {
            Seen::Beside => (!self.is_original_beside(dir, name)).then_some(Seen::Opening),
            Seen::CopyOf { original, unsure, .. } => {
                let file = self.files.get(&original);
                let decided = |file: &File| is_lost(file) || unsure && !is_undecided(file);
                file.is_none_or(decided).then_some(Seen::Opening)
            }
            _ => None,
        }
    }
}

/// Whether it is not where it was, and nobody has read any of it.
fn is_unread(file: &File) -> bool {
    let nothing = file.cursors.iter().all(|cursor| cursor.acked.end() == 0);
    file.is_missing() && !file.is_homeless() && nothing
}

/// Whether nobody has looked yet where it is.
pub(super) fn is_undecided(file: &File) -> bool {
    file.is_missing() && !is_lost(file)
}

/// Whether it is not where it was.
pub(super) fn is_lost(file: &File) -> bool {
    file.is_closed() && (file.is_homeless() || file.missed > 0)
}

/// Whether it was changed less than so long ago. A time in the future says nothing: the clock was set.
fn is_younger(meta: &Meta, than: Duration, now: Now) -> bool {
    let age = now.wall.saturating_sub(meta.ctime);
    (0..than.as_nanos() as i64).contains(&age)
}
