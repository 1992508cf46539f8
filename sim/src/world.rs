//! The world: disk, store, services and clock around one agent. Decided by a plan and its noise; no threads, no
//! real time, no real files.

pub(crate) mod agent;
#[cfg(test)]
mod compressed;
#[cfg(test)]
mod deleted;
pub(crate) mod disk;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod found;
mod lives;
mod operate;
mod perform;
mod queue;
#[cfg(test)]
mod reloaded;
mod service;
mod show;
pub(crate) mod store;
#[cfg(test)]
mod story;
mod tally;
#[cfg(test)]
mod told;
mod writers;

use crate::oracle::{Broken, Oracle};
use crate::plan::point::Point;
use crate::plan::setup::{ROOT, Rates};
use crate::plan::{MS, Plan, SEC};
use agent::{Agent, Echo, Stage};
use disk::{ContentId, Disk, NodeId};
use fastrand::Rng;
use kintail_engine::Poll;
use kintail_engine::event::{Event, Notice, Now, Request};
use kintail_engine::ids::ActionId;
use kintail_engine::settings::Watch;
use queue::Queue;
use service::Weather;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::Store;
use writers::{Ink, Pen};

pub(crate) use tally::{KINDS, Kind, Tally};

/// How often files are looked at where no notices come.
const POLL: Duration = Duration::from_millis(250);

/// What nobody is owed is sent within so many rounds of idle seconds.
const MOST_ROUNDS: u32 = 300;

/// More actions than this at one instant are a busy loop.
const MOST_AT_ONCE: u32 = 20_000;

/// The world.
#[derive(Debug)]
pub(crate) struct World {
    plan: Plan,
    now: u64,
    /// What the wall clock is off by.
    skew: i64,
    rng: Rng,
    queue: Queue<What>,
    disk: Disk,
    store: Store,
    oracle: Oracle,
    agent: Option<Agent>,
    lives: u32,
    boots: u32,
    /// Wall time of the last boot.
    booted: i64,
    pens: Vec<Pen>,
    faults: Faults,
    armed: Option<Armed>,
    /// Requests under way whose sender has given up.
    /// Files that were copied, and are not cut to nothing yet.
    to_be_cut: BTreeSet<NodeId>,
    stragglers: Vec<(ActionId, Request)>,
    /// The last thing that happened to the agent.
    last: Point,
    /// What was done to the world since the agent before this one ended, and in the life of that one.
    done: [BTreeSet<Kind>; 2],
    /// The newest transaction was saved.
    saves_well: bool,
    /// Nothing goes wrong any more.
    healed: bool,
    at_once: u32,
    trace: Option<Vec<String>>,
    pub(crate) tally: Tally,
}

/// Until when faults last.
#[derive(Debug, Default)]
struct Faults {
    outage: u64,
    throttle: u64,
    store: u64,
    files: u64,
    deaf: u64,
    hidden: u64,
}

/// A death that waits for its point.
#[derive(Clone, Copy, Debug)]
struct Armed {
    point: Point,
    skip: u32,
    power: bool,
    down: u64,
}

/// Something that is to happen. What is meant for one life of the agent names it.
#[derive(Debug)]
enum What {
    Op(usize),
    /// A file that was copied is cut to nothing.
    Cut(NodeId),
    /// A file was compressed.
    Compressed {
        plain: PathBuf,
        from: NodeId,
        content: ContentId,
        to: NodeId,
    },
    Start,
    Effect(u32, ActionId),
    Answer(u32, ActionId),
    /// A request that hung arrives.
    Late(u32, ActionId),
    /// The sender of a request that hangs waits no longer.
    GiveUp(u32, ActionId),
    Notice(u32, Notice),
    /// The driver waits no longer for an ordered end.
    Impatience(u32),
    /// The agent dies, wherever it is.
    Die(u32),
}

impl World {
    /// The world of a plan; with `trace` it keeps a record of what happens.
    pub(crate) fn new(plan: Plan, trace: bool) -> Self {
        let mut queue = Queue::new();
        for (index, timed) in plan.ops.iter().enumerate() {
            queue.put(timed.at, What::Op(index));
        }
        queue.put(0, What::Start);
        let rng = Rng::with_seed(plan.noise);
        let mut world = Self {
            now: 0,
            skew: 0,
            queue,
            disk: Disk::new(plan.setup.births),
            store: Store::new(),
            oracle: Oracle::new(&plan.setup, plan.has_steady_clock()),
            agent: None,
            lives: 0,
            boots: 0,
            booted: wall(0, 0),
            pens: plan.setup.writers.iter().map(|_| Pen::default()).collect(),
            faults: Faults::default(),
            armed: None,
            to_be_cut: BTreeSet::new(),
            stragglers: Vec::new(),
            last: Point::Shutdown,
            done: Default::default(),
            saves_well: true,
            healed: false,
            at_once: 0,
            trace: trace.then(Vec::new),
            tally: Tally::default(),
            rng,
            plan,
        };
        let wall = world.stamp();
        world.disk.make_dir(Path::new(ROOT), wall);
        for writer in 0..world.plan.setup.writers.len() {
            if world.plan.setup.writers[writer].early {
                world.write(writer, &Ink::Lines(&[30, 45, 7]));
            }
        }
        world
    }

    /// Runs the plan to its end; tells what happened, and the trace.
    pub(crate) fn run(&mut self) -> Result<(), Broken> {
        let end = self.plan.ops.last().map_or(0, |timed| timed.at) + SEC;
        self.run_until(end)?;
        if self.armed.is_some() {
            // The last death still waits for its point.
            self.run_until(end + 5 * SEC)?;
        }
        self.heal();
        self.catch_up()?;
        self.rest()?;
        self.start_over()
    }

    /// The record of what happened.
    pub(crate) fn take_trace(&mut self) -> Vec<String> {
        self.trace.take().unwrap_or_default()
    }

    /// After all faults: everything owed arrives, and while some of it is missing, more arrives within a bounded time.
    fn catch_up(&mut self) -> Result<(), Broken> {
        let mut step = 100 * MS;
        let (mut before, mut give_up) = (None, 0);
        while let Some(broken) = self.owed() {
            if before.as_ref() != Some(&broken) {
                give_up = self.now + 600 * SEC;
            } else if self.now > give_up {
                return Err(broken);
            }
            before = Some(broken);
            self.run_until(self.now + step)?;
            step = (step + step / 2).min(20 * SEC);
        }
        Ok(())
    }

    /// What must still come.
    fn owed(&self) -> Option<Broken> {
        if self.agent.is_none() {
            return Some(Broken::new("every line arrives", "the agent is down"));
        }
        let missing = self.oracle.missing(&self.disk).map(|text| Broken::new("every line arrives", text));
        let untold = || self.oracle.untold(&self.disk, &self.store.rows);
        missing.or_else(|| untold().map(|text| Broken::new("a loss is counted", text)))
    }

    /// With nothing to do, little is done. Nobody is owed the rest of a deleted file, but it may still be on its way.
    fn rest(&mut self) -> Result<(), Broken> {
        self.run_until(self.now + 4 * SEC)?;
        let mut restless = 0;
        for _ in 0..MOST_ROUNDS {
            let before = self.tally.requests;
            let quiet = self.idle_seconds();
            restless += u32::from(self.tally.requests == before);
            if quiet.is_ok() || restless > 3 {
                return quiet;
            }
        }
        Err(Broken::new("the world goes quiet", "requests without end"))
    }

    fn idle_seconds(&mut self) -> Result<(), Broken> {
        let before = (self.tally.actions, self.tally.polls);
        self.run_until(self.now + 6 * SEC)?;
        let agent = &self.plan.setup.settings.agent;
        let polled = agent.watch == Watch::Poll || self.plan.setup.no_watch;
        let period = if polled { POLL.min(agent.rescan) } else { agent.rescan };
        let rounds = 6000 / period.as_millis().max(1) as u64 + 4;
        let each = 1 + 2 * self.plan.setup.settings.flows.len() as u64;
        let held = self.agent.as_ref().map_or(0, |agent| agent.handles.len());
        let most = rounds * (self.disk.names().count().max(held) as u64 * each + 8);
        let (actions, polls) = (self.tally.actions - before.0, self.tally.polls - before.1);
        if actions > most || polls > 3 * most {
            let text = format!("{actions} actions, {polls} polls in six idle seconds");
            return Err(Broken::new("the world goes quiet", text));
        }
        Ok(())
    }

    /// An ordered end and a new start: whatever is sent again now, the oracle finds without a cause.
    fn start_over(&mut self) -> Result<(), Broken> {
        self.stop(0)?;
        self.run_until(self.now + 2 * self.patience() + 4 * SEC)?;
        if self.agent.is_none() || self.lives < 2 {
            return Err(Broken::new("an agent starts again", format!("life {}", self.lives)));
        }
        Ok(())
    }

    fn run_until(&mut self, end: u64) -> Result<(), Broken> {
        loop {
            self.drain()?;
            let queued = self.queue.next_at();
            let deadline = self.agent.as_ref().and_then(|agent| agent.deadline);
            let next = [queued, deadline].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = self.now.max(end);
                return Ok(());
            };
            if next > self.now {
                self.at_once = 0;
                self.now = next;
            }
            if queued == Some(next)
                && let Some(what) = self.queue.take()
            {
                self.happen(what)?;
            }
        }
    }

    /// Asks the engine until it waits.
    fn drain(&mut self) -> Result<(), Broken> {
        while let Some(agent) = &mut self.agent {
            let now = now(self.now, self.skew, agent.born);
            self.tally.polls += 1;
            self.at_once += 1;
            if self.at_once > MOST_AT_ONCE {
                let flying =
                    format!("{:?}", agent.flying.values().map(|flight| flight.deed).collect::<Vec<_>>());
                return Err(Broken::new("the engine does not run in circles", flying));
            }
            match agent.engine.poll(now) {
                Poll::Action(action) => self.ask(action)?,
                Poll::Wait(until) => {
                    let deadline = until.map(|until| agent.born + until.as_nanos() as u64);
                    if deadline.is_some_and(|deadline| deadline <= self.now) {
                        return Err(Broken::new(
                            "a deadline is in the future",
                            format!("{until:?} at {now:?}"),
                        ));
                    }
                    agent.deadline = deadline;
                    return Ok(());
                }
                Poll::Finished => self.finish()?,
            }
        }
        Ok(())
    }

    fn happen(&mut self, what: What) -> Result<(), Broken> {
        let life = self.agent.as_ref().map_or(0, |agent| agent.life);
        match what {
            What::Op(index) => self.operate(index),
            What::Cut(node) => {
                self.cut(node);
                Ok(())
            }
            What::Compressed { plain, from, content, to } => {
                self.compressed(&plain, from, content, to);
                Ok(())
            }
            What::Start => self.start(),
            What::Effect(to, id) if to == life => self.effect(id),
            What::Answer(to, id) if to == life => self.answer(id),
            What::GiveUp(to, id) if to == life => self.give_up(id),
            What::Late(to, id) if to == life => self.late(id),
            What::Notice(to, notice) if to == life => {
                self.say(|| format!("notice {notice:?}"));
                self.handle(Event::Notice(notice));
                self.reached(Point::Notice)
            }
            What::Impatience(to) if to == life => self.cancel_all(),
            What::Die(to) if to == life && self.armed.is_some() => self.crash(),
            _ => Ok(()),
        }
    }

    /// The engine is told how an action went.
    fn answer(&mut self, id: ActionId) -> Result<(), Broken> {
        let Some(flight) = self.agent.as_mut().and_then(|agent| agent.flying.remove(&id)) else {
            return Ok(());
        };
        let Stage::Performed(outcome) = flight.stage else { return Ok(()) };
        self.say(|| format!("{} {}", id.0, show::outcome(&outcome)));
        self.echo(flight.echo);
        self.handle(Event::Done { id, outcome });
        self.weigh()?;
        self.reached(Point::Answered(flight.deed))
    }

    fn echo(&mut self, echo: Echo) {
        match echo {
            Echo::Nothing => {}
            Echo::Told { content, size } => self.oracle.told(content, size),
            Echo::Given { cursor, node, content, start, end, size, path } => {
                self.oracle.told(content, size);
                self.oracle.met(content, node, &path);
                if let Some(cursor) = cursor {
                    self.oracle.given(cursor, content, start, end);
                    let now = self.disk.nodes[node].content;
                    self.oracle.given_by_copy(cursor, self.disk.contents[now].copy_of == Some(content));
                }
            }
            Echo::Framed { cursor, content, to } => self.oracle.framed(cursor, content, to),
            Echo::Sent { flow, records, clear: true } => self.oracle.answered(flow, &records),
            Echo::Sent { flow, records, .. } => self.oracle.unanswered(flow, &records),
        }
    }

    fn handle(&mut self, event: Event) {
        self.tally.events += 1;
        if let Some(agent) = &mut self.agent {
            agent.engine.handle(event, now(self.now, self.skew, agent.born));
        }
    }

    /// The engine keeps to its memory, and counts it truly.
    fn weigh(&mut self) -> Result<(), Broken> {
        let Some(agent) = &self.agent else { return Ok(()) };
        let limit = self.plan.setup.settings.agent.memory;
        let weight = agent.weight();
        let said = if self.tally.events.is_multiple_of(8) {
            agent.engine.status(now(self.now, self.skew, agent.born)).memory_used
        } else {
            weight
        };
        self.tally.peak = self.tally.peak.max(weight);
        if weight > limit || said > limit || said < weight {
            let text = format!("holds {weight} bytes, says {said}, of {limit}");
            return Err(Broken::new("memory is counted and bounded", text));
        }
        Ok(())
    }

    /// The kernel gives notice of something in a directory, if it is watched.
    fn notify(&mut self, dir: &Path, notice: &Notice) {
        let Some(agent) = &self.agent else { return };
        let deaf = self.plan.setup.deaf_dirs && dir.as_os_str().len() > ROOT.len();
        if !agent.watches.contains(dir) || deaf || self.faults.deaf > self.now {
            return;
        }
        let odd = self.chance(self.rates().notice);
        let times = if odd { self.rng.u32(..3) } else { 1 };
        let latest = if odd { 500 * MS } else { 2 * MS };
        if times == 0 {
            let at = self.now + self.rng.u64(..100 * MS);
            self.queue.put(at, What::Notice(self.lives, Notice::Overflow));
        }
        for _ in 0..times {
            let at = self.now + self.rng.u64(..latest);
            self.queue.put(at, What::Notice(self.lives, notice.clone()));
        }
    }

    fn chance(&mut self, part: u32) -> bool {
        crate::plan::draw::chance(&mut self.rng, part)
    }

    fn rates(&self) -> Rates {
        if self.healed { Rates::default() } else { self.plan.setup.rates }
    }

    fn weather(&self) -> Weather {
        let outage = self.faults.outage > self.now;
        Weather { rates: self.rates(), outage, throttle: self.faults.throttle > self.now }
    }

    fn heal(&mut self) {
        self.healed = true;
        self.faults = Faults::default();
        self.armed = None;
        self.say(|| "all faults end".into());
    }

    fn boot_id(&self) -> String {
        format!("boot-{}", self.boots)
    }

    /// The time that the file system writes down now.
    fn stamp(&self) -> i64 {
        let wall = wall(self.now, self.skew);
        wall - wall % self.plan.setup.grain
    }

    fn say(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>12.6} {}", self.now as f64 / SEC as f64, text()));
        }
    }
}

fn wall(now: u64, skew: i64) -> i64 {
    1_750_000_000 * SEC as i64 + now as i64 + skew
}

fn now(now: u64, skew: i64, born: u64) -> Now {
    Now { mono: Duration::from_nanos(now - born), wall: wall(now, skew) }
}
