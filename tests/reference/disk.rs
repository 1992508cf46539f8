//! Changes of files, on the disk and in the model alike.

use crate::content::{NodeId, Standing, Twice};
use crate::plan::Style;
use crate::text;
use crate::world::World;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// A line of so many blocks, or as many blocks more of one.
pub(crate) type Ink = (u32, Option<u32>);

impl World {
    pub(crate) fn at(&self, path: &Path) -> PathBuf {
        self.logs.join(path)
    }

    pub(crate) fn live(&self, writer: usize) -> PathBuf {
        self.plan.writers[writer].path.clone()
    }

    pub(crate) fn is_link(&self, writer: usize) -> bool {
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

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) {
        let nodes: Vec<NodeId> = [from, to].iter().filter_map(|path| self.model.find(path)).collect();
        let (old, new) = (self.at(from), self.at(to));
        self.change(&nodes, |world| {
            if fs::rename(old, new).is_ok() {
                world.model.rename(from, to);
            }
        });
    }

    pub(crate) fn unlink(&mut self, path: &Path) {
        let nodes: Vec<NodeId> = self.model.find(path).into_iter().collect();
        let file = self.at(path);
        self.change(&nodes, |world| {
            if fs::remove_file(file).is_ok() {
                world.model.unlink(path);
            }
        });
    }

    /// Makes an empty file.
    pub(crate) fn create(&mut self, path: &Path) -> (File, NodeId) {
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
    pub(crate) fn open(&self, path: &Path) -> File {
        let path = self.at(path);
        let open = || OpenOptions::new().append(true).open(&path);
        let unlock = |_| fs::set_permissions(&path, Permissions::from_mode(0o644));
        open().or_else(|error| unlock(error).and_then(|()| open())).expect("a file")
    }

    /// Has a writer's link lead to a new file.
    pub(crate) fn turn(&mut self, writer: usize) -> (File, NodeId) {
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
    pub(crate) fn pen(&mut self, writer: usize) -> (File, NodeId) {
        if self.pens[writer].open.is_none() {
            self.pens[writer].open = Some(self.open_live(writer));
        }
        let (file, node) = self.pens[writer].open.as_ref().expect("just opened");
        (file.try_clone().expect("a handle"), *node)
    }

    /// Lines, or parts of them, in the model; what is to be written for them.
    pub(crate) fn draw(&mut self, node: NodeId, ink: &[Ink]) -> String {
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
    pub(crate) fn put(&mut self, mut file: &File, node: NodeId, bytes: &str) {
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

    pub(crate) fn cut(&mut self, file: &File, node: NodeId) {
        self.listen();
        file.set_len(0).expect("an open file");
        self.model.truncate(node);
        self.say(&format!("    inode {node} is cut to nothing"));
    }
}
