//! The real agent over its real store: what the commands change is what it does next.

use crate::Host;
use std::io::Write;
use std::time::{Duration, Instant};

impl Host {
    /// Writes to the log; to write it anew would truncate it under the agent's eyes.
    fn append(&self, text: &str) {
        let mut log = std::fs::OpenOptions::new().append(true).open(self.log()).unwrap();
        log.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the destination holds this.
    #[track_caller]
    pub(crate) fn delivers(&self, text: &str) {
        let start = Instant::now();
        loop {
            let out = std::fs::read_to_string(self.dir.path().join("out")).unwrap_or_default();
            if out == text {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{out:?} instead of {text:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until this offset is saved; the store is read, whoever runs.
    #[track_caller]
    pub(crate) fn saves(&self, offset: u64) {
        let start = Instant::now();
        let saved = || -> rusqlite::Result<u64> {
            let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
            rusqlite::Connection::open_with_flags(self.state().join("state.db"), flags)?.query_row(
                "SELECT prefix FROM cursor",
                [],
                |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()),
            )
        };
        while saved() != Ok(offset) {
            assert!(start.elapsed() < Duration::from_secs(20), "{:?} instead of {offset}", saved());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_killed_agent_goes_on_where_it_was() {
    let host = Host::new();
    let agent = host.agent();
    host.delivers("one\ntwo\nthree\n");
    host.saves(14);
    let listed = host.run(&["offsets", "list", "--json"]).ended(0).json();
    assert_eq!((&listed[0]["offset"], &listed[0]["size"]), (&14.into(), &14.into()));
    drop(agent);
    assert_eq!(host.run(&["offsets", "list", "--json"]).ended(0).json(), listed, "the store says the same");

    let _agent = host.agent();
    host.append("four\n");
    host.delivers("one\ntwo\nthree\nfour\n");
    host.run(&["status", "--check"]).ended(0);
    assert_eq!(host.run(&["status", "--json"]).ended(0).json()["flows"][0]["name"], "web");
}

#[test]
fn a_deleted_file_that_was_shipped_to_its_end_waits_for_nothing() {
    let host = Host::new();
    let agent = host.agent();
    host.saves(14);
    drop(agent);
    std::fs::remove_file(host.log()).unwrap();
    let _agent = host.agent();
    let file = || host.run(&["status", "--json"]).ended(0).json()["flows"][0]["files"][0].clone();
    crate::wait_until("the file is known", || file() != serde_json::Value::Null);
    let file = file();
    assert_eq!((&file["offset"], &file["waiting_for"]), (&14.into(), &"".into()), "{file}");
}

#[test]
fn an_offset_set_while_no_agent_runs_is_where_the_next_one_begins() {
    let host = Host::new();
    let agent = host.agent();
    host.saves(14);
    let log = host.log();
    let log = log.to_str().unwrap();
    drop(agent);
    host.run(&["offsets", "set", "web", log, "15"]).ended(1).with("only 14 bytes");
    host.run(&["offsets", "set", "web", log, "4"]).ended(0);
    let agent = host.agent();
    host.delivers("one\ntwo\nthree\ntwo\nthree\n");
    host.saves(14);
    drop(agent);
    host.run(&["offsets", "reset", "web"]).ended(0);
    std::fs::remove_file(host.dir.path().join("out")).unwrap();
    let _agent = host.agent();
    host.delivers("one\ntwo\nthree\n");
}

#[test]
fn an_offset_set_beside_an_agent_is_where_it_goes_on() {
    let host = Host::new();
    let _agent = host.agent();
    host.saves(14);
    let log = host.log();
    host.run(&["offsets", "set", "web", log.to_str().unwrap(), "8"]).ended(0);
    host.delivers("one\ntwo\nthree\nthree\n");
    host.run(&["offsets", "set", "gone", log.to_str().unwrap(), "8"]).ended(1).with("gone");
}

#[test]
fn what_an_offset_passes_over_is_a_loss() {
    let host = Host::new();
    let agent = host.agent();
    host.saves(14);
    drop(agent);
    std::fs::write(host.log(), "one\ntwo\nthree\nfour\nfive\n").unwrap();
    let log = host.log();
    host.run(&["offsets", "set", "web", log.to_str().unwrap(), "19"]).ended(0);
    let _agent = host.agent();
    host.delivers("one\ntwo\nthree\nfive\n");
    let loss = host.run(&["losses", "--json"]).ended(0).json()["losses"][0].clone();
    assert_eq!(
        (&loss["start"], &loss["end"], &loss["reason"]),
        (&14.into(), &19.into(), &"offset_set".into())
    );
    host.run(&["losses", "clear"]).ended(0);
    host.run(&["losses"]).ended(0).with("nothing is known to be missing");
}

#[test]
fn what_an_offset_passes_over_beside_an_agent_is_a_loss() {
    let host = Host::new();
    std::fs::write(host.log(), "one\ntwo\nthree\nfour").unwrap();
    let _agent = host.agent();
    host.saves(14);
    let log = host.log();
    host.run(&["offsets", "set", "web", log.to_str().unwrap(), "18"]).ended(0);
    host.append("teen\n");
    host.delivers("one\ntwo\nthree\nteen\n");
    let losses = host.run(&["losses", "--json"]).ended(0).json()["losses"].clone();
    assert_eq!(losses.as_array().map(Vec::len), Some(1), "{losses}");
    let loss = &losses[0];
    assert_eq!(
        (&loss["start"], &loss["end"], &loss["reason"]),
        (&14.into(), &18.into(), &"offset_set".into())
    );
}
