//! `kintail preview`: the records as they would be sent, made by the engine's own jobs; none is sent, nothing saved.

mod shown;
mod source;

use super::{ExitCode, PreviewArgs};
use crate::config::Config;
use kintail_engine::frame::{FrameJob, Framing, Position, Rules, Step};
use kintail_engine::ids::{CursorId, Epoch, FileId, FlowId, RunId};
use kintail_engine::multiline::{Joining, Multiline};
use kintail_engine::process::{Processing, Program};
use kintail_engine::settings::Flow;
use kintail_engine::state::{Check, Fingerprint};
use shown::Shower;
use source::Source;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much is read at once.
const CHUNK: u64 = 1024 * 1024;
/// A half line longer than this is searched on, not read again from its start; below [`CHUNK`], so that each read
/// brings something new.
const HOLD: u64 = 64 * 1024;
/// Most bytes that steps may make of what is read at once.
const ROOM: u64 = 64 * 1024 * 1024;
/// There are no others here.
const CURSOR: CursorId = CursorId {
    flow: FlowId(0),
    file: FileId { run: RunId(0), number: 1 },
    epoch: Epoch { run: RunId(0), number: 0 },
};

/// Why a preview ends early.
#[derive(Debug, thiserror::Error)]
enum PreviewError {
    #[error("{}: {error}", path.display())]
    Input { path: PathBuf, error: io::Error },
    #[error("{}: the file changed while it was read", .0.display())]
    Changed(PathBuf),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// Shows them.
pub(super) fn run(config: &Config, args: &PreviewArgs) -> ExitCode {
    let flow = match chosen(config, args.flow.as_deref()) {
        Ok(flow) => flow,
        Err(why) => {
            anstream::eprintln!("kintail: {why}");
            return ExitCode::Usage;
        }
    };
    let inputs = if args.files.is_empty() { &[PathBuf::from("-")] } else { &args.files[..] };
    let shown = inputs.iter().try_for_each(|path| preview(config, flow, path, args.json));
    match shown {
        Err(PreviewError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::Success,
        Err(error) => {
            anstream::eprintln!("kintail: {error}");
            ExitCode::Output
        }
        Ok(()) => ExitCode::Success,
    }
}

fn chosen<'a>(config: &'a Config, name: Option<&str>) -> Result<&'a Flow, String> {
    let flows = &config.engine.flows;
    let names = || flows.iter().map(|flow| flow.name.as_str()).collect::<Vec<_>>().join(", ");
    match (name, &flows[..]) {
        (None, [flow]) => Ok(flow),
        (None, _) => Err(format!("which flow? --flow takes one of {}", names())),
        (Some(name), _) => flows
            .iter()
            .find(|flow| flow.name == name)
            .ok_or_else(|| format!("there is no such flow; --flow takes one of {}", names())),
    }
}

fn preview(config: &Config, flow: &Flow, path: &Path, json: bool) -> Result<(), PreviewError> {
    let input = |error| PreviewError::Input { path: path.to_owned(), error };
    let source = Source::open(path).map_err(input)?;
    let size = source.size().map_err(input)?;
    let mut shower = Shower::new(flow, &config.engine.agent.host, path, json);
    let rules = Rules::new(&flow.line, shower.payload());
    let mut process = processing(config, flow, path, source.mtime());
    let joining = joining(flow);
    let mut position = Position::new(Check::default(), flow.line.skip_header);
    while position.line.at < size {
        let (check, mode, need) = match position.step(rules) {
            Step::Read { check, mode, need } => (check, mode, need),
            Step::Skip { span, reason } => {
                shower.skipped(span, reason)?;
                continue;
            }
        };
        let before = u64::from(check.print.len);
        let base = check.at - before;
        let bytes = source.read(base, before + need.unwrap_or(CHUNK).min(size - check.at)).map_err(input)?;
        let ended = base + bytes.len() as u64 >= size;
        let job = FrameJob {
            cursor: CURSOR,
            bytes,
            base,
            check,
            head: Fingerprint::default(),
            mode,
            data: position.data(),
            header: position.header,
            ended,
            hole: false,
            hold: HOLD,
            rules,
            joining: joining.clone(),
            process: process.clone(),
        };
        let Framing::Same(cut) = job.run().framing else {
            return Err(PreviewError::Changed(path.to_owned()));
        };
        let stood = position;
        position.advance(mode, &cut);
        if let (Some(process), Some(program)) = (&mut process, &cut.program) {
            process.program = Arc::clone(program);
        }
        shower.cut(*cut)?;
        if position == stood {
            // The file is shorter than it was.
            return Err(PreviewError::Changed(path.to_owned()));
        }
    }
    Ok(shower.finish()?)
}

/// How the flow joins lines: as if nothing were ever added.
fn joining(flow: &Flow) -> Option<Box<Joining>> {
    let rules = Multiline::of(flow)?;
    Some(Box::new(Joining { rules, waited: false, breaks: Vec::new() }))
}

/// The flow's steps, for all lines of a file.
fn processing(config: &Config, flow: &Flow, path: &Path, mtime: i64) -> Option<Box<Processing>> {
    let program = Program::new(flow, &config.engine.agent)?;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Some(Box::new(Processing { program, path: path.into(), now: wall(), mtime, room: ROOM }))
}

/// Wall time in nanoseconds since the epoch.
fn wall() -> i64 {
    jiff::Timestamp::now().as_nanosecond() as i64
}
