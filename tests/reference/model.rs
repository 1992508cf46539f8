//! What the disk holds and has held: inodes, their names, their contents, and every line that was in each. Paths are
//! relative to the logs.

use crate::plan::{Scope, Writer};
use crate::text::{BLOCK, LineId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(crate) type NodeId = usize;
pub(crate) type ContentId = usize;

/// What is owed of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A name leads to it that every agent follows.
    Reachable,
    /// None does any more; but the agent that runs had it open then.
    Held,
    /// Nobody can be sure to read it.
    Lost,
}

/// Why lines of a content may come twice. `docs/promises.md` has all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Twice {
    /// It was shorter than 1 KiB when it was copied, and grew before it was truncated.
    ShortAndGrew,
    /// It was shorter than 64 bytes, and deleted.
    ShortAndDeleted,
    /// It was copied twice.
    CopiedTwice,
    /// It was copied and had a second name.
    CopiedAndLinked,
    /// It and its copy were first seen under rotated names.
    RotatedFirst,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) content: ContentId,
    /// Device and inode number.
    pub(crate) identity: (u64, u64),
    pub(crate) names: BTreeSet<PathBuf>,
    /// All that it ever had, those of links included.
    pub(crate) had: BTreeSet<PathBuf>,
    /// When it was first renamed or lost a name.
    pub(crate) moved: Option<Instant>,
    /// It had two names once.
    pub(crate) linked: bool,
    pub(crate) written: Instant,
}

/// What an inode held from one truncation to the next.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) node: NodeId,
    pub(crate) size: u64,
    pub(crate) lines: Vec<Written>,
    pub(crate) standing: Standing,
    /// When it was last no longer owed.
    pub(crate) lost: Option<Instant>,
    /// It was lost, and came back.
    pub(crate) returned: bool,
    pub(crate) copy_of: Option<ContentId>,
    /// Up to where the longest copy of it goes.
    pub(crate) copied: Option<u64>,
    pub(crate) twice: BTreeSet<Twice>,
}

/// A line, or as much of one as was written, in a content.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) line: LineId,
    pub(crate) start: u64,
    /// Blocks that are there.
    pub(crate) blocks: u32,
    pub(crate) complete: bool,
    /// Where a write ended inside the line, when, and when the next came.
    pub(crate) cuts: Vec<(u32, Instant, Option<Instant>)>,
    /// It was written when nobody had to look any more.
    pub(crate) late: bool,
}

impl Written {
    /// Offset after its last byte.
    pub(crate) fn end(&self) -> u64 {
        self.start + u64::from(self.blocks) * BLOCK + u64::from(self.complete)
    }
}

#[derive(Debug)]
pub(crate) struct Model {
    scope: Scope,
    writers: Vec<Writer>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) contents: Vec<Content>,
    /// How many blocks each line is to have.
    pub(crate) lines: Vec<u32>,
    names: BTreeMap<PathBuf, NodeId>,
    /// Links, by their paths, and what they lead to.
    links: BTreeMap<PathBuf, NodeId>,
}

impl Model {
    pub(crate) fn new(scope: Scope, writers: &[Writer]) -> Self {
        Self {
            scope,
            writers: writers.to_vec(),
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
        let names = BTreeSet::from([path.to_path_buf()]);
        self.nodes.push(Node {
            content,
            identity,
            had: names.clone(),
            names,
            moved: None,
            linked: false,
            written: Instant::now(),
        });
        self.names.insert(path.into(), node);
        if self.reaches(node) {
            self.contents[content].standing = Standing::Reachable;
        }
        node
    }

    fn new_content(&mut self, node: NodeId, standing: Standing) -> ContentId {
        self.contents.push(Content {
            node,
            size: 0,
            lines: Vec::new(),
            standing,
            lost: None,
            returned: false,
            copy_of: None,
            copied: None,
            twice: BTreeSet::new(),
        });
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
            self.content(node).twice.insert(Twice::CopiedAndLinked);
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
                content.returned |= content.lost.is_some();
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
        let content = self.content(node);
        let (size, standing) = (content.size, content.standing);
        let short = content.copied.is_some_and(|copied| copied < 1024 && copied < size);
        if short {
            content.twice.insert(Twice::ShortAndGrew);
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
            content.twice.insert(Twice::CopiedTwice);
        }
        if linked {
            content.twice.insert(Twice::CopiedAndLinked);
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

impl Content {
    fn lose(&mut self) {
        self.standing = Standing::Lost;
        self.lost = Some(Instant::now());
    }
}
