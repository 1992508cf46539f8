//! Compute jobs: pure functions that the driver may run anywhere, in any order.

use crate::encode::{EncodeJob, Encoded};
use crate::frame::{FrameJob, Framed};
use crate::ids::FlowId;

/// A pure job.
#[derive(Debug)]
pub enum Job {
    /// Bytes to records.
    Frame(FrameJob),
    /// Records to a body.
    Encode(EncodeJob),
}

/// What came of a job.
#[derive(Debug)]
pub enum JobDone {
    /// Of [`Job::Frame`].
    Framed(Framed),
    /// Of [`Job::Encode`].
    Encoded(Encoded),
}

impl Job {
    /// Does it.
    pub fn run(self) -> JobDone {
        match self {
            Self::Frame(job) => JobDone::Framed(job.run()),
            Self::Encode(job) => JobDone::Encoded(job.run()),
        }
    }

    /// For which flow.
    pub fn flow(&self) -> FlowId {
        match self {
            Self::Frame(job) => job.cursor.flow,
            Self::Encode(job) => job.flow,
        }
    }
}
