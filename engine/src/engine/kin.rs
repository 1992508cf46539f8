//! Files by their names, so that the originals of a rotated name are found without a look at all files.

use super::Engine;
use crate::follow::{File, name};
use crate::ids::{FileId, FlowId};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which files have, or had, a name. That it names too many does no harm.
#[derive(Debug, Default)]
pub(super) struct Kin {
    names: Index,
    /// Of rotated names, by the names of which rotation may have made them: the next rotation may have made another.
    rotated: Index,
    /// By the bare name, where rotated files go to other directories.
    bare: Option<Index>,
}

/// Files by a path; a flat set, since a path almost always leads to one.
#[derive(Debug, Default)]
struct Index(BTreeSet<(Arc<Path>, FileId)>);

impl Kin {
    /// Knows no file. With `archives` the rotated ones may be in another directory than the live one.
    pub(super) fn new(archives: bool) -> Self {
        Self { bare: archives.then(Index::default), ..Self::default() }
    }

    /// Returns the path as all that are known by it share it.
    pub(super) fn add(&mut self, path: &Arc<Path>, id: FileId) -> Arc<Path> {
        for live in lives(path) {
            self.rotated.add(&live.into(), id);
        }
        if let (Some(bare), Some(name)) = (&mut self.bare, path.file_name()) {
            bare.add(&Path::new(name).into(), id);
        }
        self.names.add(path, id)
    }

    pub(super) fn add_all(&mut self, file: &File) {
        for path in file.all_names() {
            self.add(path, file.id);
        }
    }

    pub(super) fn remove(&mut self, file: &File) {
        for path in file.all_names() {
            self.names.remove(path, file.id);
            for live in lives(path) {
                self.rotated.remove(&live, file.id);
            }
            if let (Some(bare), Some(name)) = (&mut self.bare, path.file_name()) {
                bare.remove(Path::new(name), file.id);
            }
        }
    }

    /// The files that had this name.
    pub(super) fn exactly(&self, path: &Path) -> impl Iterator<Item = FileId> {
        self.names.ids(path)
    }

    /// The files that had this name, or one that rotation may have made it of.
    pub(super) fn named(&self, path: &Path) -> impl Iterator<Item = FileId> {
        self.exactly(path).chain(self.of(path))
    }

    /// The files that had one of the names that rotation may have made this one of.
    fn of(&self, path: &Path) -> BTreeSet<FileId> {
        lives(path).flat_map(|live| self.names.ids(&live)).collect()
    }

    /// Those, and the files that had another name that rotation may have made of one of these.
    fn of_all(&self, path: &Path) -> BTreeSet<FileId> {
        let rotated = lives(path).flat_map(|live| self.rotated.ids(&live));
        rotated.chain(self.of(path)).collect()
    }

    /// The files that had, anywhere, this bare name or one that rotation may have made it of.
    fn anywhere(&self, path: &Path) -> BTreeSet<FileId> {
        let Some(bare) = &self.bare else { return BTreeSet::new() };
        bare_names(path).flat_map(|name| bare.ids(&name)).collect()
    }
}

impl Index {
    /// Returns the path as it is shared.
    fn add(&mut self, path: &Arc<Path>, id: FileId) -> Arc<Path> {
        let from = (Arc::clone(path), FileId::FIRST);
        let known = self.0.range(from..).next().filter(|(known, _)| known == path);
        let path = known.map_or(path, |(known, _)| known).clone();
        self.0.insert((Arc::clone(&path), id));
        path
    }

    fn remove(&mut self, path: &Path, id: FileId) {
        self.0.remove(&(path.into(), id));
    }

    fn ids<'a>(&'a self, path: &Path) -> impl Iterator<Item = FileId> + use<'a> {
        let from: (Arc<Path>, _) = (path.into(), FileId::FIRST);
        let path = Arc::clone(&from.0);
        self.0.range(from..).take_while(move |(name, _)| *name == path).map(|(_, id)| *id)
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
