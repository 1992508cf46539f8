//! What listens: the status sockets and the port for metrics. Those that the configuration may change while the agent runs
//! are changed here.

use super::Refused;
use crate::config::{Config, Metrics};
use crate::observe::socket::Question;
use crate::observe::{metrics, socket};
use std::path::PathBuf;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

/// What listens now.
#[derive(Debug)]
pub(super) struct Listeners {
    state_dir: PathBuf,
    ask: Sender<Question>,
    metrics: Option<Metrics>,
    metrics_task: Option<JoinHandle<()>>,
    group: Option<String>,
    group_task: Option<JoinHandle<()>>,
}

impl Listeners {
    /// Opens all of them; the sockets only where there is a state directory.
    pub(super) async fn open(config: &Config, keeps: bool, ask: Sender<Question>) -> Result<Self, Refused> {
        let mut listeners = Self {
            state_dir: config.state_dir.clone(),
            ask,
            metrics: None,
            metrics_task: None,
            group: None,
            group_task: None,
        };
        if let Some(wanted) = config.metrics {
            let refused = |source| Refused::Metrics { listen: wanted.listen, source };
            let serving = metrics::serve(wanted, listeners.ask.clone()).await.map_err(refused)?;
            listeners.metrics = Some(wanted);
            listeners.metrics_task = Some(tokio::spawn(serving));
        }
        if keeps {
            let refused = |source| Refused::Socket { dir: config.state_dir.clone(), source };
            let answering = socket::serve(&config.state_dir, listeners.ask.clone()).map_err(refused)?;
            tokio::spawn(answering);
            if config.status_group.is_none() {
                socket::close_to_group(&config.state_dir).map_err(refused)?;
            }
            listeners.open_to(config.status_group.clone())?;
        }
        Ok(listeners)
    }

    /// What another configuration wants. A group that cannot be let in is an error; a port that is taken is a line in the
    /// log, for shipping goes on without.
    pub(super) fn renew(&mut self, config: &Config) -> Result<(), Refused> {
        if self.group != config.status_group {
            self.open_to(config.status_group.clone())?;
        }
        if self.metrics != config.metrics {
            self.metrics = config.metrics;
            let (ask, old) = (self.ask.clone(), self.metrics_task.take());
            self.metrics_task = Some(tokio::spawn(listen_instead(old, config.metrics, ask)));
        }
        Ok(())
    }

    /// Lets a group in that may ask, or nobody but the owner.
    fn open_to(&mut self, group: Option<String>) -> Result<(), Refused> {
        let task = match &group {
            Some(group) => Some(tokio::spawn(socket::serve_group(&self.state_dir, group, self.ask.clone())?)),
            None => None,
        };
        if let Some(old) = std::mem::replace(&mut self.group_task, task) {
            old.abort();
            if group.is_none() {
                let refused = |source| Refused::Socket { dir: self.state_dir.clone(), source };
                socket::close_to_group(&self.state_dir).map_err(refused)?;
            }
        }
        self.group = group;
        Ok(())
    }
}

/// Listens where it is wanted once the old one no longer does: the port may be the same.
async fn listen_instead(old: Option<JoinHandle<()>>, wanted: Option<Metrics>, ask: Sender<Question>) {
    if let Some(old) = old {
        old.abort();
        // Its end is what is waited for, however it comes.
        let _ = old.await;
    }
    let Some(wanted) = wanted else { return };
    match metrics::serve(wanted, ask).await {
        Ok(serving) => serving.await,
        Err(error) => tracing::warn!("metrics cannot listen at {}: {error}", wanted.listen),
    }
}
