//! Another configuration for the running agent: read from the same files, and checked as at the start.

use super::listeners::Listeners;
use super::{Refused, own, rules, sink};
use crate::config::Config;
use crate::io::driver::{Renewal, Source};
use crate::io::sinks::Sink;
use kintail_engine::settings::{Destination, Flow};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Reads the configuration again, and knows the one that holds.
#[derive(Debug)]
pub(super) struct Reloader {
    /// `None`: it came from the command line.
    pub(super) file: Option<PathBuf>,
    pub(super) current: Config,
    pub(super) listeners: Listeners,
}

impl Source for Reloader {
    fn reader(&self) -> Box<dyn FnOnce() -> Result<Config, String> + Send> {
        let file = self.file.clone();
        Box::new(move || match file {
            None => Err("there is no configuration file to read".into()),
            Some(file) => Config::load(&file).map_err(|error| error.render(false)),
        })
    }

    fn renew(&mut self, mut config: Config) -> Result<Renewal, String> {
        if config.state_dir != self.current.state_dir {
            let (now, new) = (self.current.state_dir.display(), config.state_dir.display());
            return Err(format!(
                "state_dir cannot change from {now} to {new} while the agent runs: restart it"
            ));
        }
        own::check(&config).map_err(|error| error.to_string())?;
        config.engine.agent.own_paths = own::paths(&config);
        let sinks = self.sinks(&config).map_err(|error| error.to_string())?;
        self.listeners.renew(&config).map_err(|error| error.to_string())?;
        let renewal = Renewal {
            settings: config.engine.clone(),
            sinks,
            rules: rules(&config),
            dead_letter_max: config.dead_letter_max,
            log: config.log,
        };
        self.current = config;
        Ok(renewal)
    }
}

impl Reloader {
    /// A sink for each flow that may need another: what AWS is sent goes with what credentials and certificates are there
    /// now. A file that is written on keeps its writer.
    fn sinks(&self, config: &Config) -> Result<BTreeMap<String, Sink>, Refused> {
        let flows = config.engine.flows.iter().zip(&config.flows);
        let mut sinks = BTreeMap::new();
        for (flow, io) in flows.filter(|(flow, _)| !self.writes_on(flow)) {
            sinks.insert(flow.name.clone(), sink(config, flow, io)?);
        }
        Ok(sinks)
    }

    /// Whether a flow goes on writing to the same file.
    fn writes_on(&self, flow: &Flow) -> bool {
        let local = matches!(flow.destination, Destination::File { .. } | Destination::Stdout);
        let mut current = self.current.engine.flows.iter();
        local && current.any(|old| old.name == flow.name && old.destination == flow.destination)
    }
}
