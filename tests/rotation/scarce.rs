//! Fewer descriptors than files, and names behind which there is no log.

use crate::agent::{Agent, Site, append, lines, until};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

/// More than the limits below let through.
const FILES: usize = 300;

/// The agent, started by a shell that limits its descriptors as `ulimit` says.
fn limited(site: &Site, ulimit: &str) -> Agent {
    for number in 0..FILES {
        append(&site.log(&format!("{number}.log")), &lines(&number.to_string(), 1));
    }
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit {ulimit}; exec \"$0\" run --config \"$1\""));
    shell.arg(env!("CARGO_BIN_EXE_kintail")).arg(site.config());
    Agent(shell.stdin(Stdio::null()).stderr(site.journal_file()).spawn().unwrap())
}

#[test]
fn the_limit_of_descriptors_is_raised_as_far_as_it_may() {
    let site = Site::new("*.log", "");
    let _agent = limited(&site, "-Sn 128");
    let all: Vec<String> = (0..FILES).flat_map(|number| lines(&number.to_string(), 1)).collect();
    site.expect_once(&all);
    assert!(!site.journal().contains("too many"), "{}", site.journal());
}

#[test]
fn more_files_than_descriptors_leave_the_agent_at_work_and_are_told_once() {
    let site = Site::new("*.log", "");
    let agent = limited(&site, "-n 128");
    until(|| site.delivered().len() >= 60, || site.journal());
    let mut status = Command::new(env!("CARGO_BIN_EXE_kintail"));
    assert!(
        status.arg("status").arg("--config").arg(site.config()).output().unwrap().status.success(),
        "nobody can ask it"
    );
    assert!(agent.stop().success(), "{}", site.journal());
    // As it came, and what it was held back with at the end.
    let told = site.journal().matches("too many open files").count();
    assert!((1..=2).contains(&told), "{}", site.journal());
}

#[test]
fn what_waits_for_a_descriptor_gets_it_as_soon_as_a_file_is_read() {
    let site = Site::new("*.log", "");
    // Nothing is looked for again within the time of this test.
    site.rescan("1h");
    let _agent = limited(&site, "-n 128");
    let all = |line: usize| (0..FILES).map(move |number| format!("{number} {line}"));
    let mut written: Vec<String> = all(0).collect();
    site.expect_once(&written);
    for line in 1..4 {
        for (number, text) in all(line).enumerate() {
            append(&site.log(&format!("{number}.log")), &[text]);
        }
        written.extend(all(line));
        site.expect_once(&written);
    }
}

#[test]
fn a_link_to_no_file_is_passed_over_in_silence() {
    let site = Site::new("*.log", "");
    symlink("/dev/zero", site.log("device.log")).unwrap();
    symlink(".", site.log("directory.log")).unwrap();
    symlink("nowhere", site.log("dangling.log")).unwrap();
    let agent = site.start();
    append(&site.log("app.log"), &lines("app", 3));
    site.expect_once(&lines("app", 3));
    assert!(agent.stop().success());
    assert!(!site.journal().contains("ERROR"), "{}", site.journal());
}

#[test]
fn a_link_that_comes_to_lead_to_a_file_is_followed() {
    let site = Site::new("*.log", "");
    symlink(".", site.log("link.log")).unwrap();
    let _agent = site.start();
    append(&site.log("app.log"), &lines("app", 3));
    site.expect(&lines("app", 3));
    append(&site.path("elsewhere"), &lines("elsewhere", 3));
    std::fs::remove_file(site.log("link.log")).unwrap();
    symlink(site.path("elsewhere"), site.log("link.log")).unwrap();
    site.expect_once(&lines("elsewhere", 3));
}
