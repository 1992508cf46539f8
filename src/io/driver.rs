//! The loop: does what the engine wants, and tells it what happened. It decides nothing and keeps no queue.

mod actions;
mod asked;
mod reload;
mod sources;

pub(crate) use reload::{Renewal, Source};
pub(crate) use sources::Inputs;

use crate::io::files::Files;
use crate::io::keeper::Keeper;
use crate::io::signals::Signal;
use crate::io::sinks::{STDOUT_CLOSED, Sink};
use crate::io::watch::Watches;
use crate::observe::logs::{self, Logs};
use crate::observe::service_manager::ServiceManager;
use kintail_engine::command::{Command, Reply};
use kintail_engine::destination::Answer;
use kintail_engine::event::{Event, Now, Outcome};
use kintail_engine::ids::CommandId;
use kintail_engine::status::Status;
use kintail_engine::{Engine, Poll};
use reload::Reload;
use sources::{Arrived, Sources};
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// With what the engine's wishes are fulfilled.
#[derive(Debug)]
pub(crate) struct Io {
    /// The open files.
    pub(crate) files: Files,
    /// The watched directories.
    pub(crate) watches: Watches,
    /// The flows' names, by [`kintail_engine::ids::FlowId`].
    pub(crate) flows: Vec<String>,
    /// Their destinations.
    pub(crate) sinks: Vec<Sink>,
    /// The state.
    pub(crate) keeper: Keeper,
    /// The log.
    pub(crate) logs: Logs,
}

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was told to stop, and all is saved that could be.
    Stopped,
    /// It was told to stop twice.
    Abandoned,
    /// Nobody reads standard output any more.
    OutputClosed,
}

/// The loop, but for its waiting.
#[derive(Debug)]
struct Driver {
    engine: Engine,
    io: Io,
    started: Instant,
    answers: UnboundedSender<Event>,
    /// The commands that are not answered yet.
    questions: BTreeMap<CommandId, oneshot::Sender<Reply>>,
    commands: u64,
    looked_for_stalls: Instant,
    manager: Option<ServiceManager>,
    reload: Reload,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    /// The engine was told to stop; it ends so when that is finished.
    Stopping {
        end: End,
        /// A signal asked for it.
        by_signal: bool,
    },
    Ended(End),
}

/// So many actions, or answers, in a row; then the network has its turn.
const BATCH: usize = 64;
/// How often hung calls are looked for, while any call is out.
const LOOK_FOR_STALLS: Duration = Duration::from_secs(10);

/// Runs the engine until it has finished.
pub(crate) async fn run(engine: Engine, io: Io, inputs: Inputs, source: Box<dyn Source>) -> End {
    // Unbounded, because the engine bounds what is out, and an action has one answer.
    let (answers, answered) = unbounded_channel();
    let (loaded, configurations) = unbounded_channel();
    let mut sources = Sources::new(inputs, answered, configurations, io.watches.clone());
    let mut driver = Driver::new(engine, io, answers, Reload::new(source, loaded));
    driver.manager = ServiceManager::ready();
    loop {
        let next = driver.act();
        driver.engine.take_notes().iter().for_each(logs::note);
        if let State::Ended(end) = driver.state {
            return end;
        }
        let deadline = [next, driver.housekeep()].into_iter().flatten().min();
        match sources.next(deadline).await {
            Arrived::Events(events) => events.into_iter().for_each(|event| driver.handle(event)),
            Arrived::Signal(signal) => driver.signal(signal),
            Arrived::Question((Command::Reload, question)) => driver.reload(Some(question)),
            Arrived::Question((command, question)) => driver.command(command, question),
            Arrived::Configuration(loaded) => driver.reloaded(loaded),
            Arrived::Deadline => {}
        }
    }
}

impl Driver {
    fn new(engine: Engine, io: Io, answers: UnboundedSender<Event>, reload: Reload) -> Self {
        let started = Instant::now();
        Self {
            engine,
            io,
            started,
            answers,
            questions: BTreeMap::new(),
            commands: 0,
            looked_for_stalls: started,
            manager: None,
            reload,
            state: State::Running,
        }
    }

    /// Does what the engine wants, up to a batch of it. Returns when to ask it again, if nothing comes before.
    fn act(&mut self) -> Option<Instant> {
        for _ in 0..BATCH {
            if let State::Ended(_) = self.state {
                break;
            }
            match self.engine.poll(self.now()) {
                Poll::Action(action) => self.perform(action),
                Poll::Wait(deadline) => return deadline.map(|deadline| self.started + deadline),
                Poll::Finished => {
                    let end = if let State::Stopping { end, .. } = self.state { end } else { End::Stopped };
                    self.state = State::Ended(end);
                }
            }
        }
        Some(Instant::now())
    }

    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono: self.started.elapsed(), wall: i64::try_from(wall.as_nanos()).unwrap_or(i64::MAX) }
    }

    fn handle(&mut self, event: Event) {
        if let Event::Done { outcome: Outcome::Sent(Answer::Failed { failure, .. }), .. } = &event
            && *failure.code == *STDOUT_CLOSED
        {
            self.output_closed();
        }
        if let State::Ended(_) = self.state {
            return;
        }
        self.engine.handle(event, self.now());
    }

    fn signal(&mut self, signal: Signal) {
        match (signal, self.state) {
            (Signal::Stop, State::Running) => {
                self.state = State::Stopping { end: End::Stopped, by_signal: true };
                self.shut_down();
            }
            // It ends for another reason already: this is the first signal, not the second.
            (Signal::Stop, State::Stopping { end, by_signal: false }) => {
                self.state = State::Stopping { end, by_signal: true };
            }
            (Signal::Stop, _) => self.state = State::Ended(End::Abandoned),
            (Signal::Reload, _) => self.reload(None),
        }
    }

    /// What standard output did not take it never will. What is known is saved, where anything is kept; answers are
    /// not waited for, nor is anything sent again.
    fn output_closed(&mut self) {
        if !self.io.keeper.keeps() {
            self.state = State::Ended(End::OutputClosed);
            return;
        }
        if self.state == State::Running {
            self.state = State::Stopping { end: End::OutputClosed, by_signal: false };
            self.shut_down();
        }
        // The second time it waits for nothing.
        self.shut_down();
    }

    /// Has the engine finish what it began.
    fn shut_down(&mut self) {
        self.manager.iter_mut().for_each(ServiceManager::stopping);
        self.engine.handle(Event::Shutdown, self.now());
    }

    fn command(&mut self, command: Command, question: oneshot::Sender<Reply>) {
        self.commands += 1;
        let id = CommandId(self.commands);
        self.questions.insert(id, question);
        self.engine.handle(Event::Command { id, command }, self.now());
    }

    /// What the engine does not know of.
    fn add_problems(&self, status: &mut Status) {
        status.problems.extend(self.io.files.stalled().iter().map(ToString::to_string));
        status.healthy &= status.problems.is_empty();
        // The agent itself is well.
        status.problems.extend(self.reload.problem());
    }

    /// Reports what hangs, lets the log write what it held back, and tells the service manager how it is. Returns when
    /// to do it again.
    fn housekeep(&mut self) -> Option<Instant> {
        let now = Instant::now();
        if now >= self.looked_for_stalls + LOOK_FOR_STALLS {
            self.looked_for_stalls = now;
            for stalled in self.io.files.stalled() {
                let subject = format!("stalled {}", stalled.path.display());
                tracing::error!(subject, "{stalled}");
            }
        }
        let log = self.io.logs.tick().map(|due| now + due);
        let stalls = self.io.files.busy().then_some(self.looked_for_stalls + LOOK_FOR_STALLS);
        let time = self.now();
        let mut manager = self.manager.take();
        let told = manager.as_mut().map(|manager| {
            manager.tick(now, || {
                let mut status = self.engine.status(time);
                self.add_problems(&mut status);
                status
            })
        });
        self.manager = manager;
        [log, stalls, told].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
