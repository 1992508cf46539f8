//! The whole agent, from growing files to an output file: rotation, truncation, restarts, kills.

mod agent;

use agent::{Agent, Site, append, lines, rotate, until};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
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
    // What is renamed before the first look was never seen.
    site.expect(&all);
    for round in 0..10 {
        thread::sleep(Duration::from_millis(50));
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
fn a_graceful_restart_repeats_nothing() {
    let site = Site::new("*.log*", "");
    let log = site.log("app.log");
    let mut all = Vec::new();
    for round in 0..5 {
        let agent = site.start();
        let more = lines(&format!("round {round}"), 200);
        append(&log, &more);
        all.extend(more);
        site.expect(&all[all.len() - 1..]);
        assert!(agent.stop().success(), "{}", site.journal());
        let down = lines(&format!("down {round}"), 20);
        append(&log, &down);
        all.extend(down);
        rotate(&log);
    }
    let _agent = site.start();
    site.expect_once(&all);
}

#[test]
fn sigterm_ships_complete_lines_and_leaves_the_half_one() {
    let site = Site::new("*.log", "");
    let log = site.log("app.log");
    let agent = site.start();
    append(&log, &lines("whole", 10));
    fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(b"half").unwrap();
    site.expect(&lines("whole", 10));
    assert!(agent.stop().success());
    assert!(!site.delivered().contains_key("half"));
    fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(b" and half\n").unwrap();
    let _agent = site.start();
    site.expect_once(&[lines("whole", 10), vec!["half and half".into()]].concat());
}

/// Writes and rotates until it is told to end; all that it wrote.
fn write_under_load(site: &Site, stop: &AtomicBool) -> Vec<String> {
    let log = site.log("app.log");
    let mut all = Vec::new();
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let more = lines(&format!("a line of load, round {round}"), 100);
        append(&log, &more);
        all.extend(more);
        if round % 20 == 19 {
            rotate(&log);
        }
        thread::sleep(Duration::from_millis(5));
    }
    all
}

#[test]
fn twenty_kills_under_load_with_rotation_lose_nothing() {
    let site = Site::new("app.log*", "");
    append(&site.log("app.log"), &lines("first", 10));
    let stop = AtomicBool::new(false);
    let all = thread::scope(|scope| {
        let writer = scope.spawn(|| write_under_load(&site, &stop));
        for kill in 0..20 {
            let agent = site.start();
            thread::sleep(Duration::from_millis(100 + kill * 23 % 200));
            agent.kill();
            thread::sleep(Duration::from_millis(kill * 37 % 150));
        }
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    let agent = site.start();
    site.expect(&[lines("first", 10), all].concat());
    assert!(agent.stop().success());
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

#[test]
fn the_output_is_rotated_by_size() {
    let site = Site::new("*.log", "");
    site.configure("files = [\"logs/*.log\"]\nfile = { path = \"out\", rotate = \"64KiB\", keep = 100 }");
    let _agent = site.start();
    let mut all = Vec::new();
    for round in 0..20 {
        let more = lines(&format!("a line of some length in round {round}"), 500);
        append(&site.log("app.log"), &more);
        site.expect(&more);
        all.extend(more);
    }
    site.expect_once(&all);
    assert!(site.path("out.1").exists());
    assert!(site.path("out.1").metadata().unwrap().len() <= 64 * 1024);
}

#[test]
fn a_slow_reader_of_stdout_is_waited_for_and_gets_every_line() {
    let site = Site::new("*.log", "");
    site.configure("files = [\"logs/*.log\"]\nstdout = true");
    let all = lines("a line that fills the pipe", 20_000);
    append(&site.log("app.log"), &all);
    let mut agent = Agent(site.command().stdout(Stdio::piped()).spawn().unwrap());
    thread::sleep(Duration::from_millis(300));
    let mut output = BufReader::new(agent.0.stdout.take().unwrap()).lines();
    let read: Vec<_> = output.by_ref().take(all.len()).map(Result::unwrap).collect();
    assert_eq!(read, all);
}

#[test]
fn a_closed_stdout_ends_the_agent_with_74() {
    let site = Site::new("*.log", "");
    site.configure("files = [\"logs/*.log\"]\nstdout = true");
    append(&site.log("app.log"), &lines("app", 3));
    let mut agent = Agent(site.command().stdout(Stdio::piped()).spawn().unwrap());
    drop(agent.0.stdout.take());
    assert_eq!(agent.ended().code(), Some(74), "{}", site.journal());
}

#[test]
fn a_second_agent_is_kept_out_with_73() {
    let site = Site::new("*.log", "");
    append(&site.log("app.log"), &lines("app", 3));
    let _agent = site.start();
    site.expect(&lines("app", 3));
    assert_eq!(site.start().ended().code(), Some(73));
    assert!(site.journal().contains("in use"), "{}", site.journal());
}

#[test]
fn an_output_that_is_followed_through_a_link_is_refused_with_78() {
    let site = Site::new("*.log", "");
    std::os::unix::fs::symlink(site.logs(), site.path("alias")).unwrap();
    site.configure("files = [\"logs/*.log\"]\nfile = \"alias/out.log\"");
    assert_eq!(site.start().ended().code(), Some(78));
    assert!(site.journal().contains("out.log"), "{}", site.journal());
}

#[test]
fn the_log_and_the_outputs_are_never_followed_by_a_wildcard() {
    let site = Site::new("*.log", "");
    // Everything is in one directory: logs, outputs, the journal, the state.
    site.configure("files = [\"*\"]\nexclude = [\"out\", \"kintail.toml\"]\nfile = \"out\"");
    append(&site.path("app.log"), &lines("app", 3));
    let agent = site.start();
    site.expect(&lines("app", 3));
    agent.signal(rustix::process::Signal::HUP);
    until(|| site.journal().contains("SIGHUP"), || site.journal());
    append(&site.path("app.log"), &lines("later", 3));
    site.expect_once(&lines("later", 3));
    assert!(agent.stop().success());
    assert!(!site.delivered().keys().any(|line| line.contains("SIGHUP")));
}
