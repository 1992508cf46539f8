//! Compressed files: never followed as they are. The copy of a known file goes on where that was left, and a generation
//! that nobody has seen is read whole; but neither before it is whole, and its original gone. Offsets are of the plain text.

use super::meet::{Beginning, is_utf16};
use super::tree::{Seen, Sighting};
use super::unread::Why;
use super::{Asked, Engine};
use crate::Level;
use crate::content::{self, WINDOW};
use crate::event::{Chunk, Do, FileError, Kind, Measured, Meta, Now, PlainEnd};
use crate::follow::{Ending, File, name};
use crate::ids::{Epoch, FileId, FlowId, HandleId};
use crate::state::{Check, Identity};
use crate::timer::Timer;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most that are open at once: each is decoded from its beginning, by a decoder that takes memory.
const MOST_OPEN: usize = 2;

/// One that was changed so lately is still being written.
const FRESH: Duration = Duration::from_secs(1);

/// One that has been without its end for so long, and was not changed meanwhile, stays without it.
const GIVEN_UP: Duration = Duration::from_secs(10);

/// A second, in nanoseconds.
const SECOND: i64 = 1_000_000_000;

/// The compressed files that are open, and the names that have their turn after them.
#[derive(Debug, Default)]
pub(super) struct Decoding {
    open: BTreeSet<HandleId>,
    waiting: VecDeque<Sighting>,
    /// Those without their end: their last change, and since when they have been seen so.
    unfinished: BTreeMap<PathBuf, (i64, Duration)>,
}

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

impl Decoding {
    /// Whether one more may be opened.
    pub(super) fn has_slot(&self) -> bool {
        self.open.len() < MOST_OPEN
    }

    pub(super) fn opens(&mut self, handle: HandleId) {
        self.open.insert(handle);
    }

    pub(super) fn wait(&mut self, sighting: Sighting) {
        self.waiting.push_back(sighting);
    }

    /// A handle is closed; whose turn it is then.
    pub(super) fn closed(&mut self, handle: HandleId) -> Option<Sighting> {
        if self.open.remove(&handle) { self.waiting.pop_front() } else { None }
    }

    /// Whether a file that this flow follows waits for its turn.
    pub(super) fn awaits(&self, flow: FlowId) -> bool {
        self.waiting.iter().any(|sighting| sighting.followers.contains(&flow))
    }

    /// A file without its end was looked at; whether it has been so for so long that it stays so.
    fn is_given_up(&mut self, path: PathBuf, meta: &Meta, now: Now) -> bool {
        let (ctime, since) = self.unfinished.entry(path).or_insert((meta.ctime, now.mono));
        if *ctime != meta.ctime {
            (*ctime, *since) = (meta.ctime, now.mono);
        }
        now.mono.saturating_sub(*since) >= GIVEN_UP
    }

    /// Whether a name waits for its turn.
    pub(super) fn awaits_name(&self, dir: &Path, name: &OsStr) -> bool {
        self.waiting.iter().any(|sighting| sighting.dir == dir && sighting.name == name)
    }
}

impl Engine {
    /// A compressed name was sighted. While what it is made of is there as well, that is read.
    pub(super) fn look_at_compressed(&mut self, sighting: Sighting, now: Now) {
        self.tree.opening += 1;
        if self.is_original_beside(&sighting.dir, &sighting.name) {
            return self.concluded(&sighting, Seen::Beside, now);
        }
        let path = sighting.path();
        self.ask(Asked::LookAtCompressed(sighting), Do::Look { path });
    }

    /// Whether the rotated file of whose name this one is, is there. A live name is there again soon.
    fn is_original_beside(&self, dir: &Path, name: &OsStr) -> bool {
        let Some((plain, _)) = name::compressed(name) else { return false };
        name::is_rotated(Path::new(plain)) && self.tree.name(dir, OsStr::new(plain)).is_some()
    }

    pub(super) fn looked_at_compressed(
        &mut self,
        mut sighting: Sighting,
        result: Result<Meta, FileError>,
        now: Now,
    ) {
        let meta = match result {
            Ok(meta) => meta,
            Err(error) => return self.concluded_failed(&sighting, &error, now),
        };
        self.refresh(&mut sighting);
        if sighting.is_listed_as_other(meta.identity.ino) {
            return self.concluded_failed(&sighting, &FileError::NotFound, now);
        }
        let known = self.by_identity.get(&meta.identity).copied();
        if let Some(file) = known.and_then(|id| self.files.get_mut(&id))
            && (file.handle.is_some() || file.is_over() && meta.identity.btime != 0)
        {
            file.mtime = meta.mtime;
            let id = file.id;
            return self.name(id, &sighting, now);
        }
        let original = self.original_by_name(&sighting, &meta);
        if let Some(original) = original.filter(|id| self.files.get(id).is_some_and(|file| !is_lost(file))) {
            let unseen = self.may_be_unseen(&sighting, &meta);
            return self.concluded(&sighting, Seen::CopyOf { original, unseen, unsure: false }, now);
        }
        let wanted = known.or(original).is_some() || self.may_be_owed(&sighting, &meta);
        if meta.kind != Kind::File || !wanted {
            let why = if wanted { Why::NoLog } else { Why::Compressed };
            return self.concluded(&sighting, Seen::Passed(why), now);
        }
        if is_younger(&meta, FRESH, now) {
            return self.put_off(&sighting, Why::Unfinished);
        }
        self.tree.opening -= 1;
        self.open_in_turn(sighting, now);
    }

    /// The file whose name it bears, and whose last write it tells; whole seconds do not tell.
    fn original_by_name(&self, sighting: &Sighting, meta: &Meta) -> Option<FileId> {
        if meta.mtime % SECOND == 0 {
            return None;
        }
        let (plain, _) = name::compressed(&sighting.name)?;
        let (path, plain) = (sighting.path(), sighting.dir.join(plain));
        let mut originals = self.originals_of(&path);
        originals.find(|file| file.path == plain && file.mtime == meta.mtime).map(|file| file.id)
    }

    /// Whether it may hold lines that nobody was given: as a generation, or as a copy of a file that is not read to its end.
    fn may_be_owed(&self, sighting: &Sighting, meta: &Meta) -> bool {
        let lost = |file: &File| file.is_closed() && !file.is_over();
        self.may_be_unseen(sighting, meta) || self.originals_of(&sighting.path()).any(lost)
    }

    fn may_be_unseen(&self, sighting: &Sighting, meta: &Meta) -> bool {
        !sighting.followers.is_empty() || !self.unseen_in(sighting, meta).is_empty()
    }

    /// The flows to which it is a generation that they have not seen, or may have in it what they have not.
    fn unseen_in(&self, sighting: &Sighting, meta: &Meta) -> Vec<FlowId> {
        if sighting.unseen || self.may_hold_unread(sighting, meta) {
            return sighting.kin.clone();
        }
        self.unseen_by(&sighting.kin, meta.identity, meta.mtime)
    }

    /// Whether a file is missing of which nobody has read a byte: this may be what is left of it.
    fn may_hold_unread(&self, sighting: &Sighting, meta: &Meta) -> bool {
        let path = sighting.path();
        let plain = name::compressed(&sighting.name).map(|(plain, _)| sighting.dir.join(plain));
        let older = |file: &File| match file.identity.btime {
            0 => plain.as_ref().is_some_and(|plain| file.had_name(plain)),
            btime => btime <= meta.mtime,
        };
        self.originals_of(&path).any(|file| file.head.len == 0 && is_unread(file) && older(file))
    }

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
        let plain = name::compressed(&sighting.name).map(|(plain, _)| sighting.dir.join(plain));
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
            Ok(chunk) if (chunk.bytes.len() as u64) < len => self.verify(*meeting, now),
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
            if let Some(handle) = self.let_go(id) {
                self.close(handle);
            }
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

    /// A file that nobody has read yet is compressed, under a name that does not tell.
    pub(super) fn is_compressed(&mut self, id: FileId, now: Now) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let (handle, names) = (file.handle.take(), std::mem::take(&mut file.names));
        for name in names {
            if let Some(known) = self.tree.name_mut(&name).filter(|known| known.seen == Seen::File(id)) {
                known.seen = Seen::Passed(Why::Compressed);
            }
        }
        if let Some(handle) = handle {
            self.close(handle);
        }
        self.timers.cancel(Timer::Quiet(id));
        self.forget(id, now);
    }

    /// After a listing: those whose originals are gone, or may be, are looked at.
    pub(super) fn look_again_at_compressed(&mut self, path: &Path) {
        let Some(dir) = self.tree.dirs.get(path) else { return };
        let news = dir.names.iter().filter_map(|(name, known)| {
            let seen = self.news_of_compressed(path, name, known.seen)?;
            Some((name.clone(), seen))
        });
        for (name, seen) in news.collect::<Vec<_>>() {
            let Some(known) = self.tree.name_mut(&path.join(&name)) else { continue };
            let before = std::mem::replace(&mut known.seen, seen);
            if seen == Seen::Opening {
                let unseen = matches!(before, Seen::CopyOf { unseen: true, .. });
                let sighting = Sighting { unseen, ..known.sighting(path, &name) };
                self.tree.to_open.push_back(sighting);
            }
        }
    }

    /// What becomes of one that waits for its original, if anything.
    fn news_of_compressed(&self, dir: &Path, name: &OsStr, seen: Seen) -> Option<Seen> {
        match seen {
            Seen::Beside => (!self.is_original_beside(dir, name)).then_some(Seen::Opening),
            Seen::CopyOf { original, unsure, .. } => {
                let file = self.files.get(&original);
                let decided = |file: &File| is_lost(file) || unsure && !is_undecided(file);
                file.is_none_or(decided).then_some(Seen::Opening)
            }
            _ => None,
        }
    }
}

/// Whether it is known how it begins, and the other has as many bytes.
fn is_told_by_head(file: &File, len: usize) -> bool {
    (1..=len).contains(&(file.head.len as usize))
}

/// Whether it is not where it was, and nobody has read any of it.
fn is_unread(file: &File) -> bool {
    let nothing = file.cursors.iter().all(|cursor| cursor.acked.end() == 0);
    file.is_closed() && !file.is_homeless() && !file.is_over() && nothing
}

/// Whether nobody has looked yet where it is.
fn is_undecided(file: &File) -> bool {
    file.is_closed() && !file.is_over() && !is_lost(file)
}

/// Whether it is not where it was.
fn is_lost(file: &File) -> bool {
    file.is_closed() && (file.is_homeless() || file.missed > 0)
}

/// Whether it was changed less than so long ago. A time in the future says nothing: the clock was set.
fn is_younger(meta: &Meta, than: Duration, now: Now) -> bool {
    let age = now.wall.saturating_sub(meta.ctime);
    (0..than.as_nanos() as i64).contains(&age)
}

/// Whether two times of a last write are the same: compressors keep whole seconds of them at least.
fn is_of_one_second(a: i64, b: i64) -> bool {
    a != 0 && a.div_euclid(SECOND) == b.div_euclid(SECOND)
}
