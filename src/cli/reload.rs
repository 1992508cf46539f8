//! `kintail reload`: the running agent reads its configuration again.

use super::agent::{self, Error};
use super::{ExitCode, refuse, state_dir};
use crate::config::Config;
use kintail_engine::command::{Command, Reply};
use std::path::Path;

/// Tells the agent, also of a configuration that it will not take: then its status says so.
pub(super) fn run(file: &Path) -> ExitCode {
    match Config::load(file) {
        Ok(config) => agent::end(reload(&config.state_dir)),
        Err(error) => {
            let code = refuse(&error);
            // What is wrong was said; an agent that is not there has nothing to add.
            let _ = agent::ask_if_any(&state_dir::guess(file), &Command::Reload);
            code
        }
    }
}

fn reload(state_dir: &Path) -> Result<ExitCode, Error> {
    match agent::ask(state_dir, &Command::Reload) {
        Ok(Reply::Done) => Ok(ExitCode::Success),
        Ok(reply) => Err(agent::odd(&reply)),
        Err(Error::Refused(why)) => {
            anstream::eprintln!("kintail: {}", super::human::clean(&why));
            Ok(ExitCode::Config)
        }
        Err(error) => Err(error),
    }
}
