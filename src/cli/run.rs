//! `kintail run`.

use super::ExitCode;
use crate::config::Config;

/// Runs the agent until it is told to stop.
pub(super) fn run(_config: Config) -> ExitCode {
    eprintln!("kintail: run is not in this version");
    ExitCode::Usage
}
