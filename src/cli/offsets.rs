//! `kintail offsets`.

use super::{ExitCode, OffsetsCommand};
use crate::config::Config;

/// Answers it.
pub(super) fn run(_config: &Config, _command: &OffsetsCommand) -> ExitCode {
    eprintln!("kintail: offsets is not in this version");
    ExitCode::Usage
}
