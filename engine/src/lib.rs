//! The pure core of kintail. It knows no clock, no randomness of its own, no file system, no network:
//! [`Engine::handle`] takes what happened, [`Engine::poll`] gives the next action or the next deadline.
//!
//! The modules, in the order the data takes:
//!
//! - [`ids`], [`settings`], [`event`], [`command`], [`status`], [`shipped`], [`state`]: the words in which all is said
//! - [`json`]: how paths and bytes look in their JSON
//! - `engine`: who calls all that follows; looking, meeting, reading, sending and saving in files of their own
//! - [`discover`]: globs to paths
//! - [`follow`]: a file, and each flow's cursor on it
//! - [`content`]: what a file is recognised by
//! - [`frame`]: bytes to records with spans; [`multiline`]: which lines belong together
//! - [`process`]: what steps make of them
//! - [`batch`], `pack`: records that wait, the batches cut from them, and which lines share a record
//! - [`partition`], [`encode`]: records to keys and bodies
//! - [`destination`]: what a service takes, and what its answers mean
//! - `unpack`: records of several lines taken apart
//! - [`deliver`]: which records go when, and which go again
//! - [`ack`], `ledger`: which bytes are done with, and which are missing
//! - [`budget`]: who holds how much memory; [`timer`]: what is due when
//! - [`job`]: the pure jobs that the driver runs

pub mod ack;
pub mod batch;
pub mod budget;
pub mod command;
pub mod content;
pub mod deliver;
pub mod destination;
pub mod discover;
pub mod encode;
mod engine;
pub mod event;
pub mod follow;
pub mod frame;
pub mod ids;
pub mod job;
pub mod json;
mod ledger;
pub mod multiline;
mod pack;
pub mod partition;
pub mod process;
pub mod settings;
pub mod shipped;
pub mod state;
pub mod status;
pub mod timer;
mod unpack;

pub use engine::{Engine, Level, Note, Poll, Start};
