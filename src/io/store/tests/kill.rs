//! Kill -9 at any moment: what was answered is there, and nothing is half there.

use super::*;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// In the environment of the process that is to be killed.
const VICTIM: &str = "KINTAIL_TEST_KILL_STORE_IN";

/// Files in each transaction, all at the same offset.
const FILES: u64 = 40;

struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        // Gone already when the test went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This test again, in a process of its own.
fn start(dir: &Path) -> Victim {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "io::store::tests::kill::a_kill_loses_nothing_that_was_answered", "--nocapture"])
        .env(VICTIM, dir)
        .stdout(Stdio::piped())
        .spawn();
    Victim(child.unwrap())
}

/// Saves ever higher offsets, and prints each when it was answered.
fn save_until_killed(dir: &Path) {
    let store = Store::open(dir).unwrap();
    let (answer, answers) = mpsc::channel();
    store.load(move |saved| answer.send(saved.unwrap()).unwrap());
    let saved = answers.recv().unwrap();
    let mut offset = saved.cursors.first().map_or(0, |row| row.prefix);
    loop {
        offset += 1;
        let file = |number| file_id(RunId(1), number);
        let cursors = (0..FILES).map(|number| Put::Cursor(cursor_row("web", file(number), offset)));
        let (answer, answers) = mpsc::channel();
        store.save(Transaction { puts: cursors.collect(), sync: offset.is_multiple_of(8) }, move |saved| {
            answer.send(saved).unwrap();
        });
        answers.recv().unwrap().unwrap();
        writeln!(io::stdout(), "\nsaved {offset}").unwrap();
    }
}

#[test]
fn a_kill_loses_nothing_that_was_answered() {
    if let Some(dir) = std::env::var_os(VICTIM) {
        save_until_killed(Path::new(&dir));
    }
    let (_base, dir) = state_dir();
    let mut random = fastrand::Rng::with_seed(4);
    let mut answered = 0;
    for round in 0..20 {
        let mut victim = start(&dir);
        let lines = BufReader::new(victim.0.stdout.take().unwrap()).lines();
        let mut offsets = lines.filter_map(|line| line.ok()?.strip_prefix("saved ")?.parse::<u64>().ok());
        answered = offsets.next().unwrap();
        std::thread::sleep(std::time::Duration::from_micros(random.u64(..30_000)));
        victim.0.kill().unwrap();
        victim.0.wait().unwrap();
        answered = offsets.last().unwrap_or(answered);

        let saved = reopened(&dir);
        let found: Vec<_> = saved.cursors.iter().map(|row| row.prefix).collect();
        assert_eq!(found, vec![found[0]; FILES as usize], "round {round}: half a transaction");
        assert!(
            found[0] == answered || found[0] == answered + 1,
            "round {round}: {found:?}, {answered} answered"
        );
    }
    assert!(answered > 100, "{answered}");
    assert!(!dir.join(BAK).exists(), "no store was so old that it had a copy");
}
