//! Does what the engine asks, on a real kernel.

mod files;
mod sinks;
mod watch;
