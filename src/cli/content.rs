//! Whether a file still has the content by which it is known.

use super::agent::Error;
use kintail_engine::content::{WINDOW, fingerprint};
use kintail_engine::state::{Check, Fingerprint};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Whether these are its first bytes.
pub(super) fn begins_with(file: &File, head: Fingerprint) -> io::Result<bool> {
    Ok(fingerprint(&read(file, 0, head.len as usize)?) == head)
}

/// Whether these are the bytes before the check's offset.
pub(super) fn agrees_with(file: &File, check: Check) -> io::Result<bool> {
    let len = check.print.len.into();
    let Some(start) = check.at.checked_sub(len) else { return Ok(false) };
    Ok(fingerprint(&read(file, start, len as usize)?) == check.print)
}

/// Where the last whole line of the first `size` bytes ends.
pub(super) fn end_of_lines(file: &File, size: u64) -> io::Result<u64> {
    let mut end = size;
    while end > 0 {
        let start = end.saturating_sub(64 * WINDOW as u64);
        let bytes = read(file, start, (end - start) as usize)?;
        if let Some(newline) = bytes.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + newline as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// The bytes before `offset` by which it is checked.
pub(super) fn before(path: &Path, offset: u64) -> Result<Vec<u8>, Error> {
    let start = offset.saturating_sub(WINDOW as u64);
    read_path(path, start, (offset - start) as usize)
}

/// [`read`] of the file at `path`.
pub(super) fn read_path(path: &Path, at: u64, len: usize) -> Result<Vec<u8>, Error> {
    let bytes = File::open(path).and_then(|file| read(&file, at, len));
    bytes.map_err(|error| Error::Io(format!("{}: {error}", path.display())))
}

/// Up to `len` bytes at `at`, fewer only at the end.
pub(super) fn read(file: &File, at: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let mut filled = 0;
    while filled < len {
        match file.read_at(&mut bytes[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kintail_engine::content::check;
    use std::io::Write;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn lines_end_after_the_last_newline_before_the_size() {
        let long = [b"one\n".as_slice(), &vec![b'x'; 200_000]].concat();
        assert_eq!(end_of_lines(&file(&long), 200_004).unwrap(), 4);
        let file = file(b"one\ntwo\nhalf");
        let ends: Vec<u64> = [12, 8, 7, 4, 3, 0].map(|size| end_of_lines(&file, size).unwrap()).into();
        assert_eq!(ends, [8, 8, 4, 4, 0, 0]);
    }

    #[test]
    fn content_is_known_by_its_beginning_and_by_what_is_before_an_offset() {
        let bytes = [vec![b'a'; 2_000], vec![b'b'; 2_000]].concat();
        let (head, before) = (fingerprint(&bytes), check(3_000, &bytes[..3_000]));
        let same = file(&bytes);
        assert!(begins_with(&same, head).unwrap() && agrees_with(&same, before).unwrap());
        let other = file(&[b'a'; 4_000]);
        assert!(begins_with(&other, head).unwrap() && !agrees_with(&other, before).unwrap());
        let short = file(&bytes[..1_000]);
        assert!(!begins_with(&short, head).unwrap() && !agrees_with(&short, before).unwrap());
        assert!(!agrees_with(&same, Check { at: 3, ..before }).unwrap());
    }
}
