//! What the status says of files that are not read, told step by step.

use super::disk::Disk;
use super::story::{SECONDS, Story, write};
use kintail_engine::event::{Do, FileError, Outcome};
use kintail_engine::settings::Watch;
use std::path::Path;
use std::time::Duration;

const A: &str = "/log/a.log";

/// What is not read, with the reason; and what files wait for.
fn told(story: &Story) -> Vec<(String, String)> {
    let flow = story.engine.status(story.clock()).flows.remove(0);
    let unread = flow.unread.into_iter().map(|name| (name.path, name.why));
    let waiting = flow.files.into_iter().map(|file| (file.path, file.waiting_for));
    let told = unread.chain(waiting).filter(|(_, why)| !why.is_empty());
    told.map(|(path, why)| (path.display().to_string(), why)).collect()
}

/// What is told while this call on this path fails so.
fn failing(path: &'static str, error: &FileError, fails: fn(&Do) -> Option<&Path>) -> Vec<(String, String)> {
    let mut story = Story::new(&[(A, "a\n"), ("/log/sub/b.log", "b\n")], |_| ());
    story.pass(SECONDS, &mut |_: &mut Disk, what| {
        let asked = fails(what)?;
        (asked == Path::new(path)).then(|| match what {
            Do::List { .. } => Outcome::Listed(Err(error.clone())),
            _ => Outcome::Opened(Err(error.clone())),
        })
    });
    let told = told(&story);
    story.pass_undisturbed(SECONDS);
    assert_eq!(self::told(&story), [], "once it works again");
    assert_eq!(story.got.len(), 4, "{}", story.got);
    told
}

fn opens(what: &Do) -> Option<&Path> {
    if let Do::Open { path, .. } = what { Some(path) } else { None }
}

fn lists(what: &Do) -> Option<&Path> {
    if let Do::List { dir, .. } = what { Some(dir) } else { None }
}

fn one(path: &str, why: &str) -> Vec<(String, String)> {
    vec![(path.into(), why.into())]
}

#[test]
fn a_name_that_cannot_be_opened_is_told_with_the_reason() {
    let stale = FileError::Other("stale file handle".into());
    assert_eq!(failing(A, &FileError::Denied, opens), one(A, "permission denied"));
    assert_eq!(failing(A, &stale, opens), one(A, "stale file handle"));
    assert_eq!(failing(A, &FileError::TooManyFiles, opens), one(A, "a descriptor"));
}

#[test]
fn a_directory_that_cannot_be_listed_is_told_with_the_reason() {
    let denied = failing("/log/sub", &FileError::Denied, lists);
    assert_eq!(denied, one("/log/sub", "cannot be listed: permission denied"));
}

#[test]
fn a_file_that_changed_and_finds_no_descriptor_is_told() {
    let mut story = Story::new(&[(A, "one\n")], |_| ());
    story.pass_undisturbed(SECONDS);
    write(&mut story.disk, "/log/b.log", "two\n");
    story.notice_entries("/log");
    let mut open = 1;
    let mut scarce = |_: &mut Disk, what: &Do| match what {
        Do::Open { .. } if open > 0 => Some(Outcome::Opened(Err(FileError::TooManyFiles))),
        Do::Open { .. } => {
            open += 1;
            None
        }
        Do::Close { .. } => {
            open -= 1;
            None
        }
        // The file that took the place cannot be read to its end.
        Do::Read { cursor: Some(_), .. } if open > 0 => Some(Outcome::Read(Err(FileError::Denied))),
        _ => None,
    };
    story.pass(SECONDS, &mut scarce);
    write(&mut story.disk, A, "three\n");
    story.notice(A);
    story.pass(SECONDS, &mut scarce);
    assert_eq!(told(&story), [one(A, "a descriptor"), one("/log/b.log", "permission denied")].concat());
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "one\ntwo\nthree\n");
}

#[test]
fn where_no_notices_come_a_file_that_rested_for_long_is_looked_at_with_each_rescan() {
    let mut story = Story::new(&[(A, "one\n")], |_| ());
    story.settings.agent.watch = Watch::Poll;
    story.restart();
    story.pass_undisturbed(60 * SECONDS);
    write(&mut story.disk, A, "two\n");
    story.pass_undisturbed(story.settings.agent.rescan + Duration::from_secs(1));
    assert_eq!(story.got, "one\ntwo\n");
}

#[test]
fn a_file_whose_handle_went_stale_is_opened_again_by_its_name() {
    let mut story = Story::new(&[(A, "one\n")], |_| ());
    story.pass_undisturbed(SECONDS);
    write(&mut story.disk, A, "two\n");
    story.notice(A);
    let mut first = None;
    story.pass(SECONDS, &mut |_: &mut Disk, what| match what {
        Do::Read { handle, .. } if *first.get_or_insert(*handle) == *handle => {
            Some(Outcome::Read(Err(FileError::Stale)))
        }
        _ => None,
    });
    assert_eq!(story.got, "one\ntwo\n");
}

#[test]
fn a_file_that_may_be_a_copy_is_told_until_it_is_read() {
    let mut story = Story::new(&[(A, "one\n")], |_| ());
    story.pass_undisturbed(SECONDS);
    write(&mut story.disk, "/log/a-20260101.log", "one\n");
    story.notice_entries("/log");
    story.pass_undisturbed(Duration::from_secs(2));
    assert_eq!(told(&story), one("/log/a-20260101.log", "held back: it may be a copy of /log/a.log"));
    assert_eq!(story.engine.status(story.clock()).flows[0].lag_bytes, 4);
    story.pass_undisturbed(SECONDS);
    assert_eq!(told(&story), []);
    assert_eq!(story.got, "one\none\n");
}
