//! Which paths are followed: globs, and the directories to look into.

use crate::event::Kind;
use std::ffi::OsStr;

/// What is of interest in one directory; a pure filter that the listing applies.
#[derive(Debug)]
pub struct Wanted {}

impl Wanted {
    /// Whether an entry is of interest.
    pub fn wants(&self, _name: &OsStr, _kind: Kind, _ino: u64) -> bool {
        true
    }
}
