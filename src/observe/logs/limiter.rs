//! Which lines are written: at most 60 a minute, errors first, the same subject once a minute with its count.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;
use tracing::Level;

/// Most lines in any minute, the summary among them.
const MOST: usize = 60;
/// So many of them only for errors, so many more for errors and warnings.
const FOR_ERRORS: usize = 15;
const FOR_WARNINGS: usize = 15;
/// Most subjects that are remembered for their repeats; lines of others are only counted.
const SUBJECTS: usize = 500;
const MINUTE: Duration = Duration::from_mins(1);

/// Decides for each line. Times are since any fixed moment and never go back.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    /// When the last lines were written, at most [`MOST`].
    written: VecDeque<Duration>,
    subjects: BTreeMap<String, Subject>,
    left_out: LeftOut,
}

#[derive(Debug)]
struct Subject {
    written: Duration,
    /// How many lines were held back since, and the last of them.
    held: u32,
    last: Option<Line>,
}

/// Lines that nobody will see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    since: Option<Duration>,
    errors: u32,
    others: u32,
}

/// A line as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) level: Level,
    /// Lines of the same subject repeat each other.
    pub(super) subject: String,
    pub(super) text: String,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Out {
    /// A line, which stands for so many more of its subject.
    Line { line: Line, repeats: u32 },
    /// So many lines were left out.
    LeftOut { errors: u32, others: u32 },
}

impl Limiter {
    /// Whether a line is written now. Those for debugging were asked for, and always are.
    pub(super) fn offer(&mut self, now: Duration, line: Line) -> Option<Out> {
        if line.level > Level::INFO {
            return Some(Out::Line { line, repeats: 0 });
        }
        self.forget(now, &line.subject);
        if let Some(subject) = self.subjects.get_mut(&line.subject) {
            subject.held += 1;
            subject.last = Some(line);
            return None;
        }
        if !self.has_room(now, line.level) || self.subjects.len() >= SUBJECTS {
            self.left_out.count(now, line.level, 1);
            return None;
        }
        self.written.push_back(now);
        self.subjects.insert(line.subject.clone(), Subject { written: now, held: 0, last: None });
        Some(Out::Line { line, repeats: 0 })
    }

    /// What has waited for a minute.
    pub(super) fn tick(&mut self, now: Duration) -> Vec<Out> {
        let mut outs = self.repeats(now);
        if self.left_out.since.is_some_and(|since| now >= since + MINUTE) && self.room(now) > 0 {
            self.written.push_back(now);
            outs.extend(self.left_out.take());
        }
        outs
    }

    /// When [`Self::tick`] may have something to write.
    pub(super) fn due(&self) -> Option<Duration> {
        let held = self.subjects.values().filter(|subject| subject.held > 0);
        let repeats = held.map(|subject| subject.written + MINUTE).min();
        let left_out = self.left_out.since.map(|since| since + MINUTE);
        let room = self.written.front().filter(|_| self.written.len() >= MOST).map(|first| *first + MINUTE);
        [repeats, left_out].into_iter().flatten().min().max(room)
    }

    /// What was held back, without waiting, as far as this minute has room.
    pub(super) fn finish(&mut self, now: Duration) -> Vec<Out> {
        let all = std::mem::take(&mut self.subjects);
        let mut outs = self.repeats_of(now, all.into_iter().collect());
        outs.extend(self.left_out.take());
        outs
    }

    /// A subject that did not come again within its minute is new when it comes.
    fn forget(&mut self, now: Duration, subject: &str) {
        let over = |subject: &Subject| subject.held == 0 && now >= subject.written + MINUTE;
        if self.subjects.get(subject).is_some_and(over) {
            self.subjects.remove(subject);
        }
        if self.subjects.len() >= SUBJECTS {
            self.subjects.retain(|_, subject| !over(subject));
        }
    }

    /// The repeats of the last minute, errors first.
    fn repeats(&mut self, now: Duration) -> Vec<Out> {
        let old = self.subjects.extract_if(.., |_, subject| now >= subject.written + MINUTE).collect();
        self.repeats_of(now, old)
    }

    fn repeats_of(&mut self, now: Duration, mut old: Vec<(String, Subject)>) -> Vec<Out> {
        old.sort_by_key(|(_, subject)| subject.last.as_ref().map(|line| line.level));
        let mut outs = Vec::new();
        for (name, subject) in old {
            let Some(Out::Line { line, repeats }) = subject.repeat() else { continue };
            if self.has_room(now, line.level) {
                self.written.push_back(now);
                self.subjects.insert(name, Subject { written: now, held: 0, last: None });
                outs.push(Out::Line { line, repeats });
            } else {
                self.left_out.count(now, line.level, repeats + 1);
            }
        }
        outs
    }

    /// Whether a line of this level may be written; one line is always kept for the summary.
    fn has_room(&mut self, now: Duration, level: Level) -> bool {
        let reserved = match level {
            Level::ERROR => 1,
            Level::WARN => 1 + FOR_ERRORS,
            _ => 1 + FOR_ERRORS + FOR_WARNINGS,
        };
        self.room(now) > reserved
    }

    fn room(&mut self, now: Duration) -> usize {
        while self.written.front().is_some_and(|first| now >= *first + MINUTE) {
            self.written.pop_front();
        }
        MOST - self.written.len()
    }
}

impl Subject {
    /// The last line that was held back, and how many it stands for.
    fn repeat(self) -> Option<Out> {
        let repeats = self.held.saturating_sub(1);
        self.last.map(|line| Out::Line { line, repeats })
    }
}

impl LeftOut {
    fn count(&mut self, now: Duration, level: Level, lines: u32) {
        self.since.get_or_insert(now);
        let counter = if level == Level::ERROR { &mut self.errors } else { &mut self.others };
        *counter = counter.saturating_add(lines);
    }

    fn take(&mut self) -> Option<Out> {
        let Self { since, errors, others } = std::mem::take(self);
        since.map(|_| Out::LeftOut { errors, others })
    }
}

impl Out {
    /// How important it is.
    pub(super) fn level(&self) -> Level {
        match self {
            Self::Line { line, .. } => line.level,
            Self::LeftOut { errors: 0, .. } => Level::INFO,
            Self::LeftOut { .. } => Level::WARN,
        }
    }

    /// What it says.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Line { line, repeats: 0 } => line.text.clone(),
            Self::Line { line, repeats } => {
                let mut text = line.text.clone();
                let _ = write!(text, " ({} times in the last minute)", repeats + 1);
                text
            }
            Self::LeftOut { errors, others } => {
                format!("{} lines were left out of this log, {errors} of them errors", errors + others)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: Level, subject: &str) -> Line {
        Line { level, subject: subject.into(), text: format!("text of {subject}") }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_repeating_error_is_written_once_a_minute_with_its_count() {
        let mut limiter = Limiter::default();
        let written: Vec<_> = (0..120)
            .flat_map(|second| {
                let mut outs = limiter.tick(at(second));
                outs.extend(limiter.offer(at(second), line(Level::ERROR, "disk")));
                outs
            })
            .map(|out| out.text())
            .collect();
        assert_eq!(written, ["text of disk", "text of disk (59 times in the last minute)"]);
    }

    #[test]
    fn what_stopped_repeating_is_told_at_the_end_of_its_minute_and_forgotten() {
        let mut limiter = Limiter::default();
        assert!(limiter.offer(at(0), line(Level::ERROR, "disk")).is_some());
        assert!(limiter.offer(at(1), line(Level::ERROR, "disk")).is_none());
        assert_eq!(limiter.due(), Some(at(60)));
        assert_eq!(limiter.tick(at(59)), []);
        assert_eq!(limiter.tick(at(60)).len(), 1);
        assert_eq!(limiter.due(), None);
        assert_eq!(limiter.tick(at(120)), []);
        assert!(limiter.offer(at(121), line(Level::ERROR, "disk")).is_some());
    }

    #[test]
    fn no_minute_has_more_than_sixty_lines_and_what_is_left_out_is_counted() {
        let mut limiter = Limiter::default();
        let mut written = Vec::new();
        let mut told = 0;
        for step in 0..3000_u64 {
            let now = Duration::from_millis(step * 100);
            let level = if step % 3 == 0 { Level::ERROR } else { Level::INFO };
            let outs =
                limiter.tick(now).into_iter().chain(limiter.offer(now, line(level, &step.to_string())));
            for out in outs {
                written.push(now);
                told += match out {
                    Out::Line { repeats, .. } => 1 + repeats,
                    Out::LeftOut { errors, others } => errors + others,
                };
            }
        }
        for out in limiter.finish(at(300)) {
            told += if let Out::LeftOut { errors, others } = out { errors + others } else { 0 };
        }
        assert_eq!(told, 3000);
        for (index, first) in written.iter().enumerate() {
            let minute = written[index..].iter().take_while(|time| **time < *first + MINUTE).count();
            assert!(minute <= MOST, "{minute} lines in the minute after {first:?}");
        }
    }

    #[test]
    fn the_end_is_no_flood() {
        let mut limiter = Limiter::default();
        let mut written = 0;
        for number in 0..200 {
            let subject = (number % 100).to_string();
            written += usize::from(limiter.offer(at(1), line(Level::ERROR, &subject)).is_some());
        }
        let last = limiter.finish(at(2));
        assert!(written + last.len() <= MOST, "{} lines", written + last.len());
        assert!(
            matches!(last[..], [Out::LeftOut { errors, .. }] if errors as usize == 200 - written),
            "{last:?}"
        );
    }

    #[test]
    fn a_flood_of_infos_leaves_room_for_errors() {
        let mut limiter = Limiter::default();
        for number in 0..1000 {
            limiter.offer(at(0), line(Level::INFO, &format!("info {number}")));
        }
        let errors = (0..FOR_ERRORS + FOR_WARNINGS)
            .filter(|number| limiter.offer(at(1), line(Level::ERROR, &format!("error {number}"))).is_some());
        assert_eq!(errors.count(), FOR_ERRORS + FOR_WARNINGS);
    }

    #[test]
    fn lines_for_debugging_are_not_limited() {
        let mut limiter = Limiter::default();
        let written = (0..1000).filter_map(|_| limiter.offer(at(0), line(Level::DEBUG, "x"))).count();
        assert_eq!(written, 1000);
    }

    #[test]
    fn many_subjects_take_no_more_memory() {
        let mut limiter = Limiter::default();
        for number in 0..100_000 {
            limiter.offer(at(number / 1000), line(Level::ERROR, &number.to_string()));
        }
        assert!(limiter.subjects.len() <= SUBJECTS && limiter.written.len() <= MOST);
    }
}
