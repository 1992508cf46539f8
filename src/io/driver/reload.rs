//! Another configuration: read away from the loop, taken whole or not at all, and handed to the engine; each flow's sink is
//! changed when the engine says so.

use super::{Driver, State};
use crate::config::{Config, Log};
use crate::io::files::Rules;
use crate::io::sinks::Sink;
use crate::observe::service_manager::ServiceManager;
use kintail_engine::command::Reply;
use kintail_engine::event::{Event, Outcome};
use kintail_engine::ids::FlowId;
use kintail_engine::settings::Settings;
use std::collections::BTreeMap;
use std::fmt;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

/// A configuration as it was read, or all that is wrong with it.
pub(super) type Loaded = Result<Box<Config>, String>;

/// Where another configuration comes from.
pub(crate) trait Source: fmt::Debug {
    /// Reads it; on any thread.
    fn reader(&self) -> Box<dyn FnOnce() -> Result<Config, String> + Send>;

    /// Makes of it what the loop needs, and changes what listens; or says why it cannot be taken, and changes nothing.
    fn renew(&mut self, config: Config) -> Result<Renewal, String>;
}

/// What the loop needs of another configuration.
#[derive(Debug)]
pub(crate) struct Renewal {
    /// What the engine is told.
    pub(crate) settings: Settings,
    /// The new sinks, by their flows' names. Others go on.
    pub(crate) sinks: BTreeMap<String, Sink>,
    /// Which files are opened.
    pub(crate) rules: Rules,
    /// Most bytes of dead letters.
    pub(crate) dead_letter_max: u64,
    /// What is logged.
    pub(crate) log: Log,
}

/// How it stands with another configuration.
#[derive(Debug)]
pub(super) struct Reload {
    source: Box<dyn Source>,
    loaded: UnboundedSender<Loaded>,
    /// It is being read.
    reading: bool,
    /// It is to be read once more: what is being read may be older.
    again: bool,
    /// Who waits to hear of the one that is read next, or now.
    waiting: Vec<oneshot::Sender<Reply>>,
    /// Sinks of flows that have not changed yet.
    sinks: BTreeMap<String, Sink>,
    /// Why the last one was not taken.
    refused: Option<String>,
}

impl Reload {
    pub(super) fn new(source: Box<dyn Source>, loaded: UnboundedSender<Loaded>) -> Self {
        Self {
            source,
            loaded,
            reading: false,
            again: false,
            waiting: Vec::new(),
            sinks: BTreeMap::new(),
            refused: None,
        }
    }

    /// What is wrong with the configuration that is there now, in a line.
    pub(super) fn problem(&self) -> Option<String> {
        let first = self.refused.as_ref()?.lines().next()?;
        Some(format!("the configuration was changed and cannot be taken, the former one holds: {first}"))
    }

    fn read(&mut self) {
        self.reading = true;
        let (read, loaded) = (self.source.reader(), self.loaded.clone());
        // The loop may have ended meanwhile.
        spawn_blocking(move || drop(loaded.send(read().map(Box::new))));
    }
}

impl Driver {
    /// The configuration is to be read again.
    pub(super) fn reload(&mut self, question: Option<oneshot::Sender<Reply>>) {
        if self.state != State::Running {
            return answer(question, &Reply::Refused("the agent is about to end".into()));
        }
        if self.manager.is_some() {
            ServiceManager::reloading();
        }
        self.reload.waiting.extend(question);
        if self.reload.reading {
            self.reload.again = true;
        } else {
            self.reload.read();
        }
    }

    /// It was read.
    pub(super) fn reloaded(&mut self, loaded: Loaded) {
        self.reload.reading = false;
        if std::mem::take(&mut self.reload.again) {
            return self.reload.read();
        }
        let taken = loaded.and_then(|config| self.reload.source.renew(*config));
        let reply = match taken {
            Ok(renewal) => {
                self.take(renewal);
                Reply::Done
            }
            Err(why) => {
                tracing::error!(
                    subject = "reload",
                    "the configuration is not taken, the former one holds: {why}"
                );
                Reply::Refused(why)
            }
        };
        self.reload.refused = if let Reply::Refused(why) = &reply { Some(why.clone()) } else { None };
        if self.manager.is_some() {
            ServiceManager::reloaded();
        }
        for question in self.reload.waiting.drain(..) {
            answer(Some(question), &reply);
        }
    }

    fn take(&mut self, renewal: Renewal) {
        self.io.logs.change(renewal.log);
        self.io.files.change(renewal.rules);
        self.io.keeper.change(renewal.dead_letter_max);
        self.reload.sinks.extend(renewal.sinks);
        self.engine.handle(Event::Reload(Box::new(renewal.settings)), self.now());
    }

    /// From now on a flow sends as the newest configuration says.
    pub(super) fn switch(&mut self, asked: super::asked::Asked, flow: FlowId, name: String) {
        let flow = flow.0 as usize;
        if let Some(sink) = self.reload.sinks.remove(&name) {
            if flow < self.io.sinks.len() {
                self.io.sinks[flow] = sink;
            } else {
                self.io.sinks.push(sink);
            }
        }
        if flow == self.io.flows.len() {
            self.io.flows.push(name);
        }
        asked.answer(Outcome::Closed);
    }
}

/// Who asked may have gone away.
fn answer(question: Option<oneshot::Sender<Reply>>, reply: &Reply) {
    drop(question.map(|question| question.send(reply.clone())));
}
