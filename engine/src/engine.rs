//! The engine itself: takes events in, gives actions out. What it does with them is in the modules below, one a
//! concern, each a part of `impl Engine`.

mod asked;
mod boot;
mod compressed;
mod content;
mod deleted;
mod devices;
mod ending;
mod epoch;
mod files;
mod framing;
mod generations;
mod held;
mod kin;
mod lost;
mod meet;
mod meeting;
mod missing;
mod offsets;
mod orders;
mod power;
mod read;
mod regrow;
mod reload;
mod report;
mod resend;
mod room;
mod scan;
mod seek;
mod send;
mod slots;
mod start;
mod stop;
mod successor;
mod sweep;
mod tree;
mod unanswered;
mod unread;

use crate::budget::Budget;
use crate::deliver::Sender;
use crate::destination;
use crate::discover::{Globs, PatternError};
use crate::event::{Action, Do, Event, Letter, Notice, Now};
use crate::frame::Rules;
use crate::ids::{ActionId, FileId, FlowId, HandleId, RunId};
use crate::multiline::Multiline;
use crate::process::Program;
use crate::settings::{self, Agent, Settings};
use crate::state::{Identity, LedgerRow};
use crate::status::Counters;
use crate::status::histogram::Histogram;
use crate::timer::{Timer, Timers};
use asked::Asked;
use files::Files;
use offsets::Keeper;
use slots::Slots;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tree::Tree;
use unanswered::Unanswered;

/// The agent's mind. Call order: [`Engine::new`], then for ever: [`Engine::poll`] until it says
/// [`Poll::Wait`], doing each action; then [`Engine::handle`] what happened first, or poll again at the deadline.
#[derive(Debug)]
pub struct Engine {
    agent: Agent,
    rng: fastrand::Rng,
    phase: Phase,
    /// Actions that are ready to be handed out.
    out: VecDeque<Action>,
    asked: Unanswered,
    next_action: u64,
    next_handle: u64,
    next_file: u64,
    /// Under which new ids and epochs are given.
    run: RunId,
    flows: Vec<Flow>,
    /// Flows of a new configuration, until it is known what the store has of them.
    arriving: Vec<settings::Flow>,
    /// A configuration that came before the store was read.
    early_reload: Option<Settings>,
    files: Files,
    by_identity: BTreeMap<Identity, FileId>,
    kin: kin::Kin,
    /// Files that are held back.
    held: BTreeSet<FileId>,
    /// Inode number and birth, and path, of files that were held back when the agent before this one ended.
    held_before: BTreeMap<(u64, i64), PathBuf>,
    /// Their rows, which stay until all was looked at.
    held_rows: Vec<FileId>,
    boot: boot::Boot,
    tree: Tree,
    room: room::Room,
    decoding: compressed::Decoding,
    disks: deleted::Disks,
    budget: Budget,
    /// The flow whose turn it is to read.
    turn: usize,
    /// The flow whose turn it is to send.
    send_turn: usize,
    reads: Slots,
    looks: sweep::Looks,
    /// Where the next sweep begins.
    swept: Option<FileId>,
    /// Nanoseconds by which the wall clock is ahead of the monotonic one.
    ahead: i64,
    keeper: Keeper,
    timers: Timers,
    notes: Vec<Note>,
    ledger: Vec<LedgerRow>,
    /// Dead letters that could not be written yet.
    unwritten: Vec<(FlowId, Vec<Letter>, u64)>,
    letters_out: usize,
    drains: Vec<orders::Drain>,
    resend: Option<resend::Resend>,
}

/// With what an engine begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// What to do.
    pub settings: Settings,
    /// Seeds all randomness.
    pub seed: u64,
    /// This boot, as the kernel names it; empty where it cannot be told.
    pub boot_id: String,
    /// Wall time at which it began, in nanoseconds since the epoch.
    pub booted: i64,
}

/// What the engine wants next.
#[derive(Debug)]
pub enum Poll {
    /// Do this, and poll again.
    Action(Action),
    /// Nothing to do before an event, or before this time (monotonic).
    Wait(Option<Duration>),
    /// All is done after a shutdown: everything is saved that could be.
    Finished,
}

/// Something worth a line in the log. The driver limits their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How important.
    pub level: Level,
    /// Notes of the same subject repeat each other.
    pub subject: String,
    /// The line.
    pub text: String,
}

/// How important a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A person should act.
    Error,
    /// A person may want to know.
    Warn,
    /// Rare and normal.
    Info,
    /// For those who look closely.
    Debug,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The store is being read.
    Loading,
    Running,
    /// No reads; what was read is sent.
    Stopping,
    /// The last transaction.
    Saving,
    Finished,
}

/// A flow at work.
#[derive(Debug)]
struct Flow {
    settings: settings::Flow,
    state: reload::FlowState,
    rules: Rules,
    /// How its lines are joined, if they are.
    multiline: Option<Arc<Multiline>>,
    /// What makes records of its lines, if it has steps.
    program: Option<Arc<Program>>,
    sender: Sender,
    /// Files that it wants to read, in turn.
    ready: VecDeque<FileId>,
    /// Bytes it may read before it is another flow's turn.
    credit: i64,
    start: FlowStart,
    counters: Counters,
    request_times: Histogram,
    request_records: Histogram,
    /// Wall time at which the last complete look began.
    last_look: i64,
    /// The same, as it was saved last.
    saved_look: i64,
    /// Counted since the flow first ran.
    possible_losses: u64,
}

/// How far a flow is in its first steps.
#[derive(Clone, Debug, PartialEq, Eq)]
enum FlowStart {
    /// Never seen before: its first complete scan runs.
    FirstScan,
    /// Its first positions are being saved.
    Saving,
    /// Known, and its globs are wider than these: files that only the new ones match follow `start_at`.
    Widened(Vec<String>),
    /// At work.
    Begun,
}

impl Engine {
    /// An engine that has seen nothing. Its first action is to load the store.
    pub fn new(start: Start) -> Result<Self, PatternError> {
        let Settings { agent, flows } = start.settings;
        let globs = Arc::new(Globs::new(&agent, &flows)?);
        let budget = Budget::new(agent.memory, settings::reserve(&flows), flows.len());
        let flow = |(index, flow)| Flow::new(index, flow, &agent);
        let flows = flows.into_iter().enumerate().map(flow).collect();
        let mut rng = fastrand::Rng::with_seed(start.seed);
        let run = RunId(rng.u64(..));
        let mut engine = Self {
            rng,
            phase: Phase::Loading,
            out: VecDeque::new(),
            asked: Unanswered::default(),
            next_action: 0,
            next_handle: 0,
            next_file: 1,
            run,
            flows,
            arriving: Vec::new(),
            early_reload: None,
            files: Files::default(),
            by_identity: BTreeMap::new(),
            kin: kin::Kin::new(globs.has_archives()),
            held: BTreeSet::new(),
            held_before: BTreeMap::new(),
            held_rows: Vec::new(),
            boot: boot::Boot::new(start.boot_id, start.booted),
            tree: Tree::new(globs, agent.watch),
            room: room::Room::default(),
            decoding: compressed::Decoding::default(),
            disks: deleted::Disks::default(),
            budget,
            turn: 0,
            send_turn: 0,
            reads: Slots::new(read::MAX_READS),
            looks: sweep::Looks::default(),
            swept: None,
            ahead: i64::MIN,
            keeper: Keeper::default(),
            timers: Timers::default(),
            notes: Vec::new(),
            ledger: Vec::new(),
            unwritten: Vec::new(),
            letters_out: 0,
            drains: Vec::new(),
            resend: None,
            agent,
        };
        engine.ask(Asked::Load, Do::Load);
        Ok(engine)
    }

    /// Takes in what happened.
    pub fn handle(&mut self, event: Event, now: Now) {
        match event {
            Event::Done { id, outcome } => {
                if let Some(asked) = self.asked.remove(id) {
                    self.answered(asked, outcome, now);
                }
            }
            Event::Notice(notice) if self.phase == Phase::Running => self.noticed(notice),
            Event::Notice(_) => {}
            Event::Command { id, command } => self.command(id, command, now),
            Event::Reload(settings) => self.reload(*settings, now),
            Event::Shutdown => self.shut_down(now),
        }
    }

    /// The next action, or the next deadline.
    pub fn poll(&mut self, now: Now) -> Poll {
        self.mind_the_clock(now);
        while let Some(timer) = self.timers.fire(now.mono) {
            self.due(timer, now);
        }
        self.move_on(now);
        if let Some(action) = self.next_action(now) {
            return Poll::Action(action);
        }
        if self.budget.forget_silent()
            && let Some(action) = self.next_action(now)
        {
            return Poll::Action(action);
        }
        if self.phase == Phase::Finished {
            return Poll::Finished;
        }
        let stopping = self.phase != Phase::Running;
        let sends = self.flows.iter().filter(|flow| flow.sends(now.mono));
        let sends = sends.filter_map(|flow| flow.sender.deadline(now.mono, stopping || !flow.is_settled()));
        let lists = self.flows.iter().filter(|flow| flow.is_settled() && !stopping);
        let lists = lists.filter_map(|flow| flow.sender.shards.listing_due());
        Poll::Wait(sends.chain(self.timers.next()).chain(lists).min())
    }

    /// What is worth logging since the last call.
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    fn next_action(&mut self, now: Now) -> Option<Action> {
        if let Some(action) = self.out.pop_front() {
            return Some(action);
        }
        if let Some(action) = self.next_send(now.mono) {
            return Some(action);
        }
        if self.phase == Phase::Running {
            self.make_room();
            self.open_next(now);
            if let Some(action) = self.out.pop_front() {
                return Some(action);
            }
            return self.next_read(now);
        }
        None
    }

    fn noticed(&mut self, notice: Notice) {
        match notice {
            Notice::Entries { dir } => self.look_into(&dir),
            Notice::Content { path } => self.look_at(&path),
            Notice::WatchEnded { dir } => self.watch_ended(&dir),
            Notice::Overflow => {
                self.all_watches_ended();
                self.look_into_all();
                self.wake_all();
            }
        }
    }

    fn due(&mut self, timer: Timer, now: Now) {
        match timer {
            Timer::Reconcile => self.reconcile(now),
            Timer::PollFiles => self.poll_files(now),
            Timer::Sweep => self.sweep(now),
            Timer::Room => self.try_for_room(now),
            Timer::Save => self.save(now),
            Timer::Forget => self.forget_old(now),
            Timer::Quiet(file) => self.quiet(file, now),
            Timer::Retry(file) | Timer::Joined(file) => self.wake(file),
            Timer::Held(file) => self.look_at_one_held(file, now),
            Timer::DeadLetters => self.write_letters_again(),
            Timer::Drain => self.drain_timed_out(now),
            // The next step finds whose time is over.
            Timer::Change => {}
            Timer::Stop => self.stop_timed_out(now),
        }
    }

    /// Hands an action to the driver.
    fn ask(&mut self, asked: Asked, what: Do) {
        let action = self.action(asked, what);
        self.out.push_back(action);
    }

    fn action(&mut self, asked: Asked, what: Do) -> Action {
        let id = ActionId(self.next_action);
        self.next_action += 1;
        self.asked.insert(id, asked);
        Action { id, what }
    }

    fn new_handle(&mut self) -> HandleId {
        self.next_handle += 1;
        HandleId(self.next_handle)
    }

    fn flow(&mut self, flow: FlowId) -> &mut Flow {
        &mut self.flows[flow.0 as usize]
    }

    fn note(&mut self, level: Level, subject: impl Into<String>, text: impl Into<String>) {
        self.notes.push(Note { level, subject: subject.into(), text: text.into() });
    }
}

impl Flow {
    fn new(index: usize, flow: settings::Flow, agent: &Agent) -> Self {
        let destination = destination::for_flow(&flow);
        let id = FlowId(index as u32);
        let longest = crate::partition::longest_key(&flow.partition_key, destination.keyed());
        let payload = destination.limits().record.saturating_sub(destination.weight(0, longest) + 1);
        Self {
            state: reload::FlowState::Settled,
            rules: Rules::new(&flow.line, payload),
            multiline: Multiline::of(&flow),
            program: Program::new(&flow, agent),
            sender: Sender::new(id, &flow, destination),
            settings: flow,
            ready: VecDeque::new(),
            credit: 0,
            start: FlowStart::FirstScan,
            counters: Counters::default(),
            request_times: Histogram::default(),
            request_records: Histogram::default(),
            last_look: 0,
            saved_look: 0,
            possible_losses: 0,
        }
    }
}
