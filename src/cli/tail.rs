//! `kintail tail`: one flow made of a glob, from the end, without configuration or state.

use super::{ExitCode, TailArgs};
use std::path::PathBuf;

/// Where the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// To standard output.
    Stdout,
    /// To this file.
    File(PathBuf),
}

impl To {
    /// Reads `stdout` or `file:PATH`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("file:") {
            Some(path) if !path.is_empty() => Ok(Self::File(path.into())),
            None if text == "stdout" => Ok(Self::Stdout),
            _ => Err("neither stdout nor file:PATH".into()),
        }
    }
}

/// Follows the glob.
pub(super) fn run(_args: &TailArgs) -> ExitCode {
    eprintln!("kintail: tail is not in this version");
    ExitCode::Usage
}
