//! `${NAME}` and `${NAME:-default}` in strings.

use std::ffi::OsString;

/// Where variables are looked up.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Why a string cannot be expanded. No error holds a variable's value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EnvError {
    /// Not set, and no default given.
    #[error("the environment variable `{0}` is not set")]
    Unset(String),
    /// Set, but not text.
    #[error("the environment variable `{0}` is not UTF-8")]
    NotText(String),
    /// `${` without `}`.
    #[error("`${{` without its `}}`")]
    Open,
    /// Something else between `${` and `}`.
    #[error("neither `${{NAME}}` nor `${{NAME:-default}}`")]
    Form,
}

/// Replaces variables; `$${` is a literal `${`. As in the shell, `:-` also stands in for an empty variable.
pub(super) fn expand(text: &str, lookup: Lookup<'_>) -> Result<String, EnvError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let (inner, after) = rest[at + 2..].split_once('}').ok_or(EnvError::Open)?;
        out.push_str(&value(inner, lookup)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn value(inner: &str, lookup: Lookup<'_>) -> Result<String, EnvError> {
    let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    let default = match rest {
        "" => None,
        _ => Some(rest.strip_prefix(":-").ok_or(EnvError::Form)?),
    };
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(EnvError::Form);
    }
    let set = lookup(name)
        .map(|value| value.into_string().map_err(|_| EnvError::NotText(name.to_owned())))
        .transpose()?;
    match (set, default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(EnvError::Unset(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<OsString> {
        match name {
            "HOME" => Some("/root".into()),
            "EMPTY" => Some(OsString::new()),
            "TRICKY" => Some("${HOME}".into()),
            _ => None,
        }
    }

    fn expanded(text: &str) -> Result<String, EnvError> {
        expand(text, &lookup)
    }

    #[test]
    fn variables_and_defaults_are_filled_in() {
        assert_eq!(expanded("${HOME}/x").as_deref(), Ok("/root/x"));
        assert_eq!(expanded("a${NO:-b}c").as_deref(), Ok("abc"));
        assert_eq!(expanded("${NO:-}").as_deref(), Ok(""));
        assert_eq!(expanded("${EMPTY:-x}${EMPTY}").as_deref(), Ok("x"));
        assert_eq!(expanded("$HOME $1 $").as_deref(), Ok("$HOME $1 $"));
    }

    #[test]
    fn a_doubled_dollar_is_a_literal() {
        assert_eq!(expanded("$${HOME}").as_deref(), Ok("${HOME}"));
        assert_eq!(expanded("$${").as_deref(), Ok("${"));
    }

    #[test]
    fn a_value_is_not_expanded_again() {
        assert_eq!(expanded("${TRICKY}").as_deref(), Ok("${HOME}"));
    }

    #[test]
    fn anything_else_after_the_brace_is_an_error() {
        assert_eq!(expanded("${NO}"), Err(EnvError::Unset("NO".into())));
        assert_eq!(expanded("${HOME"), Err(EnvError::Open));
        for text in ["${}", "${1X}", "${HOME:?x}", "${HOME-x}", "${a b}", "${é}", "${:-x}"] {
            assert_eq!(expanded(text), Err(EnvError::Form), "{text}");
        }
    }
}
