//! Lines that a container's runtime wrote in pieces: the kubelet's runtimes and Docker cut them at 16 KiB.

use crate::process::{Action, Parser, Step};

/// How a runtime writes its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// `TIME STREAM TAGS MESSAGE`; the tag `P` says that more follows.
    Cri,
    /// JSON; a `log` that does not end with a newline goes on.
    Docker,
}

/// A line of such a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    stderr: bool,
    /// More follows.
    pub(crate) partial: bool,
}

impl Piece {
    /// Whether the next line goes on with what this one began. Of two outputs that write at once, pieces lie among each
    /// other: those are not joined.
    pub(crate) fn goes_on_in(self, next: Self) -> bool {
        self.partial && self.stderr == next.stderr
    }
}

impl Runtime {
    /// The one whose log these steps parse.
    pub(super) fn parsed_by(steps: &[Step]) -> Option<Self> {
        steps.iter().find_map(|step| match &step.action {
            Action::Parse { parser, field: None } => Some(match parser {
                Parser::Cri => Some(Self::Cri),
                Parser::Docker => Some(Self::Docker),
                _ => None,
            }),
            _ => None,
        })?
    }

    /// What a line is, without its line end; `None`: it is none of such a log.
    pub(crate) fn piece(self, line: &[u8]) -> Option<Piece> {
        match self {
            Self::Cri => cri(line),
            Self::Docker => docker(line),
        }
    }
}

fn cri(line: &[u8]) -> Option<Piece> {
    let mut parts = line.splitn(4, |byte| *byte == b' ').skip(1);
    let (stream, tags) = (parts.next()?, parts.next()?);
    let partial = tags.split(|byte| *byte == b':').next() == Some(b"P");
    Some(Piece { stderr: stream == b"stderr", partial })
}

fn docker(line: &[u8]) -> Option<Piece> {
    const LOG: &[u8] = b"\"log\":\"";
    let start = memchr::memmem::find(line, LOG)? + LOG.len();
    let text = &line[start..];
    let (mut at, mut newline) = (0, None);
    let end = loop {
        let next = at + memchr::memchr2(b'"', b'\\', &text[at..])?;
        if text[next] == b'"' {
            break next;
        }
        newline = (text.get(next + 1) == Some(&b'n')).then_some(next + 2);
        at = next + 2;
        if at > text.len() {
            return None;
        }
    };
    let stderr = memchr::memmem::find(&text[end..], b"\"stream\":\"stderr\"").is_some();
    Some(Piece { stderr, partial: newline != Some(end) })
}
