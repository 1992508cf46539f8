//! Looking at files: when a notice comes, at each reconcile, and in turn.

use super::slots::Slots;
use super::tree::Seen;
use super::{Asked, Engine};
use crate::event::{Do, FileError, Meta, Now};
use crate::follow::{Ending, File};
use crate::ids::FileId;
use crate::settings::Watch;
use crate::timer::Timer;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// How often files without notices are looked at.
pub(super) const POLL_FILES: Duration = Duration::from_millis(250);

/// A file is active so long after its last change.
pub(super) const ACTIVE: Duration = Duration::from_mins(10);

/// How often a part of the inactive files is looked at; all of them once in [`ACTIVE`].
pub(super) const SWEEP: Duration = Duration::from_secs(10);

/// Most closed files that are looked at at once.
const MAX_LOOKING: usize = 64;

/// Closed files that are to be looked at.
#[derive(Debug)]
pub(super) struct Looks {
    wanted: BTreeSet<FileId>,
    out: BTreeSet<FileId>,
    slots: Slots,
}

impl Default for Looks {
    fn default() -> Self {
        Self { wanted: BTreeSet::new(), out: BTreeSet::new(), slots: Slots::new(MAX_LOOKING) }
    }
}

impl Looks {
    /// Whether a file is, or is to be, looked at.
    pub(super) fn are_due(&self) -> bool {
        !self.wanted.is_empty() || !self.out.is_empty()
    }

    fn next(&mut self) -> Option<FileId> {
        if self.slots.has_one() { self.wanted.pop_first() } else { None }
    }

    fn ask(&mut self, id: FileId) {
        self.slots.take();
        self.out.insert(id);
    }

    fn answered(&mut self, id: FileId) {
        self.slots.give();
        self.out.remove(&id);
    }
}

impl Engine {
    /// A notice came for a file.
    pub(super) fn look_at(&mut self, path: &Path) {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return };
        let Some(dir) = self.tree.dirs.get_mut(parent) else { return };
        let Some(known) = dir.names.get_mut(name) else { return };
        match known.seen {
            Seen::File(file) if self.files.get(&file).is_some_and(|file| file.handle.is_some()) => {
                self.wake(file);
            }
            Seen::Opening | Seen::Reopening(_) | Seen::Failed(_) | Seen::Beside | Seen::CopyOf { .. } => {}
            Seen::Passed(_) if known.followers.is_empty() && known.kin.is_empty() => {}
            Seen::File(_) | Seen::Passed(_) => {
                known.seen = match known.seen {
                    Seen::File(file) => Seen::Reopening(file),
                    _ => Seen::Opening,
                };
                let sighting = known.sighting(parent, name);
                self.tree.to_open.push_back(sighting);
            }
        }
    }

    /// Looks at everything that may have moved without a notice.
    pub(super) fn reconcile(&mut self, now: Now) {
        self.timers.set(Timer::Reconcile, now.mono + self.agent.rescan);
        if self.phase != super::Phase::Running {
            return;
        }
        if !self.tree.scanning {
            self.tree.scanning = true;
            self.tree.scan_began = now.mono;
            self.tree.awaited = self.tree.dirs.keys().cloned().collect();
        }
        for slots in [&mut self.looks.slots, &mut self.tree.opening, &mut self.reads] {
            slots.reconcile();
        }
        self.look_into_due(now);
        self.look_for_strays();
        self.look_for_room();
        let active = |file: &File| now.mono.saturating_sub(file.changed) <= ACTIVE;
        // Where no notices come, nothing else would tell that a file is written again.
        let blind = self.tree.watch == Watch::Poll || self.tree.dirs.values().any(|dir| !dir.watched);
        self.wake_where(|file| blind || active(file) || file.ending != Ending::Live);
        self.look_where(|file| blind || active(file));
    }

    /// Looks at files for which no notices come.
    pub(super) fn poll_files(&mut self, now: Now) {
        self.timers.set(Timer::PollFiles, now.mono + POLL_FILES);
        self.wake_where(|file| now.mono.saturating_sub(file.changed) <= ACTIVE);
    }

    /// Looks at a part of all files.
    pub(super) fn sweep(&mut self, now: Now) {
        self.timers.set(Timer::Sweep, now.mono + SWEEP);
        self.look_at_deleted();
        let part = self.files.len().div_ceil((ACTIVE.as_secs() / SWEEP.as_secs()) as usize);
        let from = self.swept.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let ids: Vec<FileId> = self.files.ids_from(from).take(part).collect();
        self.swept = if ids.len() < part { None } else { ids.last().copied() };
        for id in &ids {
            self.wake(*id);
        }
        let ids: BTreeSet<FileId> = ids.into_iter().collect();
        self.look_where(|file| ids.contains(&file.id));
    }

    /// Looks whether files that are not open have changed, a few at a time.
    pub(super) fn look_where(&mut self, choose: impl Fn(&File) -> bool) {
        let named = |file: &&File| file.handle.is_none() && !file.names.is_empty();
        let closed = self.files.values().filter(named).filter(|file| choose(file));
        let out = &self.looks.out;
        self.looks.wanted.extend(closed.map(|file| file.id).filter(|id| !out.contains(id)));
    }

    /// Asks for as many of those looks as may be out.
    pub(super) fn look_at_next(&mut self) {
        while let Some(id) = self.looks.next() {
            let closed = self.files.get(&id).filter(|file| file.handle.is_none());
            let Some(path) = closed.and_then(|file| file.names.first()).map(|path| path.to_path_buf()) else {
                continue;
            };
            self.looks.ask(id);
            self.ask(Asked::Look(id, path.clone()), Do::Look { path });
        }
    }

    /// A closed file that grew, or is another, is opened again.
    pub(super) fn looked(&mut self, id: FileId, path: &Path, result: &Result<Meta, FileError>) {
        self.looks.answered(id);
        let Some(file) = self.files.get(&id) else { return };
        let changed = result.as_ref().is_ok_and(|meta| {
            // The size that is known of a compressed file is that of its plain text.
            meta.size != file.size && !file.is_compressed()
                || meta.mtime != file.mtime
                || meta.identity != file.identity
        });
        if changed && file.handle.is_none() {
            self.look_at(path);
        }
    }

    pub(super) fn wake_all(&mut self) {
        self.wake_where(|_| true);
    }

    pub(super) fn wake_where(&mut self, choose: impl Fn(&File) -> bool) {
        let open = self.files.values().filter(|file| file.handle.is_some() && choose(file));
        let ids: Vec<FileId> = open.map(|file| file.id).collect();
        for id in ids {
            self.wake(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_due_until_all_are_answered() {
        let mut looks = Looks::default();
        looks.wanted.insert(FileId::FIRST);
        assert!(looks.are_due());
        let id = looks.next().expect("a slot is free");
        looks.ask(id);
        assert!(looks.are_due());
        looks.answered(id);
        assert!(!looks.are_due());
    }
}
