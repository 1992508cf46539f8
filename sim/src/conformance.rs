//! What every io must do alike, the virtual and the real one: checks over the actions of the engine's contract.

mod compressed;

use kintail_engine::discover::{Globs, Wanted};
use kintail_engine::event::{Chunk, Codec, Deleted, Do, FileError, Kind, Meta, Outcome};
use kintail_engine::ids::{CursorId, Epoch, FileId, FlowId, HandleId, RunId, Span};
use kintail_engine::settings::{Agent, Destination, Flow, Settings};
use kintail_engine::state::{
    Check, CursorRow, FileRow, Fingerprint, FlowRow, LedgerRow, Put, Reason, Saved, Transaction,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An io under test, with the disk that it sees.
pub trait Io {
    /// Does what the engine would ask for, and waits for how it went.
    fn perform(&mut self, what: Do) -> Outcome;

    /// An empty directory of its own.
    fn root(&self) -> PathBuf;

    /// Creates a file, or replaces its content from offset 0 after cutting it to nothing.
    fn write(&mut self, path: &Path, bytes: &[u8]);

    /// Creates a compressed file of this text, or replaces its content; `cut` bytes are missing at its end.
    fn compress(&mut self, path: &Path, codec: Codec, plain: &[u8], cut: usize);

    /// Adds to a file's end.
    fn append(&mut self, path: &Path, bytes: &[u8]);

    /// Renames a file.
    fn rename(&mut self, from: &Path, to: &Path);

    /// Removes a file.
    fn remove(&mut self, path: &Path);

    /// The agent ends without a word, and another one starts over the same store.
    fn restart(&mut self);
}

/// A check, and the sentence that it proves.
pub type CheckOf<I> = (&'static str, fn(&mut I));

/// All checks. Each wants an io of its own.
pub fn checks<I: Io>() -> Vec<CheckOf<I>> {
    let mut checks: Vec<CheckOf<I>> = vec![
        ("a read brings fewer bytes only at the end of the file", short_reads_are_at_the_end),
        ("a handle follows its file through a rename", a_handle_follows_a_rename),
        ("a handle outlives the last name", a_handle_outlives_the_name),
        ("a truncation shows in the size and keeps the identity", a_truncation_shows),
        ("what is not there is not found, and nothing else is said of it", missing_is_not_found),
        ("a listing has the entries that are wanted", listings_are_filtered),
        ("a look tells directories from files", looks_tell_kinds),
        ("two files have two identities", identities_differ),
        ("rows come back from the store as they were saved", rows_come_back),
        ("synced rows survive the agent", synced_rows_survive),
    ];
    checks.extend(compressed::checks());
    checks
}

fn cursor() -> CursorId {
    let run = RunId(1);
    CursorId { flow: FlowId(0), file: FileId { run, number: 1 }, epoch: Epoch { run, number: 0 } }
}

fn open(io: &mut impl Io, handle: u64, path: &Path) -> Meta {
    open_as(io, handle, path, None)
}

fn open_as(io: &mut impl Io, handle: u64, path: &Path, codec: Option<Codec>) -> Meta {
    match io.perform(Do::Open { handle: HandleId(handle), path: path.into(), codec }) {
        Outcome::Opened(Ok(meta)) => meta,
        other => panic!("{} was not opened: {other:?}", path.display()),
    }
}

fn read(io: &mut impl Io, handle: u64, offset: u64, len: usize) -> Chunk {
    match io.perform(Do::Read { handle: HandleId(handle), cursor: Some(cursor()), offset, len }) {
        Outcome::Read(Ok(chunk)) => chunk,
        other => panic!("handle {handle} was not read: {other:?}"),
    }
}

fn look(io: &mut impl Io, path: &Path) -> Result<Meta, FileError> {
    match io.perform(Do::Look { path: path.into() }) {
        Outcome::Looked(result) => result,
        other => panic!("an answer of another kind: {other:?}"),
    }
}

fn short_reads_are_at_the_end<I: Io>(io: &mut I) {
    let path = io.root().join("a.log");
    io.write(&path, &vec![7; 100_000]);
    assert_eq!(open(io, 1, &path).size, 100_000);
    let chunk = read(io, 1, 10, 99_000);
    assert_eq!((chunk.bytes.len(), chunk.meta.size), (99_000, 100_000));
    assert_eq!(read(io, 1, 99_990, 100).bytes.len(), 10);
    assert!(read(io, 1, 100_000, 100).bytes.is_empty());
    assert!(read(io, 1, 200_000, 100).bytes.is_empty());
    io.append(&path, b"more");
    let chunk = read(io, 1, 100_000, 100);
    assert_eq!((&chunk.bytes[..], chunk.meta.size), (&b"more"[..], 100_004));
}

fn a_handle_follows_a_rename<I: Io>(io: &mut I) {
    let (path, away) = (io.root().join("a.log"), io.root().join("a.log.1"));
    io.write(&path, b"one\n");
    let meta = open(io, 1, &path);
    io.rename(&path, &away);
    io.append(&away, b"two\n");
    let chunk = read(io, 1, 0, 100);
    assert_eq!(&chunk.bytes[..], b"one\ntwo\n");
    assert_eq!(chunk.meta.identity, meta.identity);
    assert_eq!(look(io, &path), Err(FileError::NotFound));
    assert_eq!(look(io, &away).map(|meta| meta.identity), Ok(meta.identity));
}

fn a_handle_outlives_the_name<I: Io>(io: &mut I) {
    let path = io.root().join("a.log");
    io.write(&path, b"one\n");
    assert_eq!(open(io, 1, &path).links, 1);
    io.remove(&path);
    let chunk = read(io, 1, 0, 100);
    assert_eq!((&chunk.bytes[..], chunk.meta.links), (&b"one\n"[..], 0));
    match io.perform(Do::LookDeleted { handle: HandleId(1) }) {
        Outcome::LookedDeleted(Ok(Deleted { links: 0, free, total })) => assert!(0 < free && free <= total),
        other => panic!("{other:?}"),
    }
    assert!(matches!(io.perform(Do::Close { handle: HandleId(1) }), Outcome::Closed));
}

fn a_truncation_shows<I: Io>(io: &mut I) {
    let path = io.root().join("a.log");
    io.write(&path, b"one\ntwo\n");
    let before = open(io, 1, &path);
    io.write(&path, b"3\n");
    let chunk = read(io, 1, 0, 100);
    assert_eq!(&chunk.bytes[..], b"3\n");
    assert_eq!((chunk.meta.identity, chunk.meta.size), (before.identity, 2));
}

fn missing_is_not_found<I: Io>(io: &mut I) {
    let path = io.root().join("none/a.log");
    assert_eq!(look(io, &path), Err(FileError::NotFound));
    let opened = io.perform(Do::Open { handle: HandleId(1), path: path.clone(), codec: None });
    assert!(matches!(opened, Outcome::Opened(Err(FileError::NotFound))), "{opened:?}");
    let dir = io.root().join("none");
    let wanted = wanted(&dir);
    let listed = io.perform(Do::List { dir, wanted });
    assert!(matches!(listed, Outcome::Listed(Err(FileError::NotFound))), "{listed:?}");
}

fn wanted(dir: &Path) -> Arc<Wanted> {
    let files = vec![dir.join("*.log").display().to_string()];
    let settings =
        Settings { agent: Agent::new("host"), flows: vec![Flow::new("flow", files, Destination::Stdout)] };
    let globs = Arc::new(Globs::new(&settings.agent, &settings.flows).expect("a plain pattern"));
    let standings: Vec<_> = globs.bases().into_iter().map(|(_, standing)| standing).collect();
    globs.wanted(&standings, BTreeSet::new())
}

fn listings_are_filtered<I: Io>(io: &mut I) {
    let dir = io.root();
    io.write(&dir.join("a.log"), b"");
    io.write(&dir.join("b.txt"), b"");
    let wanted = wanted(&dir);
    let listing = match io.perform(Do::List { dir: dir.clone(), wanted }) {
        Outcome::Listed(Ok(listing)) => listing,
        other => panic!("nothing was listed: {other:?}"),
    };
    let names: Vec<_> = listing.entries.iter().map(|entry| (entry.name.to_str(), entry.kind)).collect();
    assert_eq!(names, [(Some("a.log"), Kind::File)]);
    let ino = look(io, &dir.join("a.log")).map(|meta| meta.identity.ino);
    assert_eq!(ino, Ok(listing.entries[0].ino));
}

fn looks_tell_kinds<I: Io>(io: &mut I) {
    let path = io.root().join("a.log");
    io.write(&path, b"12345");
    assert_eq!(look(io, &path).map(|meta| (meta.kind, meta.size)), Ok((Kind::File, 5)));
    assert_eq!(look(io, &io.root()).map(|meta| meta.kind), Ok(Kind::Dir));
}

fn identities_differ<I: Io>(io: &mut I) {
    let (one, two) = (io.root().join("1.log"), io.root().join("2.log"));
    io.write(&one, b"same\n");
    io.write(&two, b"same\n");
    let (one, two) = (open(io, 1, &one), open(io, 2, &two));
    assert_ne!(one.identity, two.identity);
    assert_eq!(one.size, two.size);
}

/// A row of each kind.
fn rows() -> Saved {
    let run = RunId(1);
    let (file, epoch) = (FileId { run, number: 1 }, Epoch { run, number: 0 });
    let head = Fingerprint { len: 4, hash: u64::MAX };
    let path = PathBuf::from("/log/a.log");
    Saved {
        boot_id: String::new(),
        flows: vec![FlowRow {
            name: "flow".into(),
            files: vec!["/log/*.log".into()],
            last_look: 3,
            possible_losses: 2,
        }],
        files: vec![FileRow {
            id: file,
            first_path: path.clone(),
            path: path.with_extension("1"),
            identity: kintail_engine::state::Identity { dev: u64::MAX, ino: 2, btime: -3 },
            head,
            epoch,
            last_seen: 4,
            finished: true,
        }],
        cursors: vec![CursorRow {
            flow: "flow".into(),
            file,
            epoch,
            prefix: 10,
            ranges: vec![Span::new(12, 20), Span::new(30, 40)],
            check: Check { at: 10, print: head },
            seen: 50,
        }],
        ledger: vec![LedgerRow {
            flow: "flow".into(),
            file,
            epoch,
            path,
            span: Span::new(2, 5),
            reason: Reason::Oversize,
            time: 9,
        }],
    }
}

fn load(io: &mut impl Io) -> Saved {
    match io.perform(Do::Load) {
        Outcome::Loaded(saved) => *saved,
        other => panic!("nothing was loaded: {other:?}"),
    }
}

fn save(io: &mut impl Io, rows: &Saved) {
    let flows = rows.flows.iter().cloned().map(Put::Flow);
    let files = rows.files.iter().cloned().map(Put::File);
    let cursors = rows.cursors.iter().cloned().map(Put::Cursor);
    let ledger = rows.ledger.iter().cloned().map(Put::Loss);
    let puts = flows.chain(files).chain(cursors).chain(ledger).collect();
    let saved = io.perform(Do::Save(Transaction { puts, sync: true }));
    assert!(matches!(saved, Outcome::Saved(Ok(()))), "{saved:?}");
}

fn same_rows(found: &Saved, wanted: &Saved) {
    assert_eq!(found.flows, wanted.flows);
    assert_eq!(found.files, wanted.files);
    assert_eq!(found.cursors, wanted.cursors);
    assert_eq!(found.ledger, wanted.ledger);
}

fn rows_come_back<I: Io>(io: &mut I) {
    let empty = load(io);
    assert!(empty.flows.is_empty() && empty.files.is_empty() && empty.cursors.is_empty());
    let mut rows = rows();
    save(io, &rows);
    same_rows(&load(io), &rows);
    rows.cursors[0].prefix = 20;
    rows.cursors[0].ranges.remove(0);
    save(io, &Saved { cursors: rows.cursors.clone(), ..Saved::default() });
    same_rows(&load(io), &rows);
}

fn synced_rows_survive<I: Io>(io: &mut I) {
    save(io, &rows());
    io.restart();
    same_rows(&load(io), &rows());
}
