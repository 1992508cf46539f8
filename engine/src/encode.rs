//! Records to a body.

use crate::ids::FlowId;

/// Records to put into a body.
#[derive(Debug)]
pub struct EncodeJob {
    /// Whose.
    pub flow: FlowId,
}

/// A body.
#[derive(Debug)]
pub struct Encoded {}

impl EncodeJob {
    /// Encodes.
    pub fn run(self) -> Encoded {
        Encoded {}
    }
}
