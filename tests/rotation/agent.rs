//! The real binary over a directory of its own, ended with the test however that ends.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take; reached only by a test that fails.
const PATIENCE: Duration = Duration::from_mins(3);

/// Logs, outputs, a configuration and a state directory.
pub(crate) struct Site {
    dir: TempDir,
}

impl Site {
    /// One flow from `logs/GLOB` to the file `out`; `more` is added to the flow.
    pub(crate) fn new(glob: &str, more: &str) -> Self {
        let site = Self { dir: TempDir::new().unwrap() };
        fs::create_dir(site.logs()).unwrap();
        site.configure(&format!(
            "files = [\"logs/{glob}\"]\nfile = {{ path = \"out\", keep = 100 }}\n{more}"
        ));
        site
    }

    /// Replaces the flow.
    pub(crate) fn configure(&self, flow: &str) {
        let agent = "[agent]\nstate_dir = \"state\"\nrescan = \"500ms\"\nshutdown_timeout = \"5s\"\n";
        fs::write(self.config(), format!("{agent}[[flow]]\n{flow}\n")).unwrap();
    }

    /// How often all is looked at.
    pub(crate) fn rescan(&self, every: &str) {
        let text = fs::read_to_string(self.config()).unwrap();
        fs::write(self.config(), text.replace("rescan = \"500ms\"", &format!("rescan = \"{every}\"")))
            .unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.path("logs")
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs().join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("kintail.toml")
    }

    /// What the agent logged.
    pub(crate) fn journal(&self) -> String {
        fs::read_to_string(self.path("journal")).unwrap_or_default()
    }

    /// Where the agent logs to.
    pub(crate) fn journal_file(&self) -> File {
        OpenOptions::new().create(true).append(true).open(self.path("journal")).unwrap()
    }

    /// The lines of the output and of its rotated files, with how often each is there.
    pub(crate) fn delivered(&self) -> BTreeMap<String, usize> {
        let mut lines = BTreeMap::new();
        for entry in fs::read_dir(self.dir.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_stem().is_some_and(|stem| stem == "out") {
                // It may be renamed just now; then the next look finds it.
                let bytes = fs::read(path).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes);
                // A record that is being written has no newline yet.
                for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
                    *lines.entry(line.to_owned()).or_default() += 1;
                }
            }
        }
        lines
    }

    /// The lines that are not delivered yet.
    pub(crate) fn missing(&self, lines: &[String]) -> Vec<String> {
        let delivered = self.delivered();
        lines.iter().filter(|line| !delivered.contains_key(*line)).cloned().collect()
    }

    /// Waits until every line is delivered.
    #[track_caller]
    pub(crate) fn expect(&self, lines: &[String]) {
        until(
            || self.missing(lines).is_empty(),
            || {
                let missing = self.missing(lines);
                let some = &missing[..missing.len().min(5)];
                format!(
                    "{} lines are missing, such as {some:?}; the log says\n{}",
                    missing.len(),
                    self.journal()
                )
            },
        );
    }

    /// Waits until every line is delivered, and sees that none is twice.
    #[track_caller]
    pub(crate) fn expect_once(&self, lines: &[String]) {
        self.expect(lines);
        let twice: Vec<_> = self.delivered().into_iter().filter(|(_, count)| *count != 1).take(5).collect();
        assert_eq!(twice, [], "delivered more than once; the log says\n{}", self.journal());
    }

    /// Starts the agent.
    pub(crate) fn start(&self) -> Agent {
        Agent(self.command().spawn().unwrap())
    }

    /// `kintail run` with this configuration, its log kept.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kintail"));
        command
            .arg("run")
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::null())
            .stderr(self.journal_file());
        command.env_remove("KINTAIL_LOG");
        command
    }
}

/// A running agent.
pub(crate) struct Agent(pub(crate) Child);

impl Agent {
    /// Dead at once, nothing saved.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Asked to end; how it ended.
    #[track_caller]
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.ended()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        until(
            || {
                status = self.0.try_wait().unwrap();
                status.is_some()
            },
            || "the agent does not end".into(),
        );
        status.unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(mut holds: impl FnMut() -> bool, complaint: impl FnOnce() -> String) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{}", complaint());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Lines `PREFIX 0` to `PREFIX COUNT-1`.
pub(crate) fn lines(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix} {number}")).collect()
}

/// Appends lines.
pub(crate) fn append(path: &Path, lines: &[String]) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
}

/// Renames `PATH.1` to `PATH.2` and so on, then `PATH` to `PATH.1`, and makes `PATH` anew.
pub(crate) fn rotate(path: &Path) {
    let numbered = |generation: u32| PathBuf::from(format!("{}.{generation}", path.display()));
    let last = (1..1000).find(|generation| !numbered(*generation).exists()).unwrap();
    for generation in (1..last).rev() {
        fs::rename(numbered(generation), numbered(generation + 1)).unwrap();
    }
    fs::rename(path, numbered(1)).unwrap();
    File::create(path).unwrap();
}
