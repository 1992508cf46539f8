//! Looking into directories: what is there, what is new, what is gone. Notices only say where to look.

use super::tree::{Dir, DirStage, Name, Seen};
use super::unread::Why;
use super::{Asked, Engine};
use crate::Level;
use crate::discover::Standing;
use crate::event::{Do, Entry, FileError, Kind, Listing, Now};
use crate::ids::FlowId;
use crate::settings::{Symlinks, Watch};
use crate::timer::Timer;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Deepest directory below `/`: a loop of links ends here.
const MAX_DEPTH: usize = 64;

/// Microseconds between two listings for each entry: to pass over one takes less than a hundredth of that.
const REST_FOR_AN_ENTRY: u64 = 50;

impl Engine {
    /// A directory is to be looked into.
    pub(super) fn enter(&mut self, path: &Path, standings: Vec<Standing>, ino: u64) {
        if path.components().count() > MAX_DEPTH {
            return;
        }
        let dir = self.tree.dirs.entry(path.to_path_buf()).or_insert_with(|| Dir {
            standings: Vec::new(),
            listed_for: 0,
            stage: DirStage::New,
            dirty: false,
            owed: false,
            due: Duration::ZERO,
            watched: false,
            failed: None,
            why: Why::NoLog,
            ino,
            names: BTreeMap::new(),
        });
        let replaced = std::mem::replace(&mut dir.ino, ino) != ino;
        let before = dir.standings.len();
        for standing in standings {
            if !dir.standings.contains(&standing) {
                dir.standings.push(standing);
            }
        }
        if dir.stage != DirStage::New {
            let wider = dir.standings.len() > before;
            if replaced {
                self.watch_ended(path);
            } else if wider {
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
        dir.listed_for = dir.standings.len();
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
                self.timers.set_by(Timer::PollFiles, now.mono + super::sweep::POLL_FILES);
            }
        }
        self.list(path);
    }

    /// The directory under this name is not the one that was watched.
    pub(super) fn watch_ended(&mut self, path: &Path) {
        if let Some(dir) = self.tree.dirs.get_mut(path) {
            dir.watched = false;
            self.look_into(path);
        }
    }

    /// Among lost notices may be ends of watches; to watch once more what is watched does no harm.
    pub(super) fn all_watches_ended(&mut self) {
        self.tree.dirs.values_mut().for_each(|dir| dir.watched = false);
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

    /// A file is there that no listing has shown yet: the scan is complete only after the next that begins now.
    pub(super) fn look_into_in_scan(&mut self, path: &Path) {
        self.look_into(path);
        if let Some(dir) = self.tree.dirs.get_mut(path) {
            dir.owed = dir.dirty;
            self.tree.awaited.insert(path.to_path_buf());
        }
    }

    pub(super) fn look_into_all(&mut self) {
        let dirs: Vec<PathBuf> = self.tree.dirs.keys().cloned().collect();
        for dir in dirs {
            self.look_into(&dir);
        }
    }

    /// Looks into every directory, but for huge ones that were listed lately: those are still awaited.
    pub(super) fn look_into_due(&mut self, now: Now) {
        let due = self.tree.dirs.iter().filter(|(_, dir)| dir.due <= now.mono);
        let dirs: Vec<PathBuf> = due.map(|(path, _)| path.clone()).collect();
        for dir in dirs {
            self.look_into(&dir);
        }
    }

    pub(super) fn listed(&mut self, path: &Path, result: Result<Listing, FileError>, now: Now) {
        let Some(dir) = self.tree.dirs.get_mut(path) else { return };
        dir.stage = DirStage::Rest;
        match &result {
            Ok(_) | Err(FileError::NotFound) => dir.failed = None,
            Err(_) => drop(dir.failed.get_or_insert(now.mono)),
        }
        if let Err(error) = &result {
            dir.why = self.tree.faults.why(error);
        }
        let again = dir.dirty;
        let owed = std::mem::take(&mut dir.owed) && again;
        let whole = dir.listed_for == dir.standings.len() && !owed;
        let scanned = result.as_ref().map_or(0, |listing| listing.scanned);
        dir.due = now.mono + Duration::from_micros(scanned.saturating_mul(REST_FOR_AN_ENTRY));
        match result {
            Ok(listing) => self.compare(path, listing, now),
            Err(FileError::NotFound) => self.dir_is_gone(path, now),
            Err(error) => {
                let text = format!("{} cannot be listed: {error}", path.display());
                self.note(Level::Error, format!("list {}", path.display()), text);
            }
        }
        // Another pattern led here meanwhile, which wants to see more of it.
        if whole || !self.tree.dirs.contains_key(path) {
            self.tree.awaited.remove(path);
        }
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
                    self.enter(&path.join(&entry.name), below, entry.ino);
                }
            }
            let linked = entry.kind == Kind::Link && self.agent.follow_symlinks != Symlinks::None;
            if entry.kind == Kind::File || linked {
                let followers = globs.followers(path, &standings, &entry.name);
                let kin = globs.kin(path, &standings, &entry.name);
                if !followers.is_empty() || !kin.is_empty() {
                    self.sight(path, &entry, (followers, kin), before, now);
                } else if !globs.matching(path, &standings, &entry.name).is_empty() {
                    self.pass_compressed(path, &entry);
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
        self.look_again_at_compressed(path);
    }

    /// A glob leads to a compressed file that is of no followed name, and that nobody asked for.
    fn pass_compressed(&mut self, path: &Path, entry: &Entry) {
        let Some(dir) = self.tree.dirs.get_mut(path) else { return };
        let (ino, link) = (entry.ino, entry.kind == Kind::Link);
        let seen = Seen::Passed(Why::Compressed);
        dir.names.insert(entry.name.clone(), Name { ino, link, followers: vec![], kin: vec![], seen });
    }

    /// A followed name is gone, or another file's.
    fn lost_name(&mut self, dir: &Path, name: &OsStr, before: &Name, now: Now) {
        match before.seen {
            Seen::File(file) | Seen::Reopening(file) => self.unname(file, &dir.join(name), now),
            Seen::Opening | Seen::Failed(_) if !before.link => {
                self.look_astray(dir, before.ino, &before.followers, &before.kin);
            }
            Seen::Opening | Seen::Failed(_) | Seen::Passed(_) | Seen::Beside | Seen::CopyOf { .. } => {}
        }
    }

    fn may_enter(&self, kind: Kind) -> bool {
        kind == Kind::Dir || kind == Kind::Link && self.agent.follow_symlinks == Symlinks::All
    }

    /// A followed name is there.
    fn sight(
        &mut self,
        path: &Path,
        entry: &Entry,
        (followers, kin): (Vec<FlowId>, Vec<FlowId>),
        before: Option<Name>,
        now: Now,
    ) {
        let link = entry.kind == Kind::Link;
        let same = |before: &Name| before.ino == entry.ino && before.link == link;
        if let Some(before) = before.as_ref().filter(|before| !same(before)) {
            self.lost_name(path, &entry.name, before, now);
        }
        let known = before.filter(same);
        // Behind a link may be another file than before, whatever the link's own inode says. And a file is forgotten, if
        // its content was found to be another's, under each of its names.
        let more = |before: &Name| {
            let is_new = |flow: &FlowId| !before.followers.contains(flow);
            followers.iter().any(is_new) || kin.iter().any(|flow| is_new(flow) && !before.kin.contains(flow))
        };
        // Another pattern led here since.
        let mut opens = known.as_ref().is_some_and(more);
        let seen = match known.as_ref().map(|name| name.seen) {
            Some(seen @ (Seen::Opening | Seen::Reopening(_) | Seen::Beside | Seen::CopyOf { .. })) => seen,
            Some(seen @ Seen::File(file)) if !link && self.files.contains_key(&file) => seen,
            Some(seen @ Seen::Passed(_)) if !link && !opens => seen,
            _ => {
                opens = true;
                match known.map(|name| name.seen) {
                    Some(seen @ Seen::File(_)) if link => seen,
                    _ => Seen::Opening,
                }
            }
        };
        let name = Name { ino: entry.ino, link, followers, kin, seen };
        if opens {
            self.tree.to_open.push_back(name.sighting(path, &entry.name));
        }
        if let Some(dir) = self.tree.dirs.get_mut(path) {
            dir.names.insert(entry.name.clone(), name);
        }
    }

    /// Concludes a scan when every directory was listed and every sighting opened.
    pub(super) fn conclude_scan(&mut self, now: Now) {
        let tree = &self.tree;
        // What a look finds changed may be a generation that came since the last complete look.
        let opening = !tree.opening.are_free() || !tree.to_open.is_empty();
        let looking = self.looks.are_due() || opening;
        if looking || !tree.awaited.is_empty() {
            return;
        }
        if self.tree.scanning {
            self.tree.scanning = false;
            self.tree.scans += 1;
            self.leave_files(now);
            self.looked_everywhere(now);
            self.conclude_boot(now);
            self.look_for_missing();
        }
        if self.tree.scans > 0 {
            self.first_scan_done(now);
        }
    }
}
