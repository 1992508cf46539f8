//! A round: the agent and the programs that write logs, as time passes.

use crate::book::Book;
use crate::content::NodeId;
use crate::daemon::Daemon;
use crate::judge::{Case, Loss, missing};
use crate::life::Life;
use crate::model::Model;
use crate::plan::{Op, Plan};
use crate::tally::Tally;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take; reached only by a round that fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(45);

/// Between two looks at what was delivered.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Longest time of a scan, of what it finds to be gone, and of saving that.
const SETTLED: Duration = Duration::from_secs(3);

/// An agent that is told to end before it listens to signals dies of that.
const BEGINNING: Duration = Duration::from_secs(1);

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) logs: PathBuf,
    pub(crate) model: Model,
    pub(crate) book: Book,
    pub(crate) pens: Vec<Pen>,
    pub(crate) daemon: Daemon,
    pub(crate) life: Life,
    pub(crate) started: Instant,
    pub(crate) due: Vec<(Instant, Due)>,
    began: Instant,
    pub(crate) frozen: Option<Instant>,
    /// How long the agent stood still, since it started.
    pub(crate) still: Duration,
    trace: Vec<String>,
    pub(crate) faults: Vec<String>,
    pub(crate) tally: Tally,
}

/// What a writer has open.
#[derive(Default)]
pub(crate) struct Pen {
    pub(crate) open: Option<(File, NodeId)>,
    /// Rotated files made.
    pub(crate) rotations: u32,
}

/// What is to happen by itself.
pub(crate) enum Due {
    /// The truncation after a copy.
    Cut(File, NodeId),
    /// A file can be read again.
    Unlock(File, fs::Permissions),
    Thaw,
    Start,
}

impl World {
    /// Logs below `volume`, all else below `dir`.
    pub(crate) fn new(plan: Plan, volume: &Path, dir: &Path) -> Self {
        let logs = volume.join("logs");
        fs::create_dir_all(&logs).expect("a directory");
        fs::create_dir_all(volume.join("data")).expect("a directory");
        let daemon = Daemon::new(dir, &logs, &plan);
        let births = fs::metadata(&logs).is_ok_and(|meta| meta.created().is_ok());
        Self {
            model: Model::new(plan.scope, &plan.writers, births),
            book: Book::default(),
            pens: plan.writers.iter().map(|_| Pen::default()).collect(),
            plan,
            logs,
            daemon,
            life: Life::Down,
            started: Instant::now(),
            due: Vec::new(),
            began: Instant::now(),
            frozen: None,
            still: Duration::ZERO,
            trace: Vec::new(),
            faults: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Does what is planned; what went wrong.
    pub(crate) fn run(&mut self) -> Vec<String> {
        self.begin();
        for (pause, op) in self.plan.steps.clone() {
            self.pass(pause);
            self.perform(&op);
            if !self.faults.is_empty() {
                return std::mem::take(&mut self.faults);
            }
        }
        self.end();
        self.judge()
    }

    /// Starts with a line in some files, and waits until all was looked at once.
    fn begin(&mut self) {
        for writer in (0..self.plan.writers.len()).filter(|writer| writer % 2 == 0) {
            self.perform(&Op::Append { writer, lines: vec![5, 9] });
        }
        self.start();
        self.pass(Duration::from_secs(1));
        self.wait(|world| world.daemon.status().is_some());
    }

    pub(crate) fn say(&mut self, text: &str) {
        let at = self.began.elapsed();
        self.trace.push(format!("{:8.3} {text}", at.as_secs_f64()));
    }

    pub(crate) fn later(&mut self, after: Duration, due: Due) {
        self.due.push((Instant::now() + after, due));
    }

    /// Lets time pass.
    fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            self.tick();
            let now = Instant::now();
            if now >= end {
                return;
            }
            thread::sleep(TICK.min(end - now));
        }
    }

    /// Waits until something holds; whether it does.
    pub(crate) fn wait(&mut self, holds: impl Fn(&Self) -> bool) -> bool {
        let began = Instant::now();
        while !holds(self) {
            if began.elapsed() > PATIENCE {
                return false;
            }
            self.pass(TICK * 5);
        }
        true
    }

    /// What is due now, and what was delivered.
    fn tick(&mut self) {
        self.listen();
        let now = Instant::now();
        while let Some(next) = self.due.iter().position(|(at, _)| *at <= now) {
            let (_, due) = self.due.remove(next);
            self.happen(due);
        }
        if let (Life::Ending(down), Some(well)) = (self.life, self.daemon.ended()) {
            self.life = Life::Down;
            self.say("the agent ended");
            self.listen();
            self.later(down, Due::Start);
            if !well && self.started.elapsed() < BEGINNING {
                self.book.killed(self.still);
            } else if !well {
                self.faults.push("the agent ended badly".into());
            }
        }
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Cut(file, node) => self.cut(&file, node),
            Due::Unlock(file, permissions) => {
                file.set_permissions(permissions).expect("the owner may");
                self.say("a file can be read again");
            }
            Due::Thaw => self.thaw(),
            Due::Start => self.start(),
        }
    }

    /// Takes what was delivered.
    pub(crate) fn listen(&mut self) {
        let news = self.daemon.news();
        self.book.take(news);
    }

    /// Waits until the agent runs, can read all files, and has delivered all that is owed.
    pub(crate) fn wait_until_shipped(&mut self) {
        let locked = |world: &Self| world.due.iter().any(|(_, due)| matches!(due, Due::Unlock(..)));
        self.wait(|world| world.is_up() && !locked(world));
        if !self.wait(|world| missing(&world.model, &world.book).is_empty()) {
            let lines = missing(&self.model, &self.book).into_iter();
            self.faults.extend(lines.map(|line| format!("not shipped while the agent is up: {line}")));
        }
    }

    /// Nothing more happens to the files; the agent runs until it has nothing to do, and ends in order.
    fn end(&mut self) {
        self.say("the end begins");
        self.thaw();
        for (_, due) in std::mem::take(&mut self.due) {
            self.happen(due);
        }
        self.wait(|world| world.life == Life::Up || world.life == Life::Down && world.due.is_empty());
        if self.life == Life::Down {
            self.start();
        }
        self.pass(self.plan.close_after + SETTLED);
        self.wait(|world| missing(&world.model, &world.book).is_empty());
        if !self.wait(Self::is_idle) {
            self.faults
                .push(format!("the agent is not idle: {:#}", self.daemon.status().unwrap_or_default()));
        }
        self.finish();
        // Another one finds nothing to do.
        self.start();
        self.pass(SETTLED);
        self.finish();
    }

    fn judge(&mut self) -> Vec<String> {
        let mut faults = std::mem::take(&mut self.faults);
        if !self.daemon.unfinished().is_empty() {
            faults.push("the output ends in half a line".into());
        }
        let loss = |row: &serde_json::Value| Loss {
            path: relative(&self.logs, row["path"].as_str().unwrap_or_default()),
            start: row["start"].as_u64().unwrap_or(0),
            end: row["end"].as_u64().unwrap_or(0),
        };
        let ledger = self.daemon.losses().iter().map(loss).collect();
        let possible = self.daemon.possible_losses();
        let case = Case::new(&self.model, &self.book, self.plan.close_after, ledger, possible);
        faults.extend(case.faults());
        self.tally = case.tally();
        faults
    }

    /// All that happened, for a person.
    pub(crate) fn story(&self) -> String {
        let Plan { scope, writers, watch, close_after, .. } = &self.plan;
        format!(
            "{scope:?}, watch {watch}, close_after {close_after:?}, {writers:#?}\n{}\nthe agent said:\n{}",
            self.trace.join("\n"),
            self.daemon.journal()
        )
    }
}

fn relative(logs: &Path, path: &str) -> PathBuf {
    Path::new(path).strip_prefix(logs).unwrap_or(Path::new(path)).to_path_buf()
}
