//! `kintail run`.

use super::ExitCode;
use crate::config::Config;
use std::path::Path;

/// Runs the agent until it is told to stop.
pub(super) fn run(config: Config, file: &Path) -> ExitCode {
    crate::run::run(config, file)
}
