//! Contents that are no longer where they were: destroyed by a truncation, or under an inode that bears another one. Such
//! a content keeps its file's id, and waits for a copy of itself; what the inode bears now is a new file.

use super::meet::Beginning;
use super::tree::{Seen, Sighting};
use super::unread::Why;
use super::{Engine, Level};
use crate::content;
use crate::event::{Meta, Now};
use crate::follow::{Cursor, Ending, File, Stage};
use crate::ids::{Epoch, FileId, HandleId, Span};
use crate::state::{Fingerprint, Identity, Reason};
use crate::timer::Timer;
use std::path::Path;

impl Engine {
    pub(super) fn new_file_id(&mut self) -> FileId {
        let id = FileId { run: self.run, number: self.next_file };
        self.next_file += 1;
        id
    }

    /// Behind an open file's handle is another content than before: a truncation, or a refill. What one flow finds holds
    /// for all: another may stand where it cannot be told. `head` is of the new content's first bytes, as far as they are
    /// known.
    pub(super) fn begin_anew(&mut self, id: FileId, head: Fingerprint, now: Now) {
        let new = self.new_file_id();
        let Some(old) = self.files.get_mut(&id) else { return };
        let text = format!("{} was truncated or overwritten, it is read from its start", old.path.display());
        let file = successor(old, new, head, now);
        let names = file.names.clone();
        let (identity, mtime) = (file.identity, file.mtime);
        self.by_identity.insert(file.identity, new);
        self.kin.add_all(&file);
        self.files.insert(file);
        for path in &names {
            self.set_file_behind(path, id, new);
        }
        for flow in self.flows_of(id) {
            self.follow_anew(new, id, flow);
            self.flow(flow).counters.truncations += 1;
            self.budget.stop_waiting(flow.0 as usize);
        }
        // Flows to which it is a generation that nobody has seen followed the old content not at all.
        let kin: Vec<_> =
            names.iter().filter_map(|path| Some(self.tree.name_mut(path)?.kin.clone())).flatten().collect();
        for flow in self.unseen_by(&kin, identity, mtime) {
            self.follow(new, flow);
        }
        self.note(Level::Info, "truncated", text);
        self.place(new, now);
        self.keeper.whole_file(new);
        self.save_urgently(now);
        self.is_homeless(id, Some(now.wall), now);
    }

    /// The kernel's name of a known file, which is not open, is another file's now. Its other names are looked at again.
    pub(super) fn content_is_other(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        self.by_identity.remove(&file.identity);
        file.identity = Identity::default();
        file.former_names = std::mem::take(&mut file.names);
        for path in &file.former_names.clone() {
            if let Some(name) = self.tree.name_mut(path).filter(|name| name.seen == Seen::File(id)) {
                name.seen = Seen::Failed(Why::NotMeant);
            }
        }
        self.is_homeless(id, Some(now.wall), now);
    }

    /// A file that was read to its end was deleted.
    pub(super) fn is_deleted(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        self.by_identity.remove(&file.identity);
        file.identity = Identity::default();
        // When it was deleted, nobody knows: a file that is like it may be younger.
        self.is_homeless(id, None, now);
    }

    /// A content lost its file, if that is known before this wall time.
    fn is_homeless(&mut self, id: FileId, lost: Option<i64>, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        file.lost = lost;
        file.missed = 0;
        // What was there these were about to pass over.
        file.cursors.retain(|cursor| !cursor.stage.is_seeking());
        if file.cursors.is_empty() {
            return self.forget(id, now);
        }
        file.size = file.cursors.iter().map(|cursor| cursor.seen).max().unwrap_or(0);
        if matches!(file.ending, Ending::Closing { .. }) {
            file.ending = Ending::Displaced;
        }
        for cursor in &mut file.cursors {
            cursor.stage = Stage::Closed;
        }
        self.timers.cancel(Timer::Quiet(id));
        self.timers.cancel(Timer::Retry(id));
        self.keeper.file(id);
        self.save_soon(now);
        self.look_at_held(now);
    }

    /// Whether a content was lost of which this may be a copy, since it is older than the loss.
    pub(super) fn is_lost_since(file: &File, meta: &Meta) -> bool {
        let gone = file.is_homeless() || file.missed > 0;
        // When it was lost, is only known by when that was seen: few bytes may have been another file's since.
        let told = content::tells(file.head);
        let older = match file.lost {
            Some(lost) if meta.identity.btime != 0 => {
                meta.identity.btime <= lost && (told || meta.size == file.size)
            }
            _ => told,
        };
        gone && file.is_closed() && older
    }

    /// A lost content goes on in a copy of it. How much of it is there shows as it is read.
    pub(super) fn adopt(
        &mut self,
        id: FileId,
        handle: HandleId,
        sighting: &Sighting,
        copy: &Beginning,
        now: Now,
    ) {
        self.has_copy(id, handle, &sighting.path(), copy, now);
        self.found(id, sighting, &copy.meta, true, now);
    }

    /// Bytes that were seen and are not in the copy, because they were written after it was made, are lost.
    pub(super) fn has_copy(&mut self, id: FileId, handle: HandleId, path: &Path, copy: &Beginning, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let meta = &copy.meta;
        let text = format!("{} goes on in its copy {}", file.path.display(), path.display());
        if u64::from(file.head.len) > meta.size {
            file.head = copy.head;
        }
        if !file.is_homeless() {
            self.by_identity.remove(&file.identity);
        }
        self.by_identity.insert(meta.identity, id);
        file.handle = Some(handle);
        file.lost = None;
        let mut cut_off = Vec::new();
        for cursor in &mut file.cursors {
            let unread = Span::new(cursor.position.line.at.max(meta.size), cursor.seen.max(meta.size));
            cut_off.extend(cursor.acked.missing(unread).into_iter().map(|span| (cursor.id(id), span)));
            if cursor.seen > meta.size {
                cursor.seen = meta.size;
                self.keeper.cursor(cursor.id(id));
            }
        }
        for (cursor, span) in cut_off {
            self.lose(cursor.flow, id, cursor.epoch, span, Reason::FileTruncated, now);
        }
        self.keeper.file(id);
        self.note(Level::Info, "copy", text);
    }

    /// A saved file is nowhere: what was not read is lost, and said so.
    pub(super) fn gone(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let reason = why_gone(file);
        let text = format!("{} is gone with bytes outstanding", file.path.display());
        let was_read = file.ending == Ending::Finished;
        file.ending = Ending::Gone;
        let unread: Vec<_> = file.cursors.iter_mut().map(|cursor| (cursor.id(id), give_up(cursor))).collect();
        if unread.iter().any(|(_, spans)| !spans.is_empty()) {
            self.note(Level::Error, "gone", text);
        }
        for (cursor, spans) in unread {
            self.keeper.cursor(cursor);
            if !was_read {
                self.possible_loss(cursor.flow);
            }
            for span in spans {
                self.lose(cursor.flow, id, cursor.epoch, span, reason, now);
            }
        }
        self.let_successors(id);
        self.forget_if_over(id, now);
    }

    /// A name leads to another file than before.
    pub(super) fn set_file_behind(&mut self, path: &Path, old: FileId, new: FileId) {
        let Some(name) = self.tree.name_mut(path) else { return };
        match name.seen {
            Seen::File(id) if id == old => name.seen = Seen::File(new),
            Seen::Reopening(id) if id == old => name.seen = Seen::Reopening(new),
            _ => {}
        }
    }

    fn follow_anew(&mut self, new: FileId, old: FileId, flow: crate::ids::FlowId) {
        let rules = &self.flows[flow.0 as usize].settings.line;
        let Some(key) = self.files.get_mut(&old).and_then(|file| file.cursor(flow)).map(|c| c.key.clone())
        else {
            return;
        };
        let Some(file) = self.files.get_mut(&new) else { return };
        let mut cursor = Cursor::new(flow, file.epoch, Stage::Unsaved, key, rules);
        cursor.seen = file.size;
        file.add_cursor(cursor);
    }
}

/// The file that an open one has become: it has the handle, the names and what the kernel calls it.
fn successor(old: &mut File, id: FileId, head: Fingerprint, now: Now) -> File {
    let identity = std::mem::take(&mut old.identity);
    let mut new = File {
        first_path: old.first_path.clone(),
        names: old.names.clone(),
        handle: old.handle.take(),
        size: old.size,
        sized: old.sized,
        mtime: old.mtime,
        changed: now.mono,
        last_seen: now.wall,
        last_read: now.mono,
        links: old.links,
        archived: old.archived,
        ..File::new(id, old.path.clone(), identity, head, Epoch::after_another(id.run))
    };
    new.begin_under_its_name();
    old.former_names = std::mem::take(&mut old.names);
    new
}

/// Why what is known of a content that is nowhere is lost.
pub(super) fn why_gone(file: &File) -> Reason {
    if file.is_homeless() { Reason::FileTruncated } else { Reason::FileGone }
}

/// Gives up what a cursor has not read; returns it.
fn give_up(cursor: &mut Cursor) -> Vec<Span> {
    let read = cursor.position.line.at;
    let unread = cursor.acked.missing(Span::new(read, cursor.seen.max(read)));
    cursor.seen = read;
    unread
}
