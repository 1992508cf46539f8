//! The status socket, `state_dir/kintail.sock`: one question as a line of JSON, one answer as a line of JSON, and
//! it is closed.

use kintail_engine::command::{Command, Reply};
use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// The socket's name in the state directory.
const NAME: &str = "kintail.sock";

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
    let listener = bind(state_dir)?;
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    Ok(accept(listener, ask))
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

/// The socket's address in a state directory.
pub(crate) fn of(state_dir: &Path) -> io::Result<(PathBuf, Option<OwnedFd>)> {
    address(state_dir, NAME)
}

/// A listening socket for its owner alone from its first moment, in the place of an old one.
fn bind(state_dir: &Path) -> io::Result<StdListener> {
    let fresh = "kintail.sock.new";
    match fs::remove_file(state_dir.join(fresh)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let (path, _dir) = address(state_dir, fresh)?;
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // Linux gives the name that it binds the mode of the socket.
    rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    rustix::net::listen(&socket, CONNECTIONS as i32)?;
    fs::rename(state_dir.join(fresh), state_dir.join(NAME))?;
    Ok(socket.into())
}

async fn accept(listener: UnixListener, ask: mpsc::Sender<Question>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // The semaphore is never closed.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let ask = ask.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, &ask).await {
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

async fn converse(mut stream: UnixStream, ask: &mpsc::Sender<Question>) -> io::Result<()> {
    let (from, mut to) = stream.split();
    let mut line = Vec::new();
    let mut from = BufReader::new(from).take(LONGEST);
    timeout(TALK, from.read_until(b'\n', &mut line)).await??;
    let reply = match serde_json::from_slice(&line) {
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
