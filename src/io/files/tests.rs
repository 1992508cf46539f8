//! File calls on a real file system.

use super::*;
use kintail_engine::event::{Kind, PlainEnd};
use rustix::fs::{CWD, FileType, mknodat};
use std::fs;
use std::io::Write;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

const HANDLE: HandleId = HandleId(7);

fn rules() -> Rules {
    Rules { symlinks: Symlinks::Files, most: 100, outputs: Arc::default() }
}

fn files() -> Files {
    Files::new(rules())
}

/// What a call answers.
fn wait<T: Send + 'static>(call: impl FnOnce(Box<dyn FnOnce(T) + Send>)) -> T {
    let (answer, answers): (_, Receiver<T>) = channel();
    call(Box::new(move |value| answer.send(value).unwrap()));
    answers.recv_timeout(Duration::from_secs(10)).expect("an answer")
}

fn open(files: &Files, path: &Path) -> Result<Meta, FileError> {
    wait(|reply| files.open(HANDLE, path.into(), None, reply))
}

fn look(files: &Files, path: &Path) -> Result<Meta, FileError> {
    wait(|reply| files.look(path.into(), reply))
}

fn read(files: &Files, offset: u64, len: usize) -> Vec<u8> {
    wait(|reply| files.read(HANDLE, offset, len, reply)).unwrap().bytes.to_vec()
}

#[test]
fn a_file_keeps_its_identity_through_a_rename_and_has_a_birth_time() {
    let dir = TempDir::new().unwrap();
    let (old, new) = (dir.path().join("a.log"), dir.path().join("a.log.1"));
    fs::write(&old, "one\n").unwrap();
    let files = files();
    let before = open(&files, &old).unwrap();
    fs::rename(&old, &new).unwrap();
    let after = look(&files, &new).unwrap();
    assert_eq!(before.identity, after.identity);
    assert_ne!(before.identity.btime, 0);
    assert_eq!((after.kind, after.size, after.links), (Kind::File, 4, 1));
    assert_eq!(look(&files, &old), Err(FileError::NotFound));
}

#[test]
fn reads_end_only_at_the_end_of_the_file() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("a.log");
    let content: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    fs::write(&path, &content).unwrap();
    let files = files();
    open(&files, &path).unwrap();
    assert_eq!(read(&files, 0, 1 << 20), content);
    assert_eq!(read(&files, 10, 200_000), content[10..200_010]);
    assert_eq!(read(&files, 299_990, 100), content[299_990..]);
    assert_eq!(read(&files, 400_000, 100), b"");
}

#[test]
fn a_deleted_file_is_read_on_and_has_no_links() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("a.log");
    let mut writer = fs::File::create(&path).unwrap();
    let files = files();
    open(&files, &path).unwrap();
    fs::remove_file(&path).unwrap();
    writer.write_all(b"late\n").unwrap();
    let chunk = wait(|reply| files.read(HANDLE, 0, 100, reply)).unwrap();
    assert_eq!(&chunk.bytes[..], b"late\n");
    assert_eq!(chunk.meta.links, 0);
}

#[test]
fn a_closed_file_is_not_read() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("a.log");
    fs::write(&path, "one\n").unwrap();
    let files = files();
    open(&files, &path).unwrap();
    wait(|reply| files.close(HANDLE, move || reply(())));
    assert!(wait(|reply| files.read(HANDLE, 0, 4, reply)).is_err());
}

#[test]
fn a_fifo_is_refused_and_its_writer_stays_asleep() {
    let dir = TempDir::new().unwrap();
    let fifo = dir.path().join("fifo.log");
    mknodat(CWD, &fifo, FileType::Fifo, 0o600.into(), 0).unwrap();
    let files = files();
    assert_eq!(open(&files, &fifo), Err(FileError::NoFile));
    assert_eq!(look(&files, &fifo).unwrap().kind, Kind::Other);
}

#[test]
fn links_are_followed_as_the_settings_say() {
    let dir = TempDir::new().unwrap();
    let (file, link, dangling) = (dir.path().join("a"), dir.path().join("link"), dir.path().join("dangling"));
    fs::write(&file, "one\n").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    std::os::unix::fs::symlink(dir.path().join("nowhere"), &dangling).unwrap();
    let following = files();
    assert_eq!(look(&following, &link).unwrap().kind, Kind::File);
    assert_eq!(open(&following, &link).unwrap().size, 4);
    assert_eq!(open(&following, &dangling), Err(FileError::NotFound));
    let not_following = Files::new(Rules { symlinks: Symlinks::None, ..rules() });
    assert_eq!(look(&not_following, &link).unwrap().kind, Kind::Link);
    assert!(open(&not_following, &link).is_err());
}

#[test]
fn the_errors_of_the_kernel_have_their_meaning() {
    use super::calls::meaning;
    use rustix::io::Errno;
    assert_eq!(meaning(Errno::NOTDIR), FileError::NotFound);
    assert_eq!(meaning(Errno::ACCESS), FileError::Denied);
    assert_eq!(meaning(Errno::NFILE), FileError::TooManyFiles);
    assert!(matches!(meaning(Errno::DQUOT), FileError::NoSpace(_)));
    assert_eq!(meaning(Errno::STALE), FileError::Stale);
}

#[test]
fn a_directory_of_this_host_can_be_watched() {
    let dir = TempDir::new().unwrap();
    assert_eq!(is_remote(dir.path()), Ok(false));
    assert_eq!(is_remote(&dir.path().join("missing")), Err(FileError::NotFound));
}

#[test]
fn so_many_files_are_open_and_no_more() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("a.log");
    fs::write(&path, "one\n").unwrap();
    let files = Files::new(Rules { most: 1, ..rules() });
    open(&files, &path).unwrap();
    let second = |files: &Files| wait(|reply| files.open(HandleId(8), path.clone(), None, reply));
    assert_eq!(second(&files), Err(FileError::TooManyFiles));
    wait(|reply| files.close(HANDLE, move || reply(())));
    assert!(second(&files).is_ok());
}

/// Opens a file under that name that gzip wrote.
fn open_compressed(files: &Files, dir: &TempDir, plain: &[u8]) -> Meta {
    let path = dir.path().join("a.log");
    fs::write(&path, plain).unwrap();
    assert!(std::process::Command::new("gzip").arg(&path).status().unwrap().success());
    let path = dir.path().join("a.log.gz");
    wait(|reply| files.open(HANDLE, path, Some(Codec::Gzip), reply)).unwrap()
}

#[test]
fn a_compressed_file_is_read_by_offsets_of_its_plain_text() {
    let dir = TempDir::new().unwrap();
    let content: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    let files = files();
    let size = open_compressed(&files, &dir, &content).size;
    assert_eq!(read(&files, 200_000, 1000), content[200_000..201_000]);
    let measured = wait(|reply| files.measure(HANDLE, reply)).unwrap();
    assert_eq!((measured.size, measured.end, measured.meta.size), (300_000, PlainEnd::Whole, size));
    assert_eq!(wait(|reply| files.read(HANDLE, 0, 1, reply)).unwrap().meta.size, 300_000);
}

#[test]
fn only_a_compressed_file_is_measured() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("a.log");
    fs::write(&path, "one\n").unwrap();
    let files = files();
    assert!(wait(|reply| files.measure(HANDLE, reply)).is_err());
    open(&files, &path).unwrap();
    assert!(wait(|reply| files.measure(HANDLE, reply)).is_err());
}

#[test]
fn no_other_call_waits_for_a_decoder() {
    let dir = TempDir::new().unwrap();
    let files = files();
    let device = open_compressed(&files, &dir, b"one\n").identity.dev;
    let (release, held) = channel::<()>();
    files.decoding.run(device, Call::new("measure", "long.gz".into()), move || {
        let _ = held.recv();
    });
    let (answer, answers) = channel();
    files.measure(HANDLE, move |measured| answer.send(measured).unwrap());
    let path = dir.path().join("a.log.gz");
    wait(|reply| files.open(HandleId(8), path, None, reply)).unwrap();
    // More than is read at once.
    fs::write(dir.path().join("b.log"), vec![7; 100_000]).unwrap();
    let path = dir.path().join("b.log");
    wait(|reply| files.open(HandleId(9), path, None, reply)).unwrap();
    assert_eq!(wait(|reply| files.read(HandleId(9), 0, 100_000, reply)).unwrap().bytes.len(), 100_000);
    assert!(answers.try_recv().is_err());
    drop(release);
    assert_eq!(answers.recv_timeout(Duration::from_secs(10)).unwrap().unwrap().size, 4);
}

#[test]
fn a_link_leads_to_the_directory_of_its_last_target_which_need_not_be_there() {
    let dir = TempDir::new().unwrap();
    let (links, logs) = (dir.path().join("links"), dir.path().join("logs"));
    fs::create_dir(&links).unwrap();
    fs::create_dir(&logs).unwrap();
    std::os::unix::fs::symlink("../logs/0.log", links.join("second")).unwrap();
    std::os::unix::fs::symlink("second", links.join("first")).unwrap();
    let files = files();
    let follow = |name: &str| wait(|reply| files.follow_link(links.join(name), reply));
    assert_eq!(follow("first"), Ok(logs.canonicalize().unwrap()), "nothing is there");
    fs::write(logs.join("0.log"), "one\n").unwrap();
    assert_eq!(follow("first"), Ok(logs.canonicalize().unwrap()));
    std::os::unix::fs::symlink("round", links.join("round")).unwrap();
    assert!(matches!(follow("round"), Err(FileError::Other(_))));
    fs::remove_dir_all(&logs).unwrap();
    assert_eq!(follow("first"), Err(FileError::NotFound));
}
