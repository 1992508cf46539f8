//! Compression as it comes with rotation: by each of the four programs, at once or later, while the agent is up or down.

use super::handlers::{log4j, rotated as logs};
use super::kubelet;
use super::logrotate::{Logrotate, NARROW, WIDE, rotated};
use super::{expect_exactly, rotate_unseen, site};
use crate::agent::{append, lines, until};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What logrotate is told to compress by another program than gzip.
fn by(program: &str, suffix: &str) -> String {
    format!("compress\ncompresscmd {}\ncompressext {suffix}", which(program))
}

fn which(program: &str) -> String {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    let path = String::from_utf8(found.stdout).unwrap();
    assert!(found.status.success(), "{program} is not installed; ./test tools installs it");
    path.trim().to_owned()
}

/// Rotates and compresses often while no agent runs.
#[track_caller]
fn unseen(globs: &str, options: &str) {
    let site = site(globs);
    let log = site.log("app.log");
    let logrotate = Logrotate::new(&site, "app.log", options);
    let all = rotate_unseen(&site, &log, 4, || logrotate.rotate());
    let agent = site.start();
    expect_exactly(&site, agent, &log, all);
}

#[test]
fn gzip_under_a_wide_pattern() {
    rotated(WIDE, "compress");
}

#[test]
fn gzip_delayed_under_a_wide_pattern() {
    rotated(WIDE, "compress\ndelaycompress");
}

#[test]
fn zstd_under_a_wide_pattern() {
    rotated(WIDE, &format!("{}\ncompressoptions --rm", by("zstd", ".zst")));
}

#[test]
fn gzip_while_the_agent_is_down_under_a_narrow_pattern() {
    unseen(NARROW, "create\ncompress");
}

#[test]
fn gzip_while_the_agent_is_down_under_a_wide_pattern() {
    unseen(WIDE, "create\ncompress");
}

#[test]
fn gzip_delayed_while_the_agent_is_down_under_a_narrow_pattern() {
    unseen(NARROW, "create\ncompress\ndelaycompress");
}

#[test]
fn zstd_while_the_agent_is_down_under_a_narrow_pattern() {
    unseen(NARROW, &format!("create\n{}", by("zstd", ".zst")));
}

#[test]
fn bzip2_while_the_agent_is_down_under_a_narrow_pattern() {
    unseen(NARROW, &format!("create\n{}", by("bzip2", ".bz2")));
}

#[test]
fn xz_while_the_agent_is_down_under_a_narrow_pattern() {
    unseen(NARROW, &format!("create\n{}", by("xz", ".xz")));
}

#[test]
fn copytruncate_and_gzip_while_the_agent_is_down_under_a_narrow_pattern() {
    unseen(NARROW, "copytruncate\ncompress");
}

#[test]
fn log4j2s_rolling_file_under_a_wide_pattern() {
    logs("files = ['logs/app*.log*']", log4j, 50);
}

#[test]
fn containers_by_all_files_of_their_pods() {
    kubelet::rotated("files = ['logs/pods/*/*/*.log*']");
}

#[test]
fn containers_by_the_live_files_of_their_pods_several_times_while_the_agent_is_down() {
    kubelet::rotated_unseen("files = ['logs/pods/*/*/*.log']", 3);
}

/// Old logs, which were compressed before the agent first came.
fn old(log: &Path) -> Vec<String> {
    let all = lines("old", 1000);
    append(log, &all);
    assert!(Command::new("gzip").arg(log).status().unwrap().success());
    all
}

#[test]
fn old_compressed_files_are_shipped_where_that_is_asked_for() {
    let site = site("files = ['logs/*.log*']\ncompressed = true");
    let log = site.log("app.log");
    let mut all = old(&site.log("app.log.7"));
    all.extend(lines("new", 10));
    append(&log, &lines("new", 10));
    let agent = site.start();
    expect_exactly(&site, agent, &log, all);
}

#[test]
fn old_compressed_files_are_told_of_and_not_shipped_else() {
    let site = site("files = ['logs/*.log*']");
    old(&site.log("app.log.7"));
    let log = site.log("app.log");
    append(&log, &lines("new", 10));
    let agent = site.start();
    site.expect(&lines("new", 10));
    let told = || {
        let status = super::status(&site).unwrap_or_default();
        status["flows"][0]["unread"][0]["path"].as_str().is_some_and(|path| path.ends_with("app.log.7.gz"))
    };
    until(told, || format!("{:#?}", super::status(&site)));
    expect_exactly(&site, agent, &log, lines("new", 10));
}

/// A copy that ends in its middle: what is there is shipped, and the rest is on the ledger.
#[test]
fn a_torn_copy_is_shipped_as_far_as_it_goes() {
    let site = site(NARROW);
    let log = site.log("app.log");
    append(&log, &lines("seen", 10));
    let agent = site.start();
    site.expect(&lines("seen", 10));
    assert!(agent.stop().success(), "{}", site.journal());
    fs::rename(&log, site.log("app.log.1")).unwrap();
    append(&site.log("app.log.1"), &lines("unseen", 200_000));
    assert!(Command::new("gzip").arg(site.log("app.log.1")).status().unwrap().success());
    let torn = fs::read(site.log("app.log.1.gz")).unwrap();
    fs::write(site.log("app.log.1.gz"), &torn[..torn.len() / 2]).unwrap();
    let agent = site.start();
    until(|| super::losses(&site).contains("damaged"), || super::losses(&site));
    let delivered = site.delivered().len();
    assert!((50_000..200_000).contains(&delivered), "{delivered} lines arrived");
    assert!(agent.stop().success(), "{}", site.journal());
}
