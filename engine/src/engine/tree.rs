//! What is known of directories and of what is behind their names; the names that are being opened.

use super::slots::Slots;
use super::sweep::ACTIVE;
use super::unread::{Faults, Why};
use super::{Asked, Engine};
use crate::Level;
use crate::discover::{Globs, Standing};
use crate::event::{Do, FileError, Now};
use crate::follow::{File, name};
use crate::ids::{FileId, FlowId};
use crate::settings::Watch;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Most files being opened at once.
const MAX_OPENING: usize = 16;

/// The directories that can hold followed files.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) globs: Arc<Globs>,
    pub(super) watch: Watch,
    pub(super) dirs: BTreeMap<PathBuf, Dir>,
    /// Directories that the running scan has not seen yet.
    pub(super) awaited: BTreeSet<PathBuf>,
    pub(super) to_open: VecDeque<Sighting>,
    pub(super) opening: Slots,
    /// Files that lost their followed names, for which nobody could look yet.
    pub(super) strays: Vec<Stray>,
    /// Flows that may follow files no more, since their globs are others: the scan that runs tells.
    pub(super) left: BTreeSet<(FileId, FlowId)>,
    /// The errors that names and directories could not be read for.
    pub(super) faults: Faults,
    /// Complete scans since the start.
    pub(super) scans: u32,
    pub(super) scanning: bool,
    pub(super) scan_began: Duration,
}

#[derive(Debug)]
pub(super) struct Dir {
    pub(super) standings: Vec<Standing>,
    /// With how many of them the listing that is out was asked for.
    pub(super) listed_for: usize,
    pub(super) stage: DirStage,
    /// Something moved since the listing that is out.
    pub(super) dirty: bool,
    /// ... and the scan waits for the listing that shows it.
    pub(super) owed: bool,
    /// A reconcile does not list it before: to list a huge directory takes its time.
    pub(super) due: Duration,
    pub(super) watched: bool,
    /// Since when its listings have failed: what is in there, nobody knows.
    pub(super) failed: Option<Duration>,
    /// ... and why.
    pub(super) why: Why,
    /// Its inode number; 0 of a directory with which a pattern begins, whose own entry is not looked at.
    pub(super) ino: u64,
    pub(super) names: BTreeMap<OsString, Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DirStage {
    New,
    Watching,
    Listing,
    Rest,
}

/// A followed name.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) ino: u64,
    pub(super) link: bool,
    pub(super) followers: Vec<FlowId>,
    /// Flows that follow the live name of which rotation may have made this one.
    pub(super) kin: Vec<FlowId>,
    pub(super) seen: Seen,
}

/// What is known behind a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Opening,
    File(FileId),
    /// A file that is closed is being opened, since it may have changed.
    Reopening(FileId),
    /// It is not followed as it is now (old, no regular file, UTF-16).
    Passed(Why),
    /// It is compressed, and what it is made of still has its name beside it.
    Beside,
    /// It is compressed, and a copy of this file, which is not gone.
    CopyOf {
        original: FileId,
        /// It was written after the last look.
        unseen: bool,
        /// It is compared with that once it is known where that is.
        unsure: bool,
    },
    /// It could not be opened; tried again at each reconcile.
    Failed(Why),
}

/// A name behind which a file is to be looked at.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    pub(super) dir: PathBuf,
    pub(super) name: OsString,
    pub(super) followers: Vec<FlowId>,
    /// These follow it too if it is a generation that nobody has seen.
    pub(super) kin: Vec<FlowId>,
    /// What led to it.
    pub(super) lead: Lead,
    /// Another file was closed to make room for it.
    pub(super) has_room: bool,
    /// It was written after the last complete look, as a look before found.
    pub(super) unseen: bool,
}

/// A file that lost its followed name before it could be opened.
#[derive(Debug)]
pub(super) struct Stray {
    pub(super) dir: PathBuf,
    pub(super) ino: u64,
    pub(super) followers: Vec<FlowId>,
    /// These follow it too if it is a generation that nobody has seen.
    pub(super) kin: Vec<FlowId>,
}

/// What leads to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lead {
    /// A followed name, listed with this inode number; of a link the link's, which tells nothing.
    Name(Option<u64>),
    /// It is no followed name: a saved file was found there by its inode.
    Saved(FileId),
    /// It is no followed name: a file that lost its followed name before it was opened was found there by its inode.
    Astray(u64),
}

impl Name {
    /// Whether it can lead to a file with this inode number; what a link leads to its own number does not tell.
    fn may_be(&self, ino: u64) -> bool {
        self.link || self.ino == ino
    }

    /// The same, where a compressed copy of the file, which has that number now, is not the file.
    fn may_be_of(&self, file: &File) -> bool {
        let copy = matches!(self.seen, Seen::CopyOf { original, .. } if original == file.id);
        self.may_be(file.identity.ino) && !copy
    }

    /// Whether nobody knows yet what is behind it: it could not be opened, or waits for that.
    fn hides(&self) -> bool {
        match self.seen {
            Seen::Opening | Seen::Reopening(_) => true,
            // A link that leads nowhere hides nothing.
            Seen::Failed(why) => !(self.link && why == Why::NoLog),
            // By what it is known may be another file.
            Seen::CopyOf { unsure, .. } => unsure,
            Seen::File(_) | Seen::Passed(_) | Seen::Beside => false,
        }
    }

    /// What is behind it is to be looked at.
    pub(super) fn sighting(&self, dir: &Path, name: &OsStr) -> Sighting {
        Sighting {
            dir: dir.into(),
            name: name.into(),
            followers: self.followers.clone(),
            kin: self.kin.clone(),
            lead: Lead::Name((!self.link).then_some(self.ino)),
            has_room: false,
            unseen: false,
        }
    }
}

impl Sighting {
    pub(super) fn path(&self) -> PathBuf {
        self.dir.join(&self.name)
    }

    /// What the file that is compressed there was called before.
    pub(super) fn plain_path(&self) -> Option<PathBuf> {
        let (plain, _) = name::compressed(&self.name)?;
        Some(self.dir.join(plain))
    }

    /// A file with another inode number was listed under the name.
    pub(super) fn is_listed_as_other(&self, ino: u64) -> bool {
        matches!(self.lead, Lead::Name(Some(listed)) if listed != ino)
    }

    /// Whether no glob leads to it, only to the name of which rotation may have made this one.
    fn is_only_kin(&self) -> bool {
        self.followers.is_empty() && !self.kin.is_empty()
    }

    /// Whether it is of this name as it was listed last: another file may have got the name since.
    pub(super) fn is_of(&self, name: &Name) -> bool {
        match self.lead {
            Lead::Name(listed) => listed.is_none_or(|ino| ino == name.ino),
            Lead::Saved(_) | Lead::Astray(_) => false,
        }
    }
}

impl Tree {
    pub(super) fn new(globs: Arc<Globs>, watch: Watch) -> Self {
        Self {
            globs,
            watch,
            dirs: BTreeMap::new(),
            awaited: BTreeSet::new(),
            to_open: VecDeque::new(),
            opening: Slots::new(MAX_OPENING),
            strays: Vec::new(),
            left: BTreeSet::new(),
            faults: Faults::default(),
            scans: 0,
            scanning: true,
            scan_began: Duration::ZERO,
        }
    }

    pub(super) fn bases(&self) -> Vec<(PathBuf, Standing)> {
        self.globs.bases()
    }

    pub(super) fn globs(&self) -> &Arc<Globs> {
        &self.globs
    }

    /// What is known of a name, if it was followed at the last listing.
    pub(super) fn name_mut(&mut self, path: &Path) -> Option<&mut Name> {
        self.dirs.get_mut(path.parent()?)?.names.get_mut(path.file_name()?)
    }

    /// The same, to look at.
    pub(super) fn name_at(&self, path: &Path) -> Option<&Name> {
        self.name(path.parent()?, path.file_name()?)
    }

    /// What is known of a name in a directory.
    pub(super) fn name(&self, dir: &Path, name: &OsStr) -> Option<&Name> {
        self.dirs.get(dir)?.names.get(name)
    }

    /// Whether one more may be opened now.
    pub(super) fn has_slot(&self) -> bool {
        self.opening.has_one()
    }
}

impl Engine {
    /// A file is to be opened that was found by its inode.
    pub(super) fn tree_open(&mut self, sighting: Sighting) {
        self.tree.to_open.push_back(sighting);
    }

    /// Opens what was sighted, a few at a time.
    pub(super) fn open_next(&mut self, now: Now) {
        while self.tree.has_slot() {
            let Some(sighting) = self.tree.to_open.pop_front() else {
                // After a first look at many files it would be large for ever.
                return self.tree.to_open.shrink_to(MAX_OPENING);
            };
            if name::codec(&sighting.path()).is_some() {
                self.look_at_compressed(sighting, now);
            } else if sighting.is_only_kin() {
                self.tree.opening.take();
                let path = sighting.path();
                self.ask(Asked::LookAtKin(sighting), Do::Look { path });
            } else {
                self.open_in_turn(sighting, now);
            }
        }
    }

    /// Opens it, or has it wait behind others that wait for a descriptor.
    pub(super) fn open_in_turn(&mut self, sighting: Sighting, now: Now) {
        if self.is_late(&sighting) {
            self.tree.opening.take();
            self.has_no_room(sighting, now);
        } else {
            self.open(sighting);
        }
    }

    pub(super) fn open(&mut self, sighting: Sighting) {
        let path = sighting.path();
        let codec = name::codec(&path);
        if codec.is_some() && !self.decoding.has_slot() {
            return self.decoding.wait(sighting);
        }
        self.tree.opening.take();
        let handle = self.new_handle();
        if codec.is_some() {
            self.decoding.opens(handle);
        }
        self.ask(Asked::Open(sighting, handle), Do::Open { handle, path, codec });
    }

    /// What is behind a name is known by opening it. Were it still held to be what was listed, a new file that gets the
    /// inode number that was listed would be taken for what was opened; and the file that had the name for this one.
    pub(super) fn is_opened(&mut self, sighting: &mut Sighting, ino: u64, now: Now) {
        if !sighting.is_listed_as_other(ino) {
            return;
        }
        let listed = std::mem::replace(&mut sighting.lead, Lead::Name(Some(ino)));
        let dir = self.tree.dirs.get_mut(&sighting.dir);
        let name = dir.and_then(|dir| dir.names.get_mut(&sighting.name));
        let Some(name) = name.filter(|name| listed == Lead::Name(Some(name.ino))) else { return };
        name.ino = ino;
        if let Seen::File(other) | Seen::Reopening(other) = std::mem::replace(&mut name.seen, Seen::Opening) {
            self.unname(other, &sighting.path(), now);
        }
    }

    /// A sighting is dealt with: this is what is behind the name.
    pub(super) fn concluded(&mut self, sighting: &Sighting, seen: Seen, now: Now) {
        self.tree.opening.give();
        let before = self.set_seen(sighting, seen);
        if let Some(Seen::File(other) | Seen::Reopening(other)) = before
            && seen != Seen::File(other)
        {
            self.unname(other, &sighting.path(), now);
        }
    }

    /// A sighting could not be dealt with: again at the next reconcile.
    pub(super) fn concluded_failed(&mut self, sighting: &Sighting, error: &FileError, now: Now) {
        if *error == FileError::NotFound {
            self.look_for_other(sighting, None);
        }
        if *error == FileError::TooManyFiles {
            return self.has_no_room(sighting.clone(), now);
        }
        self.not_opened(sighting, error);
    }

    /// ... and that is not for want of a descriptor.
    pub(super) fn not_opened(&mut self, sighting: &Sighting, error: &FileError) {
        let why = self.tree.faults.why(error);
        self.put_off(sighting, why);
        // A link that leads nowhere, or to no file, is as little to follow as a FIFO.
        if !matches!(error, FileError::NotFound | FileError::NoFile) {
            let path = sighting.path();
            let text = format!("{} cannot be read: {error}", path.display());
            self.note(Level::Error, format!("open {}", path.display()), text);
        }
    }

    /// It is tried again with the next listing.
    pub(super) fn put_off(&mut self, sighting: &Sighting, why: Why) {
        self.tree.opening.give();
        let link = sighting.lead == Lead::Name(None);
        let known = match self.set_seen(sighting, Seen::Failed(why)) {
            // Known all the same; the next look finds it changed again.
            Some(Seen::Reopening(file)) => file,
            // Another sighting of it was dealt with before.
            Some(Seen::File(file)) if !link => file,
            _ => return,
        };
        self.set_seen(sighting, Seen::File(known));
    }

    /// Another pattern may have led to the name since it was sighted, and a flow may have ended.
    pub(super) fn refresh(&self, sighting: &mut Sighting) {
        let here = |flow: &FlowId| !self.flows[flow.0 as usize].is_gone();
        sighting.followers.retain(here);
        sighting.kin.retain(here);
        let Some(name) = self.tree.name(&sighting.dir, &sighting.name).filter(|name| sighting.is_of(name))
        else {
            return;
        };
        sighting.join(name.followers.clone());
        let more = name.kin.iter().filter(|flow| !sighting.kin.contains(flow));
        let more: Vec<FlowId> = more.copied().collect();
        sighting.kin.extend(more);
    }

    /// Returns what was seen before.
    pub(super) fn set_seen(&mut self, sighting: &Sighting, seen: Seen) -> Option<Seen> {
        let name = self.tree.dirs.get_mut(&sighting.dir)?.names.get_mut(&sighting.name)?;
        sighting.is_of(name).then(|| std::mem::replace(&mut name.seen, seen))
    }

    /// Whether a name still leads to this file as far as known: it may have been renamed while being opened.
    pub(super) fn is_named(&self, sighting: &Sighting) -> bool {
        self.tree.name(&sighting.dir, &sighting.name).is_some_and(|name| sighting.is_of(name))
    }

    /// Whether a directory, or one above it that leads there, is followed and could not be listed: then the globs may
    /// lead to its files, and nobody knows.
    pub(super) fn cannot_list(&self, dir: &Path) -> bool {
        dir.ancestors().any(|dir| self.tree.dirs.get(dir).is_some_and(|dir| dir.failed.is_some()))
    }

    /// Whether every directory could be listed, and every name opened.
    pub(super) fn saw_all(&self) -> bool {
        let seen = |dir: &Dir| dir.names.values().all(|name| !name.hides());
        self.tree.dirs.values().all(|dir| dir.failed.is_none() && seen(dir))
    }

    /// Whether a file that was not found may be where nobody could look: in a directory that lately could not be listed,
    /// or under a name that could not be opened. A directory that has been closed to us for long hides nothing of ours.
    pub(super) fn may_be_hidden(&self, file: &File, now: Now) -> bool {
        self.tree.dirs.values().any(|dir| {
            let unlisted = dir.failed.is_some_and(|since| now.mono.saturating_sub(since) < ACTIVE);
            unlisted || dir.names.values().any(|name| name.hides() && name.may_be_of(file))
        })
    }

    /// Whether a name that was not opened yet, or could not be, may be of the file with this inode number.
    pub(super) fn may_be_behind(&self, ino: u64, dir: &Path, name: &OsStr) -> bool {
        self.tree.name(dir, name).is_some_and(|name| name.hides() && name.may_be(ino))
    }

    /// Whether a name in a followed directory is one that the globs lead to, or one that rotation may have made of it.
    pub(super) fn leads_to(&self, path: &Path, name: &OsStr) -> bool {
        let dir = self.tree.dirs.get(path);
        let globs = &self.tree.globs;
        dir.is_some_and(|dir| {
            !globs.followers(path, &dir.standings, name).is_empty()
                || !globs.kin(path, &dir.standings, name).is_empty()
        })
    }

    /// Whether a name in a followed directory is one that the globs of all these flows lead to.
    pub(super) fn follow_all(&self, flows: &[FlowId], path: &Path, name: &OsStr) -> bool {
        let Some(dir) = self.tree.dirs.get(path) else { return false };
        let followers = self.tree.globs.followers(path, &dir.standings, name);
        flows.iter().all(|flow| followers.contains(flow))
    }

    /// Whether files are followed in a directory.
    pub(super) fn is_known_dir(&self, dir: &Path) -> bool {
        self.tree.dirs.contains_key(dir)
    }

    /// What is known behind a name, if it was followed at the last listing.
    pub(super) fn seen_behind(&self, dir: &Path, name: &OsStr) -> Option<Seen> {
        Some(self.tree.name(dir, name)?.seen)
    }

    /// Whether all these flows followed a name at the last listing.
    pub(super) fn is_followed_by(&self, flows: &[FlowId], dir: &Path, name: &OsStr) -> bool {
        self.tree.name(dir, name).is_some_and(|name| flows.iter().all(|flow| name.followers.contains(flow)))
    }
}
