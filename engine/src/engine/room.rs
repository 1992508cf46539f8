//! Descriptors are scarce: a name of a file that is open needs none, other names wait, in turn. A file that is read as far
//! as it goes is closed so that the next can be opened, and is itself opened again when it changes.

use super::tree::{Lead, Seen, Sighting};
use super::{Asked, Engine};
use crate::Level;
use crate::event::{Do, FileError, Meta, Now};
use crate::follow::{Ending, File, Row, Stage};
use crate::ids::FileId;
use crate::timer::Timer;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

/// How often it is tried whether there is room, which others may have made.
const TRY: Duration = Duration::from_secs(1);

/// Who waits for a descriptor, and who could give one.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// In the order in which they came.
    waiting: VecDeque<Sighting>,
    /// Files were closed for these, and yet they could not be opened: no more is done for them before the next try.
    spent: Vec<Sighting>,
    /// What led to each of those.
    leads: BTreeSet<(PathBuf, Lead)>,
    /// It is being tried whether there is room, and until now there was.
    trying: bool,
    /// Descriptors have run out once: since then it is known which files can be closed.
    scarce: bool,
    spares: BTreeSet<(Worth, FileId)>,
    worths: BTreeMap<FileId, Worth>,
}

/// The least is closed first: a finished file, or else one that is read to the end of its last line, or else any; the one
/// that rests for longest.
type Worth = (bool, bool, Duration);

impl Room {
    fn wait(&mut self, sighting: Sighting) {
        if !self.leads.insert((sighting.path(), sighting.lead)) {
            return;
        }
        if sighting.has_room { self.spent.push(sighting) } else { self.waiting.push_back(sighting) }
    }

    fn next(&mut self) -> Option<Sighting> {
        let sighting = self.waiting.pop_front()?;
        self.leads.remove(&(sighting.path(), sighting.lead));
        Some(sighting)
    }

    fn put_back(&mut self, sighting: Sighting) {
        self.leads.insert((sighting.path(), sighting.lead));
        self.waiting.push_front(sighting);
    }

    fn offer(&mut self, id: FileId, worth: Option<Worth>) {
        let before = match worth {
            Some(worth) => self.worths.insert(id, worth),
            None => self.worths.remove(&id),
        };
        if let Some(before) = before {
            self.spares.remove(&(before, id));
        }
        self.spares.extend(worth.map(|worth| (worth, id)));
    }

    /// Whether there are fewer descriptors than files that want one.
    pub(super) fn is_scarce(&self) -> bool {
        self.scarce
    }

    /// Whether a name waits for a descriptor.
    pub(super) fn awaits(&self, path: PathBuf, lead: Lead) -> bool {
        self.leads.contains(&(path, lead))
    }
}

impl Engine {
    /// There is no descriptor for this.
    pub(super) fn has_no_room(&mut self, sighting: Sighting, now: Now) {
        if !self.look_instead(&sighting) {
            self.wait_for_room(sighting, now);
        }
    }

    /// Nor is it open under another name.
    fn wait_for_room(&mut self, sighting: Sighting, now: Now) {
        self.tree.opening.give();
        self.room.trying = false;
        self.timers.set_by(Timer::Room, now.mono + TRY);
        if self.room.leads.is_empty() {
            let text = format!(
                "{} and perhaps others wait for a descriptor: {}",
                sighting.path().display(),
                FileError::TooManyFiles
            );
            self.note(Level::Error, "descriptors", text);
        }
        if let Lead::Saved(id) = sighting.lead {
            // It was found, though it is not open yet.
            self.not_looked(&[id]);
        }
        if !self.room.scarce {
            self.room.scarce = true;
            self.look_for_spares();
            self.let_all();
        }
        self.room.wait(sighting);
    }

    /// What may be another name of an open file is looked at, which needs no descriptor.
    fn look_instead(&mut self, sighting: &Sighting) -> bool {
        let Lead::Name(Some(ino)) = sighting.lead else { return false };
        let open = self.is_inode_open(ino);
        if open {
            self.ask(Asked::LookInstead(sighting.clone()), Do::Look { path: sighting.path() });
        }
        open
    }

    pub(super) fn looked_instead(&mut self, sighting: Sighting, result: Result<Meta, FileError>, now: Now) {
        let identity = result.ok().map(|meta| meta.identity);
        let identity = identity.filter(|identity| sighting.lead == Lead::Name(Some(identity.ino)));
        let known = identity.and_then(|identity| self.by_identity.get(&identity).copied());
        match known.filter(|id| self.files[id].handle.is_some()) {
            Some(id) => self.name(id, &sighting, now),
            None => self.wait_for_room(sighting, now),
        }
    }

    /// Closes files for those that wait, as far as there are any that can be closed.
    pub(super) fn make_room(&mut self) {
        while self.tree.has_slot() && !self.room.spares.is_empty() {
            let Some(sighting) = self.next_waiting() else { return };
            let Some(handle) = self.spare().and_then(|id| self.let_go(id)) else {
                return self.room.put_back(sighting);
            };
            self.tree.opening.take();
            let sighting = Sighting { has_room: true, ..sighting };
            self.ask(Asked::Room(sighting), Do::Close { handle });
        }
    }

    /// The handle is closed: now there is room.
    pub(super) fn has_room(&mut self, sighting: Sighting) {
        self.tree.opening.give();
        self.open(sighting);
    }

    /// There may be room for one more.
    pub(super) fn may_have_room(&mut self) {
        if let Some(sighting) = self.next_waiting() {
            self.open(sighting);
        }
    }

    /// Whether a name has its turn only after others that wait.
    pub(super) fn is_late(&self, sighting: &Sighting) -> bool {
        !sighting.has_room && !self.room.leads.is_empty()
    }

    /// A file could be opened: while room is looked for, that is a reason to look on.
    pub(super) fn had_room(&mut self, sighting: &Sighting) {
        if self.room.trying && !sighting.has_room {
            self.may_have_room();
            self.may_have_room();
        }
    }

    /// Now and then it is tried whether there is room: it may have been others who took it.
    pub(super) fn try_for_room(&mut self, now: Now) {
        let spent = self.room.spent.drain(..).map(|sighting| Sighting { has_room: false, ..sighting });
        self.room.waiting.extend(spent);
        if !self.room.waiting.is_empty() {
            self.timers.set(Timer::Room, now.mono + TRY);
            self.room.trying = true;
            self.may_have_room();
        }
    }

    /// At a reconcile: files that nobody offered.
    pub(super) fn look_for_room(&mut self) {
        if !self.room.waiting.is_empty() {
            self.look_for_spares();
        }
    }

    /// The next that still wants to be opened.
    fn next_waiting(&mut self) -> Option<Sighting> {
        loop {
            let sighting = self.room.next()?;
            if self.is_wanted(&sighting) {
                return Some(sighting);
            }
        }
    }

    fn is_wanted(&self, sighting: &Sighting) -> bool {
        match sighting.lead {
            Lead::Name(_) => {
                let seen = self.seen_behind(&sighting.dir, &sighting.name);
                self.is_named(sighting) && matches!(seen, Some(Seen::Opening | Seen::Reopening(_)))
            }
            Lead::Saved(id) => {
                self.files.get(&id).is_some_and(|file| file.handle.is_none() && file.names.is_empty())
            }
            Lead::Astray(_) => true,
        }
    }

    /// Something about a file changed that decides whether it can be closed.
    pub(super) fn may_be_spare(&mut self, id: FileId) {
        if self.room.scarce {
            let file = self.files.get(&id).filter(|file| self.can_close(file));
            self.room.offer(id, file.map(worth));
        }
    }

    fn look_for_spares(&mut self) {
        let spare = self.files.values().filter(|file| self.can_close(file));
        let spares: Vec<_> = spare.map(|file| (file.id, worth(file))).collect();
        for (id, worth) in spares {
            self.room.offer(id, Some(worth));
        }
    }

    /// A file that can be closed.
    fn spare(&mut self) -> Option<FileId> {
        while let Some((known, id)) = self.room.spares.first().copied() {
            let now = self.files.get(&id).filter(|file| self.can_close(file)).map(worth);
            self.room.offer(id, now.filter(|now| *now != known));
            if now == Some(known) {
                return Some(id);
            }
        }
        None
    }

    /// Whether it is read as far as it goes, and either finished or under a name by which a change is noticed.
    fn can_close(&self, file: &File) -> bool {
        let noticed = match file.ending {
            Ending::Live => !file.names.is_empty(),
            Ending::Finished => true,
            Ending::Displaced | Ending::Closing { .. } | Ending::Gone => false,
        };
        let held = self.drains.iter().any(|drain| drain.holds_any(file.id));
        let read = !held && file.cursors.iter().all(|cursor| cursor.seen == file.size && !cursor.open);
        noticed
            && read
            && file.held.is_none()
            && file.handle.is_some()
            && file
                .cursors
                .iter()
                .all(|cursor| matches!(cursor.stage, Stage::Idle | Stage::Closed | Stage::Waits))
            && file.row == Row::Saved
            && !self.is_being_read(file.handle)
    }

    /// Whether a file with this inode number is open.
    pub(super) fn is_inode_open(&self, ino: u64) -> bool {
        self.devices().any(|dev| {
            let of = |btime| crate::state::Identity { dev, ino, btime };
            let mut known = self.by_identity.range(of(i64::MIN)..=of(i64::MAX));
            known.any(|(_, id)| self.files.get(id).is_some_and(|file| file.handle.is_some()))
        })
    }
}

fn worth(file: &File) -> Worth {
    (file.ending == Ending::Live, !is_whole(file), file.changed)
}

/// Whether it ends with a line's end, as far as it was read.
fn is_whole(file: &File) -> bool {
    file.cursors.iter().all(|cursor| cursor.position.line.at == file.size)
}
