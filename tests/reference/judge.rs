//! Compares what was delivered with what was written, by `docs/promises.md`.

use crate::book::{Arrival, Book};
use crate::content::{Content, ContentId, NodeId, Standing, Twice, Written};
use crate::model::Model;
use crate::tally::Tally;
use crate::text::LineId;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// All that a judgement needs.
pub(crate) struct Case<'a> {
    pub(crate) model: &'a Model,
    pub(crate) book: &'a Book,
    pub(crate) close_after: Duration,
    pub(crate) ledger: Vec<Loss>,
    pub(crate) possible_losses: u64,
    places: BTreeMap<LineId, Vec<Place<'a>>>,
}

/// A row of the loss ledger.
#[derive(Debug)]
pub(crate) struct Loss {
    /// Relative to the logs.
    pub(crate) path: PathBuf,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// Where a line was written, or copied to.
#[derive(Clone, Copy)]
struct Place<'a> {
    id: ContentId,
    content: &'a Content,
    written: &'a Written,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// It is somewhere where the agent must find it.
    Owed,
    /// It was destroyed, and delivered before or after that.
    Spared,
    OnLedger,
    /// It was destroyed unread, and a possible loss is to be counted for its file.
    Counted(NodeId, ContentId),
    /// Its content was destroyed before anything of it was read.
    Unread,
    /// It was written between a copy and the truncation.
    Uncopied,
    /// It was written to a file that no agent follows any more.
    Unfollowed,
    /// It never got its end.
    Half,
}

/// The lines that are owed and not delivered; without those that were on their way to the ledger once.
pub(crate) fn missing(model: &Model, book: &Book) -> Vec<String> {
    let owed = model.contents.iter().enumerate().filter(|(_, content)| content.standing != Standing::Lost);
    let lines =
        owed.flat_map(|(id, content)| content.lines.iter().map(move |written| (id, content, written)));
    lines
        .filter(|(_, content, written)| is_owed(model, content, written))
        .filter(|(_, _, written)| !book.has(written.line, written.blocks))
        .map(|(id, content, written)| {
            let names = &model.nodes[content.node].had;
            let half = if written.complete { "" } else { "half " };
            format!(
                "{half}line {:05x}, bytes {}..{} of content {id} ({:?}) of {names:?}",
                written.line,
                written.start,
                written.end(),
                content.standing
            )
        })
        .collect()
}

/// A half line is owed when rotation gave its file its name.
fn is_owed(model: &Model, content: &Content, written: &Written) -> bool {
    let finished =
        || !model.nodes[content.node].linked && model.is_rotated(content.node) && written.blocks > 0;
    !written.late && written.start >= content.returned && (written.complete || finished())
}

impl<'a> Case<'a> {
    pub(crate) fn new(
        model: &'a Model,
        book: &'a Book,
        close_after: Duration,
        ledger: Vec<Loss>,
        possible_losses: u64,
    ) -> Self {
        let mut places: BTreeMap<LineId, Vec<Place>> = BTreeMap::new();
        for (id, content) in model.contents.iter().enumerate() {
            for written in &content.lines {
                places.entry(written.line).or_default().push(Place { id, content, written });
            }
        }
        Self { model, book, close_after, ledger, possible_losses, places }
    }

    /// All that is wrong.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> =
            self.book.strange.iter().map(|text| format!("nobody wrote {text:?}")).collect();
        faults.extend(missing(self.model, self.book).into_iter().map(|line| format!("missing: {line}")));
        for (line, arrivals) in self.book.lines() {
            faults.extend(self.misshapen(line, arrivals));
            faults.extend(self.repeated(line, arrivals));
        }
        faults.extend(self.disordered());
        faults.extend(self.untold());
        faults.extend(self.untrue());
        faults
    }

    fn places(&self, line: LineId) -> &[Place<'a>] {
        self.places.get(&line).map_or(&[], Vec::as_slice)
    }

    /// Pieces of a line that nobody wrote, or that were no end of a finished file.
    fn misshapen(&self, line: LineId, arrivals: &[Arrival]) -> Vec<String> {
        let all = self.model.lines.get(line).copied().unwrap_or(0);
        let whole =
            |at: u32, arrival: &Arrival| at == 0 || at == all || self.was_an_end(line, at, arrival.at);
        arrivals
            .iter()
            .filter(|arrival| {
                let (start, end) = (arrival.blocks.start, arrival.blocks.end);
                end > all || !whole(start, arrival) || !whole(end, arrival)
            })
            .map(|arrival| format!("a piece of line {line:05x} of {all} blocks: {:?}", arrival.blocks))
            .collect()
    }

    /// Whether a file without its live name ended in this block of a line for long enough.
    fn was_an_end(&self, line: LineId, block: u32, seen: Instant) -> bool {
        self.places(line).iter().any(|place| {
            let Some(moved) = self.model.nodes[place.content.node].moved else { return false };
            let mut cuts = place.written.cuts.iter().filter(|cut| cut.0 == block);
            cuts.any(|(_, at, until)| {
                let rested = until.unwrap_or(seen).saturating_duration_since(moved.max(*at));
                rested >= self.close_after.mul_f32(0.8)
            })
        })
    }

    /// What came twice without a reason.
    fn repeated(&self, line: LineId, arrivals: &[Arrival]) -> Vec<String> {
        let mut faults = Vec::new();
        for (n, later) in arrivals.iter().enumerate() {
            let overlaps = |earlier: &&Arrival| {
                earlier.blocks.start < later.blocks.end && later.blocks.start < earlier.blocks.end
            };
            let Some(earlier) = arrivals[..n].iter().rfind(overlaps) else { continue };
            if !self.book.may_repeat(earlier.at, later.at) && self.excuses(line).is_empty() {
                let places: Vec<_> = self.places(line).iter().map(|place| place.id).collect();
                let apart = later.at - earlier.at;
                faults.push(format!("twice: line {line:05x} of contents {places:?}, {apart:?} apart"));
            }
        }
        faults
    }

    /// Why a line may come twice.
    fn excuses(&self, line: LineId) -> BTreeSet<Twice> {
        self.places(line).iter().flat_map(|place| &place.content.twice).copied().collect()
    }

    /// Lines of a content come in its order, unless some are from a copy.
    fn disordered(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let plain = |content: &Content| content.copied.is_none() && content.copy_of.is_none();
        for (id, content) in self.model.contents.iter().enumerate().filter(|(_, content)| plain(content)) {
            let firsts = content.lines.iter().filter_map(|written| {
                self.book.of(written.line).first().map(|arrival| (arrival.number, written.line))
            });
            let firsts: Vec<_> = firsts.collect();
            if let Some(pair) = firsts.windows(2).find(|pair| pair[0].0 > pair[1].0) {
                faults.push(format!("out of order: {:05x} and {:05x} of content {id}", pair[0].1, pair[1].1));
            }
        }
        faults
    }

    /// What became of a line.
    fn fate(&self, line: LineId, places: &[Place]) -> Fate {
        let is_safe = |place: &Place| {
            let Place { content, written, .. } = place;
            content.standing != Standing::Lost && is_owed(self.model, content, written)
        };
        let complete = places.iter().any(|place| place.written.complete);
        if !complete {
            Fate::Half
        } else if places.iter().any(is_safe) {
            Fate::Owed
        } else if self.book.has(line, self.model.lines[line]) {
            Fate::Spared
        } else if places.iter().any(|place| self.is_on_ledger(place)) {
            Fate::OnLedger
        } else {
            places.iter().map(|place| self.loss(place)).min().unwrap_or(Fate::Unfollowed)
        }
    }

    /// What was destroyed unread, and left no trace: neither on the ledger, nor as a possible loss for each such file.
    fn untold(&self) -> Vec<String> {
        let mut nodes: BTreeMap<NodeId, String> = BTreeMap::new();
        for (line, places) in &self.places {
            if let Fate::Counted(node, content) = self.fate(*line, places) {
                nodes.entry(node).or_insert_with(|| format!("line {line:05x} of content {content}"));
            }
        }
        if nodes.len() as u64 <= self.possible_losses {
            return Vec::new();
        }
        vec![format!("{} possible losses, and more files lost lines: {nodes:?}", self.possible_losses)]
    }

    /// What is on the ledger, though all of it was delivered. After a kill that may be so: it was not saved.
    fn untrue(&self) -> Vec<String> {
        let has_returned = self.model.contents.iter().any(|content| content.returned > 0);
        if has_returned || !self.book.kills.is_empty() {
            return Vec::new();
        }
        let is_missing = |row: &Loss, place: &Place| {
            let Place { content, written, .. } = place;
            let overlaps = written.start < row.end && row.start < written.end();
            let named = || self.model.nodes[content.node].had.contains(&row.path);
            overlaps && named() && !(written.complete && self.book.has(written.line, written.blocks))
        };
        let is_true = |row: &&Loss| self.places.values().flatten().any(|place| is_missing(row, place));
        self.ledger.iter().filter(|row| !is_true(row)).map(|row| format!("not lost: {row:?}")).collect()
    }

    /// How many lines had which fate.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally { kills: self.book.kills.len(), ..Tally::default() };
        for (line, places) in &self.places {
            let fate = self.fate(*line, places);
            tally.written += usize::from(!matches!(fate, Fate::Half));
            match fate {
                Fate::Owed => tally.owed += 1,
                Fate::Spared => tally.spared += 1,
                Fate::OnLedger => tally.on_ledger += 1,
                Fate::Counted(..) => tally.counted += 1,
                Fate::Unread => tally.unread += 1,
                Fate::Uncopied => tally.uncopied += 1,
                Fate::Unfollowed => tally.unfollowed += 1,
                Fate::Half => {}
            }
            let arrivals = self.book.of(*line);
            tally.halves += usize::from(arrivals.iter().any(|one| one.blocks.end < self.model.lines[*line]));
            tally.repeated += usize::from(arrivals.iter().filter(|one| one.blocks.start == 0).count() > 1);
        }
        tally
    }

    fn is_on_ledger(&self, place: &Place) -> bool {
        let names = &self.model.nodes[place.content.node].had;
        let covers = |row: &&Loss| row.start <= place.written.start && place.written.end() <= row.end;
        self.ledger.iter().filter(covers).any(|row| names.contains(&row.path))
    }

    /// What a line that was destroyed unread and is not on the ledger leaves. A loss shows if the agent had read of the
    /// content before. What came after a copy of it nobody can know.
    fn loss(&self, place: &Place) -> Fate {
        let Place { content, written, .. } = place;
        let lost = content.lost.unwrap_or_else(Instant::now);
        let before = |arrival: &Arrival| arrival.at < lost;
        let known = || content.lines.iter().any(|known| self.book.of(known.line).iter().any(before));
        if written.late || !written.complete {
            Fate::Unfollowed
        } else if content.copied.is_some_and(|copied| written.end() > copied) {
            Fate::Uncopied
        } else if known() {
            Fate::Counted(content.node, place.id)
        } else {
            Fate::Unread
        }
    }
}
