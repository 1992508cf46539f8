//! Stories of an agent that is given another configuration while it runs.

use super::disk::Disk;
use super::story::{SECONDS, Story, write};
use kintail_engine::destination::{Answer, Failure, FailureKind};
use kintail_engine::event::{Do, Outcome, StoreError};
use kintail_engine::settings::{Destination, Settings, StartAt};
use std::path::Path;
use std::time::Duration;

fn begun(files: &[(&str, &str)]) -> Story {
    let mut story = Story::new(files, |_| ());
    story.pass_undisturbed(SECONDS);
    story.got.clear();
    story
}

fn append(story: &mut Story, path: &str, text: &str) {
    write(&mut story.disk, path, text);
    story.notice(path);
}

fn files(settings: &mut Settings, globs: &[&str]) {
    settings.flows[0].files = globs.iter().map(ToString::to_string).collect();
}

/// A stream that takes so many records.
fn accepted(records: u32) -> Outcome {
    let entries = vec![r#"{"SequenceNumber":"1","ShardId":"s"}"#; records as usize].join(",");
    let body = format!(r#"{{"FailedRecordCount":0,"Records":[{entries}]}}"#).into();
    Outcome::Sent(Answer::Http { status: 200, error_type: None, clock_offset: None, body })
}

/// A destination that takes nothing.
fn refused() -> Outcome {
    let failure = Failure::new(FailureKind::Output, "Full", "no space");
    Outcome::Sent(Answer::Failed { may_have_arrived: false, failure })
}

#[test]
fn nothing_is_repeated_where_a_flow_changes() {
    let mut story = begun(&[("/log/a.log", "one\n")]);
    append(&mut story, "/log/a.log", "two\nhal");
    story.reload(|settings| settings.flows[0].batch.max_records = 7);
    append(&mut story, "/log/a.log", "f\nthree\n");
    story.pass_undisturbed(SECONDS);
    append(&mut story, "/log/a.log", "four\n");
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "two\nhalf\nthree\nfour\n");
}

#[test]
fn what_was_read_is_delivered_before_a_flow_sends_elsewhere() {
    let mut story = begun(&[("/log/a.log", "one\n")]);
    append(&mut story, "/log/a.log", "two\n");
    let sends = |what: &Do| matches!(what, Do::Send(_));
    story.pass_without(Duration::from_millis(200), |_| false);
    append(&mut story, "/log/a.log", "three\n");
    let mut kept = story.settle(sends);
    if kept.is_empty() {
        story.pass(Duration::from_secs(1), &mut |_, _| None);
        append(&mut story, "/log/a.log", "four\n");
        kept = story.settle(sends);
    }
    story.reload(|settings| {
        settings.flows[0].destination = Destination::File { path: "/out".into(), rotate: 1 << 40, keep: 1 };
    });
    let mut switched = false;
    let mut answered = false;
    for _ in 0..2 {
        story.pass(SECONDS / 10, &mut |_, what| {
            switched |= matches!(what, Do::Switch { .. });
            assert!(answered || !switched || kept.is_empty(), "it waits for the answer");
            None
        });
        for action in kept.drain(..) {
            story.answer(action);
        }
        answered = true;
    }
    assert!(switched);
    assert!(story.got.starts_with("two\nthree\n"), "{}", story.got);
}

#[test]
fn what_a_dead_destination_never_took_is_sent_by_the_new_configuration() {
    let mut story = begun(&[("/log/a.log", "one\n")]);
    append(&mut story, "/log/a.log", "two\n");
    story.pass(SECONDS, &mut |_, what| matches!(what, Do::Send(_)).then(refused));
    story.reload(|settings| settings.flows[0].destination = Destination::Kinesis { stream: "other".into() });
    let mut switched = false;
    let mut body = Vec::new();
    story.pass(SECONDS, &mut |_, what| {
        switched |= matches!(what, Do::Switch { .. });
        match what {
            Do::Send(_) if !switched => Some(refused()),
            Do::Send(request) => {
                body.extend_from_slice(&request.body);
                Some(accepted(request.records))
            }
            _ => None,
        }
    });
    let times = body.windows(4).filter(|bytes| bytes == b"two\n").count();
    assert_eq!(times, 1, "{}", String::from_utf8_lossy(&body));
    assert!(story.saved().cursors.iter().all(|row| row.prefix == 8), "{:?}", story.saved().cursors);
}

#[test]
fn a_file_that_was_deleted_with_lines_unread_is_delivered_by_the_new_configuration() {
    let mut story = begun(&[("/log/a.log", "one\n")]);
    append(&mut story, "/log/a.log", "two\n");
    let node = story.disk.find(Path::new("/log/a.log")).expect("it is there");
    story.pass(Duration::from_secs(1), &mut |_, what| matches!(what, Do::Send(_)).then(refused));
    story.disk.unlink(Path::new("/log/a.log"), 1);
    assert_eq!(story.disk.nodes[node].links, 0);
    story.notice_entries("/log");
    story.pass(Duration::from_secs(1), &mut |_, what| matches!(what, Do::Send(_)).then(refused));
    let mut switched = false;
    story.reload(|settings| settings.flows[0].retry.max = Duration::from_secs(3));
    story.pass(2 * SECONDS, &mut |_, what| {
        switched |= matches!(what, Do::Switch { .. });
        (!switched && matches!(what, Do::Send(_))).then(refused)
    });
    assert_eq!(story.got, "two\n");
}

#[test]
fn a_flow_that_is_removed_reads_nothing_and_goes_on_when_it_is_there_again() {
    let mut story = begun(&[("/log/a.log", "one\n"), ("/log/b.log", "one\n")]);
    let gone = story.settings.flows[0].clone();
    story.reload(|settings| {
        settings.flows[0].name = "other".into();
        settings.flows[0].files = vec!["/other/*.log".into()];
    });
    story.pass_undisturbed(SECONDS);
    assert!(story.closed_all(), "nobody follows them");
    append(&mut story, "/log/a.log", "two\n");
    write(&mut story.disk, "/log/c.log", "new\n");
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "");
    story.reload(|settings| settings.flows[0] = gone);
    story.pass_undisturbed(SECONDS);
    append(&mut story, "/log/a.log", "three\n");
    story.pass_undisturbed(SECONDS);
    let mut lines: Vec<&str> = story.got.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["new", "three", "two"]);
}

#[test]
fn a_flow_that_is_removed_and_added_at_once_repeats_nothing() {
    let mut story = begun(&[("/log/a.log", "one\n")]);
    append(&mut story, "/log/a.log", "two\n");
    let flows = story.settings.flows.clone();
    story.reload(|settings| {
        settings.flows[0].name = "other".into();
        settings.flows[0].files = vec!["/other/*.log".into()];
    });
    story.reload(|settings| settings.flows.clone_from(&flows));
    story.pass_undisturbed(SECONDS);
    story.reload(|settings| settings.flows[0].name = "other".into());
    // It has ended, and its places are not saved yet.
    story.settle(|what| matches!(what, Do::Save(_)));
    story.reload(|settings| settings.flows = flows);
    append(&mut story, "/log/a.log", "three\n");
    story.pass_undisturbed(2 * SECONDS);
    assert_eq!(story.got, "two\nthree\n");
}

#[test]
fn a_store_that_cannot_be_written_holds_no_reload_up() {
    let full = |_: &mut Disk, what: &Do| {
        matches!(what, Do::Save(_)).then(|| Outcome::Saved(Err(StoreError("disk full".into()))))
    };
    let mut story = begun(&[("/log/a.log", "one\n"), ("/more/b.log", "b\n")]);
    append(&mut story, "/log/a.log", "two\n");
    story.pass(SECONDS, &mut { full });
    story.reload(|settings| files(settings, &["/log/**/*.log", "/more/*.log"]));
    story.pass(SECONDS, &mut { full });
    assert_eq!(story.got, "two\nb\n");
    // It ends and begins again, and only we know where it was.
    let flows = story.settings.flows.clone();
    story.reload(|settings| settings.flows[0].name = "other".into());
    story.settle(|what| matches!(what, Do::Save(_)));
    story.reload(|settings| settings.flows = flows);
    append(&mut story, "/log/a.log", "three\n");
    story.pass(SECONDS, &mut { full });
    assert_eq!(story.got.matches("two").count(), 1, "{}", story.got);
    assert!(story.got.ends_with("three\n"), "{}", story.got);
}

#[test]
fn a_new_flow_begins_and_others_go_on() {
    let mut story = begun(&[("/log/a.log", "one\n"), ("/new/b.log", "b\n")]);
    story.reload(|settings| {
        let mut flow = settings.flows[0].clone();
        (flow.name, flow.files) = ("new".into(), vec!["/new/*.log".into(), "/log/a.log".into()]);
        settings.flows.insert(0, flow);
    });
    story.pass_undisturbed(SECONDS);
    append(&mut story, "/log/a.log", "two\n");
    story.pass_undisturbed(SECONDS);
    let mut lines: Vec<&str> = story.got.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["b", "one", "two", "two"]);
    story.got.clear();
    story.restart();
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "");
}

#[test]
fn with_wider_globs_a_flow_that_starts_at_the_end_starts_there_in_what_is_new() {
    let mut story = Story::new(&[("/log/a.log", "one\n"), ("/new/b.log", "b\n")], |flow| {
        flow.start_at = StartAt::End;
    });
    story.pass_undisturbed(SECONDS);
    append(&mut story, "/log/a.log", "two\n");
    story.reload(|settings| files(settings, &["/log/**/*.log", "/new/*.log"]));
    story.pass_undisturbed(SECONDS);
    append(&mut story, "/new/b.log", "c\n");
    append(&mut story, "/log/a.log", "three\n");
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "two\nc\nthree\n");
}

#[test]
fn what_narrower_globs_no_longer_lead_to_is_not_read() {
    for restart in [false, true] {
        let mut story = begun(&[("/log/a.log", "one\n"), ("/log/b.log", "one\n")]);
        if restart {
            files(&mut story.settings, &["/log/b.log"]);
            story.restart();
        } else {
            story.reload(|settings| files(settings, &["/log/b.log"]));
        }
        story.pass_undisturbed(SECONDS);
        for second in 0..20 {
            append(&mut story, "/log/a.log", &format!("a {second}\n"));
            append(&mut story, "/log/b.log", &format!("b {second}\n"));
            story.pass_undisturbed(Duration::from_secs(1));
        }
        assert!(!story.got.contains("a "), "restarted: {restart}; {}", story.got);
        assert_eq!(story.got.lines().count(), 20);
        story.got.clear();
        story.reload(|settings| files(settings, &["/log/*.log"]));
        story.pass_undisturbed(SECONDS);
        assert_eq!(story.got.lines().count(), 20, "restarted: {restart}; {}", story.got);
        assert!(story.got.starts_with("a 0\n"), "restarted: {restart}; {}", story.got);
    }
}

#[test]
fn a_rotated_file_is_read_to_its_end_under_narrower_globs() {
    let mut story = begun(&[("/log/a.log", "one\n"), ("/log/b.log", "one\n")]);
    append(&mut story, "/log/a.log", "two\n");
    story.disk.rename(Path::new("/log/a.log"), Path::new("/log/a.log.1"), 1);
    story.reload(|settings| files(settings, &["/log/a.log"]));
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "two\n");
}

#[test]
fn a_file_that_other_globs_lead_to_is_not_begun_again() {
    let mut story = begun(&[("/log/a.log", "one\n")]);
    story.disk.make_dir(Path::new("/moved"), 1);
    assert!(story.disk.link(Path::new("/log/a.log"), Path::new("/moved/a.log"), 1));
    story.reload(|settings| files(settings, &["/moved/*.log"]));
    append(&mut story, "/moved/a.log", "two\n");
    story.pass_undisturbed(SECONDS);
    append(&mut story, "/moved/a.log", "three\n");
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "two\nthree\n");
}

#[test]
fn the_agent_ends_in_the_middle_of_a_change() {
    let mut story = begun(&[("/log/a.log", "one\n")]);
    append(&mut story, "/log/a.log", "two\n");
    story.pass(Duration::from_secs(1), &mut |_, what| matches!(what, Do::Send(_)).then(refused));
    story.reload(|settings| settings.flows[0].batch.max_records = 7);
    story.stop();
    assert_eq!(story.got, "two\n");
    story.restart();
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "two\n");
}

#[test]
fn a_flow_that_has_stopped_goes_on_after_a_reload() {
    let mut story = Story::new(&[], |flow| flow.destination = Destination::Kinesis { stream: "s".into() });
    let lines = "a line\n".repeat(150);
    write(&mut story.disk, "/log/a.log", &lines);
    let answer = |status, body: &'static [u8]| {
        Some(Outcome::Sent(Answer::Http { status, error_type: None, clock_offset: None, body: body.into() }))
    };
    story.pass(Duration::from_mins(5), &mut |_, what| match what {
        Do::Send(_) => answer(400, br#"{"__type":"ValidationException","message":"no"}"#),
        _ => None,
    });
    story.reload(|_| ());
    let mut taken = 0;
    story.pass(Duration::from_mins(5), &mut |_, what| match what {
        Do::Send(request) => {
            taken += request.records;
            Some(accepted(request.records))
        }
        _ => None,
    });
    assert!(taken > 0);
    assert!(story.saved().cursors.iter().all(|row| row.prefix == lines.len() as u64));
}
