//! What an unanswered action was for, and which concern its answer goes to.

use super::meeting::Meeting;
use super::tree::{Sighting, Stray};
use super::{Engine, read};
use crate::encode::BatchId;
use crate::event::{Letter, Meta, Now, Outcome};
use crate::follow::Stage;
use crate::ids::{CursorId, FileId, FlowId, HandleId, Span};
use crate::job::JobDone;
use crate::state::Check;
use std::path::PathBuf;

/// What an unanswered action was for.
#[derive(Debug)]
pub(super) enum Asked {
    Load,
    /// What the store has of flows that are new in the configuration.
    LoadArriving,
    Save,
    Watch(PathBuf),
    List(PathBuf),
    /// Files are looked for by their inodes, beside their old paths.
    Beside(PathBuf, Vec<FileId>),
    /// ... beside what the link leads to by which they were followed.
    BesideTarget(PathBuf, Vec<FileId>),
    /// Whether a closed file has changed.
    Look(FileId, PathBuf),
    /// How it stands with a file that may be deleted.
    Deleted(FileId, HandleId),
    /// A file lost its name before it was opened, and is looked for by its inode.
    Astray(Stray),
    /// A rotated name that no glob leads to: what is behind it?
    LookAtKin(Sighting),
    /// A compressed name: may what is behind it be wanted?
    LookAtCompressed(Sighting),
    Open(Sighting, HandleId),
    Head(Sighting, HandleId, Meta),
    /// Whether a compressed file is whole.
    Measure(Box<Meeting>),
    /// What its original has where it ends itself.
    LookIntoOriginal(Box<Meeting>, FileId, HandleId),
    /// Whether it has what its original had before this place.
    Verify(Box<Meeting>, FileId, Check),
    Read {
        cursor: CursorId,
        handle: HandleId,
        plan: read::Plan,
    },
    Seek {
        cursor: CursorId,
        handle: HandleId,
        stage: Stage,
        span: Span,
    },
    Frame(CursorId, read::Reading),
    Encode,
    Send(FlowId, BatchId),
    Resend,
    Shards(FlowId),
    /// With bytes booked for them.
    Letters(FlowId, Vec<Letter>, u64),
    /// It cannot be opened, but may be another name of a file that is open.
    LookInstead(Sighting),
    /// Whether a file that is held back is a copy.
    Held(FileId, HandleId),
    /// A file is closed so that this can be opened.
    Room(Sighting),
    /// A file is closed.
    Close,
    /// Nothing depends on the answer.
    Nothing,
}

impl Engine {
    pub(super) fn answered(&mut self, asked: Asked, outcome: Outcome, now: Now) {
        match (asked, outcome) {
            (Asked::Load, Outcome::Loaded(saved)) => self.loaded(*saved, now),
            (Asked::LoadArriving, Outcome::Loaded(saved)) => self.arrive(*saved, now),
            (Asked::Save, Outcome::Saved(result)) => self.saved(result, now),
            (Asked::Watch(dir), Outcome::Watched(result)) => self.watched(&dir, result, now),
            (Asked::List(dir), Outcome::Listed(result)) => self.listed(&dir, result, now),
            (Asked::Beside(dir, files), Outcome::Listed(result)) => {
                self.looked_beside(&dir, files, result, now);
            }
            (Asked::BesideTarget(link, files), Outcome::Followed(result)) => {
                self.followed_link(&link, files, result, now);
            }
            (Asked::Astray(stray), Outcome::Listed(result)) => self.looked_astray(stray, result),
            (Asked::Look(file, path), Outcome::Looked(result)) => self.looked(file, &path, &result),
            (Asked::LookAtKin(sighting), Outcome::Looked(result)) => {
                self.looked_at_kin(sighting, result, now);
            }
            (Asked::LookAtCompressed(sighting), Outcome::Looked(result)) => {
                self.looked_at_compressed(sighting, result, now);
            }
            (Asked::Measure(meeting), Outcome::Measured(result)) => self.measured(meeting, result, now),
            (Asked::LookIntoOriginal(meeting, original, _), Outcome::Read(result)) => {
                self.looked_into_original(meeting, original, result, now);
            }
            (Asked::Verify(meeting, original, check), Outcome::Read(result)) => {
                self.verified(meeting, original, check, result, now);
            }
            (Asked::Deleted(file, handle), Outcome::LookedDeleted(result)) => {
                self.looked_deleted(file, handle, result, now);
            }
            (Asked::Open(sighting, handle), Outcome::Opened(result)) => {
                self.opened(sighting, handle, result, now);
            }
            (Asked::Head(sighting, handle, meta), Outcome::Read(result)) => {
                self.head_read(sighting, handle, meta, result, now);
            }
            (Asked::Read { cursor, handle, plan }, Outcome::Read(result)) => {
                self.read(cursor, handle, plan, result, now);
            }
            (Asked::Held(file, _), Outcome::Read(result)) => self.looked_at_held(file, result, now),
            (Asked::Seek { cursor, stage, span, .. }, Outcome::Read(result)) => {
                self.sought(cursor, stage, span, result, now);
            }
            (Asked::Frame(cursor, read), Outcome::Computed(done)) => {
                if let JobDone::Framed(framed) = *done {
                    self.framed(cursor, read, framed, now);
                }
            }
            (Asked::Encode, Outcome::Computed(done)) => {
                if let JobDone::Encoded(encoded) = *done {
                    self.encoded(encoded, now);
                }
            }
            (Asked::Send(flow, batch), Outcome::Sent(answer)) => self.sent(flow, batch, &answer, now),
            (Asked::LookInstead(sighting), Outcome::Looked(result)) => {
                self.looked_instead(sighting, result, now);
            }
            (Asked::Room(sighting), Outcome::Closed) => self.has_room(sighting),
            (Asked::Close, Outcome::Closed) => self.may_have_room(),
            (Asked::Shards(flow), Outcome::ShardsListed(answer)) => {
                self.shards_listed(flow, Some(&answer), now);
            }
            (Asked::Resend, Outcome::Sent(answer)) => self.resent(Some(&answer), now),
            (Asked::Letters(flow, letters, booked), Outcome::DeadLettered(result)) => {
                self.lettered(flow, letters, booked, result, now);
            }
            (asked, _) => self.cancelled(asked, now),
        }
    }

    /// An action was given up, or answered with another kind of outcome: free what it held.
    fn cancelled(&mut self, asked: Asked, now: Now) {
        let gave_up = || crate::event::FileError::Other("given up".into());
        match asked {
            Asked::Read { cursor, handle, plan } => self.read(cursor, handle, plan, Err(gave_up()), now),
            Asked::Seek { cursor, stage, span, .. } => self.sought(cursor, stage, span, Err(gave_up()), now),
            Asked::LookAtKin(sighting) => self.looked_at_kin(sighting, Err(gave_up()), now),
            Asked::LookAtCompressed(sighting) => self.looked_at_compressed(sighting, Err(gave_up()), now),
            Asked::Measure(meeting) => self.measured(meeting, Err(gave_up()), now),
            Asked::LookIntoOriginal(meeting, id, _) => {
                self.looked_into_original(meeting, id, Err(gave_up()), now);
            }
            Asked::Verify(meeting, id, check) => self.verified(meeting, id, check, Err(gave_up()), now),
            Asked::Open(sighting, handle) => self.opened(sighting, handle, Err(gave_up()), now),
            Asked::Head(sighting, handle, meta) => {
                self.head_read(sighting, handle, meta, Err(gave_up()), now);
            }
            Asked::Held(file, _) => self.looked_at_held(file, Err(gave_up()), now),
            Asked::List(dir) => self.listed(&dir, Err(gave_up()), now),
            Asked::Watch(dir) => self.watched(&dir, Err(gave_up()), now),
            Asked::BesideTarget(link, files) => self.followed_link(&link, files, Err(gave_up()), now),
            Asked::Beside(dir, files) => self.looked_beside(&dir, files, Err(gave_up()), now),
            Asked::Save => self.saved(Err(crate::event::StoreError("given up".into())), now),
            Asked::Letters(flow, letters, booked) => {
                self.lettered(flow, letters, booked, Err(gave_up()), now);
            }
            Asked::Shards(flow) => self.shards_listed(flow, None, now),
            Asked::Resend => self.resent(None, now),
            Asked::LookInstead(sighting) => self.looked_instead(sighting, Err(gave_up()), now),
            Asked::Room(sighting) => self.has_room(sighting),
            Asked::Frame(cursor, read) => self.budget.give(cursor.flow.0 as usize, read.charge),
            Asked::Astray(stray) => self.looked_astray(stray, Err(gave_up())),
            Asked::Close => self.may_have_room(),
            Asked::Deleted(file, handle) => self.looked_deleted(file, handle, Err(gave_up()), now),
            Asked::Look(file, path) => self.looked(file, &path, &Err(gave_up())),
            Asked::LoadArriving => self.load_arriving(now),
            Asked::Load | Asked::Encode | Asked::Send(..) | Asked::Nothing => {}
        }
    }
}
