//! Which lines belong together: a pure function of a record's lines so far and the next one.
//!
//! An open record is not held, like a half line: the next read begins at its first line again. So nothing but the place
//! where it starts is known of it, and it is read anew after a restart.

mod pieces;
mod trace;

use crate::process::Pattern;
use crate::settings::Flow;
use pieces::Piece;
use std::sync::Arc;
use std::time::Duration;
use trace::State;

pub use pieces::Runtime;
pub use trace::Language;

/// How lines are joined to records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multiline {
    /// Which lines belong together.
    pub join: Join,
    /// An open record is complete when its file was not written to for so long.
    pub max_wait: Duration,
    /// Most lines of a record.
    pub max_lines: u32,
    /// Most bytes of a record, with its newlines. What a record may have anyway limits it, too.
    pub max_bytes: u64,
}

/// Which lines belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Join {
    /// A line that matches begins a record.
    Start(Pattern),
    /// A line that matches belongs to the one before.
    Continue(Pattern),
    /// A line that matches ends a record.
    End(Pattern),
    /// Stack traces belong together, and to the line that they follow.
    Trace(Language),
    /// The pieces in which a container's runtime wrote a line belong together.
    Pieces(Runtime),
}

/// The rest of a piece is written with it; an agent that waits for longer waits in vain.
const PIECES_WAIT: Duration = Duration::from_secs(2);

/// What a job needs to join lines.
#[derive(Clone, Debug)]
pub struct Joining {
    /// The flow's.
    pub rules: Arc<Multiline>,
    /// The file has nothing more, and was not written to for `max_wait`: what is open is complete.
    pub waited: bool,
    /// Offsets, in their order, at which records begin whatever the lines say: what is on one side of each was delivered
    /// already.
    pub breaks: Vec<u64>,
}

/// An open record: what is known of its lines.
#[derive(Debug)]
pub(crate) struct Open {
    lines: u32,
    state: State,
    piece: Option<Piece>,
    over: bool,
}

impl Multiline {
    /// A record begins with this line, without its line end.
    pub(crate) fn begin(&self, line: &[u8]) -> Open {
        let state = match self.join {
            Join::Trace(language) => language.first(line),
            _ => State::default(),
        };
        let piece = self.piece(line);
        Open { lines: 1, state, piece, over: self.ends_with(line, piece, 1) }
    }

    /// How a flow joins lines: as it says, else as the lines that its steps parse were written, in pieces.
    pub fn of(flow: &Flow) -> Option<Arc<Self>> {
        if let Some(rules) = &flow.multiline {
            return Some(Arc::clone(rules));
        }
        let join = Join::Pieces(Runtime::parsed_by(&flow.process)?);
        Some(Arc::new(Self { join, max_wait: PIECES_WAIT, max_lines: u32::MAX, max_bytes: u64::MAX }))
    }

    fn piece(&self, line: &[u8]) -> Option<Piece> {
        match self.join {
            Join::Pieces(runtime) => runtime.piece(line),
            _ => None,
        }
    }

    /// Whether a record ends with this line, so many of its lines.
    fn ends_with(&self, line: &[u8], piece: Option<Piece>, lines: u32) -> bool {
        let last = match &self.join {
            Join::End(pattern) => pattern.is_match(line),
            Join::Pieces(_) => !piece.is_some_and(|piece| piece.partial),
            Join::Start(_) | Join::Continue(_) | Join::Trace(_) => false,
        };
        last || lines >= self.max_lines
    }
}

impl Open {
    /// Whether the next line belongs to it; if so, it is taken in.
    pub(crate) fn takes(&mut self, rules: &Multiline, line: &[u8]) -> bool {
        let piece = rules.piece(line);
        let belongs = match &rules.join {
            Join::Pieces(_) => self.piece.zip(piece).is_some_and(|(last, next)| last.goes_on_in(next)),
            Join::Start(pattern) => !pattern.is_match(line),
            Join::Continue(pattern) => pattern.is_match(line),
            Join::End(_) => true,
            Join::Trace(language) => match language.next(self.state, line) {
                Some(state) => {
                    self.state = state;
                    true
                }
                None => false,
            },
        };
        if belongs {
            self.lines += 1;
            self.piece = piece;
            self.over = rules.ends_with(line, piece, self.lines);
        }
        belongs
    }

    /// Whether no line can belong to it any more.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
mod tests;
