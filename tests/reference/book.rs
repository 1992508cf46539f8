//! What was delivered, and when the agent was killed.

use crate::text::{self, LineId, Piece};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

/// What was delivered for longer before a kill is saved: offsets are saved each second, and the machine may be busy.
const SAVED_AFTER: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(crate) struct Book {
    lines: BTreeMap<LineId, Vec<Arrival>>,
    arrivals: usize,
    /// Texts that nobody writes.
    pub(crate) strange: Vec<String>,
    /// When the agent was killed, and since when what it had delivered then may come again.
    pub(crate) kills: Vec<Range<Instant>>,
}

/// Some blocks of a line were delivered.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) blocks: Range<u32>,
    /// Counted over all lines.
    pub(crate) number: usize,
}

impl Book {
    /// These lines were delivered just now.
    pub(crate) fn take(&mut self, news: Vec<Vec<u8>>) {
        for line in news {
            match text::read(&line) {
                Some(pieces) => pieces.into_iter().for_each(|piece| self.arrived(piece)),
                None => self.strange.push(String::from_utf8_lossy(&line).into_owned()),
            }
        }
    }

    fn arrived(&mut self, piece: Piece) {
        let arrival = Arrival { at: Instant::now(), blocks: piece.blocks, number: self.arrivals };
        self.arrivals += 1;
        self.lines.entry(piece.line).or_default().push(arrival);
    }

    /// The agent was killed, after it had stood still for so long.
    pub(crate) fn killed(&mut self, still: Duration) {
        let now = Instant::now();
        self.kills.push(now.checked_sub(SAVED_AFTER + still).unwrap_or(now)..now);
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = (LineId, &[Arrival])> {
        self.lines.iter().map(|(line, arrivals)| (*line, arrivals.as_slice()))
    }

    pub(crate) fn of(&self, line: LineId) -> &[Arrival] {
        self.lines.get(&line).map_or(&[], Vec::as_slice)
    }

    /// Whether each of the first blocks of a line was delivered.
    pub(crate) fn has(&self, line: LineId, blocks: u32) -> bool {
        let arrivals = self.of(line);
        let mut to = 0;
        while to < blocks {
            let on = arrivals.iter().filter(|arrival| arrival.blocks.contains(&to));
            match on.map(|arrival| arrival.blocks.end).max() {
                Some(end) => to = end,
                None => return false,
            }
        }
        true
    }

    /// Whether what was delivered at one time may come again at another, because the agent was killed between.
    pub(crate) fn may_repeat(&self, first: Instant, second: Instant) -> bool {
        self.kills.iter().any(|kill| kill.start <= first && first <= kill.end && kill.end <= second)
    }
}
