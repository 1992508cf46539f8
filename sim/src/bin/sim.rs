//! Runs seeds of the simulation: `sim --seeds 0..20000`, or `SIM_SEEDS=0..20000 sim`; `sim --trace 17` shows one.
//! `--brief` reports a failing seed in a line, not made small.

use kintail_sim::runner;
use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

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
    let Some(seeds) = parse(&seeds) else {
        eprintln!("usage: sim [--seeds FROM..TO] [--brief] [--trace SEED]");
        return ExitCode::from(64);
    };
    let began = Instant::now();
    let result = runner::run(seeds.clone(), args.iter().any(|arg| arg == "--brief"), |seed| {
        if (seed + 1).is_multiple_of(10_000) {
            eprintln!(
                "{:?}: all seeds before {} hold; to go on: --seeds {}..{}",
                began.elapsed(),
                seed + 1,
                seed + 1,
                seeds.end
            );
        }
    });
    match result {
        Ok(report) => {
            println!("{}{:?}", report.text(), began.elapsed());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{}", failure.text);
            ExitCode::FAILURE
        }
    }
}

fn parse(seeds: &str) -> Option<Range<u64>> {
    let (from, to) = seeds.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?)
}
