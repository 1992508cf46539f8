//! `kintail tail`: one flow made of a glob, from the end, without configuration or state.

use super::{ExitCode, TailArgs};
use crate::config::{Config, LogLevel, paths::Base};
use kintail_engine::settings::{Destination, Flow, MIB, StartAt};
use std::path::{Path, PathBuf};

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
pub(super) fn run(args: &TailArgs) -> ExitCode {
    let base = Base::new(Path::new(""));
    match base.glob(&args.glob) {
        Ok(glob) => crate::run::tail(config(glob, &args.to, &base)),
        Err(fault) => {
            anstream::eprintln!("kintail: {fault}");
            ExitCode::Usage
        }
    }
}

fn config(glob: String, to: &To, base: &Base) -> Config {
    let destination = match to {
        To::Stdout => Destination::Stdout,
        To::File(path) => Destination::File { path: base.path(path), rotate: 100 * MIB, keep: 5 },
    };
    let mut config = Config::around(Flow::new("tail", vec![glob], destination));
    config.engine.flows[0].start_at = StartAt::End;
    config.log.level = LogLevel::Warn;
    config
}
