//! A damaged store is set aside and its copy used; one of a later version is left alone.

use super::*;
use rusqlite::Connection;
use std::fs;

/// A store with one flow and file, and its copy.
fn with_copy(dir: &Path) {
    let store = Store::open_with(dir, Duration::from_millis(20)).unwrap();
    let puts = vec![Put::Flow(flow_row("web")), Put::File(file_row(file_id(RunId(1), 1)))];
    store.save(Transaction { puts, sync: true }, |saved| saved.unwrap());
    while !dir.join(BAK).exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    store.save(Transaction { puts: vec![Put::Flow(flow_row("later"))], sync: true }, |saved| saved.unwrap());
    drop(store);
}

fn set_aside(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let log = |path: &str| path.ends_with("-wal") || path.ends_with("-shm");
    let aside = |path: &str| path.contains("state.db.corrupt-") && !log(path);
    entries.filter(|path| aside(&path.to_string_lossy())).collect()
}

fn overwrite(path: &Path, from: usize, bytes: &[u8]) {
    let mut content = fs::read(path).unwrap();
    content[from..from + bytes.len()].copy_from_slice(bytes);
    fs::write(path, content).unwrap();
}

#[test]
fn a_damaged_store_is_set_aside_and_its_copy_used() {
    let damages: [&dyn Fn(&Path); 5] = [
        &|db| fs::write(db, "no database at all, but long enough to be looked at").unwrap(),
        &|db| fs::write(db, "").unwrap(),
        &|db| overwrite(db, 4096, &[0xaa; 4096]),
        &|db| fs::OpenOptions::new().write(true).open(db).unwrap().set_len(10_000).unwrap(),
        &|db| Connection::open(db).unwrap().execute_batch("DROP TABLE cursor").unwrap(),
    ];
    for (number, damage) in damages.iter().enumerate() {
        let (_base, dir) = state_dir();
        with_copy(&dir);
        damage(&dir.join(DB));
        let before = fs::read(dir.join(DB)).unwrap();

        let saved = reopened(&dir);
        assert_eq!(saved.flows, [flow_row("web")], "damage {number}: as the copy had it");
        assert_eq!(saved.files, [file_row(file_id(RunId(1), 1))]);
        let aside = set_aside(&dir);
        assert_eq!(aside.len(), 1, "damage {number}: {aside:?}");
        assert_eq!(fs::read(&aside[0]).unwrap(), before);
        assert_eq!(reopened(&dir), saved, "and from now on all is well");
        assert_eq!(set_aside(&dir).len(), 1);
    }
}

#[test]
fn the_log_of_a_damaged_store_is_not_applied_to_its_copy() {
    let (base, dir) = state_dir();
    with_copy(&dir);
    let (kept, wal) = (base.path().join("kept"), dir.join(WAL));
    let mut database = Database::open(&dir).unwrap();
    save(&mut database, vec![Put::Flow(flow_row("in the log"))]);
    fs::copy(&wal, &kept).unwrap();
    drop(database);
    fs::write(dir.join(DB), "rubbish, where pages have been").unwrap();
    fs::rename(&kept, &wal).unwrap();
    assert_eq!(reopened(&dir).flows, [flow_row("web")]);
    let mut log = set_aside(&dir).pop().unwrap().into_os_string();
    log.push("-wal");
    assert!(fs::metadata(log).unwrap().len() > 0, "it may still be read by hand");
}

#[test]
fn without_a_sound_copy_a_damaged_store_starts_empty() {
    for copy in [None, Some("rubbish"), Some("")] {
        let (_base, dir) = state_dir();
        with_copy(&dir);
        fs::write(dir.join(DB), "rubbish").unwrap();
        match copy {
            None => fs::remove_file(dir.join(BAK)).unwrap(),
            Some(content) => fs::write(dir.join(BAK), content).unwrap(),
        }
        let saved = reopened(&dir);
        assert_eq!(saved, Saved::default(), "copy {copy:?}");
        assert_eq!(set_aside(&dir).len(), 1);
    }
}

#[test]
fn the_copy_of_a_damaged_store_does_not_replace_a_sound_one() {
    let (_base, dir) = state_dir();
    with_copy(&dir);
    let sound = fs::read(dir.join(BAK)).unwrap();
    overwrite(&dir.join(DB), 2 * 4096, &[0xaa; 4096]);
    let error = copy::make(&dir).unwrap_err();
    assert!(matches!(error, copy::CopyError::Damaged(_)), "{error}");
    assert_eq!(fs::read(dir.join(BAK)).unwrap(), sound);
    assert!(!dir.join("state.db.bak.new").exists());
}

#[test]
fn damage_met_by_a_save_is_told_and_nothing_is_thrown_away() {
    let (_base, dir) = state_dir();
    with_copy(&dir);
    let mut database = Database::open(&dir).unwrap();
    // More than the connection's cache holds.
    let files = (1..20_000).map(|number| Put::File(file_row(file_id(RunId(1), number))));
    save(&mut database, files.collect());
    let sound = fs::read(dir.join(DB)).unwrap();
    overwrite(&dir.join(DB), 4096, &vec![0xaa; sound.len() - 4096]);
    let transaction = Transaction { puts: vec![Put::ForgetFile(file_id(RunId(1), 1))], sync: true };
    database.save(&transaction).unwrap_err();
    database.save(&transaction).unwrap_err();
    assert_eq!(set_aside(&dir), [] as [PathBuf; 0]);
    fs::write(dir.join(DB), sound).unwrap();
    database.save(&transaction).unwrap();
}

#[test]
fn a_newer_store_is_refused_by_the_version_that_wrote_it_and_left_alone() {
    let (_base, dir) = state_dir();
    with_copy(&dir);
    let later = "PRAGMA user_version = 7; UPDATE meta SET value = 6 WHERE key = 'oldest_reader';
        UPDATE meta SET value = '9.8.7' WHERE key = 'written_by'; CREATE TABLE future (x);";
    Connection::open(dir.join(DB)).unwrap().execute_batch(later).unwrap();
    let before = fs::read(dir.join(DB)).unwrap();
    for error in [Database::open(&dir).unwrap_err(), View::read(&dir).unwrap_err()] {
        assert!(matches!(error, OpenError::Newer { version: 7, .. }), "{error}");
        assert!(error.to_string().contains("9.8.7"), "{error}");
    }
    assert_eq!(set_aside(&dir), [] as [PathBuf; 0]);
    assert_eq!(fs::read(dir.join(DB)).unwrap(), before);
}

#[test]
fn a_later_store_that_only_adds_is_used_and_its_additions_stay() {
    let (_base, dir) = state_dir();
    with_copy(&dir);
    let later = "PRAGMA user_version = 2; UPDATE meta SET value = '9.8.7' WHERE key = 'written_by';
        ALTER TABLE flow ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'; UPDATE flow SET colour = 'red';
        INSERT INTO ledger (flow, run, number, epoch_run, epoch_number, path, start, end, reason, time)
        VALUES ('web', 1, 1, 1, 1, x'', 0, 1, 'unheard_of', 0)";
    Connection::open(dir.join(DB)).unwrap().execute_batch(later).unwrap();
    let mut database = Database::open(&dir).unwrap();
    assert_eq!(database.load().unwrap().ledger, []);
    save(&mut database, vec![Put::Flow(FlowRow { last_look: 99, ..flow_row("web") })]);
    drop(database);
    let db = Connection::open(dir.join(DB)).unwrap();
    let row = db
        .query_row("SELECT colour, last_look, user_version FROM flow, pragma_user_version", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })
        .unwrap();
    assert_eq!(row, ("red".into(), 99, 2));
}

#[test]
fn a_store_of_another_hash_is_refused_and_left_alone() {
    let (_base, dir) = state_dir();
    with_copy(&dir);
    let other = "UPDATE meta SET value = 'blake3' WHERE key = 'hash'";
    Connection::open(dir.join(DB)).unwrap().execute_batch(other).unwrap();
    let error = Database::open(&dir).unwrap_err();
    assert!(matches!(&error, OpenError::Hash { hash, .. } if hash == "blake3"), "{error}");
    assert_eq!(set_aside(&dir), [] as [PathBuf; 0]);
}
