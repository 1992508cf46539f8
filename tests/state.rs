//! The state directory and the commands over it, by the real binary: beside an agent, and without one.

#[path = "state/agent.rs"]
mod agent;
#[path = "state/dead_letters.rs"]
mod dead_letters;
#[path = "state/group.rs"]
mod group;
#[path = "state/import.rs"]
mod import;
#[path = "state/metrics.rs"]
mod metrics;
#[path = "state/offline.rs"]
mod offline;
#[path = "state/reload.rs"]
mod reload;
#[path = "state/shipped.rs"]
mod shipped;
#[path = "state/together.rs"]
mod together;

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A configuration, its state directory and a log.
struct Host {
    dir: TempDir,
}

impl Host {
    fn new() -> Self {
        let host = Self { dir: tempfile::tempdir().unwrap() };
        let (state, log, out) = (host.state(), host.log(), host.dir.path().join("out"));
        std::fs::write(&log, "one\ntwo\nthree\n").unwrap();
        let config = format!(
            "[agent]\nstate_dir = '{}'\n[[flow]]\nname = 'web'\nfiles = ['{}']\nfile = '{}'\n",
            state.display(),
            log.display(),
            out.display()
        );
        std::fs::write(host.config(), config).unwrap();
        host
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("kintail.toml")
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("a.log")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kintail"));
        command.arg("--config").arg(self.config()).args(args).stdin(Stdio::null());
        command
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Said {
        Said::from(self.command(args).output().unwrap())
    }

    /// A real agent.
    fn agent(&self) -> Agent {
        let agent = Agent(self.command(&["run"]).stderr(Stdio::null()).spawn().unwrap());
        // The socket of one that was killed is still there.
        let socket = self.state().join("kintail.sock");
        wait_until(&format!("{} answers", socket.display()), || UnixStream::connect(&socket).is_ok());
        agent
    }

    /// A store as an agent that was killed leaves it.
    fn with_store() -> Self {
        let host = Self::new();
        drop(host.agent());
        host
    }

    fn sql(&self, sql: &str) {
        rusqlite::Connection::open(self.state().join("state.db")).unwrap().execute_batch(sql).unwrap();
    }
}

/// A process that ends with the test.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// What a command said, and how it ended.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    #[track_caller]
    fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    #[track_caller]
    fn with(self, text: &str) -> Self {
        assert!(self.out.contains(text) || self.err.contains(text), "{text:?} is not in {self:?}");
        self
    }

    #[track_caller]
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
