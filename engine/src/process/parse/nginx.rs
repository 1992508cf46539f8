//! nginx: access logs by their `log_format`, and the error log.

use super::Sink;
use super::scan::Scan;
use crate::process::record::{Part, Value};

/// The format that nginx calls `combined`.
const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \
                            \"$http_referer\" \"$http_user_agent\"";

/// A `log_format`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFormat {
    /// As it was written.
    text: String,
    /// What is before the first variable.
    start: Vec<u8>,
    /// The variables, each with what is between it and the next.
    variables: Vec<(String, Vec<u8>)>,
}

/// Why a text is no `log_format` that can be read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// There is nothing to find.
    #[error("no variable")]
    Empty,
    /// Where one ends and the next begins nobody could tell.
    #[error("two variables with nothing between them")]
    Adjacent,
    /// `$` without a name.
    #[error("a $ without a name")]
    Name,
}

impl LogFormat {
    /// Reads it; `combined` is known by its name.
    pub fn new(text: &str) -> Result<Self, FormatError> {
        let source = if text == "combined" { COMBINED } else { text };
        let (start, mut rest) = source.split_once('$').ok_or(FormatError::Empty)?;
        let mut variables: Vec<(String, Vec<u8>)> = Vec::new();
        loop {
            let (name, after) = variable(rest)?;
            if variables.last().is_some_and(|(_, between)| between.is_empty()) {
                return Err(FormatError::Adjacent);
            }
            let (between, next) = match after.split_once('$') {
                Some((between, next)) => (between, Some(next)),
                None => (after, None),
            };
            variables.push((name.to_owned(), between.as_bytes().to_vec()));
            match next {
                Some(next) => rest = next,
                None => break,
            }
        }
        Ok(Self { text: text.to_owned(), start: start.as_bytes().to_vec(), variables })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Each variable is a member and ends where the text after it first occurs; `-` and nothing are null.
    pub(super) fn parse<'a>(&'a self, line: &[u8], sink: &mut Sink<'a, '_>) -> Option<()> {
        let mut rest = line.strip_prefix(&self.start[..])?;
        let last = self.variables.len() - 1;
        for (at, (name, between)) in self.variables.iter().enumerate() {
            let end = match &between[..] {
                [] => rest.len(),
                between if at == last => rest.len() - between.len().min(rest.len()),
                [byte] => memchr::memchr(*byte, rest)?,
                between => memchr::memmem::find(rest, between)?,
            };
            let value = &rest[..end];
            rest = rest[end..].strip_prefix(&between[..])?;
            let value = if matches!(value, b"-" | b"") { Value::Null } else { Value::Text(sink.part(value)) };
            sink.push(Part::from(name.as_str()), value);
        }
        Some(())
    }
}

/// The name at the start, in braces or not, and what follows it.
fn variable(text: &str) -> Result<(&str, &str), FormatError> {
    if let Some(braced) = text.strip_prefix('{') {
        return braced.split_once('}').filter(|(name, _)| !name.is_empty()).ok_or(FormatError::Name);
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    if end == 0 { Err(FormatError::Name) } else { Ok(text.split_at(end)) }
}

/// What the error log may say after its message, in this order.
const TAIL: [(&str, &str); 6] = [
    ("client", ", client: "),
    ("server", ", server: "),
    ("request", ", request: "),
    ("upstream", ", upstream: "),
    ("host", ", host: "),
    ("referrer", ", referrer: "),
];

/// Parses `2023/01/02 03:04:05 [error] 12#34: *56 message, client: …, server: …, request: "…", host: "…"`.
pub(super) fn error(line: &[u8], sink: &mut Sink<'_, '_>) -> Option<()> {
    let mut scan = Scan(line);
    let time = scan.shape(b"9999/99/99 99:99:99")?;
    scan.byte(b' ')?;
    scan.byte(b'[')?;
    let severity = scan.some_until(b']')?;
    scan.byte(b' ')?;
    let pid = scan.some(|byte| byte.is_ascii_digit())?;
    scan.byte(b'#')?;
    let tid = scan.some(|byte| byte.is_ascii_digit())?;
    scan.byte(b':')?;
    scan.byte(b' ')?;
    let mut cid = None;
    if scan.byte(b'*').is_some() {
        cid = Some(scan.some(|byte| byte.is_ascii_digit())?);
        scan.byte(b' ')?;
    }
    sink.text("timestamp", time);
    sink.text("severity", severity);
    sink.text("pid", pid);
    sink.text("tid", tid);
    sink.option("cid", cid);
    let found = tail(scan.0);
    let end = found.first().map_or(scan.0.len(), |(_, start, _)| *start);
    sink.text("message", &scan.0[..end]);
    for (name, _, value) in found {
        sink.text(name, value);
    }
    Some(())
}

/// The known pairs at the end: name, where it starts, value without its quotes. The message may hold what looks like
/// one: the last place of each counts.
fn tail(text: &[u8]) -> Vec<(&'static str, usize, &[u8])> {
    let mut end = text.len();
    let mut found = Vec::new();
    for (name, mark) in TAIL.iter().rev() {
        if let Some(at) = memchr::memmem::rfind(&text[..end], mark.as_bytes()) {
            let value = &text[at + mark.len()..end];
            let inner = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
            found.push((*name, at, inner.unwrap_or(value)));
            end = at;
        }
    }
    found.reverse();
    found
}
