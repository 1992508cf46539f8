//! Generations that no agent has seen under their live name, beside a narrow pattern: they are read too.

use super::down::{logs_on, rotated};
use super::logrotate::{DATED, Logrotate, NARROW};
use super::{expect_exactly, site};
use crate::agent::{append, lines};
use rustix::process::Signal;

#[test]
fn create_several_times_while_the_agent_is_down() {
    rotated(NARROW, "create", 5);
}

#[test]
fn dateext_several_times_while_the_agent_is_down() {
    rotated(NARROW, &format!("create\n{DATED}"), 3);
}

/// The agent is up, but gets no time to look between the rotations: on a host that swaps, or was suspended.
#[test]
fn create_several_times_while_the_agent_stands_still() {
    let site = site(NARROW);
    let log = site.log("app.log");
    let logrotate = Logrotate::new(&site, "app.log", "create");
    let mut all = lines("seen", 100);
    append(&log, &all);
    let agent = site.start();
    site.expect(&all);
    agent.signal(Signal::STOP);
    for generation in 0..5 {
        let more = lines(&format!("generation {generation}"), 100);
        append(&log, &more);
        all.extend(more);
        logrotate.rotate();
    }
    agent.signal(Signal::CONT);
    expect_exactly(&site, agent, &log, all);
}

#[test]
fn pythons_rotating_file_handler_goes_on_while_the_agent_is_down() {
    logs_on(NARROW);
}
