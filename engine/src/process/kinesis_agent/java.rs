//! Patterns of `java.util.regex`, rewritten for the regex crates here: there the classes are of ASCII, a dot and `$`
//! know more ends of lines, and case is ignored in ASCII only.

mod translation;

use fancy_regex::{Regex, RegexBuilder};
use translation::{Use, translate};

/// Most bytes of a compiled pattern.
const SIZE: usize = 4 << 20;

/// Most steps back for one text; Java has no limit, and never ends there.
const STEPS: usize = 1_000_000;

/// A pattern as Java takes it; equal to another of the same text.
#[derive(Clone, Debug)]
pub struct JavaPattern {
    text: String,
    anywhere: Regex,
    whole: Regex,
}

/// Why a pattern cannot be carried over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JavaError {
    /// Nothing here does the same.
    #[error("{0} has no counterpart here")]
    Unknown(String),
    /// It is no pattern.
    #[error("{0}")]
    Syntax(String),
}

/// The text needs too many steps.
#[derive(Debug)]
pub(super) struct TooHard;

impl JavaPattern {
    /// Compiles it.
    pub fn new(text: &str) -> Result<Self, JavaError> {
        let build = |pattern: &str| {
            let regex = RegexBuilder::new(pattern).backtrack_limit(STEPS).delegate_size_limit(SIZE).build();
            regex.map_err(|error| JavaError::Syntax(error.to_string()))
        };
        let anywhere = build(&translate(text, Use::Anywhere)?)?;
        let whole = build(&format!(r"\A(?:{})\z", translate(text, Use::Whole)?))?;
        Ok(Self { text: text.to_owned(), anywhere, whole })
    }

    /// The same at the start of a line, for [`super::super::Pattern`]: what would have to look around is refused.
    pub fn for_line_starts(text: &str) -> Result<String, JavaError> {
        let ours = format!("^(?:{})", translate(text, Use::Line)?);
        match super::super::Pattern::new(&ours) {
            Ok(_) => Ok(ours),
            Err(error) => Err(JavaError::Unknown(format!("{text}: {error}; it"))),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What its groups hold if it matches all of a text.
    pub(super) fn matches<'t>(&self, text: &'t str) -> Result<Option<Vec<Option<&'t str>>>, TooHard> {
        let captures = self.whole.captures(text).map_err(|_| TooHard)?;
        Ok(captures.map(|found| found.iter().skip(1).map(|group| Some(group?.as_str())).collect()))
    }

    /// The pieces of a text between its matches, as `String.split` makes them: none that is empty at the end, nor at
    /// the beginning for a match of nothing.
    pub(super) fn split<'t>(&self, text: &'t str) -> Result<Vec<&'t str>, TooHard> {
        let (mut pieces, mut begin, mut from) = (Vec::new(), 0, 0);
        while let Some(found) = self.anywhere.find_from_pos(text, from).map_err(|_| TooHard)? {
            if (found.start(), found.end()) != (0, 0) {
                pieces.push(&text[begin..found.start()]);
                begin = found.end();
            }
            // A match of nothing may follow another match, but not itself.
            from = found.end();
            if found.start() == found.end() {
                let Some(next) = text[from..].chars().next() else { break };
                from += next.len_utf8();
            }
        }
        if begin == 0 && pieces.is_empty() {
            return Ok(vec![text]);
        }
        pieces.push(&text[begin..]);
        while pieces.last().is_some_and(|piece| piece.is_empty()) {
            pieces.pop();
        }
        Ok(pieces)
    }
}

impl PartialEq for JavaPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for JavaPattern {}

#[cfg(test)]
mod tests;
