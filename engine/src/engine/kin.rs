//! Files by their names, so that the originals of a rotated name are found without a look at all files.

use super::Engine;
use crate::follow::{File, name};
use crate::ids::FileId;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which files have, or had, a name. That it names too many does no harm.
#[derive(Debug, Default)]
pub(super) struct Kin {
    names: BTreeMap<PathBuf, BTreeSet<FileId>>,
}

impl Kin {
    pub(super) fn add(&mut self, path: &Path, id: FileId) {
        if !self.names.get(path).is_some_and(|ids| ids.contains(&id)) {
            self.names.entry(path.into()).or_default().insert(id);
        }
    }

    pub(super) fn add_all(&mut self, file: &File) {
        for path in all_names(file) {
            self.add(path, file.id);
        }
    }

    pub(super) fn remove(&mut self, file: &File) {
        for path in all_names(file) {
            if let Some(ids) = self.names.get_mut(path) {
                ids.remove(&file.id);
                if ids.is_empty() {
                    self.names.remove(path);
                }
            }
        }
    }

    /// The files that had one of the names that rotation may have made this one of.
    fn of(&self, path: &Path) -> BTreeSet<FileId> {
        let (Some(dir), Some(file_name)) = (path.parent(), path.file_name()) else { return BTreeSet::new() };
        let lives = name::lives(file_name).into_iter().map(|live| dir.join(live));
        lives.filter_map(|live| self.names.get(&live)).flatten().copied().collect()
    }
}

fn all_names(file: &File) -> impl Iterator<Item = &PathBuf> {
    file.names.iter().chain(&file.former_names).chain([&file.path, &file.first_path])
}

impl Engine {
    /// The files of which this may be a copy, by its name.
    pub(super) fn kin_of(&self, path: &Path) -> impl Iterator<Item = &File> {
        self.kin.of(path).into_iter().filter_map(|id| self.files.get(&id))
    }
}
