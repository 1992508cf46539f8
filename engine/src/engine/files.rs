//! All known files by their lasting ids, each in a place of its own: the nodes of a tree are half empty.

use crate::follow::File;
use crate::ids::FileId;
use std::collections::BTreeMap;
use std::ops::{Bound, Index};

#[derive(Debug, Default)]
pub(super) struct Files(BTreeMap<FileId, Box<File>>);

impl Files {
    pub(super) fn get(&self, id: &FileId) -> Option<&File> {
        self.0.get(id).map(|file| &**file)
    }

    pub(super) fn get_mut(&mut self, id: &FileId) -> Option<&mut File> {
        self.0.get_mut(id).map(|file| &mut **file)
    }

    pub(super) fn contains_key(&self, id: &FileId) -> bool {
        self.0.contains_key(id)
    }

    pub(super) fn insert(&mut self, file: File) {
        self.0.insert(file.id, Box::new(file));
    }

    pub(super) fn remove(&mut self, id: &FileId) -> Option<File> {
        self.0.remove(id).map(|file| *file)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// In the order of their ids.
    pub(super) fn values(&self) -> impl Iterator<Item = &File> {
        self.0.values().map(|file| &**file)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut File> {
        self.0.values_mut().map(|file| &mut **file)
    }

    /// The ids from this one on.
    pub(super) fn ids_from(&self, from: Bound<FileId>) -> impl Iterator<Item = FileId> {
        self.0.range((from, Bound::Unbounded)).map(|(id, _)| *id)
    }
}

impl Index<&FileId> for Files {
    type Output = File;

    fn index(&self, id: &FileId) -> &File {
        &self.0[id]
    }
}
