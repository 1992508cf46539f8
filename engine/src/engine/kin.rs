//! Files by their names, so that the originals of a rotated name are found without a look at all files.

use super::Engine;
use crate::follow::{File, name};
use crate::ids::FileId;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Which files have, or had, a name. That it names too many does no harm.
#[derive(Debug, Default)]
pub(super) struct Kin {
    names: BTreeMap<PathBuf, BTreeSet<FileId>>,
    /// Of rotated names, by the names of which rotation may have made them: the next rotation may have made another.
    rotated: BTreeMap<PathBuf, BTreeSet<FileId>>,
}

impl Kin {
    pub(super) fn add(&mut self, path: &Path, id: FileId) {
        add_to(&mut self.names, path, id);
        for live in lives(path) {
            add_to(&mut self.rotated, &live, id);
        }
    }

    pub(super) fn add_all(&mut self, file: &File) {
        for path in file.all_names() {
            self.add(path, file.id);
        }
    }

    pub(super) fn remove(&mut self, file: &File) {
        for path in file.all_names() {
            remove_from(&mut self.names, path, file.id);
            for live in lives(path) {
                remove_from(&mut self.rotated, &live, file.id);
            }
        }
    }

    /// The files that had one of the names that rotation may have made this one of.
    fn of(&self, path: &Path) -> BTreeSet<FileId> {
        lives(path).filter_map(|live| self.names.get(&live)).flatten().copied().collect()
    }

    /// Those, and the files that had another name that rotation may have made of one of these.
    fn of_all(&self, path: &Path) -> BTreeSet<FileId> {
        let rotated = lives(path).filter_map(|live| self.rotated.get(&live)).flatten().copied();
        rotated.chain(self.of(path)).collect()
    }
}

/// The names of which rotation may have made this one.
fn lives(path: &Path) -> impl Iterator<Item = PathBuf> {
    let of = |name: &OsStr| name::lives(name);
    let lives = path.file_name().map(of).unwrap_or_default().into_iter();
    lives.map(|live| path.with_file_name(live))
}

fn add_to(names: &mut BTreeMap<PathBuf, BTreeSet<FileId>>, path: &Path, id: FileId) {
    if !names.get(path).is_some_and(|ids| ids.contains(&id)) {
        names.entry(path.into()).or_default().insert(id);
    }
}

fn remove_from(names: &mut BTreeMap<PathBuf, BTreeSet<FileId>>, path: &Path, id: FileId) {
    if let Some(ids) = names.get_mut(path) {
        ids.remove(&id);
        if ids.is_empty() {
            names.remove(path);
        }
    }
}

impl Engine {
    /// The files of which this may be a copy, by its name.
    pub(super) fn kin_of(&self, path: &Path) -> impl Iterator<Item = &File> {
        self.kin.of(path).into_iter().filter_map(|id| self.files.get(&id))
    }

    /// The files of which this may be a compressed copy, by its name.
    pub(super) fn originals_of(&self, path: &Path) -> impl Iterator<Item = &File> {
        self.kin.of_all(path).into_iter().filter_map(|id| self.files.get(&id))
    }
}
