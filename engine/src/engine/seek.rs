//! `start_at = "end"`: looking backwards for the last newline.

use super::{Asked, Engine};
use crate::content;
use crate::event::{Action, Chunk, Do, FileError, Now};
use crate::follow::{Row, Stage};
use crate::ids::{CursorId, FileId, FlowId, HandleId};

/// Bytes read at once while the last newline is looked for; with as many of them as may be read at once within the
/// reserve's allowance.
const SEEK: u64 = 4 * 1024;

impl Engine {
    pub(super) fn seek(&mut self, id: FileId, flow: FlowId, handle: HandleId, to: u64) -> (Action, u64) {
        let from = to.saturating_sub(SEEK);
        let cursor = CursorId { flow, file: id, epoch: self.files[&id].epoch };
        let len = (to - from) as usize;
        let read = Do::Read { handle, cursor: Some(cursor), offset: from, len };
        self.budget.take_look(to - from);
        (self.action(Asked::Seek { cursor, to, from }, read), 0)
    }

    /// A piece before `to` was read, to find the last newline in it.
    pub(super) fn sought(
        &mut self,
        id: CursorId,
        to: u64,
        from: u64,
        result: Result<Chunk, FileError>,
        now: Now,
    ) {
        self.reads_out -= 1;
        self.budget.give_look(to - from);
        let Some(cursor) = self.files.get_mut(&id.file).and_then(|file| file.cursor(id.flow)) else { return };
        if cursor.stage != (Stage::Seek { to }) {
            return;
        }
        // What cannot be read now is read from its beginning when it can.
        let chunk = result.ok();
        let bytes = chunk.as_ref().map_or(&[][..], |chunk| &chunk.bytes);
        match memchr::memrchr(b'\n', bytes) {
            Some(newline) => {
                let end = from + newline as u64 + 1;
                cursor.skip_to(content::check(end, &bytes[..=newline]));
                cursor.stage = Stage::Unsaved;
            }
            None if from == 0 || chunk.is_none() => cursor.stage = Stage::Unsaved,
            None => {
                cursor.stage = Stage::Seek { to: from };
                self.flow(id.flow).ready.push_back(id.file);
            }
        }
        if let Some(file) = self.files.get_mut(&id.file) {
            file.row = Row::Unsaved;
        }
        self.keeper.whole_file(id.file);
        self.save_urgently(now);
    }
}
