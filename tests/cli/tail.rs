//! `kintail tail`: lines that are written from now on, without configuration or state.

use crate::command;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Killed with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn lines_are_shown_from_the_end_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.log");
    std::fs::write(&path, "old\n").expect("a file");
    let glob = dir.path().join("*.log");
    let mut command = command(["tail".as_ref(), glob.as_os_str()]);
    let mut running = Running(command.stdout(Stdio::piped()).spawn().expect("kintail starts"));
    let out = BufReader::new(running.0.stdout.take().expect("its output"));
    let (lines, shown) = mpsc::channel();
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));

    // When it has looked for the first time cannot be seen from outside: write until a line comes.
    let mut file = std::fs::File::options().append(true).open(&path).expect("the file");
    let mut wrote = 0;
    let first = loop {
        writeln!(file, "new {wrote}").expect("a line");
        if let Ok(line) = shown.recv_timeout(Duration::from_millis(100)) {
            break line;
        }
        wrote += 1;
        assert!(wrote < 200, "no line within 20 seconds");
    };
    assert!(first.starts_with("new "), "{first}");

    std::fs::write(dir.path().join("b.log"), "from the beginning\n").expect("a file");
    let mut rest = std::iter::from_fn(|| shown.recv_timeout(Duration::from_secs(20)).ok());
    assert!(rest.any(|line| line == "from the beginning"));
}
