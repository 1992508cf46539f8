//! What may go wrong with a right configuration: on this host, and at the services.

mod host;
mod logrotate;
mod service;

use crate::config::Config;
use serde::Serialize;
use std::fmt;
use std::io;
use tokio::runtime::Builder;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// As it should be.
    Ok,
    /// It cannot be known without a write.
    NotProven,
    /// It may go wrong.
    Warning,
    /// It goes wrong.
    Error,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What it is about: a flow, or the host.
    pub(crate) about: String,
    /// How bad it is.
    pub(crate) level: Level,
    /// What it is.
    pub(crate) text: String,
    /// What helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

impl Finding {
    fn new(about: &str, level: Level, text: impl Into<String>) -> Self {
        Self { about: about.into(), level, text: text.into(), advice: None }
    }

    fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::NotProven => "not proven",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        write!(f, "{level:10}  {}: {}", self.about, self.text)?;
        match &self.advice {
            Some(advice) => write!(f, "\n{:12}{advice}", ""),
            None => Ok(()),
        }
    }
}

/// Looks at the host and asks the services. With `probe` one marked record is sent by each flow to a stream.
pub(crate) fn examine(config: &Config, probe: bool) -> io::Result<Vec<Finding>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut findings = host::look(config);
    findings.extend(runtime.block_on(service::ask(config, probe)));
    runtime.shutdown_background();
    Ok(findings)
}
