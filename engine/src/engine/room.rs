//! Descriptors are scarce: a file that is read to its end is closed so that another can be opened, and opened again when
//! it changes.

use super::tree::Sighting;
use super::{Asked, Engine};
use crate::event::Do;
use crate::follow::{Ending, File, Row};
use crate::ids::FileId;

impl Engine {
    /// Closes a file that can do without its handle, for one that cannot be opened; whether there is one.
    pub(super) fn make_room(&mut self, sighting: &Sighting) -> bool {
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

    /// Of the files that can be opened again as they were, a finished one, or else the one that rests for longest.
    fn spare(&self) -> Option<FileId> {
        let spare = self.files.values().filter(|file| can_close(file) && !self.is_being_read(file.handle));
        spare.min_by_key(|file| (file.ending == Ending::Live, file.changed)).map(|file| file.id)
    }
}

/// Whether it is read to its end, and either finished or under a name by which a change is noticed.
fn can_close(file: &File) -> bool {
    let noticed = match file.ending {
        Ending::Live => !file.names.is_empty(),
        Ending::Finished => true,
        Ending::Displaced | Ending::Closing { .. } => false,
    };
    let read = file.cursors.iter().all(|cursor| cursor.position.line.at == file.size);
    noticed
        && read
        && file.problem.is_none()
        && file.handle.is_some()
        && file.is_at_rest()
        && file.row == Row::Saved
}
