//! Asks the running agent through its status socket.

use super::socket::{self, THINK};
use kintail_engine::command::{Command, Reply};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nobody listens.
    #[error("no agent is running on {}", state_dir.display())]
    NoAgent {
        /// The state directory that was looked into.
        state_dir: PathBuf,
    },
    /// The agent runs, but as somebody else.
    #[error("{}: permission denied; run this as the user that runs the agent", state_dir.display())]
    Denied {
        /// The state directory that was looked into.
        state_dir: PathBuf,
    },
    /// The talk broke off.
    #[error("the agent on {} does not answer: {source}", state_dir.display())]
    Broken {
        /// The state directory that was looked into.
        state_dir: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Asks the agent that keeps its state in `state_dir`.
pub(crate) fn ask(state_dir: &Path, command: &Command) -> Result<Reply, AskError> {
    let here = || state_dir.to_path_buf();
    let stream = connect(state_dir).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => AskError::NoAgent { state_dir: here() },
        ErrorKind::PermissionDenied => AskError::Denied { state_dir: here() },
        _ => AskError::Broken { state_dir: here(), source: error },
    })?;
    talk(stream, command).map_err(|source| AskError::Broken { state_dir: here(), source })
}

fn connect(state_dir: &Path) -> io::Result<UnixStream> {
    let named = |name| socket::address(state_dir, name).and_then(|(path, _dir)| UnixStream::connect(path));
    match named(socket::NAME) {
        // Whoever is in `status_group` may ask there.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            named(socket::READERS).map_err(|_| error)
        }
        other => other,
    }
}

fn talk(mut stream: UnixStream, command: &Command) -> io::Result<Reply> {
    // A little longer than the agent's own patience, so that it is the one to say why.
    stream.set_read_timeout(Some(THINK + Duration::from_secs(20)))?;
    stream.set_write_timeout(Some(Duration::from_secs(20)))?;
    let mut line = serde_json::to_vec(command)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = Vec::new();
    BufReader::new(stream).read_until(b'\n', &mut answer)?;
    if answer.is_empty() {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&answer)?)
}
