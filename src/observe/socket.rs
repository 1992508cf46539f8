//! The status socket, `state_dir/kintail.sock`: one question as a line of JSON, one answer as a line of JSON, and
//! it is closed. A second one, `status.sock`, is for a group that may ask and not order.

use kintail_engine::command::{Command, Reply};
use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// The socket's name in the state directory.
pub(crate) const NAME: &str = "kintail.sock";

/// The name of the one for the group.
pub(crate) const READERS: &str = "status.sock";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    /// Whoever runs the agent.
    Owner,
    /// Somebody of the group.
    Reader,
}

/// Why there is no socket for the group.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GroupError {
    /// The system knows none of this name.
    #[error("status_group: there is no group {0}")]
    Unknown(String),
    /// The agent may not give it away.
    #[error(
        "status_group: {path} cannot be given to the group {group}: {source}; the agent's user must be in it"
    )]
    Denied {
        /// The group.
        group: String,
        /// What was to be its.
        path: String,
        /// Why not.
        source: io::Error,
    },
}

/// Longest question in bytes; longer than any but a resend needs.
pub(crate) const LONGEST: u64 = 64 * 1024 * 1024;

/// Most questions at once; more wait to be accepted.
const CONNECTIONS: usize = 8;

/// Longest wait for a question, and for an answer to be taken.
const TALK: Duration = Duration::from_secs(10);

/// Longest wait for the agent's answer: to drain a file takes its time.
pub(crate) const THINK: Duration = Duration::from_mins(2);

/// Longest path of a socket that the kernel takes, without the final NUL.
const LONGEST_PATH: usize = 107;

/// A question, and where its answer goes.
pub(crate) type Question = (Command, oneshot::Sender<Reply>);

/// Opens the socket and answers through `ask`, for as long as the future is polled. Whoever calls this holds the
/// store's lock: a socket that is there already is a dead agent's.
pub(crate) fn serve(
    state_dir: &Path,
    ask: mpsc::Sender<Question>,
) -> io::Result<impl Future<Output = ()> + use<>> {
    let listener = listen(bind(state_dir, NAME, Mode::RUSR | Mode::WUSR)?)?;
    Ok(accept(listener, ask, Asker::Owner))
}

/// The same for a group, which may only ask: it gets into the state directory, and sees nothing there but its socket.
pub(crate) fn serve_group(
    state_dir: &Path,
    group: &str,
    ask: mpsc::Sender<Question>,
) -> Result<impl Future<Output = ()> + use<>, GroupError> {
    let number = uzers::get_group_by_name(group).ok_or_else(|| GroupError::Unknown(group.to_owned()))?.gid();
    let denied = |path: &Path, source| {
        let (group, path) = (group.to_owned(), path.display().to_string());
        GroupError::Denied { group, path, source }
    };
    let give = |path: &Path, mode| {
        std::os::unix::fs::chown(path, None, Some(number))
            .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
            .map_err(|error| denied(path, error))
    };
    give(state_dir, 0o710)?;
    let path = state_dir.join(READERS);
    let listener = bind(state_dir, READERS, Mode::RUSR | Mode::WUSR).and_then(listen);
    let listener = listener.map_err(|error| denied(&path, error))?;
    give(&path, 0o660)?;
    Ok(accept(listener, ask, Asker::Reader))
}

/// Nobody is to get in any more who a former configuration let in.
pub(crate) fn close_to_group(state_dir: &Path) -> io::Result<()> {
    match fs::remove_file(state_dir.join(READERS)) {
        Ok(()) => fs::set_permissions(state_dir, fs::Permissions::from_mode(0o700)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn listen(listener: StdListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// A name by which the kernel takes a socket in `dir`, and what must stay open meanwhile.
pub(crate) fn address(dir: &Path, name: &str) -> io::Result<(PathBuf, Option<OwnedFd>)> {
    let path = dir.join(name);
    if path.as_os_str().len() <= LONGEST_PATH {
        return Ok((path, None));
    }
    let dir = rustix::fs::open(dir, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    Ok((format!("/proc/self/fd/{}/{name}", dir.as_raw_fd()).into(), Some(dir)))
}

/// A listening socket of this mode from its first moment, in the place of an old one.
fn bind(state_dir: &Path, name: &str, mode: Mode) -> io::Result<StdListener> {
    let fresh = &*format!("{name}.new");
    match fs::remove_file(state_dir.join(fresh)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let (path, _dir) = address(state_dir, fresh)?;
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // Linux gives the name that it binds the mode of the socket.
    rustix::fs::fchmod(&socket, mode)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    rustix::net::listen(&socket, CONNECTIONS as i32)?;
    fs::rename(state_dir.join(fresh), state_dir.join(name))?;
    Ok(socket.into())
}

async fn accept(listener: UnixListener, ask: mpsc::Sender<Question>, asker: Asker) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // The semaphore is never closed.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let ask = ask.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, &ask, asker).await {
                        tracing::debug!(%error, "a question on the status socket came to nothing");
                    }
                    drop(place);
                });
            }
            // No descriptor is free, most likely; one will be.
            Err(error) => {
                tracing::debug!(%error, "the status socket cannot accept");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn converse(mut stream: UnixStream, ask: &mpsc::Sender<Question>, asker: Asker) -> io::Result<()> {
    let (from, mut to) = stream.split();
    let mut line = Vec::new();
    let mut from = BufReader::new(from).take(LONGEST);
    timeout(TALK, from.read_until(b'\n', &mut line)).await??;
    let reply = match serde_json::from_slice(&line) {
        Ok(command) if asker == Asker::Reader && !is_question(&command) => {
            Reply::Refused("status_group may only ask: run this as the user that runs the agent".into())
        }
        Ok(command) => {
            drop(line);
            answer(command, ask).await
        }
        Err(_) if line.len() as u64 >= LONGEST => {
            Reply::Refused(format!("a question of more than {LONGEST} bytes"))
        }
        Err(error) => Reply::Refused(format!("not a question that this version knows: {error}")),
    };
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    timeout(TALK, to.write_all(&line)).await?
}

/// Whether it changes nothing.
const fn is_question(command: &Command) -> bool {
    matches!(command, Command::Status | Command::Offsets | Command::Shipped { .. } | Command::Losses)
}

async fn answer(command: Command, ask: &mpsc::Sender<Question>) -> Reply {
    let (reply, answer) = oneshot::channel();
    let asked = async {
        ask.send((command, reply)).await.ok()?;
        answer.await.ok()
    };
    match timeout(THINK, asked).await {
        Ok(Some(reply)) => reply,
        Ok(None) => Reply::Refused("the agent is about to end".into()),
        Err(_) => Reply::Refused(format!("the agent did not answer within {} s", THINK.as_secs())),
    }
}

#[cfg(test)]
mod tests;
