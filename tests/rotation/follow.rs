//! Files as they grow, rotate and shrink, and what else lies in their directory.

use crate::agent::{Agent, Site, append, lines, rotate, until};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::Duration;

#[test]
fn a_growing_file_is_shipped() {
    let site = Site::new("*.log", "");
    append(&site.log("app.log"), &lines("before", 100));
    let agent = site.start();
    site.expect_once(&lines("before", 100));
    for round in 0..20 {
        append(&site.log("app.log"), &lines(&format!("round {round}"), 50));
        thread::sleep(Duration::from_millis(10));
    }
    (0..20).for_each(|round| site.expect(&lines(&format!("round {round}"), 50)));
    append(&site.log("new.log"), &lines("new", 10));
    site.expect_once(&lines("new", 10));
    assert!(agent.stop().success());
}

#[test]
fn lines_come_in_the_order_of_the_file_and_unchanged() {
    let site = Site::new("*.log", "");
    let text = "one\r\ntwo\n\n \u{fc}\0\nlast\n";
    fs::write(site.log("app.log"), text).unwrap();
    let _agent = site.start();
    until(|| fs::read_to_string(site.path("out")).is_ok_and(|out| out == text), || site.journal());
}

#[test]
fn rename_and_create_neither_loses_nor_repeats() {
    let site = Site::new("*.log", "");
    let log = site.log("app.log");
    let mut all = lines("first", 100);
    append(&log, &all);
    let agent = site.start();
    for round in 0..10 {
        // Each generation is seen before it is renamed.
        site.expect(&all[all.len() - 1..]);
        let old = lines(&format!("old {round}"), 50);
        let new = lines(&format!("new {round}"), 50);
        append(&log, &old);
        rotate(&log);
        append(&log, &new);
        all.extend(old.into_iter().chain(new));
    }
    site.expect_once(&all);
    assert!(agent.stop().success());
}

#[test]
fn a_writer_that_keeps_the_renamed_file_open_is_read_to_its_end() {
    let site = Site::new("*.log", "");
    let log = site.log("app.log");
    append(&log, &lines("first", 10));
    let _agent = site.start();
    site.expect(&lines("first", 10));
    let mut writer = fs::OpenOptions::new().append(true).open(&log).unwrap();
    rotate(&log);
    append(&log, &lines("new", 10));
    writer.write_all(b"late 0\nlate 1\n").unwrap();
    site.expect_once(&[lines("first", 10), lines("new", 10), lines("late", 2)].concat());
}

#[test]
fn a_truncated_file_is_read_from_its_beginning() {
    let site = Site::new("*.log", "");
    let log = site.log("app.log");
    append(&log, &lines("first life", 100));
    let _agent = site.start();
    site.expect(&lines("first life", 100));
    fs::File::options().write(true).truncate(true).open(&log).unwrap();
    append(&log, &lines("second life", 10));
    site.expect_once(&[lines("first life", 100), lines("second life", 10)].concat());
}

#[test]
fn many_files_are_all_read() {
    let site = Site::new("**/*.log", "");
    for number in 0..500 {
        let dir = site.log(&format!("dir {}", number % 7));
        fs::create_dir_all(&dir).unwrap();
        append(&dir.join(format!("{number}.log")), &lines(&format!("file {number}"), 3));
    }
    let agent = site.start();
    let all: Vec<_> = (0..500).flat_map(|number| lines(&format!("file {number}"), 3)).collect();
    site.expect_once(&all);
    append(&site.log("dir 3/3.log"), &lines("later", 3));
    site.expect_once(&lines("later", 3));
    assert!(agent.stop().success());
}

#[test]
fn an_unreadable_file_is_named_and_holds_up_no_other() {
    const NOBODY: u32 = 65534;
    let site = Site::new("*.log", "");
    append(&site.log("secret.log"), &lines("secret", 3));
    append(&site.log("app.log"), &lines("app", 3));
    fs::set_permissions(site.log("secret.log"), fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = site.command();
    if rustix::process::geteuid().is_root() {
        use std::os::unix::process::CommandExt;
        // Nothing is unreadable for root.
        for path in [site.path(""), site.logs(), site.config(), site.log("app.log")] {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    let _agent = Agent(command.spawn().unwrap());
    site.expect(&lines("app", 3));
    until(|| site.journal().contains("secret.log"), || site.journal());
    fs::set_permissions(site.log("secret.log"), fs::Permissions::from_mode(0o444)).unwrap();
    site.expect_once(&[lines("app", 3), lines("secret", 3)].concat());
}

#[test]
fn fifos_and_dangling_links_in_the_glob_hold_up_nothing() {
    let site = Site::new("*", "");
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, site.log("a fifo"), fifo, 0o600.into(), 0).unwrap();
    std::os::unix::fs::symlink("/nowhere", site.log("b dangling")).unwrap();
    fs::create_dir(site.log("c directory")).unwrap();
    append(&site.log("d app.log"), &lines("app", 3));
    let agent = site.start();
    site.expect_once(&lines("app", 3));
    assert!(agent.stop().success());
}
