//! What must be true when all is quiet.

use super::{Account, Book, Oracle};
use crate::world::disk::{Content, ContentId, Disk};
use crate::world::store::Rows;
use kintail_engine::process::OnError;
use kintail_engine::state::Reason;

/// From this length on a line need not be held in memory until its end is read.
const LONG: u64 = 2000;

impl Oracle {
    /// Whether every flow has been given all that it is owed; with what is missing.
    pub(crate) fn missing(&self, disk: &Disk) -> Option<String> {
        self.flows.iter().find_map(|flow| {
            (0..disk.contents.len())
                .find_map(|content| flow.missing_of(disk, content))
                .or_else(|| flow.missing_empties(disk))
        })
    }

    /// Whether what was destroyed unread has left a trace.
    pub(crate) fn untold(&self, disk: &Disk, rows: &Rows) -> Option<String> {
        self.flows.iter().find_map(|flow| {
            let counted = rows.flows.get(&flow.name).is_some_and(|row| row.possible_losses > 0);
            let ledgered = rows.ledger.iter().any(|row| {
                row.flow == flow.name && matches!(row.reason, Reason::FileTruncated | Reason::FileGone)
            });
            if counted || ledgered {
                return None;
            }
            let lost = |content: &ContentId| {
                let book = &flow.books[*content];
                flow.first_unacked(disk, *content, book, book.late_from.min(book.noticed)).is_some()
            };
            let content = (0..flow.books.len()).find(lost)?;
            let file = flow.file_of(content);
            Some(format!("{} lost bytes of content {content} (file {file:?}) without a word", flow.name))
        })
    }
}

impl Account {
    fn missing_of(&self, disk: &Disk, content: ContentId) -> Option<String> {
        let empty = Book::default();
        let book = self.books.get(content).unwrap_or(&empty);
        let entry = &disk.contents[content];
        let owed = self.followed.contains(&entry.node) || self.matches(disk, entry.node);
        // A compressed copy waits as long as another one is there.
        let packed = |copy: &&Content| disk.nodes[copy.node].packed.is_some();
        let plain = disk.copies(content).any(|copy| !packed(&copy));
        let copies = disk.copies(content).filter(|copy| self.matches(disk, copy.node));
        let in_copy =
            copies.filter(|copy| !(plain && packed(copy))).map(|copy| copy.bytes.len() as u64).max();
        let upto = match book.gone {
            Some(upto) => upto.max(in_copy.unwrap_or(0)),
            None if entry.gone || !owed => in_copy?,
            None => u64::MAX,
        };
        let (start, end) = self.first_unacked(disk, content, book, upto.min(book.late_from))?;
        let gone = if entry.gone { ", which is gone," } else { "" };
        Some(format!(
            "{} never got {start}..{end} of content {content}{gone} of {} bytes; acknowledged: {:?}",
            self.name,
            entry.bytes.len(),
            book.acked.iter().collect::<Vec<_>>()
        ))
    }

    /// The first line before `upto` that is neither acknowledged nor unfinished: the last line of a file that
    /// is no longer live counts as it is.
    fn first_unacked(&self, disk: &Disk, content: ContentId, book: &Book, upto: u64) -> Option<(u64, u64)> {
        let entry = &disk.contents[content];
        let node = &disk.nodes[entry.node];
        let moved = node.moved && !node.linked && !entry.gone;
        let lines = entry.lines.iter().map(|id| disk.lines[id.0 as usize]);
        // A long line is not held while its end is looked for, and what follows it is not read meanwhile.
        let held = |body: u64| book.gone.is_none() || body < LONG.min(self.line.max_bytes);
        lines
            .take_while(|line| held(line.body))
            .filter(|line| line.complete() || (moved && line.written > 0))
            .map(|line| (line.start, line.end()))
            .find(|(start, end)| *end <= upto && !book.acked.covers(*start, *end))
    }

    fn missing_empties(&self, disk: &Disk) -> Option<String> {
        // Those on which a step fails may be dropped by it.
        if self.fails_empties() && self.steps.on_error == OnError::Drop {
            return None;
        }
        let empty = Book::default();
        let owed: usize = (0..disk.contents.len())
            .filter(|content| {
                let entry = &disk.contents[*content];
                let book = self.books.get(*content).unwrap_or(&empty);
                let late = book.late_from < u64::MAX;
                !entry.gone
                    && book.gone.is_none()
                    && !late
                    && (self.followed.contains(&entry.node) || self.matches(disk, entry.node))
            })
            .map(|content| {
                let lines = &disk.contents[content].lines;
                let started = self.books.get(content).map_or(0, |book| book.skipped);
                let lines =
                    lines.iter().skip(self.line.skip_header as usize).map(|id| disk.lines[id.0 as usize]);
                lines.filter(|line| line.body == 0 && line.complete() && line.start >= started).count()
            })
            .sum();
        (self.empties < owed as u64)
            .then(|| format!("{} got {} empty lines of {owed}", self.name, self.empties))
    }
}
