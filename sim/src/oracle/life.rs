//! Agents come and go, and contents too.

use super::{Account, Binding, Book, Broken, Oracle};
use crate::plan::setup::ARCHIVE;
use crate::spans::Spans;
use crate::world::disk::{Content, ContentId, Disk, NodeId};
use crate::world::store::Rows;
use kintail_engine::ids::{CursorId, Epoch, FileId};
use std::path::Path;

/// A content that has fewer bytes is not recognised after a restart.
const TELLING: usize = 64;

/// Contents are recognised by so many of their first bytes.
const WINDOW: usize = 1024;

impl Oracle {
    /// An agent starts from these rows. What they do not say may be sent again, and files that they do not name
    /// need not be known unless a glob finds them.
    pub(crate) fn started(&mut self, disk: &Disk, rows: &Rows, in_boot: bool) {
        self.alive = true;
        self.seen.clear();
        self.read.clear();
        self.given.clear();
        self.by_copy.clear();
        for flow in &mut self.flows {
            flow.first_start = !rows.flows.contains_key(&flow.name);
            flow.begun = flow.begun.filter(|_| !flow.first_start);
            flow.followed.clear();
            flow.started.clear();
            let archives = flow.archives;
            let mut saved = vec![Spans::default(); flow.books.len()];
            let mut seen = vec![0; flow.books.len()];
            for binding in flow.bound.values_mut() {
                binding.loose = true;
            }
            for (key, row) in rows.cursors.iter().filter(|(key, _)| key.0 == flow.name) {
                let content = flow.bound.get(&(key.1, key.2)).map(|binding| binding.content);
                let known = rows.files.get(&key.1);
                flow.followed.extend(known.and_then(|file| {
                    // Elsewhere a glob must lead to it first.
                    let found = disk.names().find(|(path, node)| {
                        disk.is_called(*node, file.identity)
                            && Some(disk.nodes[*node].content) == content
                            && (path.parent() == file.path.parent()
                                || archives && path.parent() == Some(Path::new(ARCHIVE)))
                    });
                    found.map(|(_, node)| node)
                }));
                let Some(binding) = flow.bound.get_mut(&(key.1, key.2)) else { continue };
                if known.is_some_and(|file| (file.head.len as usize) < TELLING)
                    && disk.copies(binding.content).next().is_some()
                    && let Some(book) = flow.books.get_mut(binding.content)
                {
                    book.again_to = u64::MAX;
                }
                let size = disk.contents[binding.content].bytes.len() as u64;
                // Its end was eaten, and this boot's first agent did not get to save what it made of that.
                if in_boot
                    && !disk.contents[binding.content].gone
                    && (row.prefix > size || row.ranges.iter().any(|range| range.end > size))
                {
                    flow.books[binding.content].again_to = u64::MAX;
                }
                seen[binding.content] = row.seen.max(seen[binding.content]);
                let ranges = row.ranges.iter().map(|range| (range.start, range.end));
                for (start, end) in ranges.chain([(0, row.prefix)]) {
                    binding.loose &= start == end;
                    saved[binding.content].add(start, end);
                }
            }
            for ((content, book), saved) in flow.books.iter_mut().enumerate().zip(saved) {
                for (start, sent) in &mut book.sent {
                    if sent.end <= book.again_to || !saved.covers(*start, sent.end) {
                        sent.allowed = sent.allowed.max(sent.times) + 1;
                    }
                }
                // What a new agent can notice is what the rows tell of.
                let node = &disk.nodes[disk.contents[content].node];
                book.noticed = match book.noticed {
                    u64::MAX if saved.gap_from(0) == 0 || node.links == 0 => 0,
                    u64::MAX => u64::MAX,
                    noticed => noticed.min(seen[content]),
                };
                book.read_to = saved.gap_from(0);
                book.framed_to = 0;
            }
        }
    }

    /// The agent is no more. What only it held is lost, and it could see no more.
    pub(crate) fn ended(&mut self) {
        self.alive = false;
        self.cut.clear();
        for book in self.flows.iter_mut().flat_map(|flow| &mut flow.books) {
            book.gone = book.gone.map(|_| 0);
            book.known = Spans::default();
        }
    }

    /// The store lost what was not synced: its ledger too.
    pub(crate) fn power_cut(&mut self, rows: &Rows) {
        for flow in &mut self.flows {
            flow.books.iter_mut().for_each(super::Book::forget_ledger);
            for row in rows.ledger.iter().filter(|row| row.flow == flow.name) {
                if let Some(binding) = flow.bound.get(&(row.file, row.epoch)) {
                    flow.books[binding.content].acked.add(row.span.start, row.span.end);
                }
            }
        }
    }

    /// The device, on which no file has a second name yet, has another number. Only a boot, and a time of birth, tell that what has another name is on it too.
    pub(crate) fn renumbered(&mut self, disk: &Disk, booted: bool) {
        let told = |node: NodeId| booted && disk.identity(node).btime != 0;
        let nodes = disk.contents.iter().map(|content| content.node).enumerate();
        self.estranged.extend(nodes.filter(|(_, node)| !told(*node)).map(|(content, _)| content));
    }

    /// A content has a name of which no row tells.
    pub(crate) fn linked(&mut self, content: ContentId) {
        if self.estranged.contains(&content) {
            self.flows.iter_mut().for_each(|flow| flow.book(content).again_to = u64::MAX);
        }
    }

    /// A power cut ate a content's end: nobody is owed it any more, and what comes in its place is new.
    pub(crate) fn lost_end(&mut self, disk: &Disk, content: ContentId, rows: &Rows) {
        let size = disk.contents[content].bytes.len() as u64;
        let lines = disk.contents[content].lines.len();
        let node = disk.contents[content].node;
        let mut known = rows.files.values().filter(|file| disk.is_called(node, file.identity));
        // Only by so many first bytes it is told from a refill.
        let told = size >= WINDOW as u64
            && disk.identity(node).btime != 0
            && known.all(|file| file.head.len as usize == WINDOW);
        self.cut_short.insert(content);
        for flow in &mut self.flows {
            let book = flow.book(content);
            book.lose_end(size, lines);
            if !told {
                book.again_to = u64::MAX;
            }
        }
    }

    /// A content was truncated away, or lost its last name and handle.
    pub(crate) fn gone(&mut self, disk: &Disk, content: ContentId, truncated: bool) {
        let node = disk.contents[content].node;
        let seen = self.seen(content);
        // Of a short content that grew meanwhile nobody can tell its copy; nor of one that was opened by another name.
        let grew = |copy: &Content| copy.bytes.len() < disk.contents[content].bytes.len();
        let linked = disk.nodes[node].linked;
        // Few bytes tell only where it is known that the copy is the older one.
        let born = disk.identity(node).btime != 0;
        let dated = truncated && born;
        let read =
            self.flows.iter().filter_map(|flow| flow.books.get(content)).map(|book| book.read_to).max();
        let few = read.unwrap_or(0) < TELLING as u64;
        let unknown = |copy: &Content| linked || few && !(dated && copy.bytes.len() as u64 == seen);
        // What was before an offset that a compressed copy does not come to, nobody knows after a restart.
        let short = |copy: &Content| copy.bytes.len() < WINDOW || disk.nodes[copy.node].packed.is_some();
        let blurred = disk.copies(content).any(|copy| unknown(copy) || short(copy) && grew(copy));
        for flow in &mut self.flows {
            let followed = flow.followed.contains(&node);
            // What was read of it before the engine had a file for it, it took for another content.
            let known = flow.bound.values().any(|binding| binding.content == content);
            let alive = self.alive;
            let book = flow.book(content);
            if blurred {
                book.again_to = u64::MAX;
            }
            if book.gone.is_some() {
                continue;
            }
            book.gone = Some(if alive { book.framed_to } else { 0 });
            // A deletion hides what was written after the last look; a truncation shows, once anything was read.
            book.noticed = match (followed, truncated) {
                // What was written between the copy and the truncation, nobody saw.
                (true, true) if known && book.read_to > 0 => {
                    disk.copies(content).map(|copy| copy.bytes.len() as u64).max().unwrap_or(u64::MAX)
                }
                // Without its time of birth a file of which nothing was read is not told from the next under its number.
                (true, false) if born || book.read_to > 0 => seen,
                _ => 0,
            };
        }
    }

    /// A content was copied. A flow that begins meanwhile may take it for two files, as it does with a second copy.
    pub(crate) fn copied(&mut self, disk: &Disk, copy: ContentId) {
        let original = disk.origin(copy);
        let again = disk.contents.iter().filter(|other| other.copy_of == Some(original)).count() > 1;
        let elsewhere = is_archived(disk, copy);
        let begins = self.flows.iter().any(|flow| flow.begun.is_none());
        for flow in &mut self.flows {
            // A content that is told by few bytes is not recognised after a restart.
            let short = disk.contents[copy].bytes.len() < TELLING;
            // Which names a lost content had beside the last, no row tells.
            let linked = disk.nodes[disk.contents[original].node].linked;
            // A copy in a directory that is none of its archives is a file of its own.
            let live = disk.contents[original].node;
            let follows = |(path, node): (&Path, NodeId)| node == live && flow.scope.has(path);
            let strange = elsewhere && !(flow.archives && disk.names().any(follows));
            let unsure =
                again || short || linked || begins || strange || flow.scarce || flow.writers.is_empty();
            let book = flow.book(original);
            if unsure {
                book.again_to = u64::MAX;
            }
        }
    }

    /// A content was compressed, and its last name goes.
    pub(crate) fn compressed(&mut self, disk: &Disk, copy: ContentId) {
        let original = disk.origin(copy);
        let begins = self.flows.iter().any(|flow| flow.begun.is_none());
        let short = disk.contents[copy].bytes.len() < TELLING;
        let linked = disk.nodes[disk.contents[original].node].linked;
        // What was copied besides is known by that copy, as far as it goes.
        let others = disk.contents.iter().enumerate().filter(|(other, content)| {
            content.copy_of == Some(original) && disk.nodes[content.node].packed.is_none() && *other != copy
        });
        let beside = others.map(|(_, content)| content.bytes.len() as u64).min();
        let elsewhere = is_archived(disk, copy);
        for flow in &mut self.flows {
            let scarce = flow.scarce;
            let blind = flow.writers.is_empty() || elsewhere && !flow.archives;
            let book = flow.book(original);
            book.late_from = book.late_from.min(beside.unwrap_or(u64::MAX));
            if short || linked || begins || scarce || blind || beside.is_some() {
                book.again_to = u64::MAX;
            }
        }
    }

    /// A content lost its live name. If nobody could read it before, it and its copies are found at once, under rotated
    /// names all, and nothing tells which of them was there first.
    pub(crate) fn moved(&mut self, disk: &Disk, node: NodeId) {
        let content = disk.origin(disk.nodes[node].content);
        if self.read.contains(&content) || disk.copies(content).next().is_none() {
            return;
        }
        for flow in &mut self.flows {
            flow.book(content).again_to = u64::MAX;
        }
    }

    /// The engine closed a deleted file: it owes what it saw of it, if it could read at all.
    pub(crate) fn let_go(&mut self, disk: &Disk, node: NodeId) {
        let content = disk.nodes[node].content;
        let seen = self.seen(content);
        let readable = self.read.contains(&content);
        let size = disk.contents[content].bytes.len();
        // Of one that was compressed before its last lines, and closed before anybody saw that, the copy is not told.
        let grew = disk
            .copies(content)
            .any(|copy| disk.nodes[copy.node].packed.is_some() && copy.bytes.len() < size);
        for flow in &mut self.flows {
            let owes = readable && flow.followed.contains(&node);
            let book = flow.book(content);
            if grew {
                book.again_to = u64::MAX;
            }
            book.gone = Some(if owes { seen } else { book.framed_to });
        }
    }

    /// The engine closed its last handle on an inode: when it opens it again, it may not be able to read it.
    pub(crate) fn closed(&mut self, disk: &Disk, node: NodeId) {
        self.read.remove(&disk.nodes[node].content);
    }

    /// Bytes that were read for a cursor are being cut into lines: by the first of them the world knows which content
    /// the engine means.
    pub(crate) fn frames(&mut self, disk: &Disk, cursor: CursorId) -> Result<(), Broken> {
        let Some((content, end)) = self.given.get(&cursor).copied() else { return Ok(()) };
        let shared = self.flows.len() > 1 && disk.content_before(content).is_some();
        let Some(flow) = self.flows.get_mut(cursor.flow.0 as usize) else { return Ok(()) };
        flow.book(content);
        let key = (cursor.file, cursor.epoch);
        if let Some(binding) = flow.bound.get_mut(&key) {
            let same = binding.content == content;
            binding.read = if same { binding.read.max(end) } else { binding.read };
            // What the first read found to be another content can go on in a copy of its own.
            let copied = self.by_copy.contains(&cursor);
            if !binding.loose && (same || !copied && binding.is_settled(disk, flow.line.max_bytes)) {
                return Ok(());
            }
        }
        let known = flow.bound.get(&key);
        let identity = |content: ContentId| disk.identity(disk.contents[content].node);
        // A file that went on in a copy has the copy's identity.
        let copies = |of: ContentId| {
            (0..disk.contents.len()).filter(move |copy| disk.contents[*copy].copy_of == Some(of))
        };
        let same = |known: ContentId| {
            let mut all = std::iter::once(known).chain(copies(known));
            all.any(|known| {
                std::iter::once(content).chain(copies(content)).any(|c| identity(c) == identity(known))
            })
        };
        if let Some(binding) = known.filter(|known| !same(known.content)) {
            let text = format!("{cursor:?} was of content {} and is of {content} now", binding.content);
            return Err(Broken::new("an id is never given twice", text));
        }
        let other = flow.bound.iter().filter(|(other, binding)| **other != key && binding.content == content);
        let again_to = other.map(|(_, binding)| binding.read).max();
        self.cut.remove(&cursor);
        let by_copy = |(file, epoch): (FileId, Epoch)| {
            self.by_copy.contains(&CursorId { flow: cursor.flow, file, epoch })
        };
        // Of what a power cut shortened two ids may be.
        if !shared && !by_copy(key) && disk.contents[content].was == 0 {
            // What went before under another id was of the content that this one replaced, after all.
            let others = flow
                .bound
                .iter_mut()
                .filter(|(other, binding)| **other != key && binding.content == content && !by_copy(**other));
            others.for_each(|(_, binding)| {
                binding.content = binding.was.or(disk.content_before(content)).unwrap_or(content);
            });
        }
        let was = flow.bound.get(&key).map(|known| known.content);
        flow.bound.insert(key, Binding { content, was, loose: false, read: end });
        if let Some(again_to) = again_to.filter(|_| shared && !by_copy(key)) {
            // Another flow found the truncation, when this one had read what came after it in the old epoch.
            let book = flow.book(content);
            book.again_to = book.again_to.max(again_to);
        }
        Ok(())
    }

    /// The engine was given bytes `start..end` of a content for a cursor.
    pub(crate) fn given(&mut self, cursor: CursorId, content: ContentId, start: u64, end: u64) {
        if start < end {
            self.given.insert(cursor, (content, end));
        }
        let flow = &mut self.flows[cursor.flow.0 as usize];
        let book = flow.book(content);
        if book.gone.is_none() && start < end && start <= book.read_to.max(book.skipped) {
            book.read_to = book.read_to.max(end);
        }
    }

    /// Whether that was read from a copy.
    pub(crate) fn given_by_copy(&mut self, cursor: CursorId, copy: bool) {
        if copy {
            self.by_copy.insert(cursor);
        } else {
            self.by_copy.remove(&cursor);
        }
    }

    /// How far the engine was given what a cursor means, to be told to [`Self::framed`] later.
    pub(crate) fn read_to(&self, cursor: CursorId) -> Option<(ContentId, u64)> {
        let flow = &self.flows[cursor.flow.0 as usize];
        let binding = flow.bound.get(&(cursor.file, cursor.epoch))?;
        Some((binding.content, flow.books[binding.content].read_to))
    }

    /// The engine has cut a content into lines so far.
    pub(crate) fn framed(&mut self, cursor: CursorId, content: ContentId, to: u64) {
        if self.flows[cursor.flow.0 as usize].book(content).gone.is_none() {
            self.cut.insert(cursor, (content, to));
        }
    }

    /// The engine reads on in the same epoch: what it cut into lines, it holds.
    pub(crate) fn reads_on(&mut self, disk: &Disk, cursor: CursorId, node: Option<NodeId>) {
        let Some((content, to)) = self.cut.remove(&cursor) else { return };
        // It may go on in a copy, and have thrown away what it cut of a later content.
        let of = |node: NodeId| disk.origin(disk.nodes[node].content);
        if node.is_some_and(|node| node != disk.contents[content].node && of(node) != content) {
            return;
        }
        let book = self.flows[cursor.flow.0 as usize].book(content);
        book.framed_to = book.framed_to.max(to);
        book.gone = book.gone.map(|gone| gone.max(book.framed_to));
    }

    /// The agent ended in order: the store says all that it knew.
    pub(crate) fn ended_well(&self, disk: &Disk, rows: &Rows) -> Result<(), Broken> {
        for flow in &self.flows {
            for (content, book) in flow.books.iter().enumerate() {
                // A deleted file that was read to its end is forgotten.
                let deleted = disk.nodes[disk.contents[content].node].links == 0;
                if disk.contents[content].gone || deleted || book.gone.is_some() || book.sent.is_empty() {
                    continue;
                }
                // Another flow found a truncation, when this one had read what came after it: that is read again.
                let newer = |key: &(FileId, Epoch)| {
                    rows.files.get(&key.0).is_some_and(|file| file.epoch.number > key.1.number)
                };
                let mut bound = flow.bound.iter().filter(|(_, binding)| binding.content == content);
                if self.flows.len() > 1 && bound.any(|(key, _)| newer(key)) {
                    continue;
                }
                let meant = |key: &(FileId, Epoch)| flow.bound.get(key).is_some_and(|b| b.content == content);
                let mut saved = Spans::default();
                for (key, row) in &rows.cursors {
                    if key.0 == flow.name && meant(&(key.1, key.2)) {
                        saved.add(0, row.prefix);
                        row.ranges.iter().for_each(|range| saved.add(range.start, range.end));
                    }
                }
                if let Some(start) = flow.forgotten_drop(disk, content, book, saved.gap_from(0)) {
                    let text = format!("{} dropped the line at {start} of content {content}", flow.name);
                    return Err(Broken::new("what steps drop is acknowledged with what is before it", text));
                }
                // What was read in two epochs may be known by the one that is over.
                let mut known = book.known.iter().map(|(start, end)| (start.max(book.again_to), end));
                if let Some((start, end)) =
                    known.find(|(start, end)| start < end && !saved.covers(*start, *end))
                {
                    let text = format!(
                        "{} knew that {start}..{end} of content {content} is acknowledged",
                        flow.name
                    );
                    return Err(Broken::new("an ordered end saves everything", text));
                }
            }
        }
        Ok(())
    }
}

impl Account {
    /// The line that steps drop and that is not acknowledged, though all before it is, and it was cut.
    fn forgotten_drop(&self, disk: &Disk, content: ContentId, book: &Book, acked: u64) -> Option<u64> {
        let mut lines = disk.contents[content].lines.iter().map(|id| (*id, disk.lines[id.0 as usize]));
        let forgotten = lines.find(|(id, line)| {
            let short = line.body > 0 && line.body < self.line.max_bytes;
            let cut = line.complete() && line.end() <= book.framed_to;
            line.start == acked && self.steps.filters(*id) && short && cut
        })?;
        Some(forgotten.1.start)
    }
}

/// Whether a content is in the directory of rotated files.
fn is_archived(disk: &Disk, content: ContentId) -> bool {
    let node = disk.contents[content].node;
    let mut names = disk.names().filter(|(_, named)| *named == node);
    names.any(|(path, _)| path.parent() == Some(Path::new(ARCHIVE)))
}
