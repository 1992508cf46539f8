//! Lines joined to records while a buffer is cut.

use super::{Cutter, FrameJob, Half};
use crate::frame::split;
use crate::multiline::Joining;

impl Cutter<'_> {
    /// A whole line, `at..end`, belongs to the open record, or ends it and begins the next one.
    pub(super) fn join(&mut self, joining: &Joining, end: usize) {
        let bytes = &self.job.bytes[..];
        let (line, _) = split(&bytes[self.at..end]);
        let most = self.job.most_joined(joining);
        let breaks = joining.breaks.binary_search(&self.offset(self.at)).is_ok();
        let goes_on = self
            .joined
            .as_mut()
            .is_some_and(|(start, open)| end - *start <= most && !breaks && open.takes(&joining.rules, line));
        if !goes_on {
            self.end_joined(self.at);
            if end - self.at > most {
                return self.line(end);
            }
            self.joined = Some((self.at, joining.rules.begin(line)));
        }
        if self.joined.as_ref().is_some_and(|(_, open)| open.is_over()) {
            self.end_joined(end);
        }
    }

    /// The open record, if there is one, ends here.
    fn end_joined(&mut self, end: usize) {
        if let Some((start, _)) = self.joined.take() {
            self.record(start, end, end);
        }
    }

    /// The buffer ends: the open record is complete, or is read again from its start.
    pub(super) fn leave_open(&mut self) {
        let (Some(joining), Some((start, _))) = (&self.job.joining, &self.joined) else { return };
        let held = self.job.bytes.len() - start;
        let most = self.job.most_joined(joining);
        if self.job.ended || joining.waited || held >= most {
            return self.end_joined(self.at);
        }
        self.at = *start;
        self.need_more(held, most);
    }

    /// Whether what has no newline yet, and begins a record, is left to be read again: others may belong to it.
    pub(super) fn may_be_joined(&mut self) -> bool {
        let Some(joining) = self.job.joining.as_ref().filter(|_| !self.is_inside()) else { return false };
        let held = self.job.bytes.len() - self.at;
        let most = self.job.most_joined(joining);
        if held < most {
            self.need_more(held, most);
        }
        held < most
    }

    /// Where the next read would be as short, it might end there again.
    fn need_more(&mut self, held: usize, most: usize) {
        if held as u64 > self.job.hold {
            self.half = Half::Joined { need: (2 * held).min(most) as u64 };
        }
    }
}

impl FrameJob {
    /// Most bytes of a record of several lines.
    fn most_joined(&self, joining: &Joining) -> usize {
        self.rules.limit.min(joining.rules.max_bytes) as usize
    }
}
