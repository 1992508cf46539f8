//! Files by their names, so that the originals of a rotated name are found without a look at all files.

use super::Engine;
use crate::follow::{File, name};
use crate::ids::{FileId, FlowId};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Which files have, or had, a name. That it names too many does no harm.
#[derive(Debug, Default)]
pub(super) struct Kin {
    names: BTreeMap<PathBuf, BTreeSet<FileId>>,
    /// Of rotated names, by the names of which rotation may have made them: the next rotation may have made another.
    rotated: BTreeMap<PathBuf, BTreeSet<FileId>>,
    /// By the bare name, where rotated files go to other directories.
    bare: Option<BTreeMap<PathBuf, BTreeSet<FileId>>>,
}

impl Kin {
    /// Knows no file. With `archives` the rotated ones may be in another directory than the live one.
    pub(super) fn new(archives: bool) -> Self {
        Self { bare: archives.then(BTreeMap::new), ..Self::default() }
    }

    pub(super) fn add(&mut self, path: &Path, id: FileId) {
        add_to(&mut self.names, path, id);
        for live in lives(path) {
            add_to(&mut self.rotated, &live, id);
        }
        if let (Some(bare), Some(name)) = (&mut self.bare, path.file_name()) {
            add_to(bare, Path::new(name), id);
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
            if let (Some(bare), Some(name)) = (&mut self.bare, path.file_name()) {
                remove_from(bare, Path::new(name), file.id);
            }
        }
    }

    /// The files that had this name.
    pub(super) fn exactly(&self, path: &Path) -> impl Iterator<Item = FileId> {
        self.names.get(path).into_iter().flatten().copied()
    }

    /// The files that had this name, or one that rotation may have made it of.
    pub(super) fn named(&self, path: &Path) -> impl Iterator<Item = FileId> {
        self.exactly(path).chain(self.of(path))
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

    /// The files that had, anywhere, this bare name or one that rotation may have made it of.
    fn anywhere(&self, path: &Path) -> BTreeSet<FileId> {
        let Some(bare) = &self.bare else { return BTreeSet::new() };
        bare_names(path).filter_map(|name| bare.get(&name)).flatten().copied().collect()
    }
}

/// The bare name, and those of which rotation may have made it, in whatever directory.
fn bare_names(path: &Path) -> impl Iterator<Item = PathBuf> {
    let name = path.file_name().map(PathBuf::from);
    name.into_iter().flat_map(|name| lives(&name).chain([name.clone()]).collect::<Vec<_>>())
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
        let ids = self.kin.of(path).into_iter().chain(self.archived_kin(path));
        ids.filter_map(|id| self.files.get(&id))
    }

    /// The files of which this may be a compressed copy, by its name.
    pub(super) fn originals_of(&self, path: &Path) -> impl Iterator<Item = &File> {
        let ids = self.kin.of_all(path).into_iter().chain(self.archived_kin(path));
        ids.filter_map(|id| self.files.get(&id))
    }

    /// Files of other directories, whose flows have their rotated files go to this one.
    fn archived_kin(&self, path: &Path) -> Vec<FileId> {
        let flows = path.parent().map(|dir| self.archiving(dir)).unwrap_or_default();
        if flows.is_empty() {
            return Vec::new();
        }
        let elsewhere = |file: &File| file.all_names().any(|name| name.parent() != path.parent());
        let is_kin = |file: &File| elsewhere(file) && file.is_followed_by_any(&flows);
        let ids = self.kin.anywhere(path).into_iter();
        ids.filter(|id| self.files.get(id).is_some_and(is_kin)).collect()
    }

    /// The flows whose rotated files go to a directory.
    pub(super) fn archiving(&self, dir: &Path) -> Vec<FlowId> {
        let known = self.tree.dirs.get(dir);
        known.map_or(Vec::new(), |known| self.tree.globs().archiving(&known.standings))
    }

    /// Whether this may be a copy of a file, by its name.
    pub(super) fn may_be_copy_of(&self, path: &Path, original: &File) -> bool {
        let flows = path.parent().map(|dir| self.archiving(dir)).unwrap_or_default();
        let archived = || {
            let had =
                |name: PathBuf| original.all_names().any(|had| had.file_name() == Some(name.as_os_str()));
            bare_names(path).any(had)
        };
        original.may_be_copied_to(path) || original.is_followed_by_any(&flows) && archived()
    }
}
