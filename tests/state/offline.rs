//! Without an agent: the store itself is read and changed.

use crate::Host;

#[test]
fn a_second_agent_ends_at_once_and_names_the_first() {
    let host = Host::new();
    let first = host.agent();
    let pid = first.0.id();
    host.run(&["run"]).ended(73).with(&format!("in use by process {pid}"));
    drop(first);
    drop(host.agent());
}

#[test]
fn a_newer_store_is_refused_by_the_version_that_wrote_it() {
    let host = Host::with_store();
    host.sql(
        "PRAGMA user_version = 9; UPDATE meta SET value = 9 WHERE key = 'oldest_reader';
         UPDATE meta SET value = '4.5.6' WHERE key = 'written_by'",
    );
    for args in [&["run"][..], &["offsets", "list"], &["losses"], &["losses", "clear"]] {
        host.run(args).ended(78).with("kintail 4.5.6");
    }
}

#[test]
fn a_state_directory_that_cannot_be_made_is_told_with_the_fix() {
    let host = Host::new();
    std::fs::write(host.state(), "a file").unwrap();
    host.run(&["run"]).ended(73).with("agent.state_dir");
}

#[test]
fn without_an_agent_status_says_so() {
    let host = Host::with_store();
    for args in [&["status"][..], &["status", "--json"], &["status", "--check"], &["status", "--watch"]] {
        let said = host.run(args).ended(69).with("no agent is running");
        assert_eq!(said.out, "");
    }
}

#[test]
fn where_no_agent_ever_ran_nothing_is_made() {
    let host = Host::new();
    host.run(&["offsets", "list"]).ended(1).with("no agent ever ran there");
    host.run(&["offsets", "reset", "web"]).ended(1).with("no agent ever ran there");
    host.run(&["losses"]).ended(0).with("nothing is known to be missing");
    host.run(&["dead-letter", "list"]).ended(0).with("no dead letters");
    host.run(&["dead-letter", "clear"]).ended(0).with("0 dead letters");
    assert!(!host.state().exists());
}

#[test]
fn the_ledger_is_shown_and_cleared() {
    let host = Host::with_store();
    host.sql(
        "INSERT INTO ledger (flow, run, number, epoch_run, epoch_number, path, start, end, reason, time)
         VALUES ('web', -1, 1, -1, 0, CAST('/var/log/a.log' AS BLOB), 10, 2058, 'oversize', 0);
         INSERT INTO ledger_count VALUES ('web', 'file_gone', 3, 4096, 0, 1000000000);",
    );
    let said = host.run(&["losses"]).ended(0);
    let lines: Vec<_> = said.out.lines().collect();
    assert_eq!(
        lines,
        [
            "TIME                  FLOW  FILE                RANGE     BYTES    REASON",
            "1970-01-01T00:00:01Z  web   (3 earlier ranges)            4.0 KiB  file_gone",
            "1970-01-01T00:00:00Z  web   /var/log/a.log      10..2058  2.0 KiB  oversize",
        ]
    );
    let json = host.run(&["losses", "--json"]).ended(0).json();
    assert_eq!(json["losses"][0]["file"], "ffffffffffffffff-1");
    assert_eq!(json["losses"][0]["end"], 2058);
    assert_eq!(json["earlier"][0]["ranges"], 3);
    host.run(&["losses", "clear"]).ended(0);
    host.run(&["losses"]).ended(0).with("nothing is known to be missing");
}

#[test]
fn offsets_of_a_flow_are_given_to_another_name() {
    let host = Host::with_store();
    host.sql(
        "DELETE FROM flow; INSERT INTO flow VALUES ('old', '[]', 0, 0);
         INSERT INTO cursor VALUES ('old', 1, 1, 1, 0, 8, x'01', 0, 0, 0, 8);
         INSERT INTO file VALUES (1, 1, x'2f61', x'2f61', 0, 0, 0, 0, 0, 1, 0, 0, 0);",
    );
    host.run(&["offsets", "rename", "gone", "web"]).ended(1).with("there is: old");
    host.run(&["offsets", "rename", "old", "web"]).ended(0);
    let json = host.run(&["offsets", "list", "--json"]).ended(0).json();
    assert_eq!((&json[0]["flow"], &json[0]["offset"]), (&"web".into(), &8.into()));
    assert_eq!((&json[0]["path"], &json[0]["size"]), (&"/a".into(), &serde_json::Value::Null));
    host.run(&["offsets", "list"])
        .ended(0)
        .with("FLOW  FILE  OFFSET  AHEAD  SIZE  LAG\nweb   /a    8       0");
}
