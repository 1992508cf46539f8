//! Compressed files, told step by step: which are read, from where on, and when.

use super::found::{lines, rename};
use super::story::{SECONDS, Story, write};
use kintail_engine::event::{Codec, Do, Outcome};
use kintail_engine::ids::Span;
use kintail_engine::settings::{Flow, StartAt};
use kintail_engine::state::Reason;
use std::path::{Path, PathBuf};
use std::time::Duration;

const A: &str = "/log/a.log";
const FIRST: &str = "/log/a.log.1";

fn narrow(flow: &mut Flow) {
    flow.files = vec![A.into()];
}

fn wide(flow: &mut Flow) {
    flow.files = vec!["/log/a.log*".into()];
}

fn append(story: &mut Story, path: &str, text: &str) {
    write(&mut story.disk, path, text);
    // A whole second would not tell.
    let wall = story.clock().wall + 1;
    let node = story.disk.find(Path::new(path)).unwrap();
    story.disk.touch(node, wall);
    story.notice(path);
    story.notice_entries("/log");
}

/// Begins to compress a file; what it becomes, and what it is made of.
fn begin(story: &mut Story, path: &str) -> (usize, usize) {
    let from = story.disk.find(Path::new(path)).unwrap();
    let to = PathBuf::from(format!("{path}.gz"));
    let wall = story.clock().wall;
    let node = story.disk.begin_compressed(from, &to, Codec::Gzip, wall, 1);
    story.notice_entries("/log");
    (node, from)
}

/// Compresses a file, which stays.
fn compress_beside(story: &mut Story, path: &str) {
    let (node, from) = begin(story, path);
    let (content, wall) = (story.disk.nodes[from].content, story.clock().wall);
    story.disk.end_compressed(node, from, content, wall);
    story.notice_entries("/log");
}

/// Compresses a file, which goes.
fn compress(story: &mut Story, path: &str) {
    compress_beside(story, path);
    let wall = story.clock().wall;
    story.disk.unlink(Path::new(path), wall);
    story.notice_entries("/log");
}

/// What is not read, with the reason.
fn unread(story: &Story) -> Vec<(String, String)> {
    let flow = story.engine.status(story.clock()).flows.remove(0);
    flow.unread.into_iter().map(|name| (name.path.display().to_string(), name.why)).collect()
}

#[test]
fn the_copy_of_a_shipped_file_is_not_read_again() {
    for change in [narrow, wide] {
        let mut story = Story::new(&[], change);
        append(&mut story, A, &lines("one", 100));
        story.pass_undisturbed(SECONDS);
        rename(&mut story, A, FIRST);
        story.pass_undisturbed(Duration::from_millis(1));
        compress(&mut story, FIRST);
        story.pass_undisturbed(SECONDS);
        story.restart();
        story.pass_undisturbed(SECONDS);
        assert_eq!(story.got, lines("one", 100));
    }
}

#[test]
fn of_the_copy_of_a_known_file_only_the_unread_rest_is_read() {
    for change in [narrow, wide] {
        let mut story = Story::new(&[], change);
        append(&mut story, A, &lines("one", 1000));
        story.pass_undisturbed(SECONDS);
        story.restart_after(SECONDS);
        append(&mut story, A, &lines("two", 1000));
        rename(&mut story, A, FIRST);
        compress(&mut story, FIRST);
        append(&mut story, A, "three\n");
        story.pass_undisturbed(2 * SECONDS);
        let rest = story.got.replace(&lines("one", 1000), "").replace("three\n", "");
        assert_eq!(rest, lines("two", 1000));
        assert_eq!(story.got.len(), 8000 + 6);
        assert_eq!(story.saved().ledger, []);
        story.restart();
        story.pass_undisturbed(SECONDS);
        assert_eq!(story.got.len(), 8000 + 6, "and nothing twice");
    }
}

#[test]
fn generations_that_nobody_has_seen_are_read_whole_though_they_begin_alike() {
    for change in [narrow, wide] {
        let mut story = Story::new(&[], change);
        let banner = lines("the same beginning of all", 100);
        append(&mut story, A, &banner);
        append(&mut story, A, "seen\n");
        story.pass_undisturbed(SECONDS);
        story.restart_after(SECONDS);
        let mut all = banner.clone() + "seen\n";
        for (number, word) in [(3, "first"), (2, "second"), (1, "third")] {
            rename(&mut story, A, &format!("/log/a.log.{number}"));
            compress(&mut story, &format!("/log/a.log.{number}"));
            append(&mut story, A, &banner);
            append(&mut story, A, &format!("{word}\n"));
            all += &[&banner, word, "\n"].concat();
        }
        story.pass_undisturbed(4 * SECONDS);
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort_unstable();
            lines
        };
        assert_eq!(sorted(&story.got), sorted(&all));
        assert_eq!(story.saved().ledger, []);
    }
}

#[test]
fn none_is_read_before_it_is_whole() {
    let mut story = Story::new(&[], narrow);
    append(&mut story, A, "seen\n");
    story.pass_undisturbed(SECONDS);
    story.restart_after(SECONDS);
    rename(&mut story, A, "/log/elsewhere");
    append(&mut story, A, &lines("unseen", 100));
    rename(&mut story, A, FIRST);
    let (node, from) = begin(&mut story, FIRST);
    let wall = story.clock().wall;
    story.disk.unlink(Path::new(FIRST), wall);
    story.pass_undisturbed(Duration::from_secs(8));
    assert_eq!(story.got, "seen\n");
    let content = story.disk.nodes[from].content;
    let wall = story.clock().wall;
    story.disk.end_compressed(node, from, content, wall);
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "seen\n".to_owned() + &lines("unseen", 100));
}

#[test]
fn what_is_missing_at_the_end_of_one_is_on_the_ledger() {
    let mut story = Story::new(&[], narrow);
    append(&mut story, A, "seen\n");
    story.pass_undisturbed(SECONDS);
    story.restart_after(SECONDS);
    rename(&mut story, A, "/log/elsewhere");
    append(&mut story, A, &lines("unseen", 100));
    rename(&mut story, A, FIRST);
    begin(&mut story, FIRST);
    let wall = story.clock().wall;
    story.disk.unlink(Path::new(FIRST), wall);
    story.pass_undisturbed(2 * SECONDS);
    assert_eq!(story.got, "seen\n".to_owned() + &lines("unseen", 50));
    let ledger = story.saved().ledger;
    let damaged: Vec<_> = ledger.iter().filter(|row| row.reason == Reason::Damaged).collect();
    assert_eq!(damaged.len(), 1, "{ledger:?}");
    assert_eq!(
        (damaged[0].span, damaged[0].path.as_path()),
        (Span::new(350, 351), Path::new("/log/a.log.1.gz"))
    );
}

#[test]
fn one_waits_for_what_it_is_made_of_to_go() {
    let mut story = Story::new(&[], wide);
    append(&mut story, A, &lines("one", 100));
    story.pass_undisturbed(SECONDS);
    rename(&mut story, A, FIRST);
    compress_beside(&mut story, FIRST);
    story.pass_undisturbed(SECONDS);
    let told = "held back: what it is made of is there";
    assert_eq!(unread(&story), [("/log/a.log.1.gz".into(), told.into())]);
    assert_eq!(story.got, lines("one", 100));
}

#[test]
fn one_of_a_live_file_waits_for_that_to_go() {
    let mut story = Story::new(&[], wide);
    append(&mut story, A, &lines("one", 100));
    story.pass_undisturbed(Duration::from_secs(2));
    compress_beside(&mut story, A);
    story.pass_undisturbed(SECONDS);
    let told = "held back: it is a compressed copy of /log/a.log";
    assert_eq!(unread(&story), [("/log/a.log.gz".into(), told.into())]);
    assert_eq!(story.got, lines("one", 100));
}

#[test]
fn what_goes_on_in_a_file_after_it_was_compressed_is_read_and_the_copy_is_not() {
    let mut story = Story::new(&[], wide);
    append(&mut story, A, &lines("one", 1000));
    story.pass_undisturbed(SECONDS);
    rename(&mut story, A, FIRST);
    story.pass_undisturbed(Duration::from_millis(1));
    let from = story.disk.find(Path::new(FIRST)).unwrap();
    story.disk.hold(from);
    compress(&mut story, FIRST);
    let content = story.disk.nodes[from].content;
    story.disk.contents[content].bytes.extend_from_slice(b"more\n");
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, lines("one", 1000) + "more\n");
}

#[test]
fn of_other_compressed_files_those_are_read_whose_flow_wants_them() {
    for wanted in [false, true] {
        let mut story = Story::new(&[], |flow| {
            flow.files = vec!["/log/*".into()];
            flow.compressed = wanted;
        });
        append(&mut story, "/log/b.log", &lines("old", 50));
        compress(&mut story, "/log/b.log");
        story.restart_after(SECONDS);
        story.pass_undisturbed(SECONDS);
        let told = vec![("/log/b.log.gz".to_owned(), "not read: compressed (see `compressed`)".to_owned())];
        assert_eq!(unread(&story), if wanted { vec![] } else { told });
        assert_eq!(story.got, if wanted { lines("old", 50) } else { String::new() });
        story.restart();
        story.pass_undisturbed(SECONDS);
        assert_eq!(story.got.len(), if wanted { 200 } else { 0 }, "nothing twice");
    }
}

#[test]
fn a_flow_that_begins_at_the_end_reads_none_of_those_that_are_there() {
    let mut story = Story::new(&[], |flow| {
        flow.files = vec!["/log/*".into()];
        flow.compressed = true;
        flow.start_at = StartAt::End;
    });
    for name in ["b", "c", "d", "e", "f"] {
        append(&mut story, &format!("/log/{name}.log"), &lines("old", 50));
        compress(&mut story, &format!("/log/{name}.log"));
    }
    story.restart_after(SECONDS);
    story.pass_undisturbed(SECONDS);
    story.restart();
    append(&mut story, "/log/new.log", &lines("new", 50));
    compress(&mut story, "/log/new.log");
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, lines("new", 50));
    assert!(story.closed_all());
}

#[test]
fn only_so_many_are_open_at_once_and_all_are_read() {
    let mut story = Story::new(&[], |flow| {
        flow.files = vec!["/log/*".into()];
        flow.compressed = true;
    });
    for number in 0..20 {
        append(&mut story, &format!("/log/{number}.log"), &lines("old", 50));
        compress(&mut story, &format!("/log/{number}.log"));
    }
    let (mut open, mut most) = (0, 0);
    story.pass(4 * SECONDS, &mut |_, what| {
        match what {
            Do::Open { .. } => open += 1,
            Do::Close { .. } => open -= 1,
            _ => {}
        }
        most = most.max(open);
        None::<Outcome>
    });
    assert_eq!((story.got.len(), open, most), (20 * 200, 0, 2));
}

#[test]
fn a_compressed_file_under_another_name_is_not_read_as_lines() {
    let mut story = Story::new(&[], |flow| flow.files = vec!["/log/*".into()]);
    append(&mut story, A, &lines("one", 100));
    story.pass_undisturbed(SECONDS);
    begin(&mut story, A);
    rename(&mut story, "/log/a.log.gz", "/log/a.log.tmp");
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, lines("one", 100));
    assert_eq!(unread(&story)[0].0, "/log/a.log.tmp");
}

#[test]
fn a_compressed_copy_that_got_its_originals_inode_number_is_read() {
    let mut story = Story::new(&[], narrow);
    append(&mut story, A, &lines("one", 100));
    story.pass_undisturbed(SECONDS);
    append(&mut story, A, &lines("two", 10));
    story.restart();
    let wall = story.clock().wall;
    story.disk.copy(Path::new(A), Path::new(FIRST), wall, 1);
    story.disk.unlink(Path::new(A), wall);
    compress(&mut story, FIRST);
    story.pass_undisturbed(SECONDS);
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, lines("one", 100) + &lines("two", 10));
}

#[test]
fn a_file_that_was_held_back_and_compressed_while_nobody_looked_is_read() {
    let mut story = Story::new(&[], narrow);
    append(&mut story, A, &lines("one", 100));
    story.pass_undisturbed(SECONDS);
    // Whether it is a copy of the live file is not clear at once.
    append(&mut story, FIRST, &lines("two", 100));
    story.pass_undisturbed(Duration::from_millis(600));
    story.restart();
    compress(&mut story, FIRST);
    // Who began to look at it died.
    story.pass_undisturbed(Duration::from_millis(1500));
    story.restart_after(Duration::from_mins(1));
    story.pass_undisturbed(Duration::from_mins(1));
    assert_eq!(story.got, lines("one", 100) + &lines("two", 100));
}
