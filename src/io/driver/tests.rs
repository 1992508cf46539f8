//! The driver over a real directory keeps the contract that the virtual one keeps.

use super::*;
use crate::config::{Config, Log, LogFormat, LogLevel};
use crate::io::files::Rules;
use kintail_engine::Start;
use kintail_engine::destination::{Failure, FailureKind};
use kintail_engine::event::{Action, Codec, Do};
use kintail_engine::ids::ActionId;
use kintail_engine::settings::{Agent, Destination, Flow, Settings, Symlinks};
use kintail_sim::conformance::{self, checks};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;

/// The driver over a directory, without its loop.
struct Real {
    dir: TempDir,
    /// `None` between two lives.
    alive: Option<(Driver, UnboundedReceiver<Event>)>,
    asked: u64,
}

impl Real {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("logs")).unwrap();
        let alive = Some(start(&dir.path().join("state")));
        Self { dir, alive, asked: 0 }
    }
}

fn start(state: &Path) -> (Driver, UnboundedReceiver<Event>) {
    let flow = Flow::new("flow", vec!["/none/*.log".into()], Destination::Stdout);
    let settings = Settings { agent: Agent::new("host"), flows: vec![flow] };
    let engine = Engine::new(Start { settings, seed: 1, boot_id: String::new(), booted: 0 }).unwrap();
    let io = Io {
        files: Files::new(Rules { symlinks: Symlinks::Files, most: 100, outputs: [].into() }),
        watches: Watches::new(),
        flows: vec!["flow".into()],
        sinks: Vec::new(),
        keeper: Keeper::open(state, 1 << 20).unwrap(),
        logs: Logs::begin(Log { level: LogLevel::Error, format: LogFormat::Text }),
    };
    let (answers, answered) = unbounded_channel();
    let (loaded, _) = unbounded_channel();
    (Driver::new(engine, io, answers, Reload::new(Box::new(Nowhere), loaded)), answered)
}

/// No configuration is ever read.
#[derive(Debug)]
struct Nowhere;

impl Source for Nowhere {
    fn reader(&self) -> Box<dyn FnOnce() -> Result<Config, String> + Send> {
        Box::new(|| Err("none".into()))
    }

    fn renew(&mut self, _: Config) -> Result<Renewal, String> {
        Err("none".into())
    }
}

impl conformance::Io for Real {
    fn perform(&mut self, what: Do) -> Outcome {
        let (driver, answered) = self.alive.as_mut().unwrap();
        self.asked += 1;
        driver.perform(Action { id: ActionId(self.asked), what });
        match answered.blocking_recv() {
            Some(Event::Done { id, outcome }) if id == ActionId(self.asked) => outcome,
            other => panic!("no answer but {other:?}"),
        }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("logs")
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) {
        fs::write(path, bytes).unwrap();
    }

    fn compress(&mut self, path: &Path, codec: Codec, plain: &[u8], cut: usize) {
        let tool = match codec {
            Codec::Gzip => "gzip",
            Codec::Zstd => "zstd",
            Codec::Bzip2 => "bzip2",
            Codec::Xz => "xz",
        };
        let from = self.dir.path().join("plain");
        fs::write(&from, plain).unwrap();
        let compressed = Command::new(tool).arg("-c").arg(&from).output().unwrap();
        assert!(compressed.status.success(), "{tool}: {compressed:?}");
        fs::write(path, &compressed.stdout[..compressed.stdout.len() - cut]).unwrap();
    }

    fn append(&mut self, path: &Path, bytes: &[u8]) {
        fs::File::options().append(true).open(path).unwrap().write_all(bytes).unwrap();
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        fs::rename(from, to).unwrap();
    }

    fn remove(&mut self, path: &Path) {
        fs::remove_file(path).unwrap();
    }

    fn restart(&mut self) {
        // The old one gives up its lock before the new one wants it.
        drop(self.alive.take());
        self.alive = Some(start(&self.dir.path().join("state")));
    }
}

#[test]
fn the_real_io_keeps_the_contract() {
    for (sentence, check) in checks() {
        println!("{sentence}");
        check(&mut Real::new());
    }
}

#[test]
fn a_read_of_a_file_that_is_not_open_is_answered() {
    let outcome = conformance::Io::perform(
        &mut Real::new(),
        Do::Read { handle: kintail_engine::ids::HandleId(99), cursor: None, offset: 0, len: 1 },
    );
    assert!(matches!(outcome, Outcome::Read(Err(_))), "{outcome:?}");
}

#[test]
fn time_never_goes_back() {
    let (driver, _answered) = start(&TempDir::new().unwrap().path().join("state"));
    let first = driver.now();
    let second = driver.now();
    assert!(second.mono >= first.mono && first.wall > 1_600_000_000_000_000_000);
}

#[test]
fn the_first_signal_after_a_closed_output_is_not_the_second() {
    let dir = TempDir::new().unwrap();
    let (mut driver, _answered) = start(&dir.path().join("state"));
    let failure = Failure::new(FailureKind::Output, STDOUT_CLOSED, "closed");
    let answer = Answer::Failed { may_have_arrived: false, failure };
    driver.handle(Event::Done { id: ActionId(99), outcome: Outcome::Sent(answer) });
    assert_eq!(driver.state, State::Stopping { end: End::OutputClosed, by_signal: false });
    driver.signal(Signal::Stop);
    assert_eq!(driver.state, State::Stopping { end: End::OutputClosed, by_signal: true });
    driver.signal(Signal::Stop);
    assert_eq!(driver.state, State::Ended(End::Abandoned));
}
