//! Writes answers to standard output.

use super::ExitCode;
use std::fmt::Display;
use std::io::{ErrorKind, Write};

/// Prints a line and ends with `code`. A reader that has seen enough (a closed pipe) is no error.
pub(super) fn print(line: impl Display, code: ExitCode) -> ExitCode {
    let mut out = std::io::stdout().lock();
    ended(writeln!(out, "{line}").and_then(|()| out.flush()), code)
}

fn ended(written: std::io::Result<()>, code: ExitCode) -> ExitCode {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            anstream::eprintln!("kintail: standard output: {error}");
            ExitCode::Output
        }
        _ => code,
    }
}

/// Prints a text that has its line ends, coloured only on a terminal.
pub(super) fn print_styled(text: impl Display) -> ExitCode {
    let mut out = anstream::stdout().lock();
    ended(write!(out, "{text}").and_then(|()| out.flush()), ExitCode::Success)
}
