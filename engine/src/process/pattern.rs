//! Regular expressions over bytes, of bounded size.

use regex::bytes::{Regex, RegexBuilder};

/// Most bytes of a compiled pattern: a bad one must not take the memory that the rest needs.
const SIZE: usize = 1 << 20;

/// A compiled regular expression; equal to another of the same text.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

/// Why a pattern is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is no regular expression; in the words of the `regex` crate.
    #[error("{0}")]
    Syntax(String),
    /// Compiled it is too large.
    #[error("compiled it takes more than 1 MiB")]
    Size,
}

impl Pattern {
    /// Compiles it.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let regex = RegexBuilder::new(text).size_limit(SIZE).build();
        regex.map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => PatternError::Size,
            // Its last line says what is wrong; those before draw it over lines of their own.
            other => PatternError::Syntax(last_line(&other.to_string())),
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The names of its groups.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.capture_names().flatten()
    }

    /// Whether it is found in these bytes.
    pub(crate) fn is_match(&self, bytes: &[u8]) -> bool {
        self.0.is_match(bytes)
    }

    pub(super) fn regex(&self) -> &Regex {
        &self.0
    }
}

fn last_line(text: &str) -> String {
    let line = text.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_pattern_is_told_in_a_line_and_a_huge_one_is_refused() {
        assert_eq!(Pattern::new("a(b").map_err(|error| error.to_string()), Err("unclosed group".into()));
        assert_eq!(Pattern::new(r"(\w{1000}){1000}"), Err(PatternError::Size));
        assert_eq!(Pattern::new("a"), Pattern::new("a"));
    }
}
