//! Disks that are full or cannot be written.

use super::*;
use std::process::Command;

/// A file system of its own, unmounted at the end.
struct Disk(TempDir);

impl Disk {
    /// `None`, and a word why, where mounting is not permitted.
    fn mount(options: &str) -> Option<Self> {
        let at = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "none"])
            .arg(at.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            println!("skipped: this user may not mount");
        }
        mounted.then(|| Self(at))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
        println!("unmounted: {unmounted:?}");
    }
}

#[test]
fn a_full_disk_fails_saves_until_there_is_space_again() {
    let Some(disk) = Disk::mount("size=1536k") else { return };
    let dir = disk.0.path().join("state");
    let mut database = Database::open(&dir).unwrap();
    save(&mut database, vec![Put::Flow(flow_row("before"))]);

    let ballast = disk.0.path().join("ballast");
    let full = std::fs::write(&ballast, vec![1; 4 << 20]).unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    let cursors = |round: u64| Transaction {
        puts: (1..500)
            .map(|number| Put::Cursor(cursor_row("web", file_id(RunId(1), number), round)))
            .collect(),
        sync: round.is_multiple_of(2),
    };
    let mut failures = 0;
    for round in 0..20 {
        failures += u32::from(database.save(&cursors(round)).is_err());
    }
    assert!(failures >= 15, "{failures} of 20 saves failed");

    std::fs::remove_file(ballast).unwrap();
    database.save(&cursors(100)).unwrap();
    database.close().unwrap();
    let saved = reopened(&dir);
    assert_eq!(saved.flows, [flow_row("before")]);
    assert_eq!(saved.cursors.len(), 499);
    assert!(saved.cursors.iter().all(|row| row.prefix == 100));
}

#[test]
fn a_disk_that_cannot_be_written_is_told_at_start_with_the_fix() {
    let Some(disk) = Disk::mount("size=1m") else { return };
    let dir = disk.0.path().join("state");
    drop(Database::open(&dir).unwrap());
    let remount = |how: &str| {
        let done = Command::new("mount").args(["-o", how]).arg(disk.0.path()).status().unwrap();
        assert!(done.success());
    };
    remount("remount,ro");
    let error = Database::open(&dir).unwrap_err().to_string();
    assert!(error.contains("cannot be written") && error.contains("agent.state_dir"), "{error}");
    remount("remount,rw");
    std::fs::write(disk.0.path().join("ballast"), vec![1; 4 << 20]).unwrap_err();
    let error = Database::open(&dir).unwrap_err().to_string();
    assert!(error.contains("cannot be written") && error.contains("free some space"), "{error}");
}

#[test]
fn a_state_directory_that_cannot_be_made_is_told_with_the_fix() {
    let (base, _) = state_dir();
    let file = base.path().join("file");
    std::fs::write(&file, "").unwrap();
    for dir in [file.clone(), file.join("below")] {
        let error = Database::open(&dir).unwrap_err();
        assert!(matches!(error, OpenError::Directory { .. }), "{error}");
        assert!(error.to_string().contains("agent.state_dir"), "{error}");
    }
}

/// Files that nobody may change, not even those who have them open, until the end.
struct Frozen(Vec<PathBuf>);

impl Frozen {
    fn new(files: Vec<PathBuf>) -> Option<Self> {
        let frozen = Self(files);
        let done = frozen.chattr("+i");
        if !done {
            println!("skipped: this user or file system knows no immutable files");
        }
        done.then_some(frozen)
    }

    fn chattr(&self, how: &str) -> bool {
        Command::new("chattr").arg(how).args(&self.0).output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.chattr("-i");
    }
}

#[test]
fn a_disk_that_becomes_read_only_fails_saves_until_it_is_writable_again() {
    let (_base, dir) = state_dir();
    let mut database = Database::open(&dir).unwrap();
    save(&mut database, vec![Put::Flow(flow_row("before"))]);
    let Some(frozen) = Frozen::new(vec![dir.join(DB), dir.join(WAL)]) else { return };
    let after = Transaction { puts: vec![Put::Flow(flow_row("after"))], sync: true };
    for _ in 0..3 {
        database.save(&after).unwrap_err();
    }
    drop(frozen);
    database.save(&after).unwrap();
    drop(database);
    assert_eq!(reopened(&dir).flows, [flow_row("after"), flow_row("before")]);
}
