//! Compressed files on the virtual disk. What they hold is kept as plain text.

use super::{ContentId, Disk, NodeId, Packed};
use kintail_engine::event::{Codec, Measured, PlainEnd};
use std::path::Path;

/// What a compressed file begins with on the disk, if anybody reads it so.
const RAW: &[u8] = b"\x1f\x8b\x08 nobody wrote this";

/// Bytes of a compressed file on the disk.
pub(super) fn size(plain: u64) -> u64 {
    RAW.len() as u64 + plain / 4
}

impl Disk {
    /// Begins to write what a file holds to a free name, compressed.
    pub(crate) fn begin_compressed(
        &mut self,
        from: NodeId,
        to: &Path,
        codec: Codec,
        wall: i64,
        now: u64,
    ) -> NodeId {
        let node = self.create(to, wall, now);
        let original = self.nodes[from].content;
        let origin = self.origin(original);
        let bytes = self.contents[original].bytes.clone();
        let copy = &mut self.contents[self.nodes[node].content];
        copy.bytes = bytes;
        copy.copy_of = Some(origin);
        self.nodes[node].packed = Some(Packed { codec, whole: false });
        node
    }

    /// Ends it: all that the original content has come to hold is there, unless it was truncated meanwhile, with the time
    /// of its last write.
    pub(crate) fn end_compressed(&mut self, node: NodeId, from: NodeId, content: ContentId, wall: i64) {
        let copy = self.nodes[node].content;
        if !self.contents[content].truncated {
            self.contents[copy].bytes = self.contents[content].bytes.clone();
        }
        if let Some(packed) = &mut self.nodes[node].packed {
            packed.whole = true;
        }
        self.nodes[node].stamps.mtime = self.nodes[from].stamps.mtime;
        self.nodes[node].stamps.ctime = wall;
    }

    /// What can be read of a file, if it is opened as one that is compressed so.
    pub(crate) fn text(&self, node: NodeId, codec: Option<Codec>) -> &[u8] {
        let bytes = &self.contents[self.nodes[node].content].bytes;
        match (self.nodes[node].packed, codec) {
            (None, None) => bytes,
            (Some(packed), Some(codec)) if packed.codec == codec => {
                &bytes[..if packed.whole { bytes.len() } else { bytes.len() / 2 }]
            }
            (Some(_), None) => RAW,
            (_, Some(_)) => &[],
        }
    }

    /// Whether a compressed copy of a content is gone.
    pub(crate) fn has_lost_compressed(&self, content: ContentId) -> bool {
        let mut copies = self.contents.iter().filter(|copy| copy.copy_of == Some(content));
        copies.any(|copy| self.nodes[copy.node].packed.is_some() && self.nodes[copy.node].links == 0)
    }

    /// A compressed file, decoded to its end.
    pub(crate) fn measure(&self, node: NodeId, codec: Option<Codec>) -> Measured {
        let size = self.text(node, codec).len() as u64;
        let end = match self.nodes[node].packed {
            Some(packed) if Some(packed.codec) == codec && packed.whole => PlainEnd::Whole,
            Some(packed) if Some(packed.codec) == codec => PlainEnd::Unfinished,
            // Nothing is there yet.
            None if self.stat(node).size == 0 => PlainEnd::Unfinished,
            _ => PlainEnd::Damaged { bytes: self.stat(node).size, why: "another format".into() },
        };
        Measured { size, end, meta: self.stat(node) }
    }
}
