//! The pure core of kintail. It knows no clock, no randomness of its own, no file system, no network:
//! [`Engine::handle`] takes what happened, [`Engine::poll`] gives the next action or the next deadline.
//!
//! The modules, in the order the data takes:
//!
//! - [`ids`], [`settings`], [`event`], [`command`], [`status`], [`state`]: the words in which all is said
//! - [`discover`]: globs to paths
//! - [`content`]: what a file is recognised by
//! - [`frame`]: bytes to records with spans
//! - [`encode`]: records to bodies
//! - [`destination`]: what a service takes, and what its answers mean
//! - [`job`]: the pure jobs that the driver runs

pub mod ack;
pub mod batch;
pub mod budget;
pub mod command;
pub mod content;
pub mod deliver;
pub mod destination;
pub mod discover;
pub mod encode;
pub mod event;
pub mod frame;
pub mod ids;
pub mod job;
pub mod partition;
pub mod settings;
pub mod state;
pub mod status;

use event::{Action, Event, Now};
use settings::Settings;
use std::time::Duration;

/// The agent's mind. Call order: [`Engine::new`], then for ever: [`Engine::poll`] until it says
/// [`Poll::Wait`], doing each action; then [`Engine::handle`] what happened first, or poll again at the deadline.
#[derive(Debug)]
pub struct Engine {}

/// With what an engine begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// What to do.
    pub settings: Settings,
    /// Seeds all randomness.
    pub seed: u64,
    /// This boot, as the kernel names it; empty where it cannot be told.
    pub boot_id: String,
}

/// What the engine wants next.
#[derive(Debug)]
pub enum Poll {
    /// Do this, and poll again.
    Action(Action),
    /// Nothing to do before an event, or before this time (monotonic).
    Wait(Option<Duration>),
    /// All is done after a shutdown: nothing is unanswered, everything is saved that could be.
    Finished,
}

/// Something worth a line in the log. The driver limits their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How important.
    pub level: Level,
    /// Notes of the same subject repeat each other.
    pub subject: String,
    /// The line.
    pub text: String,
}

/// How important a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A person should act.
    Error,
    /// A person may want to know.
    Warn,
    /// Rare and normal.
    Info,
    /// For those who look closely.
    Debug,
}

impl Engine {
    /// An engine that has seen nothing. Its first action is to load the store.
    pub fn new(_start: Start) -> Self {
        Self {}
    }

    /// Takes in what happened.
    pub fn handle(&mut self, _event: Event, _now: Now) {}

    /// The next action, or the next deadline.
    pub fn poll(&mut self, _now: Now) -> Poll {
        Poll::Wait(None)
    }

    /// What is worth logging since the last call.
    pub fn take_notes(&mut self) -> Vec<Note> {
        Vec::new()
    }

    /// How it is.
    pub fn status(&self, _now: Now) -> status::Status {
        status::Status::default()
    }
}
