//! The store, whole: on disk, through damage, full disks and kills.

mod damage;
mod disk;
mod kill;
mod rows;

use super::*;
use kintail_engine::ids::{Epoch, FileId, RunId, Span};
use kintail_engine::state::{
    Check, CursorRow, FileRow, Fingerprint, FlowRow, Identity, LedgerRow, Put, Reason,
};
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// A directory that is not there yet.
fn state_dir() -> (TempDir, PathBuf) {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("state");
    (base, dir)
}

fn save(database: &mut Database, puts: Vec<Put>) {
    database.save(&Transaction { puts, sync: true }).unwrap();
}

/// What a new process finds.
fn reopened(dir: &Path) -> Saved {
    Database::open(dir).unwrap().load().unwrap()
}

fn file_id(run: RunId, number: u64) -> FileId {
    FileId { run, number }
}

fn flow_row(name: &str) -> FlowRow {
    FlowRow { name: name.into(), files: vec!["/var/log/*.log".into()], last_look: 5, possible_losses: 0 }
}

fn file_row(id: FileId) -> FileRow {
    FileRow {
        id,
        first_path: format!("/var/log/{}.log", id.number).into(),
        path: format!("/var/log/{}.log", id.number).into(),
        identity: Identity { dev: 1, ino: id.number, btime: 9 },
        head: Fingerprint { len: 1024, hash: u64::MAX },
        epoch: Epoch { run: id.run, number: 0 },
        last_seen: 7,
        finished: false,
    }
}

fn cursor_row(flow: &str, file: FileId, prefix: u64) -> CursorRow {
    CursorRow {
        flow: flow.into(),
        file,
        epoch: Epoch { run: file.run, number: 0 },
        prefix,
        ranges: vec![Span::new(prefix + 10, prefix + 20)],
        check: Check { at: prefix, print: Fingerprint { len: 3, hash: 1 } },
        seen: prefix + 50,
    }
}

fn loss(file: FileId, start: u64, end: u64) -> LedgerRow {
    LedgerRow {
        flow: "web".into(),
        file,
        epoch: Epoch { run: file.run, number: 0 },
        path: "/var/log/1.log".into(),
        span: Span::new(start, end),
        reason: Reason::Oversize,
        time: start as i64,
    }
}

#[test]
fn a_store_is_made_for_its_owner_alone() {
    let (_base, dir) = state_dir();
    let database = Database::open(&dir).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for name in [DB, WAL, "lock"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
    drop(database);
}

#[test]
fn a_second_agent_is_told_who_was_first() {
    let (_base, dir) = state_dir();
    let first = Store::open(&dir).unwrap();
    let second = Store::open(&dir).unwrap_err();
    assert!(matches!(second, OpenError::Locked { pid, .. } if pid == Some(std::process::id())), "{second}");
    assert!(second.to_string().contains(&format!("process {}", std::process::id())), "{second}");
    drop(first);
    Store::open(&dir).unwrap();
}

#[test]
fn the_boot_is_written_when_the_engine_says_so() {
    let (_base, dir) = state_dir();
    save(&mut Database::open(&dir).unwrap(), vec![Put::Flow(flow_row("web"))]);
    assert_eq!(reopened(&dir).boot_id, "");

    save(&mut Database::open(&dir).unwrap(), vec![Put::Boot("this one".into())]);
    assert_eq!(reopened(&dir).boot_id, "this one");
}

#[test]
fn answers_come_in_the_order_of_the_questions() {
    let (_base, dir) = state_dir();
    let store = Store::open(&dir).unwrap();
    let (answer, answers) = mpsc::channel();
    for number in 0..100 {
        let answer = answer.clone();
        let puts = vec![Put::Flow(flow_row(&format!("flow {number:03}")))];
        store.save(Transaction { puts, sync: number % 10 == 0 }, move |saved| {
            saved.unwrap();
            answer.send(number).unwrap();
        });
    }
    let last = answer.clone();
    store.load(move |saved| last.send(saved.unwrap().flows.len()).unwrap());
    drop((store, answer));
    assert_eq!(answers.iter().collect::<Vec<_>>(), (0..=100).collect::<Vec<_>>());
}

#[test]
fn a_reader_sees_what_a_running_agent_saved() {
    let (_base, dir) = state_dir();
    assert_eq!(View::read(&dir).unwrap(), None);
    let mut database = Database::open(&dir).unwrap();
    save(&mut database, vec![Put::Flow(flow_row("web"))]);
    let view = View::read(&dir).unwrap().unwrap();
    assert_eq!(view.saved.flows, [flow_row("web")]);
    save(&mut database, vec![Put::Flow(flow_row("app"))]);
    assert_eq!(View::read(&dir).unwrap().unwrap().saved.flows.len(), 2);
}

#[test]
fn the_write_ahead_log_stays_under_a_mebibyte() {
    let (_base, dir) = state_dir();
    let mut database = Database::open(&dir).unwrap();
    let run = RunId(1);
    let mut longest = 0;
    for round in 0..300 {
        let puts = (1..200).map(|number| Put::Cursor(cursor_row("web", file_id(run, number), round)));
        database.save(&Transaction { puts: puts.collect(), sync: false }).unwrap();
        longest = longest.max(std::fs::metadata(dir.join(WAL)).unwrap().len());
    }
    // A transaction over a thousand times the usual size goes through whole, and is put away at once.
    let puts = (1..20_000).map(|number| Put::File(file_row(file_id(run, number))));
    database.save(&Transaction { puts: puts.collect(), sync: true }).unwrap();
    longest = longest.max(std::fs::metadata(dir.join(WAL)).unwrap().len());
    assert!(longest > 100 * 1024 && longest < 1024 * 1024, "{longest}");
}

#[test]
fn a_reader_that_stays_holds_up_no_save() {
    let (_base, dir) = state_dir();
    let mut database = Database::open(&dir).unwrap();
    let reader = rusqlite::Connection::open(dir.join(DB)).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM meta").unwrap();
    let cursors = |round| {
        let puts = (1..2_000).map(|number| Put::Cursor(cursor_row("web", file_id(RunId(1), number), round)));
        Transaction { puts: puts.collect(), sync: false }
    };
    let start = std::time::Instant::now();
    for round in 0..10 {
        database.save(&cursors(round)).unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    reader.execute_batch("COMMIT").unwrap();
    database.save(&cursors(99)).unwrap();
    assert!(std::fs::metadata(dir.join(WAL)).unwrap().len() < 1024 * 1024);
}
