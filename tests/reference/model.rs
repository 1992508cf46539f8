//! What the disk holds and has held: inodes, their names, their contents, and every line that was in each. Paths are
//! relative to the logs.

use crate::content::{Content, ContentId, Node, NodeId, Standing, Twice, Written};
use crate::plan::{Scope, Writer};
use crate::text::LineId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Model {
    scope: Scope,
    writers: Vec<Writer>,
    /// Inodes tell when they were made.
    births: bool,
    pub(crate) nodes: Vec<Node>,
    pub(crate) contents: Vec<Content>,
    /// How many blocks each line is to have.
    pub(crate) lines: Vec<u32>,
    names: BTreeMap<PathBuf, NodeId>,
    /// Links, by their paths, and what they lead to.
    links: BTreeMap<PathBuf, NodeId>,
}

impl Model {
    pub(crate) fn new(scope: Scope, writers: &[Writer], births: bool) -> Self {
        Self {
            scope,
            writers: writers.to_vec(),
            births,
            nodes: Vec::new(),
            contents: Vec::new(),
            lines: Vec::new(),
            names: BTreeMap::new(),
            links: BTreeMap::new(),
        }
    }

    /// The file behind a name, or behind a link that leads to one.
    pub(crate) fn find(&self, path: &Path) -> Option<NodeId> {
        let target = self.links.get(path).filter(|node| !self.nodes[**node].names.is_empty());
        self.names.get(path).or(target).copied()
    }

    pub(crate) fn names_below(&self, dir: &Path) -> Vec<PathBuf> {
        self.names.keys().chain(self.links.keys()).filter(|path| path.starts_with(dir)).cloned().collect()
    }

    pub(crate) fn content(&mut self, node: NodeId) -> &mut Content {
        &mut self.contents[self.nodes[node].content]
    }

    /// Whether a name leads to it that every agent follows.
    pub(crate) fn reaches(&self, node: NodeId) -> bool {
        let is_generation = |path: &Path| self.writers.iter().any(|writer| writer.made(path));
        let linked = self.links.iter().filter(|(_, to)| **to == node).map(|(path, _)| path);
        let names = &self.nodes[node].names;
        !names.is_empty()
            && names.iter().chain(linked).any(|path| self.scope.has(path) || is_generation(path))
    }

    /// A new empty file.
    pub(crate) fn create(&mut self, path: &Path, identity: (u64, u64)) -> NodeId {
        let node = self.nodes.len();
        let content = self.new_content(node, Standing::Lost);
        self.nodes.push(Node::new(content, path, identity));
        self.names.insert(path.into(), node);
        if self.reaches(node) {
            self.contents[content].standing = Standing::Reachable;
        }
        node
    }

    fn new_content(&mut self, node: NodeId, standing: Standing) -> ContentId {
        self.contents.push(Content::new(node, standing));
        self.contents.len() - 1
    }

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) {
        if let Some(node) = self.links.remove(from) {
            self.links.insert(to.into(), node);
            self.nodes[node].had.insert(to.into());
        }
        let Some(node) = self.names.remove(from) else { return };
        self.unlink(to);
        self.names.insert(to.into(), node);
        let entry = &mut self.nodes[node];
        entry.names.remove(from);
        entry.names.insert(to.into());
        entry.had.insert(to.into());
        entry.moved.get_or_insert_with(Instant::now);
    }

    /// Removes a name or a link.
    pub(crate) fn unlink(&mut self, path: &Path) {
        let Some(node) = self.names.remove(path).or_else(|| self.links.remove(path)) else { return };
        self.nodes[node].names.remove(path);
        self.nodes[node].moved.get_or_insert_with(Instant::now);
    }

    /// Gives a file another name.
    pub(crate) fn link(&mut self, node: NodeId, to: &Path) {
        self.names.insert(to.into(), node);
        let entry = &mut self.nodes[node];
        entry.names.insert(to.into());
        entry.had.insert(to.into());
        entry.linked = true;
        if self.contents[entry.content].copied.is_some() {
            self.content(node).twice.insert(Twice::LinkedCopy);
        }
    }

    /// Turns a link, or makes it.
    pub(crate) fn turn(&mut self, link: &Path, node: NodeId) {
        if let Some(old) = self.links.insert(link.into(), node) {
            self.nodes[old].moved.get_or_insert_with(Instant::now);
        }
        self.nodes[node].had.insert(link.into());
        let reached = self.reaches(node);
        self.settle(node, reached, false);
    }

    /// Lines of a file from here on were written when nobody had to look.
    pub(crate) fn is_late(&mut self, node: NodeId, from: u64) {
        let lines = &mut self.content(node).lines;
        lines.iter_mut().filter(|written| written.end() > from).for_each(|written| written.late = true);
    }

    /// Whether every name that a file has was given by rotation.
    pub(crate) fn is_rotated(&self, node: NodeId) -> bool {
        let names = &self.nodes[node].names;
        let is_generation = |path: &PathBuf| self.writers.iter().any(|writer| writer.made(path));
        !names.is_empty() && names.iter().all(is_generation)
    }

    /// Names of a file changed; whether the running agent had it open all the while.
    pub(crate) fn settle(&mut self, node: NodeId, reached: bool, open: bool) {
        let content = self.content(node);
        match (content.standing, reached) {
            (Standing::Reachable, false) if open => content.standing = Standing::Held,
            (Standing::Reachable | Standing::Held, false) if !open => content.lose(),
            (Standing::Lost, true) => {
                content.returned = content.size;
                content.standing = Standing::Reachable;
            }
            (Standing::Held, true) => content.standing = Standing::Reachable,
            _ => {}
        }
    }

    /// The agent ended: what it held is lost.
    pub(crate) fn agent_ended(&mut self) {
        for content in self.contents.iter_mut().filter(|content| content.standing == Standing::Held) {
            content.lose();
        }
    }

    /// Cuts a file to nothing.
    pub(crate) fn truncate(&mut self, node: NodeId) {
        let births = self.births;
        let content = self.content(node);
        let (size, standing) = (content.size, content.standing);
        let short = content.copied.is_some_and(|copied| copied < 1024 && copied < size);
        if short {
            content.twice.insert(Twice::ShortAndGrew);
        }
        if content.copied.is_some() && size < 64 && !births {
            content.twice.insert(Twice::ShortAndUndated);
        }
        if standing != Standing::Lost {
            content.lose();
        }
        self.nodes[node].content = self.new_content(node, standing);
    }

    /// Makes the new file `copy` a copy of another.
    pub(crate) fn copy(&mut self, from: NodeId, copy: NodeId) {
        let original = self.nodes[from].content;
        let linked = self.nodes[from].linked;
        let content = &mut self.contents[original];
        if content.copied.replace(content.size).is_some() || content.copy_of.is_some() {
            content.twice.insert(Twice::TwoCopies);
        }
        if linked {
            content.twice.insert(Twice::LinkedCopy);
        }
        let (size, lines) = (content.size, content.lines.clone());
        self.nodes[copy].moved = Some(Instant::now());
        let content = self.content(copy);
        (content.size, content.lines, content.copy_of) = (size, lines, Some(original));
    }

    /// Writes blocks of a file's last line, or of a new one of `blocks`: up to `to`, or all and its end. Tells the line
    /// and from which block on.
    pub(crate) fn write(&mut self, node: NodeId, blocks: u32, to: Option<u32>, late: bool) -> (LineId, u32) {
        let now = Instant::now();
        self.nodes[node].written = now;
        let new = self.lines.len();
        let content = &mut self.contents[self.nodes[node].content];
        if content.lines.last().is_none_or(|last| last.complete) {
            self.lines.push(blocks);
            let start = content.size;
            content.lines.push(Written {
                line: new,
                start,
                blocks: 0,
                complete: false,
                cuts: Vec::new(),
                late,
            });
        }
        let last = content.lines.last_mut().expect("a line is open");
        let (from, all) = (last.blocks, self.lines[last.line]);
        if let Some(cut) = last.cuts.last_mut() {
            cut.2 = Some(now);
        }
        last.blocks = to.map_or(all, |to| (from + to).min(all - 1).max(from));
        last.complete = to.is_none();
        last.late |= late;
        if to.is_some() {
            last.cuts.push((last.blocks, now, None));
        }
        content.size = last.end();
        (last.line, from)
    }

    /// Whether a file ends in a half line.
    pub(crate) fn is_open_ended(&self, node: NodeId) -> bool {
        self.contents[self.nodes[node].content].lines.last().is_some_and(|last| !last.complete)
    }
}
