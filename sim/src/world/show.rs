//! Deeds and outcomes in a few words, for the trace.

use kintail_engine::destination::Answer;
use kintail_engine::event::{Do, Outcome};
use kintail_engine::ids::{CursorId, Epoch, FileId};
use kintail_engine::job::Job;
use kintail_engine::state::{Put, Saved};

/// What the engine asks for.
pub(super) fn deed(what: &Do) -> String {
    match what {
        Do::Load => "load".into(),
        Do::Save(transaction) => {
            let puts: Vec<_> = transaction.puts.iter().map(put).collect();
            format!("save{} {}", if transaction.sync { " and sync" } else { "" }, puts.join("; "))
        }
        Do::List { dir, .. } => format!("list {}", dir.display()),
        Do::Measure { handle } => format!("measure handle {}", handle.0),
        Do::LookDeleted { handle } => format!("look at handle {}", handle.0),
        Do::Look { path } => format!("look {}", path.display()),
        Do::Open { handle, path, codec } => {
            let how = codec.map_or(String::new(), |codec| format!(", {codec:?}"));
            format!("open {} as {}{how}", path.display(), handle.0)
        }
        Do::Read { handle, cursor, offset, len } => {
            format!(
                "read {len} at {offset} of {} for {}",
                handle.0,
                cursor.map_or("nobody".into(), of_cursor)
            )
        }
        Do::Compute(Job::Frame(job)) => {
            format!(
                "frame {} from {} to {}, {:?}{}",
                of_cursor(job.cursor),
                job.base,
                job.base + job.bytes.len() as u64,
                job.mode,
                if job.ended { ", the end" } else { "" }
            )
        }
        Do::Compute(Job::Encode(_)) => "encode".into(),
        Do::Send(request) => format!("send {} records of flow {}", request.records, request.flow.0),
        Do::Switch { name, .. } => format!("switch {name}"),
        Do::Reply { command, .. } => format!("reply {}", command.0),
        other => format!("{other:?}"),
    }
}

/// How it went.
pub(super) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Read(Ok(chunk)) => format!("read {} bytes of {:?}", chunk.bytes.len(), chunk.meta),
        Outcome::Computed(_) => "computed".into(),
        Outcome::Loaded(saved) => format!("loaded {}", rows(saved)),
        Outcome::Sent(sent) => format!("sent: {}", answer(sent)),
        other => format!("{other:?}"),
    }
}

/// A service's answer.
pub(super) fn answer(answer: &Answer) -> String {
    let Answer::Http { status, body, .. } = answer else { return format!("{answer:?}") };
    format!("{status} {}", String::from_utf8_lossy(&body[..body.len().min(60)]))
}

fn rows(saved: &Saved) -> String {
    let flows = saved.flows.iter().cloned().map(Put::Flow);
    let files = saved.files.iter().cloned().map(Put::File);
    let cursors = saved.cursors.iter().cloned().map(Put::Cursor);
    let ledger = saved.ledger.iter().cloned().map(Put::Loss);
    let all: Vec<_> = flows.chain(files).chain(cursors).chain(ledger).map(|row| put(&row)).collect();
    all.join("; ")
}

fn put(put: &Put) -> String {
    match put {
        Put::Flow(row) => format!("flow {} {} possible losses", row.name, row.possible_losses),
        Put::File(row) => format!(
            "file {} {} ino {} head {} finished {}",
            of_file(row.id, row.epoch),
            row.path.display(),
            row.identity.ino,
            row.head.len,
            row.finished
        ),
        Put::Cursor(row) => {
            let ranges: Vec<_> = row.ranges.iter().map(|span| (span.start, span.end)).collect();
            let (file, check) = (of_file(row.file, row.epoch), (row.check.at, row.check.print.len));
            format!(
                "cursor {} {file} at {} {ranges:?} check {check:?} seen {}",
                row.flow, row.prefix, row.seen
            )
        }
        Put::Loss(row) => format!(
            "loss {} {} {:?} {}..{}",
            row.flow,
            of_file(row.file, row.epoch),
            row.reason,
            row.span.start,
            row.span.end
        ),
        other => format!("{other:?}"),
    }
}

fn of_cursor(cursor: CursorId) -> String {
    format!("flow {} {}", cursor.flow.0, of_file(cursor.file, cursor.epoch))
}

fn of_file(file: FileId, epoch: Epoch) -> String {
    format!("{}.{}", file.number, epoch.number)
}
