//! Copies of logs that are truncated: what was unread then is read from the copy, and nothing twice.

use super::logrotate::{Logrotate, NARROW, WIDE};
use super::{Scene, Writer, expect_exactly, expect_owed, rotate_under, rotate_unseen, site};
use std::fs;
use std::path::Path;

/// The writer goes on meanwhile: what it writes between a copy and the truncation nobody can promise. What is in the
/// files at the end is owed.
#[track_caller]
fn rotated(globs: &str) {
    let Scene { site, agent, writer } = Scene::new(globs, "app.log", Writer::reopening);
    let log = site.log("app.log");
    let logrotate = Logrotate::new(&site, "app.log", "copytruncate");
    rotate_under(&site, &log, || logrotate.rotate());
    let all = writer.stop();
    let owed = lines_in(&site.logs());
    assert!(owed.len() > all.len() / 2, "{} of {} lines are left", owed.len(), all.len());
    expect_owed(&site, agent, &log, owed, all);
}

/// The lines of every file in the directory.
fn lines_in(dir: &Path) -> Vec<String> {
    let texts = fs::read_dir(dir).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn copytruncate_under_a_narrow_pattern() {
    rotated(NARROW);
}

#[test]
fn copytruncate_under_a_wide_pattern() {
    rotated(WIDE);
}

#[track_caller]
fn rotated_unseen(globs: &str, rotations: usize) {
    let site = site(globs);
    let log = site.log("app.log");
    let logrotate = Logrotate::new(&site, "app.log", "copytruncate");
    let all = rotate_unseen(&site, &log, rotations, || logrotate.rotate());
    let agent = site.start();
    expect_exactly(&site, agent, &log, all);
}

#[test]
fn copytruncate_once_while_the_agent_is_down_under_a_narrow_pattern() {
    rotated_unseen(NARROW, 1);
}

#[test]
fn copytruncate_once_while_the_agent_is_down_under_a_wide_pattern() {
    rotated_unseen(WIDE, 1);
}

#[test]
fn copytruncate_several_times_while_the_agent_is_down_under_a_narrow_pattern() {
    rotated_unseen(NARROW, 3);
}

#[test]
fn copytruncate_several_times_while_the_agent_is_down_under_a_wide_pattern() {
    rotated_unseen(WIDE, 3);
}
