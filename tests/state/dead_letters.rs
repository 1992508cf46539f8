//! Refused records: shown, sent again, given up.

use crate::Host;
use crate::agent::Scripted;
use kintail_engine::command::{Command, Reply};
use kintail_engine::ids::Span;
use kintail_engine::state::Reason;
use std::fs;
use std::path::PathBuf;

/// A letter of `flow` whose record is the one byte `data`.
fn line(flow: &str, start: u64, data: char) -> String {
    let base64 = ["YQ==", "Yg==", "Yw=="][data as usize - 'a' as usize];
    format!(
        r#"{{"flow":"{flow}","file":"0000000000000001-1","epoch":"0000000000000001.0","path":"/x.log","span":{{"start":{start},"end":{}}},"time":"2026-01-02T03:04:05Z","code":"ValidationException","message":"too long","data":"{base64}"}}"#,
        start + 1
    ) + "\n"
}

fn file(host: &Host, flow: &str) -> PathBuf {
    let dir = host.state().join("dead-letters");
    fs::create_dir_all(&dir).unwrap();
    dir.join(format!("{flow}.jsonl"))
}

/// Three of the flow web, one of app.
fn letters(host: &Host) {
    let web = line("web", 0, 'a') + &line("web", 1, 'b') + &line("web", 2, 'c');
    fs::write(file(host, "web"), web).unwrap();
    fs::write(file(host, "app"), line("app", 9, 'a')).unwrap();
}

#[test]
fn dead_letters_are_listed() {
    let host = Host::new();
    letters(&host);
    let said = host.run(&["dead-letter", "list", "--flow", "app"]).ended(0);
    assert_eq!(
        said.out,
        "TIME                  FLOW  FILE    OFFSET  BYTES  CODE                 MESSAGE\n\
         2026-01-02T03:04:05Z  app   /x.log  9       1 B    ValidationException  too long\n"
    );
    assert_eq!(host.run(&["dead-letter", "list"]).out.lines().count(), 5);
    let json = host.run(&["dead-letter", "list", "--json", "--flow", "web"]);
    assert_eq!(json.out, fs::read_to_string(file(&host, "web")).unwrap());
}

#[test]
fn accepted_letters_leave_the_file_and_the_rest_stays() {
    let host = Host::new();
    letters(&host);
    let agent = Scripted::new(&host.state(), |command| match command {
        Command::Resend { records, .. } => {
            Some(Reply::Resent(records.iter().map(|record| record != b"b").collect()))
        }
        _ => Some(Reply::Status(Box::default())),
    });
    host.run(&["dead-letter", "resend"]).ended(1).with("3 accepted, 1 refused again and kept");
    let records = |flow: &str, records: &[&[u8]]| Command::Resend {
        flow: flow.into(),
        records: records.iter().map(|record| record.to_vec()).collect(),
    };
    let expected = [Command::Status, records("app", &[b"a"]), records("web", &[b"a", b"b", b"c"])];
    assert_eq!(agent.asked(), expected);
    assert!(!file(&host, "app").exists());
    assert_eq!(fs::read_to_string(file(&host, "web")).unwrap(), line("web", 1, 'b'));
}

#[test]
fn when_the_agent_goes_away_half_way_the_unanswered_stay() {
    let host = Host::new();
    letters(&host);
    let _agent = Scripted::new(&host.state(), |command| match command {
        Command::Resend { flow, .. } if flow == "web" => None,
        Command::Resend { .. } => Some(Reply::Resent(vec![true])),
        _ => Some(Reply::Status(Box::default())),
    });
    host.run(&["dead-letter", "resend"]).ended(1);
    assert!(!file(&host, "app").exists());
    assert_eq!(fs::read_to_string(file(&host, "web")).unwrap().lines().count(), 3);
}

#[test]
fn without_an_agent_nothing_is_sent() {
    let host = Host::new();
    letters(&host);
    host.run(&["dead-letter", "resend"]).ended(69).with("no agent is running");
    assert_eq!(fs::read_to_string(file(&host, "web")).unwrap().lines().count(), 3);
}

#[test]
fn cleared_letters_are_on_the_ledger_with_and_without_an_agent() {
    let host = Host::with_store();
    letters(&host);
    host.run(&["dead-letter", "clear", "--flow", "web"]).ended(0).with("3 dead letters moved");
    assert!(!file(&host, "web").exists() && file(&host, "app").exists());
    let json = host.run(&["losses", "--json"]).ended(0).json();
    assert_eq!(json["losses"].as_array().unwrap().len(), 1, "neighbours are one");
    assert_eq!((&json["losses"][0]["start"], &json["losses"][0]["end"]), (&0.into(), &3.into()));
    assert_eq!(json["losses"][0]["reason"], "dead_letter_cleared");

    fs::remove_file(host.state().join("kintail.sock")).unwrap();
    let agent = Scripted::new(&host.state(), |_| Some(Reply::Done));
    host.run(&["dead-letter", "clear"]).ended(0).with("1 dead letters moved");
    let asked = agent.asked();
    let [Command::AddLosses { losses }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((losses[0].span, losses[0].reason), (Span::new(9, 10), Reason::DeadLetterCleared));
    assert!(!file(&host, "app").exists());
}

#[test]
fn letters_that_cannot_be_put_on_the_ledger_stay() {
    let host = Host::new();
    letters(&host);
    host.run(&["dead-letter", "clear"]).ended(1).with("no agent ever ran there");
    assert_eq!(fs::read_to_string(file(&host, "web")).unwrap().lines().count(), 3);
}

#[test]
fn letters_go_again_through_the_real_agent() {
    let host = Host::new();
    let _agent = host.agent();
    host.saves(14);
    fs::write(file(&host, "web"), line("web", 0, 'a') + &line("web", 1, 'b')).unwrap();
    host.run(&["dead-letter", "resend"]).ended(0).with("2 accepted, 0 refused");
    host.delivers("one\ntwo\nthree\na\nb\n");
    assert!(!file(&host, "web").exists());
    fs::write(file(&host, "gone"), line("gone", 0, 'a')).unwrap();
    host.run(&["dead-letter", "resend"]).ended(1).with("there is no flow gone");
    assert!(file(&host, "gone").exists());
}
