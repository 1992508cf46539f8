//! What the world knows and the engine does not: which bytes of which content each flow has been given, and
//! which it is owed. Shares no code with the engine.

mod book;
mod end;
mod joined;
mod life;
mod record;
mod saved;
#[cfg(test)]
mod tests;

use crate::plan::MS;
use crate::plan::setup::{Scope, Setup, Writer};
use crate::plan::steps::Steps;
use crate::world::disk::{self, ContentId, Disk, NodeId};
use book::Book;
use kintail_engine::ids::{CursorId, Epoch, FileId};
use kintail_engine::multiline::Multiline;
use kintail_engine::process::OnError;
use kintail_engine::settings::{Destination, Line, Newline, Oversize, PartitionKey, StartAt};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

pub(crate) use book::Sent;
pub(crate) use record::Located;

/// A property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// Which, in a few words; what a shrunk plan must still break.
    pub(crate) property: &'static str,
    /// How it shows.
    pub(crate) text: String,
}

impl Broken {
    /// This property is broken, as the text tells.
    pub(crate) fn new(property: &'static str, text: impl Into<String>) -> Self {
        Self { property, text: text.into() }
    }
}

/// All books.
#[derive(Debug)]
pub(crate) struct Oracle {
    pub(crate) flows: Vec<Account>,
    /// The agent runs.
    alive: bool,
    /// Largest size of each content that the running agent was told.
    seen: Vec<u64>,
    /// What each cursor was given last: up to where of which content.
    given: BTreeMap<CursorId, (ContentId, u64)>,
    /// Cursors that were given it from a copy.
    by_copy: BTreeSet<CursorId>,
    /// Contents of which the running agent could read.
    read: BTreeSet<ContentId>,
    /// How far contents were cut into lines, for cursors that did not go on reading yet: only then is it known that
    /// the engine did not find another epoch meanwhile.
    cut: BTreeMap<CursorId, (ContentId, u64)>,
    /// Contents whose ends a power cut ate, until an agent reads of them.
    cut_short: BTreeSet<ContentId>,
    /// Contents on a device that has another number: under a name of which no row tells they are other files.
    estranged: BTreeSet<ContentId>,
}

/// What one flow is owed and was given.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a book of facts, not a state")]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) scope: Scope,
    compressed: bool,
    archives: bool,
    line: Line,
    steps: Steps,
    joins: Option<Arc<Multiline>>,
    strip: bool,
    concatenates: bool,
    ordered: bool,
    start_at: StartAt,
    key: PartitionKey,
    close_after: u64,
    gives_up: bool,
    /// Of each content.
    books: Vec<Book>,
    /// What content the engine means by an epoch, by what it read first.
    bound: BTreeMap<(FileId, Epoch), Binding>,
    /// Epochs whose first position was saved at the flow's first start.
    started: BTreeSet<(FileId, Epoch)>,
    /// Inodes that the engine must know of.
    followed: BTreeSet<NodeId>,
    /// Empty records accepted.
    empties: u64,
    /// The store knew nothing of the flow when the agent started.
    first_start: bool,
    /// The agent may not be able to open a copy before its original is forgotten.
    scarce: bool,
    /// Since when the store knows of the flow.
    begun: Option<u64>,
    /// Programs whose rotated files it is owed though no glob leads to them; none where the clock is set back, since
    /// nobody knows then what was written when.
    writers: Vec<Writer>,
}

#[derive(Clone, Copy, Debug)]
struct Binding {
    content: ContentId,
    /// What it was held to mean before.
    was: Option<ContentId>,
    /// Nothing was saved of it, so that a new agent may mean another content.
    loose: bool,
    /// It was read up to here.
    read: u64,
}

impl Binding {
    /// Whether the engine cannot mean another content any more: nothing that it may hold is left of one that went before
    /// a whole line, or the first piece of one, was read.
    fn is_settled(&self, disk: &Disk, limit: u64) -> bool {
        let content = &disk.contents[self.content];
        let mut lines = content.lines.iter().map(|id| disk.lines[id.0 as usize]);
        let whole =
            |line: disk::Line| line.complete() && line.end() <= self.read || line.start + limit <= self.read;
        !content.gone || lines.any(whole)
    }
}

impl Oracle {
    /// Nothing has happened.
    pub(crate) fn new(setup: &Setup, steady_clock: bool) -> Self {
        let writers = if steady_clock { setup.writers.clone() } else { Vec::new() };
        let flows = setup.settings.flows.iter().zip(&setup.scopes).zip(&setup.steps);
        let flows = flows.map(|((flow, scope), steps)| {
            let plain = matches!(flow.destination, Destination::File { .. } | Destination::Stdout);
            let firehose = matches!(flow.destination, Destination::Firehose { .. });
            Account {
                name: flow.name.clone(),
                scope: *scope,
                compressed: flow.compressed,
                archives: !flow.archives.is_empty(),
                line: flow.line,
                steps: *steps,
                joins: flow.multiline.clone(),
                strip: flow.newline == Newline::Strip,
                concatenates: plain || firehose,
                // A record that was given up leaves a hole, which may be filled later.
                ordered: (plain || flow.strict)
                    && flow.retry.give_up.is_none()
                    && flow.line.oversize != Oversize::DeadLetter
                    && steps.on_error != OnError::DeadLetter,
                start_at: flow.start_at,
                key: flow.partition_key.clone(),
                close_after: flow.close_after.as_nanos() as u64,
                gives_up: flow.retry.give_up.is_some(),
                books: Vec::new(),
                bound: BTreeMap::new(),
                started: BTreeSet::new(),
                followed: BTreeSet::new(),
                empties: 0,
                first_start: true,
                scarce: setup.descriptors < usize::MAX,
                begun: None,
                writers: writers.clone(),
            }
        });
        Self {
            flows: flows.collect(),
            alive: false,
            seen: Vec::new(),
            given: BTreeMap::new(),
            by_copy: BTreeSet::new(),
            read: BTreeSet::new(),
            cut: BTreeMap::new(),
            cut_short: BTreeSet::new(),
            estranged: BTreeSet::new(),
        }
    }

    /// A content was written to from `from` on, the first write since `before`.
    pub(crate) fn wrote(&mut self, disk: &Disk, content: ContentId, from: u64, before: u64, now: u64) {
        let node = disk.contents[content].node;
        let idle = now.saturating_sub(before) + 50 * MS;
        let cut_short = self.cut_short.contains(&content);
        for flow in &mut self.flows {
            if cut_short {
                // Nobody knows where what is new begins.
                flow.book(content).again_to = u64::MAX;
            }
            // A file that no glob matches any more may be left alone once it was idle for long enough.
            if idle >= flow.close_after && !flow.matches(disk, node) {
                let book = flow.book(content);
                book.late_from = book.late_from.min(from);
            }
        }
        self.filtered(disk, content);
    }

    /// Header lines, empty lines and those that steps drop count as acknowledged: the first and the last are not
    /// shipped, the second cannot be told
    /// apart (their number is checked in the end).
    fn filtered(&mut self, disk: &Disk, content: ContentId) {
        let lines = &disk.contents[content].lines;
        for flow in &mut self.flows {
            let header = flow.line.skip_header as usize;
            let steps = flow.steps;
            let book = flow.book(content);
            while let Some(id) = lines.get(book.lines_seen) {
                let line = disk.lines[id.0 as usize];
                let empty = line.body == 0 && line.complete();
                if book.lines_seen < header || empty || steps.filters(*id) {
                    book.serve(line.start, line.end());
                }
                if !line.complete() {
                    break;
                }
                book.lines_seen += 1;
            }
        }
    }

    /// The engine was told that a content has this size.
    pub(crate) fn told(&mut self, content: ContentId, size: u64) {
        if self.seen.len() <= content {
            self.seen.resize(content + 1, 0);
        }
        self.seen[content] = self.seen[content].max(size);
    }

    /// The engine could read from an inode that it found under this name: the flows whose globs match it follow it.
    pub(crate) fn met(&mut self, content: ContentId, node: NodeId, path: &Path) {
        self.read.insert(content);
        self.cut_short.remove(&content);
        for flow in self.flows.iter_mut().filter(|flow| flow.scope.has(path)) {
            flow.followed.insert(node);
        }
    }

    fn seen(&self, content: ContentId) -> u64 {
        self.seen.get(content).copied().unwrap_or(0)
    }
}

impl Account {
    fn book(&mut self, content: ContentId) -> &mut Book {
        if self.books.len() <= content {
            self.books.resize_with(content + 1, Book::default);
        }
        &mut self.books[content]
    }

    /// Whether a name of an inode is one that the flow follows.
    fn matches(&self, disk: &Disk, node: NodeId) -> bool {
        if disk.nodes[node].packed.is_some() {
            return self.matches_compressed(disk, node);
        }
        let is_young = self.begun.is_some_and(|begun| disk.nodes[node].made > begun);
        let leads = |path: &Path| self.scope.has(path) || is_young && self.is_generation(path);
        disk.names().any(|(path, named)| named == node && leads(path))
    }

    /// The same of a compressed one: it is followed as the generation that it is a copy of, or for its own name.
    fn matches_compressed(&self, disk: &Disk, node: NodeId) -> bool {
        let original = disk.origin(disk.nodes[node].content);
        let made = disk.nodes[disk.contents[original].node].made;
        let is_young = self.begun.is_some_and(|begun| made > begun);
        let known = |binding: &Binding| binding.content == original && !binding.loose;
        let owed = is_young || self.bound.values().any(known);
        let leads = |path: &Path| {
            self.scope.has(path) && self.compressed || owed && self.is_compressed_generation(path)
        };
        disk.names().any(|(path, named)| named == node && leads(path))
    }

    fn is_compressed_generation(&self, path: &Path) -> bool {
        self.rotating().any(|writer| (1..200).any(|number| writer.compressed(number) == path))
    }

    /// Whether a program whose live file the flow follows gave a file this name.
    fn is_generation(&self, path: &Path) -> bool {
        self.rotating().any(|writer| (1..200).any(|number| writer.rotated(number) == path))
    }

    /// The programs whose rotated files it is to find.
    fn rotating(&self) -> impl Iterator<Item = &Writer> {
        self.writers
            .iter()
            .filter(|writer| self.scope.has(&writer.path) && (!writer.archives || self.archives))
    }
}
