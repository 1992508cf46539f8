//! What writers and rotators do.

use crate::content::{NodeId, Twice};
use crate::disk::Ink;
use crate::plan::{Op, Style};
use crate::world::{Due, World};
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

impl World {
    /// Does one operation; those for which there is no file do nothing.
    pub(crate) fn perform(&mut self, op: &Op) {
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
            file.set_permissions(Permissions::from_mode(0o000)).expect("the owner may");
            self.later(lasts, Due::Unlock(file, before));
        }
    }
}
