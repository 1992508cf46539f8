//! Rotated files that go to another directory, which the flow is told of: they are found there, and old ones left alone.

use super::logrotate::{Logrotate, rotated};
use super::{expect_exactly, rotate_unseen, site};
use crate::agent::{append, lines};
use std::fs;

const ARCHIVED: &str = "files = ['logs/app.log']\narchives = ['logs/old/*']";

/// Rotates often while no agent runs.
#[track_caller]
fn unseen(options: &str) {
    let site = site(ARCHIVED);
    let log = site.log("app.log");
    let logrotate = Logrotate::new(&site, "app.log", &format!("olddir old\ncreateolddir\n{options}"));
    let all = rotate_unseen(&site, &log, 4, || logrotate.rotate());
    let agent = site.start();
    expect_exactly(&site, agent, &log, all);
}

#[test]
fn olddir_with_archives() {
    rotated(ARCHIVED, "olddir old\ncreateolddir");
}

#[test]
fn olddir_and_compress_with_archives() {
    rotated(ARCHIVED, "olddir old\ncreateolddir\ncompress");
}

#[test]
fn olddir_with_archives_while_the_agent_is_down() {
    unseen("create");
}

#[test]
fn olddir_and_compress_with_archives_while_the_agent_is_down() {
    unseen("create\ncompress");
}

#[test]
fn olddir_and_delaycompress_with_archives_while_the_agent_is_down() {
    unseen("create\ncompress\ndelaycompress");
}

#[test]
fn olddir_and_copytruncate_with_archives_while_the_agent_is_down() {
    unseen("copytruncate");
}

#[test]
fn what_was_in_the_archive_before_the_first_start_is_left_alone() {
    let site = site(ARCHIVED);
    fs::create_dir_all(site.log("old")).unwrap();
    append(&site.log("old/app.log.1"), &lines("old", 100));
    let log = site.log("app.log");
    append(&log, &lines("new", 10));
    let agent = site.start();
    expect_exactly(&site, agent, &log, lines("new", 10));
}
