//! The io halves of destinations: a request goes in, its one answer comes back.

mod file;
mod stdout;
mod writer;

use crate::config::{Aws, FlowIo};
pub(crate) use file::numbered;
use kintail_engine::destination::Answer;
use kintail_engine::event::Request;
use kintail_engine::settings::{Destination, Flow};
pub(crate) use stdout::CLOSED as STDOUT_CLOSED;
use writer::Writer;

/// The io half of a flow's destination. It keeps no queue and retries nothing: the engine's window bounds what is
/// out, and the engine judges each answer.
#[derive(Debug)]
pub(crate) enum Sink {
    /// A file or standard output, written by a thread of its own.
    Local(Writer),
}

/// Why a sink cannot be made; nothing that may pass by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SinkError {
    /// No thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl Sink {
    /// The sink of a flow. What is only found out by trying, and may pass (a full disk, wrong credentials), is an
    /// answer later, not an error here.
    pub(crate) fn for_flow(flow: &Flow, _io: &FlowIo, _aws: &Aws) -> Result<Self, SinkError> {
        Ok(match &flow.destination {
            Destination::File { path, rotate, keep } => {
                Self::Local(Writer::start("file", file::Output::new(path.clone(), *rotate, *keep))?)
            }
            Destination::Stdout => Self::Local(Writer::start("stdout", stdout::Output)?),
            Destination::Kinesis { .. } | Destination::Firehose { .. } => {
                return Err(std::io::Error::other("no such destination yet").into());
            }
        })
    }

    /// Sends a request. `reply` gets its answer, on any thread, exactly once. A network sink spawns a task on the
    /// runtime in which this is called.
    pub(crate) fn send(&self, request: Request, reply: impl FnOnce(Answer) + Send + 'static) {
        match self {
            Self::Local(writer) => writer.send(request.body, Box::new(reply)),
        }
    }
}
