//! Runs the agent: from the configuration to store, sinks, engine and driver, and to the exit code.

mod listeners;
mod own;
mod reload;

use crate::config::{Config, FlowIo};
use crate::exit::ExitCode;
use crate::io::boot;
use crate::io::descriptors;
use crate::io::driver::{self, End, Inputs, Io};
use crate::io::files::{Files, Rules};
use crate::io::keeper::{Keeper, KeeperError};
use crate::io::signals::Signals;
use crate::io::sinks::{Sink, SinkError, stdout_is_null};
use crate::io::store::OpenError;
use crate::io::watch::Watches;
use crate::observe::logs::Logs;
use crate::observe::socket::GroupError;
use kintail_engine::discover::PatternError;
use kintail_engine::settings::{Destination, Flow, Settings};
use kintail_engine::{Engine, Start};
use listeners::Listeners;
use reload::Reloader;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
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
    /// A pattern that cannot be used.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// There is no state to begin with.
    #[error(transparent)]
    State(#[from] KeeperError),
    /// The status socket cannot be opened.
    #[error("the status socket in {}: {source}", dir.display())]
    Socket { dir: PathBuf, source: io::Error },
    /// The group that may ask cannot.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The port for metrics cannot be opened.
    #[error("metrics cannot listen at {listen}: {source}")]
    Metrics { listen: SocketAddr, source: io::Error },
    /// The operating system does not let us.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

impl Refused {
    const fn code(&self) -> ExitCode {
        match self {
            Self::Loop(_) | Self::Sink { .. } | Self::Pattern(_) => ExitCode::Config,
            // Another version, or another group, not another place, is what helps.
            Self::Group(GroupError::Unknown(_))
            | Self::State(KeeperError::Open(OpenError::Newer { .. } | OpenError::Hash { .. })) => {
                ExitCode::Config
            }
            Self::State(_) | Self::Socket { .. } | Self::Group(GroupError::Denied { .. }) => ExitCode::State,
            Self::Metrics { .. } | Self::System(_) => ExitCode::Output,
        }
    }
}

/// Ships until it is told to stop. `file` is where the configuration is read again.
pub fn run(config: Config, file: &Path) -> ExitCode {
    let logs = Logs::begin(config.log);
    if stdout_is_null() && config.engine.flows.iter().any(|flow| flow.destination == Destination::Stdout) {
        tracing::warn!("standard output is closed, or /dev/null: what is shipped there is thrown away");
    }
    let keeper = Keeper::open(&config.state_dir, config.dead_letter_max).map_err(Refused::from);
    let ended = keeper.and_then(|keeper| serve(config, Some(file), keeper, logs.clone()));
    finish(&logs, ended, ExitCode::Output)
}

/// Ships without a state directory: what is shipped is forgotten. That nobody reads its output any more is a good end.
pub fn tail(config: Config) -> ExitCode {
    let logs = Logs::begin(config.log);
    finish(&logs, serve(config, None, Keeper::Nowhere, logs.clone()), ExitCode::Success)
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

fn serve(mut config: Config, file: Option<&Path>, keeper: Keeper, logs: Logs) -> Result<End, Refused> {
    own::check(&config)?;
    config.engine.agent.own_paths = own::paths(&config);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let sinks = sinks(&config)?;
        let flows = config.engine.flows.iter().map(|flow| flow.name.clone()).collect();
        let files = Files::new(rules(&config));
        let engine = engine(config.engine.clone())?;
        let (ask, commands) = channel(1);
        let listeners = Listeners::open(&config, keeper.keeps(), ask).await?;
        let inputs = Inputs { signals: Signals::listen()?, commands };
        let io = Io { files, watches: Watches::new(), flows, sinks, keeper, logs };
        let reloader = Reloader { file: file.map(Path::to_path_buf), current: config, listeners };
        Ok(driver::run(engine, io, inputs, Box::new(reloader)).await)
    });
    // A name that is being looked up, a call that hangs: left behind.
    runtime.shutdown_background();
    ended
}

fn rules(config: &Config) -> Rules {
    Rules {
        symlinks: config.engine.agent.follow_symlinks,
        most: descriptors::for_files(),
        outputs: own::outputs(config),
    }
}

fn engine(settings: Settings) -> Result<Engine, Refused> {
    let start = Start { settings, seed: fastrand::u64(..), boot_id: boot::id(), booted: boot::began() };
    Ok(Engine::new(start)?)
}

fn sinks(config: &Config) -> Result<Vec<Sink>, Refused> {
    let flows = config.engine.flows.iter().zip(&config.flows);
    flows.map(|(flow, io)| sink(config, flow, io)).collect()
}

fn sink(config: &Config, flow: &Flow, io: &FlowIo) -> Result<Sink, Refused> {
    let refused = |source| Refused::Sink { flow: flow.name.clone(), source };
    Sink::for_flow(flow, io, &config.aws).map_err(refused)
}
