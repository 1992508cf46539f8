//! `kintail preview`: the records as they would be sent.

use super::{ExitCode, PreviewArgs};
use crate::config::Config;

/// Shows them.
pub(super) fn run(_config: &Config, _args: &PreviewArgs) -> ExitCode {
    eprintln!("kintail: preview is not in this version");
    ExitCode::Usage
}
