//! Runs a share of the seeds: a small one here, `SIM_SEEDS=0..20000` (with `--profile sim`) in CI.

use kintail_sim::runner::{self, Mode};
use std::ops::Range;

/// Seeds for a build without optimisation.
const FEW: Range<u64> = 0..150;
/// From so many on, every pair of operation and crash point must have come up often enough.
const FULL_SHARE: u64 = 20_000;

#[test]
fn no_seed_breaks_a_property() {
    let seeds = std::env::var("SIM_SEEDS").ok().map_or(FEW, |text| parse(&text));
    let full = seeds.end - seeds.start >= FULL_SHARE;
    match runner::run(seeds, Mode::Explain, |_, _| {}) {
        Ok(report) => {
            println!("{}", report.text());
            let rare = report.rare_pairs();
            assert!(!full || rare.is_empty(), "hit too rarely: {rare:#?}");
        }
        Err(failure) => panic!("{}", failure.text),
    }
}

#[test]
fn a_seed_means_the_same_world_each_time() {
    assert_eq!(runner::trace(3), runner::trace(3));
}

fn parse(text: &str) -> Range<u64> {
    let (from, to) = text.split_once("..").expect("SIM_SEEDS is FROM..TO");
    from.parse().expect("a number")..to.parse().expect("a number")
}
