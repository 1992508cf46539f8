//! Files that are not where they were: looked for by inode, found beside their old path, or given up.

use super::tree::{Dir, Lead, Seen, Sighting, Stray};
use super::{Asked, Engine};
use crate::event::{Do, Entry, FileError, Kind, Listing, Now};
use crate::follow::{Ending, File};
use crate::ids::{FileId, FlowId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A saved file that so many complete scans did not find is gone: one scan can miss a file that moves meanwhile.
const SCANS_TO_BE_GONE: u32 = 2;

impl Engine {
    /// What was listed under a name and what is opened under it differ: the one that was listed has another name now.
    pub(super) fn look_for_other(&mut self, sighting: &Sighting, opened: Option<u64>) {
        let Lead::Name(Some(listed)) = sighting.lead else { return };
        if opened != Some(listed) {
            self.look_astray(&sighting.dir, listed, &sighting.followers, &sighting.kin);
        }
    }

    /// A file lost its followed name before it could be opened: it is looked for in its directory, by its inode.
    pub(super) fn look_astray(&mut self, dir: &Path, ino: u64, followers: &[FlowId], kin: &[FlowId]) {
        let (followers, kin) = (followers.to_vec(), kin.to_vec());
        self.look_for_stray(Stray { dir: dir.into(), ino, followers, kin });
    }

    fn look_for_stray(&mut self, stray: Stray) {
        if self.is_inode_open(stray.ino) {
            return;
        }
        let wanted = self.tree.globs().wanted(&[], BTreeSet::from([stray.ino]));
        let dir = stray.dir.clone();
        self.ask(Asked::Astray(stray), Do::List { dir, wanted });
    }

    pub(super) fn looked_astray(&mut self, stray: Stray, result: Result<Listing, FileError>) {
        let entries = match result {
            Ok(listing) => listing.entries,
            Err(FileError::NotFound) => Vec::new(),
            // Could not look: nobody knows.
            Err(_) => return self.tree.strays.push(stray),
        };
        let Stray { dir, ino, followers, kin } = stray;
        match entries.into_iter().find(|entry| entry.ino == ino && entry.kind == Kind::File) {
            // It has its followed name again, under which it is opened in its turn.
            Some(entry) if self.is_followed_by(&followers, &dir, &entry.name) => {}
            // A glob leads to it: the next listing does. It may be another file, which got the inode number, and is live.
            Some(entry) if self.follow_all(&followers, &dir, &entry.name) => self.look_into_in_scan(&dir),
            Some(entry) => {
                self.tree_open(Sighting {
                    dir,
                    name: entry.name,
                    followers,
                    kin,
                    lead: Lead::Astray(ino),
                    has_room: false,
                    unseen: false,
                });
            }
            None => followers.into_iter().for_each(|flow| self.possible_loss(flow)),
        }
    }

    /// At a reconcile: those for which nobody could look.
    pub(super) fn look_for_strays(&mut self) {
        for stray in std::mem::take(&mut self.tree.strays) {
            self.look_for_stray(stray);
        }
    }

    /// Whether files that lost their followed names are still being looked for.
    pub(super) fn is_looking_astray(&self) -> bool {
        !self.tree.strays.is_empty() || self.asked.is_looking_astray()
    }

    /// After a scan: saved files that no glob found are looked for beside their old path, by inode; or, if that is a link,
    /// beside what it leads to now.
    pub(super) fn look_for_missing(&mut self) {
        let mut dirs: BTreeMap<PathBuf, Vec<FileId>> = BTreeMap::new();
        let mut links: BTreeMap<PathBuf, Vec<FileId>> = BTreeMap::new();
        // What only flows of another configuration followed, nobody reads.
        let missing = self
            .files
            .values_mut()
            .filter(|file| file.handle.is_none() && file.names.is_empty() && !file.cursors.is_empty());
        for file in missing {
            // What was finished may have grown while nobody looked; once is enough to see that.
            let over =
                file.is_over() && !file.is_homeless() && file.missed > 0 || file.ending == Ending::Gone;
            if let Some(dir) = file.path.parent().filter(|_| !over) {
                file.missed += 1;
                if self.tree.name_at(&file.path).is_some_and(|name| name.link) {
                    links.entry(file.path.to_path_buf()).or_default().push(file.id);
                } else {
                    dirs.entry(dir.to_path_buf()).or_default().push(file.id);
                }
            }
        }
        for (dir, ids) in dirs {
            self.look_beside(dir, ids);
        }
        for (link, ids) in links {
            self.ask(Asked::BesideTarget(link.clone(), ids), Do::FollowLink { link });
        }
    }

    fn look_beside(&mut self, dir: PathBuf, ids: Vec<FileId>) {
        let known = ids.iter().filter_map(|id| self.files.get(id));
        let inos = known.map(|file| file.identity.ino).collect();
        let wanted = self.tree.globs().wanted(&[], inos);
        self.ask(Asked::Beside(dir.clone(), ids), Do::List { dir, wanted });
    }

    pub(super) fn followed_link(
        &mut self,
        link: &Path,
        ids: Vec<FileId>,
        result: Result<PathBuf, FileError>,
        now: Now,
    ) {
        match result {
            Ok(dir) => self.look_beside(dir, ids),
            Err(error) => self.looked_beside(link, ids, Err(error), now),
        }
    }

    pub(super) fn looked_beside(
        &mut self,
        dir: &Path,
        ids: Vec<FileId>,
        result: Result<Listing, FileError>,
        now: Now,
    ) {
        let entries = match result {
            Ok(listing) => listing.entries,
            Err(FileError::NotFound) => Vec::new(),
            // Could not look: nobody knows.
            Err(_) => return self.not_looked(&ids),
        };
        if self.cannot_list(dir) {
            return self.not_looked(&ids);
        }
        for id in ids {
            let Some(file) = self.files.get(&id) else { continue };
            if file.handle.is_some() || !file.names.is_empty() {
                continue;
            }
            let is_it = |entry: &&Entry| entry.ino == file.identity.ino && entry.kind == Kind::File;
            let found = entries.iter().find(is_it);
            match found.map(|entry| (self.seen_behind(dir, &entry.name), entry)) {
                // A glob leads to it: the next listing does.
                Some((None, entry)) if self.leads_to(dir, &entry.name) => {
                    self.not_looked(&[id]);
                    self.look_into(dir);
                }
                Some((None, entry)) => self.tree_open(Sighting {
                    dir: dir.into(),
                    name: entry.name.clone(),
                    followers: Vec::new(),
                    kin: Vec::new(),
                    lead: Lead::Saved(id),
                    has_room: false,
                    unseen: false,
                }),
                // It has a followed name, under which it could not be opened yet.
                Some((Some(Seen::Opening | Seen::Failed(_)), _)) => self.not_looked(&[id]),
                Some((Some(_), _)) | None => {
                    self.not_found(id, now);
                }
            }
        }
    }

    pub(super) fn not_looked(&mut self, ids: &[FileId]) {
        for id in ids {
            if let Some(file) = self.files.get_mut(id) {
                file.missed = file.missed.saturating_sub(1);
            }
        }
    }

    /// A scan did not find a saved file, not even by its inode.
    pub(super) fn not_found(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get(&id) else { return };
        if self.may_be_hidden(file, now) {
            return self.not_looked(&[id]);
        }
        let waits = file.is_homeless() || !file.is_over();
        if file.missed >= SCANS_TO_BE_GONE && waits && !self.may_have_copy(file) {
            self.gone(id, now);
        } else {
            self.look_at_held(now);
        }
    }

    /// Whether a file of which nobody knows yet what it is may be a copy of it.
    pub(super) fn may_have_copy(&self, original: &File) -> bool {
        // One that begins as another does is none of this.
        let other = |file: &File| {
            file.held.as_ref().and_then(|held| held.original).is_some_and(|of| of != original.id)
        };
        let held = |file: &File| self.may_be_copy_of(&file.path, original) && !other(file);
        let flows: Vec<FlowId> = original.cursors.iter().map(|cursor| cursor.flow).collect();
        let globs = self.tree.globs();
        let here = |path: &Path, dir: &Dir| {
            original.path.parent() == Some(path)
                || globs.archiving(&dir.standings).iter().any(|flow| flows.contains(flow))
        };
        // Only archives are elsewhere.
        let all = globs.has_archives().then(|| self.tree.dirs.iter()).into_iter().flatten();
        let own = original.path.parent().and_then(|dir| self.tree.dirs.get_key_value(dir));
        let unopened = own.into_iter().chain(all).filter(|(path, dir)| here(path, dir)).any(|(path, dir)| {
            dir.names.iter().any(|(name, known)| match known.seen {
                Seen::Opening | Seen::Failed(_) => self.may_be_copy_of(&path.join(name), original),
                Seen::CopyOf { original: of, .. } => of == original.id,
                _ => false,
            })
        });
        unopened || self.held.iter().filter_map(|id| self.files.get(id)).any(held)
    }
}
