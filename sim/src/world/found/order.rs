//! ... of the order of lines, where it is strict.

use super::super::story::{SECONDS, Story, refill, write};
use super::{A, FIRST, rename, wide};
use kintail_engine::event::{Do, FileError, Outcome};
use kintail_engine::settings::Flow;

fn strict(flow: &mut Flow) {
    wide(flow);
    flow.strict = true;
}

/// Two files of one name, of which the first cannot be read to its end, and the second can.
fn cannot_read_first(change: fn(&mut Flow)) -> Story {
    let mut story = Story::new(&[(A, "one\n")], change);
    story.pass_undisturbed(SECONDS);
    write(&mut story.disk, A, "two\n");
    rename(&mut story, A, FIRST);
    write(&mut story.disk, A, "three\n");
    story.pass(SECONDS, &mut |_, what| match what {
        Do::Read { cursor: Some(cursor), .. } if cursor.file.number == 1 => {
            Some(Outcome::Read(Err(FileError::Denied)))
        }
        _ => None,
    });
    story
}

#[test]
fn a_successor_is_read_when_the_file_before_it_was_read_to_its_end() {
    let mut story = cannot_read_first(strict);
    assert_eq!(story.got, "one\n");
    let waits = story.engine.status(story.clock()).flows[0]
        .files
        .iter()
        .any(|file| file.waiting_for.starts_with("the file before"));
    assert!(waits, "{:?}", story.engine.status(story.clock()).flows[0].files);
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "one\ntwo\nthree\n");
}

#[test]
fn without_strict_order_no_file_waits_for_another() {
    assert_eq!(cannot_read_first(wide).got, "one\nthree\n");
}

#[test]
fn the_next_content_waits_until_a_truncated_one_is_given_up() {
    let mut story = Story::new(&[(A, "one\n")], strict);
    story.pass_undisturbed(SECONDS);
    refill(&mut story.disk, A, "other, and longer\n");
    story.notice(A);
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "one\nother, and longer\n");
}
