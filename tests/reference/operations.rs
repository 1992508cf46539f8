//! What writers and rotators do to files, on the disk and in the model alike.

use crate::model::{NodeId, Standing, Twice};
use crate::plan::{Op, Style};
use crate::text;
use crate::world::{Due, World};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A line of so many blocks, or as many blocks more of one.
type Ink = (u32, Option<u32>);

impl World {
    /// Does one operation; those for which there is no file do nothing.
    pub(super) fn perform(&mut self, op: &Op) {
        self.listen();
        self.say(&format!("{op:?}"));
        match op {
            Op::Append { writer, lines } => self.append(*writer, lines),
            Op::Half { writer, blocks, part } => self.half(*writer, *blocks, *part),
            Op::Rotate { writer, reopen } => self.rotate(*writer, *reopen),
            Op::Reopen { writer } => self.reopen(*writer),
            Op::Truncate { writer } => self.truncate(*writer),
            Op::Copy { writer, after } => self.copy(*writer, *after),
            Op::Refill { writer, more } => self.refill(*writer, *more),
            Op::Delete { writer, reopen } => self.delete(*writer, *reopen),
            Op::RemoveDir { writer, reopen } => self.remove_dir(*writer, *reopen),
            Op::Prune { writer } => self.prune(*writer),
            Op::Link { writer } => self.link(*writer),
            Op::Touch { writer } => self.touch(*writer),
            Op::Away { writer } => self.away(*writer),
            Op::Back { writer } => self.back(*writer),
            Op::Lock { writer, lasts } => self.lock(*writer, *lasts),
            Op::Await => self.wait_until_shipped(),
            Op::Freeze { lasts } => self.freeze(*lasts),
            Op::Kill { down } => self.kill(*down),
            Op::Stop { down } => self.stop(*down),
        }
    }

    fn at(&self, path: &Path) -> PathBuf {
        self.logs.join(path)
    }

    fn live(&self, writer: usize) -> PathBuf {
        self.plan.writers[writer].path.clone()
    }

    fn is_link(&self, writer: usize) -> bool {
        self.plan.writers[writer].style == Style::Link
    }

    /// Whether the running agent has it open.
    fn is_open(&self, node: NodeId) -> bool {
        self.is_up() && self.daemon.has_open(self.model.nodes[node].identity)
    }

    /// Names of these files change.
    fn change(&mut self, nodes: &[NodeId], act: impl FnOnce(&mut Self)) {
        let before: Vec<bool> = nodes.iter().map(|node| self.is_open(*node)).collect();
        act(self);
        for (node, open) in nodes.iter().zip(before) {
            let open = open && self.is_open(*node);
            let reached = self.model.reaches(*node);
            self.model.settle(*node, reached, open);
            if self.model.nodes[*node].names.is_empty() {
                let content = self.model.content(*node);
                if content.copied.is_some() && content.size < 64 {
                    content.twice.insert(Twice::ShortAndDeleted);
                }
            }
        }
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let nodes: Vec<NodeId> = [from, to].iter().filter_map(|path| self.model.find(path)).collect();
        let (old, new) = (self.at(from), self.at(to));
        self.change(&nodes, |world| {
            if fs::rename(old, new).is_ok() {
                world.model.rename(from, to);
            }
        });
    }

    fn unlink(&mut self, path: &Path) {
        let nodes: Vec<NodeId> = self.model.find(path).into_iter().collect();
        let file = self.at(path);
        self.change(&nodes, |world| {
            if fs::remove_file(file).is_ok() {
                world.model.unlink(path);
            }
        });
    }

    /// Makes an empty file.
    fn create(&mut self, path: &Path) -> (File, NodeId) {
        let file = OpenOptions::new().create_new(true).append(true).open(self.at(path)).expect("a free name");
        let meta = file.metadata().expect("an open file");
        let node = self.model.create(path, (meta.dev(), meta.ino()));
        (file, node)
    }

    /// The live file, opened to append; it is made if need be.
    fn open_live(&mut self, writer: usize) -> (File, NodeId) {
        let path = self.live(writer);
        if let Some(node) = self.model.find(&path) {
            return (self.open(&path), node);
        }
        fs::create_dir_all(self.at(&path).parent().expect("a directory")).expect("a directory");
        if self.is_link(writer) { self.turn(writer) } else { self.create(&path) }
    }

    /// A file that its owner may not open just now can be opened again from now on.
    fn open(&self, path: &Path) -> File {
        let path = self.at(path);
        let open = || OpenOptions::new().append(true).open(&path);
        let unlock = |_| fs::set_permissions(&path, Permissions::from_mode(0o644));
        open().or_else(|error| unlock(error).and_then(|()| open())).expect("a file")
    }

    /// Has a writer's link lead to a new file.
    fn turn(&mut self, writer: usize) -> (File, NodeId) {
        self.pens[writer].rotations += 1;
        let target = self.plan.writers[writer].rotated(self.pens[writer].rotations);
        let (file, node) = self.create(&target);
        let (live, new) = (self.live(writer), self.at(Path::new("../data/new")));
        symlink(self.at(&target), &new).expect("a free name");
        let old: Vec<NodeId> = self.model.find(&live).into_iter().collect();
        self.change(&old, |world| {
            fs::rename(new, world.at(&live)).expect("a link");
            world.model.turn(&live, node);
        });
        (file, node)
    }

    /// What a writer has open; else its live file.
    fn pen(&mut self, writer: usize) -> (File, NodeId) {
        if self.pens[writer].open.is_none() {
            self.pens[writer].open = Some(self.open_live(writer));
        }
        let (file, node) = self.pens[writer].open.as_ref().expect("just opened");
        (file.try_clone().expect("a handle"), *node)
    }

    fn append(&mut self, writer: usize, lines: &[u32]) {
        let (file, node) = self.pen(writer);
        // An open half line is ended first.
        let open = self.model.is_open_ended(node).then_some(1);
        let ink: Vec<Ink> = open.iter().chain(lines).map(|blocks| (*blocks, None)).collect();
        let bytes = self.draw(node, &ink);
        self.put(&file, node, &bytes);
    }

    fn half(&mut self, writer: usize, blocks: u32, part: u32) {
        let (file, node) = self.pen(writer);
        if blocks > 1 || self.model.is_open_ended(node) {
            let bytes = self.draw(node, &[(blocks, Some(part))]);
            self.put(&file, node, &bytes);
        }
    }

    /// Lines, or parts of them, in the model; what is to be written for them.
    fn draw(&mut self, node: NodeId, ink: &[Ink]) -> String {
        let late = self.is_unwatched(node);
        let mut bytes = String::new();
        for (blocks, part) in ink {
            let (line, start) = self.model.write(node, *blocks, *part, late);
            let written = self.model.content(node).lines.last().expect("just written");
            text::write(&mut bytes, line, start..written.blocks);
            bytes.push_str(if written.complete { "\n" } else { "" });
        }
        bytes
    }

    /// And on the disk, at once.
    fn put(&mut self, mut file: &File, node: NodeId, bytes: &str) {
        file.write_all(bytes.as_bytes()).expect("written");
        let size = self.model.content(node).size;
        let from = size - bytes.len() as u64;
        if self.is_unwatched(node) {
            self.model.is_late(node, from);
        }
        let (content, last) = (self.model.nodes[node].content, self.model.lines.len().saturating_sub(1));
        self.say(&format!(
            "    content {content} of inode {node}: bytes {from}..{size}, up to line {last:05x}"
        ));
    }

    /// Whether nobody has to see what is written to a file now: no agent had it open when it lost its last followed name,
    /// or it was deleted, rested, and is closed by now or soon.
    fn is_unwatched(&mut self, node: NodeId) -> bool {
        let rested = self.model.nodes[node].written.elapsed() >= self.plan.close_after.mul_f32(0.8);
        let deleted = self.model.nodes[node].names.is_empty();
        match self.model.content(node).standing {
            Standing::Reachable => false,
            Standing::Held => deleted && rested || !self.is_open(node),
            Standing::Lost => true,
        }
    }

    fn reopen(&mut self, writer: usize) {
        self.pens[writer].open = None;
        self.pen(writer);
    }

    fn rotate(&mut self, writer: usize, reopen: bool) {
        let live = self.live(writer);
        let Some(node) = self.model.find(&live) else { return };
        if self.is_link(writer) {
            self.turn(writer);
        } else {
            self.is_moved(node);
            let to = self.make_way(writer);
            self.rename(&live, &to);
        }
        if reopen {
            self.reopen(writer);
        }
    }

    /// A file that nobody has read before loses its live name: which is older, it or its copy, nobody can tell then.
    fn is_moved(&mut self, node: NodeId) {
        let content = &self.model.contents[self.model.nodes[node].content];
        let known = content.lines.iter().any(|written| !self.book.of(written.line).is_empty());
        if content.copied.is_some() && !known {
            self.model.content(node).twice.insert(Twice::RotatedFirst);
        }
    }

    /// The name of the next rotated file, free; older ones are renamed.
    fn make_way(&mut self, writer: usize) -> PathBuf {
        let who = self.plan.writers[writer].clone();
        if let Style::Numbers { keep } = who.style {
            self.unlink(&who.rotated(keep));
            for number in (1..keep).rev() {
                self.rename(&who.rotated(number), &who.rotated(number + 1));
            }
            return who.rotated(1);
        }
        self.pens[writer].rotations += 1;
        who.rotated(self.pens[writer].rotations)
    }

    fn truncate(&mut self, writer: usize) {
        let live = self.live(writer);
        if let Some(node) = self.model.find(&live) {
            let file = self.open(&live);
            self.cut(&file, node);
        }
    }

    pub(super) fn cut(&mut self, file: &File, node: NodeId) {
        self.listen();
        file.set_len(0).expect("an open file");
        self.model.truncate(node);
        self.say(&format!("    inode {node} is cut to nothing"));
    }

    /// What is there a link leads to is copied under no rotated name.
    fn copy(&mut self, writer: usize, after: Duration) {
        let live = self.live(writer);
        let Some(node) = self.model.find(&live).filter(|_| !self.is_link(writer)) else { return };
        let file = self.open(&live);
        let Ok(bytes) = fs::read(self.at(&live)) else { return };
        let name = self.make_way(writer);
        let (mut copy, copied) = self.create(&name);
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        copy.write_all(first).and_then(|()| copy.write_all(rest)).expect("written");
        self.model.copy(node, copied);
        self.say(&format!("    inode {copied} is a copy of inode {node}"));
        self.later(after, Due::Cut(file, node));
    }

    /// Cuts to nothing, and writes lines as long as those that were there, the last one less or more; all between two
    /// looks.
    fn refill(&mut self, writer: usize, more: i32) {
        let live = self.live(writer);
        let Some(node) = self.model.find(&live) else { return };
        let file = self.open(&live);
        let before = self.model.content(node).lines.iter();
        let mut ink: Vec<Ink> = before.map(|line| (line.blocks.max(1), None)).collect();
        match more {
            ..0 => drop(ink.pop()),
            0 => {}
            1.. => ink.push((7, None)),
        }
        self.listen();
        self.model.truncate(node);
        let bytes = self.draw(node, &ink);
        file.set_len(0).expect("an open file");
        self.put(&file, node, &bytes);
    }

    fn delete(&mut self, writer: usize, reopen: bool) {
        self.unlink(&self.live(writer));
        if reopen {
            self.pens[writer].open = None;
        }
    }

    fn remove_dir(&mut self, writer: usize, reopen: bool) {
        let live = self.live(writer);
        let dir = live.parent().expect("a directory");
        for name in self.model.names_below(dir) {
            if !name.starts_with("..") {
                self.unlink(&name);
            }
        }
        let _ = fs::remove_dir_all(self.at(dir));
        if reopen {
            self.pens[writer].open = None;
        }
    }

    fn prune(&mut self, writer: usize) {
        let who = self.plan.writers[writer].clone();
        let most = self.pens[writer].rotations.max(4);
        let mut names =
            (1..=most).map(|number| who.rotated(number)).filter(|path| self.model.find(path).is_some());
        let oldest =
            if matches!(who.style, Style::Numbers { .. }) { names.next_back() } else { names.next() };
        if let Some(oldest) = oldest {
            self.unlink(&oldest);
        }
    }

    fn link(&mut self, writer: usize) {
        let (from, to) = (self.live(writer), PathBuf::from(format!("also{writer}.log")));
        let Some(node) = self.model.find(&from).filter(|_| !self.is_link(writer)) else { return };
        if fs::hard_link(self.at(&from), self.at(&to)).is_ok() {
            self.model.link(node, &to);
        }
    }

    fn touch(&mut self, writer: usize) {
        let live = self.live(writer);
        if self.model.find(&live).is_some() {
            self.open(&live).set_modified(SystemTime::now()).expect("the owner may");
        }
    }

    /// Another directory, which only some patterns lead to.
    fn elsewhere(&self, writer: usize) -> PathBuf {
        Path::new("attic").join(self.live(writer).file_name().expect("a name"))
    }

    fn away(&mut self, writer: usize) {
        let (live, to) = (self.live(writer), self.elsewhere(writer));
        let Some(node) = self.model.find(&live).filter(|_| !self.is_link(writer)) else { return };
        if self.model.find(&to).is_none() {
            self.is_moved(node);
            fs::create_dir_all(self.at(Path::new("attic"))).expect("a directory");
            self.rename(&live, &to);
        }
    }

    fn back(&mut self, writer: usize) {
        let (live, from) = (self.live(writer), self.elsewhere(writer));
        if self.model.find(&live).is_none() && self.model.find(&from).is_some() {
            self.rename(&from, &live);
        }
    }

    fn lock(&mut self, writer: usize, lasts: Duration) {
        let live = self.live(writer);
        if self.model.find(&live).is_none() {
            return;
        }
        let file = self.open(&live);
        let before = file.metadata().expect("an open file").permissions();
        if before.mode() & 0o777 != 0 {
            file.set_permissions(Permissions::from_mode(0)).expect("the owner may");
            self.later(lasts, Due::Unlock(file, before));
        }
    }
}
