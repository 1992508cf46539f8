//! A virtual world in which the whole of kintail's engine runs: the main proof that no line is lost.
//!
//! - `plan`: from a seed to settings, faults and operations
//! - `world`: disk, store, services, clock, writers, and the agent that lives and dies there
//! - `oracle`: what each flow is owed, kept without a line of the engine's code
//! - [`conformance`]: what the virtual io and the real one must do alike
//! - [`runner`]: runs seeds; `shrink` makes a failing one small, `table` counts crash points

pub mod conformance;
mod oracle;
mod plan;
pub mod runner;
mod shrink;
mod spans;
mod table;
mod text;
mod world;
