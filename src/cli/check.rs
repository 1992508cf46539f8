//! `kintail check`: everything that is wrong with a configuration.

use super::output::print;
use super::{CheckArgs, ExitCode};
use crate::config::{Config, Report};
use serde_json::json;
use std::path::Path;

/// Checks it.
pub(super) fn run(config: &Path, args: &CheckArgs) -> ExitCode {
    if args.online {
        anstream::eprintln!("kintail: --online is not in this version");
        return ExitCode::Usage;
    }
    let file = args.file.as_deref().unwrap_or(config);
    match Config::load(file) {
        Ok(_) if args.json => print(report(&[]), ExitCode::Success),
        Ok(_) if args.quiet => ExitCode::Success,
        Ok(config) => print(format_args!("{}: {}", file.display(), summary(&config)), ExitCode::Success),
        Err(error) if args.json => print(report(&error.reports()), ExitCode::Config),
        Err(error) => super::refuse(&error),
    }
}

fn report(errors: &[Report]) -> String {
    format!("{:#}", json!({ "ok": errors.is_empty(), "errors": errors }))
}

fn summary(config: &Config) -> String {
    match config.engine.flows.len() {
        1 => "right, 1 flow".to_owned(),
        flows => format!("right, {flows} flows"),
    }
}
