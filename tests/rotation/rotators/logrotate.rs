//! Debian's logrotate, forced again and again, as it is commonly set up.

use super::{ROTATIONS, Scene, Writer, expect_exactly, rotate_under, wait_for_a_line};
use crate::agent::{Site, until};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::SystemTime;

/// logrotate over `logs/PATTERN`, with all generations kept.
pub(super) struct Logrotate<'a> {
    site: &'a Site,
}

impl<'a> Logrotate<'a> {
    pub(super) fn new(site: &'a Site, pattern: &str, options: &str) -> Self {
        let text = format!("\"{}\" {{\nrotate 1000\n{options}\n}}\n", site.log(pattern).display());
        fs::write(site.path("logrotate.conf"), text).unwrap();
        Self { site }
    }

    /// One run, whatever it comes to.
    fn run(&self) -> Output {
        // Where a user's PATH does not lead.
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("logrotate");
        command.env("PATH", path).arg("-f").arg("-s").arg(self.site.path("logrotate.state"));
        command.arg(self.site.path("logrotate.conf"));
        command.output().unwrap_or_else(|error| panic!("logrotate: {error}; ./test tools installs it"))
    }

    #[track_caller]
    pub(super) fn rotate(&self) {
        let output = self.run();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// For names that change by the second.
    #[track_caller]
    pub(super) fn rotate_in_another_second(&self) {
        let now = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let begun = now();
        until(|| now() > begun, || "the clock stands still".into());
        // By its own clock, which is some milliseconds behind, the second may be the same.
        until(|| self.run().status.success(), || "the name is not free".into());
    }
}

/// What reopens the logs of these writers.
fn hang_up(writers: &[&Writer]) -> String {
    let mut text = "postrotate\n".to_owned();
    for writer in writers {
        let _ = writeln!(text, "kill -HUP {}", writer.pid());
    }
    text + "endscript"
}

/// Rotates one log with these options while the agent follows `globs`.
#[track_caller]
pub(super) fn rotated(globs: &str, options: &str) {
    let scene = Scene::new(globs, "app.log", Writer::reopening);
    let log = scene.site.log("app.log");
    let options = format!("create\n{options}\n{}", hang_up(&[&scene.writer]));
    let logrotate = Logrotate::new(&scene.site, "app.log", &options);
    rotate_under(&scene.site, &log, || logrotate.rotate());
    let Scene { site, agent, writer } = scene;
    let all = writer.stop();
    expect_exactly(&site, agent, &log, all);
}

pub(super) const NARROW: &str = "files = ['logs/app.log']";
pub(super) const WIDE: &str = "files = ['logs/app.log*']";
/// As whoever has compressed files must write it.
const PLAIN: &str = "files = ['logs/app.log*']\nexclude = ['*.gz']";

#[test]
fn create_under_a_narrow_pattern() {
    rotated(NARROW, "");
}

#[test]
fn create_under_a_wide_pattern() {
    rotated(WIDE, "");
}

#[test]
fn compress_under_a_narrow_pattern() {
    rotated(NARROW, "compress");
}

#[test]
fn compress_under_a_wide_pattern_without_compressed_names() {
    rotated(PLAIN, "compress");
}

#[test]
fn delaycompress_under_a_narrow_pattern() {
    rotated(NARROW, "compress\ndelaycompress");
}

#[test]
fn delaycompress_under_a_wide_pattern_without_compressed_names() {
    rotated(PLAIN, "compress\ndelaycompress");
}

#[test]
fn olddir_under_a_narrow_pattern() {
    rotated(NARROW, "olddir old\ncreateolddir");
}

#[test]
fn olddir_under_patterns_of_both_directories() {
    rotated("files = ['logs/app.log', 'logs/old/app.log*']", "olddir old\ncreateolddir");
}

/// Names that change by the second, so that it may rotate as often.
pub(super) const DATED: &str = "dateext\ndateformat -%Y%m%d-%s";

/// Rotates one log to such names.
#[track_caller]
fn dated(globs: &str) {
    let scene = Scene::new(globs, "app.log", Writer::reopening);
    let log = scene.site.log("app.log");
    let options = format!("create\n{DATED}\n{}", hang_up(&[&scene.writer]));
    let logrotate = Logrotate::new(&scene.site, "app.log", &options);
    rotate_under(&scene.site, &log, || logrotate.rotate_in_another_second());
    let Scene { site, agent, writer } = scene;
    let all = writer.stop();
    expect_exactly(&site, agent, &log, all);
}

#[test]
fn dateext_under_a_narrow_pattern() {
    dated(NARROW);
}

#[test]
fn dateext_under_a_wide_pattern() {
    dated(WIDE);
}

/// One script for two logs and their writers.
#[track_caller]
fn shared(glob: &str) {
    let scene = Scene::new(&format!("files = ['logs/{glob}']"), "a.log", Writer::reopening);
    let [a, b] = ["a.log", "b.log"].map(|name| scene.site.log(name));
    let second = Writer::reopening(&b);
    // A signal that comes before it can take one would end it.
    wait_for_a_line(&scene.site, &b);
    let options = format!("create\nsharedscripts\n{}", hang_up(&[&scene.writer, &second]));
    let logrotate = Logrotate::new(&scene.site, "*.log", &options);
    rotate_under(&scene.site, &a, || {
        wait_for_a_line(&scene.site, &b);
        logrotate.rotate();
    });
    let Scene { site, agent, writer } = scene;
    let all = [writer.stop(), second.stop()];
    expect_exactly(&site, agent, &a, all.concat());
}

#[test]
fn sharedscripts_under_a_narrow_pattern() {
    shared("*.log");
}

#[test]
fn sharedscripts_under_a_wide_pattern() {
    shared("*.log*");
}

/// Whether it comes to be shipped.
fn shipped(site: &Site, path: &Path) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kintail"));
    command.arg("--config").arg(site.config()).args(["shipped", "--quiet", "--wait", "30s"]);
    command.arg(path).status().unwrap().success()
}

/// Only one old generation is kept, and the agent is down time and again: without `kintail shipped` lines would be
/// rotated away.
#[test]
fn firstaction_with_shipped_rotates_nothing_away() {
    let Scene { site, agent, writer } = Scene::new(NARROW, "app.log", Writer::reopening);
    let mut agent = Some(agent);
    let (log, old) = (site.log("app.log"), site.log("app.log.1"));
    let firstaction = format!(
        "rotate 1\ncreate\nfirstaction\nfind '{}' -name 'app.log.1' -exec '{}' --config '{}' shipped --quiet --wait 1s \
         {{}} +\nendscript",
        site.logs().display(),
        env!("CARGO_BIN_EXE_kintail"),
        site.config().display()
    );
    let logrotate = Logrotate::new(&site, "app.log", &format!("{firstaction}\n{}", hang_up(&[&writer])));
    let identity = |path: &Path| fs::metadata(path).unwrap().ino();
    for round in 0..ROTATIONS {
        wait_for_a_line(&site, &log);
        // A loaded agent may take longer than a second: the next run rotates then, as on the next day.
        until(|| logrotate.run().status.success(), || "it is never shipped".into());
        if round % 7 == 6 {
            wait_for_a_line(&site, &log);
            assert!(shipped(&site, &old), "{}", site.journal());
            assert!(agent.take().unwrap().stop().success(), "{}", site.journal());
            // What goes now is known to be shipped; what takes its place is not.
            let size = log.metadata().unwrap().len();
            until(|| log.metadata().unwrap().len() > size, || "nothing is written".into());
            logrotate.rotate();
            let kept = identity(&old);
            let refused = logrotate.run();
            assert!(!refused.status.success(), "lines that nobody has read were rotated away");
            assert_eq!(identity(&old), kept, "{}", String::from_utf8_lossy(&refused.stderr));
            agent = Some(site.start());
        }
    }
    let all = writer.stop();
    expect_exactly(&site, agent.unwrap(), &log, all);
}
