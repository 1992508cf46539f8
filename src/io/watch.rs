//! The kernel's notices of what moves in directories. Hints only: doubled, late or missing ones do no harm.

use crate::io::files;
use kintail_engine::event::{FileError, Notice};
use notify::event::{EventKind, Flag, ModifyKind};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The watches, and the notices not yet taken.
#[derive(Clone)]
pub(crate) struct Watches {
    /// `None` where the kernel gives no notices at all.
    watcher: Option<Arc<Mutex<RecommendedWatcher>>>,
    inbox: Arc<Inbox>,
}

/// Notices not yet taken, each once.
#[derive(Debug, Default)]
struct Inbox {
    waiting: Mutex<Waiting>,
    arrived: tokio::sync::Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    dirs: BTreeSet<PathBuf>,
    paths: BTreeSet<PathBuf>,
    overflow: bool,
}

/// More notices than this at once say no more than that everything is to be looked at.
const MOST: usize = 10_000;

impl Watches {
    /// Nothing is watched.
    pub(crate) fn new() -> Self {
        let inbox = Arc::<Inbox>::default();
        let mine = Arc::clone(&inbox);
        let watcher = notify::recommended_watcher(move |event| mine.take_in(event));
        Self { watcher: watcher.ok().map(|watcher| Arc::new(Mutex::new(watcher))), inbox }
    }

    /// Asks for notices of a directory. May block: for a thread of the directory's device.
    pub(crate) fn watch(&self, dir: &Path) -> Result<(), FileError> {
        if files::is_remote(dir)? {
            return Err(FileError::NoWatch("another host may write there".into()));
        }
        let watcher =
            self.watcher.as_ref().ok_or_else(|| FileError::NoWatch("the kernel gives none".into()))?;
        let added = watcher.lock().expect("not poisoned").watch(dir, RecursiveMode::NonRecursive);
        added.map_err(|error| refused(&error))
    }

    /// No more notices of a directory. May block.
    pub(crate) fn unwatch(&self, dir: &Path) {
        if let Some(watcher) = &self.watcher {
            // It is an error if the directory is gone, and its watch with it.
            let _ = watcher.lock().expect("not poisoned").unwatch(dir);
        }
    }

    /// Waits for notices; then all there are. Nothing is lost when the wait is given up.
    pub(crate) async fn next(&self) -> Vec<Notice> {
        loop {
            self.inbox.arrived.notified().await;
            let notices = self.inbox.drain();
            if !notices.is_empty() {
                return notices;
            }
        }
    }
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watches").field("inbox", &self.inbox).finish_non_exhaustive()
    }
}

impl Inbox {
    fn take_in(&self, event: notify::Result<notify::Event>) {
        let mut waiting = self.waiting.lock().expect("not poisoned");
        match event {
            Ok(event) if event.attrs.flag() == Some(Flag::Rescan) => waiting.overflow = true,
            Ok(event) => match event.kind {
                // Most of these are our own.
                EventKind::Access(_) | EventKind::Other => return,
                EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => {
                    waiting.paths.extend(event.paths);
                }
                EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => {
                    waiting
                        .dirs
                        .extend(event.paths.iter().filter_map(|path| path.parent()).map(Path::to_path_buf));
                }
            },
            Err(_) => waiting.overflow = true,
        }
        if waiting.dirs.len() + waiting.paths.len() > MOST {
            *waiting = Waiting { overflow: true, ..Waiting::default() };
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    fn drain(&self) -> Vec<Notice> {
        let waiting = std::mem::take(&mut *self.waiting.lock().expect("not poisoned"));
        if waiting.overflow {
            return vec![Notice::Overflow];
        }
        let dirs = waiting.dirs.into_iter().map(|dir| Notice::Entries { dir });
        dirs.chain(waiting.paths.into_iter().map(|path| Notice::Content { path })).collect()
    }
}

fn refused(error: &notify::Error) -> FileError {
    match &error.kind {
        ErrorKind::PathNotFound => FileError::NotFound,
        ErrorKind::MaxFilesWatch => FileError::NoWatch("fs.inotify.max_user_watches is used up".into()),
        ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::NotFound => FileError::NotFound,
        ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied => FileError::Denied,
        _ => FileError::NoWatch(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;
    use std::time::Duration;
    use tempfile::TempDir;

    /// All notices until one is as wanted.
    async fn until(watches: &Watches, wanted: &Notice) -> Vec<Notice> {
        let mut seen = Vec::new();
        let waiting = async {
            while !seen.contains(wanted) {
                seen.extend(watches.next().await);
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("the notice comes");
        seen
    }

    #[tokio::test]
    async fn new_names_are_told_of_their_directory_and_writes_of_their_file() {
        let dir = TempDir::new().unwrap();
        let watches = Watches::new();
        watches.watch(dir.path()).unwrap();
        let path = dir.path().join("a.log");
        let mut file = fs::File::create(&path).unwrap();
        until(&watches, &Notice::Entries { dir: dir.path().into() }).await;
        file.write_all(b"one\n").unwrap();
        until(&watches, &Notice::Content { path: path.clone() }).await;
        fs::rename(&path, dir.path().join("a.log.1")).unwrap();
        until(&watches, &Notice::Entries { dir: dir.path().into() }).await;
    }

    #[tokio::test]
    async fn reading_makes_no_notice() {
        let dir = TempDir::new().unwrap();
        let (path, mark) = (dir.path().join("a.log"), dir.path().join("mark"));
        fs::write(&path, "one\n").unwrap();
        let watches = Watches::new();
        watches.watch(dir.path()).unwrap();
        fs::read(&path).unwrap();
        fs::write(&mark, "x").unwrap();
        let seen = until(&watches, &Notice::Content { path: mark }).await;
        assert!(!seen.contains(&Notice::Content { path }), "{seen:?}");
    }

    #[test]
    fn many_writes_to_a_file_are_one_notice() {
        let inbox = Inbox::default();
        for _ in 0..100 {
            let kind = EventKind::Modify(ModifyKind::Data(notify::event::DataChange::Any));
            inbox.take_in(Ok(notify::Event::new(kind).add_path("/a".into())));
        }
        assert_eq!(inbox.drain(), [Notice::Content { path: "/a".into() }]);
        assert_eq!(inbox.drain(), []);
    }

    #[test]
    fn a_flood_of_notices_becomes_one_overflow() {
        let inbox = Inbox::default();
        for number in 0..=MOST {
            let kind = EventKind::Create(notify::event::CreateKind::File);
            inbox.take_in(Ok(notify::Event::new(kind).add_path(format!("/{number}/x").into())));
        }
        assert_eq!(inbox.drain(), [Notice::Overflow]);
    }

    #[test]
    fn a_missing_directory_is_not_found() {
        assert_eq!(Watches::new().watch(Path::new("/nowhere/at/all")), Err(FileError::NotFound));
    }
}
