//! Rotation by those who do it in earnest, under a writer that never stops: each line arrives, and once.

mod archives;
mod compressed;
mod copies;
mod down;
mod generations;
mod handlers;
mod kubelet;
mod logrotate;
mod writer;

use crate::agent::{Agent, Site, append, lines, until};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use writer::Writer;

/// How often the log of a test is rotated.
const ROTATIONS: usize = 20;

/// Rotates again and again under the writer, each time when the agent has shipped some of the log that is live.
fn rotate_under(site: &Site, log: &Path, mut rotate: impl FnMut()) {
    for _ in 0..ROTATIONS {
        wait_for_a_line(site, log);
        rotate();
    }
    wait_for_a_line(site, log);
}

/// Waits until the log has a line, and the agent has shipped its last one of now.
#[track_caller]
fn wait_for_a_line(site: &Site, log: &Path) {
    let mut line = None;
    until(
        || (line = last_line(log), line.is_some()).1,
        || format!("nothing is written to {}", log.display()),
    );
    site.expect(&line.into_iter().collect::<Vec<_>>());
}

fn last_line(log: &Path) -> Option<String> {
    let text = String::from_utf8(fs::read(log).ok()?).unwrap();
    // What follows the last newline is no line yet.
    text.rsplit('\n').nth(1).map(str::to_owned)
}

/// The agent delivered these lines and nothing else, each once; nor does it deliver more after a restart.
#[track_caller]
fn expect_exactly(site: &Site, agent: Agent, log: &Path, all: Vec<String>) {
    expect_owed(site, agent, log, all.clone(), all);
}

/// The same, where only some of the lines are owed.
#[track_caller]
fn expect_owed(site: &Site, agent: Agent, log: &Path, owed: Vec<String>, all: Vec<String>) {
    site.expect(&owed);
    wait_until_idle(site);
    exactly(site, &owed, &all);
    assert!(agent.stop().success(), "{}", site.journal());
    let agent = site.start();
    let last = lines("after the restart", 1);
    append(log, &last);
    site.expect(&last);
    wait_until_idle(site);
    exactly(site, &[owed, last.clone()].concat(), &[all, last].concat());
    assert!(agent.stop().success(), "{}", site.journal());
}

/// Waits until the agent says that it has nothing more to do.
#[track_caller]
fn wait_until_idle(site: &Site) {
    until(
        || status(site).is_some_and(|status| status["flows"].as_array().unwrap().iter().all(is_idle)),
        || format!("not idle: {:#?}", status(site)),
    );
}

fn is_idle(flow: &serde_json::Value) -> bool {
    let waits = |file: &serde_json::Value| file["lag"] != 0 || file["waiting_for"] != "";
    flow["in_flight"] == 0 && !flow["files"].as_array().unwrap().iter().any(waits)
}

fn status(site: &Site) -> Option<serde_json::Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kintail"));
    let output = command.args(["status", "--json", "--config"]).arg(site.config()).output().unwrap();
    serde_json::from_slice(&output.stdout).ok()
}

/// The loss ledger.
fn losses(site: &Site) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kintail"));
    let output = command.args(["losses", "--json", "--config"]).arg(site.config()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn exactly(site: &Site, owed: &[String], all: &[String]) {
    let delivered = site.delivered();
    let written: BTreeSet<&String> = all.iter().collect();
    let others: Vec<_> = delivered.keys().filter(|line| !written.contains(line)).take(5).collect();
    assert!(others.is_empty(), "nobody wrote {others:?}; the log says\n{}", site.journal());
    site.expect_once(owed);
}

/// Rotates a log so often while no agent runs, with lines in every generation, the first of which is half read. All
/// lines.
#[track_caller]
fn rotate_unseen(site: &Site, log: &Path, rotations: usize, mut rotate: impl FnMut()) -> Vec<String> {
    let mut all = lines("seen", 100);
    append(log, &all);
    let agent = site.start();
    site.expect(&all);
    assert!(agent.stop().success(), "{}", site.journal());
    for generation in 0..=rotations {
        if generation > 0 {
            rotate();
        }
        let more = lines(&format!("generation {generation}"), 100);
        append(log, &more);
        all.extend(more);
    }
    all
}

/// A flow over `globs`, and an agent at work on the writer's log.
struct Scene {
    site: Site,
    agent: Agent,
    writer: Writer,
}

/// One flow from these patterns to a file.
fn site(globs: &str) -> Site {
    let site = Site::new("", "");
    site.configure(&format!("{globs}\nfile = \"out\""));
    site
}

impl Scene {
    fn new(globs: &str, log: &str, writer: impl FnOnce(&Path) -> Writer) -> Self {
        let site = site(globs);
        let log = site.log(log);
        fs::create_dir_all(log.parent().unwrap()).unwrap();
        let writer = writer(&log);
        let agent = site.start();
        Self { site, agent, writer }
    }
}
