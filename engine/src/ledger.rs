//! The loss ledger as the engine remembers it: neighbours merged, the oldest rows forgotten where there are too many.
//! The store does the same, and counts what it forgets.

use crate::ids::Span;
use crate::state::LedgerRow;

/// Rows that are remembered, as many as the store keeps.
const MOST: usize = 10_000;

/// Adds a range, as one with those of the same flow, epoch and reason that it touches.
pub(crate) fn add(ledger: &mut Vec<LedgerRow>, mut row: LedgerRow) {
    if row.span.is_empty() {
        return;
    }
    ledger.retain(|old| {
        let touches = old.span.start <= row.span.end && row.span.start <= old.span.end && of_one(old, &row);
        if touches {
            row.span = Span::new(old.span.start.min(row.span.start), old.span.end.max(row.span.end));
        }
        !touches
    });
    ledger.push(row);
    if ledger.len() > MOST {
        ledger.drain(..ledger.len() - MOST);
    }
}

fn of_one(a: &LedgerRow, b: &LedgerRow) -> bool {
    a.file == b.file && a.epoch == b.epoch && a.reason == b.reason && a.flow == b.flow
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Epoch, FileId, RunId};
    use crate::state::Reason;

    fn row(number: u64, start: u64, end: u64, reason: Reason) -> LedgerRow {
        LedgerRow {
            flow: "flow".into(),
            file: FileId { run: RunId(1), number },
            epoch: Epoch { run: RunId(1), number: 0 },
            path: "/log".into(),
            span: Span::new(start, end),
            reason,
            time: 0,
        }
    }

    fn added(rows: impl IntoIterator<Item = LedgerRow>) -> Vec<LedgerRow> {
        let mut ledger = Vec::new();
        rows.into_iter().for_each(|row| add(&mut ledger, row));
        ledger
    }

    #[test]
    fn neighbours_become_one_row() {
        let apart = [row(1, 0, 10, Reason::Oversize), row(1, 20, 30, Reason::Oversize)];
        assert_eq!(added(apart.clone()), apart);
        let between = row(1, 10, 20, Reason::Oversize);
        assert_eq!(added(apart.into_iter().chain([between])), [row(1, 0, 30, Reason::Oversize)]);
    }

    #[test]
    fn rows_of_other_files_and_reasons_stay_apart() {
        let rows = [
            row(1, 0, 10, Reason::Oversize),
            row(2, 5, 15, Reason::Oversize),
            row(1, 5, 9, Reason::FileGone),
        ];
        assert_eq!(added(rows.clone()), rows);
        assert_eq!(added([row(1, 7, 7, Reason::FileGone)]), []);
    }

    #[test]
    fn the_oldest_rows_are_forgotten() {
        let ledger = added((0..=MOST as u64).map(|number| row(number, 0, 1, Reason::FileGone)));
        assert_eq!(ledger.len(), MOST);
        assert_eq!(ledger[0].file.number, 1);
    }
}
