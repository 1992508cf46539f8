//! Standard output. A record counts as delivered when the write returns.

use super::writer::{self, failed};
use kintail_engine::destination::{Answer, Failure, FailureKind};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::stdio;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};

/// The code of an answer that says that nobody reads standard output any more.
pub(crate) const CLOSED: &str = "StdoutClosed";

/// Whether all that is written is thrown away. Where a program is started with standard output closed, it is
/// `/dev/null` by the time that anybody could ask.
pub(crate) fn is_null() -> bool {
    let same = |stat: rustix::fs::Stat| {
        let null = fs::metadata("/dev/null");
        null.is_ok_and(|null| null.file_type().is_char_device() && null.rdev() == stat.st_rdev)
    };
    rustix::fs::fstat(stdio::stdout()).is_ok_and(same)
}

/// Standard output.
pub(super) struct Output;

impl writer::Output for Output {
    fn write(&mut self, body: &[u8]) -> Answer {
        write_to(&mut Raw, body)
    }
}

/// The descriptor itself: a buffer of the standard library would keep bytes of a write that failed.
struct Raw;

impl Write for Raw {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits for room where whoever shares standard output made it non-blocking.
fn wait_for_room() {
    let _ = poll(&mut [PollFd::new(&stdio::stdout(), PollFlags::OUT)], None);
}

/// Writes all. What was written before an error cannot be taken back, so the records may have arrived.
fn write_to(out: &mut impl Write, body: &[u8]) -> Answer {
    let mut written = 0;
    while written < body.len() {
        match out.write(&body[written..]) {
            Ok(0) => return partly(written, ErrorKind::WriteZero, "nothing more can be written to stdout"),
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_for_room(),
            Err(error) => return partly(written, error.kind(), &format!("stdout: {error}")),
        }
    }
    Answer::Written
}

fn partly(written: usize, kind: ErrorKind, message: &str) -> Answer {
    let code = if kind == ErrorKind::BrokenPipe { CLOSED.into() } else { format!("{kind:?}") };
    if written == 0 {
        return failed(&code, message);
    }
    Answer::Failed { may_have_arrived: true, failure: Failure::new(FailureKind::Output, code, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `room` bytes, a few at a time, then fails.
    struct Pipe {
        room: usize,
        taken: Vec<u8>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(3).min(self.room);
            if count == 0 {
                return Err(ErrorKind::BrokenPipe.into());
            }
            self.room -= count;
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn short_writes_are_continued() {
        let mut pipe = Pipe { room: 100, taken: Vec::new() };
        assert_eq!(write_to(&mut pipe, b"one\ntwo\n"), Answer::Written);
        assert_eq!(pipe.taken, b"one\ntwo\n");
    }

    #[test]
    fn a_closed_pipe_is_told_by_its_code() {
        let answer = write_to(&mut Pipe { room: 0, taken: Vec::new() }, b"one\n");
        let Answer::Failed { may_have_arrived: false, failure } = answer else { panic!("{answer:?}") };
        assert_eq!(&*failure.code, CLOSED);
    }

    #[test]
    fn what_was_written_before_an_error_may_have_arrived() {
        let answer = write_to(&mut Pipe { room: 3, taken: Vec::new() }, b"one\ntwo\n");
        assert!(matches!(answer, Answer::Failed { may_have_arrived: true, .. }), "{answer:?}");
    }
}
