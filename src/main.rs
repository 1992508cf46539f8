//! The binary: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    kintail::cli::main().into()
}
