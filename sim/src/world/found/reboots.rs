//! ... of machines that were booted: devices with other numbers, and ends that a power cut ate.

use super::super::disk::NodeId;
use super::super::story::{SECONDS, Story, write};
use super::{A, FIRST, lines, rename};
use kintail_engine::event::{Do, FileError, Outcome};
use kintail_engine::settings::FoundBy;
use std::path::Path;
use std::time::Duration;

const B: &str = "/log/b.log";

/// A file of this text was shipped.
fn shipped(text: &str) -> (Story, NodeId) {
    let mut story = Story::new(&[(A, text)], |_| ());
    story.pass_undisturbed(SECONDS);
    story.got.clear();
    let node = story.disk.find(Path::new(A)).expect("it is there");
    (story, node)
}

#[test]
fn a_device_with_another_number_has_the_files_that_it_had() {
    let mut story = Story::new(&[(A, "one\n"), (B, "two\n")], |_| ());
    story.pass_undisturbed(SECONDS);
    rename(&mut story, A, FIRST);
    write(&mut story.disk, FIRST, "three\n");
    write(&mut story.disk, A, "four\n");
    story.reboot();
    story.pass_undisturbed(SECONDS);
    let mut got: Vec<&str> = story.got.lines().collect();
    got.sort_unstable();
    assert_eq!(got, ["four", "one", "three", "two"]);
    assert_eq!(story.saved().ledger, []);
}

#[test]
fn where_inode_numbers_are_not_stable_files_are_known_by_their_content() {
    let (one, two) = (lines("one line of the first file", 4), lines("one line of the second file", 3));
    let mut story = Story::new(&[(A, &one), (B, &two)], |flow| flow.identity = FoundBy::Content);
    story.pass_undisturbed(SECONDS);
    story.got.clear();
    rename(&mut story, B, "/log/b.log.1");
    write(&mut story.disk, "/log/b.log.1", "the end\n");
    write(&mut story.disk, A, "more\n");
    write(&mut story.disk, B, "another\n");
    story.disk.renumber_inodes();
    story.restart();
    story.pass_undisturbed(SECONDS);
    let mut got: Vec<&str> = story.got.lines().collect();
    got.sort_unstable();
    assert_eq!(got, ["another", "more", "the end"]);
    assert_eq!(story.saved().ledger, []);
}

#[test]
fn a_file_that_was_renamed_before_its_device_got_another_number_is_found() {
    let mut story = Story::new(&[(A, "one\n")], |_| ());
    story.pass_undisturbed(SECONDS);
    write(&mut story.disk, A, "two\n");
    rename(&mut story, A, "/log/moved");
    story.reboot();
    story.pass_undisturbed(Duration::from_secs(30));
    assert_eq!(story.got, "one\ntwo\n");
}

#[test]
fn what_a_power_cut_left_of_a_file_is_not_sent_again() {
    let old = lines("a line that was read before the power was cut", 100);
    let (mut story, node) = shipped(&old);
    let kept = old.len() as u64 - 100;
    story.disk.lose_end(node, kept);
    story.reboot();
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "");
    write(&mut story.disk, A, ", and more\nnew\n");
    story.notice(A);
    story.pass_undisturbed(SECONDS);
    let half = old[..kept as usize].lines().last().expect("there are lines");
    assert_eq!(story.got, format!("{half}, and more\nnew\n"));
    // The next agent knows where that was.
    story.restart();
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, format!("{half}, and more\nnew\n"));
    assert_eq!(story.saved().flows[0].possible_losses, 1);
}

#[test]
fn what_was_written_after_a_power_cut_and_before_the_agent_started_is_sent() {
    let old = lines("a line that was read before the power was cut", 100);
    let (mut story, node) = shipped(&old);
    story.disk.lose_end(node, 2500);
    write(&mut story.disk, A, "\nnew\n");
    story.disk.touch(node, 10_000 * SECONDS.as_nanos() as i64);
    story.reboot();
    story.pass_undisturbed(SECONDS);
    assert!(story.got.ends_with("\nnew\n"), "{}", story.got);
}

#[test]
fn a_refill_in_the_same_boot_is_no_power_cut() {
    let old = lines("a line that was read before the file was refilled", 100);
    let (mut story, node) = shipped(&old);
    story.disk.lose_end(node, 2000);
    story.restart();
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got.len(), 2000);
}

#[test]
fn a_shorter_file_of_which_too_little_is_known_is_sent_again() {
    let (mut story, node) = shipped(&lines("line", 20));
    story.disk.lose_end(node, 50);
    story.reboot();
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, lines("line", 10));
}

#[test]
fn what_was_written_to_a_log_without_its_end_is_read_though_it_was_rotated() {
    let old = lines("a line that was read before the power was cut", 100);
    let (mut story, node) = shipped(&old);
    story.disk.lose_end(node, old.len() as u64 - 460);
    story.reboot();
    write(&mut story.disk, A, "new\n");
    story.disk.touch(node, story.clock().wall);
    rename(&mut story, A, FIRST);
    story.pass_undisturbed(SECONDS);
    assert!(story.got.ends_with("new\n"), "{}", story.got);
}

/// The archives were not mounted yet, say: the agent saved under the new boot, the next one did not know of a boot, and what
/// had been moved there was not read to its end.
#[test]
fn an_agent_that_could_not_list_the_archives_after_a_boot_does_not_hide_the_boot_from_the_next() {
    let files = [(A, "one\n"), ("/log/old/another", "")];
    let mut story = Story::new(&files, |flow| flow.archives = vec!["/log/old/*".into()]);
    story.pass_undisturbed(SECONDS);
    write(&mut story.disk, A, "two\n");
    rename(&mut story, A, "/log/old/moved");
    write(&mut story.disk, B, "three\n");
    story.reboot();
    story.pass(3 * SECONDS, &mut |_, what| match what {
        Do::List { dir, .. } if dir == Path::new("/log/old") => Some(Outcome::Listed(Err(FileError::Denied))),
        _ => None,
    });
    story.restart();
    story.pass_undisturbed(Duration::from_secs(30));
    assert_eq!(story.got, "one\nthree\ntwo\n");
    assert_eq!(story.saved().ledger, []);
}

/// Its directory was not readable yet, say.
#[test]
fn an_agent_that_could_not_open_a_file_after_a_power_cut_does_not_hide_the_cut_from_the_next() {
    let old = lines("a line that was read before the power was cut", 100);
    let (mut story, node) = shipped(&old);
    story.disk.lose_end(node, old.len() as u64 - 460);
    story.reboot();
    write(&mut story.disk, B, "another\n");
    story.pass(30 * SECONDS, &mut |_, what| match what {
        Do::Open { path, .. } if path == Path::new(A) => Some(Outcome::Opened(Err(FileError::Denied))),
        _ => None,
    });
    assert_eq!(story.got, "another\n");
    story.restart();
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "another\n");
}

#[test]
fn a_file_whose_beginning_cannot_be_read_after_a_power_cut_is_looked_at_again() {
    let old = lines("a line that was read before the power was cut", 100);
    let (mut story, node) = shipped(&old);
    story.disk.lose_end(node, old.len() as u64 - 460);
    story.disk.touch(node, 0);
    // Its device has the number that it had: it is found by its identity alone.
    story.reboot();
    story.disk.dev -= 1;
    let mut fails = 1;
    story.pass(30 * SECONDS, &mut |_, what| match what {
        Do::Read { .. } if fails > 0 => {
            fails -= 1;
            Some(Outcome::Read(Err(FileError::Denied)))
        }
        _ => None,
    });
    assert_eq!((story.got.as_str(), fails), ("", 0));
}
