//! Does what the engine asks, on a real kernel.

pub(crate) mod boot;
pub(crate) mod dead_letters;
pub(crate) mod descriptors;
pub(crate) mod driver;
pub(crate) mod files;
pub(crate) mod keeper;
pub(crate) mod signals;
pub(crate) mod sinks;
pub(crate) mod store;
pub(crate) mod watch;
