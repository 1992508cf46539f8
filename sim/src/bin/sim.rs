//! Runs seeds of the simulation: `sim --seeds 0..20000`, or `SIM_SEEDS=0..20000 sim`; ends at the first that breaks a
//! property and makes it small. `--brief` only names it, `--survey` names all; `--trace 17` shows what happens in one.

use kintail_sim::runner::{self, Mode};
use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

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
    let Some(seeds) = parse(&seeds) else {
        eprintln!("usage: sim [--seeds FROM..TO] [--brief | --survey] [--trace SEED]");
        return ExitCode::from(64);
    };
    let flag = |name: &str| args.iter().any(|arg| arg == name);
    let mode = match (flag("--brief"), flag("--survey")) {
        (true, _) => Mode::Brief,
        (_, true) => Mode::Survey,
        _ => Mode::Explain,
    };
    run(seeds, mode)
}

fn run(seeds: Range<u64>, mode: Mode) -> ExitCode {
    let began = Instant::now();
    let mut broken = 0;
    let result = runner::run(seeds.clone(), mode, |seed, breaks| {
        if let Some(text) = breaks {
            broken += 1;
            print!("{text}");
        }
        let next = seed + 1;
        if next.is_multiple_of(10_000) {
            eprintln!(
                "{:?}: done up to {next}; to go on from here: --seeds {next}..{}",
                began.elapsed(),
                seeds.end
            );
        }
    });
    match result {
        Ok(report) => {
            println!("{}{:?}", report.text(), began.elapsed());
            if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
