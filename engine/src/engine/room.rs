//! Descriptors are scarce: a name of a file that is open needs none, and a file that is read as far as it goes is closed
//! so that another can be opened, and opened again when it changes.

use super::tree::{Lead, Sighting};
use super::{Asked, Engine};
use crate::event::{Do, FileError, Meta, Now};
use crate::follow::{Ending, File, Row};
use crate::ids::FileId;

impl Engine {
    /// Something is done for one that cannot be opened, if anything can be.
    pub(super) fn make_room(&mut self, sighting: &Sighting) -> bool {
        self.look_instead(sighting) || self.close_spare(sighting)
    }

    /// What may be another name of an open file is looked at, which needs no descriptor.
    fn look_instead(&mut self, sighting: &Sighting) -> bool {
        let Lead::Name(Some(ino)) = sighting.lead else { return false };
        let may_be = |file: &File| file.handle.is_some() && file.identity.ino == ino;
        let open = self.files.values().any(may_be);
        if open {
            self.ask(Asked::LookInstead(sighting.clone()), Do::Look { path: sighting.path() });
        }
        open
    }

    pub(super) fn looked_instead(&mut self, sighting: &Sighting, result: Result<Meta, FileError>, now: Now) {
        let identity = result.ok().map(|meta| meta.identity);
        let identity = identity.filter(|identity| sighting.lead == Lead::Name(Some(identity.ino)));
        let known = identity.and_then(|identity| self.by_identity.get(&identity).copied());
        match known.filter(|id| self.files[id].handle.is_some()) {
            Some(id) => self.name(id, sighting, now),
            None if self.close_spare(sighting) => {}
            None => self.not_opened(sighting, &FileError::TooManyFiles),
        }
    }

    fn close_spare(&mut self, sighting: &Sighting) -> bool {
        let Some(handle) = self.spare().and_then(|id| self.let_go(id)) else { return false };
        let sighting = Sighting { has_room: true, ..sighting.clone() };
        self.ask(Asked::Room(sighting), Do::Close { handle });
        true
    }

    /// The handle is closed: now there is room.
    pub(super) fn has_room(&mut self, sighting: Sighting) {
        self.tree.opening -= 1;
        self.tree_open(sighting);
    }

    /// Of the files that can be opened again as they were, a finished one, or else one that is read to the end of its
    /// last line, or else any; the one that rests for longest.
    fn spare(&self) -> Option<FileId> {
        let spare = self.files.values().filter(|file| self.can_close(file));
        let worth = |file: &&File| (file.ending == Ending::Live, !is_whole(file), file.changed);
        spare.min_by_key(worth).map(|file| file.id)
    }

    /// Whether it is read as far as it goes, and either finished or under a name by which a change is noticed.
    fn can_close(&self, file: &File) -> bool {
        let noticed = match file.ending {
            Ending::Live => !file.names.is_empty(),
            Ending::Finished => true,
            Ending::Displaced | Ending::Closing { .. } | Ending::Gone => false,
        };
        let held = self.drains.iter().any(|drain| drain.holds_any(file.id));
        let read = !held && file.cursors.iter().all(|cursor| cursor.seen == file.size);
        noticed
            && read
            && file.handle.is_some()
            && file.is_at_rest()
            && file.row == Row::Saved
            && !self.is_being_read(file.handle)
    }
}

/// Whether it ends with a line's end, as far as it was read.
fn is_whole(file: &File) -> bool {
    file.cursors.iter().all(|cursor| cursor.position.line.at == file.size)
}
