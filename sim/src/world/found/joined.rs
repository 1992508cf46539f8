//! ... of records of several lines.

use super::super::story::{SECONDS, Story, write};
use super::{A, FIRST, rename};
use kintail_engine::destination::{Answer, Failure, FailureKind};
use kintail_engine::event::{Do, Outcome};
use kintail_engine::multiline::{Join, Multiline};
use kintail_engine::process::Pattern;
use kintail_engine::settings::Flow;
use std::sync::Arc;
use std::time::Duration;

/// A line that begins with a digit begins a record, which is complete after a minute.
fn by_digits(flow: &mut Flow) {
    let join = Join::Start(Pattern::new("^[0-9]").expect("a pattern"));
    let max_wait = Duration::from_mins(1);
    flow.multiline = Some(Arc::new(Multiline { join, max_wait, max_lines: 100, max_bytes: 1 << 20 }));
}

#[test]
fn a_record_that_is_written_slowly_is_one_and_its_last_line_waits() {
    let mut story = Story::new(&[(A, "1 a\n")], by_digits);
    for piece in [" b\n", " c", " and more\n", "2\n", " d\n"] {
        story.pass_undisturbed(SECONDS);
        write(&mut story.disk, A, piece);
        story.notice(A);
    }
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "1 a\n b\n c and more\n");
    // Nobody looks at the file but for the record's sake.
    story.settings.agent.rescan = Duration::from_hours(1);
    story.restart();
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "1 a\n b\n c and more\n", "an agent that was just started waits, too");
    story.pass_undisturbed(Duration::from_mins(1));
    assert_eq!(story.got, "1 a\n b\n c and more\n2\n d\n");
}

#[test]
fn a_rotation_amid_a_record_leaves_it_whole() {
    let mut story = Story::new(&[(A, "1 a\n")], by_digits);
    story.pass_undisturbed(SECONDS);
    rename(&mut story, A, FIRST);
    write(&mut story.disk, FIRST, " b\n");
    write(&mut story.disk, A, "2 c\n");
    story.notice_entries("/log");
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "1 a\n b\n", "it is complete when its file is finished");
    story.pass_undisturbed(Duration::from_mins(1));
    assert_eq!(story.got, "1 a\n b\n2 c\n");
}

#[test]
fn after_a_restart_a_header_line_that_is_done_with_is_not_joined_to_what_follows() {
    let mut story = Story::new(&[(A, "header\n")], |flow| {
        by_digits(flow);
        flow.line.skip_header = 2;
    });
    story.pass_undisturbed(SECONDS);
    write(&mut story.disk, A, "header\n 1\n b\n2\n");
    story.notice(A);
    // The record is made and not accepted: only the header is saved.
    story.pass(SECONDS, &mut |_, what| {
        let failure = Failure::new(FailureKind::Transient, "Timeout", "no answer");
        matches!(what, Do::Send(_))
            .then(|| Outcome::Sent(Answer::Failed { may_have_arrived: false, failure }))
    });
    story.restart();
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, " 1\n b\n");
}
