//! The binary: parse, run, exit code.

use std::process::ExitCode;

// musl's allocator is slow, one lock and a system call for each large buffer: shipping takes twice the CPU time
// with it.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kintail::cli::main().into()
}
