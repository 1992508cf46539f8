//! All from which something may come, and what comes first.

use super::BATCH;
use super::reload::Loaded;
use crate::io::signals::{Signal, Signals};
use crate::io::watch::Watches;
use crate::observe::socket::Question;
use kintail_engine::event::Event;
use std::time::Instant;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver};
use tokio::task::yield_now;
use tokio::time::sleep_until;

/// From where something may come unasked.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// The operating system's.
    pub(crate) signals: Signals,
    /// Questions and orders, with where their answer goes.
    pub(crate) commands: Receiver<Question>,
}

/// All from which something may come.
#[derive(Debug)]
pub(super) struct Sources {
    inputs: Inputs,
    answered: UnboundedReceiver<Event>,
    configurations: UnboundedReceiver<Loaded>,
    watches: Watches,
}

/// What came.
#[derive(Debug)]
pub(super) enum Arrived {
    /// Answers or notices.
    Events(Vec<Event>),
    Signal(Signal),
    Question(Question),
    /// A configuration was read again.
    Configuration(Loaded),
    /// Nothing, but it is time.
    Deadline,
}

impl Sources {
    pub(super) fn new(
        inputs: Inputs,
        answered: UnboundedReceiver<Event>,
        configurations: UnboundedReceiver<Loaded>,
        watches: Watches,
    ) -> Self {
        Self { inputs, answered, configurations, watches }
    }

    /// Waits for what comes first. Notices go before answers, which under load always wait.
    pub(super) async fn next(&mut self, deadline: Option<Instant>) -> Arrived {
        // Under load something is always there at once; sockets and timers want their turn all the same.
        yield_now().await;
        let mut answers = Vec::new();
        tokio::select! {
            biased;
            signal = self.inputs.signals.next() => Arrived::Signal(signal),
            Some(question) = self.inputs.commands.recv() => Arrived::Question(question),
            Some(loaded) = self.configurations.recv() => Arrived::Configuration(loaded),
            notices = self.watches.next() => {
                Arrived::Events(notices.into_iter().map(Event::Notice).collect())
            }
            _ = self.answered.recv_many(&mut answers, BATCH) => Arrived::Events(answers),
            () = sleep_to(deadline) => Arrived::Deadline,
        }
    }
}

/// Sleeps until then; `None` is for ever.
async fn sleep_to(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) if deadline <= Instant::now() => {}
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
