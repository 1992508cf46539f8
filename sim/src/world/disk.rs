//! The virtual disk: directories, names, inodes and the contents they have had.

mod compressed;

use crate::text::{self, BLOCK, LineId};
use kintail_engine::event::{Codec, Entry, FileError, Kind, Listing, Meta};
use kintail_engine::state::Identity;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The place of an inode in [`Disk::nodes`]; unlike its number never used again.
pub(crate) type NodeId = usize;
/// The place of a content in [`Disk::contents`].
pub(crate) type ContentId = usize;

/// One device.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) nodes: Vec<Node>,
    pub(crate) contents: Vec<Content>,
    pub(crate) lines: Vec<Line>,
    names: BTreeMap<PathBuf, NodeId>,
    dirs: BTreeMap<PathBuf, Stamps>,
    free: Vec<u64>,
    next_ino: u64,
    births: bool,
    /// Its number, until it is mounted again.
    pub(crate) dev: u64,
}

/// Times in nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stamps {
    ino: u64,
    birth: i64,
    mtime: i64,
    ctime: i64,
}

/// An inode.
#[derive(Debug)]
pub(crate) struct Node {
    stamps: Stamps,
    /// What it holds now.
    pub(crate) content: ContentId,
    /// Names it has.
    pub(crate) links: u64,
    /// Handles that agent and writers hold.
    pub(crate) opened: u32,
    /// It was renamed or unlinked: it is no longer under its first name.
    pub(crate) moved: bool,
    /// It had two names once.
    pub(crate) linked: bool,
    /// When it was last written, in virtual time.
    pub(crate) written: u64,
    /// When it was made, in virtual time.
    pub(crate) made: u64,
    /// It is compressed: its content is the plain text.
    pub(crate) packed: Option<Packed>,
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed {
    pub(crate) codec: Codec,
    /// Its end is there.
    pub(crate) whole: bool,
}

/// What an inode held from one truncation to the next.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) node: NodeId,
    pub(crate) bytes: Vec<u8>,
    pub(crate) lines: Vec<LineId>,
    /// Its size before a power cut ate its end.
    pub(crate) was: u64,
    /// Sizes it had when a write ended inside a line.
    pub(crate) cuts: Vec<u64>,
    /// No call can read it any more.
    pub(crate) gone: bool,
    /// It was there until the file was cut to nothing.
    pub(crate) truncated: bool,
    /// It is a copy of another, whose lines it has as far as it goes.
    pub(crate) copy_of: Option<ContentId>,
}

/// A line somewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) content: ContentId,
    pub(crate) start: u64,
    /// Length it is to have, without the newline.
    pub(crate) body: u64,
    /// Bytes written, newline included.
    pub(crate) written: u64,
}

impl Line {
    /// Its newline is there.
    pub(crate) fn complete(&self) -> bool {
        self.written > self.body
    }

    /// Offset after its last written byte.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.written
    }
}

impl Disk {
    /// An empty device; with `births` inodes tell their birth time.
    pub(crate) fn new(births: bool) -> Self {
        let mut disk = Self {
            nodes: Vec::new(),
            contents: Vec::new(),
            lines: Vec::new(),
            names: BTreeMap::new(),
            dirs: BTreeMap::new(),
            free: Vec::new(),
            next_ino: 100,
            births,
            dev: 1,
        };
        disk.make_dir(Path::new("/"), 0);
        disk
    }

    /// Makes a directory and those above it; tells which are new.
    pub(crate) fn make_dir(&mut self, path: &Path, wall: i64) -> Vec<PathBuf> {
        let mut made = Vec::new();
        for dir in path.ancestors() {
            if self.dirs.contains_key(dir) {
                break;
            }
            self.next_ino += 1;
            let stamps = Stamps { ino: self.next_ino, birth: wall, mtime: wall, ctime: wall };
            self.dirs.insert(dir.into(), stamps);
            made.push(dir.to_path_buf());
        }
        made.reverse();
        for dir in &made {
            self.touch_parent(dir, wall);
        }
        made
    }

    /// Creates an empty file. The directory exists, the name is free.
    pub(crate) fn create(&mut self, path: &Path, wall: i64, now: u64) -> NodeId {
        debug_assert!(!self.names.contains_key(path));
        let ino = self.free.pop().unwrap_or_else(|| {
            self.next_ino += 1;
            self.next_ino
        });
        let node = self.nodes.len();
        let content = self.new_content(node);
        let stamps = Stamps { ino, birth: wall, mtime: wall, ctime: wall };
        self.nodes.push(Node {
            stamps,
            content,
            links: 1,
            opened: 0,
            moved: false,
            linked: false,
            written: now,
            made: now,
            packed: None,
        });
        self.names.insert(path.into(), node);
        self.touch_parent(path, wall);
        node
    }

    /// Renames a file, over whatever is there. Tells which node lost its last name by it.
    pub(crate) fn rename(&mut self, from: &Path, to: &Path, wall: i64) -> Option<NodeId> {
        let node = self.names.remove(from)?;
        let lost = self.names.insert(to.into(), node);
        self.nodes[node].stamps.ctime = wall;
        self.nodes[node].moved = true;
        self.touch_parent(from, wall);
        self.touch_parent(to, wall);
        lost.and_then(|lost| self.drop_link(lost, wall))
    }

    /// Removes a name. Tells the node if it was its last.
    pub(crate) fn unlink(&mut self, path: &Path, wall: i64) -> Option<NodeId> {
        let node = self.names.remove(path)?;
        self.touch_parent(path, wall);
        self.drop_link(node, wall)
    }

    /// The names of files below a directory.
    pub(crate) fn names_below(&self, dir: &Path) -> Vec<PathBuf> {
        self.names.keys().filter(|path| path.starts_with(dir)).cloned().collect()
    }

    /// Removes a directory, which holds no files any more, and those below it. Tells which, the deepest first.
    pub(crate) fn remove_dir(&mut self, path: &Path, wall: i64) -> Vec<PathBuf> {
        let mut gone: Vec<PathBuf> = self.dirs.keys().filter(|dir| dir.starts_with(path)).cloned().collect();
        gone.reverse();
        for dir in &gone {
            self.dirs.remove(dir);
            self.touch_parent(dir, wall);
        }
        gone
    }

    /// Gives a file a second name; tells whether it could.
    pub(crate) fn link(&mut self, from: &Path, to: &Path, wall: i64) -> bool {
        let Some(&node) = self.names.get(from) else { return false };
        if self.names.contains_key(to) {
            return false;
        }
        self.names.insert(to.into(), node);
        self.nodes[node].links += 1;
        self.nodes[node].linked = true;
        self.nodes[node].stamps.ctime = wall;
        self.touch_parent(to, wall);
        true
    }

    /// Copies a file to a free name.
    pub(crate) fn copy(&mut self, from: &Path, to: &Path, wall: i64, now: u64) -> Option<ContentId> {
        let original = self.nodes[self.find(from)?].content;
        let node = self.create(to, wall, now);
        let bytes = self.contents[original].bytes.clone();
        let copy = &mut self.contents[self.nodes[node].content];
        copy.bytes = bytes;
        copy.copy_of = Some(original);
        Some(self.nodes[node].content)
    }

    /// Whose lines a content has: its own, or those of what it is a copy of.
    pub(crate) fn origin(&self, content: ContentId) -> ContentId {
        self.contents[content].copy_of.unwrap_or(content)
    }

    /// The copies of a content that can be read.
    pub(crate) fn copies(&self, original: ContentId) -> impl Iterator<Item = &Content> {
        self.contents.iter().filter(move |copy| copy.copy_of == Some(original) && !copy.gone)
    }

    /// Cuts a file to nothing. Tells the content that is gone.
    pub(crate) fn truncate(&mut self, node: NodeId, wall: i64, now: u64) -> ContentId {
        let content = self.new_content(node);
        let old = std::mem::replace(&mut self.nodes[node].content, content);
        self.contents[old].gone = true;
        self.contents[old].truncated = true;
        self.stamp(node, wall, now);
        old
    }

    /// Whether a power cut may eat its end and leave what was written at `written`: it was there, it has a name, nobody made
    /// it of another, and no other was made of it.
    pub(crate) fn may_lose_end(&self, node: NodeId, written: i64) -> bool {
        let Node { links, packed, content, ref stamps, .. } = self.nodes[node];
        let copied = |other: &Content| other.copy_of == Some(content);
        let alone = self.contents[content].copy_of.is_none() && !self.contents.iter().any(copied);
        let there = links > 0 && stamps.birth <= written;
        there && packed.is_none() && alone && !self.contents[content].lines.is_empty()
    }

    /// Where a content's complete lines end.
    pub(crate) fn line_ends(&self, content: ContentId) -> Vec<u64> {
        let lines = self.contents[content].lines.iter().map(|id| &self.lines[id.0 as usize]);
        std::iter::once(0).chain(lines.filter(|line| line.complete()).map(Line::end)).collect()
    }

    /// A file system without stable inode numbers gives others: the last files get those of the first.
    #[cfg(test)]
    pub(crate) fn renumber_inodes(&mut self) {
        let last = self.nodes.iter().map(|node| node.stamps.ino).max().unwrap_or(0);
        let first = self.nodes.iter().map(|node| node.stamps.ino).min().unwrap_or(0);
        for node in &mut self.nodes {
            node.stamps.ino = first + last - node.stamps.ino;
        }
    }

    /// A power cut: of a file only so many bytes had come to the disk, and a line that they end in is lost with the others.
    pub(crate) fn lose_end(&mut self, node: NodeId, kept: u64) {
        let content = &mut self.contents[self.nodes[node].content];
        content.was = content.was.max(content.bytes.len() as u64);
        content.bytes.truncate(kept as usize);
        content.cuts.retain(|cut| *cut <= kept);
        let lines = &self.lines;
        content.lines.retain(|line| lines[line.0 as usize].end() <= kept);
    }

    /// Begins a line of `body` bytes in a file, of which nothing is written yet.
    pub(crate) fn begin_line(&mut self, node: NodeId, body: usize) -> LineId {
        let id = LineId(self.lines.len() as u32);
        let content = self.nodes[node].content;
        let start = self.contents[content].bytes.len() as u64;
        self.lines.push(Line { content, start, body: body as u64, written: 0 });
        self.contents[content].lines.push(id);
        id
    }

    /// Writes on at a file's last line: up to `to` bytes of it (a multiple of [`BLOCK`]), or all with its newline.
    pub(crate) fn write_line(&mut self, line: LineId, to: Option<u64>, wall: i64, now: u64) {
        let entry = &mut self.lines[line.0 as usize];
        let content = &mut self.contents[entry.content];
        let end = to.map_or(entry.body, |to| to.min(entry.body / BLOCK as u64 * BLOCK as u64));
        if end > entry.written {
            text::write(&mut content.bytes, line, entry.written as usize, end as usize);
            entry.written = end;
        }
        if to.is_none() {
            content.bytes.push(b'\n');
            entry.written = entry.body + 1;
        } else {
            content.cuts.push(content.bytes.len() as u64);
        }
        let node = content.node;
        self.stamp(node, wall, now);
    }

    /// The line that a file ends in, if its newline is missing.
    pub(crate) fn open_line(&self, node: NodeId) -> Option<LineId> {
        let last = *self.contents[self.nodes[node].content].lines.last()?;
        (!self.lines[last.0 as usize].complete()).then_some(last)
    }

    /// Moves a file's times without a write.
    pub(crate) fn touch(&mut self, node: NodeId, wall: i64) {
        self.nodes[node].stamps.mtime = wall;
        self.nodes[node].stamps.ctime = wall;
    }

    /// The file of this name.
    pub(crate) fn find(&self, path: &Path) -> Option<NodeId> {
        self.names.get(path).copied()
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&Path, NodeId)> {
        self.names.iter().map(|(path, node)| (path.as_path(), *node))
    }

    /// Whether there is such a directory.
    pub(crate) fn has_dir(&self, path: &Path) -> bool {
        self.dirs.contains_key(path)
    }

    /// What the file that the kernel calls by the same name held before it held this.
    pub(crate) fn content_before(&self, content: ContentId) -> Option<ContentId> {
        let identity = |content: usize| self.identity(self.contents[content].node);
        (0..content).rev().find(|before| identity(*before) == identity(content))
    }

    /// What the kernel calls a node.
    pub(crate) fn identity(&self, node: NodeId) -> Identity {
        let Stamps { ino, birth, .. } = self.nodes[node].stamps;
        Identity { dev: self.dev, ino, btime: if self.births { birth } else { 0 } }
    }

    /// Whether the kernel calls a node so, or did before the device was mounted again.
    pub(crate) fn is_called(&self, node: NodeId, identity: Identity) -> bool {
        Identity { dev: identity.dev, ..self.identity(node) } == identity && identity.dev <= self.dev
    }

    /// What an open file's stat tells.
    pub(crate) fn stat(&self, node: NodeId) -> Meta {
        let Node { stamps, content, links, .. } = &self.nodes[node];
        let plain = self.contents[*content].bytes.len() as u64;
        let size = self.nodes[node].packed.map_or(plain, |_| compressed::size(plain));
        let (mtime, ctime) = (stamps.mtime, stamps.ctime);
        Meta { kind: Kind::File, identity: self.identity(node), size, mtime, ctime, links: *links }
    }

    /// What a path's stat tells.
    pub(crate) fn look(&self, path: &Path) -> Result<Meta, FileError> {
        if let Some(node) = self.find(path) {
            return Ok(self.stat(node));
        }
        let stamps = self.dirs.get(path).ok_or(FileError::NotFound)?;
        let identity =
            Identity { dev: self.dev, ino: stamps.ino, btime: if self.births { stamps.birth } else { 0 } };
        Ok(Meta { kind: Kind::Dir, identity, size: 4096, mtime: stamps.mtime, ctime: stamps.ctime, links: 2 })
    }

    /// A directory's entries.
    pub(crate) fn list(&self, dir: &Path) -> Result<Listing, FileError> {
        if !self.has_dir(dir) {
            return Err(FileError::NotFound);
        }
        let here = |path: &Path| path.parent() == Some(dir);
        let name = |path: &Path| path.file_name().unwrap_or_default().to_owned();
        let files = self.names.iter().filter(|(path, _)| here(path)).map(|(path, node)| Entry {
            name: name(path),
            kind: Kind::File,
            ino: self.nodes[*node].stamps.ino,
        });
        let dirs = self.dirs.iter().filter(|(path, _)| here(path)).map(|(path, stamps)| Entry {
            name: name(path),
            kind: Kind::Dir,
            ino: stamps.ino,
        });
        Ok(Listing { entries: files.chain(dirs).collect(), scanned: 0 })
    }

    /// One more handle holds the inode.
    pub(crate) fn hold(&mut self, node: NodeId) {
        self.nodes[node].opened += 1;
    }

    /// One handle less. Its number may be used again when neither name nor handle is left.
    pub(crate) fn release(&mut self, node: NodeId) {
        self.nodes[node].opened -= 1;
        self.reclaim(node);
    }

    fn drop_link(&mut self, node: NodeId, wall: i64) -> Option<NodeId> {
        let entry = &mut self.nodes[node];
        entry.links -= 1;
        entry.moved = true;
        entry.stamps.ctime = wall;
        let last = entry.links == 0;
        self.reclaim(node);
        last.then_some(node)
    }

    fn reclaim(&mut self, node: NodeId) {
        let entry = &self.nodes[node];
        let content = &mut self.contents[entry.content];
        if entry.links == 0 && entry.opened == 0 && !content.gone {
            content.gone = true;
            self.free.push(entry.stamps.ino);
        }
    }

    fn new_content(&mut self, node: NodeId) -> ContentId {
        let content = Content {
            node,
            bytes: Vec::new(),
            lines: Vec::new(),
            was: 0,
            cuts: Vec::new(),
            gone: false,
            truncated: false,
            copy_of: None,
        };
        self.contents.push(content);
        self.contents.len() - 1
    }

    fn stamp(&mut self, node: NodeId, wall: i64, now: u64) {
        self.touch(node, wall);
        self.nodes[node].written = now;
    }

    fn touch_parent(&mut self, path: &Path, wall: i64) {
        if let Some(stamps) = path.parent().and_then(|dir| self.dirs.get_mut(dir)) {
            stamps.mtime = wall;
            stamps.ctime = wall;
        }
    }
}
