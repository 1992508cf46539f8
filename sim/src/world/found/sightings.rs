//! ... of names behind which another file was than the one that was held to be there.

use super::super::story::{SECONDS, Story, write};
use super::{A, FIRST, SECOND, lines, rename, truncate, wide};
use kintail_engine::event::{Do, FileError, Kind, Outcome};
use kintail_engine::settings::Watch;
use std::path::Path;
use std::time::Duration;

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

#[test]
fn a_file_whose_inode_number_is_a_directorys_now_is_gone() {
    let mut story = Story::new(&[(A, "one\nhalf")], |_| ());
    story.pass_undisturbed(SECONDS);
    let ino = story.disk.stat(story.disk.find(Path::new(A)).expect("it is there")).identity.ino;
    story.disk.unlink(Path::new(A), 1);
    story.disk.make_dir(Path::new("/log/sub"), 1);
    story.restart();
    story.pass(SECONDS, &mut |disk, what| match what {
        Do::List { dir, wanted } if dir == Path::new("/log") => {
            Some(Outcome::Listed(disk.list(dir).map(|mut all| {
                all.entries
                    .iter_mut()
                    .filter(|entry| entry.kind == Kind::Dir)
                    .for_each(|entry| entry.ino = ino);
                all.entries.retain(|entry| wanted.wants(&entry.name, entry.kind, entry.ino));
                all
            })))
        }
        _ => None,
    });
    let saved = story.saved();
    assert_eq!(saved.flows[0].possible_losses, 1);
    assert_eq!(saved.ledger.len(), 1, "{:?}", saved.ledger);
}

#[test]
fn a_generation_is_read_where_time_stamps_are_whole_seconds() {
    let mut story = Story::new(&[], |_| ());
    story.settings.agent.rescan = Duration::from_millis(300);
    story.restart();
    story.pass_undisturbed(SECONDS + Duration::from_millis(950));
    let second = story.clock().wall / 1_000_000_000 * 1_000_000_000;
    story.disk.create(Path::new(FIRST), second, 1);
    write(&mut story.disk, FIRST, "one\n");
    story.notice_entries("/log");
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "one\n");
}

/// Their walks begin in different directories: the second comes to a directory that was listed for the first.
#[test]
fn a_file_to_which_two_patterns_lead_from_different_directories_is_followed_by_both_flows() {
    for (one, other) in [("/log/sub/*.log", "/log/**/*.log"), ("/log/**/*.log", "/log/sub/*.log")] {
        let mut story = Story::new(&[("/log/sub/b.log", "one\n")], |flow| flow.files = vec![one.into()]);
        story.follow("other", other);
        story.pass_undisturbed(SECONDS);
        assert_eq!(story.got, "one\none\n", "{one} and {other}");
    }
}
