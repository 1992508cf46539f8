//! `kintail check`: everything that is wrong with a configuration.

use super::human::clean;
use super::output::print;
use super::{CheckArgs, ExitCode};
use crate::config::{Config, Report};
use crate::doctor::{self, Finding, Level};
use serde_json::json;
use std::path::Path;

/// Checks it.
pub(super) fn run(config: &Path, args: &CheckArgs) -> ExitCode {
    let file = args.file.as_deref().unwrap_or(config);
    match Config::load(file) {
        Ok(config) if args.online => examine(&config, args),
        Ok(_) if args.json => print(report(&[]), ExitCode::Success),
        Ok(_) if args.quiet => ExitCode::Success,
        Ok(config) => print(format_args!("{}: {}", file.display(), summary(&config)), ExitCode::Success),
        Err(error) if args.json => print(report(&error.reports()), ExitCode::Config),
        Err(error) => super::refuse(&error),
    }
}

/// Looks at the host and asks the services; the exit code tells whether anything is wrong.
fn examine(config: &Config, args: &CheckArgs) -> ExitCode {
    let findings = match doctor::examine(config, args.send_probe) {
        Ok(findings) => findings,
        Err(error) => {
            anstream::eprintln!("kintail: {error}");
            return ExitCode::Output;
        }
    };
    let wrong = findings.iter().any(|finding| finding.level == Level::Error);
    let code = if wrong { ExitCode::Failure } else { ExitCode::Success };
    if args.json {
        return print(format_args!("{:#}", json!({ "ok": !wrong, "findings": findings })), code);
    }
    let told = |finding: &&Finding| !args.quiet || matches!(finding.level, Level::Warning | Level::Error);
    let texts = findings.iter().filter(told).map(ToString::to_string);
    let lines: Vec<String> = texts
        .flat_map(|text| text.lines().map(|line| clean(line).into_owned()).collect::<Vec<_>>())
        .collect();
    if lines.is_empty() { code } else { print(lines.join("\n"), code) }
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
