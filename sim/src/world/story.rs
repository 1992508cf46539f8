//! An agent in a small world in which everything is answered at once, for tests that tell a story step by step.

use super::disk::{Disk, NodeId};
use super::store::Store;
use kintail_engine::destination::Answer;
use kintail_engine::event::{Action, Chunk, Codec, Deleted, Do, Event, FileError, Notice, Now, Outcome};
use kintail_engine::ids::{ActionId, HandleId};
use kintail_engine::settings::{Agent, Destination, Flow, Settings};
use kintail_engine::state::Saved;
use kintail_engine::{Engine, Poll, Start};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// An agent that is answered at once, except where a story meddles.
pub(super) struct Story {
    pub(super) disk: Disk,
    pub(super) store: Store,
    pub(super) settings: Settings,
    pub(super) engine: Engine,
    now: Duration,
    pub(super) open: BTreeMap<HandleId, NodeId>,
    /// How the open ones are compressed, and which of them were measured.
    codecs: BTreeMap<HandleId, (Codec, bool)>,
    pub(super) got: String,
    lives: u64,
    /// How often the machine was booted.
    boots: u64,
    /// Wall time of the last boot.
    booted: i64,
    /// By so many nanoseconds the wall clock was set on.
    pub(super) skew: i64,
    /// Of a thousand bytes; all, once a deleted file is closed.
    pub(super) free: u64,
}

/// What a story does when the agent asks for something: may change the disk, and may answer in its place.
pub(super) type Meddle<'a> = &'a mut dyn FnMut(&mut Disk, &Do) -> Option<Outcome>;

impl Story {
    pub(super) fn new(files: &[(&str, &str)], change: impl FnOnce(&mut Flow)) -> Self {
        let mut disk = Disk::new(true);
        for (path, text) in files {
            write(&mut disk, path, text);
        }
        let mut flow = Flow::new("app", vec!["/log/**/*.log".into()], Destination::Stdout);
        flow.close_after = Duration::from_secs(1);
        change(&mut flow);
        let settings = Settings { agent: Agent::new("host"), flows: vec![flow] };
        let engine = engine(&settings, 0, 0, 0);
        let (store, now, open) = (Store::new(), Duration::from_secs(1), BTreeMap::new());
        let (codecs, got) = (BTreeMap::new(), String::new());
        Self {
            disk,
            store,
            settings,
            engine,
            now,
            open,
            codecs,
            got,
            lives: 0,
            boots: 0,
            booted: 0,
            skew: 0,
            free: 1000,
        }
    }

    /// Another flow begins, with a restart.
    pub(super) fn follow(&mut self, name: &str, glob: &str) {
        let flow = Flow { name: name.into(), files: vec![glob.into()], ..self.settings.flows[0].clone() };
        self.settings.flows.push(flow);
        self.restart();
    }

    /// The agent is given another configuration.
    pub(super) fn reload(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        let now = self.clock();
        self.engine.handle(Event::Reload(Box::new(self.settings.clone())), now);
    }

    /// The agent is told to end, and ends.
    pub(super) fn stop(&mut self) {
        let now = self.clock();
        self.engine.handle(Event::Shutdown, now);
        self.pass_undisturbed(SECONDS);
    }

    /// The agent is killed, and another one starts.
    pub(super) fn restart(&mut self) {
        self.restart_after(Duration::ZERO);
    }

    /// ... a while later.
    pub(super) fn restart_after(&mut self, down: Duration) {
        self.now += down;
        self.lives += 1;
        for node in std::mem::take(&mut self.open).into_values() {
            self.disk.release(node);
        }
        self.engine = engine(&self.settings, self.lives, self.boots, self.booted);
    }

    /// The machine is booted, and its device has another number.
    pub(super) fn reboot(&mut self) {
        self.now += 10 * SECONDS;
        self.boots += 1;
        self.booted = self.clock().wall;
        self.disk.dev += 1;
        self.restart();
    }

    pub(super) fn notice(&mut self, path: &str) {
        let now = self.clock();
        self.engine.handle(Event::Notice(Notice::Content { path: path.into() }), now);
    }

    pub(super) fn notice_entries(&mut self, dir: &str) {
        let now = self.clock();
        self.engine.handle(Event::Notice(Notice::Entries { dir: dir.into() }), now);
    }

    /// Lets so much time pass.
    pub(super) fn pass(&mut self, time: Duration, meddle: Meddle) {
        let end = self.now + time;
        loop {
            let now = self.clock();
            match self.engine.poll(now) {
                Poll::Action(action) => match meddle(&mut self.disk, &action.what) {
                    Some(outcome) => self.answer_so(action.id, outcome),
                    None => self.answer(action),
                },
                Poll::Wait(until) if until.is_some_and(|until| until <= end) => {
                    self.now = until.unwrap_or(end);
                }
                Poll::Wait(_) | Poll::Finished => break,
            }
        }
        self.now = end;
    }

    /// Lets so much time pass in which some of what the agent asks for is never answered.
    pub(super) fn pass_without(&mut self, time: Duration, hangs: impl Fn(&Do) -> bool) {
        let end = self.now + time;
        loop {
            self.settle(&hangs);
            let now = self.clock();
            match self.engine.poll(now) {
                Poll::Wait(Some(until)) if until <= end => self.now = until,
                _ => break,
            }
        }
        self.now = end;
    }

    pub(super) fn pass_undisturbed(&mut self, time: Duration) {
        self.pass(time, &mut |_, _| None);
    }

    /// What the store holds.
    pub(super) fn saved(&self) -> Saved {
        self.store.load()
    }

    /// Whether no file is open.
    pub(super) fn closed_all(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn clock(&self) -> Now {
        Now { mono: self.now, wall: self.now.as_nanos() as i64 + self.skew }
    }

    /// Answers all that the agent asks for now, but for what is kept back.
    pub(super) fn settle(&mut self, keep: impl Fn(&Do) -> bool) -> Vec<Action> {
        let now = self.clock();
        let mut kept = Vec::new();
        while let Poll::Action(action) = self.engine.poll(now) {
            if keep(&action.what) { kept.push(action) } else { self.answer(action) }
        }
        kept
    }

    pub(super) fn answer(&mut self, action: Action) {
        let outcome = self.perform(action.what);
        self.answer_so(action.id, outcome);
    }

    pub(super) fn answer_so(&mut self, id: ActionId, outcome: Outcome) {
        let now = self.clock();
        self.engine.handle(Event::Done { id, outcome }, now);
    }

    fn perform(&mut self, what: Do) -> Outcome {
        if std::env::var("TRACE").is_ok() {
            eprintln!("{:?} {}", self.now, super::show::deed(&what));
        }
        match what {
            Do::Load => Outcome::Loaded(Box::new(self.store.load())),
            Do::Save(transaction) => {
                self.store.save(transaction);
                Outcome::Saved(Ok(()))
            }
            Do::List { dir, wanted } => Outcome::Listed(self.disk.list(&dir).map(|mut listing| {
                listing.entries.retain(|entry| wanted.wants(&entry.name, entry.kind, entry.ino));
                listing
            })),
            Do::LookDeleted { handle } => Outcome::LookedDeleted(Ok(Deleted {
                links: self.disk.nodes[self.open[&handle]].links,
                free: self.free,
                total: 1000,
            })),
            Do::FollowLink { .. } => Outcome::Followed(Err(FileError::NotFound)),
            Do::Measure { handle } => {
                let codec = self.codecs.get_mut(&handle).map(|(codec, measured)| {
                    *measured = true;
                    *codec
                });
                Outcome::Measured(Ok(self.disk.measure(self.open[&handle], codec)))
            }
            Do::Look { path } => Outcome::Looked(self.disk.look(&path)),
            Do::Open { handle, path, codec } => {
                let node = self.disk.find(&path);
                self.codecs.extend(codec.map(|codec| (handle, (codec, false))));
                if let Some(node) = node {
                    self.open.insert(handle, node);
                    self.disk.hold(node);
                }
                Outcome::Opened(node.map(|node| self.disk.stat(node)).ok_or(FileError::NotFound))
            }
            Do::Read { handle, offset, len, .. } => {
                let node = self.open[&handle];
                let codec = self.codecs.get(&handle).copied();
                let bytes = self.disk.text(node, codec.map(|(codec, _)| codec));
                let mut meta = self.disk.stat(node);
                if codec.is_some_and(|(_, measured)| measured) {
                    meta.size = bytes.len() as u64;
                }
                let start = (offset as usize).min(bytes.len());
                let bytes = bytes[start..(start + len).min(bytes.len())].to_vec().into();
                Outcome::Read(Ok(Chunk { bytes, meta }))
            }
            Do::Close { handle } => {
                self.codecs.remove(&handle);
                if let Some(node) = self.open.remove(&handle) {
                    self.disk.release(node);
                    self.free = if self.disk.nodes[node].links == 0 { 1000 } else { self.free };
                }
                Outcome::Closed
            }
            Do::Watch { .. } => Outcome::Watched(Ok(())),
            Do::Compute(job) => Outcome::Computed(Box::new(job.run())),
            Do::Send(request) => {
                self.got.push_str(&String::from_utf8_lossy(&request.body));
                Outcome::Sent(Answer::Written)
            }
            Do::ListShards { .. } => Outcome::Cancelled,
            Do::DeadLetters { .. } => Outcome::DeadLettered(Ok(())),
            Do::Unwatch { .. } | Do::Switch { .. } | Do::Reply { .. } => Outcome::Closed,
        }
    }
}

fn boot(number: u64) -> String {
    format!("boot {number}")
}

fn engine(settings: &Settings, seed: u64, boots: u64, booted: i64) -> Engine {
    Engine::new(Start { settings: settings.clone(), seed, boot_id: boot(boots), booted })
        .expect("good settings")
}

/// Adds to a file's end.
pub(super) fn write(disk: &mut Disk, path: &str, text: &str) {
    let path = Path::new(path);
    disk.make_dir(path.parent().expect("a directory"), 1);
    let node = disk.find(path).unwrap_or_else(|| disk.create(path, 1, 1));
    let content = disk.nodes[node].content;
    disk.contents[content].bytes.extend_from_slice(text.as_bytes());
}

/// Cuts a file to nothing, and fills it anew.
pub(super) fn refill(disk: &mut Disk, path: &str, text: &str) {
    let node = disk.find(Path::new(path)).expect("the file is there");
    disk.truncate(node, 1, 1);
    write(disk, path, text);
}

/// Long enough for all that is to come of itself.
pub(super) const SECONDS: Duration = Duration::from_secs(20);
