//! What is known of an inode, of what it held, and of the lines in that.

use crate::text::{BLOCK, LineId};
use std::collections::BTreeSet;
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
    /// It was shorter than 64 bytes, and inodes do not tell when they were made.
    ShortAndUndated,
    /// It was copied twice.
    TwoCopies,
    /// It was copied and had a second name.
    LinkedCopy,
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
    /// It was lost, and came back with so many bytes, of which some may have been given up.
    pub(crate) returned: u64,
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

impl Node {
    /// A new file.
    pub(crate) fn new(content: ContentId, path: &Path, identity: (u64, u64)) -> Self {
        let names = BTreeSet::from([path.to_path_buf()]);
        let had = names.clone();
        Self { content, identity, names, had, moved: None, linked: false, written: Instant::now() }
    }
}

impl Content {
    /// An empty one.
    pub(crate) fn new(node: NodeId, standing: Standing) -> Self {
        Self {
            node,
            size: 0,
            lines: Vec::new(),
            standing,
            lost: None,
            returned: 0,
            copy_of: None,
            copied: None,
            twice: BTreeSet::new(),
        }
    }

    /// It is not owed any more.
    pub(crate) fn lose(&mut self) {
        self.standing = Standing::Lost;
        self.lost = Some(Instant::now());
    }
}
