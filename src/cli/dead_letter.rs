//! `kintail dead-letter`.

use super::{DeadLetterCommand, ExitCode};
use crate::config::Config;

/// Answers it.
pub(super) fn run(_config: &Config, _command: &DeadLetterCommand) -> ExitCode {
    eprintln!("kintail: dead-letter is not in this version");
    ExitCode::Usage
}
