//! Where the agent is, also when its configuration is wrong by now: just then somebody wants to know how it is.

use super::agent;
use crate::config::{Config, Error};
use kintail_engine::command::Command;
use std::path::{Path, PathBuf};

/// Where it is if the configuration cannot tell any more.
const USUAL: &str = "/var/lib/kintail";

/// The state directory, if the configuration is right, or an agent runs where it seems to say.
pub(super) fn of_agent(file: &Path) -> Result<PathBuf, Error> {
    Config::load(file).map(|config| config.state_dir).or_else(|error| {
        let state_dir = guess(file);
        match agent::ask_if_any(&state_dir, &Command::Losses) {
            Ok(Some(_)) => {
                anstream::eprintln!("kintail: the configuration has errors now, `kintail check` shows them");
                Ok(state_dir)
            }
            _ => Err(error),
        }
    })
}

/// The state directory that a configuration with errors names, if that much of it can be read.
pub(super) fn guess(file: &Path) -> PathBuf {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let table = |text: &str| text.parse::<toml::Table>().unwrap_or_default();
    let named = |table: &toml::Table| Some(table.get("state_dir")?.as_str()?.to_owned());
    let agent = |table: &toml::Table| named(table.get("agent")?.as_table()?);
    // Where it is no TOML, the line may be.
    let mut lines = text.lines().map(table);
    let named = agent(&table(&text)).or_else(|| lines.find_map(|line| named(&line).or_else(|| agent(&line))));
    let dir = file.parent().unwrap_or(Path::new(""));
    dir.join(named.as_deref().unwrap_or(USUAL))
}
