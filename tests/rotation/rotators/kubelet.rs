//! Logs of containers as the kubelet lays them out and rotates them: a link to the live file; a time stamp to the name
//! of the last one; the ones before compressed; the oldest deleted.

use super::{Scene, Writer, expect_exactly, rotate_under, rotate_unseen, site};
use crate::agent::Site;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How many rotated files there are at most, as with `containerLogMaxFiles: 5`.
const KEPT: usize = 4;

const LIVE: &str = "pods/shop_web-0_7d3f/web/0.log";

/// Rotates as the kubelet does, by a clock that goes on ten seconds each time.
fn rotate(log: &Path, clock: &mut u32) {
    let dir = log.parent().unwrap();
    let mut rotated: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    rotated.retain(|path| path != log);
    rotated.sort();
    for oldest in rotated.drain(..rotated.len().saturating_sub(KEPT - 1)) {
        fs::remove_file(oldest).unwrap();
    }
    for path in rotated.iter().filter(|path| path.extension().is_none_or(|ext| ext != "gz")) {
        compress(path);
    }
    *clock += 10;
    let (minute, second) = (*clock / 60, *clock % 60);
    fs::rename(log, dir.join(format!("0.log.20261123-10{minute:02}{second:02}"))).unwrap();
}

/// Beside it, then in one step under its last name.
fn compress(path: &Path) {
    let [beside, last] = ["tmp", "gz"].map(|more| PathBuf::from(format!("{}.{more}", path.display())));
    let mut gzip = Command::new("gzip");
    gzip.arg("-c").arg(path).stdout(fs::File::create(&beside).unwrap());
    assert!(gzip.status().unwrap().success());
    fs::rename(beside, last).unwrap();
    fs::remove_file(path).unwrap();
}

#[track_caller]
pub(super) fn rotated(globs: &str) {
    let scene = Scene::new(globs, LIVE, Writer::reopening);
    let log = link(&scene.site);
    let mut clock = 0;
    rotate_under(&scene.site, &log, || {
        rotate(&log, &mut clock);
        // The runtime, told by the kubelet to reopen the log.
        scene.writer.hang_up();
    });
    let Scene { site, agent, writer } = scene;
    let all = writer.stop();
    expect_exactly(&site, agent, &log, all);
}

/// Links to the live log as the kubelet does; the live log.
fn link(site: &Site) -> PathBuf {
    let log = site.log(LIVE);
    fs::create_dir(site.log("containers")).unwrap();
    symlink(&log, site.log("containers/web-0_shop_web-41c2.log")).unwrap();
    log
}

/// The same while no agent runs.
#[track_caller]
pub(super) fn rotated_unseen(globs: &str, rotations: usize) {
    let site = site(globs);
    fs::create_dir_all(site.log(LIVE).parent().unwrap()).unwrap();
    let log = link(&site);
    let mut clock = 0;
    let all = rotate_unseen(&site, &log, rotations, || rotate(&log, &mut clock));
    let agent = site.start();
    expect_exactly(&site, agent, &log, all);
}

pub(super) const LINKS: &str = "files = ['logs/containers/*.log']";

#[test]
fn containers_by_their_links() {
    rotated(LINKS);
}

#[test]
fn containers_by_the_live_files_of_their_pods() {
    rotated("files = ['logs/pods/*/*/*.log']");
}

#[test]
fn containers_by_all_files_of_their_pods_without_compressed_names() {
    rotated("files = ['logs/pods/*/*/*.log*']\nexclude = ['*.gz', '*.tmp']");
}

#[test]
fn containers_by_the_live_files_of_their_pods_once_while_the_agent_is_down() {
    rotated_unseen("files = ['logs/pods/*/*/*.log']", 1);
}

#[test]
fn containers_by_their_links_once_while_the_agent_is_down() {
    rotated_unseen(LINKS, 1);
}
