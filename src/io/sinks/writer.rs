//! A thread that writes bodies one after the other, so that a slow disk or a full pipe holds up nothing else.

use bytes::Bytes;
use kintail_engine::destination::{Answer, Failure, FailureKind};
use std::fmt;
use std::sync::mpsc::{Sender, channel};
use std::{io, thread};

/// The thread, as the driver sees it. It is never joined: a write that hangs is left behind at exit.
pub(crate) struct Writer {
    bodies: Sender<(Bytes, Reply)>,
}

/// What gets an answer.
pub(super) type Reply = Box<dyn FnOnce(Answer) + Send>;

/// Where bodies are written.
pub(super) trait Output: Send + 'static {
    /// Writes a body of whole records: all of it, or, as far as it can be had, nothing.
    fn write(&mut self, body: &[u8]) -> Answer;
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(name: &str, mut output: impl Output) -> io::Result<Self> {
        let (bodies, inbox) = channel::<(Bytes, Reply)>();
        thread::Builder::new().name(name.into()).spawn(move || {
            for (body, reply) in inbox {
                let answer = output.write(&body);
                // The body is counted as held until it is answered.
                drop(body);
                reply(answer);
            }
        })?;
        Ok(Self { bodies })
    }

    /// Writes a body.
    pub(super) fn send(&self, body: Bytes, reply: Reply) {
        if let Err(unsent) = self.bodies.send((body, reply)) {
            let (_, reply) = unsent.0;
            reply(failed("Stopped", "the thread that writes has ended"));
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// Nothing was written.
pub(super) fn failed(code: &str, message: &str) -> Answer {
    Answer::Failed { may_have_arrived: false, failure: Failure::new(FailureKind::Output, code, message) }
}
