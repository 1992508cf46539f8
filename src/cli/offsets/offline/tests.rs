//! Offsets changed without an agent: what is checked, lost and refused.

use super::*;
use kintail_engine::ids::{Epoch, FileId, RunId};
use kintail_engine::state::FlowRow;
use std::path::PathBuf;
use tempfile::TempDir;

const RUN: RunId = RunId(7);

/// A file of 3,000 bytes that the flow `web` has read up to 1,000, and 1,200 to 1,300.
struct Read {
    _dir: TempDir,
    path: PathBuf,
    saved: Saved,
}

fn content() -> Vec<u8> {
    (0..3_000_u32).map(|number| (number * 7 % 251) as u8).collect()
}

fn read_file() -> Read {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    std::fs::write(&path, content()).unwrap();
    let id = FileId { run: RUN, number: 1 };
    let epoch = Epoch { run: RUN, number: 0 };
    let mut saved = Saved::default();
    saved.flows.push(FlowRow { name: "web".into(), files: vec![], last_look: 0, possible_losses: 0 });
    saved.files.push(FileRow {
        id,
        first_path: path.clone(),
        path: path.clone(),
        identity: look(&path, Symlinks::All).unwrap().identity,
        head: fingerprint(&content()[..WINDOW]),
        epoch,
        last_seen: 0,
        finished: true,
    });
    saved.cursors.push(CursorRow {
        flow: "web".into(),
        file: id,
        epoch,
        prefix: 1_000,
        ranges: vec![Span::new(1_200, 1_300)],
        check: check(1_000, &content()[..1_000]),
        seen: 3_000,
    });
    Read { _dir: dir, path, saved }
}

fn cursor(puts: &[Put]) -> &CursorRow {
    puts.iter().find_map(|put| if let Put::Cursor(row) = put { Some(row) } else { None }).unwrap()
}

fn losses(puts: &[Put]) -> Vec<(u64, u64)> {
    let span = |put: &Put| match put {
        Put::Loss(row) => {
            assert_eq!(row.reason, Reason::OffsetSet);
            Some((row.span.start, row.span.end))
        }
        _ => None,
    };
    puts.iter().filter_map(span).collect()
}

#[test]
fn an_offset_set_back_is_checked_by_the_bytes_before_it() {
    let read = read_file();
    for offset in [0, 1, 500, 1_000] {
        let puts = set(&read.saved, "web", &read.path, offset).unwrap();
        let row = cursor(&puts);
        assert_eq!((row.prefix, row.ranges.len()), (offset, 0));
        assert_eq!(row.check, check(offset, &content()[..offset as usize]));
        assert_eq!(losses(&puts), [], "nothing is passed over");
        let file = FileRow { finished: false, ..read.saved.files[0].clone() };
        assert!(puts.contains(&Put::File(file)), "it is to be read on");
    }
}

#[test]
fn what_an_offset_passes_over_is_on_the_ledger_unless_it_was_acknowledged() {
    let read = read_file();
    let cases: [(u64, &[(u64, u64)]); 4] = [
        (1_100, &[(1_000, 1_100)]),
        (1_250, &[(1_000, 1_200)]),
        (1_300, &[(1_000, 1_200)]),
        (3_000, &[(1_000, 1_200), (1_300, 3_000)]),
    ];
    for (offset, expected) in cases {
        let puts = set(&read.saved, "web", &read.path, offset).unwrap();
        assert_eq!(losses(&puts), expected, "{offset}");
        assert_eq!(cursor(&puts).check, check(offset, &content()[..offset as usize]));
    }
}

#[test]
fn what_cannot_be_set_is_refused_in_words() {
    let read = read_file();
    let refused =
        |flow: &str, path: &Path, offset| set(&read.saved, flow, path, offset).unwrap_err().to_string();
    assert!(refused("web", &read.path, 3_001).contains("only 3000 bytes"));
    assert!(refused("app", &read.path, 1).contains("there is: web"));
    let other = read.path.with_extension("other");
    assert!(refused("web", &other, 1).contains("not found"));
    std::fs::write(&other, content()).unwrap();
    assert!(refused("web", &other, 1).contains("no flow has read it"));
    std::fs::write(&read.path, vec![b'x'; 3_000]).unwrap();
    assert!(refused("web", &read.path, 1).contains("not what was read"));
}

#[test]
fn a_file_is_known_under_any_name() {
    let read = read_file();
    let link = read.path.with_extension("link");
    std::os::unix::fs::symlink(&read.path, &link).unwrap();
    assert_eq!(cursor(&set(&read.saved, "web", &link, 5).unwrap()).file, read.saved.files[0].id);
    let renamed = read.path.with_extension("1");
    std::fs::rename(&read.path, &renamed).unwrap();
    assert_eq!(cursor(&set(&read.saved, "web", &renamed, 5).unwrap()).file, read.saved.files[0].id);
}

#[test]
fn a_reset_starts_over() {
    let read = read_file();
    for path in [None, Some(read.path.as_path())] {
        let puts = reset(&read.saved, "web", path).unwrap();
        let row = cursor(&puts);
        assert_eq!((row.prefix, row.ranges.len(), row.check), (0, 0, Check::default()));
        assert_eq!(losses(&puts), []);
    }
    reset(&read.saved, "app", None).unwrap_err();
}

#[test]
fn positions_tell_the_size_of_what_is_still_there() {
    let read = read_file();
    let position = positions(&read.saved).pop().unwrap();
    assert_eq!((position.offset, position.ahead, position.size), (1_000, 100, Some(3_000)));
    std::fs::remove_file(&read.path).unwrap();
    std::fs::write(&read.path, "another").unwrap();
    assert_eq!(positions(&read.saved)[0].size, None);
}
