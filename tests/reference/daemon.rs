//! The real agent as a process, what it has open, and what it delivers.

use crate::mount;
use crate::plan::Plan;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// One flow from the logs to a file.
pub(crate) struct Daemon {
    dir: PathBuf,
    child: Option<Child>,
    /// What it delivered, as far as that was read.
    out: Option<File>,
    rest: Vec<u8>,
}

impl Daemon {
    /// Configured as the plan says, for logs that are elsewhere.
    pub(crate) fn new(dir: &Path, logs: &Path, plan: &Plan) -> Self {
        let text = format!(
            "[agent]\nstate_dir = \"state\"\nrescan = \"500ms\"\nshutdown_timeout = \"5s\"\nwatch = \"{}\"\n\
             log = {{ level = \"debug\" }}\n[[flow]]\nfiles = [\"{}/{}\"]\nfile = \"out\"\nclose_after = \"{}ms\"\n",
            plan.watch,
            logs.display(),
            plan.scope.glob(),
            plan.close_after.as_millis(),
        );
        fs::write(dir.join("kintail.toml"), text).expect("written");
        Self { dir: dir.into(), child: None, out: None, rest: Vec::new() }
    }

    pub(crate) fn start(&mut self) {
        let kintail = env!("CARGO_BIN_EXE_kintail");
        let mut command = Command::new(if bounded() { "setpriv" } else { kintail });
        if bounded() {
            command.args(UNPRIVILEGED).arg(kintail);
        }
        let journal = OpenOptions::new().create(true).append(true).open(self.dir.join("journal"));
        command.arg("run").arg("--config").arg(self.dir.join("kintail.toml")).env_remove("KINTAIL_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(journal.expect("a journal"));
        self.child = Some(command.spawn().expect("the agent starts"));
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            kill_process(Pid::from_child(child), signal).expect("it runs");
        }
    }

    /// Whether it has ended, and then whether well.
    pub(crate) fn ended(&mut self) -> Option<bool> {
        let status = self.child.as_mut()?.try_wait().expect("a child")?;
        self.child = None;
        Some(status.success())
    }

    /// Dead at once, nothing saved.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Whether it has a file open.
    pub(crate) fn has_open(&self, identity: (u64, u64)) -> bool {
        let Some(child) = &self.child else { return false };
        let Ok(handles) = fs::read_dir(format!("/proc/{}/fd", child.id())) else { return false };
        // One that is closed just now cannot be looked at.
        let mut files = handles.flatten().flat_map(|handle| fs::metadata(handle.path()));
        files.any(|file| (file.dev(), file.ino()) == identity)
    }

    /// The lines that it delivered since the last call.
    pub(crate) fn news(&mut self) -> Vec<Vec<u8>> {
        if self.out.is_none() {
            self.out = File::open(self.dir.join("out")).ok();
        }
        if let Some(out) = &mut self.out {
            out.read_to_end(&mut self.rest).expect("read");
        }
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        lines.split_inclusive(|byte| *byte == b'\n').map(|line| line[..line.len() - 1].to_vec()).collect()
    }

    /// What follows the last newline.
    pub(crate) fn unfinished(&self) -> &[u8] {
        &self.rest
    }

    /// How the flow is, if the agent answers.
    pub(crate) fn status(&self) -> Option<serde_json::Value> {
        let status: serde_json::Value = self.ask("status")?;
        status["flows"].get(0).cloned()
    }

    /// The loss ledger.
    pub(crate) fn losses(&self) -> Vec<serde_json::Value> {
        self.ask("losses").expect("a ledger")["losses"].as_array().expect("rows").clone()
    }

    fn ask(&self, what: &str) -> Option<serde_json::Value> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kintail"));
        command.args([what, "--json", "--config"]).arg(self.dir.join("kintail.toml"));
        serde_json::from_slice(&command.output().expect("a command").stdout).ok()
    }

    /// Possible losses of all its lives; `status` counts those of one.
    pub(crate) fn possible_losses(&self) -> u64 {
        let store = rusqlite::Connection::open(self.dir.join("state/state.db")).expect("a store");
        let sum: i64 = store
            .query_row("SELECT coalesce(sum(possible_losses), 0) FROM flow", [], |row| row.get(0))
            .expect("a count");
        sum.cast_unsigned()
    }

    /// What it logged.
    pub(crate) fn journal(&self) -> String {
        fs::read_to_string(self.dir.join("journal")).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Takes from root what lets it read every file.
const UNPRIVILEGED: [&str; 2] =
    ["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"];

/// Whether the agent is to be started without root's power to read every file.
fn bounded() -> bool {
    static BOUNDED: OnceLock<bool> = OnceLock::new();
    *BOUNDED.get_or_init(|| {
        let root = rustix::process::geteuid().is_root();
        let can = root && mount::run("setpriv", &[UNPRIVILEGED[0], UNPRIVILEGED[1], "true"]);
        if root && !can {
            mount::warn("setpriv is missing: permissions mean nothing to an agent of root");
        }
        can
    })
}
