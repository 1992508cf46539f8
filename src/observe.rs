//! How the agent tells how it is.

pub(crate) mod client;
pub(crate) mod logs;
pub(crate) mod socket;
