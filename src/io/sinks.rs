//! The io halves of destinations: a request goes in, its one answer comes back.

mod aws;
mod file;
mod firehose;
mod kinesis;
mod stdout;
mod writer;

pub(crate) use aws::Question;
pub(crate) use file::numbered;
pub(crate) use stdout::{CLOSED as STDOUT_CLOSED, is_null as stdout_is_null};

use self::aws::{Access, CaBundleError, Remote};
use crate::config::{Aws, FlowIo};
use bytes::Bytes;
use firehose::Firehose;
use kinesis::Kinesis;
use kintail_engine::destination::{Answer, Failure, FailureKind};
use kintail_engine::event::Request;
use kintail_engine::settings::{Destination, Flow, Wire};
use writer::Writer;

/// The io half of a flow's destination. It keeps no queue and retries nothing: the engine's window bounds what is
/// out, and the engine judges each answer.
#[derive(Debug)]
pub(crate) enum Sink {
    /// A file or standard output, written by a thread of its own.
    Local(Writer),
    /// A data stream.
    Kinesis(Remote<Kinesis>),
    /// A delivery stream.
    Firehose(Remote<Firehose>),
}

/// Why a sink cannot be made; nothing that may pass by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SinkError {
    /// No thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// Nobody to trust.
    #[error(transparent)]
    CaBundle(#[from] CaBundleError),
}

impl Sink {
    /// The sink of a flow. What is only found out by trying, and may pass (a full disk, wrong credentials), is an
    /// answer later, not an error here.
    pub(crate) fn for_flow(flow: &Flow, io: &FlowIo, aws: &Aws) -> Result<Self, SinkError> {
        Ok(match &flow.destination {
            Destination::File { path, rotate, keep } => {
                Self::Local(Writer::start("file", file::Output::new(path.clone(), *rotate, *keep))?)
            }
            Destination::Stdout => Self::Local(Writer::start("stdout", stdout::Output)?),
            Destination::Kinesis { stream } => {
                let arn = stream.starts_with("arn:").then(|| stream.clone());
                Self::Kinesis(Remote::new(Kinesis { arn }, Access::new(aws, io)?, flow.wire == Wire::Auto))
            }
            Destination::Firehose { .. } => {
                Self::Firehose(Remote::new(Firehose, Access::new(aws, io)?, false))
            }
        })
    }

    /// Sends a request. `reply` gets its answer, on any thread, exactly once. A network sink spawns a task on the
    /// runtime in which this is called.
    pub(crate) fn send(&self, request: Request, reply: impl FnOnce(Answer) + Send + 'static) {
        match self {
            Self::Local(writer) => writer.send(request.body, Box::new(reply)),
            Self::Kinesis(remote) => remote.send(request.body, reply),
            Self::Firehose(remote) => remote.send(request.body, reply),
        }
    }

    /// Whose the credentials are, as an ARN.
    pub(crate) async fn identity(&self) -> Result<String, Failure> {
        match self {
            Self::Kinesis(remote) => remote.identity().await,
            Self::Firehose(remote) => remote.identity().await,
            Self::Local(_) => Ok("nobody".into()),
        }
    }

    /// Asks about the stream, as [`Self::send`] sends.
    pub(crate) fn ask(&self, what: Question, body: Bytes, reply: impl FnOnce(Answer) + Send + 'static) {
        match self {
            Self::Kinesis(remote) => remote.ask(what, body, reply),
            Self::Firehose(remote) => remote.ask(what, body, reply),
            Self::Local(_) => reply(no_shards()),
        }
    }
}

/// What a destination without shards answers; the engine never asks one.
fn no_shards() -> Answer {
    let failure = Failure::new(FailureKind::Missing, "NoShards", "the destination has no shards");
    Answer::Failed { may_have_arrived: false, failure }
}
