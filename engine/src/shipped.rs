//! What a flow has shipped of a file, as somebody outside needs it who knows the file by its identity alone.

use crate::ids::Span;
use crate::state::{Check, CursorRow, FileRow, Fingerprint, Identity, LedgerRow};
use serde::{Deserialize, Serialize};

/// What a flow has shipped of a file's present content, and how that content is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipped {
    /// The flow's name.
    pub flow: String,
    /// The file's lasting id.
    pub file: String,
    /// What the kernel calls it.
    pub identity: Identity,
    /// Its first bytes.
    pub head: Fingerprint,
    /// The bytes before an offset up to which all is acknowledged.
    pub check: Check,
    /// The acknowledged bytes, ascending.
    pub acked: Vec<Span>,
    /// Those of them that are on the loss ledger.
    pub lost: Vec<Span>,
    /// Wall time it was last seen, in nanoseconds since the epoch.
    pub last_seen: i64,
}

impl Shipped {
    /// From the rows of a file and a cursor on it, and the ledger.
    pub fn of(file: &FileRow, cursor: &CursorRow, ledger: &[LedgerRow]) -> Self {
        let is_its = |row: &&LedgerRow| {
            row.flow == cursor.flow && row.file == cursor.file && row.epoch == cursor.epoch
        };
        let prefix = Span::new(0, cursor.prefix);
        Self {
            flow: cursor.flow.clone(),
            file: file.id.to_string(),
            identity: file.identity,
            head: file.head,
            check: cursor.check,
            acked: std::iter::once(prefix).chain(cursor.ranges.iter().copied()).collect(),
            lost: ledger.iter().filter(is_its).map(|row| row.span).collect(),
            last_seen: file.last_seen,
        }
    }

    /// How many of the first `end` bytes are not acknowledged.
    pub fn missing(&self, end: u64) -> u64 {
        end - overlap(&self.acked, end)
    }

    /// How many of the first `end` bytes are on the ledger.
    pub fn lost(&self, end: u64) -> u64 {
        overlap(&self.lost, end)
    }
}

/// How many of the first `end` bytes are in spans that are apart.
fn overlap(spans: &[Span], end: u64) -> u64 {
    spans.iter().map(|span| span.end.min(end).saturating_sub(span.start)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Epoch, FileId, RunId};
    use crate::state::Reason;

    const FILE: FileId = FileId { run: RunId(1), number: 1 };

    fn epoch(number: u32) -> Epoch {
        Epoch { run: RunId(1), number }
    }

    fn loss(flow: &str, epoch: Epoch, span: Span) -> LedgerRow {
        let path = "/a.log".into();
        LedgerRow { flow: flow.into(), file: FILE, epoch, path, span, reason: Reason::Oversize, time: 0 }
    }

    fn shipped(ledger: &[LedgerRow]) -> Shipped {
        let file = FileRow {
            id: FILE,
            first_path: "/a.log".into(),
            path: "/a.log".into(),
            identity: Identity::default(),
            head: Fingerprint::default(),
            epoch: epoch(2),
            last_seen: 0,
            finished: false,
        };
        let cursor = CursorRow {
            flow: "web".into(),
            file: FILE,
            epoch: epoch(2),
            prefix: 100,
            ranges: vec![Span::new(120, 150)],
            check: Check::default(),
            seen: 200,
        };
        Shipped::of(&file, &cursor, ledger)
    }

    #[test]
    fn what_is_neither_before_the_offset_nor_ahead_of_it_is_missing() {
        let shipped = shipped(&[]);
        let missing: Vec<u64> = [0, 100, 110, 120, 130, 160].map(|end| shipped.missing(end)).into();
        assert_eq!(missing, [0, 0, 10, 20, 20, 30]);
    }

    #[test]
    fn lost_is_what_the_flow_lost_of_the_present_content() {
        let (span, other) = (Span::new(10, 30), Span::new(40, 50));
        let ledger =
            [loss("web", epoch(2), span), loss("web", epoch(1), other), loss("errors", epoch(2), other)];
        let shipped = shipped(&ledger);
        assert_eq!([5, 20, 100].map(|end| shipped.lost(end)), [0, 10, 20]);
    }
}
