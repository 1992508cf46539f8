//! Where reading a file stands, and what to read next.

use super::{Cut, Half, Mode, Rules};
use crate::ids::Span;
use crate::settings::Oversize;
use crate::state::{Check, Reason};

/// Where reading an epoch of a file stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The start of the next line (or of the next piece of a split one).
    pub line: Check,
    /// What is known of that line.
    pub half: Half,
    /// Header lines still to be skipped.
    pub header: u32,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read and frame.
    Read {
        /// Where the job begins; the read begins `check.print.len` before.
        check: Check,
        /// What the job begins with.
        mode: Mode,
        /// The job needs all of so many bytes from `check.at` on; else as many as is convenient.
        need: Option<u64>,
    },
    /// Bytes that need not be read at all; the position is past them.
    Skip {
        /// The bytes to acknowledge.
        span: Span,
        /// Why they are lost; `None` for header lines.
        reason: Option<Reason>,
    },
}

impl Position {
    /// At `line`, with `header` lines to skip.
    pub fn new(line: Check, header: u32) -> Self {
        Self { line, half: Half::Short, header }
    }

    /// How far the file was looked at.
    pub fn searched(&self) -> u64 {
        match self.half {
            Half::Short | Half::Joined { .. } => self.line.at,
            Half::Searched { to: at, .. } | Half::Ends(at) | Half::Hole(at) => at.at,
        }
    }

    /// What to do next.
    pub fn step(&mut self, rules: Rules) -> Step {
        let line = self.line;
        match self.half {
            Half::Short => Step::Read { check: line, mode: Mode::Lines, need: None },
            Half::Joined { need } => Step::Read { check: line, mode: Mode::Lines, need: Some(need) },
            Half::Searched { data, .. } if self.can_split(data, rules) => {
                Step::Read { check: line, mode: Mode::Long { end: None }, need: Some(rules.limit) }
            }
            Half::Searched { to, .. } => Step::Read { check: to, mode: Mode::Search, need: None },
            Half::Hole(end) => {
                self.go_to(end);
                Step::Skip { span: Span::new(line.at, end.at), reason: Some(Reason::Hole) }
            }
            Half::Ends(end) if self.header > 0 => {
                self.header -= 1;
                let acked = if self.header == 0 { end.at } else { 0 };
                self.go_to(end);
                Step::Skip { span: Span::new(0, acked), reason: None }
            }
            Half::Ends(end) if rules.oversize == Oversize::Drop && end.at - line.at > rules.limit => {
                self.go_to(end);
                Step::Skip { span: Span::new(line.at, end.at), reason: Some(Reason::Oversize) }
            }
            Half::Ends(end) => {
                let need = (end.at - line.at).min(rules.limit);
                Step::Read { check: line, mode: Mode::Long { end: Some(end) }, need: Some(need) }
            }
        }
    }

    /// Goes on after a job that began with `mode`.
    pub fn advance(&mut self, mode: Mode, cut: &Cut) {
        let from = self.line.at;
        if mode != Mode::Search {
            self.line = cut.next;
        }
        let at = self.line.at;
        self.half = match (mode, self.half) {
            // After a piece of a line, what was found of its rest still holds.
            (Mode::Long { end: None }, Half::Searched { to, data }) if data > at && at > from => {
                Half::Searched { to, data }
            }
            _ => cut.half,
        };
        self.header = cut.header;
    }

    /// Whether there is something to do that needs no byte which was not there yet.
    pub fn can_go_on(&self, rules: Rules) -> bool {
        match self.half {
            Half::Short | Half::Joined { .. } => false,
            Half::Searched { data, .. } => self.can_split(data, rules),
            Half::Ends(_) | Half::Hole(_) => true,
        }
    }

    /// Whether the line that is searched has a whole piece before the NULs that end it.
    fn can_split(&self, data: u64, rules: Rules) -> bool {
        self.header == 0 && rules.splits() && data >= self.line.at + rules.limit
    }

    /// Where the bytes end that are known to be of the line.
    pub fn data(&self) -> u64 {
        match self.half {
            Half::Searched { data, .. } => data,
            Half::Short | Half::Joined { .. } | Half::Ends(_) | Half::Hole(_) => self.line.at,
        }
    }

    /// Whether nothing but NULs was found from the start of the file on.
    pub fn may_be_hole(&self) -> bool {
        self.line.at == 0 && self.data() == 0 && !matches!(self.half, Half::Ends(_) | Half::Hole(_))
    }

    fn go_to(&mut self, line: Check) {
        self.line = line;
        self.half = Half::Short;
    }
}
