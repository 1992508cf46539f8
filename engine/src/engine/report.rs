//! How it is: the status that a person reads.

use super::{Engine, Flow};
use crate::deliver::health;
use crate::event::Now;
use crate::follow::{Cursor, Ending, File, Stage};
use crate::ids::{FlowId, Span};
use crate::status::{FileStatus, FlowStatus, LastError, Status};

impl Engine {
    /// How it is.
    pub fn status(&self, now: Now) -> Status {
        let flows: Vec<FlowStatus> =
            self.flows.iter().enumerate().map(|(index, flow)| self.flow_status(index, flow, now)).collect();
        let problems: Vec<String> = self.keeper.problem.iter().cloned().collect();
        Status {
            healthy: problems.is_empty() && flows.iter().all(|flow| flow.healthy),
            problems,
            memory_used: self.budget.used(),
            memory_limit: self.budget.limit(),
            flows,
        }
    }

    fn flow_status(&self, index: usize, flow: &Flow, now: Now) -> FlowStatus {
        let id = FlowId(index as u32);
        let cursors = self.files.values().filter_map(|file| {
            let cursor = file.cursors.iter().find(|cursor| cursor.flow == id)?;
            Some(file_status(file, cursor))
        });
        let files: Vec<FileStatus> = cursors.collect();
        let lasting = flow.sender.health.lasting();
        let last = flow.sender.health.last();
        let oldest = flow.sender.waiting_since();
        FlowStatus {
            name: flow.settings.name.clone(),
            destination: flow.sender.destination().describe(),
            healthy: lasting.is_none(),
            lag_bytes: files.iter().map(|file| file.lag).sum(),
            lag_seconds: oldest.map_or(0.0, |since| now.mono.saturating_sub(since).as_secs_f64()),
            in_flight: flow.sender.in_flight(),
            waiting_for: waiting_for(flow),
            last_error: last.map(|(failure, time)| LastError {
                kind: failure.kind.name().into(),
                code: failure.code.to_string(),
                message: failure.message.to_string(),
                advice: health::advice(failure.kind).into(),
                time: *time,
                lasting: flow.sender.health.is_failing(),
            }),
            counters: flow.counters,
            files,
        }
    }
}

fn waiting_for(flow: &Flow) -> String {
    if flow.sender.health.has_stopped() {
        return "a restart: more than 100 records a minute were refused".into();
    }
    if let Some(kind) = flow.sender.health.lasting() {
        return format!("the destination: {}", kind.name());
    }
    match flow.sender.paced_at() {
        Some(rate) if !flow.sender.is_empty() => format!("throttling: sending at {rate:.2} shards' rate"),
        _ => String::new(),
    }
}

fn file_status(file: &File, cursor: &Cursor) -> FileStatus {
    let missing = cursor.acked.missing(Span::new(0, file.size));
    let waiting_for = match (&file.problem, cursor.stage) {
        (Some(problem), _) => problem.clone(),
        (None, Stage::Stuck) => "acknowledgements: too many ranges past a record that fails".into(),
        (None, Stage::Unsaved) => "the store".into(),
        (None, Stage::Closed) if file.ending == Ending::Finished || missing.is_empty() => String::new(),
        (None, Stage::Closed) => "the file to be found".into(),
        (None, _) => String::new(),
    };
    FileStatus {
        path: file.path.clone(),
        file: file.id.to_string(),
        offset: cursor.acked.prefix(),
        size: file.size,
        lag: missing.into_iter().map(Span::len).sum(),
        waiting_for,
    }
}
