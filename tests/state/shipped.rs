//! `kintail shipped`: what it knows of a file, with an agent and without one.

use crate::Host;
use crate::agent::Scripted;
use kintail_engine::command::{Command, Reply};
use kintail_engine::ids::Span;
use kintail_engine::shipped::Shipped;
use kintail_engine::state::{Check, Fingerprint};
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

/// Its log is shipped, and the agent gone.
fn shipped_host() -> Host {
    let host = Host::new();
    let _agent = host.agent();
    host.saves(14);
    host
}

/// What it says of these files.
fn shipped(host: &Host, args: &[&str]) -> crate::Said {
    host.run(&[&["shipped"], args].concat())
}

#[test]
fn a_file_is_shipped_under_whatever_name_it_has() {
    let host = Host::new();
    let (log, old) = (host.log(), host.log().with_extension("old"));
    let agent = host.agent();
    shipped(&host, &["--wait", "20s", log.to_str().unwrap()]).ended(0).with("a.log: shipped");
    fs::rename(&log, &old).unwrap();
    shipped(&host, &[old.to_str().unwrap()]).ended(0).with("a.old: shipped");
    host.saves(14);
    drop(agent);
    let said = shipped(&host, &["--json", old.to_str().unwrap()]).ended(0).json();
    assert_eq!((&said[0]["answer"], &said[0]["flows"][0]["missing"]), (&"shipped".into(), &0.into()));
    assert_eq!(shipped(&host, &["--quiet", old.to_str().unwrap()]).ended(0).out, "");
}

#[test]
fn what_was_written_since_is_not_shipped_yet_but_a_half_line_does_not_count() {
    let host = shipped_host();
    let log = host.log();
    fs::write(&log, "one\ntwo\nthree\nhal").unwrap();
    shipped(&host, &[log.to_str().unwrap()]).ended(0);
    fs::write(&log, "one\ntwo\nthree\nfour\n").unwrap();
    shipped(&host, &[log.to_str().unwrap()]).ended(1).with("not yet: flow web: 5 B to ship");
    shipped(&host, &["--wait", "10ms", log.to_str().unwrap()]).ended(1);
}

#[test]
fn other_content_of_the_same_file_is_not_shipped_yet() {
    let host = shipped_host();
    let log = host.log();
    for other in ["ONE\ntwo\nthree\n", "one\n", "one\ntwo\nThree\n"] {
        fs::write(&log, other).unwrap();
        shipped(&host, &[log.to_str().unwrap()]).ended(1).with("not what was shipped");
    }
}

#[test]
fn what_no_flow_has_seen_is_unknown() {
    let host = shipped_host();
    let other = host.log().with_extension("other");
    shipped(&host, &[other.to_str().unwrap()]).ended(2).with("not found");
    fs::write(&other, "one\ntwo\nthree\n").unwrap();
    shipped(&host, &[other.to_str().unwrap()]).ended(2).with("no flow has seen it");
    shipped(&host, &[host.log().parent().unwrap().to_str().unwrap()]).ended(2).with("not a regular file");
    host.sql("UPDATE cursor SET flow = 'another'");
    shipped(&host, &[host.log().to_str().unwrap()]).ended(2).with("no flow has seen it");
    let nowhere = Host::new();
    shipped(&nowhere, &[nowhere.log().to_str().unwrap()]).ended(2);
    assert!(!nowhere.state().exists());
}

#[test]
fn losses_count_of_the_present_content_and_the_worst_file_decides() {
    let host = shipped_host();
    let (log, other) = (host.log(), host.log().with_extension("other"));
    let (log, other) = (log.to_str().unwrap(), other.to_str().unwrap());
    shipped(&host, &[log, other]).ended(2);
    let lose = |epoch: &str| {
        host.sql(&format!(
            "INSERT INTO ledger (flow, run, number, epoch_run, epoch_number, path, start, end, reason, time)
             SELECT flow, run, number, epoch_run, {epoch}, x'2f61', 4, 8, 'oversize', 0 FROM cursor"
        ));
    };
    lose("epoch_number + 1");
    shipped(&host, &[log]).ended(0);
    lose("epoch_number");
    shipped(&host, &[log, other]).ended(3).with("losses: flow web: 4 B lost").with("other: unknown");
    // It does not wait for what cannot come.
    shipped(&host, &["--wait", "1h", log]).ended(3);
}

#[test]
fn it_waits_for_the_lines_of_the_call_whatever_becomes_of_the_file() {
    let host = Host::new();
    let log = host.log();
    let mut questions = 0;
    let _agent = Scripted::new(&host.state(), move |command| {
        let Command::Shipped { files } = command else { return None };
        questions += 1;
        if questions == 1 {
            fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(b"four\n").unwrap();
            fs::rename(&log, log.with_extension("old")).unwrap();
        }
        let acked = vec![Span::new(0, if questions < 3 { 4 } else { 14 })];
        Some(Reply::Shipped(vec![Shipped {
            flow: "web".into(),
            file: "1-1".into(),
            identity: files[0],
            head: Fingerprint::default(),
            check: Check::default(),
            acked,
            lost: vec![],
            last_seen: 0,
        }]))
    });
    shipped(&host, &["--wait", "20s", host.log().to_str().unwrap()]).ended(0);
}

#[test]
fn it_waits_for_an_agent_too() {
    let host = Host::new();
    let mut command = host.command(&["shipped", "--wait", "20s", host.log().to_str().unwrap()]);
    let waiting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _agent = host.agent();
    crate::Said::from(waiting.wait_with_output().unwrap()).ended(0);
}
