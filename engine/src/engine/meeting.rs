//! What a compressed file is, once it is open. The copy of a known file goes on where that was left, and a generation that
//! nobody has seen is read whole; but neither before it is whole, and its original gone. Offsets are of the plain text.

use super::compressed::{SECOND, is_lost, is_undecided};
use super::meet::{Beginning, is_utf16};
use super::tree::{Seen, Sighting};
use super::unread::Why;
use super::{Asked, Engine};
use crate::Level;
use crate::content::{self, WINDOW};
use crate::event::{Chunk, Do, FileError, Measured, Meta, Now, PlainEnd};
use crate::follow::{Ending, File};
use crate::ids::{Epoch, FileId, HandleId};
use crate::state::{Check, Identity};
use std::path::Path;

/// A compressed file of which it is not known yet what it is.
#[derive(Debug)]
pub(super) struct Meeting {
    sighting: Sighting,
    handle: HandleId,
    epoch: Epoch,
    /// Its size is that of the plain text once it is measured.
    beginning: Beginning,
    /// Bytes on the disk that cannot be decoded.
    damaged: u64,
    /// Known files of which it may be a copy, and whether they begin as it does; the likeliest last.
    originals: Vec<(FileId, bool)>,
}

impl Engine {
    /// Its first bytes were read.
    pub(super) fn met_compressed(
        &mut self,
        sighting: Sighting,
        handle: HandleId,
        result: Result<Chunk, FileError>,
        now: Now,
    ) {
        let chunk = match result {
            Ok(chunk) => chunk,
            Err(error) => return self.not_decoded(&sighting, handle, &error),
        };
        let epoch = Epoch::first(self.run);
        let beginning = Beginning::of(&chunk);
        let mut meeting = Meeting { sighting, handle, epoch, beginning, damaged: 0, originals: Vec::new() };
        if let Some(id) = self.known_alike(&mut meeting, &chunk.bytes, now) {
            return self.met_again(id, meeting, now);
        }
        if is_utf16(&chunk.bytes) {
            return self.passes(&meeting, Why::Utf16, now);
        }
        meeting.originals = self.originals(&meeting, &chunk.bytes);
        let undecided = |(id, _): &&(FileId, bool)| self.files.get(id).is_some_and(is_undecided);
        if let Some((id, _)) = meeting.originals.iter().rev().find(undecided).copied() {
            return self.waits_for_original(&meeting, id, true, now);
        }
        if let Some(id) = self.read_before(&meeting) {
            return self.takes_its_place(id, &meeting, now);
        }
        if meeting.originals.is_empty() && !self.may_be_unseen(&meeting.sighting, &meeting.beginning.meta) {
            return self.passes(&meeting, Why::Compressed, now);
        }
        self.measure(meeting);
    }

    /// The known file that it is, if it begins as that did.
    fn known_alike(&mut self, meeting: &mut Meeting, head: &[u8], now: Now) -> Option<FileId> {
        let id = self.by_identity.get(&meeting.beginning.meta.identity).copied()?;
        let file = self.files.get(&id)?;
        if file.handle.is_some() || file.begins(head) || file.head.len == 0 && head.is_empty() {
            return Some(id);
        }
        self.content_is_other(id, now);
        meeting.epoch = Epoch::after_another(self.run);
        None
    }

    fn met_again(&mut self, id: FileId, meeting: Meeting, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        if file.handle.is_none() && !file.is_over() {
            return self.measure(meeting);
        }
        file.mtime = meeting.beginning.meta.mtime;
        self.close(meeting.handle);
        self.name(id, &meeting.sighting, now);
    }

    /// The known files of which it may be a copy, by name and beginning; the likeliest last.
    fn originals(&self, meeting: &Meeting, head: &[u8]) -> Vec<(FileId, bool)> {
        let Meeting { sighting, beginning: Beginning { meta, .. }, .. } = meeting;
        let path = sighting.path();
        let plain = sighting.plain_path();
        let named = |file: &File| plain.as_ref().is_some_and(|plain| file.had_name(plain));
        let kin = self.originals_of(&path).filter(|file| file.ending != Ending::Gone);
        let alike = kin.filter(|file| {
            let untold = !is_told_by_head(file, head.len());
            let grown = untold && file.handle.is_some();
            (file.begins(head) || grown) && file.identity != meta.identity
        });
        let tells = |file: &&File| {
            let time = is_of_one_second(file.mtime, meta.mtime);
            content::tells(file.head) || time || named(file) && !file.is_over() || file.head.len == 0
        };
        let mut originals: Vec<&File> = alike.filter(tells).collect();
        originals.sort_by_key(|file| (file.begins(head), named(file), is_lost(file), file.head.len, file.id));
        originals.into_iter().map(|file| (file.id, file.begins(head))).collect()
    }

    /// The file of which it is what is left, if that was read to its end and deleted, and its name and time tell so: then
    /// it need not be decoded.
    fn read_before(&self, meeting: &Meeting) -> Option<FileId> {
        let id = self.original_by_name(&meeting.sighting, &meeting.beginning.meta)?;
        let file = self.files.get(&id).filter(|_| meeting.originals.contains(&(id, true)))?;
        (file.is_over() && is_lost(file)).then_some(id)
    }

    /// It is known from now on as what is left of a file that was read to its end.
    fn takes_its_place(&mut self, id: FileId, meeting: &Meeting, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let before = std::mem::replace(&mut file.identity, meeting.beginning.meta.identity);
        file.mtime = meeting.beginning.meta.mtime;
        (file.missed, file.lost) = (0, None);
        if before != Identity::default() {
            self.by_identity.remove(&before);
        }
        self.by_identity.insert(meeting.beginning.meta.identity, id);
        self.keeper.file(id);
        self.close(meeting.handle);
        self.name(id, &meeting.sighting, now);
    }

    fn measure(&mut self, meeting: Meeting) {
        let handle = meeting.handle;
        self.ask(Asked::Measure(Box::new(meeting)), Do::Measure { handle });
    }

    /// It was decoded to its end.
    pub(super) fn measured(
        &mut self,
        mut meeting: Box<Meeting>,
        result: Result<Measured, FileError>,
        now: Now,
    ) {
        let measured = match result {
            Ok(measured) => measured,
            Err(error) => return self.not_decoded(&meeting.sighting, meeting.handle, &error),
        };
        let path = meeting.sighting.path();
        if measured.end == PlainEnd::Whole || self.decoding.is_given_up(path.clone(), &measured.meta, now) {
            self.decoding.unfinished.remove(&path);
        } else {
            self.close(meeting.handle);
            return self.put_off(&meeting.sighting, Why::Unfinished);
        }
        meeting.damaged = self.damage(&path, &measured);
        meeting.beginning.meta = Meta { size: measured.size, ..measured.meta };
        let known = self.by_identity.get(&measured.meta.identity).copied();
        match known.and_then(|id| self.files.get_mut(&id)) {
            Some(file) if file.handle.is_none() => {
                file.handle = Some(meeting.handle);
                file.damaged = meeting.damaged;
                let id = file.id;
                self.found(id, &meeting.sighting, &meeting.beginning.meta, true, now);
            }
            Some(file) => {
                let id = file.id;
                self.close(meeting.handle);
                self.name(id, &meeting.sighting, now);
            }
            None => self.verify(*meeting, now),
        }
    }

    /// Bytes that cannot be decoded; said so.
    fn damage(&mut self, path: &Path, measured: &Measured) -> u64 {
        let (bytes, why) = match &measured.end {
            PlainEnd::Whole => return 0,
            PlainEnd::Unfinished => (1, "its end is missing"),
            PlainEnd::Damaged { bytes, why } => (*bytes, why.as_str()),
        };
        let text = format!("{} is damaged after {} bytes of text: {why}", path.display(), measured.size);
        self.note(Level::Error, format!("damaged {}", path.display()), text);
        bytes.max(1)
    }

    /// Whether it has before a place what the likeliest original had there.
    fn verify(&mut self, mut meeting: Meeting, now: Now) {
        while let Some((id, begins)) = meeting.originals.pop() {
            let Some(file) = self.files.get(&id) else { continue };
            let checks = file.cursors.iter().map(|cursor| cursor.check);
            let check = checks.max_by_key(|check| check.at).unwrap_or_default();
            let covered = check.at <= meeting.beginning.meta.size;
            match file.handle {
                // It may have been written on after it was compressed, and what it began with may not be known then.
                Some(handle) if !begins || !covered => return self.look_into_original(meeting, id, handle),
                _ if begins && covered => return self.compare_at(meeting, id, check, now),
                _ => {}
            }
        }
        self.is_no_compressed_copy(&mut meeting, now);
    }

    fn look_into_original(&mut self, meeting: Meeting, id: FileId, handle: HandleId) {
        let size = meeting.beginning.meta.size;
        let len = size.min(WINDOW as u64);
        self.budget.take_look(len);
        let read = Do::Read { handle, cursor: None, offset: size - len, len: len as usize };
        self.ask(Asked::LookIntoOriginal(Box::new(meeting), id, handle), read);
    }

    pub(super) fn looked_into_original(
        &mut self,
        meeting: Box<Meeting>,
        id: FileId,
        result: Result<Chunk, FileError>,
        now: Now,
    ) {
        let size = meeting.beginning.meta.size;
        let len = size.min(WINDOW as u64);
        self.budget.give_look(len);
        match result {
            // It may have been forgotten meanwhile.
            Ok(chunk) if (chunk.bytes.len() as u64) < len || !self.files.contains_key(&id) => {
                self.verify(*meeting, now);
            }
            Ok(chunk) => self.compare_at(*meeting, id, content::check(size, &chunk.bytes), now),
            Err(error) => self.not_decoded(&meeting.sighting, meeting.handle, &error),
        }
    }

    fn compare_at(&mut self, meeting: Meeting, id: FileId, check: Check, now: Now) {
        let len = u64::from(check.print.len);
        if len == 0 {
            return self.is_compressed_copy(&meeting, id, now);
        }
        let (handle, offset) = (meeting.handle, check.at - len);
        self.budget.take_look(len);
        let read = Do::Read { handle, cursor: None, offset, len: len as usize };
        self.ask(Asked::Verify(Box::new(meeting), id, check), read);
    }

    pub(super) fn verified(
        &mut self,
        meeting: Box<Meeting>,
        id: FileId,
        check: Check,
        result: Result<Chunk, FileError>,
        now: Now,
    ) {
        self.budget.give_look(u64::from(check.print.len));
        match result {
            Err(error) => self.not_decoded(&meeting.sighting, meeting.handle, &error),
            Ok(chunk)
                if content::fingerprint(&chunk.bytes) == check.print && self.files.contains_key(&id) =>
            {
                self.is_compressed_copy(&meeting, id, now);
            }
            Ok(_) => self.verify(*meeting, now),
        }
    }

    fn is_compressed_copy(&mut self, meeting: &Meeting, id: FileId, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let size = meeting.beginning.meta.size;
        if is_lost(file) && file.is_over() && file.is_done_to(size) {
            self.takes_its_place(id, meeting, now);
        } else if is_lost(file) {
            file.damaged = meeting.damaged;
            self.adopt(id, meeting.handle, &meeting.sighting, &meeting.beginning, now);
        } else {
            self.waits_for_original(meeting, id, false, now);
        }
    }

    /// It waits until its original is gone, which is read as long as it is there.
    fn waits_for_original(&mut self, meeting: &Meeting, original: FileId, unsure: bool, now: Now) {
        let unseen = self.may_be_unseen(&meeting.sighting, &meeting.beginning.meta);
        self.close(meeting.handle);
        self.concluded(&meeting.sighting, Seen::CopyOf { original, unseen, unsure }, now);
    }

    /// It is read whole by those that follow it, or to which it is a generation that they have not seen.
    fn is_no_compressed_copy(&mut self, meeting: &mut Meeting, now: Now) {
        let Meeting { sighting, beginning, handle, epoch, damaged, .. } = meeting;
        let meta = &beginning.meta;
        let unseen = self.unseen_in(sighting, meta);
        sighting.join(unseen);
        if sighting.followers.is_empty() {
            return self.passes(meeting, Why::Compressed, now);
        }
        let id = self.is_new(sighting, *handle, beginning, *epoch, now);
        if let Some(file) = self.files.get_mut(&id) {
            file.damaged = *damaged;
        }
        self.name(id, sighting, now);
        self.finish_if_passed_over(id, now);
    }

    /// Of one that was there when its flows began at the end nothing is read.
    fn finish_if_passed_over(&mut self, id: FileId, now: Now) {
        let passed = self.files.get(&id).is_some_and(|file| file.size > 0 && file.is_acked());
        if passed {
            self.finish(id, now);
            self.close_file(id);
        }
    }

    fn passes(&mut self, meeting: &Meeting, why: Why, now: Now) {
        self.close(meeting.handle);
        self.concluded(&meeting.sighting, Seen::Passed(why), now);
    }

    fn not_decoded(&mut self, sighting: &Sighting, handle: HandleId, error: &FileError) {
        self.close(handle);
        self.not_opened(sighting, error);
    }
}

/// Whether it is known how it begins, and the other has as many bytes.
fn is_told_by_head(file: &File, len: usize) -> bool {
    (1..=len).contains(&(file.head.len as usize))
}

/// Whether two times of a last write are the same: compressors keep whole seconds of them at least.
fn is_of_one_second(a: i64, b: i64) -> bool {
    a != 0 && a.div_euclid(SECOND) == b.div_euclid(SECOND)
}
