//! `kintail losses`.

use super::{ExitCode, LossesArgs};
use crate::config::Config;

/// Answers it.
pub(super) fn run(_config: &Config, _args: &LossesArgs) -> ExitCode {
    eprintln!("kintail: losses is not in this version");
    ExitCode::Usage
}
