//! `kintail status`: how the running agent is.

mod table;

use super::agent::{self, Error, ask};
use super::output::{print, print_styled};
use super::{ExitCode, StatusArgs};
use kintail_engine::command::{Command, Reply};
use kintail_engine::status::Status;
use std::collections::VecDeque;
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Over so many seconds rates are measured: longer than most batches take to fill, so that they do not jump.
const WINDOW: usize = 10;

/// Shows it.
pub(super) fn run(state_dir: &Path, args: &StatusArgs) -> ExitCode {
    agent::end(match args {
        StatusArgs { check: true, .. } => check(state_dir),
        StatusArgs { watch: true, json: true, .. } => watch(state_dir, print_line),
        StatusArgs { watch: true, .. } if std::io::stdout().is_terminal() => watch(state_dir, redraw),
        StatusArgs { watch: true, .. } => watch(state_dir, append),
        StatusArgs { json: true, .. } => {
            fetch(state_dir).map(|status| print(pretty(&status), ExitCode::Success))
        }
        _ => fetch(state_dir).map(|status| print_styled(table::draw(&status, None, wall()))),
    })
}

fn check(state_dir: &Path) -> Result<ExitCode, Error> {
    let status = fetch(state_dir)?;
    Ok(if status.healthy { ExitCode::Success } else { ExitCode::Failure })
}

fn fetch(state_dir: &Path) -> Result<Status, Error> {
    match ask(state_dir, &Command::Status)? {
        Reply::Status(status) => Ok(*status),
        other => Err(agent::odd(&other)),
    }
}

/// A status and when it was so.
type Seen = (Status, Instant);

/// Shows it each second beside what it was up to [`WINDOW`] seconds before, until the agent is gone or nobody reads.
fn watch(
    state_dir: &Path,
    mut show: impl FnMut(&Seen, Option<&Seen>) -> ExitCode,
) -> Result<ExitCode, Error> {
    let mut before: VecDeque<Seen> = VecDeque::new();
    loop {
        let seen = (fetch(state_dir)?, Instant::now());
        let code = show(&seen, before.front());
        if code != ExitCode::Success {
            return Ok(code);
        }
        if before.len() == WINDOW {
            before.pop_front();
        }
        before.push_back(seen);
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn redraw(seen: &Seen, before: Option<&Seen>) -> ExitCode {
    const TOP_LEFT_AND_CLEAR: &str = "\x1b[H\x1b[J";
    print_styled(format!("{TOP_LEFT_AND_CLEAR}{}", drawn(seen, before)))
}

/// Where nothing can be redrawn: one below the other.
fn append(seen: &Seen, before: Option<&Seen>) -> ExitCode {
    let apart = if before.is_some() { "\n" } else { "" };
    print_styled(format!("{apart}{}", drawn(seen, before)))
}

fn drawn((status, at): &Seen, before: Option<&Seen>) -> String {
    let before = before.map(|(before, then)| (before, at.duration_since(*then).as_secs_f64()));
    table::draw(status, before, wall())
}

/// Nanoseconds since the epoch.
fn wall() -> i64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(wall.as_nanos()).unwrap_or(i64::MAX)
}

fn print_line((status, _): &Seen, _: Option<&Seen>) -> ExitCode {
    print(serde_json::to_string(status).unwrap_or_default(), ExitCode::Success)
}

fn pretty(status: &Status) -> String {
    serde_json::to_string_pretty(status).unwrap_or_default()
}
