//! `kintail shipped`: whether all that is in a file has been shipped. The running agent is asked; without one, its
//! store.

mod judge;

use super::agent::{self, Error, ask_if_any};
use super::human::{bytes, clean, path};
use super::output::print;
use super::{ExitCode, ShippedArgs};
use crate::config::Config;
use crate::io::store::View;
use judge::{Answer, Asked, Verdict};
use kintail_engine::command::{Command, Reply};
use kintail_engine::shipped::Shipped;
use kintail_engine::state::{FileRow, Identity, Saved};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// While it waits it asks so often.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Answers it.
pub(super) fn run(config: &Config, args: &ShippedArgs) -> ExitCode {
    agent::end(answer(config, args))
}

fn answer(config: &Config, args: &ShippedArgs) -> Result<ExitCode, Error> {
    // Opened once: what is renamed while we wait is still the file that was asked about.
    let asked: Vec<Asked> = args.files.iter().map(|path| Asked::new(path)).collect();
    let until = Instant::now() + args.wait.unwrap_or_default();
    loop {
        let verdicts = judge_all(config, &asked)?;
        let worst = verdicts.iter().map(|verdict| verdict.answer).max().unwrap_or(Answer::Shipped);
        // What is lost does not come back.
        if matches!(worst, Answer::Shipped | Answer::Losses) || Instant::now() >= until {
            return Ok(show(args, &asked, &verdicts, worst));
        }
        std::thread::sleep(ASK_EVERY.min(until.saturating_duration_since(Instant::now())));
    }
}

fn judge_all(config: &Config, asked: &[Asked]) -> Result<Vec<Verdict>, Error> {
    let wanted: Vec<Identity> = asked.iter().filter_map(Asked::identity).collect();
    let mut known = match ask_if_any(&config.state_dir, &Command::Shipped { files: wanted.clone() })? {
        Some(Reply::Shipped(known)) => known,
        Some(other) => return Err(agent::odd(&other)),
        None => View::read(&config.state_dir)?.map(|view| saved(&view.saved, &wanted)).unwrap_or_default(),
    };
    // What a flow did that is gone says nothing about those that are there.
    known.retain(|of| config.engine.flows.iter().any(|flow| flow.name == of.flow));
    Ok(asked.iter().map(|file| file.judge(&known)).collect())
}

/// What the store knows of these files.
fn saved(saved: &Saved, wanted: &[Identity]) -> Vec<Shipped> {
    let files = saved.files.iter().filter(|file| wanted.contains(&file.identity));
    let cursors_on = |file: &FileRow| {
        let (id, newest) = (file.id, file.epoch);
        saved.cursors.iter().filter(move |cursor| cursor.file == id && cursor.epoch == newest)
    };
    files
        .flat_map(|file| cursors_on(file).map(move |cursor| Shipped::of(file, cursor, &saved.ledger)))
        .collect()
}

fn show(args: &ShippedArgs, asked: &[Asked], verdicts: &[Verdict], worst: Answer) -> ExitCode {
    let both = asked.iter().zip(verdicts);
    let code = worst.code();
    if args.json {
        let files: Vec<Value> = both.map(|(file, verdict)| machine(file.path, verdict)).collect();
        return print(format_args!("{:#}", Value::from(files)), code);
    }
    let told = both.filter(|(_, verdict)| !args.quiet || verdict.answer != Answer::Shipped);
    let lines: Vec<String> = told.map(|(file, verdict)| people(file.path, verdict)).collect();
    if lines.is_empty() { code } else { print(lines.join("\n"), code) }
}

fn people(file: &Path, verdict: &Verdict) -> String {
    let file = path(file);
    match (&verdict.why, verdict.answer) {
        (Some(why), answer) => format!("{file}: {}: {}", answer.words(), clean(why)),
        (None, Answer::Shipped) => format!("{file}: shipped"),
        (None, answer) => {
            let flows = verdict.flows.iter().filter(|flow| flow.lost > 0 || flow.missing > 0);
            let told: Vec<_> = flows.map(left).collect();
            format!("{file}: {}: {}", answer.words(), told.join("; "))
        }
    }
}

fn left(flow: &judge::Flow) -> String {
    let parts = [(flow.missing, "to ship"), (flow.lost, "lost")];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<_> = parts.map(|(count, what)| format!("{} {what}", bytes(*count))).collect();
    format!("flow {}: {}", clean(&flow.name), parts.join(", "))
}

fn machine(path: &Path, verdict: &Verdict) -> Value {
    let flow = |flow: &judge::Flow| json!({ "flow": flow.name, "file": flow.file, "missing": flow.missing, "lost": flow.lost });
    json!({
        "path": path.to_string_lossy(),
        "answer": verdict.answer.name(),
        "why": verdict.why,
        "flows": verdict.flows.iter().map(flow).collect::<Vec<_>>(),
    })
}
