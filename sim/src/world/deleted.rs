//! Deleted files that nobody could read yet: which are held, and which are given up.

use super::story::{SECONDS, Story, write};
use kintail_engine::event::{Do, FileError, Outcome};
use kintail_engine::ids::Span;
use kintail_engine::settings::HoldDeleted;
use kintail_engine::state::Reason;
use std::path::Path;

const OLD: &str = "/log/a.log";
const NEW: &str = "/log/b.log";

/// Two files of a thousand bytes each that were deleted before they could be read, on a disk with so much free.
fn deleted(hold: HoldDeleted, free: u64) -> Story {
    let mut story = Story::new(&[], |_| ());
    story.settings.agent.hold_deleted = hold;
    story.free = free;
    story.restart();
    for (path, word, wall) in [(NEW, "new\n", 9), (OLD, "old\n", 5)] {
        write(&mut story.disk, path, &word.repeat(250));
        let node = story.disk.find(Path::new(path)).unwrap();
        story.disk.touch(node, wall);
    }
    unreadable(&mut story);
    for path in [NEW, OLD] {
        story.disk.unlink(Path::new(path), 9);
    }
    unreadable(&mut story);
    story
}

fn unreadable(story: &mut Story) {
    story.notice_entries("/log");
    story.pass(2 * SECONDS, &mut |_, what| match what {
        Do::Read { cursor: Some(_), .. } => Some(Outcome::Read(Err(FileError::Other("no".into())))),
        _ => None,
    });
}

/// What is on the ledger.
fn lost(story: &Story) -> Vec<(String, Span, Reason)> {
    let ledger = story.saved().ledger.into_iter();
    ledger.map(|row| (row.path.display().to_string(), row.span, row.reason)).collect()
}

fn one(path: &str) -> Vec<(String, Span, Reason)> {
    vec![(path.into(), Span::new(0, 1000), Reason::DeletedUnread)]
}

#[test]
fn over_the_bound_the_oldest_is_given_up() {
    let mut story = deleted(HoldDeleted::Bytes(1500), 1000);
    let status = story.engine.status(story.clock()).flows.remove(0);
    assert_eq!((status.deleted_bytes, status.counters.given_up_bytes), (1000, 1000));
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "new\n".repeat(250));
    assert_eq!(lost(&story), one(OLD));
    let status = story.engine.status(story.clock()).flows.remove(0);
    assert_eq!((status.deleted_bytes, status.files.len(), status.lag_bytes), (0, 0, 0));
    assert!(story.closed_all());
}

#[test]
fn within_the_bound_none_is_given_up() {
    let mut story = deleted(HoldDeleted::Bytes(2000), 1000);
    assert_eq!(story.engine.status(story.clock()).flows[0].deleted_bytes, 2000);
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got.len(), 2000);
    assert_eq!(lost(&story), []);
}

#[test]
fn on_a_full_disk_so_many_are_given_up_that_a_part_is_free() {
    for (free, kept) in [(50, 2000), (49, 1000)] {
        let mut story = deleted(HoldDeleted::Bytes(1 << 30), free);
        story.free = 1000;
        story.pass_undisturbed(SECONDS);
        assert_eq!(story.got.len(), kept, "with {free} free");
        assert_eq!(lost(&story), if kept == 1000 { one(OLD) } else { vec![] });
    }
}

#[test]
fn none_is_held_or_none_is_given_up_where_that_is_asked_for() {
    let mut none = deleted(HoldDeleted::Bytes(0), 1000);
    none.pass_undisturbed(SECONDS);
    assert_eq!((none.got.len(), lost(&none).len()), (0, 2));
    let mut all = deleted(HoldDeleted::Unlimited, 0);
    all.pass_undisturbed(SECONDS);
    assert_eq!((all.got.len(), lost(&all).len()), (2000, 0));
}
