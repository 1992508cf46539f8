//! The oracle sees what is wrong: each property with a world that breaks it.

use super::*;
use crate::plan::Plan;
use crate::world::store::Store;
use kintail_engine::ids::{CursorId, FlowId, RunId, Span};
use kintail_engine::state::{Check, CursorRow, FileRow, Fingerprint, LedgerRow, Put, Reason, Transaction};
use std::path::Path;

const RUN: RunId = RunId(1);
const FILE: FileId = FileId { run: RUN, number: 1 };
const EPOCH: Epoch = Epoch { run: RUN, number: 0 };
const CURSOR: CursorId = CursorId { flow: FlowId(0), file: FILE, epoch: EPOCH };

/// A disk with a file of three lines of ten bytes, followed by one flow, whose agent has read all of it.
struct Scene {
    disk: Disk,
    oracle: Oracle,
    store: Store,
    lines: Vec<Vec<u8>>,
}

impl Scene {
    fn new() -> Self {
        Self::of(false)
    }

    /// With strict order, or without.
    fn of(strict: bool) -> Self {
        let mut setup = Plan::of(0).setup;
        setup.settings.flows.truncate(1);
        setup.scopes = vec![Scope::All];
        setup.steps = vec![Steps::NONE];
        let flow = &mut setup.settings.flows[0];
        flow.destination = Destination::Kinesis { stream: "s".into() };
        flow.newline = Newline::Keep;
        flow.line.skip_header = 0;
        flow.process.clear();
        flow.start_at = StartAt::Beginning;
        flow.strict = strict;
        let mut scene = Self {
            disk: Disk::new(true),
            oracle: Oracle::new(&setup, true),
            store: Store::new(),
            lines: Vec::new(),
        };
        let node = scene.disk.create(Path::new("/log/a.log"), 1, 0);
        scene.oracle.started(&scene.disk, &scene.store.rows, false);
        for _ in 0..3 {
            let line = scene.disk.begin_line(node, 9);
            scene.disk.write_line(line, None, 1, 0);
        }
        scene.oracle.wrote(&scene.disk, 0, 0, 0, 0);
        scene.oracle.told(0, 30);
        scene.oracle.met(0, node, Path::new("/log/a.log"));
        scene.oracle.given(CURSOR, 0, 0, 30);
        scene.oracle.frames(&scene.disk, CURSOR).unwrap();
        scene.oracle.framed(CURSOR, 0, 30);
        scene.oracle.reads_on(&scene.disk, CURSOR, None);
        scene.lines = scene.disk.contents[0].bytes.chunks(10).map(<[u8]>::to_vec).collect();
        scene
    }

    fn accept(&mut self, line: usize) -> Result<(), Broken> {
        let record = self.oracle.locate(&self.disk, 0, &self.lines[line], false)?;
        self.oracle.accepted(&self.disk, 0, record)
    }

    fn save(&mut self, put: Put) -> Result<(), Broken> {
        let transaction = Transaction { puts: vec![put], sync: true };
        self.store.save(transaction.clone());
        self.oracle.saved(&self.disk, 0, &transaction, &self.store.rows)
    }

    fn cursor(&self, prefix: u64, ranges: Vec<Span>) -> Put {
        let check = Check { at: 0, print: Fingerprint::default() };
        let flow = self.oracle.flows[0].name.clone();
        Put::Cursor(CursorRow { flow, file: FILE, epoch: EPOCH, prefix, ranges, check, seen: 30 })
    }
}

#[test]
fn a_line_after_what_follows_it_breaks_strict_order_alone() {
    for strict in [true, false] {
        let mut scene = Scene::of(strict);
        scene.accept(1).unwrap();
        assert_eq!(scene.accept(0).is_err(), strict);
    }
}

#[test]
fn a_line_that_never_arrives_is_missed() {
    let mut scene = Scene::new();
    scene.accept(0).unwrap();
    scene.accept(2).unwrap();
    let missing = scene.oracle.missing(&scene.disk).unwrap();
    assert!(missing.contains("never got 10..20"), "{missing}");
    scene.accept(1).unwrap();
    assert_eq!(scene.oracle.missing(&scene.disk), None);
}

#[test]
fn an_offset_past_what_was_accepted_is_caught() {
    let mut scene = Scene::new();
    scene.accept(0).unwrap();
    scene.accept(2).unwrap();
    assert!(scene.save(scene.cursor(10, vec![Span::new(20, 30)])).is_ok());
    assert!(scene.save(scene.cursor(11, Vec::new())).is_err());
    assert!(scene.save(scene.cursor(30, Vec::new())).is_err());
    assert!(scene.save(scene.cursor(10, vec![Span::new(15, 30)])).is_err());
    assert!(scene.save(scene.cursor(10, vec![Span::new(10, 10)])).is_err());
}

#[test]
fn a_second_delivery_needs_a_cause() {
    let mut scene = Scene::new();
    scene.accept(0).unwrap();
    let record = scene.oracle.locate(&scene.disk, 0, &scene.lines[0], false).unwrap();
    scene.oracle.unanswered(0, &[(record, true)]);
    scene.accept(0).unwrap();
    assert!(scene.accept(0).is_err());
}

#[test]
fn a_crash_excuses_only_what_was_not_saved() {
    let mut scene = Scene::new();
    scene.accept(0).unwrap();
    scene.accept(1).unwrap();
    scene.save(scene.cursor(10, Vec::new())).unwrap();
    scene.oracle.ended();
    scene.oracle.started(&scene.disk, &scene.store.rows, false);
    assert!(scene.accept(0).is_err());
    scene.accept(1).unwrap();
    assert!(scene.accept(1).is_err());
}

#[test]
fn what_was_cut_into_lines_is_owed_after_a_truncation_until_the_agent_dies() {
    let mut scene = Scene::new();
    let gone = scene.disk.truncate(0, 1, 1);
    scene.oracle.gone(&scene.disk, gone, true);
    assert!(scene.oracle.missing(&scene.disk).is_some());
    scene.oracle.ended();
    assert_eq!(scene.oracle.missing(&scene.disk), None);
    assert!(scene.oracle.untold(&scene.disk, &scene.store.rows).is_some());
}

#[test]
fn a_ledger_that_names_living_bytes_is_caught() {
    let mut scene = Scene::new();
    let row = LedgerRow {
        flow: scene.oracle.flows[0].name.clone(),
        file: FILE,
        epoch: EPOCH,
        path: "/log/a.log".into(),
        span: Span::new(0, 10),
        reason: Reason::FileGone,
        time: 0,
    };
    assert!(scene.save(Put::Loss(row)).is_err());
}

#[test]
fn records_that_nobody_wrote_are_caught() {
    let scene = Scene::new();
    let refused = |data: &[u8]| scene.oracle.locate(&scene.disk, 0, data, false).is_err();
    let line = &scene.lines[1];
    assert!(!refused(line));
    assert!(refused(&line[..9]), "without its newline");
    assert!(refused(&line[..8]), "half of a live line");
    assert!(refused(&line[1..]), "from inside");
    assert!(refused(&[&scene.lines[0][..], line].concat()), "two in one");
    assert!(refused(b"something else\n"));
}

#[test]
fn an_ordered_end_must_save_what_was_answered() {
    let mut scene = Scene::new();
    scene.accept(0).unwrap();
    let record = scene.oracle.locate(&scene.disk, 0, &scene.lines[0], false).unwrap();
    scene.oracle.answered(0, &[(record, true)]);
    assert!(scene.oracle.ended_well(&scene.disk, &scene.store.rows).is_err());
    let identity = scene.disk.identity(0);
    let path = Path::new("/log/a.log").to_path_buf();
    let head = Fingerprint::default();
    let file = FileRow {
        id: FILE,
        first_path: path.clone(),
        path,
        identity,
        head,
        epoch: EPOCH,
        last_seen: 0,
        finished: false,
    };
    scene.save(Put::File(file)).unwrap();
    scene.save(scene.cursor(10, Vec::new())).unwrap();
    assert_eq!(scene.oracle.ended_well(&scene.disk, &scene.store.rows), Ok(()));
}
