//! The programs that write, rotate and destroy logs, and the notices the kernel gives of it.

use super::disk::{ContentId, NodeId};
use super::{What, World};
use crate::plan::setup::{ARCHIVE, LINKS, ROOT, Scope, Style};
use crate::text::LineId;
use kintail_engine::event::{Codec, Notice};
use std::path::{Path, PathBuf};

/// A program that writes a log.
#[derive(Debug, Default)]
pub(crate) struct Pen {
    /// What it has open.
    node: Option<NodeId>,
    /// Rotated files made.
    rotations: u32,
}

/// What a write adds.
pub(crate) enum Ink<'a> {
    /// Complete lines of these lengths.
    Lines(&'a [u32]),
    /// Some blocks of a line of this length.
    Half { body: u32, part: u32 },
}

impl World {
    /// Writes to what a writer has open, or to a new live file. Tells whether that was made, and its directory.
    pub(super) fn write(&mut self, writer: usize, ink: &Ink) -> (bool, bool) {
        let made = match self.pens[writer].node {
            Some(_) => (false, false),
            None => self.open_live(writer),
        };
        let Some(node) = self.pens[writer].node else { return made };
        let content = self.disk.nodes[node].content;
        let from = self.disk.contents[content].bytes.len() as u64;
        let before = self.disk.nodes[node].written;
        let (wall, now) = (self.stamp(), self.now);
        let open = self.disk.open_line(node);
        match ink {
            Ink::Lines(lines) => {
                if let Some(line) = open {
                    self.disk.write_line(line, None, wall, now);
                }
                for body in *lines {
                    let line = self.begin_line(node, *body);
                    self.disk.write_line(line, None, wall, now);
                }
            }
            Ink::Half { body, part } => {
                let line = open.unwrap_or_else(|| self.begin_line(node, *body));
                let written = self.disk.lines[line.0 as usize].written;
                self.disk.write_line(line, Some(written + u64::from(*part) * 8), wall, now);
            }
        }
        self.oracle.wrote(&self.disk, content, from, before, now);
        self.notice_content(node);
        made
    }

    /// A content that takes another's place does not begin with an empty line as that one may have: a refill with the
    /// bytes that were there before cannot be told.
    fn begin_line(&mut self, node: NodeId, body: u32) -> LineId {
        let content = self.disk.nodes[node].content;
        let second =
            self.disk.contents[content].bytes.is_empty() && self.disk.content_before(content).is_some();
        self.disk.begin_line(node, if second && body == 0 { 5 } else { body as usize })
    }

    /// Writes to the live file, whatever the writer has open.
    pub(super) fn write_live(&mut self, writer: usize, ink: &Ink) {
        let open = self.pens[writer].node;
        self.pens[writer].node = self.disk.find(&self.plan.setup.writers[writer].path);
        self.write(writer, ink);
        self.pens[writer].node = open;
    }

    /// Opens the live file, and makes it and its directory if need be.
    fn open_live(&mut self, writer: usize) -> (bool, bool) {
        let path = self.plan.setup.writers[writer].path.clone();
        let wall = self.stamp();
        let mut dirs = Vec::new();
        let mut made = false;
        let node = self.disk.find(&path).unwrap_or_else(|| {
            made = true;
            dirs = self.disk.make_dir(path.parent().unwrap_or(Path::new("/")), wall);
            self.disk.create(&path, wall, self.now)
        });
        for dir in &dirs {
            self.notice_entries(dir);
        }
        if made {
            self.notice_entries(&path);
        }
        self.disk.hold(node);
        self.pens[writer].node = Some(node);
        (made, !dirs.is_empty())
    }

    /// Renames the live file, and older ones before it. Tells whether there was one.
    pub(super) fn rotate(&mut self, writer: usize, reopen: bool) -> bool {
        let Some(name) = self.make_way(writer) else { return false };
        let live = self.plan.setup.writers[writer].path.clone();
        if let Some(node) = self.disk.find(&live) {
            self.oracle.moved(&self.disk, node);
        }
        self.rename(&live, &name);
        if reopen {
            self.reopen(writer);
        }
        true
    }

    /// Copies the live file, and cuts it to nothing `after` that. Tells whether there was one.
    pub(super) fn copy(&mut self, writer: usize, after: u64) -> bool {
        let Some(name) = self.make_way(writer) else { return false };
        let live = self.plan.setup.writers[writer].path.clone();
        let wall = self.stamp();
        let Some(node) = self.disk.find(&live) else { return false };
        let Some(copy) = self.disk.copy(&live, &name, wall, self.now) else { return false };
        self.oracle.copied(&self.disk, copy);
        self.notice_entries(&name);
        self.to_be_cut.insert(node);
        self.queue.put(self.now + after, What::Cut(node));
        true
    }

    /// Compresses the youngest rotated file that is not. Tells whether there was one.
    pub(super) fn compress(&mut self, writer: usize, after: u64) -> bool {
        let who = &self.plan.setup.writers[writer];
        let most = self.pens[writer].rotations.max(4);
        let mut names = (1..=most).map(|number| (who.rotated(number), who.compressed(number)));
        let free = |(plain, compressed): &(PathBuf, PathBuf)| {
            self.disk.find(plain).is_some() && self.disk.find(compressed).is_none()
        };
        let found = match who.style {
            Style::Numbers { .. } => names.find(free),
            Style::Date | Style::Stem => names.rfind(free),
        };
        let Some((plain, compressed)) = found else { return false };
        let Some(from) = self.disk.find(&plain) else { return false };
        // Nobody rotates one file in two ways.
        if self.to_be_cut.contains(&from) {
            return false;
        }
        let wall = self.stamp();
        let to = self.disk.begin_compressed(from, &compressed, Codec::Gzip, wall, self.now);
        self.notice_entries(&compressed);
        let content = self.disk.nodes[from].content;
        self.queue.put(self.now + after, What::Compressed { plain, from, content, to });
        true
    }

    /// A file is compressed. What it was made of goes, if it is still under its name.
    pub(super) fn compressed(&mut self, plain: &Path, from: NodeId, content: ContentId, to: NodeId) {
        let wall = self.stamp();
        self.disk.end_compressed(to, from, content, wall);
        self.notice_content(to);
        self.oracle.compressed(&self.disk, self.disk.nodes[to].content);
        if self.disk.find(plain) == Some(from) {
            self.unlink(plain);
        }
    }

    pub(super) fn cut(&mut self, node: NodeId) {
        self.to_be_cut.remove(&node);
        let wall = self.stamp();
        let gone = self.disk.truncate(node, wall, self.now);
        self.oracle.gone(&self.disk, gone, true);
        // It may have been deleted since it was copied.
        self.mourn(node);
        self.notice_content(node);
    }

    /// The name of the next rotated file, free; older ones are renamed. None where there is no live file.
    fn make_way(&mut self, writer: usize) -> Option<PathBuf> {
        let who = self.plan.setup.writers[writer].clone();
        self.disk.find(&who.path)?;
        if who.archives {
            let wall = self.stamp();
            for dir in self.disk.make_dir(Path::new(ARCHIVE), wall) {
                self.notice_entries(&dir);
            }
        }
        let number = match who.style {
            Style::Numbers { keep } => {
                self.unlink(&who.rotated(keep));
                self.unlink(&who.compressed(keep));
                for number in (1..keep).rev() {
                    self.rename(&who.rotated(number), &who.rotated(number + 1));
                    self.rename(&who.compressed(number), &who.compressed(number + 1));
                }
                1
            }
            Style::Date | Style::Stem => {
                self.pens[writer].rotations += 1;
                self.pens[writer].rotations
            }
        };
        Some(who.rotated(number))
    }

    /// Lets go of what a writer has open, and opens the live file.
    pub(super) fn reopen(&mut self, writer: usize) {
        self.put_down(writer);
        self.open_live(writer);
    }

    fn put_down(&mut self, writer: usize) {
        if let Some(node) = self.pens[writer].node.take() {
            self.disk.release(node);
            self.mourn(node);
        }
    }

    /// Cuts the live file to nothing; tells how long it was.
    pub(super) fn truncate(&mut self, writer: usize) -> Option<u64> {
        let path = self.plan.setup.writers[writer].path.clone();
        let node = self.disk.find(&path)?;
        let wall = self.stamp();
        let gone = self.disk.truncate(node, wall, self.now);
        self.oracle.gone(&self.disk, gone, true);
        self.notice_content(node);
        Some(self.disk.contents[gone].bytes.len() as u64)
    }

    /// Removes the live file.
    pub(super) fn delete(&mut self, writer: usize, reopen: bool) -> bool {
        let path = self.plan.setup.writers[writer].path.clone();
        let there = self.unlink(&path);
        if reopen {
            self.put_down(writer);
        }
        there
    }

    /// Removes the live file's directory with all that is below it. The kernel ends the watches on it.
    pub(super) fn remove_dir(&mut self, writer: usize, reopen: bool) -> bool {
        let path = self.plan.setup.writers[writer].path.clone();
        let dir = path.parent().unwrap_or(Path::new(ROOT));
        for name in self.disk.names_below(dir) {
            self.unlink(&name);
        }
        let wall = self.stamp();
        let gone = self.disk.remove_dir(dir, wall);
        for dir in &gone {
            self.notify(dir, &Notice::Entries { dir: dir.clone() });
            self.notify(dir, &Notice::WatchEnded { dir: dir.clone() });
            self.agent.as_mut().map(|agent| agent.watches.remove(dir));
            self.notice_entries(dir);
        }
        if reopen {
            self.put_down(writer);
        }
        !gone.is_empty()
    }

    /// Removes the oldest rotated file.
    pub(super) fn prune(&mut self, writer: usize) -> bool {
        let who = &self.plan.setup.writers[writer];
        let most = self.pens[writer].rotations.max(4);
        let mut names = (1..=most).flat_map(|number| [who.rotated(number), who.compressed(number)]);
        let oldest = match who.style {
            Style::Numbers { .. } => names.rfind(|path| self.disk.find(path).is_some()),
            Style::Date | Style::Stem => names.find(|path| self.disk.find(path).is_some()),
        };
        oldest.is_some_and(|path| self.unlink(&path))
    }

    /// Gives the live file a second name, once: above all others; or beside them, where every flow follows it.
    pub(super) fn link(&mut self, writer: usize) -> bool {
        let from = self.plan.setup.writers[writer].path.clone();
        let wide = self.plan.setup.scopes.iter().all(|scope| *scope == Scope::All);
        let dir = if wide { LINKS } else { ROOT };
        let to = format!("{dir}/also{writer}.log");
        let wall = self.stamp();
        if self.disk.find(&from).is_some() {
            for made in self.disk.make_dir(Path::new(dir), wall) {
                self.notice_entries(&made);
            }
        }
        let made = self.disk.link(&from, Path::new(&to), wall);
        if made {
            self.notice_entries(Path::new(&to));
            let node = self.disk.find(&from).expect("it has another name now");
            self.oracle.linked(self.disk.nodes[node].content);
        }
        made
    }

    /// Moves the live file's times.
    pub(super) fn touch(&mut self, writer: usize) {
        let wall = self.stamp();
        if let Some(node) = self.disk.find(&self.plan.setup.writers[writer].path) {
            self.disk.touch(node, wall);
            self.notice_content(node);
        }
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let wall = self.stamp();
        if let Some(lost) = self.disk.rename(from, to, wall) {
            self.mourn(lost);
        }
        self.notice_entries(from);
        self.notice_entries(to);
    }

    fn unlink(&mut self, path: &Path) -> bool {
        let wall = self.stamp();
        let there = self.disk.find(path).is_some();
        if let Some(node) = self.disk.unlink(path, wall) {
            self.mourn(node);
        }
        if there {
            self.notice_entries(path);
        }
        there
    }

    /// Tells the oracle if an inode that lost a name or a handle cannot be read any more.
    pub(super) fn mourn(&mut self, node: NodeId) {
        let readable = self.agent.as_ref().is_some_and(|agent| agent.holds(node));
        if self.disk.nodes[node].links == 0 && !readable {
            let content = self.disk.nodes[node].content;
            self.oracle.gone(&self.disk, content, false);
        }
    }

    fn notice_content(&mut self, node: NodeId) {
        let paths: Vec<PathBuf> =
            self.disk.names().filter(|name| name.1 == node).map(|name| name.0.into()).collect();
        for path in paths {
            if let Some(dir) = path.parent() {
                self.notify(dir, &Notice::Content { path: path.clone() });
            }
        }
    }

    fn notice_entries(&mut self, path: &Path) {
        if let Some(dir) = path.parent() {
            self.notify(dir, &Notice::Entries { dir: dir.to_path_buf() });
        }
    }
}
