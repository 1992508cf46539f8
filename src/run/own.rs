//! What the agent itself writes: it must not follow it.

use crate::config::Config;
use crate::config::paths::follows;
use crate::io::sinks::numbered;
use kintail_engine::settings::{Destination, Flow};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A flow would read what a flow writes, and write it again, for ever.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "flow {reader} follows {}, which flow {writer} writes: write it elsewhere, or name it in `exclude`",
    path.display()
)]
pub(super) struct Loop {
    reader: String,
    writer: String,
    path: PathBuf,
}

/// Looks for flows that follow an output, also where links hide it.
pub(super) fn check(config: &Config) -> Result<(), Loop> {
    for writer in &config.engine.flows {
        let Destination::File { path, .. } = &writer.destination else { continue };
        let paths = [path.clone(), resolved(path)];
        for reader in &config.engine.flows {
            if let Some(path) = paths.iter().find(|path| follows(&reader.files, &reader.exclude, path)) {
                let (reader, writer) = (reader.name.clone(), writer.name.clone());
                return Err(Loop { reader, writer, path: path.clone() });
            }
        }
    }
    Ok(())
}

/// The files that are written now.
pub(super) fn outputs(config: &Config) -> Arc<[PathBuf]> {
    let output = |flow: &Flow| match &flow.destination {
        Destination::File { path, .. } => Some(path.clone()),
        _ => None,
    };
    config.engine.flows.iter().filter_map(output).collect()
}

/// The state directory, the outputs with their rotated files, and the file that standard error goes to.
pub(super) fn paths(config: &Config) -> Vec<PathBuf> {
    let mut paths = vec![config.state_dir.clone(), resolved(&config.state_dir)];
    for flow in &config.engine.flows {
        let Destination::File { path, keep, .. } = &flow.destination else { continue };
        for path in [path.clone(), resolved(path)] {
            paths.extend((1..=*keep).map(|generation| numbered(&path, generation)));
            paths.push(path);
        }
    }
    paths.extend(log_file());
    paths.sort();
    paths.dedup();
    paths
}

/// The regular file that standard error goes to, if any.
fn log_file() -> Option<PathBuf> {
    let path = std::fs::read_link("/proc/self/fd/2").ok()?;
    path.is_file().then_some(path)
}

/// The path with the links of its directory resolved; as it is where that fails.
fn resolved(path: &Path) -> PathBuf {
    let real = path.canonicalize().ok();
    let beside = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    real.or_else(beside).unwrap_or_else(|| path.to_path_buf())
}
