//! Talking to the running agent, and what a command does when there is none.

use super::ExitCode;
use crate::io::store::{Database, OpenError, View};
use crate::observe::client::{self, AskError};
use kintail_engine::command::{Command, Reply};
use kintail_engine::event::StoreError;
use kintail_engine::state::{Put, Transaction};
use std::path::Path;

/// Why a command did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The agent is not there, or does not talk.
    #[error(transparent)]
    Agent(#[from] AskError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The store cannot be written.
    #[error(transparent)]
    Save(#[from] StoreError),
    /// It cannot be done; why, and what would help.
    #[error("{0}")]
    Refused(String),
    /// Files other than the store cannot be used.
    #[error("{0}")]
    Io(String),
}

impl Error {
    fn code(&self) -> ExitCode {
        match self {
            Self::Agent(AskError::NoAgent { .. }) => ExitCode::NoAgent,
            Self::Agent(AskError::Denied { .. }) | Self::Save(_) => ExitCode::State,
            Self::Agent(AskError::Broken { .. }) | Self::Refused(_) => ExitCode::Failure,
            Self::Store(error) => error.into(),
            Self::Io(_) => ExitCode::Output,
        }
    }
}

/// How a command ends.
pub(super) fn end(result: Result<ExitCode, Error>) -> ExitCode {
    result.unwrap_or_else(|error| {
        anstream::eprintln!("kintail: {}", super::human::clean(&error.to_string()));
        error.code()
    })
}

/// Asks the agent.
pub(super) fn ask(state_dir: &Path, command: &Command) -> Result<Reply, Error> {
    match client::ask(state_dir, command)? {
        Reply::Refused(why) => Err(Error::Refused(why)),
        reply => Ok(reply),
    }
}

/// Asks the agent; `None` if none runs.
pub(super) fn ask_if_any(state_dir: &Path, command: &Command) -> Result<Option<Reply>, Error> {
    match ask(state_dir, command) {
        Err(Error::Agent(AskError::NoAgent { .. })) => Ok(None),
        reply => reply.map(Some),
    }
}

/// An answer of another kind than was asked for.
pub(super) fn odd(reply: &Reply) -> Error {
    let kind = format!("{reply:?}");
    let kind = kind.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    Error::Refused(format!("the agent, of another version it seems, answers with {kind}"))
}

/// What the store holds; an error if there is none.
pub(super) fn view(state_dir: &Path) -> Result<View, Error> {
    View::read(state_dir)?.ok_or_else(|| no_store(state_dir))
}

/// Changes the store while no agent runs. One that is not there is not made.
pub(super) fn change(
    state_dir: &Path,
    puts: impl FnOnce(kintail_engine::state::Saved) -> Result<Vec<Put>, Error>,
) -> Result<(), Error> {
    if View::read(state_dir)?.is_none() {
        return Err(no_store(state_dir));
    }
    let mut database = Database::open(state_dir)?;
    let puts = puts(database.load()?)?;
    database.save(&Transaction { puts, sync: true })?;
    Ok(database.close()?)
}

fn no_store(state_dir: &Path) -> Error {
    Error::Refused(format!("there is no store in {}: no agent ever ran there", state_dir.display()))
}
