//! Runs the agent: from the configuration to store, sinks, engine and driver, and to the exit code.

mod own;

use crate::cli::ExitCode;
use crate::config::Config;
use crate::io::driver::{self, End, Inputs, Io};
use crate::io::files::Files;
use crate::io::keeper::Keeper;
use crate::io::signals::Signals;
use crate::io::sinks::{Sink, SinkError};
use crate::io::watch::Watches;
use crate::observe::logs::Logs;
use kintail_engine::discover::PatternError;
use kintail_engine::settings::Settings;
use kintail_engine::{Engine, Start};
use std::io;
use tokio::runtime::Builder;
use tokio::sync::mpsc::channel;

/// Why the agent does not run. What only fails for a time is no reason.
#[derive(Debug, thiserror::Error)]
enum Refused {
    /// A flow would read what it writes.
    #[error(transparent)]
    Loop(#[from] own::Loop),
    /// A destination cannot be set up.
    #[error("flow {flow}: {source}")]
    Sink { flow: String, source: SinkError },
    /// A pattern that the configuration let through.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The operating system does not let us.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

impl Refused {
    const fn code(&self) -> ExitCode {
        match self {
            Self::Loop(_) | Self::Sink { .. } | Self::Pattern(_) => ExitCode::Config,
            Self::System(_) => ExitCode::Output,
        }
    }
}

/// Ships until it is told to stop.
pub fn run(config: Config) -> ExitCode {
    let logs = Logs::begin(config.log);
    finish(&logs, serve(config, Keeper::Nowhere, logs.clone()), ExitCode::Output)
}

/// Ships without a state directory: what is shipped is forgotten. That nobody reads its output any more is a good end.
pub fn tail(config: Config) -> ExitCode {
    let logs = Logs::begin(config.log);
    finish(&logs, serve(config, Keeper::Nowhere, logs.clone()), ExitCode::Success)
}

fn finish(logs: &Logs, ended: Result<End, Refused>, output_closed: ExitCode) -> ExitCode {
    let code = match ended {
        Ok(End::Stopped) => ExitCode::Success,
        Ok(End::Abandoned) => ExitCode::Failure,
        Ok(End::OutputClosed) => output_closed,
        Err(refused) => {
            tracing::error!("{refused}");
            refused.code()
        }
    };
    logs.finish();
    code
}

fn serve(mut config: Config, keeper: Keeper, logs: Logs) -> Result<End, Refused> {
    own::check(&config)?;
    config.engine.agent.own_paths = own::paths(&config);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let (_asking, commands) = channel(1);
        let inputs = Inputs { signals: Signals::listen()?, commands };
        let io = Io {
            files: Files::new(config.engine.agent.follow_symlinks),
            watches: Watches::new(),
            flows: config.engine.flows.iter().map(|flow| flow.name.clone()).collect(),
            sinks: sinks(&config)?,
            keeper,
            logs,
        };
        Ok(driver::run(engine(config.engine)?, io, inputs).await)
    });
    // A name that is being looked up, a call that hangs: left behind.
    runtime.shutdown_background();
    ended
}

fn engine(settings: Settings) -> Result<Engine, Refused> {
    // Empty where the kernel does not tell: then no reboot is ever noticed.
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Ok(Engine::new(Start { settings, seed: fastrand::u64(..), boot_id: boot_id.trim().into() })?)
}

fn sinks(config: &Config) -> Result<Vec<Sink>, Refused> {
    let flows = config.engine.flows.iter().zip(&config.flows);
    let sinks = flows.map(|(flow, io)| {
        let refused = |source| Refused::Sink { flow: flow.name.clone(), source };
        Sink::for_flow(flow, io, &config.aws).map_err(refused)
    });
    sinks.collect()
}
