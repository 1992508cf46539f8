//! `kintail man` and `kintail completions`: both are made of the command line itself, so they cannot differ from it.

use super::output::print_styled;
use super::{Cli, ExitCode};
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use std::path::Path;

/// Prints a shell's completions.
pub(super) fn completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "kintail", &mut script);
    print_styled(String::from_utf8_lossy(&script))
}

/// Writes a page for each command into `dir`; without one, prints the page of kintail itself.
pub(super) fn pages(dir: Option<&Path>) -> ExitCode {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        let rendered = Man::new(Cli::command()).render(&mut page);
        return ended(rendered, || print_styled(String::from_utf8_lossy(&page)));
    };
    // The pages of `kintail help` would only repeat the others.
    let command = Cli::command().disable_help_subcommand(true);
    ended(clap_mangen::generate_to(command, dir), || ExitCode::Success)
}

fn ended(written: std::io::Result<()>, well: impl FnOnce() -> ExitCode) -> ExitCode {
    match written {
        Ok(()) => well(),
        Err(error) => {
            anstream::eprintln!("kintail: the manual: {error}");
            ExitCode::Output
        }
    }
}
