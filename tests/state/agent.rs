//! Beside an agent: questions and orders go through its socket. The agent here is a script.

use crate::Host;
use kintail_engine::command::{Command, Position, Reply};
use kintail_engine::status::{FlowStatus, Status};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

/// An agent that answers as it is told and remembers what it was asked. Its thread ends with the test's process.
pub(crate) struct Scripted {
    asked: Receiver<Command>,
}

impl Scripted {
    pub(crate) fn new(
        state_dir: &Path,
        mut answer: impl FnMut(&Command) -> Option<Reply> + Send + 'static,
    ) -> Self {
        std::fs::create_dir_all(state_dir).unwrap();
        let socket = UnixListener::bind(state_dir.join("kintail.sock")).unwrap();
        let (tell, asked) = channel();
        std::thread::spawn(move || {
            for stream in socket.incoming() {
                let mut stream: UnixStream = stream.unwrap();
                let mut line = String::new();
                BufReader::new(&stream).read_line(&mut line).unwrap();
                let command = serde_json::from_str(&line).unwrap();
                let reply = answer(&command);
                // Told first: whoever has the answer may ask at once what was asked.
                let _ = tell.send(command);
                // Without an answer the talk breaks off, as when an agent is killed.
                if let Some(reply) = reply {
                    writeln!(stream, "{}", serde_json::to_string(&reply).unwrap()).unwrap();
                }
            }
        });
        Self { asked }
    }

    pub(crate) fn asked(&self) -> Vec<Command> {
        self.asked.try_iter().collect()
    }
}

fn status(healthy: bool) -> Reply {
    let web = FlowStatus { name: "web".into(), healthy, lag_bytes: 2048, ..FlowStatus::default() };
    Reply::Status(Box::new(Status { healthy, flows: vec![web], ..Status::default() }))
}

#[test]
fn status_shows_what_the_agent_says() {
    let host = Host::new();
    let mut answers = [true, true, false, true].into_iter();
    let _agent = Scripted::new(&host.state(), move |_| answers.next().map(status));
    let said = host.run(&["status"]).ended(0).with("healthy").with("2.0 KiB");
    assert!(!said.out.contains('\u{1b}'), "colours only on a terminal: {said:?}");
    assert_eq!(host.run(&["status", "--json"]).ended(0).json()["flows"][0]["lag_bytes"], 2048);
    assert_eq!(host.run(&["status", "--check"]).ended(1).out, "");
    assert_eq!(host.run(&["status", "--check"]).ended(0).out, "");
    host.run(&["status"]).ended(1).with("does not answer");
}

#[test]
fn watching_for_a_machine_is_a_line_a_second_until_the_agent_ends() {
    let host = Host::new();
    let mut answers = [true, false].into_iter();
    let _agent = Scripted::new(&host.state(), move |_| answers.next().map(status));
    let said = host.run(&["status", "--json", "--watch"]).ended(1);
    let healthy = |line| serde_json::from_str::<Status>(line).unwrap().healthy;
    assert_eq!(said.out.lines().map(healthy).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn watching_where_nothing_can_be_redrawn_is_one_picture_below_the_other() {
    let host = Host::new();
    let mut lags = [4096, 1024].into_iter();
    let _agent = Scripted::new(&host.state(), move |_| {
        let web = FlowStatus { name: "web".into(), lag_bytes: lags.next()?, ..FlowStatus::default() };
        Some(Reply::Status(Box::new(Status { flows: vec![web], ..Status::default() })))
    });
    let said = host.run(&["status", "--watch"]).ended(1);
    let pictures: Vec<_> = said.out.split("\n\nkintail: ").collect();
    assert_eq!(pictures.len(), 2, "{said:?}");
    assert!(pictures[0].contains("4.0 KiB") && pictures[1].contains("1.0 KiB"), "{said:?}");
    assert!(!said.out.contains('\u{1b}'), "{said:?}");
}

#[test]
fn orders_go_to_the_agent_with_whole_paths() {
    let host = Host::new();
    let agent = Scripted::new(&host.state(), |_| Some(Reply::Done));
    let here = std::env::current_dir().unwrap();
    host.run(&["offsets", "set", "web", "a.log", "7"]).ended(0);
    host.run(&["offsets", "reset", "web"]).ended(0);
    host.run(&["offsets", "rename", "old", "web"]).ended(0);
    host.run(&["losses", "clear"]).ended(0);
    assert_eq!(
        agent.asked(),
        [
            Command::SetOffset { flow: "web".into(), path: here.join("a.log"), offset: 7 },
            Command::ResetOffsets { flow: "web".into(), path: None },
            Command::RenameOffsets { from: "old".into(), to: "web".into() },
            Command::ClearLosses,
        ]
    );
}

#[test]
fn what_the_agent_refuses_is_said_in_its_words() {
    let host = Host::new();
    let _agent = Scripted::new(&host.state(), |_| Some(Reply::Refused("no flow \u{1b}[2Jx".into())));
    for args in [&["offsets", "reset", "x"][..], &["offsets", "list"], &["losses"], &["status"]] {
        host.run(args).ended(1).with("no flow \\u{1b}[2Jx");
    }
}

#[test]
fn an_answer_of_another_kind_is_no_crash() {
    let host = Host::new();
    let _agent = Scripted::new(&host.state(), |_| Some(Reply::Resent(vec![])));
    for args in [&["offsets", "list"][..], &["losses", "clear"], &["status"]] {
        host.run(args).ended(1).with("Resent");
    }
}

#[test]
fn offsets_are_listed_as_the_agent_knows_them() {
    let host = Host::new();
    let _agent = Scripted::new(&host.state(), |_| {
        Some(Reply::Offsets(vec![Position {
            flow: "web".into(),
            file: "1-1".into(),
            path: "/a\nb".into(),
            offset: 10,
            ahead: 4,
            size: Some(2062),
        }]))
    });
    let said = host.run(&["offsets", "list"]).ended(0);
    assert_eq!(said.out.lines().nth(1), Some("web   /a\\nb  10      4      2062  2.0 KiB"));
    assert_eq!(host.run(&["offsets", "list", "--json"]).json()[0]["path"], "/a\nb");
}
