//! ... of copies that are taken for other files, and of files that are taken for copies.

use super::super::disk::Disk;
use super::super::story::{SECONDS, Story, refill, write};
use super::{A, FIRST, SECOND, lines, rename, truncate, wide};
use kintail_engine::destination::{Answer, Failure, FailureKind};
use kintail_engine::event::{Do, FileError, Outcome};
use std::path::Path;
use std::time::Duration;

fn copy(story: &mut Story) {
    let wall = story.clock().wall;
    story.disk.copy(Path::new(A), Path::new(FIRST), wall, 1);
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
fn a_second_copy_is_let_go_in_time_though_the_first_ends_before_what_was_read() {
    let mut story = Story::new(&[(A, &lines("old", 30))], wide);
    story.pass_undisturbed(SECONDS);
    copy(&mut story);
    write(&mut story.disk, A, &lines("more", 30));
    story.notice(A);
    story.pass_undisturbed(Duration::from_millis(100));
    let wall = story.clock().wall;
    story.disk.copy(Path::new(A), Path::new(SECOND), wall, 1);
    story.notice_entries("/log");
    story.pass_undisturbed(Duration::from_millis(300));
    truncate(&mut story, A);
    story.notice(A);
    story.pass_undisturbed(Duration::from_secs(2));
    story.restart();
    story.pass_undisturbed(SECONDS);
    let flow = story.engine.status(story.clock()).flows.remove(0);
    assert_eq!(flow.unread, []);
}

#[test]
fn a_copy_over_an_older_copy_while_the_agent_is_down_is_not_shipped_again() {
    let (old, new) = (lines("a line of the first day", 80), lines("another of the second", 20));
    let mut story = Story::new(&[(FIRST, &old), (A, &new)], wide);
    story.pass_undisturbed(SECONDS);
    story.got.clear();
    write(&mut story.disk, A, "the last one\n");
    // `cp` keeps the inode of what it writes over.
    let copied = format!("{new}the last one\n");
    refill(&mut story.disk, FIRST, &copied);
    truncate(&mut story, A);
    write(&mut story.disk, A, "of the third day\n");
    story.restart();
    story.pass_undisturbed(2 * SECONDS);
    assert_eq!(story.got, "the last one\nof the third day\n");
}
