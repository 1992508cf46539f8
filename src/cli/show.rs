//! `kintail config`: every value as resolved, or the commented reference.

use super::ExitCode;
use super::output::print;
use crate::config::Config;

/// Shows every value as resolved, secrets masked.
pub(super) fn run(config: &Config, json: bool) -> ExitCode {
    if json {
        return print(format_args!("{:#}", config.to_json()), ExitCode::Success);
    }
    print(config.to_toml().trim_end(), ExitCode::Success)
}

/// Shows the commented reference of every key.
pub(super) fn reference() -> ExitCode {
    print(crate::config::REFERENCE.trim_end(), ExitCode::Success)
}
