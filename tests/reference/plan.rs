//! What a seed stands for: the writers, the flow, and operations with pauses between them.

use crate::text;
use fastrand::Rng;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// All that a seed decides. What the machine adds is how long things take.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) scope: Scope,
    pub(crate) writers: Vec<Writer>,
    pub(crate) watch: &'static str,
    pub(crate) close_after: Duration,
    /// Each after its pause.
    pub(crate) steps: Vec<(Duration, Op)>,
}

/// A program that writes a log.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    /// Its live file, below the logs.
    pub(crate) path: PathBuf,
    pub(crate) style: Style,
}

/// How a file is renamed in a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `app.log.1`, older ones one up, the one past `keep` removed.
    Numbers { keep: u32 },
    /// `app.log-20260101`, counted up.
    Date,
    /// `app-20260101.log`, counted up.
    Stem,
    /// The live name is a link, which is turned to another file.
    Link,
}

/// Which files the flow follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// `*.log`
    Live,
    /// `*.log*`
    Family,
    /// `**/*.log`
    Tree,
    /// `**/*`
    All,
}

/// Something that happens. Writers are named by their place in [`Plan::writers`], lines are lengths in blocks.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Writes lines; ends an open half line first.
    Append { writer: usize, lines: Vec<u32> },
    /// Begins a line, or writes on at the open one, without its end.
    Half { writer: usize, blocks: u32, part: u32 },
    /// Renames the live file away, or turns the link. Without `reopen` the writer goes on in the old file.
    Rotate { writer: usize, reopen: bool },
    /// A writer that went on in a file without its live name opens that again.
    Reopen { writer: usize },
    /// Cuts the live file to nothing.
    Truncate { writer: usize },
    /// Copies the live file to a rotated name, and cuts it to nothing a while after.
    Copy { writer: usize, after: Duration },
    /// Cuts it to nothing and writes again at once: as many bytes as before, or a line more or less.
    Refill { writer: usize, more: i32 },
    /// Removes the live file's name.
    Delete { writer: usize, reopen: bool },
    /// Removes the live file's directory with all that is below it.
    RemoveDir { writer: usize, reopen: bool },
    /// Removes the oldest rotated file.
    Prune { writer: usize },
    /// Gives the live file a second name.
    Link { writer: usize },
    /// Moves the live file's times without a write.
    Touch { writer: usize },
    /// Moves the live file to another directory.
    Away { writer: usize },
    /// And back, if the live name is free.
    Back { writer: usize },
    /// Nobody may read the live file for so long.
    Lock { writer: usize, lasts: Duration },
    /// Waits until all is shipped that is owed.
    Await,
    /// The agent stands still for so long.
    Freeze { lasts: Duration },
    /// The agent is killed, and started again after a while.
    Kill { down: Duration },
    /// The agent is told to end, and started again after a while.
    Stop { down: Duration },
}

impl Op {
    /// Whether what is unread may be lost by it.
    fn destroys(&self) -> bool {
        matches!(
            self,
            Self::Truncate { .. }
                | Self::Refill { .. }
                | Self::Delete { .. }
                | Self::RemoveDir { .. }
                | Self::Prune { .. }
        )
    }
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let scope = pick(&mut rng, &[Scope::Live, Scope::Family, Scope::Tree, Scope::All]);
        let writers: Vec<Writer> =
            (0..rng.usize(1..=3)).map(|number| writer(&mut rng, scope, number)).collect();
        let watch = if chance(&mut rng, 150) { "poll" } else { "auto" };
        let close_after = millis(&mut rng, 300..2000);
        let long = chance(&mut rng, 300);
        let careful = rng.bool();
        let mut steps = Vec::new();
        for _ in 0..rng.usize(60..140) {
            let op = operation(&mut rng, writers.len(), long);
            if careful && op.destroys() {
                steps.push((Duration::ZERO, Op::Await));
            }
            steps.push((pause(&mut rng), op));
        }
        Self { scope, writers, watch, close_after, steps }
    }
}

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

/// True `part` times in a thousand.
fn chance(rng: &mut Rng, part: u32) -> bool {
    rng.u32(..1000) < part
}

fn millis(rng: &mut Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

fn pause(rng: &mut Rng) -> Duration {
    match rng.u32(..100) {
        0..70 => millis(rng, 0..10),
        70..97 => millis(rng, 0..150),
        _ => millis(rng, 300..1500),
    }
}

fn writer(rng: &mut Rng, scope: Scope, number: usize) -> Writer {
    let dirs: &[&str] = if scope.is_deep() { &["", "sub", "sub/deep"] } else { &[""] };
    let styles =
        [Style::Numbers { keep: 3 }, Style::Numbers { keep: 6 }, Style::Date, Style::Stem, Style::Link];
    Writer { path: Path::new(pick(rng, dirs)).join(format!("app{number}.log")), style: pick(rng, &styles) }
}

fn operation(rng: &mut Rng, writers: usize, long: bool) -> Op {
    let writer = rng.usize(..writers);
    match rng.u32(..100) {
        0..43 => Op::Append { writer, lines: (0..rng.u32(1..8)).map(|_| length(rng, long)).collect() },
        43..49 => Op::Half { writer, blocks: length(rng, long), part: rng.u32(1..6) },
        49..61 => Op::Rotate { writer, reopen: chance(rng, 800) },
        61..66 => Op::Reopen { writer },
        66..68 => Op::Truncate { writer },
        68..73 => Op::Copy { writer, after: Duration::from_millis(pick(rng, &[0, 1, 20, 300])) },
        73..76 => Op::Refill { writer, more: pick(rng, &[0, 0, -1, 1]) },
        76..78 => Op::Delete { writer, reopen: chance(rng, 850) },
        78 => Op::RemoveDir { writer, reopen: chance(rng, 850) },
        79..82 => Op::Prune { writer },
        82 => Op::Link { writer },
        83 => Op::Touch { writer },
        84 => Op::Away { writer },
        85..88 => Op::Back { writer },
        88..90 => Op::Lock { writer, lasts: millis(rng, 0..800) },
        90..93 => Op::Await,
        93..95 => Op::Freeze { lasts: millis(rng, 20..1200) },
        95..97 => Op::Kill { down: millis(rng, 0..1000) },
        _ => Op::Stop { down: millis(rng, 0..1000) },
    }
}

fn length(rng: &mut Rng, long: bool) -> u32 {
    match rng.u32(..100) {
        0..5 => 1,
        5..15 if long => rng.u32(100..text::MOST),
        _ => rng.u32(2..if long { 60 } else { 14 }),
    }
}

impl Scope {
    fn is_deep(self) -> bool {
        matches!(self, Self::Tree | Self::All)
    }

    /// As a glob below the logs.
    pub(crate) fn glob(self) -> &'static str {
        match self {
            Self::Live => "*.log",
            Self::Family => "*.log*",
            Self::Tree => "**/*.log",
            Self::All => "**/*",
        }
    }

    /// Whether a file of this name below the logs is followed.
    pub(crate) fn has(self, path: &Path) -> bool {
        let is_top = path.parent() == Some(Path::new(""));
        let is_log = path.extension().is_some_and(|extension| extension == "log");
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match self {
            Self::Live => is_top && is_log,
            Self::Family => is_top && name.contains(".log"),
            Self::Tree => is_log,
            Self::All => !path.starts_with(".."),
        }
    }
}

impl Writer {
    /// The name of its `number`-th rotated file.
    pub(crate) fn rotated(&self, number: u32) -> PathBuf {
        let path = self.path.display();
        match self.style {
            Style::Numbers { .. } => format!("{path}.{number}").into(),
            Style::Date => format!("{path}-{}", 20_260_100 + number).into(),
            Style::Stem => {
                format!("{}-{}.log", self.path.with_extension("").display(), 20_260_100 + number).into()
            }
            // Not a name that rotation gives.
            Style::Link => format!("../data/{}.v{number}", path.to_string().replace('/', "-")).into(),
        }
    }

    /// Whether one of its rotated files has this name, beside the live one.
    pub(crate) fn made(&self, path: &Path) -> bool {
        self.style != Style::Link && (1..200).any(|number| self.rotated(number) == path)
    }
}
