//! Loggers that rotate their own file: handlers of Python's logging, and log4j2.

use super::{Scene, Writer, expect_exactly};
use crate::agent::until;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lets the logger rotate so often while the agent follows `globs`.
#[track_caller]
pub(super) fn rotated(globs: &str, logger: impl FnOnce(&Path) -> Writer, rotations: usize) {
    let Scene { site, agent, writer } = Scene::new(globs, "app.log", logger);
    let files = || fs::read_dir(site.logs()).unwrap().count();
    until(|| files() > rotations, || format!("there are only {} files", files()));
    let all = writer.stop();
    expect_exactly(&site, agent, &site.log("app.log"), all);
}

fn by_size(log: &Path) -> Writer {
    Writer::start("size", log)
}

fn by_time(log: &Path) -> Writer {
    Writer::start("time", log)
}

const NARROW: &str = "files = ['logs/app.log']";
const WIDE: &str = "files = ['logs/app.log*']";

#[test]
fn pythons_rotating_file_handler_under_a_narrow_pattern() {
    rotated(NARROW, by_size, 50);
}

#[test]
fn pythons_rotating_file_handler_under_a_wide_pattern() {
    rotated(WIDE, by_size, 50);
}

#[test]
fn pythons_timed_rotating_file_handler_under_a_narrow_pattern() {
    rotated(NARROW, by_time, 5);
}

#[test]
fn pythons_timed_rotating_file_handler_under_a_wide_pattern() {
    rotated(WIDE, by_time, 5);
}

/// A `RollingFile` of log4j2, which compresses what it rotates.
pub(super) fn log4j(log: &Path) -> Writer {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rotation/rotators/log4j");
    let installed = Command::new(here.join("install")).status().unwrap();
    assert!(installed.success(), "{} failed", here.join("install").display());
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    let mut java = Command::new("java");
    java.args(["-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
    java.arg("-cp").arg(target.join("test-log4j/lib/*"));
    java.arg(format!("-Dlog4j2.configurationFile={}", here.join("log4j2.xml").display()));
    java.arg(format!("-Dlog.dir={}", log.parent().unwrap().display()));
    java.arg(here.join("Writer.java"));
    Writer::spawn(java, log)
}

#[test]
fn log4j2s_rolling_file_under_a_narrow_pattern() {
    rotated(NARROW, log4j, 50);
}

#[test]
fn log4j2s_rolling_file_under_a_wide_pattern_without_compressed_names() {
    rotated("files = ['logs/app*.log*']\nexclude = ['*.gz']", log4j, 50);
}
