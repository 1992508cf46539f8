//! Ends and starts: told to stop, killed, already running.

use crate::agent::{Site, append, lines, rotate};
use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

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
fn a_restart_knows_the_columns_that_the_first_line_named() {
    let steps = "[[flow.process]]\nparse = \"csv\"\nheader = true\n\
                 [[flow.process]]\ndrop = '^x'\n[[flow.process]]\nremove = [\"b\"]";
    let site = Site::new("*.csv", steps);
    let log = site.log("a.csv");
    let made = |text: &str| vec![format!("{{\"a\":\"{text}\"}}")];
    append(&log, &["a,b".into(), "1,2".into(), "x,y".into()]);
    let agent = site.start();
    site.expect_once(&made("1"));
    assert!(agent.stop().success(), "{}", site.journal());
    append(&log, &["3,4".into()]);
    let agent = site.start();
    site.expect_once(&[made("1"), made("3")].concat());
    assert!(agent.stop().success(), "{}", site.journal());
    append(&log, &["x,z".into()]);
    let agent = site.start();
    append(&log, &["5,6".into()]);
    site.expect_once(&[made("1"), made("3"), made("5")].concat());
    agent.kill();
    let _agent = site.start();
    append(&log, &["7".into()]);
    site.expect(&made("7"));
}

#[test]
fn generations_that_nobody_saw_are_shipped_with_a_narrow_pattern() {
    let site = Site::new("app.log", "");
    let log = site.log("app.log");
    append(&log, &lines("before the first start", 5));
    rotate(&log);
    append(&log, &lines("seen", 20));
    let agent = site.start();
    site.expect(&lines("seen", 20));
    assert!(agent.stop().success());
    let mut all = lines("seen", 20);
    for generation in 0..4 {
        let more = lines(&format!("generation {generation}"), 50);
        append(&log, &more);
        all.extend(more);
        rotate(&log);
    }
    append(&log, &lines("live", 5));
    all.extend(lines("live", 5));
    let agent = site.start();
    site.expect_once(&all);
    assert!(agent.stop().success());
    let _agent = site.start();
    append(&log, &lines("later", 5));
    all.extend(lines("later", 5));
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
fn a_second_agent_is_kept_out_with_73() {
    let site = Site::new("*.log", "");
    append(&site.log("app.log"), &lines("app", 3));
    let _agent = site.start();
    site.expect(&lines("app", 3));
    assert_eq!(site.start().ended().code(), Some(73));
    assert!(site.journal().contains("in use"), "{}", site.journal());
}
