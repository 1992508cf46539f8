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

fn entries(dir: &Path) -> Notice {
    Notice::Entries { dir: dir.into() }
}

fn content(path: &Path) -> Notice {
    Notice::Content { path: path.into() }
}

#[tokio::test]
async fn new_names_are_told_of_their_directory_and_writes_of_their_file() {
    let dir = TempDir::new().unwrap();
    let watches = Watches::new();
    watches.watch(dir.path()).unwrap();
    let path = dir.path().join("a.log");
    let mut file = fs::File::create(&path).unwrap();
    until(&watches, &entries(dir.path())).await;
    file.write_all(b"one\n").unwrap();
    until(&watches, &content(&path)).await;
    fs::rename(&path, dir.path().join("a.log.1")).unwrap();
    until(&watches, &entries(dir.path())).await;
}

#[tokio::test]
async fn reading_makes_no_notice_and_many_writes_make_one() {
    let dir = TempDir::new().unwrap();
    let (path, mark) = (dir.path().join("a.log"), dir.path().join("mark"));
    fs::write(&path, "one\n").unwrap();
    fs::write(&mark, "").unwrap();
    let watches = Watches::new();
    watches.watch(dir.path()).unwrap();
    fs::read(&path).unwrap();
    for _ in 0..100 {
        fs::OpenOptions::new().append(true).open(&mark).unwrap().write_all(b"x").unwrap();
    }
    assert_eq!(watches.next().await, [content(&mark)]);
}

#[tokio::test]
async fn a_directory_under_two_names_is_told_under_both() {
    let dir = TempDir::new().unwrap();
    let (real, alias) = (dir.path().join("real"), dir.path().join("alias"));
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &alias).unwrap();
    let watches = Watches::new();
    watches.watch(&real).unwrap();
    watches.watch(&alias).unwrap();
    fs::write(real.join("a"), "").unwrap();
    let seen = until(&watches, &entries(&real)).await;
    assert!(seen.contains(&entries(&alias)), "{seen:?}");
    watches.unwatch(&alias);
    fs::write(real.join("b"), "").unwrap();
    assert_eq!(watches.next().await, [entries(&real)]);
}

#[tokio::test]
async fn a_directory_that_was_made_anew_can_be_watched_again() {
    let dir = TempDir::new().unwrap();
    let logs = dir.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let watches = Watches::new();
    watches.watch(&logs).unwrap();
    fs::remove_dir(&logs).unwrap();
    until(&watches, &entries(&logs)).await;
    fs::create_dir(&logs).unwrap();
    watches.watch(&logs).unwrap();
    fs::write(logs.join("a"), "x").unwrap();
    until(&watches, &content(&logs.join("a"))).await;
}

#[tokio::test]
async fn a_watch_ends_with_its_directory_and_with_its_name() {
    let dir = TempDir::new().unwrap();
    let (logs, old) = (dir.path().join("logs"), dir.path().join("old"));
    let watches = Watches::new();
    let ended = Notice::WatchEnded { dir: logs.clone() };
    fs::create_dir(&logs).unwrap();
    watches.watch(&logs).unwrap();
    fs::rename(&logs, &old).unwrap();
    until(&watches, &ended).await;
    fs::create_dir(&logs).unwrap();
    watches.watch(&logs).unwrap();
    fs::write(old.join("a"), "x").unwrap();
    fs::write(logs.join("b"), "x").unwrap();
    let seen = until(&watches, &content(&logs.join("b"))).await;
    assert!(!seen.contains(&content(&logs.join("a"))), "{seen:?}");
    fs::remove_dir_all(&logs).unwrap();
    until(&watches, &ended).await;
}

#[tokio::test]
async fn after_unwatching_nothing_is_told() {
    let dir = TempDir::new().unwrap();
    let watches = Watches::new();
    watches.watch(dir.path()).unwrap();
    watches.unwatch(dir.path());
    fs::write(dir.path().join("a"), "x").unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(50), watches.next()).await.is_err());
}

#[tokio::test]
async fn a_missing_directory_is_not_found() {
    let watches = Watches::new();
    assert_eq!(watches.watch(Path::new("/nowhere/at/all")), Err(FileError::NotFound));
}
