//! Does what the engine asks, on a real kernel.

pub mod store;
