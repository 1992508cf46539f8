//! kintail follows log files and ships every line. This crate does what the engine asks: files, the network, the
//! store, the command line. Its modules, in the order in which a start goes through them:
//!
//! - [`cli`]: the command line, one file a subcommand
//! - [`config`]: TOML as written to resolved settings, and what is wrong with it
//! - [`io`]: the store

pub mod cli;
pub mod config;
pub mod io;
