//! The status as people read it: the agent, its flows, what is wrong with them, and the files with a lag.

use crate::cli::human::{bytes, clean, path, seconds, table, utc};
use anstyle::{AnsiColor, Style};
use kintail_engine::status::{FileStatus, FlowStatus, LastError, Status, UnreadName};
use std::fmt::Write;

/// Most files that are listed; the largest lags come first.
const FILES: usize = 30;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// The whole picture at a wall time in nanoseconds. With an earlier status and the seconds since, rates and the time
/// that is left are shown.
pub(super) fn draw(status: &Status, before: Option<(&Status, f64)>, now: i64) -> String {
    let mut text = String::new();
    let (style, word) = health(status.healthy);
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "kintail: {style}{word}{style:#}, memory {} of {}",
        bytes(status.memory_used),
        bytes(status.memory_limit)
    );
    for problem in &status.problems {
        let _ = writeln!(text, "  {BAD}{}{BAD:#}", clean(problem));
    }
    text.push('\n');
    text.push_str(&flows(status, before));
    for flow in &status.flows {
        if let Some(error) = &flow.last_error {
            text.push_str(&failure(flow, error, now));
        }
        if flow.counters.failed_lines > 0 {
            let name = clean(&flow.name);
            let _ = writeln!(text, "\n{name}: steps failed on {} lines", flow.counters.failed_lines);
        }
    }
    text.push_str(&files(status));
    text.push_str(&unread(status));
    text
}

fn health(healthy: bool) -> (Style, &'static str) {
    if healthy { (GOOD, "healthy") } else { (BAD, "unhealthy") }
}

fn flows(status: &Status, before: Option<(&Status, f64)>) -> String {
    let row = |flow: &FlowStatus| {
        let counters = &flow.counters;
        [
            clean(&flow.name).into_owned(),
            clean(&flow.destination).into_owned(),
            if flow.healthy { "ok".into() } else { "UNHEALTHY".into() },
            bytes(flow.lag_bytes),
            seconds(flow.lag_seconds),
            rate(flow, before),
            left(flow, before),
            bytes(counters.delivered_bytes),
            counters.retried_records.to_string(),
            counters.dead_letters.to_string(),
            bytes(counters.lost_bytes),
            waiting(flow),
        ]
    };
    let header = [
        "FLOW",
        "TO",
        "STATE",
        "LAG",
        "FOR",
        "RATE",
        "LEFT",
        "DELIVERED",
        "RETRIED",
        "DEAD",
        "LOST",
        "WAITING FOR",
    ];
    table(header, &status.flows.iter().map(row).collect::<Vec<_>>())
}

/// What it waits for, and what it holds meanwhile.
fn waiting(flow: &FlowStatus) -> String {
    let held = match flow.deleted_bytes {
        0 => String::new(),
        held => format!("{} of deleted files are held", bytes(held)),
    };
    let words = [clean(&flow.waiting_for).into_owned(), held];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Bytes of log acknowledged a second.
fn rate(flow: &FlowStatus, before: Option<(&Status, f64)>) -> String {
    let earlier = before.and_then(|(before, elapsed)| {
        let then = before.flows.iter().find(|then| then.name == flow.name)?;
        Some((then.counters.delivered_bytes, elapsed))
    });
    match earlier {
        Some((then, elapsed)) if elapsed > 0.0 => {
            let more = flow.counters.delivered_bytes.saturating_sub(then);
            format!("{}/s", bytes((more as f64 / elapsed) as u64))
        }
        _ => "-".into(),
    }
}

/// For how long the lag would shrink as it does, until nothing is left of it.
fn left(flow: &FlowStatus, before: Option<(&Status, f64)>) -> String {
    let shrunk = before.and_then(|(before, elapsed)| {
        let then = before.flows.iter().find(|then| then.name == flow.name)?;
        Some(then.lag_bytes.saturating_sub(flow.lag_bytes) as f64 / elapsed)
    });
    match shrunk {
        Some(shrunk) if shrunk > 0.0 => seconds(flow.lag_bytes as f64 / shrunk),
        _ => "-".into(),
    }
}

fn failure(flow: &FlowStatus, error: &LastError, now: i64) -> String {
    let style = if error.lasting { BAD } else { Style::new() };
    let since = if error.lasting { "lasting, last at" } else { "at" };
    let mut text = format!(
        "\n{}: {style}{}{style:#} ({since} {}, {} ago): {} {}\n",
        clean(&flow.name),
        clean(&error.kind),
        utc(error.time),
        seconds((now.saturating_sub(error.time).max(0) / 1_000_000_000) as f64),
        clean(&error.code),
        clean(&error.message)
    );
    if error.lasting && !error.advice.is_empty() {
        let _ = writeln!(text, "  {}", clean(&error.advice));
    }
    text
}

/// The files that have a lag or wait for something.
fn files(status: &Status) -> String {
    let mut behind: Vec<_> = status
        .flows
        .iter()
        .flat_map(|flow| flow.files.iter().map(move |file| (flow, file)))
        .filter(|(_, file)| file.lag > 0 || !file.waiting_for.is_empty())
        .collect();
    if behind.is_empty() {
        return String::new();
    }
    behind.sort_by_key(|(_, file)| std::cmp::Reverse(file.lag));
    let rows: Vec<_> = behind
        .iter()
        .take(FILES)
        .map(|(flow, file)| {
            [
                path(&file.path),
                clean(&flow.name).into_owned(),
                bytes(file.lag),
                progress(file),
                clean(&file.waiting_for).into_owned(),
            ]
        })
        .collect();
    let more = match behind.len().saturating_sub(FILES) {
        0 => String::new(),
        more => format!("and {more} more\n"),
    };
    format!("\n{}{more}", table(["FILE", "FLOW", "LAG", "DONE", "WAITING FOR"], &rows))
}

/// The names and directories that are not read at all.
fn unread(status: &Status) -> String {
    let names = status.flows.iter().flat_map(|flow| flow.unread.iter().map(move |name| (flow, name)));
    let row = |(flow, name): (&FlowStatus, &UnreadName)| {
        [path(&name.path), clean(&flow.name).into_owned(), clean(&name.why).into_owned()]
    };
    let rows: Vec<_> = names.take(FILES).map(row).collect();
    let all: u64 = status.flows.iter().map(|flow| flow.unread_names).sum();
    if rows.is_empty() {
        return String::new();
    }
    let more = match all.saturating_sub(rows.len() as u64) {
        0 => String::new(),
        more => format!("and {more} more\n"),
    };
    format!("\n{}{more}", table(["NOT READ", "FLOW", "WHY"], &rows))
}

fn progress(file: &FileStatus) -> String {
    match file.size {
        0 => "-".into(),
        size => format!("{:.1} %", file.offset.min(size) as f64 / size as f64 * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kintail_engine::status::Counters;

    fn status() -> Status {
        let file = |name: &str, offset, waiting: &str| FileStatus {
            path: name.into(),
            file: "1-1".into(),
            offset,
            size: 4096,
            lag: 4096 - offset,
            waiting_for: waiting.into(),
        };
        let web = FlowStatus {
            name: "web".into(),
            destination: "stream clicks".into(),
            healthy: false,
            lag_bytes: 3072,
            lag_seconds: 75.0,
            waiting_for: "credentials".into(),
            last_error: Some(LastError {
                kind: "credentials".into(),
                code: "ExpiredToken".into(),
                message: "expired\u{1b}[2J".into(),
                advice: "renew them".into(),
                time: 0,
                lasting: true,
            }),
            counters: Counters { delivered_bytes: 5 << 20, ..Counters::default() },
            files: vec![file("/a", 4096, ""), file("/b", 1024, ""), file("/c", 4096, "held back")],
            unread: vec![UnreadName { path: "/d".into(), why: "permission denied".into() }],
            unread_names: 3,
            ..FlowStatus::default()
        };
        Status {
            problems: vec!["the store cannot be written".into()],
            memory_used: 1 << 20,
            memory_limit: 64 << 20,
            flows: vec![web],
            ..Status::default()
        }
    }

    #[test]
    fn what_is_wrong_and_what_lags_is_shown() {
        let plain = anstream::adapter::strip_str(&draw(&status(), None, 75_000_000_000)).to_string();
        let expected = "\
kintail: unhealthy, memory 1.0 MiB of 64.0 MiB
  the store cannot be written

FLOW  TO             STATE      LAG      FOR     RATE  LEFT  DELIVERED  RETRIED  DEAD  LOST  WAITING FOR
web   stream clicks  UNHEALTHY  3.0 KiB  1m 15s  -     -     5.0 MiB    0        0     0 B   credentials

web: credentials (lasting, last at 1970-01-01T00:00:00Z, 1m 15s ago): ExpiredToken expired\\u{1b}[2J
  renew them

FILE  FLOW  LAG      DONE     WAITING FOR
/b    web   3.0 KiB  25.0 %
/c    web   0 B      100.0 %  held back

NOT READ  FLOW  WHY
/d        web   permission denied
and 2 more
";
        assert_eq!(plain, expected);
    }

    #[test]
    fn the_rate_is_of_what_came_since() {
        let before = status();
        let mut now = status();
        now.flows[0].counters.delivered_bytes += 3 << 20;
        let text = draw(&now, Some((&before, 2.0)), 0);
        assert!(text.contains("1.5 MiB/s"), "{text}");
    }

    #[test]
    fn the_time_left_is_told_while_a_backlog_shrinks() {
        let mut before = status();
        before.flows[0].lag_bytes = 4096;
        assert_eq!(left(&status().flows[0], Some((&before, 2.0))), "6s");
        for lag in [3072, 1000] {
            before.flows[0].lag_bytes = lag;
            assert_eq!(left(&status().flows[0], Some((&before, 2.0))), "-", "it does not shrink");
        }
        assert_eq!(left(&status().flows[0], None), "-");
    }

    #[test]
    fn of_many_files_only_the_furthest_behind_are_listed() {
        let mut many = status();
        let file = many.flows[0].files[1].clone();
        many.flows[0].files = vec![file; 1000];
        let text = draw(&many, None, 0);
        assert_eq!(text.matches("/b").count(), FILES);
        assert!(text.contains("and 970 more\n"), "{text}");
    }
}
