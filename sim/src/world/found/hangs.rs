//! ... of a mount on which calls never return.

use super::super::story::{SECONDS, Story, write};
use kintail_engine::event::Do;
use std::path::Path;
use std::time::Duration;

/// More than the agent asks for at once.
const MANY: u32 = 100;

fn hanging(number: u32) -> String {
    format!("/log/hangs/{number:03}.log")
}

/// An agent that follows many files of a mount that will hang, read to their ends.
fn many_files() -> Story {
    let mut story = Story::new(&[], |_| ());
    story.disk.make_dir(Path::new("/log/hangs"), 1);
    for number in 0..MANY {
        write(&mut story.disk, &hanging(number), "old\n");
    }
    story
}

#[test]
fn files_are_opened_though_opens_hang_elsewhere() {
    let is_hung = |what: &Do| matches!(what, Do::Open { path, .. } if path.starts_with("/log/hangs"));
    let mut story = many_files();
    story.pass_undisturbed(SECONDS);
    story.restart();
    story.got.clear();
    story.pass_without(SECONDS, is_hung);
    write(&mut story.disk, "/log/a.log", "new\n");
    story.notice_entries("/log");
    story.pass_without(Duration::from_mins(1), is_hung);
    assert_eq!(story.got, "new\n");
}

#[test]
fn files_are_read_though_reads_hang_elsewhere() {
    let mut story = many_files();
    story.pass_undisturbed(SECONDS);
    let hangs: Vec<_> = story.open.keys().copied().collect();
    assert_eq!(hangs.len(), MANY as usize);
    let is_hung = |what: &Do| matches!(what, Do::Read { handle, .. } if hangs.contains(handle));
    for number in 0..MANY {
        write(&mut story.disk, &hanging(number), "more\n");
        story.notice(&hanging(number));
    }
    story.pass_without(Duration::from_secs(1), is_hung);
    write(&mut story.disk, "/log/a.log", "new\n");
    story.notice_entries("/log");
    story.pass_without(Duration::from_mins(2), is_hung);
    assert!(story.got.ends_with("new\n"), "{}", story.got);
}
