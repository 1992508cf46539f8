//! `kintail config show`: every value as resolved, secrets masked.

use super::ExitCode;
use crate::config::Config;

/// Shows it.
pub(super) fn run(_config: &Config, _json: bool) -> ExitCode {
    eprintln!("kintail: config show is not in this version");
    ExitCode::Usage
}
