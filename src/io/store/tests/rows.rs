//! Rows come back as they went, and the ledger stays short.

use super::*;
use fastrand::Rng;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Numbers of all sizes, the odd ones often.
fn number(random: &mut Rng) -> u64 {
    match random.u8(..4) {
        0 => random.u64(..),
        1 => [0, 1, u64::MAX, i64::MAX as u64, i64::MAX as u64 + 1][random.usize(..5)],
        _ => random.u64(..) >> random.u32(..64),
    }
}

fn text(random: &mut Rng) -> String {
    ["", "web", "a b", "ö\u{0}'\"", "x\n;--"][random.usize(..5)].into()
}

fn path(random: &mut Rng) -> PathBuf {
    let len = random.usize(..40);
    let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(len).collect();
    OsString::from_vec(bytes).into()
}

fn id(random: &mut Rng) -> FileId {
    FileId { run: RunId(number(random)), number: number(random) }
}

fn epoch(random: &mut Rng) -> Epoch {
    Epoch { run: RunId(number(random)), number: random.u32(..) }
}

fn fingerprint(random: &mut Rng) -> Fingerprint {
    Fingerprint { len: random.u32(..), hash: number(random) }
}

fn ranges(random: &mut Rng, prefix: u64) -> Vec<Span> {
    let mut ranges = Vec::new();
    let mut at = prefix;
    for _ in 0..random.usize(..257) {
        let (gap, len) = (1 + random.u64(..) % 5_000, 1 + random.u64(..) % 5_000);
        let Some(end) = at.checked_add(gap + len) else { break };
        ranges.push(Span::new(at + gap, end));
        at = end;
    }
    ranges
}

fn random_flow(random: &mut Rng) -> FlowRow {
    let globs = random.usize(..4);
    FlowRow {
        name: text(random),
        files: std::iter::repeat_with(|| text(random)).take(globs).collect(),
        last_look: number(random) as i64,
        possible_losses: number(random),
    }
}

fn random_file(random: &mut Rng) -> FileRow {
    FileRow {
        id: id(random),
        first_path: path(random),
        path: path(random),
        identity: Identity { dev: number(random), ino: number(random), btime: number(random) as i64 },
        head: fingerprint(random),
        epoch: epoch(random),
        last_seen: number(random) as i64,
        finished: random.bool(),
    }
}

fn random_cursor(random: &mut Rng) -> CursorRow {
    let prefix = number(random);
    CursorRow {
        flow: text(random),
        file: id(random),
        epoch: epoch(random),
        prefix,
        ranges: ranges(random, prefix),
        check: Check { at: number(random), print: fingerprint(random) },
        seen: number(random),
    }
}

fn random_loss(random: &mut Rng) -> LedgerRow {
    let start = number(random).min(u64::MAX - 1);
    LedgerRow {
        flow: text(random),
        file: id(random),
        epoch: epoch(random),
        path: path(random),
        span: Span::new(start, start + 1),
        reason: *random.choice(Reason::ALL.iter()).unwrap(),
        time: number(random) as i64,
    }
}

#[test]
fn every_kind_of_row_comes_back_as_it_went() {
    for seed in 0..30 {
        let random = &mut Rng::with_seed(seed);
        let (_base, dir) = state_dir();
        let mut database = Database::open(&dir).unwrap();
        let mut flows = BTreeMap::new();
        let mut files = BTreeMap::new();
        let mut cursors = BTreeMap::new();
        let mut ledger = Vec::new();
        for _ in 0..20 {
            let (flow, file) = (random_flow(random), random_file(random));
            let (cursor, loss) = (random_cursor(random), random_loss(random));
            flows.insert(flow.name.clone(), flow.clone());
            files.insert(file.id, file.clone());
            cursors.insert((cursor.flow.clone(), cursor.file, cursor.epoch), cursor.clone());
            ledger.push(loss.clone());
            save(&mut database, vec![Put::Flow(flow), Put::File(file), Put::Cursor(cursor), Put::Loss(loss)]);
        }
        drop(database);
        let mut saved = reopened(&dir);
        saved.files.sort_by_key(|row| row.id);
        saved.cursors.sort_by_key(|row| (row.flow.clone(), row.file, row.epoch));
        assert_eq!(saved.flows, flows.into_values().collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(saved.files, files.into_values().collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(saved.cursors, cursors.into_values().collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(saved.ledger, ledger, "seed {seed}");
    }
}

#[test]
fn a_transaction_that_cannot_be_written_whole_changes_nothing() {
    let (_base, dir) = state_dir();
    let mut database = Database::open(&dir).unwrap();
    let run = RunId(1);
    let mut disorder = cursor_row("web", file_id(run, 1), 100);
    disorder.ranges = vec![Span::new(50, 60)];
    let puts = vec![Put::Flow(flow_row("web")), Put::Cursor(disorder)];
    let error = database.save(&Transaction { puts, sync: true }).unwrap_err();
    assert!(error.to_string().contains("disorder"), "{error}");
    assert_eq!(database.load().unwrap().flows, []);
    save(&mut database, vec![Put::Flow(flow_row("web"))]);
}

#[test]
fn what_is_forgotten_is_gone_with_what_hangs_on_it() {
    let (_base, dir) = state_dir();
    let mut database = Database::open(&dir).unwrap();
    let run = RunId(1);
    let (one, two) = (file_id(run, 1), file_id(run, 2));
    let epoch = |number| Epoch { run, number };
    let forget = |number| Put::ForgetCursor { flow: "web".into(), file: two, epoch: epoch(number) };
    let mut puts = vec![Put::Loss(loss(one, 0, 5))];
    for file in [one, two] {
        puts.push(Put::File(file_row(file)));
        for flow in ["app", "web"] {
            puts.extend([Put::Flow(flow_row(flow)), Put::Cursor(cursor_row(flow, file, 7))]);
        }
    }
    save(&mut database, puts);
    save(&mut database, vec![Put::ForgetFile(one)]);
    let saved = database.load().unwrap();
    assert_eq!(saved.files, [file_row(two)]);
    assert_eq!(saved.cursors, [cursor_row("app", two, 7), cursor_row("web", two, 7)]);
    assert_eq!(saved.ledger, [loss(one, 0, 5)], "the ledger stays");

    save(&mut database, vec![Put::ForgetFlow("app".into())]);
    let saved = database.load().unwrap();
    assert_eq!((saved.flows, saved.cursors), (vec![flow_row("web")], vec![cursor_row("web", two, 7)]));
    let later = CursorRow { epoch: epoch(1), ..cursor_row("web", two, 9) };
    save(&mut database, vec![Put::Cursor(later.clone())]);
    assert_eq!(database.load().unwrap().cursors, [cursor_row("web", two, 7), later]);
    save(&mut database, vec![forget(1), forget(0), Put::ClearLedger]);
    let saved = database.load().unwrap();
    assert_eq!((saved.cursors, saved.ledger), (vec![], vec![]));
}

#[test]
fn a_renamed_flow_keeps_its_offsets_and_losses() {
    let (_base, dir) = state_dir();
    let mut database = Database::open(&dir).unwrap();
    let run = RunId(1);
    let (one, two) = (file_id(run, 1), file_id(run, 2));
    save(
        &mut database,
        vec![
            Put::Flow(flow_row("web")),
            Put::Cursor(cursor_row("web", one, 1_000)),
            Put::Loss(loss(one, 0, 5)),
            Put::Flow(flow_row("new")),
            Put::Cursor(cursor_row("new", one, 3)),
            Put::Cursor(cursor_row("new", two, 4)),
        ],
    );
    save(&mut database, vec![Put::RenameFlow { from: "web".into(), to: "new".into() }]);
    let saved = database.load().unwrap();
    assert_eq!(saved.flows, [flow_row("new")]);
    assert_eq!(saved.cursors, [cursor_row("new", one, 1_000), cursor_row("new", two, 4)]);
    assert_eq!(saved.ledger[0].flow, "new");
    save(&mut database, vec![Put::RenameFlow { from: "new".into(), to: "new".into() }]);
    assert_eq!(database.load().unwrap().cursors.len(), 2);
}

#[test]
fn losses_that_touch_become_one() {
    let (_base, dir) = state_dir();
    let mut database = Database::open(&dir).unwrap();
    let file = file_id(RunId(1), 1);
    let spans = [(0, 10), (50, 60), (90, 100), (10, 20), (55, 70), (15, 16), (69, 90)];
    save(&mut database, spans.iter().map(|&(start, end)| Put::Loss(loss(file, start, end))).collect());
    let others = [
        LedgerRow { reason: Reason::Truncated, ..loss(file, 20, 30) },
        LedgerRow { flow: "app".into(), ..loss(file, 20, 30) },
        LedgerRow { epoch: Epoch { run: RunId(1), number: 1 }, ..loss(file, 20, 30) },
        loss(file_id(RunId(1), 2), 20, 30),
    ];
    save(&mut database, others.iter().cloned().map(Put::Loss).collect());
    save(&mut database, vec![Put::Loss(loss(file, 40, 40))]);
    let ledger = database.load().unwrap().ledger;
    let spans: Vec<_> = ledger.iter().map(|row| (row.span.start, row.span.end)).collect();
    assert_eq!(spans, [(0, 20), (50, 100), (20, 30), (20, 30), (20, 30), (20, 30)]);
    assert_eq!(ledger[2..], others);
}

#[test]
fn a_random_ledger_holds_the_union_of_what_was_put() {
    for seed in 0..20 {
        let random = &mut Rng::with_seed(seed);
        let (_base, dir) = state_dir();
        let mut database = Database::open(&dir).unwrap();
        let mut lost = [false; 400];
        let spans: Vec<_> = std::iter::repeat_with(|| {
            let start = random.u64(..380);
            (start, start + 1 + random.u64(..12))
        })
        .take(60)
        .collect();
        for &(start, end) in &spans {
            lost[start as usize..end as usize].fill(true);
        }
        let puts = spans.iter().map(|&(start, end)| Put::Loss(loss(file_id(RunId(1), 1), start, end)));
        save(&mut database, puts.collect());
        let mut ledger: Vec<_> = database.load().unwrap().ledger.iter().map(|row| row.span).collect();
        ledger.sort_unstable();
        assert!(ledger.windows(2).all(|pair| pair[0].end < pair[1].start), "seed {seed}: {ledger:?}");
        let listed: Vec<_> = (0..400).map(|at| ledger.iter().any(|s| s.start <= at && at < s.end)).collect();
        assert_eq!(listed, lost, "seed {seed}");
    }
}

fn counts(dir: &Path) -> Vec<LedgerCount> {
    View::read(dir).unwrap().unwrap().ledger_counts
}

#[test]
fn over_ten_thousand_losses_the_oldest_are_only_counted() {
    let (_base, dir) = state_dir();
    let mut database = Database::open(&dir).unwrap();
    let file = file_id(RunId(1), 1);
    let losses = |range: std::ops::Range<u64>| {
        range.map(|number| Put::Loss(loss(file, number * 10, number * 10 + 3))).collect()
    };
    save(&mut database, losses(0..ledger::MOST));
    assert_eq!(counts(&dir), []);
    save(&mut database, losses(ledger::MOST..ledger::MOST + 5));
    save(&mut database, losses(ledger::MOST + 5..ledger::MOST + 7));
    let count = LedgerCount {
        flow: "web".into(),
        reason: Reason::Oversize,
        ranges: 7,
        bytes: 21,
        first: 0,
        last: 60,
    };
    assert_eq!(counts(&dir), [count]);
    let ledger = database.load().unwrap().ledger;
    assert_eq!((ledger.len() as u64, ledger[0].span.start), (ledger::MOST, 70));

    save(&mut database, vec![Put::RenameFlow { from: "web".into(), to: "new".into() }]);
    assert_eq!(counts(&dir)[0].flow, "new");
    save(&mut database, vec![Put::ClearLedger]);
    assert_eq!(counts(&dir), []);
}
