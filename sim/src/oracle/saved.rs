//! What the engine saves must be true.

use super::{Account, Binding, Broken, Oracle};
use crate::plan::steps::Fate;
use crate::text::LineId;
use crate::world::disk::Disk;
use crate::world::store::Rows;
use kintail_engine::ids::{CursorId, Epoch, FileId, Span};
use kintail_engine::process::OnError;
use kintail_engine::settings::{Oversize, StartAt};
use kintail_engine::state::{CursorRow, Identity, LedgerRow, Put, Reason, Transaction};

/// Past 1,024 reading waits; what was read before may make some more.
const MOST_RANGES: usize = 1280;

impl Oracle {
    /// A transaction was applied, which led to these rows.
    pub(crate) fn saved(
        &mut self,
        disk: &Disk,
        now: u64,
        transaction: &Transaction,
        rows: &Rows,
    ) -> Result<(), Broken> {
        for put in &transaction.puts {
            if let Put::Loss(row) = put {
                self.lost(disk, row)?;
            }
        }
        for put in &transaction.puts {
            match put {
                Put::Cursor(row) => self.position(disk, row, rows)?,
                Put::ForgetCursor { flow, file, epoch } => {
                    let flow = self.flows.iter().find(|account| account.name == *flow);
                    flow.map_or(Ok(()), |flow| flow.may_forget(disk, *file, *epoch))?;
                }
                Put::ForgetFile(file) => {
                    for flow in &self.flows {
                        let mut epochs = flow.bound.keys().filter(|key| key.0 == *file);
                        epochs.try_for_each(|key| flow.may_forget(disk, *file, key.1))?;
                    }
                }
                _ => {}
            }
        }
        for flow in &mut self.flows {
            let known = rows.flows.contains_key(&flow.name);
            flow.first_start &= !known;
            flow.begun = flow.begun.or(known.then_some(now));
        }
        Ok(())
    }

    /// A file is read for a flow once its place is in the store, so that a crash cannot give its id again; unless the
    /// store cannot be written. Where a flow is to begin is looked for before.
    pub(crate) fn may_read(&self, cursor: CursorId, rows: &Rows, saves_well: bool) -> Result<(), Broken> {
        let flow = &self.flows[cursor.flow.0 as usize];
        let looks = flow.first_start && flow.start_at == StartAt::End;
        let key = (flow.name.clone(), cursor.file, cursor.epoch);
        if looks || !saves_well || rows.cursors.contains_key(&key) {
            return Ok(());
        }
        Err(Broken::new("a place is saved before it is read", format!("{cursor:?}")))
    }

    fn lost(&mut self, disk: &Disk, row: &LedgerRow) -> Result<(), Broken> {
        let Some(flow) = self.flows.iter_mut().find(|flow| flow.name == row.flow) else { return Ok(()) };
        let key = (row.file, row.epoch);
        let Some(mut binding) = flow.bound.get(&key).copied() else { return Ok(()) };
        let destroyed = matches!(row.reason, Reason::FileTruncated | Reason::FileGone);
        let named = disk.nodes[disk.contents[binding.content].node].links > 0;
        // Where nobody looks for it any more, it is gone itself.
        let there = flow.matches(disk, disk.contents[binding.content].node);
        if destroyed && named && there && !disk.contents[binding.content].gone {
            // The first read for this epoch may have found the next content already, and told the engine so.
            binding.content = disk.content_before(binding.content).unwrap_or(binding.content);
            flow.book(binding.content);
        }
        let content = &disk.contents[binding.content];
        let node = content.node;
        // What a power cut ate was there, and nobody is owed it.
        if destroyed && row.span.end <= content.was {
            return Ok(());
        }
        let true_reason = match row.reason {
            Reason::Truncated => flow.oversize_at(disk, binding, row.span, Oversize::Truncate),
            Reason::Oversize => flow.oversize_at(disk, binding, row.span, Oversize::Drop),
            Reason::FileTruncated | Reason::FileGone => {
                let linked = disk.nodes[node].linked;
                let gone = content.gone || disk.nodes[node].links == 0 || !flow.matches(disk, node);
                // A compressed copy of a file that has another name elsewhere may be a file of its own.
                let apart = linked && disk.has_lost_compressed(binding.content);
                gone || apart || linked && self.estranged.contains(&binding.content)
            }
            Reason::DeletedUnread => disk.nodes[node].links == 0,
            // No writer leaves a hole, no file is damaged, nobody gives such orders.
            Reason::OnError => flow.failing_at(disk, binding, row.span),
            Reason::Hole | Reason::Damaged | Reason::DeadLetterCleared | Reason::OffsetSet => false,
        };
        if !true_reason {
            let text = format!("{row:?} of content {} with {} bytes", binding.content, content.bytes.len());
            return Err(Broken::new("the ledger tells the truth", text));
        }
        flow.books[binding.content].acked.add(row.span.start, row.span.end);
        Ok(())
    }

    fn position(&mut self, disk: &Disk, row: &CursorRow, rows: &Rows) -> Result<(), Broken> {
        let Some(flow) = self.flows.iter_mut().find(|flow| flow.name == row.flow) else { return Ok(()) };
        check_ranges(row)?;
        let key = (row.file, row.epoch);
        let first = flow.first_start
            && flow.start_at == StartAt::End
            && row.epoch.number == 0
            && flow.started.insert(key);
        if row.prefix == 0 && row.ranges.is_empty() {
            return Ok(());
        }
        flow.goes_on_after_a_power_cut(disk, key);
        let bound = flow.bound.get(&key).is_some_and(|binding| !binding.loose);
        if (first || !bound)
            && let Err(broken) = flow.start_at_end(disk, row, rows)
            // A first position that could not be saved may be read past before the next one is.
            && !bound
        {
            return Err(broken);
        }
        let binding = flow.bound[&key];
        // A file that is looked for keeps what was known of it, also of what a power cut ate.
        let looked_for = rows.files.get(&row.file).is_some_and(|file| file.identity == Identity::default());
        if looked_for && disk.contents[binding.content].was > 0 {
            return Ok(());
        }
        let acked = &flow.books[binding.content].acked;
        let content = &disk.contents[binding.content];
        // Past the end that a power cut left there is nothing to acknowledge.
        let end = if content.was > 0 { content.bytes.len() as u64 } else { u64::MAX };
        for span in row.ranges.iter().copied().chain([Span::new(0, row.prefix)]) {
            if !acked.covers(span.start, span.end.min(end)) {
                let text = format!(
                    "{} saved {}..{} of content {}, but {} is not acknowledged",
                    flow.name,
                    span.start,
                    span.end,
                    binding.content,
                    acked.gap_from(span.start)
                );
                return Err(Broken::new("an offset is saved only when all before it is acknowledged", text));
            }
        }
        Ok(())
    }
}

impl Account {
    /// What was read of an epoch is done with before its row goes: after a crash nothing else would tell of it.
    fn may_forget(&self, disk: &Disk, file: FileId, epoch: Epoch) -> Result<(), Broken> {
        let Some(binding) = self.bound.get(&(file, epoch)).filter(|binding| !binding.loose) else {
            return Ok(());
        };
        // What two epochs read of one content, the book cannot tell apart, nor what was written where an end was lost.
        let others = self.bound.iter().filter(|other| other.1.content == binding.content).count() > 1
            || disk.contents[binding.content].was > 0;
        let book = &self.books[binding.content];
        if others || book.acked.covers(book.skipped, book.framed_to.max(book.skipped)) {
            return Ok(());
        }
        let text = format!(
            "{} forgot {file} {epoch}, content {}, read to {}",
            self.name, binding.content, book.framed_to
        );
        Err(Broken::new("a row is forgotten when all that was read is done with", text))
    }

    /// A new epoch of a file whose end was lost is of the content that the one before it is of.
    fn goes_on_after_a_power_cut(&mut self, disk: &Disk, key: (FileId, Epoch)) {
        let before = self.bound.iter().filter(|(other, _)| other.0 == key.0 && other.1.number < key.1.number);
        let newest = before.max_by_key(|(other, _)| other.1.number).map(|(_, binding)| binding.content);
        let cut =
            newest.filter(|content| disk.contents[*content].was > disk.contents[*content].bytes.len() as u64);
        if let Some(content) = cut.filter(|_| !self.bound.contains_key(&key)) {
            self.bound.insert(key, Binding { content, was: None, loose: false, read: 0 });
        }
    }

    /// A position before anything was read: right only where the flow begins at the end of files that were there.
    fn start_at_end(&mut self, disk: &Disk, row: &CursorRow, rows: &Rows) -> Result<(), Broken> {
        let allowed = self.first_start && self.start_at == StartAt::End;
        let start = row.prefix as usize;
        let identity = rows.files.get(&row.file).map(|file| file.identity);
        // The newest content of this identity, or a lost one, that has a line ending there.
        let content = (0..disk.contents.len()).rev().find(|content| {
            let content = &disk.contents[*content];
            let lost = content.truncated && identity == Some(Identity::default());
            let final_byte = start.checked_sub(1).and_then(|at| content.bytes.get(at));
            // Nobody writes on in a compressed file: it is passed over whole.
            let whole = disk.nodes[content.node].packed.is_some() && start == content.bytes.len();
            // It is known by what is before that.
            let known = row.check.at != row.prefix
                || content.bytes.get(..start).is_some_and(|before| {
                    row.check.print.len == 0
                        || kintail_engine::content::check(row.prefix, before) == row.check
                });
            let it_is = lost || identity.is_some_and(|identity| disk.is_called(content.node, identity));
            it_is && known && (whole || final_byte == Some(&b'\n'))
        });
        match content {
            Some(content) if allowed => {
                let content = disk.origin(content);
                self.bound.insert(
                    (row.file, row.epoch),
                    Binding { content, was: None, loose: false, read: row.prefix },
                );
                let book = self.book(content);
                book.skipped = row.prefix;
                book.serve(0, row.prefix);
                book.known.add(0, row.prefix);
                Ok(())
            }
            _ => {
                let text = format!("{} saved {row:?} before anything was read", self.name);
                Err(Broken::new("an offset is saved only when all before it is acknowledged", text))
            }
        }
    }

    /// Whether a span lies in lines that are over the limit, under this policy.
    fn oversize_at(&self, disk: &Disk, binding: Binding, span: Span, policy: Oversize) -> bool {
        let mut lines = disk.contents[binding.content].lines.iter().map(|id| disk.lines[id.0 as usize]);
        let over = |body: u64| body + 1 > self.line.max_bytes;
        self.line.oversize == policy
            && lines.all(|line| line.end() <= span.start || line.start >= span.end || over(line.body))
    }

    /// Whether a span lies in lines on which a step fails that drops them then, in whole or in a piece.
    fn failing_at(&self, disk: &Disk, binding: Binding, span: Span) -> bool {
        let content = &disk.contents[binding.content];
        let fails = |id: &LineId| {
            let line = disk.lines[id.0 as usize];
            let long = (line.start + self.line.max_bytes).min(line.start + line.body.min(line.written));
            let text = &content.bytes[line.start as usize..long as usize];
            // A newline may be a piece of its own, without text.
            let empty = line.body.is_multiple_of(self.line.max_bytes) && self.fails_empties();
            let outside = line.end() <= span.start || line.start >= span.end;
            outside || empty || self.fate(*id, text) == Fate::Failed
        };
        self.steps.on_error == OnError::Drop && content.lines.iter().all(fails)
    }

    /// The file under which the engine keeps a content, if it read any of it.
    pub(super) fn file_of(&self, content: usize) -> Option<FileId> {
        self.bound.iter().find(|(_, binding)| binding.content == content).map(|(key, _)| key.0)
    }
}

fn check_ranges(row: &CursorRow) -> Result<(), Broken> {
    let mut last = row.prefix;
    let apart = row.ranges.iter().all(|range| {
        let fine = range.start > last && range.end > range.start;
        last = range.end;
        fine
    });
    if apart && row.ranges.len() <= MOST_RANGES {
        return Ok(());
    }
    Err(Broken::new("ranges are sorted, apart, few and not empty", format!("{row:?}")))
}
