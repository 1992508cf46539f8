//! Stack traces as languages write them. What a line is depends on those before it: an exception may follow a line of the
//! log, to which it belongs, but not another trace.

use regex::bytes::Regex;
use std::sync::LazyLock;

/// A language whose stack traces are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Java and other languages of its machine: `Caused by:`, `Suppressed:`, `... 12 more`.
    Java,
    /// Python, with chained exceptions.
    Python,
    /// Go's panics and fatal errors, with their goroutines.
    Go,
    /// Ruby.
    Ruby,
}

/// Where in a record a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// A line of the log, and lines that are indented below it.
    #[default]
    Log,
    /// The line that names the error.
    Error,
    /// The calls that led to it.
    Calls,
    /// An empty line after the error, or what tells that another one follows.
    Between,
}

/// A Java exception's name, qualified, then nothing or its message.
static JAVA_ERROR: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?:Exception in thread .* )?(?:[\w$]+\.)+[\w$]*(?:Exception|Error|Throwable|Failure)[\w$]*(?::|\s*$)",
    )
});

/// `... 12 more` below a cause, and what Kotlin and Spring make of it.
static JAVA_MORE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^(?:Caused by: |Suppressed: |Wrapped by: |\.\.\. \d+ )"));

/// A function of a goroutine, or what stands among them.
static GO_CALL: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?:goroutine \d+ |created by |exit status \d|\[signal |\[originating from |runtime stack:|[\w./*()\-·\[\]{}%,]+\(.*\)$)",
    )
});

/// What begins Go's own report.
static GO_ERROR: LazyLock<Regex> = LazyLock::new(|| regex(r"^(?:panic: |fatal error: |runtime: )"));

/// A place in a Ruby program, as a trace names it.
static RUBY_CALL: LazyLock<Regex> = LazyLock::new(|| regex(r"^(?:from )?\S+:\d+:in [`']"));

/// A place in a Ruby program, with the error that was raised there.
static RUBY_ERROR: LazyLock<Regex> = LazyLock::new(|| regex(r"^\S+:\d+:in [`'].*\([A-Z][\w:]*\)$"));

fn regex(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
}

impl Language {
    /// Where a record's first line is.
    pub(crate) fn first(self, line: &[u8]) -> State {
        let error = match self {
            Self::Java => JAVA_ERROR.is_match(line),
            Self::Python => false,
            Self::Go => GO_ERROR.is_match(line),
            Self::Ruby => RUBY_ERROR.is_match(line),
        };
        let calls =
            self == Self::Python && is_traceback(line) || self == Self::Go && line.starts_with(b"goroutine ");
        match (error, calls) {
            (true, _) => State::Error,
            (false, true) => State::Calls,
            (false, false) => State::Log,
        }
    }

    /// Where the next line of the record is; `None`: it is none of its lines.
    pub(crate) fn next(self, state: State, line: &[u8]) -> Option<State> {
        match self {
            Self::Java => java(state, line),
            Self::Python => python(state, line),
            Self::Go => go(state, line),
            Self::Ruby => ruby(state, line),
        }
    }
}

fn java(state: State, line: &[u8]) -> Option<State> {
    if JAVA_MORE.is_match(line) || is_indented(line) && state != State::Log {
        return Some(State::Calls);
    }
    match state {
        State::Log if is_indented(line) => {
            Some(if trimmed(line).starts_with(b"at ") { State::Calls } else { state })
        }
        State::Log if JAVA_ERROR.is_match(line) => Some(State::Error),
        _ => None,
    }
}

fn python(state: State, line: &[u8]) -> Option<State> {
    let linked = |line: &[u8]| {
        line.starts_with(b"During handling of the above exception")
            || line.starts_with(b"The above exception was the direct cause")
    };
    match state {
        State::Log | State::Between if is_traceback(line) => Some(State::Calls),
        State::Between if line.is_empty() || linked(line) => Some(State::Between),
        State::Error if line.is_empty() => Some(State::Between),
        State::Log | State::Calls | State::Error if is_indented(line) => Some(state),
        // The line after the calls names the error.
        State::Calls if !line.is_empty() => Some(State::Error),
        _ => None,
    }
}

fn is_traceback(line: &[u8]) -> bool {
    trimmed(line).starts_with(b"Traceback (most recent call last)")
        || trimmed(line).starts_with(b"+ Exception Group Traceback")
}

fn go(state: State, line: &[u8]) -> Option<State> {
    match state {
        State::Log if is_indented(line) => Some(State::Log),
        State::Log if line.starts_with(b"goroutine ") => Some(State::Calls),
        State::Log => None,
        _ if line.is_empty() || is_indented(line) || GO_CALL.is_match(line) => Some(State::Calls),
        // A panic while another one was on its way.
        State::Error if GO_ERROR.is_match(line) => Some(State::Error),
        _ => None,
    }
}

fn ruby(state: State, line: &[u8]) -> Option<State> {
    if RUBY_ERROR.is_match(line) {
        return None;
    }
    (is_indented(line) || RUBY_CALL.is_match(line)).then_some(match state {
        State::Log => State::Log,
        _ => State::Calls,
    })
}

fn is_indented(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_start()
}
