//! Threads for calls that may hang: a few a device, so that a hung mount stalls only itself.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// A thread without work ends after so long, so that an idle agent has none.
const IDLE: Duration = Duration::from_secs(10);
/// A call that was not heard of for so long is shown.
const STALLED: Duration = Duration::from_secs(30);

/// The threads, by device. None is ever joined: one that hangs is left behind at exit.
#[derive(Debug)]
pub(super) struct Lanes {
    /// Most threads a device.
    threads: usize,
    lanes: Mutex<BTreeMap<u64, Arc<Lane>>>,
}

/// What a call is, for those who ask why it hangs.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Such as `open`.
    pub(super) what: &'static str,
    /// The file or directory.
    pub(super) path: PathBuf,
    /// Of its progress.
    pub(super) heard: Heard,
}

/// When a call was last heard of: at its beginning, and then whenever it says so.
#[derive(Clone, Debug)]
pub(super) struct Heard(Arc<Mutex<Instant>>);

/// A call that has not returned for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stalled {
    /// Such as `open`.
    pub(crate) what: &'static str,
    /// The file or directory.
    pub(crate) path: PathBuf,
    /// For how long.
    pub(crate) since: Duration,
}

#[derive(Debug)]
struct Lane {
    state: Mutex<State>,
    ready: Condvar,
}

struct State {
    /// Handed out and not begun. The engine bounds what is handed out.
    waiting: VecDeque<(Call, Box<dyn FnOnce() + Send>)>,
    /// By thread.
    running: Vec<Option<Call>>,
    /// Which threads there are.
    threads: Vec<bool>,
    /// How many of them wait for work.
    idle: usize,
}

impl Call {
    /// A call that is heard of only when it begins and returns, unless it does more.
    pub(super) fn new(what: &'static str, path: PathBuf) -> Self {
        Self { what, path, heard: Heard::new() }
    }
}

impl Heard {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// The call goes on.
    pub(super) fn now(&self) {
        *self.0.lock().expect("not poisoned") = Instant::now();
    }

    fn since(&self) -> Duration {
        self.0.lock().expect("not poisoned").elapsed()
    }
}

impl Lanes {
    /// So many threads a device at most.
    pub(super) fn new(threads: usize) -> Self {
        Self { threads, lanes: Mutex::default() }
    }

    /// Runs a call on a thread of this device.
    pub(super) fn run(&self, device: u64, call: Call, job: impl FnOnce() + Send + 'static) {
        let lane = {
            let mut lanes = self.lanes.lock().expect("not poisoned");
            Arc::clone(lanes.entry(device).or_insert_with(|| Arc::new(Lane::new(self.threads))))
        };
        lane.push(call, Box::new(job));
    }

    /// The calls that have not been heard of for 30 s.
    pub(super) fn stalled(&self) -> Vec<Stalled> {
        self.longer_than(STALLED)
    }

    /// Whether any call is out.
    pub(super) fn busy(&self) -> bool {
        let lanes = self.lanes.lock().expect("not poisoned");
        lanes.values().any(|lane| lane.lock().running.iter().any(Option::is_some))
    }

    fn longer_than(&self, limit: Duration) -> Vec<Stalled> {
        let lanes = self.lanes.lock().expect("not poisoned");
        let out = |lane: &Arc<Lane>| lane.lock().running.iter().flatten().cloned().collect::<Vec<_>>();
        let told = lanes.values().flat_map(out).map(|call| {
            let since = call.heard.since();
            Stalled { what: call.what, path: call.path, since }
        });
        told.filter(|stalled| stalled.since >= limit).collect()
    }
}

impl Lane {
    fn new(threads: usize) -> Self {
        let (running, threads) = (vec![None; threads], vec![false; threads]);
        let state = State { waiting: VecDeque::new(), running, threads, idle: 0 };
        Self { state: Mutex::new(state), ready: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    fn push(self: Arc<Self>, call: Call, job: Box<dyn FnOnce() + Send>) {
        let mut state = self.lock();
        state.waiting.push_back((call, job));
        if state.idle >= state.waiting.len() {
            self.ready.notify_one();
        } else if let Some(slot) = state.threads.iter().position(|there| !there) {
            let lane = Arc::clone(&self);
            let thread = thread::Builder::new().name("files".into());
            // Without a thread the call waits for the next push: there is nothing better to do.
            state.threads[slot] = thread.spawn(move || lane.work(slot)).is_ok();
        }
    }

    fn work(&self, slot: usize) {
        while let Some(job) = self.next(slot) {
            job();
        }
    }

    /// The next job, or the end of the thread.
    fn next(&self, slot: usize) -> Option<Box<dyn FnOnce() + Send>> {
        let mut state = self.lock();
        state.running[slot] = None;
        loop {
            if let Some((call, job)) = state.waiting.pop_front() {
                call.heard.now();
                state.running[slot] = Some(call);
                return Some(job);
            }
            state.idle += 1;
            let (woken, waited) = self.ready.wait_timeout(state, IDLE).expect("not poisoned");
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.waiting.is_empty() {
                state.threads[slot] = false;
                return None;
            }
        }
    }
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, path, since } = self;
        write!(f, "{}: {what} has not returned for {} s", path.display(), since.as_secs())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("waiting", &self.waiting.len())
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    const SOON: Duration = Duration::from_secs(10);

    fn call(path: &str) -> Call {
        Call::new("open", path.into())
    }

    #[test]
    fn calls_that_hang_stall_only_their_own_device() {
        let lanes = Lanes::new(2);
        let (release, held) = channel::<()>();
        let held = Arc::new(Mutex::new(held));
        for _ in 0..3 {
            let held = Arc::clone(&held);
            lanes.run(1, call("/hung"), move || {
                let _ = held.lock().unwrap().recv();
            });
        }
        let (done, answers) = channel();
        lanes.run(2, call("/well"), move || done.send(()).unwrap());
        answers.recv_timeout(SOON).expect("the other device answers");
        drop(release);
    }

    #[test]
    fn a_call_that_does_not_return_is_named() {
        let lanes = Lanes::new(2);
        let (release, held) = channel::<()>();
        let (begun, beginning) = channel();
        lanes.run(1, call("/hung"), move || {
            begun.send(()).unwrap();
            let _ = held.recv();
        });
        beginning.recv_timeout(SOON).unwrap();
        assert_eq!(lanes.stalled(), []);
        assert_eq!(lanes.longer_than(Duration::ZERO)[0].path, PathBuf::from("/hung"));
        drop(release);
    }

    #[test]
    fn a_call_that_tells_of_its_progress_is_not_named() {
        let lanes = Lanes::new(1);
        let (release, held) = channel::<()>();
        let (begun, beginning) = channel();
        let call = call("/long");
        let heard = call.heard.clone();
        lanes.run(1, call, move || {
            begun.send(()).unwrap();
            let _ = held.recv();
        });
        beginning.recv_timeout(SOON).unwrap();
        thread::sleep(Duration::from_millis(50));
        assert_eq!(lanes.longer_than(Duration::from_millis(50)).len(), 1);
        heard.now();
        assert_eq!(lanes.longer_than(Duration::from_millis(50)), []);
        drop(release);
    }

    #[test]
    fn a_device_has_two_threads_at_most_and_all_calls_run() {
        let lanes = Lanes::new(2);
        let (done, answers) = channel();
        for _ in 0..200 {
            let done = done.clone();
            lanes.run(1, call("/x"), move || done.send(thread::current().id()).unwrap());
        }
        let threads: Vec<_> = (0..200).map(|_| answers.recv_timeout(SOON).unwrap()).collect();
        let unlike = threads.iter().filter(|id| **id != threads[0]).collect::<Vec<_>>();
        assert!(unlike.iter().all(|id| *id == unlike[0]));
    }
}
