//! `start_at = "end"`: looking backwards for the last newline.

use super::{Asked, Engine};
use crate::content;
use crate::event::{Action, Chunk, Do, FileError, Now};
use crate::follow::{Row, Stage};
use crate::ids::{CursorId, FileId, FlowId, HandleId, Span};
use crate::state::{Check, Fingerprint};

/// Bytes read at once while the last newline is looked for; with as many of them as may be read at once within the
/// reserve's allowance.
const SEEK: u64 = 4 * 1024;

impl Engine {
    pub(super) fn seek(&mut self, id: FileId, flow: FlowId, handle: HandleId, stage: Stage) -> (Action, u64) {
        let file = &self.files[&id];
        let span = match stage {
            Stage::Seek { to } => Span::new(to.saturating_sub(SEEK), to),
            _ => Span::new(0, u64::from(file.head.len)),
        };
        let cursor = CursorId { flow, file: id, epoch: file.epoch };
        let read = Do::Read { handle, cursor: Some(cursor), offset: span.start, len: span.len() as usize };
        self.budget.take_look(span.len());
        (self.action(Asked::Seek { cursor, handle, stage, span }, read), 0)
    }

    /// A piece was read, to find the last newline in it, or to see whether the file is what it was.
    pub(super) fn sought(
        &mut self,
        id: CursorId,
        stage: Stage,
        span: Span,
        result: Result<Chunk, FileError>,
        now: Now,
    ) {
        self.reads.give();
        self.budget.give_look(span.len());
        let Some(file) = self.files.get_mut(&id.file) else { return };
        let head = file.head;
        let Some(cursor) = file.cursor(id.flow).filter(|cursor| cursor.stage == stage) else { return };
        // What cannot be read now is read from its beginning when it can.
        let Ok(chunk) = result else { return self.sought_out(id, Check::default(), now) };
        if is_other(head, span, &chunk.bytes) {
            return self.begin_anew(id.file, Fingerprint::default(), now);
        }
        let check = match stage {
            Stage::Found { check } => return self.sought_out(id, check, now),
            _ => last_line_end(span.start, &chunk.bytes),
        };
        cursor.stage = match check {
            Some(check) if tells(head, span) => return self.sought_out(id, check, now),
            Some(check) => Stage::Found { check },
            None => Stage::Seek { to: span.start },
        };
        self.flow(id.flow).ready.push_back(id.file);
    }

    /// The cursor's place is known.
    fn sought_out(&mut self, id: CursorId, check: Check, now: Now) {
        let Some(file) = self.files.get_mut(&id.file) else { return };
        let Some(cursor) = file.cursor(id.flow) else { return };
        cursor.skip_to(check);
        cursor.stage = Stage::Unsaved;
        file.row = Row::Unsaved;
        self.keeper.whole_file(id.file);
        self.save_urgently(now);
    }
}

/// The end of the last line in these bytes, which begin at `from`; the file's beginning if there is none.
fn last_line_end(from: u64, bytes: &[u8]) -> Option<Check> {
    match memchr::memrchr(b'\n', bytes) {
        Some(newline) => Some(content::check(from + newline as u64 + 1, &bytes[..=newline])),
        None => (from == 0).then(Check::default),
    }
}

/// Whether these bytes are not of the file that was met: it was truncated or overwritten meanwhile.
fn is_other(head: Fingerprint, span: Span, bytes: &[u8]) -> bool {
    let cut_off = (bytes.len() as u64) < span.len();
    cut_off || tells(head, span) && content::fingerprint(&bytes[..head.len as usize]) != head
}

/// Whether the bytes by which the file is known are among these.
fn tells(head: Fingerprint, span: Span) -> bool {
    span.start == 0 && span.len() >= u64::from(head.len)
}
