//! Why a name is followed and yet not read: what `status` says of names that never became a file.

use super::Engine;
use super::tree::{Dir, Lead, Name, Seen, Tree};
use crate::event::FileError;
use crate::follow::Held;
use crate::ids::FlowId;
use crate::status::UnreadName;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Most names of a flow that are told one by one.
const MOST: usize = 1_000;

/// Most different errors that are told apart.
const MOST_FAULTS: usize = 256;

/// Why a name is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// There is no log behind it: a dangling link, a directory, a FIFO, or nothing any more.
    NoLog,
    /// What was found there is not what was looked for.
    NotMeant,
    /// It was not written for longer than `ignore_older`.
    Old,
    /// It begins with the mark of UTF-16.
    Utf16,
    /// It is compressed, and no copy of a file that is read, nor a new generation of one.
    Compressed,
    /// It is compressed, and may still be written.
    Unfinished,
    /// No permission.
    Denied,
    /// Another error, by its place among the faults.
    Fault(u8),
}

/// The texts of errors that were met: few, and shared by many names.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<String>);

impl Faults {
    /// What an error says of a name.
    pub(super) fn why(&mut self, error: &FileError) -> Why {
        match error {
            FileError::NotFound | FileError::NoFile => Why::NoLog,
            FileError::Denied => Why::Denied,
            error => self.other(error.to_string()),
        }
    }

    fn other(&mut self, text: String) -> Why {
        let known = self.0.iter().position(|known| *known == text);
        let place = known.unwrap_or_else(|| {
            if self.0.len() < MOST_FAULTS {
                self.0.push(text);
            }
            self.0.len() - 1
        });
        Why::Fault(place as u8)
    }

    /// In words; `None` where there is nothing to tell.
    pub(super) fn words(&self, why: Why) -> Option<String> {
        Some(match why {
            Why::NoLog | Why::NotMeant => return None,
            Why::Old => "not read: older than `ignore_older`".into(),
            Why::Utf16 => "not read: UTF-16".into(),
            Why::Compressed => "not read: compressed (see `compressed`)".into(),
            Why::Unfinished => "compressed, and not whole yet".into(),
            Why::Denied => FileError::Denied.to_string(),
            Why::Fault(place) => self.0.get(usize::from(place)).cloned().unwrap_or_default(),
        })
    }
}

impl Tree {
    /// Why a directory could not be listed.
    fn unlisted(&self) -> impl Iterator<Item = (&Path, String, Vec<FlowId>)> {
        self.dirs.iter().filter(|(_, dir)| dir.failed.is_some()).map(|(path, dir)| {
            let why = self.faults.words(dir.why).unwrap_or_default();
            let flows = dir.standings.iter().map(crate::discover::Standing::flow).collect();
            (path.as_path(), format!("cannot be listed: {why}"), flows)
        })
    }

    fn names(&self) -> impl Iterator<Item = (&Path, &OsString, &Name)> {
        let of = |(path, dir)| {
            let (path, dir): (&PathBuf, &Dir) = (path, dir);
            dir.names.iter().map(move |(name, known)| (path.as_path(), name, known))
        };
        self.dirs.iter().flat_map(of)
    }
}

impl Engine {
    /// For each flow, the names and directories that it follows and cannot read, the first of them and how many there are.
    pub(super) fn unread_names(&self) -> Vec<(Vec<UnreadName>, u64)> {
        let mut unread = vec![(Vec::new(), 0); self.flows.len()];
        let mut add = |flows: &[FlowId], path: &dyn Fn() -> PathBuf, why: &str| {
            let mut flows = flows.to_vec();
            flows.sort_unstable();
            flows.dedup();
            for flow in flows {
                let (list, count): &mut (Vec<UnreadName>, u64) = &mut unread[flow.0 as usize];
                *count += 1;
                if list.len() < MOST {
                    list.push(UnreadName { path: path(), why: why.to_owned() });
                }
            }
        };
        for (path, why, flows) in self.tree.unlisted() {
            add(&flows, &|| path.to_path_buf(), &why);
        }
        for (dir, name, known) in self.tree.names() {
            if let Some(why) = self.why_unread(dir, name, known) {
                let flows = if known.followers.is_empty() {
                    self.flows_told(dir, name)
                } else {
                    known.followers.clone()
                };
                add(&flows, &|| dir.join(name), &why);
            }
        }
        for file in self.files.values() {
            if let Some(held) = &file.held {
                add(&held.followers, &|| file.path.to_path_buf(), &self.why_held(held));
            }
        }
        unread
    }

    /// The flows whose globs lead to a compressed file.
    fn flows_told(&self, dir: &Path, name: &OsStr) -> Vec<FlowId> {
        let known = self.tree.dirs.get(dir);
        known.map_or(Vec::new(), |known| self.tree.globs().matching(dir, &known.standings, name))
    }

    fn why_held(&self, held: &Held) -> String {
        match held.original.and_then(|original| self.files.get(&original)) {
            Some(original) => format!("held back: it may be a copy of {}", original.path.display()),
            None => "held back: it may be a copy".into(),
        }
    }

    fn why_unread(&self, dir: &Path, name: &OsStr, known: &Name) -> Option<String> {
        match known.seen {
            Seen::Passed(why) | Seen::Failed(why) => self.tree.faults.words(why),
            Seen::Opening if self.awaits_room(dir.join(name), known) => Some(WAITS_FOR_ROOM.into()),
            Seen::Opening if self.decoding.awaits_name(dir, name) => {
                Some("its turn to be decompressed".into())
            }
            Seen::Beside => Some("held back: what it is made of is there".into()),
            Seen::CopyOf { original, .. } => self
                .files
                .get(&original)
                .map(|original| format!("held back: it is a compressed copy of {}", original.path.display())),
            Seen::Opening | Seen::Reopening(_) | Seen::File(_) => None,
        }
    }

    /// Whether a name waits for a descriptor.
    pub(super) fn awaits_room(&self, path: PathBuf, known: &Name) -> bool {
        self.room.awaits(path, Lead::Name((!known.link).then_some(known.ino)))
    }
}

/// How it is told of a name, and of a file, that it waits for a descriptor.
pub(super) const WAITS_FOR_ROOM: &str = "a descriptor";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_in_their_own_words_and_kept_once() {
        let mut faults = Faults::default();
        let io = faults.why(&FileError::Other("input/output error".into()));
        assert_eq!(faults.why(&FileError::Other("input/output error".into())), io);
        let stale = faults.why(&FileError::Other("stale file handle".into()));
        assert_eq!(faults.words(io).as_deref(), Some("input/output error"));
        assert_eq!(faults.words(stale).as_deref(), Some("stale file handle"));
        let denied = faults.why(&FileError::Denied);
        assert_eq!(faults.words(denied).as_deref(), Some("permission denied"));
        let gone = faults.why(&FileError::NotFound);
        assert_eq!(faults.words(gone), None);
    }

    #[test]
    fn the_texts_that_are_kept_are_bounded() {
        let mut faults = Faults::default();
        for number in 0..2 * MOST_FAULTS {
            faults.why(&FileError::Other(number.to_string()));
        }
        assert_eq!(faults.0.len(), MOST_FAULTS);
    }
}
