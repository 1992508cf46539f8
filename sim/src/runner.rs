//! Runs seeds, each in a world of its own; reports the first that breaks a property, made small.

use crate::oracle::Broken;
use crate::plan::Plan;
use crate::shrink::shrink;
use crate::table;
use crate::world::{Tally, World};
use std::fmt::Write;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What came of some seeds.
#[derive(Debug, Default)]
pub struct Report {
    seeds: u64,
    tally: Tally,
    /// Events of each seed.
    events: Vec<u64>,
    crashed: u64,
}

/// A seed that breaks a property.
#[derive(Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What is broken and how, the smallest plan found that still breaks it, what happened, how to see it again.
    pub text: String,
}

impl Report {
    /// The counts in a few lines, and the crash table.
    pub fn text(&self) -> String {
        let mut events = self.events.clone();
        events.sort_unstable();
        let median = events.get(events.len() / 2).copied().unwrap_or(0);
        let Tally { events, actions, polls, requests, letters, crashes, power_cuts, stops, peak, .. } =
            &self.tally;
        let mut text = format!(
            "{} seeds, {events} events (median {median}), {actions} actions, {polls} polls, {requests} requests, \
             {letters} dead letters\n{crashes} crashes in {} seeds, {power_cuts} power cuts, {stops} ordered ends, \
             at most {peak} bytes held\n",
            self.seeds, self.crashed
        );
        text.push_str(&table::text(&self.tally, self.seeds));
        text
    }

    /// Pairs of operation and crash point that were hit too rarely for so many seeds, by name.
    pub fn rare_pairs(&self) -> Vec<String> {
        table::rare(&self.tally, self.seeds)
    }

    /// Adds another run's counts.
    pub fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.crashed += other.crashed;
        self.tally.add(&other.tally);
        self.events.extend(other.events);
    }
}

/// What a run does with seeds that break a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Ends at the first, and makes it small.
    Explain,
    /// Ends at the first, and says so in a line.
    Brief,
    /// Says so in a line to `progress`, and goes on.
    Survey,
}

/// Runs these seeds, up to the first that breaks a property unless all are surveyed; tells `progress` after each
/// what it breaks, if anything.
pub fn run(
    seeds: Range<u64>,
    mode: Mode,
    mut progress: impl FnMut(u64, Option<&str>),
) -> Result<Report, Box<Failure>> {
    let mut report = Report::default();
    for seed in seeds {
        let plan = Plan::of(seed);
        let (result, tally, _) = try_plan(&plan, false);
        let broken = result.err();
        match (&broken, mode) {
            (Some(broken), Mode::Explain) => {
                return Err(Box::new(Failure { seed, text: explain(&plan, broken) }));
            }
            (Some(broken), Mode::Brief) => {
                return Err(Box::new(Failure { seed, text: headline(seed, broken) }));
            }
            _ => {}
        }
        report.seeds += 1;
        report.crashed += u64::from(tally.crashes > 0);
        report.events.push(tally.events);
        report.tally.add(&tally);
        progress(seed, broken.map(|broken| headline(seed, &broken)).as_deref());
    }
    Ok(report)
}

/// What happens in a seed's world, line by line, whether or not it breaks a property.
pub fn trace(seed: u64) -> String {
    let (result, _, trace) = try_plan(&Plan::of(seed), true);
    format!("{}\n{result:?}", trace.join("\n"))
}

fn try_plan(plan: &Plan, trace: bool) -> (Result<(), Broken>, Tally, Vec<String>) {
    let mut world = World::new(plan.clone(), trace);
    let result = catch_unwind(AssertUnwindSafe(|| world.run()));
    let result = result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_string()));
        Err(Broken::new("nothing panics", text.unwrap_or_default()))
    });
    let tally = world.tally.clone();
    (result, tally, world.take_trace())
}

fn explain(plan: &Plan, broken: &Broken) -> String {
    let small =
        shrink(plan, &|plan| try_plan(plan, false).0.is_err_and(|other| other.property == broken.property));
    let (result, _, trace) = try_plan(&small, true);
    let seed = plan.seed;
    let mut text = headline(seed, broken);
    writeln!(text, "\nafter shrinking: {:?}\n\n{:?}\n", result.err(), small.setup)
        .expect("a string takes all");
    for timed in &small.ops {
        writeln!(text, "{:>12.6} {:?}", timed.at as f64 / 1e9, timed.op).expect("a string takes all");
    }
    writeln!(text, "\n{}\n", trace.join("\n")).expect("a string takes all");
    writeln!(text, "replay: cargo run -p kintail-sim --profile sim -- --seeds {seed}..{}", seed + 1)
        .expect("a string takes all");
    text
}

fn headline(seed: u64, broken: &Broken) -> String {
    format!("seed {seed} breaks: {}: {}\n", broken.property, broken.text)
}
