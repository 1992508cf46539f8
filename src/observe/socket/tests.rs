//! The socket under questions, polite and not.

use super::*;
use crate::observe::client::{AskError, ask};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdStream;

/// An agent that answers questions with their own words; it ends with the test.
struct Echo {
    end: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Echo {
    fn drop(&mut self) {
        drop(self.end.take());
        let ended = self.thread.take().map(std::thread::JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))) || std::thread::panicking());
    }
}

fn echo(state_dir: &Path) -> Echo {
    let (end, ended) = oneshot::channel();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let state_dir = state_dir.to_path_buf();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (ask, mut questions) = mpsc::channel::<Question>(1);
            tokio::spawn(serve(&state_dir, ask).unwrap());
            tokio::spawn(async move {
                while let Some((command, reply)) = questions.recv().await {
                    let _ = reply.send(Reply::Refused(format!("{command:?}")));
                }
            });
            ready.send(()).unwrap();
            let _ = ended.await;
        });
    });
    is_ready.recv().unwrap();
    Echo { end: Some(end), thread: Some(thread) }
}

fn ask_status(state_dir: &Path) -> Reply {
    ask(state_dir, &Command::Status).unwrap()
}

#[test]
fn a_question_gets_its_answer() {
    let state = tempfile::tempdir().unwrap();
    let _agent = echo(state.path());
    for _ in 0..20 {
        assert_eq!(ask_status(state.path()), Reply::Refused("Status".into()));
    }
    let long = Command::Resend { flow: "web".into(), records: vec![vec![7; 1 << 20]] };
    let Reply::Refused(text) = ask(state.path(), &long).unwrap() else { panic!("another answer") };
    assert!(text.len() > 1 << 20);
}

#[test]
fn the_socket_is_for_its_owner_alone_and_takes_the_place_of_a_dead_one() {
    let state = tempfile::tempdir().unwrap();
    drop(echo(state.path()));
    let path = state.path().join(NAME);
    assert!(path.exists(), "a dead agent leaves its socket");
    assert!(matches!(ask(state.path(), &Command::Status), Err(AskError::NoAgent { .. })));
    let _agent = echo(state.path());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    ask_status(state.path());
}

#[test]
fn without_an_agent_the_client_says_so() {
    let state = tempfile::tempdir().unwrap();
    let error = ask(&state.path().join("gone"), &Command::Status).unwrap_err();
    assert!(matches!(error, AskError::NoAgent { .. }), "{error}");
}

#[test]
fn a_long_path_works_too() {
    let base = tempfile::tempdir().unwrap();
    let state = base.path().join("x".repeat(120));
    fs::create_dir(&state).unwrap();
    let _agent = echo(&state);
    ask_status(&state);
}

#[test]
fn what_is_no_question_is_refused_in_words() {
    let state = tempfile::tempdir().unwrap();
    let _agent = echo(state.path());
    for text in ["\n", "{}\n", "\u{0}\n", "{\"command\":\"fly\"}\n", "[[[[[[\n"] {
        let mut stream = StdStream::connect(state.path().join(NAME)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(r#"{"reply":"refused""#) && answer.ends_with('\n'), "{answer}");
    }
}

#[test]
fn those_who_stay_silent_keep_out_only_as_many_as_there_are_places() {
    let state = tempfile::tempdir().unwrap();
    let _agent = echo(state.path());
    let silent: Vec<_> =
        (0..CONNECTIONS - 1).map(|_| StdStream::connect(state.path().join(NAME)).unwrap()).collect();
    ask_status(state.path());
    let last = StdStream::connect(state.path().join(NAME)).unwrap();
    let waiting = std::thread::spawn({
        let state = state.path().to_path_buf();
        move || ask_status(&state)
    });
    std::thread::sleep(Duration::from_millis(100));
    assert!(!waiting.is_finished());
    drop((silent, last));
    waiting.join().unwrap();
}
