//! Which file is behind a name: new, known, or known under another name; and files that lose their names.

use super::held::Likeness;
use super::tree::{Lead, Seen, Sighting};
use super::unread::Why;
use super::{Asked, Engine};
use crate::Level;
use crate::content::{self, WINDOW};
use crate::event::{Chunk, Do, FileError, Kind, Meta, Now};
use crate::follow::{Ending, File, Stage, name};
use crate::ids::{Epoch, FileId, FlowId, HandleId};
use crate::state::Fingerprint;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A file that was opened: what is known of it, and how it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    pub(super) meta: Meta,
    pub(super) head: Fingerprint,
}

impl Beginning {
    pub(super) fn of(chunk: &Chunk) -> Self {
        Self { meta: chunk.meta, head: content::fingerprint(&chunk.bytes) }
    }
}

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
                self.tree.to_open.extend(self.decoding.closed(handle));
                return self.concluded_failed(&sighting, &error, now);
            }
        };
        self.had_room(&sighting);
        self.refresh(&mut sighting);
        self.look_for_other(&sighting, Some(meta.identity.ino));
        self.is_opened(&mut sighting, meta.identity.ino, now);
        self.mind_the_device(&sighting, &meta, now);
        if let Lead::Saved(id) = sighting.lead
            && self.files.get(&id).is_none_or(|file| file.identity != meta.identity)
        {
            self.not_found(id, now);
            // Not this one, but perhaps another that had the same inode number later.
            let Some(other) = self.by_identity.get(&meta.identity) else {
                self.close(handle);
                return self.concluded(&sighting, Seen::Passed(Why::NotMeant), now);
            };
            sighting.lead = Lead::Saved(*other);
        }
        let known = self.by_identity.get(&meta.identity).copied();
        let open = known.filter(|id| self.files.get(id).is_some_and(|file| file.handle.is_some()));
        if meta.kind != Kind::File {
            self.close(handle);
            self.concluded(&sighting, Seen::Passed(Why::NoLog), now);
        } else if known.is_none() && self.is_too_old(&sighting, &meta, now) {
            self.close(handle);
            self.concluded(&sighting, Seen::Passed(Why::Old), now);
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
        self.refresh(&mut sighting);
        if name::codec(&sighting.path()).is_some() {
            return self.met_compressed(sighting, handle, result, now);
        }
        let chunk = match result {
            Ok(chunk) => chunk,
            Err(error) => return self.head_not_read(&sighting, handle, &meta, &error, now),
        };
        self.mind_the_content(&sighting, &meta, &chunk.bytes, now);
        let known = self.by_identity.get(&meta.identity).copied();
        let mut epoch = Epoch::first(self.run);
        let likeness = self.likeness(&sighting.path(), &chunk.meta, &chunk.bytes, None);
        if let Some(id) = known
            && let Some(file) = self.files.get_mut(&id)
        {
            if file.handle.is_some() {
                self.close(handle);
                return self.name(id, &sighting, now);
            }
            // Where nothing tells that it is the known one, it may as well be the copy that it looks like.
            let len = file.head.len as usize;
            let told = meta.identity.btime != 0 && file.has_live_name();
            let unsure = len > chunk.bytes.len() || len == 0 && !told;
            let copy = unsure && likeness != Likeness::No;
            if !copy && same_file(file, &chunk.bytes, &sighting.path()) {
                file.handle = Some(handle);
                let shorter = chunk.bytes.len() < len;
                if len == 0 {
                    sighting.join(self.unseen_by(&sighting.kin, meta.identity, chunk.meta.mtime));
                }
                if !shorter {
                    self.mind_a_power_cut(id, &sighting.path(), &chunk.meta, now);
                }
                self.found(id, &sighting, &chunk.meta, !shorter, now);
                // While the look lasts it is known to which flows the new content is a generation that nobody has seen.
                if shorter {
                    self.begin_anew(id, content::fingerprint(&chunk.bytes), now);
                }
                return;
            }
            sighting.adopt(file);
            self.content_is_other(id, now);
            epoch = Epoch::after_another(self.run);
        }
        if !matches!(sighting.lead, Lead::Name(_)) {
            sighting.join(self.tree.globs().followers_at(&sighting.path()));
        }
        if let Likeness::CopyOf(original) = likeness {
            return self.adopt(original, handle, &sighting, &Beginning::of(&chunk), now);
        }
        sighting.join(self.unseen_by(&sighting.kin, meta.identity, chunk.meta.mtime));
        if sighting.followers.is_empty() {
            self.close(handle);
            self.concluded(&sighting, Seen::Passed(Why::NotMeant), now);
        } else if is_utf16(&chunk.bytes) {
            self.close(handle);
            let path = sighting.path();
            let text = format!("{} is UTF-16 and is not read", path.display());
            self.note(Level::Warn, format!("utf-16 {}", path.display()), text);
            self.concluded(&sighting, Seen::Passed(Why::Utf16), now);
        } else if content::is_compressed(&chunk.bytes) {
            self.close(handle);
            self.concluded(&sighting, Seen::Passed(Why::Compressed), now);
        } else {
            self.first_sight(&sighting, handle, &chunk, likeness, epoch, now);
        }
    }

    /// An inode with its time of birth is the file that it was, which is kept open: it may be deleted meanwhile, and
    /// what is read of it shows by itself whether its content is another.
    fn head_not_read(
        &mut self,
        sighting: &Sighting,
        handle: HandleId,
        meta: &Meta,
        error: &FileError,
        now: Now,
    ) {
        let known = self.by_identity.get(&meta.identity).copied().filter(|_| meta.identity.btime != 0);
        // Where it may be a power cut that made it shorter, its beginning must tell.
        let cut = self.boot.is_new && self.is_untouched(meta);
        let file = known.and_then(|id| self.files.get_mut(&id));
        let told = |file: &&mut File| file.handle.is_none() && !(cut && file.is_known_past(meta.size));
        if let Some(file) = file.filter(told) {
            file.handle = Some(handle);
            let id = file.id;
            return self.found(id, sighting, meta, false, now);
        }
        self.close(handle);
        self.not_opened(sighting, error);
    }

    fn first_sight(
        &mut self,
        sighting: &Sighting,
        handle: HandleId,
        chunk: &Chunk,
        likeness: Likeness,
        epoch: Epoch,
        now: Now,
    ) {
        let id = self.is_new(sighting, handle, &Beginning::of(chunk), epoch, now);
        if self.is_to_be_held(sighting, likeness) {
            self.hold(id, sighting.followers.clone(), likeness, now);
        }
        self.name(id, sighting, now);
    }

    /// A file that nobody knows gets its id.
    pub(super) fn is_new(
        &mut self,
        sighting: &Sighting,
        handle: HandleId,
        beginning: &Beginning,
        epoch: Epoch,
        now: Now,
    ) -> FileId {
        let id = self.new_file_id();
        let Beginning { meta, head } = *beginning;
        let file = File {
            handle: Some(handle),
            size: meta.size,
            sized: self.next_action,
            mtime: meta.mtime,
            changed: now.mono,
            last_seen: now.wall,
            last_read: now.mono,
            links: meta.links,
            archived: self.tree.globs().followers_at(&sighting.path()).is_empty(),
            ..File::new(id, sighting.path().into(), meta.identity, head, epoch)
        };
        self.by_identity.insert(file.identity, id);
        self.kin.add_all(&file);
        self.files.insert(file);
        id
    }

    /// A known file is found again. With its beginning `alike`, that was read and is as it was.
    pub(super) fn found(&mut self, id: FileId, sighting: &Sighting, meta: &Meta, alike: bool, now: Now) {
        self.is_open(id, &sighting.path(), meta, alike, now);
        self.name(id, sighting, now);
        self.go_on(id, now);
    }

    /// What is known of a file that is open again.
    pub(super) fn is_open(&mut self, id: FileId, path: &Path, meta: &Meta, alike: bool, now: Now) {
        let told = self.next_action;
        let fresh = self.boot.is_new && !self.is_untouched(meta);
        let Some(file) = self.files.get_mut(&id) else { return };
        let written = fresh && meta.identity.btime != 0 && file.identity == meta.identity;
        file.missed = 0;
        file.size = meta.size;
        file.sized = told;
        file.links = meta.links;
        file.mtime = meta.mtime;
        file.changed = now.mono;
        file.identity = meta.identity;
        file.problem = None;
        // Under a rotated name a file that begins as it did and ends before its place is a copy that was made before that
        // was read; or it is no copy, a power cut ate its end, and its program wrote on.
        let copy = alike && !written && name::is_rotated(path) && meta.size >= u64::from(file.head.len);
        for cursor in file.cursors.iter_mut().filter(|cursor| cursor.stage == Stage::Closed) {
            if copy && cursor.position.line.at > meta.size {
                continue;
            }
            if copy {
                cursor.acked.cut_off(meta.size);
            }
            cursor.stage = Stage::Unsaved;
        }
    }

    /// A file that was found again is read on.
    pub(super) fn go_on(&mut self, id: FileId, now: Now) {
        self.is_read_anew(id);
        if let Some(file) = self.files.get_mut(&id).filter(|file| file.head.len == 0) {
            file.begin_under_its_name();
        }
        self.release_if_saved(id);
        self.place(id, now);
        // Where it is now tells its turn.
        self.let_all_beside(id);
    }

    /// A file has this name now, and the flows that follow the name follow the file.
    pub(super) fn name(&mut self, id: FileId, sighting: &Sighting, now: Now) {
        let mut sighting = sighting.clone();
        self.refresh(&mut sighting);
        let sighting = &sighting;
        self.concluded(sighting, Seen::File(id), now);
        let path = sighting.path();
        let named = self.is_named(sighting);
        let Some(file) = self.files.get_mut(&id) else { return };
        file.last_seen = now.wall;
        let renamed = *file.path != *path && !file.names.contains(&path) && file.cursors.len() == 1;
        let path = self.kin.add(&path.into(), id);
        if named {
            file.names.insert(Arc::clone(&path));
        }
        let stale = !named && matches!(sighting.lead, Lead::Name(_));
        if file.path != path && !stale {
            file.path = path;
            self.keeper.file(id);
            self.save_soon(now);
        }
        if let Some(held) = self.files.get_mut(&id).and_then(|file| file.held.as_mut()) {
            let new = |flow: &&FlowId| !held.followers.contains(flow);
            let new: Vec<FlowId> = sighting.followers.iter().filter(new).copied().collect();
            held.followers.extend(new);
            return self.place(id, now);
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
            self.is_read_anew(id);
            self.keeper.whole_file(id);
            self.save_urgently(now);
        }
        self.place(id, now);
    }

    /// A file that was finished was found again, or a flow has come to it.
    pub(super) fn is_read_anew(&mut self, id: FileId) {
        if let Some(file) = self.files.get_mut(&id)
            && file.ending == Ending::Finished
        {
            file.ending = Ending::Displaced;
        }
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
        if let Some(other) = file.names.first().filter(|_| *file.path == *path) {
            file.path = other.clone();
        }
        self.place(id, now);
        self.wake(id);
    }
}

/// Whether a saved file's first bytes are these. One that is shorter now was truncated, which its cursors notice, if the
/// inode is as old as it was or has the name under which it was first seen, or one that rotation made of it; else its
/// number was given to a new file. Where there is no byte to tell by, the last name will do.
fn same_file(file: &File, head: &[u8], path: &Path) -> bool {
    let len = file.head.len as usize;
    if head.len() >= len && len > 0 {
        return content::fingerprint(&head[..len]) == file.head;
    }
    let named = name::is_of(path, &file.first_path) || len == 0 && *file.path == *path;
    named || file.identity.btime != 0
}

impl Sighting {
    /// What was found by its inode number may be another file that has the number now, under a name that these follow.
    pub(super) fn join(&mut self, followers: Vec<FlowId>) {
        self.followers.extend(followers);
        self.followers.sort_unstable();
        self.followers.dedup();
    }

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

pub(super) fn is_utf16(head: &[u8]) -> bool {
    head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff])
}
