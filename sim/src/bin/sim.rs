//! Runs seeds of the simulation: `sim --seeds 0..20000`, or `SIM_SEEDS=0..20000 sim`; `sim --trace 17` shows one.
//! `--jobs 2` shares them out over two threads; `--brief` reports a failing seed in a line, not made small.

use kintail_sim::runner::{self, Failure, Report};
use std::ops::Range;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

/// From so many seeds on, every pair of operation and crash point must have come up often enough.
const FULL_SHARE: u64 = 20_000;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).cloned()
    };
    std::panic::set_hook(Box::new(|_| {}));
    if let Some(seed) = value("--trace").and_then(|seed| seed.parse().ok()) {
        println!("{}", runner::trace(seed));
        return ExitCode::SUCCESS;
    }
    let seeds = value("--seeds").or_else(|| std::env::var("SIM_SEEDS").ok()).unwrap_or("0..2000".into());
    let jobs = value("--jobs").unwrap_or("1".into());
    let (Some(seeds), Ok(jobs)) = (parse(&seeds), jobs.parse()) else {
        eprintln!("usage: sim [--seeds FROM..TO] [--jobs N] [--brief] [--trace SEED]");
        return ExitCode::from(64);
    };
    let full = seeds.end - seeds.start >= FULL_SHARE;
    let began = Instant::now();
    match run(&seeds, jobs, args.iter().any(|arg| arg == "--brief")) {
        Ok(report) => {
            println!("{}{:?}", report.text(), began.elapsed());
            let rare = report.rare_pairs();
            for pair in &rare {
                println!("hit too rarely: {pair}");
            }
            if full && !rare.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(failure) => {
            println!("{}", failure.text);
            ExitCode::FAILURE
        }
    }
}

/// Runs the seeds on so many threads, up to the first that fails.
fn run(seeds: &Range<u64>, jobs: u64, brief: bool) -> Result<Report, Box<Failure>> {
    let (done, reports) = mpsc::channel();
    let part = (seeds.end - seeds.start).div_ceil(jobs.max(1)).max(1);
    for from in (seeds.start..seeds.end).step_by(part as usize) {
        let done = done.clone();
        let part = from..seeds.end.min(from + part);
        thread::spawn(move || {
            // Nobody listens any more when another seed has failed.
            let _ = done.send(runner::run(part.clone(), brief, |seed| tell(seed, &part)));
        });
    }
    drop(done);
    let mut all = Report::default();
    for report in reports {
        all.add(report?);
    }
    Ok(all)
}

/// How far a long run is.
fn tell(seed: u64, seeds: &Range<u64>) {
    if (seed + 1).is_multiple_of(10_000) {
        let (from, next, end) = (seeds.start, seed + 1, seeds.end);
        eprintln!("seeds {from}..{next} hold; to go on: --seeds {next}..{end}");
    }
}

fn parse(seeds: &str) -> Option<Range<u64>> {
    let (from, to) = seeds.split_once("..")?;
    let seeds = from.parse().ok()?..to.parse().ok()?;
    (seeds.start <= seeds.end).then_some(seeds)
}
