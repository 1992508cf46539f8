//! The real agent on real file systems, under everything that programs do to logs, in an order that a seed decides; and
//! beside it a model that knows each line that was ever in a file. What arrived is judged by `docs/promises.md`.
//!
//! `KINTAIL_SEEDS=0..500` runs these seeds, `KINTAIL_SEED=17` one.

mod book;
mod content;
mod daemon;
mod disk;
mod judge;
mod life;
mod model;
mod mount;
mod operations;
mod plan;
mod tally;
mod text;
mod world;

use mount::Volume;
use plan::Plan;
use std::env;
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use tally::Tally;
use tempfile::TempDir;
use world::World;

/// Seeds that every change must pass.
const SEEDS: u64 = 24;

/// Rounds at a time: they mostly wait.
const ROUNDS: usize = 12;

#[test]
fn on_a_tmpfs_every_line_arrives_or_is_accounted_for() {
    run("tmpfs", &Volume::tmpfs());
}

#[test]
fn on_an_ext4_every_line_arrives_or_is_accounted_for() {
    run("ext4", &Volume::ext4(256));
}

#[test]
fn on_an_old_ext4_every_line_arrives_or_is_accounted_for() {
    run("old ext4", &Volume::ext4(128));
}

fn run(name: &str, volume: &Volume) {
    let seeds = seeds();
    let next = AtomicU64::new(seeds.start);
    let (failed, tally) = (Mutex::new(Vec::new()), Mutex::new(Tally::default()));
    let work = || {
        while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds.end) {
            match round(seed, &volume.path()) {
                Ok(more) => *tally.lock().expect("no panic") += more,
                Err(text) => {
                    mount::say(&format!("{name}: {text}"));
                    failed.lock().expect("no panic").push(seed);
                }
            }
        }
    };
    thread::scope(|scope| (0..ROUNDS).for_each(|_| drop(scope.spawn(work))));
    let (failed, tally) = (failed.into_inner().expect("no panic"), tally.into_inner().expect("no panic"));
    mount::say(&format!("{name}: {} seeds, {tally}", seeds.end - seeds.start));
    assert!(failed.is_empty(), "KINTAIL_SEED={} and others fail: {failed:?}", failed[0]);
    let arrived = tally.owed + tally.spared;
    assert!(arrived * 4 > tally.written * 3, "too little of what is written has to arrive: {tally}");
}

fn seeds() -> Range<u64> {
    let number = |text: &str| text.parse::<u64>().expect("a number");
    if let Ok(seed) = env::var("KINTAIL_SEED") {
        return number(&seed)..number(&seed) + 1;
    }
    let Ok(seeds) = env::var("KINTAIL_SEEDS") else { return 0..SEEDS };
    let (from, to) = seeds.split_once("..").expect("a range as 0..500");
    number(from)..number(to)
}

/// One seed; what is wrong with it, and what happened.
fn round(seed: u64, volume: &Path) -> Result<Tally, String> {
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let logs = TempDir::new_in(volume).expect("a directory");
    let _named = Named(seed);
    let mut world = World::new(Plan::of(seed), logs.path(), dir.path());
    let faults = world.run();
    if faults.is_empty() {
        return Ok(world.tally);
    }
    Err(format!("seed {seed}: {}\n{}", faults.join("\n"), world.story()))
}

/// Names the seed of a round that panics.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if thread::panicking() {
            mount::say(&format!("seed {} panics", self.0));
        }
    }
}
