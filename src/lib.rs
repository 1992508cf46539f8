//! kintail follows log files and ships every line. This crate does what the engine asks: files, the network, the
//! store, the command line. Its modules, in the order in which a start goes through them:
//!
//! - [`cli`]: the command line, one file a subcommand
//! - [`config`]: TOML as written to resolved settings, and what is wrong with it
//! - [`run`]: wires everything, from the configuration to the exit code
//! - `io`: the driver, files, watches, and the io halves of destinations
//! - `observe`: how the agent tells how it is
//! - `doctor`: what may go wrong with a right configuration, on this host and at the services
//! - [`exit`]: the exit codes

pub mod cli;
pub mod config;
mod doctor;
pub mod exit;
mod io;
mod observe;
pub mod run;
