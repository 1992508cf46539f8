//! The command line as a user meets it: the real binary, its exit codes, and what it says about a configuration.

#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/preview.rs"]
mod preview;
#[path = "cli/refused.rs"]
mod refused;
#[path = "cli/secrets.rs"]
mod secrets;
#[path = "cli/tail.rs"]
mod tail;

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A directory with a configuration in it.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new(config: &str) -> Self {
        let place = Self { dir: tempfile::tempdir().expect("a directory") };
        place.write("kintail.toml", config);
        place
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("kintail.toml")
    }

    /// A command with this configuration.
    fn run(&self, args: &[&str]) -> Output {
        let file = self.file();
        let config = ["--config".as_ref(), file.as_os_str()];
        kintail(config.into_iter().chain(args.iter().map(AsRef::as_ref)))
    }

    /// That `check` is content.
    #[track_caller]
    fn right(&self) {
        let output = self.run(&["check"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }

    /// What `check` says on standard error; it must refuse.
    #[track_caller]
    fn refused(&self) -> String {
        let output = self.run(&["check"]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(output.stdout.is_empty());
        said
    }

    /// What `check --json` reports.
    #[track_caller]
    fn reports(&self) -> Vec<serde_json::Value> {
        let output = self.run(&["check", "--json"]);
        assert_eq!(output.status.code(), Some(78));
        let all: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(all["ok"], false);
        all["errors"].as_array().expect("errors").clone()
    }
}

fn command<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kintail"));
    command.args(args).env_remove("KINTAIL_NOT_SET").env("KINTAIL_SECRET", "hunter2").stdin(Stdio::null());
    command
}

fn kintail<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Output {
    command(args).output().expect("kintail starts")
}

fn with_stdin<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>, input: &str) -> Output {
    let mut command = command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("kintail starts");
    // A child that does not read closes the pipe: that is for the asserts to see.
    let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// `body` in a flow that is right otherwise.
fn flow(body: &str) -> String {
    format!("[[flow]]\nfiles = [\"/x/*.log\"]\n{body}")
}
