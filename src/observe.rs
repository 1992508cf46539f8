//! How the agent tells how it is.

pub(crate) mod logs;
