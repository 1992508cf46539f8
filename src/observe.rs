//! How the agent tells how it is.

pub(crate) mod client;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod service_manager;
pub(crate) mod socket;
