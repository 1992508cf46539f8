//! The names of a file: almost always one, so that a list is smaller than a tree.

use std::path::Path;
use std::sync::Arc;

/// Paths, sorted, each once. They are shared with whatever else is known by them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<Arc<Path>>);

impl Names {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first in order.
    pub fn first(&self) -> Option<&Arc<Path>> {
        self.0.first()
    }

    /// In order.
    pub fn iter(&self) -> std::slice::Iter<'_, Arc<Path>> {
        self.0.iter()
    }

    /// Whether this is one of them.
    pub fn contains(&self, path: &Path) -> bool {
        self.place(path).is_ok()
    }

    /// Adds one, unless it is there.
    pub fn insert(&mut self, path: Arc<Path>) {
        if let Err(at) = self.place(&path) {
            self.0.reserve_exact(1);
            self.0.insert(at, path);
        }
    }

    /// Takes one out, if it is there.
    pub fn remove(&mut self, path: &Path) {
        if let Ok(at) = self.place(path) {
            self.0.remove(at);
        }
    }

    fn place(&self, path: &Path) -> Result<usize, usize> {
        self.0.binary_search_by(|name| (**name).cmp(path))
    }
}

impl<'a> IntoIterator for &'a Names {
    type Item = &'a Arc<Path>;
    type IntoIter = std::slice::Iter<'a, Arc<Path>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
