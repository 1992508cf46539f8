//! The actions that are not answered yet, and which files are being read by them.

use super::Asked;
use crate::ids::{ActionId, FlowId, HandleId};
use crate::state::Identity;
use std::collections::{BTreeMap, BTreeSet};

/// What each unanswered action was for. Those that read are kept apart.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    asked: BTreeMap<ActionId, Asked>,
    /// Reads of followed files, and of the beginnings of files that were opened.
    reading: BTreeSet<ActionId>,
}

impl Unanswered {
    pub(super) fn insert(&mut self, id: ActionId, asked: Asked) {
        if asked.reads().is_some() || matches!(asked, Asked::Head(..)) {
            self.reading.insert(id);
        }
        self.asked.insert(id, asked);
    }

    pub(super) fn remove(&mut self, id: ActionId) -> Option<Asked> {
        self.reading.remove(&id);
        self.asked.remove(&id)
    }

    /// Whether anything is out that is only for this flow, or whose answer changes its place. What is encoded, its sender knows.
    pub(super) fn is_out_for(&self, flow: FlowId) -> bool {
        self.asked.values().any(|asked| asked.flow() == Some(flow))
    }

    /// Whether a file that was renamed while it was looked at is looked for.
    pub(super) fn is_looking_astray(&self) -> bool {
        self.asked.values().any(|asked| matches!(asked, Asked::Astray(_)))
    }

    /// Whether saved files are looked for beside their old paths.
    pub(super) fn is_looking_beside(&self) -> bool {
        self.asked.values().any(|asked| matches!(asked, Asked::Beside(..) | Asked::BesideTarget(..)))
    }

    /// Whether a file was opened once more, and its beginning is being read.
    pub(super) fn is_meeting(&self, identity: Identity) -> bool {
        let mut asked = self.reading.iter().filter_map(|id| self.asked.get(id));
        asked.any(|asked| matches!(asked, Asked::Head(_, _, meta) if meta.identity == identity))
    }

    /// Whether a read is out, be it one of a content that was lost.
    pub(super) fn is_reading(&self, handle: HandleId) -> bool {
        let mut reads = self.reading.iter().filter_map(|id| self.asked.get(id)?.reads());
        reads.any(|other| other == handle)
    }
}

impl Asked {
    /// The flow that it is for alone.
    fn flow(&self) -> Option<FlowId> {
        match self {
            Self::Read { cursor, .. } | Self::Seek { cursor, .. } | Self::Frame(cursor, _) => {
                Some(cursor.flow)
            }
            Self::Send(flow, _) | Self::Shards(flow) | Self::Letters(flow, ..) => Some(*flow),
            _ => None,
        }
    }

    /// The handle of a followed file, if it is read.
    fn reads(&self) -> Option<HandleId> {
        match self {
            Self::Read { handle, .. }
            | Self::Seek { handle, .. }
            | Self::Held(_, handle)
            | Self::LookIntoOriginal(_, _, handle) => Some(*handle),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_answered_once() {
        let mut unanswered = Unanswered::default();
        let file = crate::ids::FileId { run: crate::ids::RunId(1), number: 1 };
        unanswered.insert(ActionId(1), Asked::Look(file, "/log/a.log".into()));
        assert!(unanswered.remove(ActionId(1)).is_some());
        assert!(unanswered.remove(ActionId(1)).is_none());
    }
}
