//! Looking into directories: what is there, what is new, what is gone. Notices only say where to look.

use super::{Asked, Engine};
use crate::Level;
use crate::discover::{Globs, Standing};
use crate::event::{Do, Entry, FileError, Kind, Listing, Meta, Now};
use crate::follow::{Ending, File};
use crate::ids::{FileId, FlowId};
use crate::settings::{Symlinks, Watch};
use crate::timer::Timer;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A file is active so long after its last change.
pub(super) const ACTIVE: Duration = Duration::from_mins(10);

/// How often a part of the inactive files is looked at; all of them once in [`ACTIVE`].
pub(super) const SWEEP: Duration = Duration::from_secs(10);

/// Most files being opened at once.
const MAX_OPENING: usize = 16;

/// Deepest directory below `/`: a loop of links ends here.
const MAX_DEPTH: usize = 64;

/// The directories that can hold followed files.
#[derive(Debug)]
pub(super) struct Tree {
    globs: Arc<Globs>,
    watch: Watch,
    dirs: BTreeMap<PathBuf, Dir>,
    /// Directories that the running scan has not seen yet.
    awaited: BTreeSet<PathBuf>,
    to_open: VecDeque<Sighting>,
    opening: usize,
    /// Complete scans since the start.
    pub(super) scans: u32,
    scanning: bool,
}

#[derive(Debug)]
struct Dir {
    standings: Vec<Standing>,
    stage: DirStage,
    /// Something moved since the listing that is out.
    dirty: bool,
    watched: bool,
    /// The last listing failed: what is in there, nobody knows.
    failed: bool,
    names: BTreeMap<OsString, Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DirStage {
    New,
    Watching,
    Listing,
    Rest,
}

/// A followed name.
#[derive(Debug)]
struct Name {
    ino: u64,
    link: bool,
    followers: Vec<FlowId>,
    seen: Seen,
}

/// What is known behind a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Opening,
    File(FileId),
    /// It is not followed as it is now (old, no regular file, UTF-16).
    Passed,
    /// It could not be opened; tried again at each reconcile.
    Failed,
}

/// A name behind which a file is to be looked at.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    pub(super) dir: PathBuf,
    pub(super) name: OsString,
    pub(super) followers: Vec<FlowId>,
    /// What led to it.
    pub(super) lead: Lead,
}

/// What leads to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// A followed name, listed with this inode number; of a link the link's, which tells nothing.
    Name(Option<u64>),
    /// It is no followed name: a saved file was found there by its inode.
    Saved(FileId),
    /// It is no followed name: a file that lost its followed name before it was opened was found there by its inode.
    Astray(u64),
}

impl Sighting {
    pub(super) fn path(&self) -> PathBuf {
        self.dir.join(&self.name)
    }

    /// Whether it is of this name as it was listed last: another file may have got the name since.
    fn is_of(&self, name: &Name) -> bool {
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
            opening: 0,
            scans: 0,
            scanning: true,
        }
    }

    pub(super) fn bases(&self) -> Vec<(PathBuf, Standing)> {
        self.globs.bases()
    }

    pub(super) fn globs(&self) -> &Arc<Globs> {
        &self.globs
    }
}

impl Engine {
    /// A directory is to be looked into.
    pub(super) fn enter(&mut self, path: &Path, standings: Vec<Standing>) {
        if path.components().count() > MAX_DEPTH {
            return;
        }
        let dir = self.tree.dirs.entry(path.to_path_buf()).or_insert_with(|| Dir {
            standings: Vec::new(),
            stage: DirStage::New,
            dirty: false,
            watched: false,
            failed: false,
            names: BTreeMap::new(),
        });
        let before = dir.standings.len();
        for standing in standings {
            if !dir.standings.contains(&standing) {
                dir.standings.push(standing);
            }
        }
        if dir.stage != DirStage::New {
            if dir.standings.len() > before {
                self.look_into(path);
            }
            return;
        }
        self.tree.awaited.insert(path.to_path_buf());
        self.watch_then_list(path);
    }

    /// Watches before listing, so that nothing that moves in between goes unnoticed.
    fn watch_then_list(&mut self, path: &Path) {
        let watch = self.tree.watch == Watch::Auto;
        let Some(dir) = self.tree.dirs.get_mut(path) else { return };
        if watch && !dir.watched {
            dir.stage = DirStage::Watching;
            self.ask(Asked::Watch(path.into()), Do::Watch { dir: path.into() });
        } else {
            self.list(path);
        }
    }

    fn list(&mut self, path: &Path) {
        let Some(dir) = self.tree.dirs.get_mut(path) else { return };
        dir.stage = DirStage::Listing;
        dir.dirty = false;
        let wanted = self.tree.globs.wanted(&dir.standings, BTreeSet::new());
        self.ask(Asked::List(path.into()), Do::List { dir: path.into(), wanted });
    }

    pub(super) fn watched(&mut self, path: &Path, result: Result<(), FileError>, now: Now) {
        let Some(dir) = self.tree.dirs.get_mut(path) else { return };
        dir.watched = result.is_ok();
        match result {
            Ok(()) | Err(FileError::NotFound) => {}
            Err(error) => {
                let text = format!("no notices for {}, it is polled: {error}", path.display());
                self.note(Level::Warn, "watch", text);
                self.timers.set_by(Timer::PollFiles, now.mono + super::start::POLL_FILES);
            }
        }
        self.list(path);
    }

    /// Something moved in a directory.
    pub(super) fn look_into(&mut self, path: &Path) {
        let Some(dir) = self.tree.dirs.get_mut(path) else { return };
        match dir.stage {
            DirStage::Rest => self.watch_then_list(path),
            DirStage::Listing | DirStage::Watching => dir.dirty = true,
            DirStage::New => {}
        }
    }

    pub(super) fn look_into_all(&mut self) {
        let dirs: Vec<PathBuf> = self.tree.dirs.keys().cloned().collect();
        for dir in dirs {
            self.look_into(&dir);
        }
    }

    pub(super) fn listed(&mut self, path: &Path, result: Result<Listing, FileError>, now: Now) {
        let Some(dir) = self.tree.dirs.get_mut(path) else { return };
        dir.stage = DirStage::Rest;
        dir.failed = result.as_ref().is_err_and(|error| *error != FileError::NotFound);
        let again = dir.dirty;
        match result {
            Ok(listing) => self.compare(path, listing, now),
            Err(FileError::NotFound) => self.dir_is_gone(path, now),
            Err(error) => {
                let text = format!("{} cannot be listed: {error}", path.display());
                self.note(Level::Error, format!("list {}", path.display()), text);
            }
        }
        self.tree.awaited.remove(path);
        if again {
            self.look_into(path);
        }
    }

    fn dir_is_gone(&mut self, path: &Path, now: Now) {
        self.compare(path, Listing::default(), now);
        let is_base = self.tree.globs.bases().iter().any(|(base, _)| base == path);
        let Some(dir) = self.tree.dirs.get_mut(path) else { return };
        let watched = std::mem::take(&mut dir.watched);
        if !is_base {
            self.tree.dirs.remove(path);
        }
        if watched {
            self.ask(Asked::Nothing, Do::Unwatch { dir: path.into() });
        }
    }

    /// What changed since the last listing.
    fn compare(&mut self, path: &Path, listing: Listing, now: Now) {
        let Some(dir) = self.tree.dirs.get_mut(path) else { return };
        let standings = dir.standings.clone();
        let mut gone: BTreeMap<OsString, Name> = std::mem::take(&mut dir.names);
        let globs = Arc::clone(&self.tree.globs);
        for entry in listing.entries {
            let before = gone.remove(&entry.name);
            if self.may_enter(entry.kind) {
                let below = globs.descend(&standings, &entry.name);
                if !below.is_empty() {
                    self.enter(&path.join(&entry.name), below);
                }
            }
            let linked = entry.kind == Kind::Link && self.settings.agent.follow_symlinks != Symlinks::None;
            if entry.kind == Kind::File || linked {
                let followers = globs.followers(path, &standings, &entry.name);
                if !followers.is_empty() {
                    self.sight(path, &entry, followers, before, now);
                } else if let Some(before) = before {
                    gone.insert(entry.name, before);
                }
            } else if let Some(before) = before {
                gone.insert(entry.name, before);
            }
        }
        for (name, before) in gone {
            self.lost_name(path, &name, &before, now);
        }
    }

    /// A followed name is gone, or another file's.
    fn lost_name(&mut self, dir: &Path, name: &OsStr, before: &Name, now: Now) {
        match before.seen {
            Seen::File(file) => self.unname(file, &dir.join(name), now),
            Seen::Opening | Seen::Failed if !before.link => {
                self.look_astray(dir, before.ino, &before.followers);
            }
            Seen::Opening | Seen::Failed | Seen::Passed => {}
        }
    }

    fn may_enter(&self, kind: Kind) -> bool {
        kind == Kind::Dir || kind == Kind::Link && self.settings.agent.follow_symlinks == Symlinks::All
    }

    /// A followed name is there.
    fn sight(&mut self, path: &Path, entry: &Entry, followers: Vec<FlowId>, before: Option<Name>, now: Now) {
        let link = entry.kind == Kind::Link;
        let same = |before: &Name| before.ino == entry.ino && before.link == link;
        if let Some(before) = before.as_ref().filter(|before| !same(before)) {
            self.lost_name(path, &entry.name, before, now);
        }
        let known = before.filter(same);
        // Behind a link may be another file than before, whatever the link's own inode says.
        let seen = match known.as_ref().map(|name| name.seen) {
            Some(Seen::Opening) => Seen::Opening,
            Some(seen @ (Seen::File(_) | Seen::Passed)) if !link => seen,
            _ => {
                self.tree.to_open.push_back(Sighting {
                    dir: path.into(),
                    name: entry.name.clone(),
                    followers: followers.clone(),
                    lead: Lead::Name((!link).then_some(entry.ino)),
                });
                match known.map(|name| name.seen) {
                    Some(seen @ Seen::File(_)) => seen,
                    _ => Seen::Opening,
                }
            }
        };
        if let Some(dir) = self.tree.dirs.get_mut(path) {
            dir.names.insert(entry.name.clone(), Name { ino: entry.ino, link, followers, seen });
        }
    }

    /// A file is to be opened that was found by its inode.
    pub(super) fn tree_open(&mut self, sighting: Sighting) {
        self.tree.to_open.push_back(sighting);
    }

    /// Opens what was sighted, a few at a time.
    pub(super) fn open_next(&mut self) {
        while self.tree.opening < MAX_OPENING {
            let Some(sighting) = self.tree.to_open.pop_front() else { return };
            self.tree.opening += 1;
            let handle = self.new_handle();
            let path = sighting.path();
            self.ask(Asked::Open(sighting, handle), Do::Open { handle, path });
        }
    }

    /// A sighting is dealt with.
    pub(super) fn concluded(&mut self, sighting: &Sighting, file: Option<FileId>, now: Now) {
        self.tree.opening -= 1;
        let before = self.set_seen(sighting, file.map_or(Seen::Passed, Seen::File));
        if let Some(Seen::File(other)) = before
            && Some(other) != file
        {
            self.unname(other, &sighting.path(), now);
        }
    }

    /// A sighting could not be dealt with: again at the next reconcile.
    pub(super) fn concluded_failed(&mut self, sighting: &Sighting, error: &FileError) {
        self.tree.opening -= 1;
        self.set_seen(sighting, Seen::Failed);
        // A link that leads nowhere, or to no file, is as little to follow as a FIFO.
        if !matches!(error, FileError::NotFound | FileError::NoFile) {
            let path = sighting.path();
            let text = format!("{} cannot be read: {error}", path.display());
            let subject = match error {
                FileError::TooManyFiles => "descriptors".to_owned(),
                _ => format!("open {}", path.display()),
            };
            self.note(Level::Error, subject, text);
        }
    }

    /// Returns what was seen before.
    fn set_seen(&mut self, sighting: &Sighting, seen: Seen) -> Option<Seen> {
        let name = self.tree.dirs.get_mut(&sighting.dir)?.names.get_mut(&sighting.name)?;
        sighting.is_of(name).then(|| std::mem::replace(&mut name.seen, seen))
    }

    /// Whether a name still leads to this file as far as known: it may have been renamed while being opened.
    pub(super) fn is_named(&self, sighting: &Sighting) -> bool {
        let dir = self.tree.dirs.get(&sighting.dir);
        dir.and_then(|dir| dir.names.get(&sighting.name)).is_some_and(|name| sighting.is_of(name))
    }

    /// Whether a directory is followed and could not be listed.
    pub(super) fn cannot_list(&self, dir: &Path) -> bool {
        self.tree.dirs.get(dir).is_some_and(|dir| dir.failed)
    }

    /// Whether a name in a followed directory is one that the globs lead to.
    pub(super) fn leads_to(&self, path: &Path, name: &OsStr) -> bool {
        let dir = self.tree.dirs.get(path);
        dir.is_some_and(|dir| !self.tree.globs.followers(path, &dir.standings, name).is_empty())
    }

    /// What is known behind a name, if it was followed at the last listing.
    pub(super) fn seen_behind(&self, dir: &Path, name: &OsStr) -> Option<Seen> {
        Some(self.tree.dirs.get(dir)?.names.get(name)?.seen)
    }

    /// Whether a name was followed at the last listing.
    pub(super) fn is_followed(&self, dir: &Path, name: &OsStr) -> bool {
        self.seen_behind(dir, name).is_some()
    }

    /// A notice came for a file.
    pub(super) fn look_at(&mut self, path: &Path) {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return };
        let Some(dir) = self.tree.dirs.get_mut(parent) else { return };
        let Some(known) = dir.names.get_mut(name) else { return };
        match known.seen {
            Seen::File(file) if self.files.get(&file).is_some_and(|file| file.handle.is_some()) => {
                self.wake(file);
            }
            Seen::Opening | Seen::Failed => {}
            Seen::File(_) | Seen::Passed => {
                known.seen = Seen::Opening;
                let ino = (!known.link).then_some(known.ino);
                let followers = known.followers.clone();
                let (dir, name) = (parent.to_path_buf(), name.to_os_string());
                self.tree.to_open.push_back(Sighting { dir, name, followers, lead: Lead::Name(ino) });
            }
        }
    }

    /// Looks at everything that may have moved without a notice.
    pub(super) fn reconcile(&mut self, now: Now) {
        self.timers.set(Timer::Reconcile, now.mono + self.settings.agent.rescan);
        if self.phase != super::Phase::Running {
            return;
        }
        if !self.tree.scanning {
            self.tree.scanning = true;
            self.tree.awaited = self.tree.dirs.keys().cloned().collect();
        }
        self.look_into_all();
        let active = |file: &File| now.mono.saturating_sub(file.changed) <= ACTIVE;
        self.wake_where(|file| active(file) || file.ending != Ending::Live);
        self.look_where(active);
    }

    /// Looks at files for which no notices come.
    pub(super) fn poll_files(&mut self, now: Now) {
        self.timers.set(Timer::PollFiles, now.mono + super::start::POLL_FILES);
        self.wake_where(|file| now.mono.saturating_sub(file.changed) <= ACTIVE);
    }

    /// Looks at a part of all files.
    pub(super) fn sweep(&mut self, now: Now) {
        self.timers.set(Timer::Sweep, now.mono + SWEEP);
        let part = self.files.len().div_ceil((ACTIVE.as_secs() / SWEEP.as_secs()) as usize);
        let from = self.swept.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let ids: Vec<FileId> =
            self.files.range((from, std::ops::Bound::Unbounded)).take(part).map(|(id, _)| *id).collect();
        self.swept = if ids.len() < part { None } else { ids.last().copied() };
        for id in &ids {
            self.wake(*id);
        }
        self.look_where(|file| ids.contains(&file.id));
    }

    /// Looks whether files that are not open have changed.
    fn look_where(&mut self, choose: impl Fn(&File) -> bool) {
        let closed = self.files.values().filter(|file| file.handle.is_none() && choose(file));
        let names: Vec<(FileId, PathBuf)> =
            closed.filter_map(|file| Some((file.id, file.names.first()?.clone()))).collect();
        for (id, path) in names {
            self.ask(Asked::Look(id, path.clone()), Do::Look { path });
        }
    }

    /// A closed file that grew, or is another, is opened again.
    pub(super) fn looked(&mut self, id: FileId, path: &Path, result: &Result<Meta, FileError>) {
        let Some(file) = self.files.get(&id) else { return };
        let changed =
            result.as_ref().is_ok_and(|meta| meta.size != file.size || meta.identity != file.identity);
        if changed && file.handle.is_none() {
            self.look_at(path);
        }
    }

    pub(super) fn wake_all(&mut self) {
        self.wake_where(|_| true);
    }

    fn wake_where(&mut self, choose: impl Fn(&File) -> bool) {
        let open = self.files.values().filter(|file| file.handle.is_some() && choose(file));
        let ids: Vec<FileId> = open.map(|file| file.id).collect();
        for id in ids {
            self.wake(id);
        }
    }

    /// Concludes a scan when every directory was listed and every sighting opened.
    pub(super) fn conclude_scan(&mut self, now: Now) {
        let busy = !self.tree.awaited.is_empty() || self.tree.opening > 0 || !self.tree.to_open.is_empty();
        if busy {
            return;
        }
        if self.tree.scanning {
            self.tree.scanning = false;
            self.tree.scans += 1;
            for flow in &mut self.flows {
                flow.last_look = now.wall;
            }
            self.look_for_missing();
        }
        if self.tree.scans > 0 {
            self.first_scan_done(now);
        }
    }
}
