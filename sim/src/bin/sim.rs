//! Runs seeds of the simulation: `sim --seeds 0..20000`, or `SIM_SEEDS=0..20000 sim`; ends at the first that breaks a
//! property and makes it small. `--brief` only names it, `--survey` names all; `--trace 17` shows what happens in one.
//! `--jobs 2` shares the seeds out over two threads. A full share fails also if a pair of operation and crash point
//! came up too rarely.

use kintail_sim::runner::{self, Failure, Mode, Report};
use std::ops::Range;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

/// From so many seeds on, every pair of operation and crash point must have come up often enough.
const FULL_SHARE: u64 = 20_000;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1).cloned());
    // A panic of the engine is a broken property; its seed says all.
    std::panic::set_hook(Box::new(|_| {}));
    if let Some(seed) = value("--trace").and_then(|seed| seed.parse().ok()) {
        println!("{}", runner::trace(seed));
        return ExitCode::SUCCESS;
    }
    let seeds = value("--seeds").or_else(|| std::env::var("SIM_SEEDS").ok()).unwrap_or("0..2000".into());
    let jobs = value("--jobs").unwrap_or("1".into());
    let (Some(seeds), Ok(jobs)) = (parse(&seeds), jobs.parse()) else {
        eprintln!("usage: sim [--seeds FROM..TO] [--jobs N] [--brief | --survey] [--trace SEED]");
        return ExitCode::from(64);
    };
    let flag = |name: &str| args.iter().any(|arg| arg == name);
    let mode = match (flag("--brief"), flag("--survey")) {
        (true, _) => Mode::Brief,
        (_, true) => Mode::Survey,
        _ => Mode::Explain,
    };
    let began = Instant::now();
    match run(&seeds, jobs, mode) {
        Ok((report, broken)) => {
            println!("{}{:?}", report.text(), began.elapsed());
            let full = seeds.end - seeds.start >= FULL_SHARE;
            let rare = if full { report.rare_pairs() } else { Vec::new() };
            for pair in &rare {
                println!("hit too rarely: {pair}");
            }
            if broken == 0 && rare.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            println!("{}", failure.text);
            ExitCode::FAILURE
        }
    }
}

/// Runs the seeds on so many threads, up to the first failure. Returns also how many broke a property in a survey.
fn run(seeds: &Range<u64>, jobs: u64, mode: Mode) -> Result<(Report, u64), Box<Failure>> {
    let (done, results) = mpsc::channel();
    let share = (seeds.end - seeds.start).div_ceil(jobs.max(1)).max(1);
    for from in (seeds.start..seeds.end).step_by(share as usize) {
        let done = done.clone();
        let share = from..seeds.end.min(from + share);
        thread::spawn(move || {
            // Nobody listens any more when another share has failed.
            let _ = done.send(run_share(&share, mode));
        });
    }
    drop(done);
    let (mut all, mut broken) = (Report::default(), 0);
    for result in results {
        let (report, count) = result?;
        all.add(report);
        broken += count;
    }
    Ok((all, broken))
}

/// Runs seeds one after the other.
fn run_share(seeds: &Range<u64>, mode: Mode) -> Result<(Report, u64), Box<Failure>> {
    let mut broken = 0;
    let report = runner::run(seeds.clone(), mode, |seed, breaks| {
        if let Some(text) = breaks {
            broken += 1;
            print!("{text}");
        }
        let (from, next, end) = (seeds.start, seed + 1, seeds.end);
        if next.is_multiple_of(10_000) && next < end {
            eprintln!("{from}..{next} are done; to go on from here: --seeds {next}..{end}");
        }
    })?;
    Ok((report, broken))
}

fn parse(seeds: &str) -> Option<Range<u64>> {
    let (from, to) = seeds.split_once("..")?;
    let seeds = from.parse().ok()?..to.parse().ok()?;
    (seeds.start <= seeds.end).then_some(seeds)
}
