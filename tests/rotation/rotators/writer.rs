//! A process that writes a log without a pause.

use crate::agent::lines;
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running writer. It ends with its standard input, so with the test, however that ends.
pub(super) struct Writer {
    child: Child,
    /// With what its lines begin.
    name: String,
}

impl Writer {
    /// Starts writer.py, which says what it can do.
    pub(super) fn start(how: &str, log: &Path) -> Self {
        let mut command = Command::new("python3");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rotation/rotators/writer.py"));
        command.arg(how).arg(log);
        Self::spawn(command, log)
    }

    /// Starts one that opens its log again at SIGHUP.
    pub(super) fn reopening(log: &Path) -> Self {
        Self::start("reopen", log)
    }

    /// Starts what writes until its standard input ends, and then says how many lines it wrote.
    pub(super) fn spawn(mut command: Command, log: &Path) -> Self {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}; ./test tools installs it"));
        Self { child, name: log.file_name().unwrap().to_str().unwrap().to_owned() }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Has it open its log again.
    pub(super) fn hang_up(&self) {
        kill_process(Pid::from_child(&self.child), Signal::HUP).unwrap();
    }

    /// Ends it; all lines that it wrote.
    pub(super) fn stop(mut self) -> Vec<String> {
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success());
        lines(&format!("{} line", self.name), said.trim().parse().unwrap())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
