//! This host: which files the globs lead to, whether they can be read, and whether there is room.

use super::logrotate;
use super::{Finding, Level};
use crate::config::Config;
use kintail_engine::discover::{Globs, Standing};
use kintail_engine::ids::FlowId;
use kintail_engine::settings::Symlinks;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// More files than these are not looked at.
const MOST_FILES: usize = 100_000;

/// So many unreadable files of a flow are told one by one.
const MOST_TOLD: usize = 10;

/// Less room than this for the state is worth a warning, in bytes.
const LITTLE: u64 = 100 << 20;

/// What is there now.
#[derive(Debug, Default)]
struct Tree {
    dirs: BTreeSet<PathBuf>,
    files: Vec<(PathBuf, Vec<FlowId>)>,
}

/// Looks at everything.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    match Globs::new(&config.engine.agent, &config.engine.flows) {
        Err(error) => findings.push(Finding::new("host", Level::Error, error.to_string())),
        Ok(globs) => {
            let tree = walk(&globs, config.engine.agent.follow_symlinks == Symlinks::All);
            for (index, flow) in config.engine.flows.iter().enumerate() {
                let id = FlowId(index as u32);
                let files = tree.files.iter().filter(|(_, flows)| flows.contains(&id));
                findings.extend(files_of(&flow.name, &files.map(|(path, _)| path).collect::<Vec<_>>()));
            }
            findings.push(watches(tree.dirs.len()));
            let files: Vec<&Path> = tree.files.iter().map(|(path, _)| path.as_path()).collect();
            findings.extend(logrotate::look(Path::new("/etc"), &files));
        }
    }
    findings.extend(room(&config.state_dir));
    findings
}

fn walk(globs: &Globs, links: bool) -> Tree {
    let mut tree = Tree::default();
    let bases: BTreeSet<PathBuf> = globs.bases().into_iter().map(|(base, _)| base).collect();
    for base in bases {
        let standings = globs.standings(&base);
        enter(globs, &base, &standings, links, &mut tree);
    }
    tree
}

fn enter(globs: &Globs, dir: &Path, standings: &[Standing], links: bool, tree: &mut Tree) {
    if !tree.dirs.insert(dir.to_path_buf()) || tree.files.len() >= MOST_FILES {
        return;
    }
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let Ok(meta) = fs::metadata(&path) else { continue };
        let below = globs.descend(standings, &name);
        if meta.is_dir() && (links || !is_link) && !below.is_empty() {
            enter(globs, &path, &below, links, tree);
        } else if meta.is_file() {
            let flows = globs.followers(dir, standings, &name);
            if !flows.is_empty() {
                tree.files.push((path, flows));
            }
        }
    }
}

fn files_of(flow: &str, files: &[&PathBuf]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if files.is_empty() {
        let none = Finding::new(flow, Level::Warning, "no file matches now");
        findings.push(none.advise("look at `files`; files that come later are followed as they come"));
    }
    let denied =
        |path: &&&PathBuf| File::open(path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    let denied: Vec<&PathBuf> = files.iter().filter(denied).copied().collect();
    for path in denied.iter().take(MOST_TOLD) {
        findings.push(
            Finding::new(flow, Level::Error, format!("{} cannot be read: permission denied", path.display()))
                .advise(who_may(path)),
        );
    }
    if denied.len() > MOST_TOLD {
        findings.push(Finding::new(flow, Level::Error, format!("and {} more", denied.len() - MOST_TOLD)));
    }
    if !files.is_empty() && denied.is_empty() {
        findings.push(Finding::new(flow, Level::Ok, format!("{} files match and can be read", files.len())));
    }
    findings
}

/// What would let this user read a file.
fn who_may(path: &Path) -> String {
    let acl = format!("setfacl -m u:kintail:r {}", path.display());
    let group = fs::metadata(path).ok().filter(|meta| meta.mode() & 0o040 != 0);
    match group.and_then(|meta| group_name(meta.gid())) {
        Some(group) => format!("its group {group} may: usermod -aG {group} kintail; or {acl}"),
        None => acl,
    }
}

fn group_name(gid: u32) -> Option<String> {
    let groups = fs::read_to_string("/etc/group").ok()?;
    let named = groups.lines().find(|line| line.split(':').nth(2) == Some(&gid.to_string()));
    Some(named?.split(':').next()?.to_owned())
}

fn watches(dirs: usize) -> Finding {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_user_watches");
    let limit = limit.ok().and_then(|text| text.trim().parse::<usize>().ok()).unwrap_or(usize::MAX);
    let text = format!("{dirs} directories to watch, fs.inotify.max_user_watches is {limit}");
    if dirs < limit {
        Finding::new("host", Level::Ok, text)
    } else {
        Finding::new("host", Level::Warning, text)
            .advise("sysctl fs.inotify.max_user_watches=524288; directories beyond the limit are polled")
    }
}

/// Room for the state.
fn room(state_dir: &Path) -> Option<Finding> {
    let there = state_dir.ancestors().find(|dir| dir.exists())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let text = format!("{} MiB free for {}", free >> 20, state_dir.display());
    Some(if free >= LITTLE {
        Finding::new("host", Level::Ok, text)
    } else {
        Finding::new("host", Level::Warning, text)
            .advise("make room, or move `state_dir`: what is shipped meanwhile is repeated after a restart")
    })
}
