//! What is known of a file against what is in it.

use crate::cli::ExitCode;
use crate::cli::content::{agrees_with, begins_with, end_of_lines};
use crate::io::files::open;
use kintail_engine::settings::Symlinks;
use kintail_engine::shipped::Shipped;
use kintail_engine::state::Identity;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

/// What can be said of a file; the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    /// All of it is acknowledged.
    Shipped,
    /// Some is not, so far.
    NotYet,
    /// No flow knows it.
    Unknown,
    /// Some of it is on the loss ledger.
    Losses,
}

impl Answer {
    pub(super) const fn code(self) -> ExitCode {
        match self {
            Self::Shipped => ExitCode::Success,
            Self::NotYet => ExitCode::Failure,
            Self::Unknown => ExitCode::Unknown,
            Self::Losses => ExitCode::Losses,
        }
    }

    /// For machines.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::NotYet => "not_yet",
            Self::Unknown => "unknown",
            Self::Losses => "losses",
        }
    }

    /// For people.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::NotYet => "not yet",
            other => other.name(),
        }
    }
}

/// The answer for one file.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) answer: Answer,
    /// Where the flows do not say it.
    pub(super) why: Option<String>,
    /// Those that know the file.
    pub(super) flows: Vec<Flow>,
}

/// What is left of a file for a flow, in bytes.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) missing: u64,
    pub(super) lost: u64,
}

/// A file as it was when it was asked about.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) path: &'a Path,
    content: Result<Content, String>,
}

#[derive(Debug)]
struct Content {
    file: File,
    identity: Identity,
    /// Where its last whole line ended.
    end: u64,
}

impl<'a> Asked<'a> {
    /// Opens it.
    pub(super) fn new(path: &'a Path) -> Self {
        Self { path, content: Content::of(path) }
    }

    /// By which it is known, if it is there.
    pub(super) fn identity(&self) -> Option<Identity> {
        self.content.as_ref().ok().map(|content| content.identity)
    }

    /// What can be said of it. `known` may be of other files too.
    pub(super) fn judge(&self, known: &[Shipped]) -> Verdict {
        let judged = match &self.content {
            Ok(content) => content.judge(known).map_err(|error| error.to_string()),
            Err(why) => Err(why.clone()),
        };
        judged.unwrap_or_else(|why| because(Answer::Unknown, why))
    }
}

impl Content {
    fn of(path: &Path) -> Result<Self, String> {
        let (file, meta) = open(path, Symlinks::All).map_err(|error| error.to_string())?;
        let end = end_of_lines(&file, meta.size).map_err(|error| error.to_string())?;
        Ok(Self { file, identity: meta.identity, end })
    }

    fn judge(&self, known: &[Shipped]) -> io::Result<Verdict> {
        let mut flows: BTreeMap<&str, Vec<&Shipped>> = BTreeMap::new();
        for of in known.iter().filter(|of| of.identity == self.identity) {
            flows.entry(&of.flow).or_default().push(of);
        }
        if flows.is_empty() {
            return Ok(because(Answer::Unknown, "no flow has seen it"));
        }
        let mut found = Vec::new();
        for of in flows.into_values() {
            // The agent will read other content from its beginning.
            let Some(of) = self.newest_of_this(of)? else {
                return Ok(because(Answer::NotYet, "its content is not what was shipped"));
            };
            let (missing, lost) = (of.missing(self.end), of.lost(self.end));
            found.push(Flow { name: of.flow.clone(), file: of.file.clone(), missing, lost });
        }
        let answer = match (found.iter().any(|flow| flow.lost > 0), found.iter().any(|flow| flow.missing > 0))
        {
            (true, _) => Answer::Losses,
            (false, true) => Answer::NotYet,
            (false, false) => Answer::Shipped,
        };
        Ok(Verdict { answer, why: None, flows: found })
    }

    /// An inode may have been several files; the one that is left has the content that it is known by.
    fn newest_of_this<'s>(&self, mut known: Vec<&'s Shipped>) -> io::Result<Option<&'s Shipped>> {
        known.sort_by_key(|of| std::cmp::Reverse(of.last_seen));
        let size = self.file.metadata()?.len();
        for of in known {
            let reached = of.acked.last().map_or(0, |span| span.end);
            if reached <= size && begins_with(&self.file, of.head)? && agrees_with(&self.file, of.check)? {
                return Ok(Some(of));
            }
        }
        Ok(None)
    }
}

fn because(answer: Answer, why: impl Into<String>) -> Verdict {
    Verdict { answer, why: Some(why.into()), flows: Vec::new() }
}
