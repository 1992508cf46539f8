//! How it is: the status that a person reads.

use super::tree::Lead;
use super::unread::WAITS_FOR_ROOM;
use super::{Engine, Flow};
use crate::deliver::health;
use crate::event::Now;
use crate::follow::{Cursor, Ending, File, Stage};
use crate::ids::{FlowId, Span};
use crate::status::{FileStatus, FlowStatus, LastError, Status, UnreadName};
use std::path::Path;
use std::sync::Arc;

impl Engine {
    /// How it is.
    pub fn status(&self, now: Now) -> Status {
        let unread = self.unread_names().into_iter();
        let flows: Vec<FlowStatus> = self
            .flows
            .iter()
            .zip(unread)
            .enumerate()
            .filter(|(_, (flow, _))| !flow.is_gone())
            .map(|(index, (flow, unread))| self.flow_status(index, flow, unread, now))
            .collect();
        let problems: Vec<String> = self.keeper.problem.iter().cloned().collect();
        Status {
            healthy: problems.is_empty() && flows.iter().all(|flow| flow.healthy),
            problems,
            memory_used: self.budget.used(),
            memory_limit: self.budget.limit(),
            open_files: self.files.values().filter(|file| file.handle.is_some()).count() as u64,
            store_times: self.keeper.times,
            flows,
        }
    }

    fn flow_status(
        &self,
        index: usize,
        flow: &Flow,
        (unread, unread_names): (Vec<UnreadName>, u64),
        now: Now,
    ) -> FlowStatus {
        let id = FlowId(index as u32);
        let cursors = self.files.values().filter_map(|file| {
            let cursor = file.cursors.iter().find(|cursor| cursor.flow == id)?;
            Some(self.file_status(flow, file, cursor))
        });
        let files: Vec<FileStatus> = cursors.collect();
        let lasting = flow.sender.health.lasting();
        let last = flow.sender.health.last();
        let oldest = flow.sender.waiting_since();
        FlowStatus {
            name: flow.settings.name.clone(),
            destination: flow.sender.destination().describe(),
            healthy: lasting.is_none(),
            lag_bytes: files.iter().map(|file| file.lag).sum::<u64>() + self.held_bytes(id),
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
            request_times: flow.request_times,
            request_records: flow.request_records,
            files,
            unread,
            unread_names,
            deleted_bytes: self.deleted_bytes(id),
        }
    }
}

impl Engine {
    fn file_status(&self, flow: &Flow, file: &File, cursor: &Cursor) -> FileStatus {
        let missing = cursor.acked.missing(Span::new(0, file.size));
        let lag = missing.into_iter().map(Span::len).sum();
        FileStatus {
            path: file.path.to_path_buf(),
            file: file.id.to_string(),
            offset: cursor.acked.prefix(),
            size: file.size,
            lag,
            waiting_for: waits_for(flow, file, cursor, lag > 0, self.waits_for_room(file)),
        }
    }

    /// Whether a closed file is to be opened again, and there is no descriptor.
    fn waits_for_room(&self, file: &File) -> bool {
        let waits = |path: &Arc<Path>| {
            self.tree.name_at(path).is_some_and(|known| self.awaits_room(path.to_path_buf(), known))
        };
        file.handle.is_none()
            && (file.names.iter().any(waits)
                || self.room.awaits(file.path.to_path_buf(), Lead::Saved(file.id)))
    }
}

fn waiting_for(flow: &Flow) -> String {
    if flow.sender.health.has_stopped() {
        return "a restart: more than 100 records a minute were refused".into();
    }
    if let Some(kind) = flow.sender.health.lasting() {
        return format!("the destination: {}", kind.name());
    }
    if !flow.is_settled() {
        return "its new configuration: what was read is delivered first".into();
    }
    match flow.sender.paced_at() {
        Some(rate) if !flow.sender.is_empty() => format!("throttling: sending at {rate:.2} shards' rate"),
        _ => String::new(),
    }
}

/// Why a file is not being read, in words; empty when it is, or when there is nothing to read.
fn waits_for(flow: &Flow, file: &File, cursor: &Cursor, is_behind: bool, waits_for_room: bool) -> String {
    let ails = flow.sender.health.has_stopped() || flow.sender.health.lasting().is_some();
    match (&file.problem, cursor.stage) {
        (Some(problem), _) => problem.to_string(),
        (None, Stage::Stuck) => "acknowledgements: too many ranges past a record that fails".into(),
        (None, Stage::Waits) => "the file before it, which is not read to its end".into(),
        (None, Stage::Unsaved) => "the store".into(),
        (None, Stage::Closed) if waits_for_room => WAITS_FOR_ROOM.into(),
        (None, Stage::Closed) if is_behind && file.ending != Ending::Finished => {
            "the file to be found".into()
        }
        (None, _) if is_behind && ails => "the destination".into(),
        (None, _) => String::new(),
    }
}
