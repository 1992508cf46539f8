//! The watched directories. The kernel's notices are hints only: doubled, late or missing ones do no harm.
//!
//! Straight on inotify: the `notify` crate wakes for each write, which took 40 % of the agent's time under a fast
//! writer. Here they are read at most every 5 ms, and what nobody has read yet the kernel merges.

mod inbox;

use crate::io::files;
use inbox::Inbox;
use kintail_engine::event::{FileError, Notice};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

/// The watches, and the notices not yet taken.
#[derive(Clone, Debug)]
pub(crate) struct Watches {
    /// `None` where the kernel gives no notices at all.
    kernel: Option<Arc<Kernel>>,
    inbox: Arc<Inbox>,
}

#[derive(Debug)]
struct Kernel {
    inotify: OwnedFd,
    watched: Mutex<Watched>,
}

/// What each watch is of. The kernel has one watch for a directory, whatever its names.
#[derive(Debug, Default)]
struct Watched {
    names: BTreeMap<i32, BTreeSet<PathBuf>>,
    watches: BTreeMap<PathBuf, i32>,
}

impl Watches {
    /// Nothing is watched.
    pub(crate) fn new() -> Self {
        let inbox = Arc::<Inbox>::default();
        let kernel = inotify::init(CreateFlags::CLOEXEC).ok();
        let kernel = kernel.map(|inotify| Arc::new(Kernel { inotify, watched: Mutex::default() }));
        Self { kernel: kernel.filter(|kernel| start(kernel, &inbox)), inbox }
    }

    /// Asks for notices of a directory. May block: for a thread of the directory's device.
    pub(crate) fn watch(&self, dir: &Path) -> Result<(), FileError> {
        if files::is_remote(dir)? {
            return Err(FileError::NoWatch("another host may write there".into()));
        }
        let kernel =
            self.kernel.as_ref().ok_or_else(|| FileError::NoWatch("the kernel gives none".into()))?;
        kernel.watch(dir)
    }

    /// No more notices of a directory.
    pub(crate) fn unwatch(&self, dir: &Path) {
        if let Some(kernel) = &self.kernel {
            kernel.forget(&mut kernel.watched.lock().expect("not poisoned"), dir);
        }
    }

    /// Waits for notices; then all there are, each once. Nothing is lost when the wait is given up.
    pub(crate) async fn next(&self) -> Vec<Notice> {
        self.inbox.next().await
    }
}

/// Starts the thread that reads; whether it runs. It is never joined.
fn start(kernel: &Arc<Kernel>, inbox: &Arc<Inbox>) -> bool {
    let (kernel, inbox) = (Arc::clone(kernel), Arc::clone(inbox));
    thread::Builder::new().name("notices".into()).spawn(move || inbox.fill(&kernel)).is_ok()
}

impl Kernel {
    fn watch(&self, dir: &Path) -> Result<(), FileError> {
        let what = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        // Without the lock: this may hang with its file system.
        let watch = inotify::add_watch(&self.inotify, dir, what).map_err(refused)?;
        let mut watched = self.watched.lock().expect("not poisoned");
        if watched.watches.get(dir) != Some(&watch) {
            // Another directory had the name before.
            self.forget(&mut watched, dir);
            watched.watches.insert(dir.to_path_buf(), watch);
        }
        watched.names.entry(watch).or_default().insert(dir.to_path_buf());
        Ok(())
    }

    fn forget(&self, watched: &mut Watched, dir: &Path) {
        let Some(watch) = watched.watches.remove(dir) else { return };
        let Some(names) = watched.names.get_mut(&watch) else { return };
        names.remove(dir);
        if names.is_empty() {
            watched.names.remove(&watch);
            // It is an error if the directory is gone, and its watch with it.
            let _ = inotify::remove_watch(&self.inotify, watch);
        }
    }
}

impl Watched {
    /// A watch is no more; the names that it had.
    fn ended(&mut self, watch: i32) -> BTreeSet<PathBuf> {
        let names = self.names.remove(&watch).unwrap_or_default();
        for name in &names {
            self.watches.remove(name);
        }
        names
    }
}

fn refused(errno: Errno) -> FileError {
    match errno {
        Errno::NOSPC => FileError::NoWatch("fs.inotify.max_user_watches is used up".into()),
        errno => files::meaning(errno),
    }
}

#[cfg(test)]
mod tests;
