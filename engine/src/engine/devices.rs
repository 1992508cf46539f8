//! Device numbers hold only until a file system is mounted again: a reboot, or a plug in another socket, gives others. A
//! known file that nobody has met yet is found under another one by its inode, its birth, and where it is.

use super::Engine;
use super::tree::{Lead, Sighting};
use crate::event::{Meta, Now};
use crate::follow::{File, name};
use crate::ids::FileId;
use crate::state::Identity;
use std::path::Path;

impl Engine {
    /// What was sighted may be a known file whose device has another number now: it is known by that from now on. Whether
    /// its content is what it was is seen like that of any file that is found by its inode.
    pub(super) fn mind_the_device(&mut self, sighting: &Sighting, meta: &Meta, now: Now) {
        if self.by_identity.contains_key(&meta.identity) {
            return;
        }
        let Some(id) = self.on_another_device(sighting, meta.identity) else { return };
        self.is_called(id, meta.identity, now);
    }

    /// The kernel calls a known file so now.
    pub(super) fn is_called(&mut self, id: FileId, identity: Identity, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let before = std::mem::replace(&mut file.identity, identity);
        if self.by_identity.get(&before) == Some(&id) {
            self.by_identity.remove(&before);
        }
        self.by_identity.insert(identity, id);
        self.keeper.file(id);
        self.save_soon(now);
    }

    /// The known file that is like this but for the device.
    fn on_another_device(&self, sighting: &Sighting, identity: Identity) -> Option<FileId> {
        let path = sighting.path();
        let known = self.devices().filter_map(|dev| self.by_identity.get(&Identity { dev, ..identity }));
        let files = known.filter_map(|id| self.files.get(id));
        let mut found =
            files.filter(|file| is_nowhere(file, &path) && self.is_where_it_was(file, sighting, &path));
        found.next().map(|file| file.id)
    }

    /// The devices that known files are on.
    pub(super) fn devices(&self) -> impl Iterator<Item = u64> {
        std::iter::successors(self.next_device(0), |dev| self.next_device(dev.checked_add(1)?))
    }

    /// The first device from this number on that any known file is on.
    fn next_device(&self, from: u64) -> Option<u64> {
        let least = Identity { dev: from, ino: 0, btime: i64::MIN };
        self.by_identity.range(least..).next().map(|(identity, _)| identity.dev)
    }

    /// Clones of a file system bear the same inodes, elsewhere. After a boot the nanosecond of its birth tells enough.
    fn is_where_it_was(&self, file: &File, sighting: &Sighting, path: &Path) -> bool {
        // Where a saved file was looked for, its directory was.
        let meant = sighting.lead == Lead::Saved(file.id);
        let named = file.had_name(path) || name::is_of(path, &file.first_path);
        let rotated = self.may_be_copy_of(path, file);
        meant || named || rotated || self.boot.is_new && file.identity.btime != 0
    }
}

/// Whether a file is not known to be anywhere else. One that is open, or has another name, is where it was, and what is like
/// it is on a clone of its file system.
pub(super) fn is_nowhere(file: &File, path: &Path) -> bool {
    let elsewhere = file.names.iter().any(|name| **name != *path);
    file.handle.is_none() && !elsewhere && !file.is_homeless()
}
