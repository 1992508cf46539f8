//! The open files, and file calls: each runs where it can hang nothing but its own device.

mod calls;
mod lanes;
mod mounts;
mod plain;

pub(in crate::io) use calls::meaning;
pub(crate) use calls::{look, open};
pub(crate) use lanes::Stalled;

use kintail_engine::discover::Wanted;
use kintail_engine::event::{Chunk, Codec, Deleted, FileError, Listing, Measured, Meta};
use kintail_engine::ids::HandleId;
use kintail_engine::settings::Symlinks;
use lanes::{Call, Heard, Lanes};
use mounts::Devices;
use plain::{Live, Plain};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// All files that are open for reading, and the threads on which calls run.
#[derive(Debug)]
pub(crate) struct Files {
    rules: Rules,
    lanes: Lanes,
    /// Where compressed files are decoded, which may take minutes: no other call waits for that.
    decoding: Lanes,
    shared: Arc<Shared>,
}

/// Which files are opened.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// Which links are followed.
    pub(crate) symlinks: Symlinks,
    /// Most that are open at once.
    pub(crate) most: usize,
    /// What this agent writes, under whatever name it is met: it would be shipped round and round.
    pub(crate) outputs: Arc<[PathBuf]>,
}

/// What a call leaves behind for the next.
#[derive(Debug, Default)]
struct Shared {
    open: Mutex<BTreeMap<HandleId, Arc<OpenFile>>>,
    devices: Mutex<Devices>,
    decoders: Arc<Live>,
}

/// A file that is open for reading.
#[derive(Debug)]
struct OpenFile {
    file: File,
    path: PathBuf,
    device: u64,
    /// On a file system that never waits for another host.
    local: bool,
    /// If it is compressed.
    plain: Option<Arc<Plain>>,
}

impl Files {
    /// No file is open, no thread runs.
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, lanes: Lanes::new(2), decoding: Lanes::new(1), shared: Arc::default() }
    }

    /// Opens by other rules from now on. What is open stays so.
    pub(crate) fn change(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// The entries of `dir` that are wanted.
    pub(crate) fn list(
        &self,
        dir: PathBuf,
        wanted: Arc<Wanted>,
        reply: impl FnOnce(Result<Listing, FileError>) + Send + 'static,
    ) {
        let shared = Arc::clone(&self.shared);
        self.at("list", dir, move |dir| {
            let listed = calls::list(dir, &wanted);
            if let Ok((device, _)) = &listed {
                shared.devices.lock().expect("not poisoned").learn(dir, *device);
            }
            reply(listed.map(|(_, listing)| listing));
        });
    }

    /// The directory of what `link` leads to.
    pub(crate) fn follow_link(
        &self,
        link: PathBuf,
        reply: impl FnOnce(Result<PathBuf, FileError>) + Send + 'static,
    ) {
        self.at("read link", link, move |link| reply(calls::follow_link(link)));
    }

    /// What `path` is.
    pub(crate) fn look(&self, path: PathBuf, reply: impl FnOnce(Result<Meta, FileError>) + Send + 'static) {
        let symlinks = self.rules.symlinks;
        let shared = Arc::clone(&self.shared);
        self.at("stat", path, move |path| {
            let looked = calls::look(path, symlinks);
            if let Ok(meta) = &looked {
                shared.devices.lock().expect("not poisoned").learn(path, meta.identity.dev);
            }
            reply(looked);
        });
    }

    /// Opens a regular file, to be called `handle` from now on. With a codec its plain text is read.
    pub(crate) fn open(
        &self,
        handle: HandleId,
        path: PathBuf,
        codec: Option<Codec>,
        reply: impl FnOnce(Result<Meta, FileError>) + Send + 'static,
    ) {
        if self.shared.open.lock().expect("not poisoned").len() >= self.rules.most {
            return reply(Err(FileError::TooManyFiles));
        }
        let rules = self.rules.clone();
        let shared = Arc::clone(&self.shared);
        self.at("open", path, move |path| {
            let opened = calls::open(path, rules.symlinks).and_then(|(file, meta)| {
                calls::not_ours(&rules.outputs, &meta)?;
                shared.opened(handle, file, path, codec, &meta);
                Ok(meta)
            });
            reply(opened);
        });
    }

    /// Reads, then stats. What a local file system holds in memory is read at once.
    pub(crate) fn read(
        &self,
        handle: HandleId,
        offset: u64,
        len: usize,
        reply: impl FnOnce(Result<Chunk, FileError>) + Send + 'static,
    ) {
        let Some(open) = self.shared.get(handle) else {
            return reply(Err(not_open()));
        };
        if let Some(plain) = open.plain.clone() {
            return self.decode("read", open, move |file, heard| reply(plain.read(file, offset, len, heard)));
        }
        if open.local
            && let Some(chunk) = calls::read_at_once(&open.file, offset, len)
        {
            return reply(Ok(chunk));
        }
        let call = Call::new("read", open.path.clone());
        self.lanes.run(open.device, call, move || reply(calls::read(&open.file, offset, len)));
    }

    /// Decodes a compressed file to its end.
    pub(crate) fn measure(
        &self,
        handle: HandleId,
        reply: impl FnOnce(Result<Measured, FileError>) + Send + 'static,
    ) {
        let Some(open) = self.shared.get(handle) else {
            return reply(Err(not_open()));
        };
        let Some(plain) = open.plain.clone() else {
            return reply(Err(FileError::Other("the file was not opened as a compressed one".into())));
        };
        self.decode("measure", open, move |file, heard| reply(plain.measure(file, heard)));
    }

    fn decode(
        &self,
        what: &'static str,
        open: Arc<OpenFile>,
        call: impl FnOnce(&File, &Heard) + Send + 'static,
    ) {
        let named = Call::new(what, open.path.clone());
        let heard = named.heard.clone();
        self.decoding.run(open.device, named, move || call(&open.file, &heard));
    }

    /// Stats an open file, and its file system.
    pub(crate) fn look_deleted(
        &self,
        handle: HandleId,
        reply: impl FnOnce(Result<Deleted, FileError>) + Send + 'static,
    ) {
        let Some(open) = self.shared.get(handle) else {
            return reply(Err(not_open()));
        };
        let call = Call::new("stat", open.path.clone());
        self.lanes.run(open.device, call, move || reply(calls::look_deleted(&open.file)));
    }

    /// Closes a file. Giving back the blocks of a huge deleted file takes time: not at once.
    pub(crate) fn close(&self, handle: HandleId, reply: impl FnOnce() + Send + 'static) {
        let Some(open) = self.shared.open.lock().expect("not poisoned").remove(&handle) else {
            return reply();
        };
        let call = Call::new("close", open.path.clone());
        self.lanes.run(open.device, call, move || {
            drop(open);
            reply();
        });
    }

    /// Runs a call about `path` on the threads of its device.
    pub(crate) fn at(&self, what: &'static str, path: PathBuf, call: impl FnOnce(&Path) + Send + 'static) {
        let device = self.shared.devices.lock().expect("not poisoned").of(&path);
        self.lanes.run(device, Call::new(what, path.clone()), move || call(&path));
    }

    /// Whether any call is out, so that one might come to be stalled.
    pub(crate) fn busy(&self) -> bool {
        self.lanes.busy() || self.decoding.busy()
    }

    /// The calls that have not returned for long.
    pub(crate) fn stalled(&self) -> Vec<Stalled> {
        [self.lanes.stalled(), self.decoding.stalled()].concat()
    }
}

impl Shared {
    fn get(&self, handle: HandleId) -> Option<Arc<OpenFile>> {
        self.open.lock().expect("not poisoned").get(&handle).cloned()
    }

    fn opened(&self, handle: HandleId, file: File, path: &Path, codec: Option<Codec>, meta: &Meta) {
        let device = meta.identity.dev;
        self.devices.lock().expect("not poisoned").learn(path, device);
        let local = !calls::is_remote(&file);
        let plain = codec.map(|codec| Plain::new(codec, Arc::clone(&self.decoders)));
        let open = OpenFile { file, path: path.to_path_buf(), device, local, plain };
        self.open.lock().expect("not poisoned").insert(handle, Arc::new(open));
    }
}

fn not_open() -> FileError {
    FileError::Other("the file is not open".into())
}

/// Whether changes of `dir` may be made on another host, where this kernel notices nothing.
pub(super) fn is_remote(dir: &Path) -> Result<bool, FileError> {
    calls::open_dir(dir).map(|dir| calls::is_remote(&dir))
}

#[cfg(test)]
mod tests;
