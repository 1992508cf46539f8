//! Lines that belong together: as the engine is told, and which they are, in code of its own.

use super::steps::Steps;
use crate::text::LineId;
use kintail_engine::multiline::{Join, Multiline};
use kintail_engine::process::Pattern;
use kintail_engine::settings::{Destination, Flow, Newline};
use std::sync::Arc;
use std::time::Duration;

/// Of some flows without steps, by what is drawn already; where it can be told which lines a record has.
pub(crate) fn settings(flow: &Flow, steps: Steps) -> Option<Arc<Multiline>> {
    let dice = flow.close_after.as_millis() as usize;
    let told = matches!(flow.destination, Destination::Kinesis { .. }) && flow.newline == Newline::Keep;
    if !told || steps != Steps::NONE || !dice.is_multiple_of(3) {
        return None;
    }
    let join = Join::Start(Pattern::new("(?s-u)^...[0-7]").expect("a pattern"));
    Some(Arc::new(Multiline {
        join,
        max_wait: Duration::from_millis([0, 50, 300, 2000][dice / 3 % 4]),
        max_lines: [2, 5, 10_000][dice / 12 % 3],
        max_bytes: [150, 1000, 1 << 20][dice / 36 % 3],
    }))
}

/// Whether a line of this number begins a record.
pub(crate) fn begins(id: LineId) -> bool {
    id.0 % 32 < 8
}
