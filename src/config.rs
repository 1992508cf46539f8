//! The configuration, resolved: what the engine is told, and what only io needs to know.

mod diagnostic;
mod env;
mod load;
pub mod mask;
pub(crate) mod paths;
mod read;
#[cfg(test)]
mod reference;
mod resolve;
mod schema;
mod section;
pub(crate) mod show;
pub mod units;

pub use diagnostic::{Error, Place, Report};

use kintail_engine::settings::{Agent, Flow, MIB, Settings};
use load::Loader;
use serde::Serialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The commented reference of every key.
pub const REFERENCE: &str = include_str!("../config/kintail.toml");

/// Everything that the configuration says, defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What the engine is told.
    pub engine: Settings,
    /// Where the state is kept; absolute.
    pub state_dir: PathBuf,
    /// What is logged to standard error, and how.
    pub log: Log,
    /// Most bytes of the dead-letter file.
    pub dead_letter_max: u64,
    /// A group that may read the status.
    pub status_group: Option<String>,
    /// Where metrics are to be had; `None`: nowhere.
    pub metrics: Option<Metrics>,
    /// For all flows to AWS.
    pub aws: Aws,
    /// What io needs of each flow, in the order of `engine.flows`.
    pub flows: Vec<FlowIo>,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Log {
    /// The least important level that is logged.
    pub level: LogLevel,
    /// How a line looks.
    pub format: LogFormat,
}

/// How important a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// A person should act.
    Error,
    /// A person may want to know.
    Warn,
    /// Rare and normal.
    Info,
    /// For those who look closely.
    Debug,
    /// Everything.
    Trace,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What Prometheus asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Where it asks.
    pub listen: SocketAddr,
    /// A series for each file too.
    pub per_file: bool,
}

/// How AWS is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aws {
    /// The region; `None`: as the SDK finds it.
    pub region: Option<String>,
    /// The profile of the shared files; `None`: as the SDK finds it.
    pub profile: Option<String>,
    /// Where services are, if not where the region says.
    pub endpoints: Endpoints,
    /// The role for every flow without its own.
    pub assume_role: Option<AssumeRole>,
    /// FIPS endpoints.
    pub fips: bool,
    /// Endpoints that speak IPv6 as well.
    pub dual_stack: bool,
    /// PEM file of the authorities to trust instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Credentials file instead of `~/.aws/credentials`.
    pub shared_credentials_file: Option<PathBuf>,
}

/// Where services are, if not where the region says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Kinesis Data Streams.
    pub kinesis: Option<String>,
    /// Firehose.
    pub firehose: Option<String>,
    /// Where roles are assumed.
    pub sts: Option<String>,
    /// `CloudWatch`.
    pub cloudwatch: Option<String>,
}

/// A role to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumeRole {
    /// The role.
    pub arn: String,
    /// What its owner asks for.
    pub external_id: Option<String>,
    /// How the session is called in logs.
    pub session_name: String,
    /// How long a session's credentials last.
    pub duration: Duration,
}

/// What io needs of a flow and the engine does not. All of it is final: where the flow says nothing, `[aws]` has
/// been asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowIo {
    /// The flow's, else its ARN's, else that of `[aws]`; `None`: as the SDK finds it.
    pub region: Option<String>,
    /// Where the service is, if not where the region says.
    pub endpoint: Option<String>,
    /// The role to assume.
    pub assume_role: Option<AssumeRole>,
}

impl Config {
    /// The documented defaults around one flow.
    pub fn around(flow: Flow) -> Self {
        let io = FlowIo { region: None, endpoint: None, assume_role: None };
        Self {
            engine: Settings { agent: Agent::new(host()), flows: vec![flow] },
            state_dir: "/var/lib/kintail".into(),
            log: Log { level: LogLevel::Info, format: LogFormat::Text },
            dead_letter_max: 1024 * MIB,
            status_group: None,
            metrics: None,
            aws: Aws::default(),
            flows: vec![io],
        }
    }

    /// Reads `file` and `conf.d/*.toml` beside it.
    pub fn load(file: &Path) -> Result<Self, Error> {
        Loader::new(&|name| std::env::var_os(name)).load(file)
    }

    /// Reads one text, with nothing beside it. Relative paths start at `dir`; diagnostics call the text `name`.
    pub fn from_text(name: &str, text: &str, dir: &Path) -> Result<Self, Error> {
        Loader::new(&|name| std::env::var_os(name)).text(name, text, dir)
    }
}

/// This host's name.
fn host() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}
