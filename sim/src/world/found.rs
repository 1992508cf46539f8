//! Bugs that seeds found, each told again step by step, so that no later draw of worlds forgets it.

use super::disk::{Disk, NodeId};
use super::store::Store;
use kintail_engine::destination::Answer;
use kintail_engine::event::{Chunk, Deleted, Do, Event, FileError, Notice, Now, Outcome};
use kintail_engine::ids::HandleId;
use kintail_engine::settings::{Agent, Destination, Flow, Oversize, Settings, StartAt};
use kintail_engine::state::Saved;
use kintail_engine::{Engine, Poll, Start};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// An agent that is answered at once, except where a story meddles.
pub(super) struct Story {
    pub(super) disk: Disk,
    store: Store,
    pub(super) settings: Settings,
    pub(super) engine: Engine,
    now: Duration,
    open: BTreeMap<HandleId, NodeId>,
    pub(super) got: String,
    lives: u64,
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
        let engine = engine(&settings, 0);
        let (store, now, open) = (Store::new(), Duration::from_secs(1), BTreeMap::new());
        Self { disk, store, settings, engine, now, open, got: String::new(), lives: 0, free: 1000 }
    }

    /// Another flow begins, with a restart.
    fn follow(&mut self, name: &str, glob: &str) {
        let flow = Flow { name: name.into(), files: vec![glob.into()], ..self.settings.flows[0].clone() };
        self.settings.flows.push(flow);
        self.restart();
    }

    /// The agent is killed, and another one starts.
    pub(super) fn restart(&mut self) {
        self.lives += 1;
        self.open.clear();
        self.engine = engine(&self.settings, self.lives);
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
                Poll::Action(action) => {
                    let outcome = match meddle(&mut self.disk, &action.what) {
                        Some(outcome) => outcome,
                        None => self.perform(action.what),
                    };
                    self.engine.handle(Event::Done { id: action.id, outcome }, now);
                }
                Poll::Wait(until) if until.is_some_and(|until| until <= end) => {
                    self.now = until.unwrap_or(end);
                }
                Poll::Wait(_) | Poll::Finished => break,
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
        Now { mono: self.now, wall: self.now.as_nanos() as i64 }
    }

    fn perform(&mut self, what: Do) -> Outcome {
        match what {
            Do::Load => Outcome::Loaded(Box::new(self.store.load())),
            Do::Save(transaction) => {
                self.store.save(transaction, "boot");
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
            Do::Look { path } => Outcome::Looked(self.disk.look(&path)),
            Do::Open { handle, path } => {
                let node = self.disk.find(&path);
                node.map(|node| self.open.insert(handle, node));
                Outcome::Opened(node.map(|node| self.disk.stat(node)).ok_or(FileError::NotFound))
            }
            Do::Read { handle, offset, len, .. } => {
                let node = self.open[&handle];
                let bytes = &self.disk.contents[self.disk.nodes[node].content].bytes;
                let start = (offset as usize).min(bytes.len());
                let bytes = bytes[start..(start + len).min(bytes.len())].to_vec().into();
                Outcome::Read(Ok(Chunk { bytes, meta: self.disk.stat(node) }))
            }
            Do::Close { handle } => {
                let node = self.open.remove(&handle);
                if node.is_some_and(|node| self.disk.nodes[node].links == 0) {
                    self.free = 1000;
                }
                Outcome::Closed
            }
            Do::Watch { .. } => Outcome::Watched(Ok(())),
            Do::Compute(job) => Outcome::Computed(Box::new(job.run())),
            Do::Send(request) => {
                self.got.push_str(&String::from_utf8_lossy(&request.body));
                Outcome::Sent(Answer::Written)
            }
            Do::DeadLetters { .. } => Outcome::DeadLettered(Ok(())),
            Do::Unwatch { .. } | Do::Reply { .. } => Outcome::Closed,
        }
    }
}

fn engine(settings: &Settings, seed: u64) -> Engine {
    Engine::new(Start { settings: settings.clone(), seed, boot_id: "boot".into() }).expect("good settings")
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
fn refill(disk: &mut Disk, path: &str, text: &str) {
    let node = disk.find(Path::new(path)).expect("the file is there");
    disk.truncate(node, 1, 1);
    write(disk, path, text);
}

const A: &str = "/log/a.log";
pub(super) const SECONDS: Duration = Duration::from_secs(20);

fn lines(word: &str, count: usize) -> String {
    format!("{word}\n").repeat(count)
}

#[test]
fn a_refill_while_the_last_newline_is_looked_for_is_not_read_twice() {
    for count in [30, 3000] {
        let old = lines("old", count);
        let new = lines("new", count * 2);
        let mut story = Story::new(&[(A, &old)], |flow| flow.start_at = StartAt::End);
        let mut reads = 0;
        story.pass(SECONDS, &mut |disk, what| {
            reads += usize::from(matches!(what, Do::Read { .. }));
            if reads == 2 {
                reads += 1;
                refill(disk, A, &new);
            }
            None
        });
        story.restart();
        story.pass_undisturbed(SECONDS);
        assert!(story.got == new, "{} lines arrived", story.got.lines().count());
    }
}

#[test]
fn a_name_that_led_to_another_file_and_could_not_be_read_is_opened_again() {
    let mut story = Story::new(&[(A, "one\n")], |_| ());
    story.pass_undisturbed(SECONDS);
    close_for_room(&mut story);
    // The closed file's name is another's now, which can be opened but not read; no listing has seen it yet.
    story.disk.rename(Path::new(A), Path::new("/log/a-1.log"), 2);
    write(&mut story.disk, A, "two\n");
    story.notice(A);
    story.pass(Duration::from_millis(1), &mut |_, what| match what {
        Do::Read { .. } => Some(Outcome::Read(Err(FileError::Denied))),
        _ => None,
    });
    story.pass(SECONDS, &mut |_, what| match what {
        Do::Look { .. } => Some(Outcome::Looked(Err(FileError::Denied))),
        _ => None,
    });
    assert_eq!(story.got, "one\nother\ntwo\n");
}

#[test]
fn a_file_that_was_found_refilled_is_opened_under_its_other_name_too() {
    let mut story = Story::new(&[], |flow| flow.files = vec!["/log/*.log".into()]);
    story.follow("other", "/log/sub/*.log");
    write(&mut story.disk, "/log/sub/b.log", "one\n");
    story.pass_undisturbed(SECONDS);
    story.disk.link(Path::new("/log/sub/b.log"), Path::new(A), 1);
    story.pass_undisturbed(SECONDS);
    close_for_room(&mut story);
    refill(&mut story.disk, A, "two\n");
    story.notice(A);
    story.notice("/log/sub/b.log");
    story.pass(Duration::from_millis(1), &mut |_, what| match what {
        Do::Open { path, .. } if path.starts_with("/log/sub") => {
            Some(Outcome::Opened(Err(FileError::Denied)))
        }
        _ => None,
    });
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got.matches("two\n").count(), 2);
}

#[test]
fn a_name_of_an_open_file_needs_no_descriptor() {
    let mut story = Story::new(&[("/log/sub/b.log", "one\nhalf")], |_| ());
    story.pass_undisturbed(SECONDS);
    story.disk.link(Path::new("/log/sub/b.log"), Path::new(A), 2);
    story.disk.remove_dir(Path::new("/log/sub"), 2);
    story.pass(SECONDS, &mut |_, what| match what {
        Do::Open { .. } => Some(Outcome::Opened(Err(FileError::TooManyFiles))),
        _ => None,
    });
    assert_eq!(story.got, "one\nhalf\n");
}

#[test]
fn a_file_with_a_half_line_makes_room() {
    let mut story = Story::new(&[(A, "one\nhalf")], |_| ());
    story.pass_undisturbed(SECONDS);
    close_for_room(&mut story);
    assert_eq!(story.got, "one\nother\n");
    write(&mut story.disk, A, " and half\n");
    story.notice(A);
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "one\nother\nhalf and half\n");
}

#[test]
fn a_file_that_one_flow_could_not_read_makes_no_room() {
    let mut story = Story::new(&[], |_| ());
    story.follow("other", "/log/*.log");
    story.pass_undisturbed(SECONDS);
    write(&mut story.disk, A, "one\n");
    story.notice_entries("/log");
    story.pass(Duration::from_millis(500), &mut |_, what| match what {
        Do::Read { cursor: Some(cursor), .. } if cursor.flow.0 == 0 => {
            Some(Outcome::Read(Err(FileError::Denied)))
        }
        _ => None,
    });
    close_for_room(&mut story);
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got.matches("one\n").count(), 2);
}

#[test]
fn a_long_line_whose_end_was_found_does_not_wait_for_a_notice() {
    let long = format!("{}\n", "x".repeat(70_000));
    let mut story = Story::new(&[(A, &long)], |flow| {
        flow.line.max_bytes = 100;
        flow.line.oversize = Oversize::Truncate;
    });
    story.pass_undisturbed(Duration::from_secs(1));
    assert_eq!(story.got.len(), 100);
}

#[test]
fn a_file_that_is_opened_again_and_cannot_be_read_is_kept_open() {
    let mut story = Story::new(&[(A, "one\n")], |_| ());
    story.pass_undisturbed(SECONDS);
    close_for_room(&mut story);
    write(&mut story.disk, A, "two\n");
    story.notice(A);
    story.pass(Duration::from_millis(1), &mut |_, what| match what {
        Do::Read { .. } => Some(Outcome::Read(Err(FileError::Denied))),
        _ => None,
    });
    story.disk.unlink(Path::new(A), 2);
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got, "one\nother\ntwo\n");
}

#[test]
fn a_rotated_file_that_was_refilled_and_cannot_be_read_at_first_is_read() {
    let mut story = Story::new(&[(A, &lines("old", 500))], |flow| flow.files = vec!["/log/*.log*".into()]);
    story.pass_undisturbed(SECONDS);
    refill(&mut story.disk, A, &lines("new", 400));
    story.disk.rename(Path::new(A), Path::new("/log/a.log.1"), 2);
    story.restart();
    story.pass(Duration::from_secs(1), &mut |_, what| match what {
        Do::Read { cursor: None, .. } => Some(Outcome::Read(Err(FileError::Denied))),
        _ => None,
    });
    story.pass_undisturbed(SECONDS);
    assert_eq!(story.got.matches("new\n").count(), 400);
}

/// Another file comes when there is no descriptor left: the one that is open is closed for it.
fn close_for_room(story: &mut Story) {
    write(&mut story.disk, "/log/other.log", "other\n");
    story.notice_entries("/log");
    let full = story.open.len();
    let mut open = full;
    story.pass(Duration::from_secs(1), &mut |_, what| {
        match what {
            Do::Open { .. } if open >= full => return Some(Outcome::Opened(Err(FileError::TooManyFiles))),
            Do::Open { .. } => open += 1,
            Do::Close { .. } => open -= 1,
            _ => {}
        }
        None
    });
}
