//! What the kernel noticed and the loop has not taken yet.

use super::{Kernel, Watched};
use kintail_engine::event::Notice;
use rustix::fs::inotify::{self, Event, ReadFlags, Reader};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;
use tokio::sync::Notify;

/// Notices not yet taken.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

/// Each notice once.
#[derive(Debug, Default)]
struct Waiting {
    dirs: BTreeSet<PathBuf>,
    paths: BTreeSet<PathBuf>,
    ended: BTreeSet<PathBuf>,
    overflow: bool,
}

/// More notices than this at once say no more than that everything is to be looked at.
const MOST: usize = 10_000;
/// Between two reads: a file that is written without pause costs one notice each time.
const PAUSE: Duration = Duration::from_millis(5);
/// Bytes read at once: room for some 1,500 events, so that 300,000 a second can be kept up with.
const BUFFER: usize = 64 * 1024;

impl Inbox {
    /// Reads notices for ever.
    pub(super) fn fill(&self, kernel: &Kernel) {
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(&kernel.inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => self.take(kernel, &event),
                Err(Errno::INTR) => continue,
                // The kernel has nothing more to say; the reconciles go on.
                Err(_) => {
                    self.add(|waiting| waiting.overflow = true);
                    return self.arrived.notify_one();
                }
            }
            if reader.is_buffer_empty() {
                self.arrived.notify_one();
                thread::sleep(PAUSE);
            }
        }
    }

    /// Waits for notices; then all there are.
    pub(super) async fn next(&self) -> Vec<Notice> {
        loop {
            self.arrived.notified().await;
            let notices = self.drain();
            if !notices.is_empty() {
                return notices;
            }
        }
    }

    fn take(&self, kernel: &Kernel, event: &Event<'_>) {
        let mut watched = kernel.watched.lock().expect("not poisoned");
        self.add(|waiting| waiting.add(&watched, event));
        let moved = event.events().contains(ReadFlags::MOVE_SELF);
        if moved || event.events().contains(ReadFlags::IGNORED) {
            let ended = watched.ended(event.wd());
            self.add(|waiting| waiting.ended.extend(ended));
        }
        if moved {
            // The watch went along with the directory; under its name may be another.
            let _ = inotify::remove_watch(&kernel.inotify, event.wd());
        }
    }

    fn add(&self, add: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.waiting.lock().expect("not poisoned");
        add(&mut waiting);
        if waiting.dirs.len() + waiting.paths.len() > MOST {
            let ended = std::mem::take(&mut waiting.ended);
            *waiting = Waiting { overflow: true, ended, ..Waiting::default() };
        }
    }

    fn drain(&self) -> Vec<Notice> {
        let waiting = std::mem::take(&mut *self.waiting.lock().expect("not poisoned"));
        let ended = waiting.ended.into_iter().map(|dir| Notice::WatchEnded { dir });
        if waiting.overflow {
            return ended.chain([Notice::Overflow]).collect();
        }
        let dirs = waiting.dirs.into_iter().map(|dir| Notice::Entries { dir });
        ended.chain(dirs).chain(waiting.paths.into_iter().map(|path| Notice::Content { path })).collect()
    }
}

impl Waiting {
    fn add(&mut self, watched: &Watched, event: &Event<'_>) {
        let events = event.events();
        self.overflow |= events.contains(ReadFlags::QUEUE_OVERFLOW);
        let Some(dirs) = watched.names.get(&event.wd()) else { return };
        match event.file_name() {
            Some(name) if events.intersects(ReadFlags::MODIFY | ReadFlags::ATTRIB) => {
                let name = OsStr::from_bytes(name.to_bytes());
                self.paths.extend(dirs.iter().map(|dir| dir.join(name)));
            }
            _ => self.dirs.extend(dirs.iter().cloned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_notices_becomes_one_overflow() {
        let inbox = Inbox::default();
        for number in 0..=MOST {
            let path = PathBuf::from(number.to_string());
            inbox.add(|waiting| waiting.paths.extend([path]));
        }
        assert_eq!(inbox.drain(), [Notice::Overflow]);
        assert_eq!(inbox.drain(), []);
    }
}
