//! A file on this host: appended to, rotated by size, acknowledged when it is on disk.

use super::writer::{self, failed};
use kintail_engine::destination::{Answer, Failure, FailureKind};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The file, and how it is rotated.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    rotate: u64,
    keep: u32,
    current: Option<Current>,
}

/// The file that is being appended to.
#[derive(Debug)]
struct Current {
    file: File,
    /// A write failed and could not be undone: cut back to this length before anything is written.
    cut_to: Option<u64>,
}

impl Output {
    /// Appends to `path`. At `rotate` bytes it becomes `path.1`, that `path.2`, up to `path.KEEP`.
    pub(super) fn new(path: PathBuf, rotate: u64, keep: u32) -> Self {
        Self { path, rotate, keep, current: None }
    }

    fn append(&mut self, body: &[u8]) -> io::Result<()> {
        if !self.current.as_ref().is_some_and(|current| current.is_at(&self.path)) {
            self.current = Some(Current { file: open(&self.path)?, cut_to: None });
        }
        let current = self.current.as_mut().expect("just opened");
        current.undo()?;
        let length = current.file.metadata()?.len();
        if length > 0 && length + body.len() as u64 > self.rotate {
            self.current = None;
            rotate(&self.path, self.keep)?;
            return self.append(body);
        }
        current.append(length, body)
    }
}

impl writer::Output for Output {
    fn write(&mut self, body: &[u8]) -> Answer {
        let Err(error) = self.append(body) else { return Answer::Written };
        let message = format!("{}: {error}", self.path.display());
        let code = format!("{:?}", error.kind());
        if self.current.as_ref().is_none_or(|current| current.cut_to.is_none()) {
            return failed(&code, &message);
        }
        let failure = Failure::new(FailureKind::Output, code, message);
        Answer::Failed { may_have_arrived: true, failure }
    }
}

impl Current {
    /// Whether the path still names this file; not after somebody else renamed or deleted it.
    fn is_at(&self, path: &Path) -> bool {
        let same = |ours: fs::Metadata| {
            fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino()))
        };
        self.file.metadata().is_ok_and(same)
    }

    /// Writes and syncs, or cuts the file back to `length`.
    fn append(&mut self, length: u64, body: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(body).and_then(|()| self.file.sync_data());
        if written.is_err() {
            self.cut_to = Some(length);
            // If this fails too, it is tried again before the next write.
            let _ = self.undo();
        }
        written
    }

    fn undo(&mut self) -> io::Result<()> {
        if let Some(length) = self.cut_to {
            self.file.set_len(length)?;
            self.cut_to = None;
        }
        Ok(())
    }
}

/// Opens the file, makes it and its directory where they are missing, and cuts off a torn last record.
fn open(path: &Path) -> io::Result<File> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(dir)?;
    // Non-blocking, so that a FIFO without a reader is an error and not a hung thread.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file =
        OpenOptions::new().read(true).append(true).create(true).mode(0o640).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    cut_torn_record(&file, meta.len())?;
    // The name must be on disk as well, or a power cut takes acknowledged records with it.
    File::open(dir)?.sync_all()?;
    Ok(file)
}

/// A kill in the middle of a write leaves a record without its newline; it will be sent again.
fn cut_torn_record(file: &File, length: u64) -> io::Result<()> {
    let whole = end_of_last_record(file, length)?;
    if whole < length {
        file.set_len(whole)?;
    }
    Ok(())
}

/// The offset after the last newline; 0 if there is none.
fn end_of_last_record(file: &File, length: u64) -> io::Result<u64> {
    let mut piece = [0; 8192];
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(piece.len() as u64);
        let bytes = &mut piece[..(end - start) as usize];
        file.read_exact_at(bytes, start)?;
        if let Some(newline) = bytes.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + newline as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Renames `path` to `path.1`, that to `path.2` and so on to the first number that is free (a rotation that was killed
/// half way leaves one). Where none is, what was `path.KEEP` is gone.
fn rotate(path: &Path, keep: u32) -> io::Result<()> {
    if keep == 0 {
        return fs::remove_file(path);
    }
    let is_free = |generation: &u32| fs::symlink_metadata(numbered(path, *generation)).is_err();
    let free = (1..keep).find(is_free).unwrap_or(keep);
    for generation in (1..free).rev() {
        rename_if_there(&numbered(path, generation), &numbered(path, generation + 1))?;
    }
    rename_if_there(path, &numbered(path, 1))
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// `path.GENERATION`.
pub(crate) fn numbered(path: &Path, generation: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{generation}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::writer::Output as _;
    use super::*;
    use tempfile::TempDir;

    fn output(dir: &TempDir, rotate: u64, keep: u32) -> Output {
        Output::new(dir.path().join("deep/er/out"), rotate, keep)
    }

    fn text(output: &Output) -> String {
        fs::read_to_string(&output.path).unwrap()
    }

    #[test]
    fn a_missing_directory_is_made() {
        let dir = TempDir::new().unwrap();
        let mut output = output(&dir, 1000, 1);
        assert_eq!(output.write(b"one\n"), Answer::Written);
        assert_eq!(text(&output), "one\n");
    }

    #[test]
    fn a_torn_last_record_is_cut_off_at_start() {
        let dir = TempDir::new().unwrap();
        let mut output = output(&dir, 1 << 20, 1);
        fs::create_dir_all(output.path.parent().unwrap()).unwrap();
        let torn = "x".repeat(20_000);
        fs::write(&output.path, format!("one\ntwo\n{torn}")).unwrap();
        output.write(b"three\n");
        assert_eq!(text(&output), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_file_without_any_newline_is_emptied() {
        let dir = TempDir::new().unwrap();
        let mut output = output(&dir, 1000, 1);
        fs::create_dir_all(output.path.parent().unwrap()).unwrap();
        fs::write(&output.path, "torn").unwrap();
        output.write(b"one\n");
        assert_eq!(text(&output), "one\n");
    }

    #[test]
    fn rotation_keeps_so_many_files_and_splits_no_body() {
        let dir = TempDir::new().unwrap();
        let mut output = output(&dir, 8, 2);
        for body in ["one\n", "two\n", "three\n", "longer than all\n", "five\n"] {
            assert_eq!(output.write(body.as_bytes()), Answer::Written);
        }
        assert_eq!(text(&output), "five\n");
        assert_eq!(fs::read_to_string(numbered(&output.path, 1)).unwrap(), "longer than all\n");
        assert_eq!(fs::read_to_string(numbered(&output.path, 2)).unwrap(), "three\n");
        assert!(!numbered(&output.path, 3).exists());
    }

    #[test]
    fn a_rotation_that_was_killed_half_way_costs_no_generation() {
        let dir = TempDir::new().unwrap();
        let mut output = output(&dir, 8, 3);
        output.write(b"newest\n");
        // As after the first renames of the next rotation: `path.1` is not there yet.
        fs::write(numbered(&output.path, 2), "older\n").unwrap();
        fs::write(numbered(&output.path, 3), "oldest\n").unwrap();
        output.write(b"another\n");
        let kept: Vec<_> = (1..=3).map(|n| fs::read_to_string(numbered(&output.path, n)).unwrap()).collect();
        assert_eq!(kept, ["newest\n", "older\n", "oldest\n"]);
    }

    #[test]
    fn without_generations_to_keep_a_full_file_is_begun_anew() {
        let dir = TempDir::new().unwrap();
        let mut output = output(&dir, 4, 0);
        output.write(b"one\n");
        output.write(b"two\n");
        assert_eq!(text(&output), "two\n");
        assert!(!numbered(&output.path, 1).exists());
    }

    #[test]
    fn a_file_that_somebody_else_moved_away_is_made_again() {
        let dir = TempDir::new().unwrap();
        let mut output = output(&dir, 1000, 1);
        output.write(b"one\n");
        fs::rename(&output.path, dir.path().join("moved")).unwrap();
        output.write(b"two\n");
        assert_eq!(text(&output), "two\n");
        assert_eq!(fs::read_to_string(dir.path().join("moved")).unwrap(), "one\n");
    }

    #[test]
    fn a_write_that_failed_is_cut_back_before_the_next() {
        let dir = TempDir::new().unwrap();
        let mut output = output(&dir, 1000, 1);
        output.write(b"one\n");
        let current = output.current.as_mut().unwrap();
        current.file.write_all(b"half of tw").unwrap();
        current.cut_to = Some(4);
        assert_eq!(output.write(b"two\n"), Answer::Written);
        assert_eq!(text(&output), "one\ntwo\n");
    }

    #[test]
    fn a_device_is_refused_with_its_path() {
        let mut output = Output::new("/dev/full".into(), 1000, 1);
        let answer = output.write(b"one\n");
        let Answer::Failed { may_have_arrived: false, failure } = answer else { panic!("{answer:?}") };
        assert_eq!(failure.kind, FailureKind::Output);
        assert!(failure.message.starts_with("/dev/full: "), "{}", failure.message);
    }

    #[test]
    fn a_fifo_never_blocks() {
        let dir = TempDir::new().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let answer = Output::new(fifo, 1000, 1).write(b"one\n");
        assert!(matches!(answer, Answer::Failed { .. }), "{answer:?}");
    }
}
