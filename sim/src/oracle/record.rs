//! Where an accepted record was read, and whether it may be as it is.

use super::{Account, Broken, Oracle, Sent};
use crate::plan::steps::{Fate, Make};
use crate::text::{self, LineId};
use crate::world::disk::{ContentId, Disk};
use kintail_engine::process::OnError;
use kintail_engine::settings::{Oversize, PartitionKey};

/// Where a record was read. Empty lines look alike and have no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Located {
    Empty,
    At { content: ContentId, start: u64, end: u64 },
}

impl Oracle {
    /// Where this record of a flow was read; that it holds what was written there, from an allowed place to another.
    /// Dead letters keep or lack their newline as they like.
    pub(crate) fn locate(
        &self,
        disk: &Disk,
        flow: usize,
        data: &[u8],
        letter: bool,
    ) -> Result<Located, Broken> {
        let account = &self.flows[flow];
        let wrong = |what: &str| {
            let text = String::from_utf8_lossy(&data[..data.len().min(80)]);
            Broken::new(
                "records are lines as they were written",
                format!("{what}: {} got {text:?}", account.name),
            )
        };
        let (body, newline) = match data.split_last() {
            Some((b'\n', body)) => (body, true),
            _ => (data, false),
        };
        let unmade = account.steps.unmade(body).map(|text| restored(disk, &text));
        let made = unmade.as_ref().map(|_| body);
        let body = unmade.as_deref().unwrap_or(body);
        if body.is_empty() {
            return Ok(Located::Empty);
        }
        let (id, block) = text::read(body).ok_or_else(|| wrong("nobody wrote this"))?;
        let line = disk.lines.get(id.0 as usize).ok_or_else(|| wrong("no such line"))?;
        let from = match block {
            Some(block) => (block * text::BLOCK) as u64,
            None => line.body.saturating_sub(body.len() as u64),
        };
        let start = line.start + from;
        let end = start + body.len() as u64;
        let content = &disk.contents[line.content];
        if content.bytes.get(start as usize..end as usize) != Some(body) {
            return Err(wrong("the bytes are others"));
        }
        let whole_end = from + body.len() as u64 == line.body && line.complete();
        let long = line.body + 1 > account.line.max_bytes;
        let full = body.len() as u64 == account.line.max_bytes;
        let cut = long
            && account.line.oversize == Oversize::Truncate
            && body.len() as u64 + 1 == account.line.max_bytes;
        let fragment = !(whole_end || long && full || cut);
        if from != 0 && !content.cuts.contains(&start) && !long {
            return Err(wrong("it begins inside a line"));
        }
        if fragment && !content.cuts.contains(&end) {
            return Err(wrong("it ends inside a line"));
        }
        let copied = disk.contents.iter().any(|copy| copy.copy_of == Some(line.content));
        if fragment && !disk.nodes[content.node].moved && !copied {
            return Err(wrong("a half line of a live file"));
        }
        account.check_fate(id, (body, made, letter)).map_err(|what| wrong(&what))?;
        let ends = account.newline_after(whole_end || made.is_some(), cut);
        if newline != ends && !letter {
            let what = if newline { "a newline too many" } else { "its newline is missing" };
            return Err(wrong(&format!("{what} at {from} + {} of {line:?}, {:?}", body.len(), account.line)));
        }
        if body.len() as u64 > account.line.max_bytes {
            return Err(wrong("longer than the limit"));
        }
        Ok(Located::At { content: line.content, start, end: end + u64::from(whole_end) })
    }

    /// The service accepted a record.
    pub(crate) fn accepted(&mut self, disk: &Disk, flow: usize, record: Located) -> Result<(), Broken> {
        let account = &mut self.flows[flow];
        let Located::At { content, start, end } = record else {
            account.empties += 1;
            return Ok(());
        };
        let (name, ordered, header) = (account.name.clone(), account.ordered, account.line.skip_header);
        let index =
            disk.contents[content].lines.partition_point(|id| disk.lines[id.0 as usize].start <= start);
        // A header that was half written when its file was finished is over, and what follows it is none.
        let rest = disk.contents[content].cuts.iter().any(|cut| *cut <= start);
        let from_start = account.books.get(content).is_none_or(|book| book.skipped == 0);
        if index <= header as usize && !rest && from_start {
            return Err(Broken::new("headers are not shipped", format!("{name} got {record:?}")));
        }
        let book = account.book(content);
        let (again_to, fresh) = (book.again_to, book.unserved_from(start));
        let sent = book.sent.entry(start).or_insert(Sent { end, times: 0, allowed: 1 });
        // A line that goes whole after its first half went as the end of a finished file is another record.
        let longer = sent.times > 0 && end > sent.end && disk.contents[content].cuts.contains(&sent.end);
        sent.allowed += u32::from(longer);
        sent.times += 1;
        sent.end = end;
        if again_to < u64::MAX && sent.times > sent.allowed + u32::from(end <= again_to) {
            let text = format!("{name} got {record:?} {} times", sent.times);
            return Err(Broken::new("nothing is delivered twice without a cause", text));
        }
        // Of a short content that grew before it was truncated, the copy is taken for another file.
        if ordered && fresh < end && again_to < u64::MAX {
            if fresh < book.in_order {
                let text = format!("{name} got {record:?} after what follows it, up to {}", book.in_order);
                return Err(Broken::new("what is to be in order is", text));
            }
            book.in_order = fresh;
        }
        book.serve(start, end);
        Ok(())
    }

    /// A record among the dead letters is acknowledged, if it had a reason to get there.
    pub(crate) fn buried(
        &mut self,
        disk: &Disk,
        flow: usize,
        record: Located,
        data: usize,
    ) -> Result<(), Broken> {
        let account = &mut self.flows[flow];
        let Located::At { content, start, end } = record else {
            account.empties += 1;
            return Ok(());
        };
        let at = disk.contents[content].lines.partition_point(|id| disk.lines[id.0 as usize].start <= start);
        let line = disk.lines[disk.contents[content].lines[at - 1].0 as usize];
        let oversize =
            account.line.oversize == Oversize::DeadLetter && line.body + 1 > account.line.max_bytes;
        // The rest of a line whose first half was shipped looks like a piece of a long one.
        let rest =
            account.line.oversize == Oversize::DeadLetter && disk.contents[content].cuts.contains(&start);
        let id = disk.contents[content].lines[at - 1];
        let body_end = end.min(line.start + line.body) as usize;
        let failed = account.steps.on_error == OnError::DeadLetter
            && account.fate(id, &disk.contents[content].bytes[start as usize..body_end]) == Fate::Failed;
        if !oversize && !rest && !failed && !account.gives_up {
            let text = format!("{} buried {record:?} of {data} bytes", account.name);
            return Err(Broken::new("records are given up for a reason", text));
        }
        account.book(content).serve(start, end);
        Ok(())
    }

    /// Whether a record may have this partition key.
    pub(crate) fn key_fits(&self, flow: usize, key: &str) -> bool {
        let wanted = &self.flows[flow].key;
        match wanted {
            PartitionKey::Const(text) => key == text,
            PartitionKey::File => key.starts_with("host:/log/"),
            PartitionKey::Hash => key.len() == 32,
            PartitionKey::Random | PartitionKey::Field(_) => key.len() == 16,
        }
    }

    /// The engine was told which of a request's records were accepted; of the others it knows that they were not.
    pub(crate) fn answered(&mut self, flow: usize, records: &[(Located, bool)]) {
        for (record, accepted) in records {
            if let (Located::At { content, start, end }, true) = (record, accepted) {
                self.flows[flow].book(*content).known.add(*start, *end);
            }
        }
    }

    /// A request got no clear answer: its records may come again.
    pub(crate) fn unanswered(&mut self, flow: usize, records: &[(Located, bool)]) {
        for (record, _) in records {
            if let Located::At { content, start, end } = record {
                self.flows[flow].book(*content).excuse(*start, *end);
            }
        }
    }
}

/// The bytes that steps were given: each line has one kind of bytes that are no text, and a carriage return at its end
/// is no part of the text.
fn restored(disk: &Disk, text: &str) -> Vec<u8> {
    let Some((id, block)) = text::read(text.as_bytes()) else { return text.as_bytes().to_vec() };
    let separator = text::separator(id);
    let bytes = text.chars().map(|c| if c == char::REPLACEMENT_CHARACTER { separator } else { c as u8 });
    let mut bytes: Vec<u8> = bytes.collect();
    if let (Some(line), Some(block)) = (disk.lines.get(id.0 as usize), block) {
        let end = (block * text::BLOCK + bytes.len()) as u64;
        if line.complete()
            && end + 1 == line.body
            && separator == b'\r'
            && line.body % text::BLOCK as u64 == 0
        {
            bytes.push(separator);
        }
    }
    bytes
}

impl Account {
    /// What becomes of a record with these bytes of a line, without its newline.
    pub(super) fn fate(&self, id: LineId, body: &[u8]) -> Fate {
        self.steps.fate(Some(id), body, &self.name, self.line.max_bytes)
    }

    /// That steps made of a record what they should: what it is made of, what was made, and whether it is a dead letter,
    /// which may be as it was read.
    fn check_fate(
        &self,
        id: LineId,
        (body, made, letter): (&[u8], Option<&[u8]>, bool),
    ) -> Result<(), String> {
        let fits = |text: &[u8]| match (self.fate(id, text), made) {
            (Fate::Plain, None) => true,
            (Fate::Made(wanted), Some(made)) => wanted.as_bytes() == made,
            (Fate::Failed, None) => letter || self.steps.on_error == OnError::Pass,
            (_, None) => letter,
            _ => false,
        };
        // A carriage return is of the line's end, if the newline was there when it was read.
        if fits(body) || body.strip_suffix(b"\r").is_some_and(fits) {
            return Ok(());
        }
        Err(format!("steps make something else of it: {:?}", self.fate(id, body)))
    }

    /// Whether a step fails on empty lines.
    pub(super) fn fails_empties(&self) -> bool {
        self.steps.make == Make::Parse
    }

    /// Whether a record must end with a newline: at a line's end unless stripped, after a cut, and wherever the
    /// destination needs one.
    fn newline_after(&self, line_end: bool, cut: bool) -> bool {
        self.concatenates || ((line_end || cut) && !self.strip)
    }
}
