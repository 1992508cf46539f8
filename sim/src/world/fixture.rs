//! The virtual io by itself, for the checks that the real one passes too.

use super::World;
use super::agent::Agent;
use super::disk::Packed;
use crate::conformance::{Io, checks};
use crate::plan::Plan;
use crate::plan::setup::{ROOT, Rates};
use kintail_engine::event::{Codec, Do, Outcome};
use kintail_engine::{Engine, Start};
use std::path::{Path, PathBuf};

struct Virtual(World);

impl Virtual {
    /// A world without writers and faults.
    fn new() -> Self {
        let mut plan = Plan::of(0);
        plan.ops.clear();
        plan.setup.writers.clear();
        plan.setup.rates = Rates::default();
        let mut io = Self(World::new(plan, false));
        io.restart();
        io
    }

    fn node(&self, path: &Path) -> usize {
        self.0.disk.find(path).expect("the file is there")
    }
}

impl Io for Virtual {
    fn perform(&mut self, what: Do) -> Outcome {
        self.0.perform(what).expect("no property is broken").0
    }

    fn root(&self) -> PathBuf {
        ROOT.into()
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) {
        let disk = &mut self.0.disk;
        match disk.find(path) {
            Some(node) => {
                disk.nodes[node].packed = None;
                disk.truncate(node, 1, 1);
            }
            None => drop(disk.create(path, 1, 1)),
        }
        self.append(path, bytes);
    }

    fn compress(&mut self, path: &Path, codec: Codec, plain: &[u8], cut: usize) {
        self.write(path, plain);
        let node = self.node(path);
        self.0.disk.nodes[node].packed = Some(Packed { codec, whole: cut == 0 });
    }

    fn append(&mut self, path: &Path, bytes: &[u8]) {
        let content = self.0.disk.nodes[self.node(path)].content;
        self.0.disk.contents[content].bytes.extend_from_slice(bytes);
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        self.0.disk.rename(from, to, 1);
    }

    fn remove(&mut self, path: &Path) {
        self.0.disk.unlink(path, 1);
    }

    fn restart(&mut self) {
        let settings = self.0.plan.setup.settings.clone();
        let start = Start { settings, seed: 1, boot_id: "boot".into(), booted: 0 };
        self.0.agent = Some(Agent::new(Engine::new(start).expect("good settings"), 1, 0));
    }
}

#[test]
fn the_virtual_io_does_what_every_io_must_do() {
    for (sentence, check) in checks::<Virtual>() {
        println!("{sentence}");
        check(&mut Virtual::new());
    }
}
