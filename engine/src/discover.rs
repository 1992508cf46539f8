//! Which paths are followed: the globs of all flows, and what of a directory they want to see.

mod pattern;

pub use pattern::{Pattern, PatternError};

use crate::event::Kind;
use crate::follow::name;
use crate::ids::FlowId;
use crate::settings::{Agent, Flow, Symlinks};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The globs of all flows.
#[derive(Debug)]
pub struct Globs {
    flows: Vec<FlowGlobs>,
    own_paths: Vec<PathBuf>,
    symlinks: Symlinks,
}

#[derive(Debug)]
struct FlowGlobs {
    files: Vec<Pattern>,
    /// Where rotated files go.
    archives: Vec<Pattern>,
    /// Whether compressed files are followed for their names' sake.
    compressed: bool,
    exclude: Vec<Exclude>,
}

#[derive(Debug)]
enum Exclude {
    Path(Pattern),
    /// A pattern without a slash is of the bare name.
    Name(Pattern),
}

/// Where one flow's glob stands in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    flow: u32,
    pattern: u32,
    at: Vec<usize>,
}

/// What is of interest in one directory; a pure filter that the listing applies.
#[derive(Clone, Debug)]
pub struct Wanted {
    globs: Arc<Globs>,
    standings: Vec<Standing>,
    /// Files that are looked for by what the kernel calls them.
    inos: BTreeSet<u64>,
}

impl Standing {
    /// The flow whose glob it is.
    pub(crate) fn flow(&self) -> FlowId {
        FlowId(self.flow)
    }
}

impl Wanted {
    /// Whether an entry is of interest.
    pub fn wants(&self, name: &OsStr, kind: Kind, ino: u64) -> bool {
        if self.inos.contains(&ino) {
            return true;
        }
        let followed =
            || self.globs.any_match(&self.standings, name) || self.globs.any_kin(&self.standings, name);
        let file = matches!(kind, Kind::File | Kind::Link) && followed();
        file || self.globs.may_enter(kind) && self.globs.any_descend(&self.standings, name)
    }
}

impl Globs {
    /// Reads the globs of all flows.
    pub fn new<'a>(agent: &Agent, flows: impl IntoIterator<Item = &'a Flow>) -> Result<Self, PatternError> {
        let flows = flows.into_iter().map(|flow| {
            let files = flow.files.iter().map(|text| Pattern::parse(text)).collect::<Result<_, _>>()?;
            let archives = flow.archives.iter().map(|text| Pattern::parse(text)).collect::<Result<_, _>>()?;
            let exclude = flow.exclude.iter().map(|text| Exclude::parse(text)).collect::<Result<_, _>>()?;
            Ok(FlowGlobs { files, archives, compressed: flow.compressed, exclude })
        });
        Ok(Self {
            flows: flows.collect::<Result<_, _>>()?,
            own_paths: agent.own_paths.clone(),
            symlinks: agent.follow_symlinks,
        })
    }

    /// The directories where walks begin, and where all globs stand in them.
    pub fn bases(&self) -> Vec<(PathBuf, Standing)> {
        let bases: BTreeSet<&Path> = self.patterns().map(|(_, _, pattern)| pattern.base()).collect();
        let standings = bases.into_iter().flat_map(|base| {
            self.standings(base).into_iter().map(move |standing| (base.to_path_buf(), standing))
        });
        standings.collect()
    }

    /// Each with its flow and its number there.
    fn patterns(&self) -> impl Iterator<Item = (usize, usize, &Pattern)> {
        self.flows.iter().enumerate().flat_map(|(flow, globs)| {
            let all = globs.files.iter().chain(&globs.archives).enumerate();
            all.map(move |(index, pattern)| (flow, index, pattern))
        })
    }

    /// Where the globs stand in a directory; empty: it need not be looked into.
    pub fn standings(&self, dir: &Path) -> Vec<Standing> {
        let standings = self.patterns().filter_map(|(flow, pattern, globs)| {
            let at = stands_at(globs, dir)?;
            Some(Standing { flow: flow as u32, pattern: pattern as u32, at })
        });
        standings.collect()
    }

    /// Where the globs stand in the subdirectory `name`; empty: it need not be looked into.
    pub fn descend(&self, standings: &[Standing], name: &OsStr) -> Vec<Standing> {
        let next = standings
            .iter()
            .map(|standing| Standing { at: self.pattern(standing).descend(&standing.at, name), ..*standing });
        next.filter(|standing| !standing.at.is_empty()).collect()
    }

    /// The flows that follow the file `name` in `dir`. A compressed one is followed by those that want such files.
    pub fn followers(&self, dir: &Path, standings: &[Standing], name: &OsStr) -> Vec<FlowId> {
        let mut flows = self.matching(dir, standings, name);
        if name::compressed(name).is_some() {
            flows.retain(|flow| self.flows[flow.0 as usize].compressed);
        }
        flows
    }

    /// The flows whose globs match the file `name` in `dir`, compressed or not.
    pub fn matching(&self, dir: &Path, standings: &[Standing], name: &OsStr) -> Vec<FlowId> {
        self.flows_at(dir, standings, name, |standing| !self.is_archive(standing))
    }

    fn flows_at(
        &self,
        dir: &Path,
        standings: &[Standing],
        name: &OsStr,
        choose: impl Fn(&Standing) -> bool,
    ) -> Vec<FlowId> {
        let mut flows: Vec<FlowId> = standings
            .iter()
            .filter(|standing| choose(standing) && self.pattern(standing).matches(&standing.at, name))
            .filter(|standing| self.admits(standing, &dir.join(name)))
            .map(|standing| FlowId(standing.flow))
            .collect();
        flows.sort_unstable();
        flows.dedup();
        flows
    }

    /// The flows whose rotated files go to a directory.
    pub fn archiving(&self, standings: &[Standing]) -> Vec<FlowId> {
        let archives = standings.iter().filter(|standing| self.is_archive(standing));
        archives.map(|standing| FlowId(standing.flow)).collect()
    }

    /// Whether any flow's rotated files go to a directory of their own.
    pub fn has_archives(&self) -> bool {
        self.flows.iter().any(|flow| !flow.archives.is_empty())
    }

    fn is_archive(&self, standing: &Standing) -> bool {
        standing.pattern as usize >= self.flows[standing.flow as usize].files.len()
    }

    /// The flows that do not follow the file `name` in `dir`, but the live file of which rotation may have made it; and
    /// those whose rotated files go there.
    pub fn kin(&self, dir: &Path, standings: &[Standing], name: &OsStr) -> Vec<FlowId> {
        let path = dir.join(name);
        let excluded = |flow: FlowId| self.flows[flow.0 as usize].exclude.iter().any(|e| e.matches(&path));
        let followers = self.followers(dir, standings, name);
        let lives = name::lives(name);
        let kin = lives.iter().flat_map(|live| self.followers(dir, standings, OsStr::new(live)));
        let archived = self.flows_at(dir, standings, name, |standing| self.is_archive(standing));
        let kin = kin.chain(archived);
        let mut kin: Vec<FlowId> = kin.filter(|flow| !followers.contains(flow) && !excluded(*flow)).collect();
        kin.sort_unstable();
        kin.dedup();
        kin
    }

    /// The flows that follow the file at `path`, wherever the walk stands.
    pub fn followers_at(&self, path: &Path) -> Vec<FlowId> {
        let compressed = name::codec(path).is_some();
        let follows = |flow: &FlowGlobs| {
            if compressed && !flow.compressed {
                return false;
            }
            let mut matching = flow.files.iter().filter(|pattern| pattern.matches_path(path));
            matching.any(|pattern| self.allows(flow, pattern, path))
        };
        let flows = self.flows.iter().enumerate().filter(|(_, flow)| follows(flow));
        flows.map(|(index, _)| FlowId(index as u32)).collect()
    }

    /// Whether a file that one of `patterns` matches is followed by the flow.
    pub fn matched_by(patterns: &[String], path: &Path) -> bool {
        patterns.iter().any(|text| Pattern::parse(text).is_ok_and(|pattern| pattern.matches_path(path)))
    }

    /// What to list of a directory.
    pub fn wanted(self: &Arc<Self>, standings: &[Standing], inos: BTreeSet<u64>) -> Arc<Wanted> {
        Arc::new(Wanted { globs: Arc::clone(self), standings: standings.to_vec(), inos })
    }

    fn admits(&self, standing: &Standing, path: &Path) -> bool {
        self.allows(&self.flows[standing.flow as usize], self.pattern(standing), path)
    }

    fn allows(&self, flow: &FlowGlobs, pattern: &Pattern, path: &Path) -> bool {
        let own = self.own_paths.iter().any(|own| path.starts_with(own));
        let excluded = flow.exclude.iter().any(|exclude| exclude.matches(path));
        !excluded && (!own || pattern.is_literal())
    }

    fn may_enter(&self, kind: Kind) -> bool {
        kind == Kind::Dir || kind == Kind::Link && self.symlinks == Symlinks::All
    }

    fn any_match(&self, standings: &[Standing], name: &OsStr) -> bool {
        standings.iter().any(|standing| self.pattern(standing).matches(&standing.at, name))
    }

    fn any_kin(&self, standings: &[Standing], name: &OsStr) -> bool {
        name::lives(name).iter().any(|live| self.any_match(standings, OsStr::new(live)))
    }

    fn any_descend(&self, standings: &[Standing], name: &OsStr) -> bool {
        standings.iter().any(|standing| !self.pattern(standing).descend(&standing.at, name).is_empty())
    }

    fn pattern(&self, standing: &Standing) -> &Pattern {
        let flow = &self.flows[standing.flow as usize];
        let index = standing.pattern as usize;
        flow.files.get(index).unwrap_or_else(|| &flow.archives[index - flow.files.len()])
    }
}

/// Where a pattern stands in a directory, if its walk leads there.
fn stands_at(pattern: &Pattern, dir: &Path) -> Option<Vec<usize>> {
    let below = dir.strip_prefix(pattern.base()).ok()?;
    let at = below.iter().fold(pattern.start(), |at, name| pattern.descend(&at, name));
    (!at.is_empty()).then_some(at)
}

impl Exclude {
    fn parse(text: &str) -> Result<Self, PatternError> {
        if text.contains('/') {
            Pattern::parse(text).map(Self::Path)
        } else {
            Pattern::parse(&format!("/{text}")).map(Self::Name)
        }
    }

    fn matches(&self, path: &Path) -> bool {
        match self {
            Self::Path(pattern) => pattern.matches_path(path),
            Self::Name(pattern) => {
                path.file_name().is_some_and(|name| pattern.matches(&pattern.start(), name))
            }
        }
    }
}
