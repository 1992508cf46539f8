//! `kintail status`.

use super::{ExitCode, StatusArgs};
use crate::config::Config;

/// Answers it.
pub(super) fn run(_config: &Config, _args: &StatusArgs) -> ExitCode {
    eprintln!("kintail: status is not in this version");
    ExitCode::Usage
}
