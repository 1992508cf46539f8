//! Rotation while no agent runs: what is left is read at the next start.

use super::logrotate::{DATED, Logrotate, NARROW, WIDE};
use super::{Scene, Writer, expect_exactly, rotate_unseen, site};
use crate::agent::until;
use std::fs;

#[track_caller]
pub(super) fn rotated(globs: &str, options: &str, rotations: usize) {
    let site = site(globs);
    let log = site.log("app.log");
    let logrotate = Logrotate::new(&site, "app.log", options);
    let rotate = || {
        if options.contains("dateext") { logrotate.rotate_in_another_second() } else { logrotate.rotate() }
    };
    let all = rotate_unseen(&site, &log, rotations, rotate);
    let agent = site.start();
    expect_exactly(&site, agent, &log, all);
}

#[test]
fn create_once_under_a_narrow_pattern() {
    rotated(NARROW, "create", 1);
}

#[test]
fn create_several_times_under_a_wide_pattern() {
    rotated(WIDE, "create", 5);
}

#[test]
fn dateext_once_under_a_narrow_pattern() {
    rotated(NARROW, &format!("create\n{DATED}"), 1);
}

#[test]
fn dateext_several_times_under_a_wide_pattern() {
    rotated(WIDE, &format!("create\n{DATED}"), 3);
}

#[test]
fn olddir_several_times_under_patterns_of_both_directories() {
    rotated("files = ['logs/app.log', 'logs/old/app.log*']", "create\nolddir old\ncreateolddir", 5);
}

#[test]
fn pythons_rotating_file_handler_goes_on_under_a_wide_pattern() {
    logs_on(WIDE);
}

/// Stops the agent, and starts it when the logger has rotated its file often.
#[track_caller]
pub(super) fn logs_on(globs: &str) {
    let Scene { site, agent, writer } = Scene::new(globs, "app.log", |log| Writer::start("size", log));
    let files = || fs::read_dir(site.logs()).unwrap().count();
    let wait_for = |count: usize| until(|| files() >= count, || format!("there are only {} files", files()));
    wait_for(10);
    assert!(agent.stop().success(), "{}", site.journal());
    wait_for(files() + 20);
    let agent = site.start();
    wait_for(files() + 10);
    expect_exactly(&site, agent, &site.log("app.log"), writer.stop());
}
