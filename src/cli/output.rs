//! Writes answers to standard output.

use super::ExitCode;
use std::fmt::Display;
use std::io::{ErrorKind, Write};

/// Prints a line and ends with `code`. A reader that has seen enough (a closed pipe) is no error.
pub(super) fn print(line: impl Display, code: ExitCode) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            anstream::eprintln!("kintail: standard output: {error}");
            ExitCode::Output
        }
        _ => code,
    }
}
