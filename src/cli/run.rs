//! `kintail run`.

use super::ExitCode;
use crate::config::Config;

/// Runs the agent until it is told to stop.
pub(super) fn run(config: Config) -> ExitCode {
    crate::run::run(config)
}
