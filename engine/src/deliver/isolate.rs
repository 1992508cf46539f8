//! Finding the record that a service refuses: a refused batch is halved until single records are left. A record is
//! to blame only if others of the same batch were accepted; if every part is refused, the flow is wrong.

use super::Batch;
use crate::destination::Failure;
use std::collections::BTreeMap;

/// A batch that is being taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupId(u64);

/// Batches that are being taken apart.
#[derive(Debug, Default)]
pub struct Groups {
    next: u64,
    groups: BTreeMap<GroupId, Group>,
}

#[derive(Debug, Default)]
struct Group {
    /// Parts that are not judged yet.
    open: u32,
    /// A part was accepted.
    accepted: bool,
    /// Single records that were refused.
    suspects: Vec<(Batch, Failure)>,
}

/// What became of a batch that was taken apart.
#[derive(Debug)]
pub enum Judged {
    /// Parts of it are not judged yet.
    Open,
    /// Others were accepted: these records are to blame.
    Guilty(Vec<(Batch, Failure)>),
    /// Nothing was accepted: the flow is wrong. All is to be kept.
    AllRefused(Vec<(Batch, Failure)>),
}

impl Groups {
    /// A refused batch of several records becomes two: of the same group, or of a new one.
    pub fn split(&mut self, group: Option<GroupId>) -> GroupId {
        let id = group.unwrap_or_else(|| {
            self.next += 1;
            GroupId(self.next)
        });
        let entry = self.groups.entry(id).or_default();
        entry.open += if group.is_some() { 1 } else { 2 };
        id
    }

    /// A part of the group was accepted, at least in part.
    pub fn accepted(&mut self, id: GroupId) -> Judged {
        if let Some(group) = self.groups.get_mut(&id) {
            group.accepted = true;
            group.open -= 1;
        }
        self.judge(id)
    }

    /// A single record was refused.
    pub fn refused(&mut self, id: GroupId, suspect: Batch, failure: Failure) -> Judged {
        if let Some(group) = self.groups.get_mut(&id) {
            group.suspects.push((suspect, failure));
            group.open -= 1;
        }
        self.judge(id)
    }

    /// Records that wait for a verdict.
    pub fn suspects(&self) -> usize {
        self.groups.values().map(|group| group.suspects.len()).sum()
    }

    fn judge(&mut self, id: GroupId) -> Judged {
        match self.groups.get(&id) {
            Some(group) if group.open == 0 => {}
            _ => return Judged::Open,
        }
        let group = self.groups.remove(&id).unwrap_or_default();
        if group.accepted { Judged::Guilty(group.suspects) } else { Judged::AllRefused(group.suspects) }
    }
}
