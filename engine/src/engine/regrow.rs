//! Other globs over the directories that are known: what no glob leads to any more is left, and all is looked into again
//! for what only the new ones lead to.

use super::Engine;
use super::kin::Kin;
use super::tree::{Dir, Seen};
use super::{Asked, Level};
use crate::discover::Globs;
use crate::event::{Do, Now};
use crate::follow::name;
use crate::ids::{FileId, FlowId};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the new globs no longer lead to.
#[derive(Debug, Default)]
struct Left {
    names: Vec<(PathBuf, FileId)>,
    /// Flows that follow a name of a file no more.
    followers: Vec<(FileId, FlowId)>,
}

impl Engine {
    pub(super) fn regrow(&mut self, now: Now) {
        let globs = match Globs::new(&self.agent, self.flows.iter().map(|flow| &flow.settings)) {
            Ok(globs) => Arc::new(globs),
            Err(error) => return self.note(Level::Error, "reload", error.to_string()),
        };
        if globs.has_archives() != self.tree.globs.has_archives() {
            self.kin = Kin::new(globs.has_archives());
            self.files.values().for_each(|file| self.kin.add_all(file));
        }
        self.tree.globs = Arc::clone(&globs);
        let mut left = Left::default();
        for (path, dir) in &mut self.tree.dirs {
            dir.standings = globs.standings(path);
            prune(&globs, path, dir, &mut left);
        }
        for (path, id) in left.names {
            self.unname(id, &path, now);
        }
        self.tree.left.extend(left.followers);
        self.leave_dirs();
        for (dir, standing) in self.tree.bases() {
            self.enter(&dir, vec![standing], 0);
        }
        self.tree.scanning = true;
        self.tree.scan_began = now.mono;
        let dirs: Vec<PathBuf> = self.tree.dirs.keys().cloned().collect();
        for dir in dirs {
            self.look_into_in_scan(&dir);
        }
    }

    /// The store knows places in files to which the globs led that a flow had then, and no longer do.
    pub(super) fn mind_narrower_globs(&mut self, flow: FlowId, before: &[String]) {
        let globs = Arc::clone(self.tree.globs());
        let files = self.files.values().filter(|file| file.is_followed_by_any(&[flow]));
        let left = files.filter(|file| {
            let path = &file.first_path;
            // A compressed name no glob leads to, but rotation.
            let plain = name::codec(path).is_none();
            plain && Globs::matched_by(before, path) && !globs.followers_at(path).contains(&flow)
        });
        self.tree.left.extend(left.map(|file| (file.id, flow)));
    }

    /// Everything was looked at: no other name leads those flows to those files.
    pub(super) fn leave_files(&mut self, now: Now) {
        for (id, flow) in std::mem::take(&mut self.tree.left) {
            if !self.still_follows(id, flow) {
                self.unfollow(id, flow, now);
            }
        }
    }

    /// Whether any name of a file, or the one it was first seen under, leads the flow to it.
    fn still_follows(&self, id: FileId, flow: FlowId) -> bool {
        let Some(file) = self.files.get(&id) else { return false };
        let named = file.names.iter().any(|path| {
            let name = self.tree.name_at(path);
            name.is_some_and(|name| name.followers.contains(&flow) || name.kin.contains(&flow))
        });
        named || self.tree.globs().followers_at(&file.first_path).contains(&flow)
    }

    /// Directories to which no glob leads any more.
    fn leave_dirs(&mut self) {
        let bases: Vec<PathBuf> = self.tree.bases().into_iter().map(|(base, _)| base).collect();
        let is_left = |path: &PathBuf, dir: &Dir| dir.standings.is_empty() && !bases.contains(path);
        let left = self.tree.dirs.iter().filter(|(path, dir)| is_left(path, dir));
        let left: Vec<(PathBuf, bool)> = left.map(|(path, dir)| (path.clone(), dir.watched)).collect();
        for (path, watched) in left {
            self.tree.dirs.remove(&path);
            self.tree.awaited.remove(&path);
            if watched {
                self.ask(Asked::Nothing, Do::Unwatch { dir: path });
            }
        }
    }
}

/// Forgets of a directory's names what no glob leads to. What new ones lead to, the next listing shows.
fn prune(globs: &Globs, path: &Path, dir: &mut Dir, left: &mut Left) {
    let standings = dir.standings.clone();
    let mut unfollowed: Vec<OsString> = Vec::new();
    for (name, known) in &mut dir.names {
        let followers = globs.followers(path, &standings, name);
        let kin = globs.kin(path, &standings, name);
        let of = match known.seen {
            Seen::File(file) | Seen::Reopening(file) => Some(file),
            _ => None,
        };
        let lost = known.followers.iter().filter(|flow| !followers.contains(flow) && !kin.contains(flow));
        left.followers.extend(of.into_iter().flat_map(|file| lost.clone().map(move |flow| (file, *flow))));
        known.followers.retain(|flow| followers.contains(flow));
        known.kin.retain(|flow| kin.contains(flow));
        if followers.is_empty() && kin.is_empty() {
            unfollowed.push(name.clone());
            left.names.extend(of.map(|file| (path.join(name), file)));
        }
    }
    for name in unfollowed {
        dir.names.remove(&name);
    }
}
