//! Every key of the configuration with its kind, its default and a line of explanation: the one table from which
//! files are checked, defaults are filled in, and the reference is written.

mod agent;
mod flow;
mod process;

pub(super) use agent::{CONF_D, ROOT};

/// A table of keys.
#[derive(Debug)]
pub(super) struct Table {
    /// Its header, such as `[agent.log]`; empty for a whole file.
    pub(super) header: &'static str,
    /// In the order of the reference.
    pub(super) keys: &'static [Key],
}

/// A key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) default: Default,
    /// One line for the reference.
    pub(super) doc: &'static str,
    /// The feature does not exist yet: anything but the default is refused.
    pub(super) later: bool,
}

/// What holds when a key is not written. Both are TOML, as one would write them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Default {
    /// This value.
    Is(&'static str),
    /// Nothing, or what the doc says; this is an example, empty for tables.
    None(&'static str),
}

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Any string.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number within these bounds.
    Count(u64, u64),
    /// A size with its unit within these bounds, in bytes.
    Size(u64, u64),
    /// A size, or `"never"`.
    SizeOrNever,
    /// A duration with its unit within these bounds, in milliseconds.
    Time(u64, u64),
    /// A duration, or `"never"`.
    TimeOrNever,
    /// One of the words; those of the second list are for a later version.
    Choice(&'static [&'static str], &'static [&'static str]),
    /// A list of strings.
    Texts,
    /// A table.
    Table(&'static Table),
    /// A string that stands for the table with this key alone, or the table.
    TextOrTable(&'static str, &'static Table),
    /// A list of tables.
    Tables(&'static Table),
    /// Anything: its feature says what.
    Any,
}

/// No bound.
const MAX: u64 = u64::MAX;

impl Table {
    /// The key of this name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The known name that `name` was probably meant to be.
    pub(super) fn nearest(&self, name: &str) -> Option<&'static str> {
        nearest(name, self.keys.iter().map(|key| key.name))
    }
}

/// The word that `name` was probably meant to be.
pub(super) fn nearest(name: &str, words: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    // Long names are no typing mistakes, and the distance takes quadratic time.
    if name.len() > 64 {
        return None;
    }
    let best = words.map(|word| (strsim::damerau_levenshtein(name, word), word)).min()?;
    (best.0 <= 1 + best.1.len() / 4).then_some(best.1)
}

/// The header under which a key of this name is at home.
pub(super) fn home_of(name: &str) -> Option<&'static str> {
    fn search(table: &Table, name: &str) -> Option<&'static str> {
        if !table.header.is_empty() && table.key(name).is_some() {
            return Some(table.header);
        }
        table.keys.iter().find_map(|key| match key.kind {
            Kind::Tables(inner) | Kind::Table(inner) | Kind::TextOrTable(_, inner) => search(inner, name),
            _ => None,
        })
    }
    search(&ROOT, name)
}

impl Key {
    const fn new(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Self {
        Self { name, kind, default: Default::Is(default), doc, later: false }
    }

    /// Without a default; with an example for the reference.
    const fn unset(name: &'static str, kind: Kind, example: &'static str, doc: &'static str) -> Self {
        Self { name, kind, default: Default::None(example), doc, later: false }
    }

    /// The default, if there is one.
    pub(super) fn default_text(&self) -> Option<&'static str> {
        match self.default {
            Default::Is(text) => Some(text),
            Default::None(_) => None,
        }
    }

    /// A value as one might write it; empty for tables.
    pub(super) fn sample(&self) -> &'static str {
        match self.default {
            Default::Is(text) | Default::None(text) => text,
        }
    }

    /// Its feature does not exist yet.
    const fn later(mut self) -> Self {
        self.later = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_recognised_and_others_are_not() {
        let words = || ["partition_key", "name", "files"].into_iter();
        assert_eq!(nearest("partition_kye", words()), Some("partition_key"));
        assert_eq!(nearest("file", words()), Some("files"));
        assert_eq!(nearest("colour", words()), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), words()), None);
    }
}
