//! Where lines go: a file that rotates, standard output, and never what is followed.

use crate::agent::{Agent, Site, append, lines, until};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn the_output_is_rotated_by_size() {
    let site = Site::new("*.log", "");
    site.configure("files = [\"logs/*.log\"]\nfile = { path = \"out\", rotate = \"64KiB\", keep = 100 }");
    let _agent = site.start();
    let mut all = Vec::new();
    for round in 0..20 {
        let more = lines(&format!("a line of some length in round {round}"), 500);
        append(&site.log("app.log"), &more);
        site.expect(&more);
        all.extend(more);
    }
    site.expect_once(&all);
    assert!(site.path("out.1").exists());
    assert!(site.path("out.1").metadata().unwrap().len() <= 64 * 1024);
}

#[test]
fn a_slow_reader_of_stdout_is_waited_for_and_gets_every_line() {
    let site = Site::new("*.log", "");
    site.configure("files = [\"logs/*.log\"]\nstdout = true");
    let all = lines("a line that fills the pipe", 20_000);
    append(&site.log("app.log"), &all);
    let mut agent = Agent(site.command().stdout(Stdio::piped()).spawn().unwrap());
    thread::sleep(Duration::from_millis(300));
    let mut output = BufReader::new(agent.0.stdout.take().unwrap()).lines();
    let read: Vec<_> = output.by_ref().take(all.len()).map(Result::unwrap).collect();
    assert_eq!(read, all);
}

#[test]
fn a_closed_stdout_ends_the_agent_with_74_at_once() {
    let site = Site::new("*.log", "");
    site.configure("files = [\"logs/*.log\"]\nstdout = true");
    append(&site.log("app.log"), &lines("app", 3));
    let mut agent = Agent(site.command().stdout(Stdio::piped()).spawn().unwrap());
    drop(agent.0.stdout.take());
    let closed = Instant::now();
    assert_eq!(agent.ended().code(), Some(74), "{}", site.journal());
    assert!(closed.elapsed() < Duration::from_secs(3), "it waits for an answer that never comes");
}

#[test]
fn an_output_that_is_followed_through_a_link_is_refused_with_78() {
    let site = Site::new("*.log", "");
    std::os::unix::fs::symlink(site.logs(), site.path("alias")).unwrap();
    site.configure("files = [\"logs/*.log\"]\nfile = \"alias/out.log\"");
    assert_eq!(site.start().ended().code(), Some(78));
    assert!(site.journal().contains("out.log"), "{}", site.journal());
}

#[test]
fn an_output_under_a_second_name_is_never_followed() {
    let site = Site::new("*.log", "");
    append(&site.log("app.log"), &lines("app", 3));
    let _agent = site.start();
    site.expect_once(&lines("app", 3));
    std::fs::hard_link(site.path("out"), site.log("hard.log")).unwrap();
    std::os::unix::fs::symlink(site.path("out"), site.log("soft.log")).unwrap();
    until(|| site.journal().matches("which this agent writes").count() >= 2, || site.journal());
    append(&site.log("app.log"), &lines("later", 3));
    site.expect_once(&[lines("app", 3), lines("later", 3)].concat());
}

#[test]
fn a_stdout_that_throws_all_away_is_told() {
    let site = Site::new("*.log", "");
    site.configure("files = [\"logs/*.log\"]\nstdout = true");
    let _agent = Agent(site.command().stdout(Stdio::null()).spawn().unwrap());
    until(|| site.journal().contains("/dev/null"), || site.journal());
}

#[test]
fn the_log_and_the_outputs_are_never_followed_by_a_wildcard() {
    let site = Site::new("*.log", "");
    // Everything is in one directory: logs, outputs, the journal, the state.
    site.configure("files = [\"*\"]\nexclude = [\"out\", \"kintail.toml\"]\nfile = \"out\"");
    append(&site.path("app.log"), &lines("app", 3));
    let agent = site.start();
    site.expect(&lines("app", 3));
    agent.signal(rustix::process::Signal::HUP);
    until(|| site.journal().contains("the configuration was read again"), || site.journal());
    append(&site.path("app.log"), &lines("later", 3));
    site.expect_once(&lines("later", 3));
    assert!(agent.stop().success());
    assert!(!site.delivered().keys().any(|line| line.contains("read again")));
}

/// `kintail tail` of the site's logs, its output piped.
fn tail(site: &Site) -> Agent {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kintail"));
    command.arg("tail").arg(site.log("*.log")).stdin(Stdio::null()).stdout(Stdio::piped());
    Agent(command.stderr(site.journal_file()).spawn().unwrap())
}

#[test]
fn tail_shows_what_is_new_and_ends_well_when_its_reader_goes_away() {
    let site = Site::new("*.log", "");
    let log = site.log("app.log");
    append(&log, &lines("old", 3));
    let mut agent = tail(&site);
    let mut output = BufReader::new(agent.0.stdout.take().unwrap()).lines();
    // Until it has found its files, what is appended is old.
    let writing = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            while writing.load(Ordering::Relaxed) {
                append(&log, &lines("new", 1));
                thread::sleep(Duration::from_millis(20));
            }
        });
        let first = output.next().map(Result::unwrap);
        drop(output);
        let ended = agent.ended();
        writing.store(false, Ordering::Relaxed);
        assert_eq!(first.as_deref(), Some("new 0"));
        assert!(ended.success(), "{ended}: {}", site.journal());
    });
    assert_eq!(site.journal(), "");
}
