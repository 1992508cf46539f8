//! Does what the engine asks, on a real kernel.

mod sinks;
