//! Which file is behind a name: new, known, or known under another name; and files that lose their names.

use super::scan::{ACTIVE, Lead, Seen, Sighting};
use super::{Asked, Engine};
use crate::Level;
use crate::content::{self, WINDOW};
use crate::event::{Chunk, Do, FileError, Kind, Listing, Meta, Now};
use crate::follow::{Ending, File, Row, Stage, name};
use crate::ids::{Epoch, FileId, FlowId, HandleId, Span};
use crate::state::{Identity, Put, Reason};
use crate::timer::Timer;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A saved file that so many complete scans did not find is gone: one scan can miss a file that moves meanwhile.
const SCANS_TO_BE_GONE: u32 = 2;

/// Longest time between two looks at a file that lost its live name.
const QUIET_LOOK: Duration = Duration::from_secs(1);

/// Shortest time between two such looks.
const SHORT_LOOK: Duration = Duration::from_millis(10);

impl Engine {
    pub(super) fn opened(
        &mut self,
        mut sighting: Sighting,
        handle: HandleId,
        result: Result<Meta, FileError>,
        now: Now,
    ) {
        let meta = match result {
            Ok(meta) => meta,
            Err(error) => {
                if error == FileError::NotFound {
                    self.look_for_other(&sighting, None);
                }
                return self.concluded_failed(&sighting, &error);
            }
        };
        self.look_for_other(&sighting, Some(meta.identity.ino));
        self.is_opened(&mut sighting, meta.identity.ino);
        if let Lead::Saved(id) = sighting.lead
            && self.files.get(&id).is_none_or(|file| file.identity != meta.identity)
        {
            self.close(handle);
            self.concluded(&sighting, None, now);
            return self.not_found(id, now);
        }
        let known = self.by_identity.get(&meta.identity).copied();
        let open = known.filter(|id| self.files.get(id).is_some_and(|file| file.handle.is_some()));
        if meta.kind != Kind::File || (known.is_none() && self.is_too_old(&sighting, &meta, now)) {
            self.close(handle);
            self.concluded(&sighting, None, now);
        } else if let Some(id) = open {
            // While a handle is open its inode cannot be another file's.
            self.close(handle);
            self.name(id, &sighting, now);
        } else {
            self.budget.take_look(WINDOW as u64);
            let read = Do::Read { handle, cursor: None, offset: 0, len: WINDOW };
            self.ask(Asked::Head(sighting, handle, meta), read);
        }
    }

    /// What was listed under a name and what is opened under it differ: the one that was listed has another name now.
    fn look_for_other(&mut self, sighting: &Sighting, opened: Option<u64>) {
        let Lead::Name(Some(listed)) = sighting.lead else { return };
        if opened != Some(listed) {
            self.look_astray(&sighting.dir, listed, &sighting.followers);
        }
    }

    /// A file lost its followed name before it could be opened: it is looked for in its directory, by its inode.
    pub(super) fn look_astray(&mut self, dir: &Path, ino: u64, followers: &[FlowId]) {
        if self.files.values().any(|file| file.handle.is_some() && file.identity.ino == ino) {
            return;
        }
        let wanted = self.tree.globs().wanted(&[], BTreeSet::from([ino]));
        let asked = Asked::Astray { dir: dir.into(), ino, followers: followers.to_vec() };
        self.ask(asked, Do::List { dir: dir.into(), wanted });
    }

    pub(super) fn looked_astray(
        &mut self,
        dir: PathBuf,
        ino: u64,
        followers: Vec<FlowId>,
        result: Result<Listing, FileError>,
    ) {
        let entries = result.map(|listing| listing.entries).unwrap_or_default();
        match entries.into_iter().find(|entry| entry.ino == ino && entry.kind == Kind::File) {
            // It has its followed name again, under which it is opened in its turn.
            Some(entry) if self.is_followed(&dir, &entry.name) => {}
            Some(entry) => {
                self.tree_open(Sighting { dir, name: entry.name, followers, lead: Lead::Astray(ino) });
            }
            None => followers.into_iter().for_each(|flow| self.possible_loss(flow)),
        }
    }

    fn is_too_old(&self, sighting: &Sighting, meta: &Meta, now: Now) -> bool {
        let age = Duration::from_nanos(now.wall.saturating_sub(meta.mtime).max(0) as u64);
        sighting.followers.iter().all(|flow| {
            let limit = self.flows[flow.0 as usize].settings.ignore_older;
            limit.is_some_and(|limit| age > limit)
        }) && !sighting.followers.is_empty()
    }

    pub(super) fn head_read(
        &mut self,
        mut sighting: Sighting,
        handle: HandleId,
        meta: Meta,
        result: Result<Chunk, FileError>,
        now: Now,
    ) {
        self.budget.give_look(WINDOW as u64);
        let chunk = match result {
            Ok(chunk) => chunk,
            Err(error) => {
                self.close(handle);
                return self.concluded_failed(&sighting, &error);
            }
        };
        let known = self.by_identity.get(&meta.identity).copied();
        if let Some(id) = known
            && let Some(file) = self.files.get_mut(&id)
        {
            if file.handle.is_some() {
                self.close(handle);
                return self.name(id, &sighting, now);
            }
            if same_file(file, &chunk.bytes, &sighting.path()) {
                file.handle = Some(handle);
                return self.found(id, &sighting, &chunk.meta, now);
            }
            sighting.adopt(file);
            self.content_is_other(id, now);
        }
        if sighting.followers.is_empty() {
            self.close(handle);
            self.concluded(&sighting, None, now);
        } else if is_utf16(&chunk.bytes) {
            self.close(handle);
            let path = sighting.path();
            let text = format!("{} is UTF-16 and is not read", path.display());
            self.note(Level::Warn, format!("utf-16 {}", path.display()), text);
            self.concluded(&sighting, None, now);
        } else {
            self.first_sight(&sighting, handle, &chunk, now);
        }
    }

    /// The kernel's name of a saved file is another file's now: its own content is gone, or elsewhere.
    fn content_is_other(&mut self, id: FileId, now: Now) {
        if let Some(file) = self.files.get_mut(&id) {
            self.by_identity.remove(&file.identity);
            file.identity = Identity::default();
            file.missed = SCANS_TO_BE_GONE;
        }
        self.gone(id, now);
    }

    fn first_sight(&mut self, sighting: &Sighting, handle: HandleId, chunk: &Chunk, now: Now) {
        let id = FileId { run: self.run, number: self.next_file };
        self.next_file += 1;
        let path = sighting.path();
        let file = File {
            id,
            first_path: path.clone(),
            path,
            names: BTreeSet::new(),
            identity: chunk.meta.identity,
            head: content::fingerprint(&chunk.bytes),
            epoch: Epoch { run: self.run, number: 0 },
            handle: Some(handle),
            size: chunk.meta.size,
            sized: self.next_action,
            mtime: chunk.meta.mtime,
            changed: now.mono,
            last_seen: now.wall,
            links: chunk.meta.links,
            row: Row::Unsaved,
            ending: Ending::Live,
            missed: 0,
            problem: None,
            cursors: Vec::new(),
            ended: Vec::new(),
        };
        self.by_identity.insert(file.identity, id);
        self.files.insert(id, file);
        self.name(id, sighting, now);
    }

    /// A saved file is found again.
    fn found(&mut self, id: FileId, sighting: &Sighting, meta: &Meta, now: Now) {
        let told = self.next_action;
        let Some(file) = self.files.get_mut(&id) else { return };
        file.missed = 0;
        file.size = meta.size;
        file.sized = told;
        file.links = meta.links;
        file.mtime = meta.mtime;
        file.changed = now.mono;
        file.identity = meta.identity;
        file.problem = None;
        for cursor in &mut file.cursors {
            if cursor.stage == Stage::Closed {
                cursor.stage = Stage::Unsaved;
            }
        }
        let was_finished = file.ending == Ending::Finished;
        self.name(id, sighting, now);
        if was_finished && let Some(file) = self.files.get_mut(&id) {
            file.ending = Ending::Displaced;
        }
        if self.files.get(&id).is_some_and(|file| file.row == Row::Saved) {
            self.release(id);
        }
        self.place(id, now);
    }

    /// A file has this name now, and the flows that follow the name follow the file.
    fn name(&mut self, id: FileId, sighting: &Sighting, now: Now) {
        self.concluded(sighting, Some(id), now);
        let path = sighting.path();
        let named = self.is_named(sighting);
        let Some(file) = self.files.get_mut(&id) else { return };
        file.last_seen = now.wall;
        let renamed = file.path != path && !file.names.contains(&path) && file.cursors.len() == 1;
        if named {
            file.names.insert(path.clone());
        }
        let stale = !named && matches!(sighting.lead, Lead::Name(_));
        if file.path != path && !stale {
            file.path = path;
            self.keeper.file(id);
            self.save_soon(now);
        }
        let new: Vec<_> =
            sighting.followers.iter().copied().filter(|flow| !self.follows(id, *flow)).collect();
        for flow in &new {
            self.follow(id, *flow);
        }
        for flow in self.flows_of(id) {
            if renamed {
                self.flow(flow).counters.rotations += 1;
            }
        }
        if !new.is_empty() {
            self.keeper.whole_file(id);
            self.save_urgently(now);
        }
        self.place(id, now);
    }

    fn follows(&self, id: FileId, flow: FlowId) -> bool {
        self.files[&id].cursors.iter().any(|cursor| cursor.flow == flow)
    }

    pub(super) fn flows_of(&self, id: FileId) -> Vec<FlowId> {
        self.files.get(&id).map_or(Vec::new(), |file| file.cursors.iter().map(|cursor| cursor.flow).collect())
    }

    /// A file lost a name.
    pub(super) fn unname(&mut self, id: FileId, path: &Path, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        file.names.remove(path);
        file.missed = 0;
        if let Some(other) = file.names.first().filter(|_| file.path == path) {
            file.path = other.clone();
        }
        self.place(id, now);
        self.wake(id);
    }

    /// Whether it is still under its live name decides whether it can end.
    fn place(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        match (file.is_live(), file.ending) {
            (true, _) => file.ending = Ending::Live,
            (false, Ending::Live) => {
                file.ending = Ending::Displaced;
                file.changed = now.mono;
            }
            (false, _) => {}
        }
        if file.ending == Ending::Displaced && file.handle.is_some() {
            self.look_whether_quiet(id, now);
        }
    }

    fn look_whether_quiet(&mut self, id: FileId, now: Now) {
        let close_after = self.close_after(id);
        self.timers.set_by(Timer::Quiet(id), now.mono + close_after.clamp(SHORT_LOOK, QUIET_LOOK));
    }

    /// The longest of its flows'.
    fn close_after(&self, id: FileId) -> Duration {
        let flows = self.flows_of(id).into_iter();
        flows.map(|flow| self.flows[flow.0 as usize].settings.close_after).max().unwrap_or_default()
    }

    /// Looks whether a file that lost its live name has come to rest: then each flow's last read takes what has no
    /// newline. No flow waits for another that is not there yet.
    pub(super) fn quiet(&mut self, id: FileId, now: Now) {
        let close_after = self.close_after(id);
        self.close_if_over(id, now);
        let may_be_live = self.may_be_live(id);
        let Some(file) = self.files.get_mut(&id) else { return };
        if file.handle.is_none() || !matches!(file.ending, Ending::Displaced | Ending::Closing { .. }) {
            return;
        }
        let rested = now.mono.saturating_sub(file.changed) >= close_after;
        let begun = file.cursors.iter().all(|cursor| cursor.stage != Stage::Unsaved);
        if rested && begun && file.ending == Ending::Displaced && !may_be_live {
            file.ending = Ending::Closing { size: file.size };
        }
        self.wake(id);
        self.look_whether_quiet(id, now);
    }

    /// Whether a file that is known under other names only may have its live name all the same: nobody could look.
    fn may_be_live(&self, id: FileId) -> bool {
        let Some(path) = self.files.get(&id).map(|file| &file.first_path) else { return false };
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return false };
        let unseen = || matches!(self.seen_behind(dir, name), Some(Seen::Opening | Seen::Failed));
        !name::is_rotated(path) && (self.cannot_list(dir) || unseen())
    }

    /// A read of a closing file brought nothing new, or something.
    pub(super) fn at_rest(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let Ending::Closing { size } = file.ending else { return };
        if file.size != size {
            file.ending = Ending::Displaced;
            return;
        }
        if file.is_at_rest() && file.cursors.iter().all(|cursor| cursor.position.line.at >= size) {
            self.finish(id, now);
        }
    }

    fn finish(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        file.ending = Ending::Finished;
        self.timers.set(Timer::Quiet(id), now.mono + ACTIVE);
        self.keeper.file(id);
        self.save_soon(now);
        self.close_if_over(id, now);
        self.forget_if_over(id, now);
    }

    /// A finished file is closed when it was deleted, or was not written for long: until then a late writer is read on,
    /// also where no glob leads to the file any more.
    fn close_if_over(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get_mut(&id).filter(|file| file.ending == Ending::Finished) else {
            return;
        };
        let rested = now.wall.saturating_sub(file.mtime) >= ACTIVE.as_nanos() as i64;
        if !file.is_at_rest() || !(rested || file.links == 0) {
            return self.timers.set_by(Timer::Quiet(id), now.mono + ACTIVE);
        }
        self.timers.cancel(Timer::Quiet(id));
        for cursor in &mut file.cursors {
            cursor.stage = Stage::Closed;
        }
        if file.names.is_empty() {
            // All of it was read: it is not looked for again.
            file.missed = 1;
        }
        if let Some(handle) = file.handle.take() {
            self.close(handle);
        }
    }

    /// A deleted file that was read to its end, and all of it acknowledged, leaves nothing to remember.
    pub(super) fn forget_if_over(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get(&id) else { return };
        let over = file.ending == Ending::Finished && file.links == 0 && file.names.is_empty();
        if over && file.is_acked() {
            self.forget(id, now);
        }
    }

    fn forget(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.remove(&id) else { return };
        if self.by_identity.get(&file.identity) == Some(&id) {
            self.by_identity.remove(&file.identity);
        }
        self.keeper.forget(id);
        self.keeper.later(Put::ForgetFile(id));
        self.save_soon(now);
    }

    /// Forgets files that were not seen for long.
    pub(super) fn forget_old(&mut self, now: Now) {
        self.timers.set(Timer::Forget, now.mono + Duration::from_hours(1));
        let oldest = now.wall.saturating_sub(self.settings.agent.forget_after.as_nanos() as i64);
        let old = self.files.values().filter(|file| {
            file.handle.is_none() && file.names.is_empty() && file.last_seen < oldest && file.is_acked()
        });
        let ids: Vec<FileId> = old.map(|file| file.id).collect();
        for id in ids {
            self.forget(id, now);
        }
    }

    /// After a scan: saved files that no glob found are looked for beside their old path, by inode.
    pub(super) fn look_for_missing(&mut self) {
        let mut dirs: BTreeMap<PathBuf, Vec<FileId>> = BTreeMap::new();
        // What only flows of another configuration followed, nobody reads.
        let missing = self
            .files
            .values_mut()
            .filter(|file| file.handle.is_none() && file.names.is_empty() && !file.cursors.is_empty());
        for file in missing {
            // What was finished may have grown while nobody looked; once is enough to see that.
            let over = file.ending == Ending::Finished && file.is_acked() && file.missed > 0;
            if let Some(dir) = file.path.parent().filter(|_| !over) {
                file.missed += 1;
                dirs.entry(dir.to_path_buf()).or_default().push(file.id);
            }
        }
        for (dir, ids) in dirs {
            let inos = ids.iter().map(|id| self.files[id].identity.ino).collect();
            let wanted = self.tree.globs().wanted(&[], inos);
            self.ask(Asked::Beside(dir.clone(), ids), Do::List { dir, wanted });
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
            let found = entries.iter().find(|entry| entry.ino == file.identity.ino);
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
                    lead: Lead::Saved(id),
                }),
                // It has a followed name, under which it could not be opened yet.
                Some((Some(Seen::Opening | Seen::Failed), _)) => self.not_looked(&[id]),
                Some((Some(Seen::File(_) | Seen::Passed), _)) | None => self.not_found(id, now),
            }
        }
    }

    fn not_looked(&mut self, ids: &[FileId]) {
        for id in ids {
            if let Some(file) = self.files.get_mut(id) {
                file.missed = file.missed.saturating_sub(1);
            }
        }
    }

    /// A scan did not find a saved file, not even by its inode.
    fn not_found(&mut self, id: FileId, now: Now) {
        let over = |file: &File| file.ending == Ending::Finished && file.is_acked();
        if self.files.get(&id).is_some_and(|file| file.missed >= SCANS_TO_BE_GONE && !over(file)) {
            self.gone(id, now);
        }
    }

    /// A saved file is nowhere: what was outstanding is lost, and said so.
    fn gone(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get(&id) else { return };
        let text = format!("{} is gone with bytes outstanding", file.path.display());
        let outstanding: Vec<_> = file
            .cursors
            .iter()
            .map(|cursor| (cursor.id(id), cursor.acked.missing(Span::new(0, cursor.seen))))
            .filter(|(_, missing)| !missing.is_empty())
            .collect();
        if !outstanding.is_empty() {
            self.note(Level::Error, "gone", text);
        }
        for (cursor, missing) in outstanding {
            for span in missing {
                self.lose(cursor.flow, id, cursor.epoch, span, Reason::FileGone, now);
            }
        }
        for flow in self.flows_of(id) {
            self.possible_loss(flow);
        }
        self.forget(id, now);
    }

    pub(super) fn close(&mut self, handle: HandleId) {
        self.ask(Asked::Nothing, Do::Close { handle });
    }
}

/// Whether a saved file's first bytes are these. One that is shorter now was truncated, which its cursors notice, if
/// the inode is as old as it was, or has its name or one that rotation gave it; else its number was given to a new
/// file. So it is where there is no byte to tell by.
fn same_file(file: &File, head: &[u8], path: &Path) -> bool {
    let len = file.head.len as usize;
    if head.len() < len || len == 0 {
        file.identity.btime != 0 || file.path == path || name::is_of(path, &file.first_path)
    } else {
        content::fingerprint(&head[..len]) == file.head
    }
}

impl Sighting {
    /// A saved file's inode bears other content now. Under a name that rotation gave it, that is a refill of the same
    /// file and followed as the old one was; under any other it is a stranger.
    fn adopt(&mut self, before: &File) {
        if !name::is_of(&self.path(), &before.first_path) {
            return;
        }
        for cursor in &before.cursors {
            if !self.followers.contains(&cursor.flow) {
                self.followers.push(cursor.flow);
            }
        }
    }
}

fn is_utf16(head: &[u8]) -> bool {
    head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff])
}
