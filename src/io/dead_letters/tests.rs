//! Letters go in, come out, and survive torn lines and hostile names.

use super::*;
use bytes::Bytes;
use kintail_engine::ids::{CursorId, FlowId, RunId};
use std::os::unix::fs::PermissionsExt;

fn letter(number: u64, data: &[u8]) -> Letter {
    let run = RunId(u64::MAX);
    Letter {
        cursor: CursorId { flow: FlowId(0), file: FileId { run, number }, epoch: Epoch { run, number: 3 } },
        path: "/var/log/a.log".into(),
        span: Span::new(10, 20),
        code: "ValidationException".into(),
        message: "too\nlong".into(),
        data: Bytes::copy_from_slice(data),
    }
}

fn all(state_dir: &Path) -> Vec<(PathBuf, edit::Found)> {
    let files = files_of(state_dir, None).unwrap().into_iter();
    files.flat_map(|path| letters(&path).unwrap().map(move |found| (path.clone(), found.unwrap()))).collect()
}

fn data(state_dir: &Path) -> Vec<Vec<u8>> {
    all(state_dir).into_iter().map(|(_, found)| found.letter.unwrap().data).collect()
}

#[test]
fn letters_are_lines_of_json_for_their_owner_alone() {
    let state = tempfile::tempdir().unwrap();
    let letters = DeadLetters::new(state.path(), 1 << 20);
    letters.append("web", &[letter(1, b"one\xff\n"), letter(2, b"")], Timestamp::UNIX_EPOCH).unwrap();
    let dir = state.path().join("dead-letters");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&dir.join("web.jsonl"))), (0o700, 0o600));
    let text = fs::read_to_string(dir.join("web.jsonl")).unwrap();
    let expected = r#"{"flow":"web","file":"ffffffffffffffff-1","epoch":"ffffffffffffffff.3","path":"/var/log/a.log","span":{"start":10,"end":20},"time":"1970-01-01T00:00:00Z","code":"ValidationException","message":"too\nlong","data":"b25l/wo="}"#;
    assert_eq!(text.lines().next(), Some(expected));
    assert_eq!(data(state.path()), [b"one\xff\n".to_vec(), Vec::new()]);
}

#[test]
fn a_torn_last_line_is_cut_off_before_the_next_letter() {
    let state = tempfile::tempdir().unwrap();
    let letters = DeadLetters::new(state.path(), 1 << 20);
    letters.append("web", &[letter(1, b"one")], Timestamp::now()).unwrap();
    let path = state.path().join("dead-letters/web.jsonl");
    for torn in [b"{\"flow\":\"we".to_vec(), vec![b'x'; 200_000]] {
        OpenOptions::new().append(true).open(&path).unwrap().write_all(&torn).unwrap();
        assert_eq!(data(state.path()).len(), 1, "nor is it read");
        letters.append("web", &[letter(2, b"two")], Timestamp::now()).unwrap();
        let found = data(state.path());
        assert_eq!(found, [b"one", b"two"]);
        let places: Vec<_> = all(state.path()).iter().map(|(_, found)| found.at.clone()).collect();
        Editor::open(state.path()).unwrap().unwrap().remove(&path, &places[1..]).unwrap();
    }
    fs::write(&path, "all of it torn").unwrap();
    letters.append("web", &[letter(3, b"three")], Timestamp::now()).unwrap();
    assert_eq!(data(state.path()), [b"three"]);
}

#[test]
fn over_their_most_all_letters_of_a_call_are_refused() {
    let state = tempfile::tempdir().unwrap();
    let letters = DeadLetters::new(state.path(), 800);
    letters.append("web", &[letter(1, &[0; 200])], Timestamp::now()).unwrap();
    let refused = letters.append("app", &[letter(2, b""), letter(3, &[0; 200])], Timestamp::now());
    let Err(FileError::NoSpace(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("dead_letter_max"), "{why}");
    assert_eq!(data(state.path()).len(), 1);
    letters.append("app", &[letter(2, b"")], Timestamp::now()).unwrap();
}

#[test]
fn only_what_is_named_is_taken_out_and_an_empty_file_goes() {
    let state = tempfile::tempdir().unwrap();
    let letters = DeadLetters::new(state.path(), 1 << 20);
    let five = (0..5).map(|number| letter(number, &[number as u8]));
    letters.append("web", &five.collect::<Vec<_>>(), Timestamp::now()).unwrap();
    let (path, places): (Vec<_>, Vec<_>) =
        all(state.path()).into_iter().map(|(path, found)| (path, found.at)).unzip();
    let editor = Editor::open(state.path()).unwrap().unwrap();
    // What comes meanwhile stays.
    letters.append("web", &[letter(5, &[5])], Timestamp::now()).unwrap();
    editor.remove(&path[0], &[places[0].clone(), places[2].clone(), places[3].clone()]).unwrap();
    assert_eq!(data(state.path()), [[1], [4], [5]]);
    let places: Vec<_> = all(state.path()).into_iter().map(|(_, found)| found.at).collect();
    editor.remove(&path[0], &places).unwrap();
    assert_eq!(files_of(state.path(), None).unwrap(), [] as [PathBuf; 0]);
    letters.append("web", &[letter(6, &[6])], Timestamp::now()).unwrap();
    assert_eq!(data(state.path()), [[6]]);
}

#[test]
fn one_editor_at_a_time() {
    let state = tempfile::tempdir().unwrap();
    assert!(Editor::open(state.path()).unwrap().is_none(), "where there never was a letter");
    DeadLetters::new(state.path(), 1 << 20).append("web", &[letter(1, b"")], Timestamp::now()).unwrap();
    let first = Editor::open(state.path()).unwrap().unwrap();
    assert!(matches!(Editor::open(state.path()), Err(EditError::Busy)));
    drop(first);
    Editor::open(state.path()).unwrap().unwrap();
}

#[test]
fn a_line_that_is_no_letter_is_shown_as_such_and_kept() {
    let state = tempfile::tempdir().unwrap();
    let letters = DeadLetters::new(state.path(), 1 << 20);
    letters.append("web", &[letter(1, b"one")], Timestamp::now()).unwrap();
    let path = state.path().join("dead-letters/web.jsonl");
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"edited by hand\n").unwrap();
    letters.append("web", &[letter(2, b"two")], Timestamp::now()).unwrap();
    let found: Vec<_> = all(state.path()).into_iter().map(|(_, found)| found.letter.is_some()).collect();
    assert_eq!(found, [true, false, true]);
}

#[test]
fn a_flow_name_never_leaves_the_directory() {
    assert_eq!(file_name("web-1_a.b"), "web-1_a.b.jsonl");
    assert_eq!(file_name("../a/b"), "%2E.%2Fa%2Fb.jsonl");
    assert_eq!(file_name("ö%\0"), "%C3%B6%25%00.jsonl");
    assert_eq!(file_name(""), ".jsonl");
    let (one, other) = ("x".repeat(300) + "1", "x".repeat(300) + "2");
    assert_ne!(file_name(&one), file_name(&other));
    assert!(file_name(&one).len() < 255);
}
