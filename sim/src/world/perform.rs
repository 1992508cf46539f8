//! The virtual io: does what the engine asks for.

use super::agent::{Echo, Flight, OpenFile, Stage};
use super::disk::NodeId;
use super::{What, World, service, show};
use crate::oracle::Broken;
use crate::plan::draw::pick;
use crate::plan::point::{Deed, Point};
use crate::plan::setup::LINKS;
use crate::plan::{MS, SEC};
use kintail_engine::event::{
    Action, Chunk, Codec, Deleted, Do, FileError, Letter, Measured, Outcome, Request, StoreError,
};
use kintail_engine::ids::{ActionId, CursorId, HandleId};
use kintail_engine::job::Job;
use kintail_engine::state::Transaction;
use std::path::{Path, PathBuf};

/// An outcome, and what the oracle learns with it.
type Deeds = Result<(Outcome, Echo), Broken>;

impl World {
    /// The engine asks for something.
    pub(super) fn ask(&mut self, action: Action) -> Result<(), Broken> {
        let deed = Deed::of(&action.what);
        self.say(|| format!("{:?} asks {}", action.id.0, show::deed(&action.what)));
        self.tally.actions += 1;
        let delay = self.delay(deed);
        let Some(agent) = &mut self.agent else { return Ok(()) };
        if agent.last_id.is_some_and(|last| last >= action.id) {
            return Err(Broken::new("action ids are counted up", format!("{:?}", action.id)));
        }
        agent.last_id = Some(action.id);
        let weight = match &action.what {
            Do::Read { len, .. } => *len as u64,
            Do::Send(request) => request.body.len() as u64,
            _ => 0,
        };
        if let Do::Compute(Job::Frame(job)) = &action.what {
            self.oracle.frames(&self.disk, job.cursor)?;
        }
        let echo = match &action.what {
            Do::Compute(Job::Frame(job)) => self
                .oracle
                .read_to(job.cursor)
                .map(|(content, to)| Echo::Framed { cursor: job.cursor, content, to }),
            _ => None,
        };
        if let Do::Read { cursor: Some(cursor), handle, .. } = &action.what {
            self.oracle.may_read(*cursor, &self.store.rows, self.saves_well)?;
            let node = agent.handles.get(handle).map(|open| open.node);
            self.oracle.reads_on(&self.disk, *cursor, node);
        }
        let flight =
            Flight { deed, weight, stage: Stage::Asked(action.what), echo: echo.unwrap_or_default() };
        agent.flying.insert(action.id, flight);
        self.queue.put(self.now + delay, What::Effect(agent.life, action.id));
        self.reached(Point::Asked(deed))
    }

    /// What was asked for is done now; the answer takes its time.
    pub(super) fn effect(&mut self, id: ActionId) -> Result<(), Broken> {
        let Some(agent) = &mut self.agent else { return Ok(()) };
        let Some(flight) = agent.flying.get_mut(&id) else { return Ok(()) };
        let life = agent.life;
        let asked = std::mem::replace(&mut flight.stage, Stage::Performed(Outcome::Cancelled));
        let Stage::Asked(what) = asked else { return Ok(()) };
        let deed = flight.deed;
        let mut later = if self.chance(150) { self.rng.u64(..20 * MS) } else { 0 };
        let (outcome, echo) = match what {
            Do::Send(request) if self.chance(self.rates().slow) => {
                self.hang(id, request);
                return Ok(());
            }
            Do::Send(request) => {
                later += self.rng.u64(..self.plan.setup.pace.send);
                self.send(&request)?
            }
            what => self.perform(what)?,
        };
        if let Some(flight) = self.agent.as_mut().and_then(|agent| agent.flying.get_mut(&id)) {
            if matches!(outcome, Outcome::Read(_)) {
                // What was read is counted by the buffer itself.
                flight.weight = 0;
            }
            flight.framed(&outcome);
            flight.stage = Stage::Performed(outcome);
            if !matches!(echo, Echo::Nothing) {
                flight.echo = echo;
            }
        }
        self.queue.put(self.now + later, What::Answer(life, id));
        self.reached(Point::Performed(deed))
    }

    pub(super) fn perform(&mut self, what: Do) -> Deeds {
        let failure = self.file_failure();
        let nothing = |outcome| Ok((outcome, Echo::Nothing));
        match what {
            Do::Load => nothing(Outcome::Loaded(Box::new(self.store.load()))),
            Do::Save(transaction) => self.save(&transaction),
            Do::List { dir, wanted } => {
                let hidden = self.faults.hidden > self.now && dir == Path::new(LINKS);
                let failure = failure.or(hidden.then_some(FileError::Denied));
                let listing = failure.map_or_else(|| self.disk.list(&dir), Err);
                nothing(Outcome::Listed(listing.map(|mut listing| {
                    listing.entries.retain(|entry| wanted.wants(&entry.name, entry.kind, entry.ino));
                    self.rng.shuffle(&mut listing.entries);
                    listing
                })))
            }
            // There are no links here.
            Do::FollowLink { .. } => nothing(Outcome::Followed(Err(FileError::NotFound))),
            Do::Look { path } => {
                let meta = failure.map_or_else(|| self.disk.look(&path), Err);
                let echo = if meta.is_ok() { self.told(&path) } else { Echo::Nothing };
                Ok((Outcome::Looked(meta), echo))
            }
            Do::Measure { handle } => nothing(Outcome::Measured(self.measure(handle, failure))),
            Do::LookDeleted { handle } => nothing(Outcome::LookedDeleted(self.look_deleted(handle))),
            Do::Open { handle, path, codec } => {
                let failure = failure.or(self.is_out_of_descriptors().then_some(FileError::TooManyFiles));
                self.open(handle, &path, codec, failure)
            }
            Do::Read { handle, cursor, offset, len } => self.read(handle, cursor, offset, len, failure),
            Do::Close { handle } => self.close(handle),
            Do::Watch { dir } => nothing(Outcome::Watched(self.watch(dir))),
            Do::Unwatch { dir } => {
                self.agent.as_mut().map(|agent| agent.watches.remove(&dir));
                nothing(Outcome::Closed)
            }
            Do::Compute(job) => nothing(Outcome::Computed(Box::new(job.run()))),
            Do::Send(request) => self.send(&request),
            Do::ListShards { .. } => nothing(Outcome::ShardsListed(service::shards(&mut self.rng))),
            Do::DeadLetters { flow, letters } => self.bury(flow.0 as usize, &letters),
            Do::Switch { .. } => nothing(Outcome::Closed),
            Do::Reply { command, .. } => {
                let known = self.agent.as_mut().is_some_and(|agent| agent.asked.remove(&command.0));
                if !known {
                    return Err(Broken::new("a command is answered once", format!("{command:?}")));
                }
                nothing(Outcome::Closed)
            }
        }
    }

    fn save(&mut self, transaction: &Transaction) -> Deeds {
        if self.faults.store > self.now || self.chance(self.rates().store) {
            self.saves_well = false;
            return Ok((Outcome::Saved(Err(StoreError("disk full".into()))), Echo::Nothing));
        }
        self.saves_well = true;
        self.store.save(transaction.clone());
        self.oracle.saved(&self.disk, self.now, transaction, &self.store.rows)?;
        Ok((Outcome::Saved(Ok(())), Echo::Nothing))
    }

    fn told(&self, path: &Path) -> Echo {
        let plain = |node: &NodeId| self.disk.nodes[*node].packed.is_none();
        self.disk.find(path).filter(plain).map_or(Echo::Nothing, |node| {
            let content = self.disk.origin(self.disk.nodes[node].content);
            Echo::Told { content, size: self.disk.stat(node).size }
        })
    }

    fn open(
        &mut self,
        handle: HandleId,
        path: &Path,
        codec: Option<Codec>,
        failure: Option<FileError>,
    ) -> Deeds {
        let found = self.disk.find(path).ok_or(FileError::NotFound);
        let node = match failure.map_or(found, Err) {
            Ok(node) => node,
            Err(error) => return Ok((Outcome::Opened(Err(error)), Echo::Nothing)),
        };
        let Some(agent) = &mut self.agent else { return Ok((Outcome::Cancelled, Echo::Nothing)) };
        let open = OpenFile { node, path: path.to_path_buf(), codec, measured: false };
        if agent.handles.insert(handle, open).is_some() {
            return Err(Broken::new("a handle is one open file", format!("{handle:?} is open")));
        }
        self.disk.hold(node);
        Ok((Outcome::Opened(Ok(self.disk.stat(node))), self.told(path)))
    }

    /// The disk is never full.
    fn look_deleted(&self, handle: HandleId) -> Result<Deleted, FileError> {
        let node = self.agent.as_ref().and_then(|agent| agent.handles.get(&handle));
        let open = node.ok_or_else(|| FileError::Other("the file is not open".into()))?;
        Ok(Deleted { links: self.disk.nodes[open.node].links, free: 1 << 40, total: 1 << 40 })
    }

    fn measure(&mut self, handle: HandleId, failure: Option<FileError>) -> Result<Measured, FileError> {
        let open = self.agent.as_mut().and_then(|agent| agent.handles.get_mut(&handle));
        let open = open.ok_or_else(|| FileError::Other("the file is not open".into()))?;
        failure.map_or(Ok(()), Err)?;
        open.measured = true;
        Ok(self.disk.measure(open.node, open.codec))
    }

    fn read(
        &mut self,
        handle: HandleId,
        cursor: Option<CursorId>,
        offset: u64,
        len: usize,
        failure: Option<FileError>,
    ) -> Deeds {
        let Some(agent) = &self.agent else { return Ok((Outcome::Cancelled, Echo::Nothing)) };
        let Some(OpenFile { node, path, codec, measured }) = agent.handles.get(&handle).cloned() else {
            return Err(Broken::new("a handle is one open file", format!("{handle:?} is not open")));
        };
        if let Some(error) = failure {
            return Ok((Outcome::Read(Err(error)), Echo::Nothing));
        }
        let content = self.disk.nodes[node].content;
        let all = self.disk.text(node, codec);
        let start = (offset as usize).min(all.len());
        let bytes = &all[start..(start + len).min(all.len())];
        let bytes = agent.lend(bytes);
        let mut meta = self.disk.stat(node);
        let content = self.disk.origin(content);
        let (start, end) = (offset, offset + bytes.len() as u64);
        if measured {
            meta.size = all.len() as u64;
        }
        let size = if codec.is_some() { end } else { meta.size };
        let echo = Echo::Given { cursor, node, content, start, end, size, path };
        Ok((Outcome::Read(Ok(Chunk { bytes, meta })), echo))
    }

    fn close(&mut self, handle: HandleId) -> Deeds {
        let open = self.agent.as_mut().and_then(|agent| agent.handles.remove(&handle));
        let Some(OpenFile { node, .. }) = open else {
            return Err(Broken::new("a handle is one open file", format!("{handle:?} is closed twice")));
        };
        self.shut(node, true);
        Ok((Outcome::Closed, Echo::Nothing))
    }

    /// The agent's handle on an inode is closed, by its will or by its death.
    pub(super) fn shut(&mut self, node: NodeId, willed: bool) {
        let last = self.agent.as_ref().is_none_or(|agent| !agent.holds(node));
        if last && self.disk.nodes[node].links > 0 {
            self.oracle.closed(&self.disk, node);
        } else if last {
            if willed {
                self.oracle.let_go(&self.disk, node);
            } else {
                self.oracle.gone(&self.disk, self.disk.nodes[node].content, false);
            }
        }
        self.disk.release(node);
    }

    fn watch(&mut self, dir: PathBuf) -> Result<(), FileError> {
        if self.plan.setup.no_watch {
            return Err(FileError::NoWatch("not on this file system".into()));
        }
        if !self.disk.has_dir(&dir) {
            return Err(FileError::NotFound);
        }
        if let Some(agent) = &mut self.agent {
            agent.watches.insert(dir);
        }
        Ok(())
    }

    pub(super) fn send(&mut self, request: &Request) -> Deeds {
        let weather = self.weather();
        let settings = &self.plan.setup.settings;
        let taken = service::take(&mut self.rng, weather, settings, &mut self.oracle, &self.disk, request)?;
        self.tally.requests += 1;
        self.say(|| {
            format!("flow {} sent {:?}: {:?}", request.flow.0, taken.records, show::answer(&taken.answer))
        });
        let echo = Echo::Sent { flow: request.flow.0 as usize, records: taken.records, clear: taken.clear };
        Ok((Outcome::Sent(taken.answer), echo))
    }

    /// A request without an answer: it may arrive before the sender gives up, later, or never.
    fn hang(&mut self, id: ActionId, request: Request) {
        let Some(agent) = &mut self.agent else { return };
        let life = agent.life;
        if let Some(flight) = agent.flying.get_mut(&id) {
            flight.stage = Stage::Silent(request);
        }
        self.say(|| format!("{} hangs", id.0));
        let patience = SEC + self.rng.u64(..4 * SEC);
        self.queue.put(self.now + self.rng.u64(..6 * SEC), What::Late(life, id));
        self.queue.put(self.now + patience, What::GiveUp(life, id));
    }

    /// Nobody can tell whether a request arrived: its records may come again.
    pub(super) fn excuse(&mut self, request: &Request) -> Result<(), Broken> {
        let settings = &self.plan.setup.settings;
        let records = service::records(settings, &self.oracle, &self.disk, request)?;
        self.oracle.unanswered(request.flow.0 as usize, &records);
        Ok(())
    }

    fn bury(&mut self, flow: usize, letters: &[Letter]) -> Deeds {
        if self.faults.store > self.now {
            return Ok((Outcome::DeadLettered(Err(FileError::NoSpace("disk full".into()))), Echo::Nothing));
        }
        for letter in letters {
            for line in self.oracle.locate_all(&self.disk, flow, &letter.data, true)? {
                self.oracle.buried(&self.disk, flow, line, letter.data.len())?;
            }
        }
        self.tally.letters += letters.len() as u64;
        Ok((Outcome::DeadLettered(Ok(())), Echo::Nothing))
    }

    fn is_out_of_descriptors(&self) -> bool {
        self.agent.as_ref().is_some_and(|agent| agent.handles.len() >= self.plan.setup.descriptors)
    }

    fn file_failure(&mut self) -> Option<FileError> {
        let failing = if self.faults.files > self.now { 600 } else { self.rates().file };
        self.chance(failing).then(|| match pick(&mut self.rng, &[0, 1, 2]) {
            0 => FileError::Denied,
            1 => FileError::TooManyFiles,
            _ => FileError::Other("input/output error".into()),
        })
    }

    fn delay(&mut self, deed: Deed) -> u64 {
        let pace = self.plan.setup.pace;
        let most = match deed {
            Deed::Frame | Deed::Encode => pace.compute,
            Deed::Save | Deed::Load | Deed::DeadLetters => pace.save,
            Deed::Send => pace.send / 2,
            Deed::Read if self.chance(self.rates().hesitate) => pace.file * 20 + pace.save,
            _ => pace.file,
        };
        self.rng.u64(..=most)
    }
}
