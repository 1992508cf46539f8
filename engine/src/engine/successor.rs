//! Strict order over a rotation or truncation: what follows a file under its live name is read when that was read to its
//! end, and all of it is done with.

use super::{Engine, Flow};
use crate::follow::{Cursor, Ending, File, Stage};
use crate::ids::{FileId, FlowId, Span};
use std::path::Path;

impl Engine {
    /// Whether a strict flow is to read another file before this one; then it waits for it.
    pub(super) fn waits_for_another(&mut self, id: FileId, flow: FlowId) -> bool {
        // Where descriptors are scarce, those that wait would keep the one from being opened for which they wait.
        if !self.flows[flow.0 as usize].settings.strict || self.room.is_scarce() {
            return false;
        }
        let Some(file) = self.files.get(&id) else { return false };
        // It would keep the place of another that is to be decoded, for which it waits perhaps.
        if file.is_compressed() {
            return false;
        }
        let waits = self.of_one_name(&file.first_path).any(|other| {
            let reads = other.cursors.iter().any(|cursor| cursor.flow == flow && !is_done(other, cursor));
            reads && self.turn_of(other) < self.turn_of(file)
        });
        if waits && let Some(cursor) = self.files.get_mut(&id).and_then(|file| file.cursor(flow)) {
            cursor.stage = Stage::Waits;
        }
        waits
    }

    /// Something of a file was done with: those that wait for it may go on.
    pub(super) fn let_successors(&mut self, id: FileId) {
        let strict = |cursor: &Cursor| self.flows[cursor.flow.0 as usize].settings.strict;
        let done = |file: &&File| file.cursors.iter().any(|cursor| strict(cursor) && is_done(file, cursor));
        if let Some(path) = self.files.get(&id).filter(done).map(|file| file.first_path.clone()) {
            self.let_all_of(&path);
        }
    }

    /// As [`Self::let_all_of`], of the name under which a file was found first.
    pub(super) fn let_all_beside(&mut self, id: FileId) {
        // Most have no strict flow, and need no copy of the path.
        if !self.has_strict_flow() {
            return;
        }
        if let Some(path) = self.files.get(&id).map(|file| file.first_path.clone()) {
            self.let_all_of(&path);
        }
    }

    /// All that wait for others of this name look again whether they still do.
    pub(super) fn let_all_of(&mut self, path: &Path) {
        if !self.has_strict_flow() {
            return;
        }
        for id in self.of_one_name(path).map(|file| file.id).collect::<Vec<_>>() {
            let Some(file) = self.files.get_mut(&id) else { continue };
            go_on(file, &mut self.flows);
            // It may have been closed for others meanwhile.
            let unread = file.cursors.iter().any(|cursor| cursor.position.line.at < cursor.seen);
            let name = file.names.first().filter(|_| file.handle.is_none() && unread).cloned();
            if let Some(name) = name {
                self.look_at(&name);
            }
        }
    }

    /// The live one is the last. Of others those that this agent found come after those that the store knew, in the order in
    /// which it found them.
    fn turn_of(&self, file: &File) -> (bool, bool, u64) {
        let found = file.id.run == self.run;
        (file.is_live(), found, if found { file.id.number } else { u64::from(file.rank) })
    }

    /// Of files that the store knows, those that are no longer where they were were there first; and the elder.
    pub(super) fn rank(&mut self) {
        if !self.has_strict_flow() {
            return;
        }
        let live = |file: &File| file.path == file.first_path && !file.is_homeless();
        let age = |file: &File| (live(file), file.identity.btime, file.id.number, file.id);
        let mut files: Vec<&mut File> = self.files.values_mut().collect();
        files.sort_by_key(|file| age(file));
        for (rank, file) in files.into_iter().enumerate() {
            file.rank = rank as u32;
        }
    }

    /// Nobody waits any more.
    pub(super) fn let_all(&mut self) {
        for file in self.files.values_mut() {
            go_on(file, &mut self.flows);
        }
    }

    fn has_strict_flow(&self) -> bool {
        self.flows.iter().any(|flow| flow.settings.strict)
    }

    fn of_one_name(&self, path: &Path) -> impl Iterator<Item = &File> {
        let files = self.kin.exactly(path).filter_map(|id| self.files.get(&id));
        files.filter(move |file| *file.first_path == *path)
    }
}

/// Flows that wait with a file wait no longer.
fn go_on(file: &mut File, flows: &mut [Flow]) {
    for cursor in file.cursors.iter_mut().filter(|cursor| cursor.stage == Stage::Waits) {
        cursor.stage = Stage::Queued;
        flows[cursor.flow.0 as usize].ready.push_back(file.id);
    }
}

/// Whether a flow has read all that comes of a file, and is done with it. Others may lag behind.
fn is_done(file: &File, cursor: &Cursor) -> bool {
    let read = cursor.position.line.at;
    let ended = match file.ending {
        Ending::Finished | Ending::Gone => true,
        Ending::Closing { size } => cursor.stage == Stage::Idle && read >= size,
        Ending::Live | Ending::Displaced => false,
    };
    // Header lines are done with all together.
    ended && (cursor.position.header > 0 || cursor.acked.covers(Span::new(0, read)))
}
