//! Bugs that seeds found, each told again step by step, so that no later draw of worlds forgets it.

mod copies;
mod hangs;
mod joined;
mod order;
mod reboots;
mod sightings;

use super::story::{SECONDS, Story, refill, write};
use kintail_engine::event::{Do, FileError, Outcome};
use kintail_engine::settings::{Flow, Oversize, StartAt};
use std::path::Path;
use std::time::Duration;

const A: &str = "/log/a.log";
const FIRST: &str = "/log/a.log.1";
const SECOND: &str = "/log/a.log.2";

fn wide(flow: &mut Flow) {
    flow.files = vec!["/log/*.log*".into()];
}

/// Cuts a file to nothing now.
fn truncate(story: &mut Story, path: &str) {
    let wall = story.clock().wall;
    let node = story.disk.find(Path::new(path)).expect("the file is there");
    story.disk.truncate(node, wall, 1);
}

pub(super) fn rename(story: &mut Story, from: &str, to: &str) {
    let wall = story.clock().wall;
    story.disk.rename(Path::new(from), Path::new(to), wall);
    story.notice_entries("/log");
}

pub(super) fn lines(word: &str, count: usize) -> String {
    format!("{word}\n").repeat(count)
}

#[test]
fn a_refill_while_the_last_newline_is_looked_for_is_not_read_twice() {
    for count in [30, 3000] {
        let old = lines("old", count);
        let new = lines("new", count * 2);
        let mut story = Story::new(&[(A, &old)], |flow| flow.start_at = StartAt::End);
        let mut reads = 0;
        story.pass(SECONDS, &mut |disk, what| {
            reads += usize::from(matches!(what, Do::Read { .. }));
            if reads == 2 {
                reads += 1;
                refill(disk, A, &new);
            }
            None
        });
        story.restart();
        story.pass_undisturbed(SECONDS);
        assert!(story.got == new, "{} lines arrived", story.got.lines().count());
    }
}

#[test]
fn a_name_that_led_to_another_file_and_could_not_be_read_is_opened_again() {
    let mut story = Story::new(&[(A, "one\n")], |_| ());
    story.pass_undisturbed(SECONDS);
    close_for_room(&mut story);
    // The closed file's name is another's now, which can be opened but not read; no listing has seen it yet.
    story.disk.rename(Path::new(A), Path::new("/log/a-1.log"), 2);
    write(&mut story.disk, A, "two\n");
    story.notice(A);
    story.pass(Duration::from_millis(1), &mut |_, what| match what {
        Do::Read { .. } => Some(Outcome::Read(Err(FileError::Denied))),
        _ => None,
    });
    story.pass(SECONDS, &mut |_, what| match what {
        Do::Look { .. } => Some(Outcome::Looked(Err(FileError::Denied))),
        _ => None,
    });
    assert_eq!(story.got, "one\nother\ntwo\n");
}

#[test]
fn a_file_that_was_found_refilled_is_opened_under_its_other_name_too() {
    let mut story = Story::new(&[], |flow| flow.files = vec!["/log/*.log".into()]);
    story.follow("other", "/log/sub/*.log");
    write(&mut story.disk, "/log/sub/b.log", "one\n");
    story.pass_undisturbed(SECONDS);
    story.disk.link(Path::new("/log/sub/b.log"), Path::new(A), 1);
    story.pass_undisturbed(SECONDS);
    close_for_room(&mut story);
    refill(&mut story.disk, A, "two\n");
    story.notice(A);
    story.notice("/log/sub/b.log");
    story.pass(Duration::from_millis(1), &mut |_, what| match what {
        Do::Open { path, .. } if path.starts_with("/log/sub") => {
            Some(Outcome::Opened(Err(FileError::Denied)))
        }
        _ => None,
    });
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got.matches("two\n").count(), 2);
}

#[test]
fn a_name_of_an_open_file_needs_no_descriptor() {
    let mut story = Story::new(&[("/log/sub/b.log", "one\nhalf")], |_| ());
    story.pass_undisturbed(SECONDS);
    story.disk.link(Path::new("/log/sub/b.log"), Path::new(A), 2);
    story.disk.remove_dir(Path::new("/log/sub"), 2);
    story.pass(SECONDS, &mut |_, what| match what {
        Do::Open { .. } => Some(Outcome::Opened(Err(FileError::TooManyFiles))),
        _ => None,
    });
    assert_eq!(story.got, "one\nhalf\n");
}

#[test]
fn a_file_with_a_half_line_makes_room() {
    let mut story = Story::new(&[(A, "one\nhalf")], |_| ());
    story.pass_undisturbed(SECONDS);
    close_for_room(&mut story);
    assert_eq!(story.got, "one\nother\n");
    write(&mut story.disk, A, " and half\n");
    story.notice(A);
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "one\nother\nhalf and half\n");
}

#[test]
fn a_file_that_one_flow_could_not_read_makes_no_room() {
    let mut story = Story::new(&[], |_| ());
    story.follow("other", "/log/*.log");
    story.pass_undisturbed(SECONDS);
    write(&mut story.disk, A, "one\n");
    story.notice_entries("/log");
    story.pass(Duration::from_millis(500), &mut |_, what| match what {
        Do::Read { cursor: Some(cursor), .. } if cursor.flow.0 == 0 => {
            Some(Outcome::Read(Err(FileError::Denied)))
        }
        _ => None,
    });
    close_for_room(&mut story);
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got.matches("one\n").count(), 2);
}

#[test]
fn a_long_line_whose_end_was_found_does_not_wait_for_a_notice() {
    let long = format!("{}\n", "x".repeat(70_000));
    let mut story = Story::new(&[(A, &long)], |flow| {
        flow.line.max_bytes = 100;
        flow.line.oversize = Oversize::Truncate;
    });
    story.pass_undisturbed(Duration::from_secs(1));
    assert_eq!(story.got.len(), 100);
}

#[test]
fn a_file_that_is_opened_again_and_cannot_be_read_is_kept_open() {
    let mut story = Story::new(&[(A, "one\n")], |_| ());
    story.pass_undisturbed(SECONDS);
    close_for_room(&mut story);
    write(&mut story.disk, A, "two\n");
    story.notice(A);
    story.pass(Duration::from_millis(1), &mut |_, what| match what {
        Do::Read { .. } => Some(Outcome::Read(Err(FileError::Denied))),
        _ => None,
    });
    story.disk.unlink(Path::new(A), 2);
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "one\nother\ntwo\n");
}

#[test]
fn a_rotated_file_that_was_refilled_and_cannot_be_read_at_first_is_read() {
    let mut story = Story::new(&[(A, &lines("old", 500))], |flow| flow.files = vec!["/log/*.log*".into()]);
    story.pass_undisturbed(SECONDS);
    refill(&mut story.disk, A, &lines("new", 400));
    story.disk.rename(Path::new(A), Path::new("/log/a.log.1"), 2);
    story.restart();
    story.pass(Duration::from_secs(1), &mut |_, what| match what {
        Do::Read { cursor: None, .. } => Some(Outcome::Read(Err(FileError::Denied))),
        _ => None,
    });
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got.matches("new\n").count(), 400);
}

/// Another file comes when there is no descriptor left: the one that is open is closed for it.
fn close_for_room(story: &mut Story) {
    write(&mut story.disk, "/log/other.log", "other\n");
    story.notice_entries("/log");
    let full = story.open.len();
    let mut open = full;
    story.pass(Duration::from_secs(1), &mut |_, what| {
        match what {
            Do::Open { .. } if open >= full => return Some(Outcome::Opened(Err(FileError::TooManyFiles))),
            Do::Open { .. } => open += 1,
            Do::Close { .. } => open -= 1,
            _ => {}
        }
        None
    });
}
