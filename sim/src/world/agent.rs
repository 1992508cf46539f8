//! One life of the agent: the engine, and what it asked for and was not answered yet.

use super::disk::{ContentId, NodeId};
use crate::oracle::Located;
use crate::plan::point::Deed;
use bytes::Bytes;
use kintail_engine::Engine;
use kintail_engine::event::{Codec, Do, Outcome, Request};
use kintail_engine::frame::Framing;
use kintail_engine::ids::{ActionId, CursorId, HandleId};
use kintail_engine::job::JobDone;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A running agent.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) engine: Engine,
    /// Counts lives, so that what was meant for another one is known.
    pub(crate) life: u32,
    /// When it started: the zero of its clock.
    pub(crate) born: u64,
    pub(crate) flying: BTreeMap<ActionId, Flight>,
    pub(crate) handles: BTreeMap<HandleId, OpenFile>,
    pub(crate) watches: BTreeSet<PathBuf>,
    /// When it wants to be asked again.
    pub(crate) deadline: Option<u64>,
    pub(crate) last_id: Option<ActionId>,
    pub(crate) stopping: bool,
    /// When it was told to end.
    pub(crate) told: u64,
    /// The driver gave up waiting once.
    pub(crate) hurried: bool,
    /// How long it stays down after an ordered end.
    pub(crate) down: u64,
    /// Bytes of read buffers that it holds.
    pub(crate) held: Arc<AtomicU64>,
    /// Commands not answered yet.
    pub(crate) asked: BTreeSet<u64>,
}

/// An open file.
#[derive(Clone, Debug)]
pub(crate) struct OpenFile {
    pub(crate) node: NodeId,
    /// By which it was opened.
    pub(crate) path: PathBuf,
    /// Its plain text is read.
    pub(crate) codec: Option<Codec>,
    /// The size of its plain text is known.
    pub(crate) measured: bool,
}

/// An action that was not answered yet.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) deed: Deed,
    /// Bytes that it holds or may come to hold.
    pub(crate) weight: u64,
    pub(crate) stage: Stage,
    pub(crate) echo: Echo,
}

impl Flight {
    /// Where steps found no room, less was cut into lines than was read.
    pub(crate) fn framed(&mut self, outcome: &Outcome) {
        if let (Echo::Framed { to, .. }, Outcome::Computed(done)) = (&mut self.echo, outcome)
            && let JobDone::Framed(framed) = &**done
            && let Framing::Same(cut) = &framed.framing
            && cut.lines.made
        {
            *to = cut.next.at.min(*to);
        }
    }
}

/// How far it is.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Not done yet.
    Asked(Do),
    /// A request that the service may or may not get later.
    Silent(Request),
    /// Done; this is the answer.
    Performed(Outcome),
}

/// What the oracle learns when the engine gets the answer.
#[derive(Debug, Default)]
pub(crate) enum Echo {
    #[default]
    Nothing,
    /// A file was seen.
    Told { content: ContentId, size: u64 },
    /// Bytes of it were read.
    Given {
        cursor: Option<CursorId>,
        node: NodeId,
        content: ContentId,
        start: u64,
        end: u64,
        size: u64,
        path: PathBuf,
    },
    /// Bytes were cut into lines.
    Framed { cursor: CursorId, content: ContentId, to: u64 },
    /// A request was answered.
    Sent { flow: usize, records: Vec<(Located, bool)>, clear: bool },
}

/// Bytes that are counted for as long as the engine holds them.
#[derive(Debug)]
struct Held {
    bytes: Vec<u8>,
    count: Arc<AtomicU64>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.count.fetch_sub(self.bytes.len() as u64, Ordering::Relaxed);
    }
}

impl Agent {
    /// An engine that has seen nothing.
    pub(crate) fn new(engine: Engine, life: u32, born: u64) -> Self {
        Self {
            engine,
            life,
            born,
            flying: BTreeMap::new(),
            handles: BTreeMap::new(),
            watches: BTreeSet::new(),
            deadline: None,
            last_id: None,
            stopping: false,
            told: 0,
            hurried: false,
            down: 0,
            held: Arc::default(),
            asked: BTreeSet::new(),
        }
    }

    /// Whether it has this inode open.
    pub(crate) fn holds(&self, node: NodeId) -> bool {
        self.handles.values().any(|held| held.node == node)
    }

    /// A read buffer that is counted until it is dropped.
    pub(crate) fn lend(&self, bytes: &[u8]) -> Bytes {
        self.held.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Bytes::from_owner(Held { bytes: bytes.to_vec(), count: Arc::clone(&self.held) })
    }

    /// Bytes of read buffers held, of reads asked for, and of requests under way.
    pub(crate) fn weight(&self) -> u64 {
        let flying: u64 = self.flying.values().map(|flight| flight.weight).sum();
        self.held.load(Ordering::Relaxed) + flying
    }
}
