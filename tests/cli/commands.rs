//! Commands that need no agent, and their exit codes.

use crate::{flow, kintail, text, with_stdin};
use std::path::Path;

#[test]
fn a_missing_or_absurd_file_is_a_configuration_error() {
    let output = kintail(["check", "/nowhere/kintail.toml"]);
    assert_eq!(output.status.code(), Some(78));
    let said = text(&output.stderr);
    assert!(said.contains("/nowhere/kintail.toml") && said.contains("kintail config default"), "{said}");
    for file in ["/dev/zero", "/dev/null", "/"] {
        assert_eq!(kintail(["check", file]).status.code(), Some(78), "{file}");
    }
    assert_eq!(kintail(["run", "--config", "/nowhere/kintail.toml"]).status.code(), Some(78));
}

#[test]
fn check_reads_standard_input_and_can_be_quiet() {
    let right = with_stdin(["check", "-"], &flow("stdout = true"));
    assert_eq!(right.status.code(), Some(0));
    assert_eq!(text(&right.stdout), "-: right, 1 flow\n");
    let quiet = with_stdin(["check", "--quiet", "-"], &flow("stdout = true"));
    assert!(quiet.status.success() && quiet.stdout.is_empty() && quiet.stderr.is_empty());
    let json = with_stdin(["check", "--json", "-"], &flow("stdout = true"));
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json, serde_json::json!({ "ok": true, "errors": [] }));
    let wrong = with_stdin(["check", "-"], "x = 1");
    assert!(text(&wrong.stderr).contains("<stdin>:1:1\n"));
}

#[test]
fn a_wrong_command_line_is_answered_with_64() {
    let lines = [
        &["frobnicate"][..],
        &[],
        &["check", "--send-probe"],
        &["tail", "x", "--to", "nowhere"],
        &["run", "x"],
        &["shipped"],
        &["shipped", "x", "--wait", "5"],
    ];
    for args in lines {
        assert_eq!(kintail(args).status.code(), Some(64), "{args:?}");
    }
}

#[test]
fn help_teaches_by_examples_and_names_the_exit_codes() {
    let help = kintail(["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let said = text(&help.stdout);
    for part in ["Examples:", "Exit codes:", "  69  no agent is running", "  78  the configuration is wrong"]
    {
        assert!(said.contains(part), "{said}");
    }
    let version = kintail(["--version"]);
    assert_eq!(text(&version.stdout), concat!("kintail ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn the_help_of_every_command_teaches_by_examples() {
    let commands = [
        &["run"][..],
        &["tail"],
        &["check"],
        &["preview"],
        &["status"],
        &["offsets"],
        &["offsets", "list"],
        &["offsets", "set"],
        &["offsets", "reset"],
        &["offsets", "rename"],
        &["shipped"],
        &["losses"],
        &["losses", "clear"],
        &["dead-letter"],
        &["dead-letter", "list"],
        &["dead-letter", "resend"],
        &["dead-letter", "clear"],
        &["config"],
        &["config", "show"],
        &["config", "default"],
    ];
    for command in commands {
        let said = text(&kintail(command.iter().chain(&["--help"])).stdout);
        let example = format!("\n  kintail {}", command.join(" "));
        assert!(said.contains("Example") && said.contains(&example), "{said}");
    }
}

#[test]
fn the_files_we_ship_are_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let examples = std::fs::read_dir(root.join("examples")).expect("examples");
    let mut files: Vec<_> = examples.map(|entry| entry.expect("one").path()).collect();
    assert!(files.len() >= 3);
    files.push(root.join("quickstart.toml"));
    for file in files {
        let output = kintail(["check".as_ref(), file.as_os_str()]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let reference = kintail(["config", "default"]).stdout;
    let written = std::fs::read_to_string(root.join("kintail.toml")).expect("the reference");
    assert_eq!(text(&reference), written);
}

#[test]
fn manual_and_completions_cover_every_command() {
    let dir = tempfile::tempdir().expect("a directory");
    assert!(kintail(["man".as_ref(), dir.path().as_os_str()]).status.success());
    let page = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect(name);
    assert!(page("kintail.1").contains(r"kintail\-offsets(1)"));
    assert!(page("kintail-offsets-reset.1").contains(r".TH kintail-offsets-reset 1"));
    assert!(!dir.path().join("kintail-help.1").exists());
    assert!(text(&kintail(["man"]).stdout).contains(".TH kintail 1"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&kintail(["completions", shell]).stdout).contains("dead-letter"), "{shell}");
    }
    assert_eq!(kintail(["man", "/nowhere"]).status.code(), Some(74));
    assert_eq!(kintail(["completions", "tcsh"]).status.code(), Some(64));
}
