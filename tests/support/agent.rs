//! kintail itself as a process, and the log that somebody writes meanwhile.

use super::endpoint::SECRET;
use kintail_engine::command::{Command as Order, Reply};
use kintail_engine::status::{FlowStatus, Status};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_mins(1);

/// A directory with a config, a log that `app.log*` matches, and the agent's own state.
pub(crate) struct Host {
    dir: tempfile::TempDir,
}

impl Host {
    /// A host whose one flow ends in these lines: the destination, the endpoint.
    pub(crate) fn new(destination: &str, url: &str) -> Self {
        let dir = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let host = Self { dir };
        host.point(destination, url);
        host
    }

    /// Writes the configuration for another destination and endpoint.
    pub(crate) fn point(&self, destination: &str, url: &str) {
        let text = format!(
            "agent.state_dir = \"state\"\n\n[[flow]]\nfiles = [\"app.log*\"]\n{destination}\nendpoint = \"{url}\"\n\
             region = \"us-east-1\"\nbatch = {{ max_age = \"100ms\" }}\n",
        );
        fs::write(self.dir.path().join("kintail.toml"), text).expect("written");
    }

    /// Adds to the configuration.
    pub(crate) fn add(&self, text: &str) {
        let path = self.dir.path().join("kintail.toml");
        let before = fs::read_to_string(&path).expect("read");
        fs::write(path, before + text).expect("written");
    }

    /// The live log.
    pub(crate) fn log(&self) -> PathBuf {
        self.dir.path().join("app.log")
    }

    /// A command over its configuration, with credentials.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kintail"));
        command
            .arg("--config")
            .arg(self.dir.path().join("kintail.toml"))
            .args(args)
            .env("AWS_ACCESS_KEY_ID", "AKID")
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            // Nobody listens there: loopback goes past every proxy.
            .env("HTTP_PROXY", "http://127.0.0.1:9");
        command
    }

    /// Starts the agent.
    pub(crate) fn start(&self) -> Agent {
        let output = OpenOptions::new().create(true).append(true).open(self.dir.path().join("agent.err"));
        let child = self
            .command(&["run"])
            .stdout(Stdio::null())
            .stderr(output.expect("opened"))
            .spawn()
            .expect("kintail starts");
        Agent(child)
    }

    /// Waits until every byte is acknowledged and nothing is out, as the agent's status says.
    pub(crate) fn wait_until_idle(&self) {
        let began = Instant::now();
        let is_idle = |flow: &FlowStatus| flow.lag_bytes == 0 && flow.in_flight == 0;
        while !self.status().is_ok_and(|status| status.flows.iter().all(is_idle)) {
            assert!(began.elapsed() < PATIENCE, "not idle: {:#?}", self.status());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// How the flow is, if the agent answers.
    pub(crate) fn flow(&self) -> Option<FlowStatus> {
        self.status().ok()?.flows.into_iter().next()
    }

    fn status(&self) -> io::Result<Status> {
        let mut socket = UnixStream::connect(self.dir.path().join("state/kintail.sock"))?;
        serde_json::to_writer(&socket, &Order::Status)?;
        socket.write_all(b"\n")?;
        let mut line = String::new();
        BufReader::new(socket).read_line(&mut line)?;
        match serde_json::from_str(&line)? {
            Reply::Status(status) => Ok(*status),
            other => Err(io::Error::other(format!("{other:?}"))),
        }
    }

    /// What the agent logged.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.dir.path().join("agent.err")).unwrap_or_default()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the agent said:\n{}", self.said());
        }
    }
}

/// A running agent; killed when it is dropped.
pub(crate) struct Agent(Child);

impl Agent {
    /// Waits until it ends by itself; its exit code.
    pub(crate) fn ended(mut self) -> Option<i32> {
        self.0.wait().expect("it ends").code()
    }

    /// Has it read its configuration again.
    pub(crate) fn hang_up(&self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).expect("it runs");
    }

    /// Ends it as a service manager does; whether it ended well.
    pub(crate) fn terminate(mut self) -> bool {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        self.0.wait().expect("it ends").success()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Writes numbered lines at a steady pace and rotates by renaming, as logrotate's `create` does.
pub(crate) struct Writer {
    stop: Arc<AtomicBool>,
    rotate: Arc<AtomicBool>,
    thread: JoinHandle<Vec<String>>,
}

impl Writer {
    /// Starts to write so many lines every 5 ms.
    pub(crate) fn start(log: &Path, burst: usize) -> Self {
        let (stop, rotate) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (stopped, rotated, log) = (Arc::clone(&stop), Arc::clone(&rotate), log.to_path_buf());
        let thread = thread::spawn(move || {
            let (mut lines, mut file, mut rotations) = (Vec::new(), create(&log), 0);
            while !stopped.load(Ordering::Relaxed) {
                if rotated.swap(false, Ordering::Relaxed) {
                    rotations += 1;
                    fs::rename(&log, log.with_extension(format!("log.{rotations}"))).expect("renamed");
                    file = create(&log);
                }
                for _ in 0..burst {
                    let line = format!("{:08} {}\n", lines.len(), "x".repeat(lines.len() % 190));
                    file.write_all(line.as_bytes()).expect("written");
                    lines.push(line);
                }
                thread::sleep(Duration::from_millis(5));
            }
            lines
        });
        Self { stop, rotate, thread }
    }

    /// Renames the log and begins another.
    pub(crate) fn rotate(&self) {
        self.rotate.store(true, Ordering::Relaxed);
        wait("a rotation", || !self.rotate.load(Ordering::Relaxed));
    }

    /// Ends it; all lines that it wrote.
    pub(crate) fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the writer ends")
    }
}

/// Waits until it is so, a minute at most.
pub(crate) fn wait(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn create(log: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(log).expect("a log")
}
