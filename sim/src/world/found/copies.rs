//! ... of copies that are taken for other files, and of files that are taken for copies or for what they were before.

use super::super::disk::Disk;
use super::super::story::{SECONDS, Story, refill, write};
use super::{A, lines};
use kintail_engine::destination::{Answer, Failure, FailureKind};
use kintail_engine::event::{Do, FileError, Outcome};
use kintail_engine::settings::{Flow, Watch};
use std::path::Path;
use std::time::Duration;

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

fn copy(story: &mut Story) {
    let wall = story.clock().wall;
    story.disk.copy(Path::new(A), Path::new(FIRST), wall, 1);
    story.notice_entries("/log");
}

fn rename(story: &mut Story, from: &str, to: &str) {
    let wall = story.clock().wall;
    story.disk.rename(Path::new(from), Path::new(to), wall);
    story.notice_entries("/log");
}

#[test]
fn a_copy_that_ends_before_what_was_acknowledged_is_not_read_again_after_a_restart() {
    let mut story = Story::new(&[(A, &lines("old", 30))], wide);
    story.pass_undisturbed(SECONDS);
    copy(&mut story);
    story.pass_undisturbed(Duration::from_millis(500));
    truncate(&mut story, A);
    story.pass_undisturbed(SECONDS);
    // A record after the copy's end was acknowledged before one that the copy has.
    for row in story.store.rows.cursors.values_mut().filter(|row| row.prefix > 0) {
        row.prefix += 4;
    }
    story.restart();
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, lines("old", 30));
}

#[test]
fn a_copy_waits_for_its_original_to_be_read_though_that_is_renamed() {
    let mut story = Story::new(&[(A, &lines("old", 30))], wide);
    story.pass_undisturbed(SECONDS);
    copy(&mut story);
    let cannot_read = |story: &mut Story, time| {
        story.pass(time, &mut |_, what| match what {
            Do::Read { cursor: Some(_), .. } => Some(Outcome::Read(Err(FileError::Denied))),
            _ => None,
        });
    };
    cannot_read(&mut story, Duration::from_secs(1));
    truncate(&mut story, A);
    rename(&mut story, A, SECOND);
    cannot_read(&mut story, SECONDS);
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, lines("old", 30));
}

#[test]
fn a_short_file_that_is_like_a_deleted_one_is_no_copy_of_it() {
    let mut story = Story::new(&[(A, "OK\n")], wide);
    story.pass_undisturbed(SECONDS);
    story.disk.unlink(Path::new(A), 1);
    write(&mut story.disk, FIRST, "OK\n");
    write(&mut story.disk, A, "other\n");
    story.notice_entries("/log");
    story.pass_undisturbed(SECONDS * 2);
    assert_eq!(story.got.matches("OK\n").count(), 2, "{}", story.got);
}

/// A file is there before the narrow flow is; while the agent is down its inode gets a generation.
fn a_generation_got_the_inode_of(before: &str) {
    let mut story = Story::new(&[(FIRST, before)], wide);
    story.pass_undisturbed(SECONDS);
    story.follow("narrow", A);
    story.pass_undisturbed(SECONDS);
    truncate(&mut story, FIRST);
    write(&mut story.disk, FIRST, "new\n");
    story.restart_after(Duration::from_secs(1));
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got.matches("new\n").count(), 2, "{}", story.got);
}

#[test]
fn a_generation_is_followed_though_its_inode_bore_a_longer_file() {
    a_generation_got_the_inode_of(&lines("old", 30));
}

#[test]
fn a_generation_is_followed_though_its_inode_bore_an_empty_file() {
    a_generation_got_the_inode_of("");
}

#[test]
fn a_name_that_led_elsewhere_when_it_was_opened_is_not_held_to_lead_there() {
    let opens = |what: &Do| matches!(what, Do::Open { .. });
    let no_room = |story: &mut Story| {
        for action in story.settle(opens) {
            story.answer_so(action.id, Outcome::Opened(Err(FileError::TooManyFiles)));
        }
    };
    let mut story = Story::new(&[(FIRST, "one\n")], wide);
    let mut open = story.settle(opens);
    // Before it is opened the name is another file's, and a listing says so.
    rename(&mut story, FIRST, SECOND);
    write(&mut story.disk, FIRST, "two\n");
    no_room(&mut story);
    story.answer(open.remove(0));
    let mut read = story.settle(|what| matches!(what, Do::Read { .. }));
    // Before that is read the name is the first file's again, which waits for a descriptor.
    rename(&mut story, FIRST, "/log/a.log.3");
    rename(&mut story, SECOND, FIRST);
    no_room(&mut story);
    story.answer(read.remove(0));
    story.pass_undisturbed(SECONDS);
    assert!(story.got.contains("one\n") && story.got.contains("two\n"), "{}", story.got);
}

#[test]
fn a_name_that_two_sightings_lead_to_and_one_cannot_open_is_still_its_files() {
    let opens = |what: &Do| matches!(what, Do::Open { .. });
    let mut story = Story::new(&[("/log/sub/a.log", "one\n")], |_| ());
    let mut open = story.settle(opens);
    // Before it is opened the name is another file's, and a listing says so.
    let (live, first) = (Path::new("/log/sub/a.log"), Path::new("/log/sub/a.log.1"));
    story.disk.rename(live, first, 1);
    write(&mut story.disk, "/log/sub/a.log", "half");
    story.notice_entries("/log/sub");
    let later = story.settle(opens);
    story.answer(open.remove(0));
    story.settle(|_| false);
    for action in later {
        story.answer_so(action.id, Outcome::Opened(Err(FileError::Denied)));
    }
    story.disk.unlink(live, 1);
    story.disk.unlink(first, 1);
    story.disk.remove_dir(Path::new("/log/sub"), 1);
    story.notice_entries("/log");
    story.notice_entries("/log/sub");
    story.pass_undisturbed(SECONDS);
    assert!(story.got.ends_with("half\n"), "{}", story.got);
}

#[test]
fn a_file_that_lost_its_name_is_looked_for_again_when_its_directory_could_not_be_listed() {
    let mut story = Story::new(&[], |_| ());
    story.pass_undisturbed(SECONDS);
    write(&mut story.disk, A, "one\n");
    story.notice_entries("/log");
    let mut open = story.settle(|what| matches!(what, Do::Open { .. }));
    story.disk.rename(Path::new(A), Path::new(FIRST), 1);
    write(&mut story.disk, A, "two\n");
    story.answer(open.remove(0));
    for action in story.settle(|what| matches!(what, Do::List { .. })) {
        story.answer_so(action.id, Outcome::Listed(Err(FileError::Denied)));
    }
    story.pass_undisturbed(SECONDS * 2);
    assert!(story.got.contains("one\n") && story.got.contains("two\n"), "{}", story.got);
}

#[test]
fn an_older_file_that_begins_as_a_short_one_did_is_no_copy_of_it() {
    let mut story = Story::new(&[], wide);
    // Inodes do not tell here when they were made.
    story.disk = Disk::new(false);
    story.pass_undisturbed(SECONDS);
    write(&mut story.disk, FIRST, "OK\nfirst\n");
    write(&mut story.disk, A, "OK\n");
    story.notice_entries("/log");
    story.pass_undisturbed(Duration::from_millis(500));
    refill(&mut story.disk, A, "new\n");
    story.notice(A);
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got.matches("OK\n").count(), 2, "{}", story.got);
}

#[test]
fn a_copy_is_let_go_in_time_though_the_clock_is_set_back() {
    let mut story = Story::new(&[(A, &lines("old", 30))], wide);
    story.pass_undisturbed(SECONDS);
    copy(&mut story);
    story.pass_undisturbed(Duration::from_secs(1));
    story.skew = -3_600_000_000_000;
    story.pass_undisturbed(SECONDS * 2);
    assert_eq!(story.got, lines("old", 60));
}

#[test]
fn a_copy_that_ends_before_what_one_flow_saw_is_not_read_again_after_a_restart() {
    let mut story = Story::new(&[], wide);
    story.follow("other", "/log/*.log*");
    write(&mut story.disk, A, &lines("old", 30));
    story.notice_entries("/log");
    let pass = |story: &mut Story, time| {
        story.pass(time, &mut |_, what| match what {
            Do::Send(request) if request.flow.0 == 1 => {
                let failure = Failure::new(FailureKind::Transient, "Timeout", "no answer");
                Some(Outcome::Sent(Answer::Failed { may_have_arrived: false, failure }))
            }
            _ => None,
        });
    };
    pass(&mut story, SECONDS);
    copy(&mut story);
    pass(&mut story, Duration::from_millis(500));
    write(&mut story.disk, A, "more\n");
    story.notice(A);
    pass(&mut story, Duration::from_secs(2));
    truncate(&mut story, A);
    story.notice(A);
    pass(&mut story, Duration::from_secs(2));
    story.restart();
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got.matches("old\n").count(), 60);
}

#[test]
fn a_file_that_was_opened_twice_and_deleted_is_not_read_twice() {
    let mut story = Story::new(&[], wide);
    story.pass_undisturbed(SECONDS);
    write(&mut story.disk, A, "one\n");
    story.notice_entries("/log");
    let mut open = story.settle(|what| matches!(what, Do::Open { .. }));
    story.answer(open.remove(0));
    let mut read = story.settle(|what| matches!(what, Do::Read { .. }));
    // While its beginning is read, it is opened by its next name, and deleted.
    rename(&mut story, A, FIRST);
    story.settle(|_| false);
    story.disk.unlink(Path::new(FIRST), 1);
    story.notice_entries("/log");
    story.pass_undisturbed(SECONDS);
    story.answer(read.remove(0));
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "one\n");
}

#[test]
fn a_generation_that_a_look_finds_came_since_the_last_look() {
    let mut story = Story::new(&[], |_| ());
    story.settings.agent.watch = Watch::Poll;
    story.restart();
    story.pass_undisturbed(SECONDS);
    let generation = |story: &mut Story, text| {
        let wall = story.clock().wall;
        story.disk.create(Path::new(FIRST), wall, 1);
        write(&mut story.disk, FIRST, text);
    };
    generation(&mut story, "one\n");
    story.notice_entries("/log");
    story.pass_undisturbed(Duration::from_millis(500));
    story.disk.unlink(Path::new(FIRST), 1);
    // It is read to its end and closed before its directory is listed again.
    story.pass_undisturbed(Duration::from_secs(3));
    generation(&mut story, "two\n");
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "one\ntwo\n");
}
