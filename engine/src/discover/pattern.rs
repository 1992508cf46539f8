//! One glob, component by component, so that a walk looks only into directories that can hold a match.

use globset::{GlobBuilder, GlobMatcher};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// An absolute glob: `*`, `?`, `[a-z]`, `{a,b}` within a component, `**` for any number of directories.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    /// The directory above the first component with a wildcard.
    base: PathBuf,
    /// What follows the base; the last one names files.
    parts: Vec<Part>,
    /// No component has a wildcard.
    literal: bool,
}

#[derive(Clone, Debug)]
enum Part {
    /// `**`
    AnyDepth,
    Glob(GlobMatcher),
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not begin with `/`.
    #[error("the pattern is not an absolute path")]
    Relative,
    /// It names no file.
    #[error("the pattern names no file: it ends with `{0}`")]
    NoFile(String),
    /// `{a/b,c}`
    #[error("a `/` within braces is not supported: write two patterns")]
    SlashInBraces,
    /// globset's words.
    #[error("{0}")]
    Glob(String),
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let path = Path::new(text);
        if !path.is_absolute() {
            return Err(PatternError::Relative);
        }
        if slash_in_braces(text) {
            return Err(PatternError::SlashInBraces);
        }
        let names: Vec<&str> = path
            .components()
            .filter_map(|part| match part {
                Component::Normal(name) => name.to_str(),
                Component::ParentDir => Some(".."),
                _ => None,
            })
            .collect();
        let last = names.last().copied().unwrap_or("/");
        if text.ends_with('/') || last == "**" || last == ".." || names.is_empty() {
            return Err(PatternError::NoFile(last.into()));
        }
        let fixed = names[..names.len() - 1].iter().take_while(|name| !is_wild(name)).count();
        let base = names[..fixed].iter().fold(PathBuf::from("/"), |base, name| base.join(unescape(name)));
        let parts = names[fixed..].iter().map(|name| part(name)).collect::<Result<_, _>>()?;
        let literal = !names.iter().any(|name| is_wild(name));
        Ok(Self { text: text.into(), base, parts, literal })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The directory where a walk begins.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Whether it names one file, without wildcard.
    pub fn is_literal(&self) -> bool {
        self.literal
    }

    /// Where a walk stands in the base directory.
    pub fn start(&self) -> Vec<usize> {
        self.closure(vec![0])
    }

    /// Where it stands in the subdirectory `name`; empty: nothing in there can match.
    pub fn descend(&self, at: &[usize], name: &OsStr) -> Vec<usize> {
        let mut next = Vec::new();
        for &at in at {
            match &self.parts[at] {
                Part::AnyDepth => next.push(at),
                Part::Glob(glob) if at + 1 < self.parts.len() && glob.is_match(name) => next.push(at + 1),
                Part::Glob(_) => {}
            }
        }
        self.closure(next)
    }

    /// Whether a file `name` matches where the walk stands.
    pub fn matches(&self, at: &[usize], name: &OsStr) -> bool {
        let last = self.parts.len() - 1;
        at.contains(&last) && matches!(&self.parts[last], Part::Glob(glob) if glob.is_match(name))
    }

    /// Whether a whole path matches.
    pub fn matches_path(&self, path: &Path) -> bool {
        let Ok(rest) = path.strip_prefix(&self.base) else { return false };
        let mut names: Vec<&OsStr> = rest.iter().collect();
        let Some(file) = names.pop() else { return false };
        let at = names.iter().fold(self.start(), |at, name| self.descend(&at, name));
        self.matches(&at, file)
    }

    /// `**` also stands for no directory at all.
    fn closure(&self, mut at: Vec<usize>) -> Vec<usize> {
        let mut index = 0;
        while index < at.len() {
            if matches!(self.parts[at[index]], Part::AnyDepth) && !at.contains(&(at[index] + 1)) {
                at.push(at[index] + 1);
            }
            index += 1;
        }
        at.sort_unstable();
        at.dedup();
        at
    }
}

fn part(name: &str) -> Result<Part, PatternError> {
    if name == "**" {
        return Ok(Part::AnyDepth);
    }
    let glob = GlobBuilder::new(name).literal_separator(true).backslash_escape(true).build();
    glob.map(|glob| Part::Glob(glob.compile_matcher()))
        .map_err(|error| PatternError::Glob(error.kind().to_string()))
}

fn is_wild(name: &str) -> bool {
    let mut escaped = false;
    name.chars().any(|c| {
        let wild = !escaped && matches!(c, '*' | '?' | '[' | ']' | '{' | '}');
        escaped = c == '\\' && !escaped;
        wild
    })
}

fn unescape(name: &str) -> String {
    let mut escaped = false;
    name.chars()
        .filter(|c| {
            escaped = *c == '\\' && !escaped;
            !escaped
        })
        .collect()
}

fn slash_in_braces(text: &str) -> bool {
    let mut depth = 0u32;
    text.chars().any(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '/' && depth > 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches_path(Path::new(path))
    }

    #[test]
    fn two_stars_stand_for_any_number_of_directories() {
        for path in ["/var/log/a.log", "/var/log/x/a.log", "/var/log/x/y/a.log"] {
            assert!(matches("/var/log/**/*.log", path), "{path}");
        }
        assert!(!matches("/var/log/**/*.log", "/var/log/x/a.txt"));
        assert!(matches("/srv/*/log/**/x/*.log", "/srv/a/log/b/c/x/d.log"));
        assert!(!matches("/srv/*/log/**/x/*.log", "/srv/a/b/log/x/d.log"));
    }

    #[test]
    fn one_star_stays_within_a_component() {
        assert!(matches("/var/*.log", "/var/a.log"));
        assert!(!matches("/var/*.log", "/var/x/a.log"));
        assert!(matches("/var/{a,b}/[0-9].log", "/var/b/7.log"));
        assert!(matches("/var/a\\*.log", "/var/a*.log"));
        assert!(!matches("/var/a\\*.log", "/var/ab.log"));
    }

    #[test]
    fn a_walk_enters_only_directories_that_can_match() {
        let pattern = Pattern::parse("/srv/*/log/*.log").unwrap();
        assert_eq!(pattern.base(), Path::new("/srv"));
        let at = pattern.descend(&pattern.start(), OsStr::new("web"));
        assert!(!at.is_empty());
        assert!(pattern.descend(&at, OsStr::new("tmp")).is_empty());
        assert!(pattern.matches(&pattern.descend(&at, OsStr::new("log")), OsStr::new("a.log")));
    }

    #[test]
    fn a_bad_pattern_says_what_is_wrong() {
        assert_eq!(Pattern::parse("a.log").unwrap_err(), PatternError::Relative);
        assert_eq!(Pattern::parse("/a/**").unwrap_err(), PatternError::NoFile("**".into()));
        assert_eq!(Pattern::parse("/a/").unwrap_err(), PatternError::NoFile("a".into()));
        assert_eq!(Pattern::parse("/{a/b,c}/d").unwrap_err(), PatternError::SlashInBraces);
        assert!(matches!(Pattern::parse("/a/[z"), Err(PatternError::Glob(_))));
        assert!(Pattern::parse("/a/b.log").unwrap().is_literal());
    }
}
