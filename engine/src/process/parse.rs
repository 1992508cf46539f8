//! Parsers: a text to members. Those of a fixed shape are written by hand; tests prove them equal to a regular
//! expression.

pub(super) mod apache;
mod apache_error;
mod cri;
mod csv;
mod docker;
mod json;
mod logfmt;
mod nginx;
mod regex;
mod rfc5424;
mod scan;
mod sink;
mod syslog;
#[cfg(test)]
mod tests;

use super::pattern::Pattern;
pub use csv::Csv;
pub use nginx::{FormatError, LogFormat};
pub(super) use sink::Sink;

/// How a text is parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parser {
    /// A JSON object.
    Json,
    /// Columns.
    Csv(Csv),
    /// `key=value` pairs.
    Logfmt,
    /// The named groups of a pattern.
    Regex(Pattern),
    /// Apache's common log format.
    CommonApache,
    /// Apache's combined log format.
    CombinedApache,
    /// Apache's error log.
    ApacheError,
    /// An nginx `log_format`.
    Nginx(LogFormat),
    /// nginx's error log.
    NginxError,
    /// RFC 3164, as daemons write it to files.
    Syslog,
    /// The same with RFC 3339 time stamps.
    Rfc3339Syslog,
    /// RFC 5424.
    Rfc5424,
    /// Docker's json-file driver.
    Docker,
    /// What the kubelet's runtimes write.
    Cri,
}

impl Parser {
    /// Parses the sink's text.
    pub(super) fn parse<'a>(&'a self, text: &[u8], sink: &mut Sink<'a, '_>) -> Option<()> {
        match self {
            Self::Json => json::parse(text, sink),
            Self::Csv(csv) => csv.parse(text, sink),
            Self::Logfmt => logfmt::parse(text, sink),
            Self::Regex(pattern) => regex::parse(pattern, text, sink),
            Self::CommonApache => apache::common(text).map(|values| sink.dashed(&apache::NAMES, &values)),
            Self::CombinedApache => apache::combined(text).map(|values| sink.dashed(&apache::NAMES, &values)),
            Self::ApacheError => apache_error::parse(text, sink),
            Self::Nginx(format) => format.parse(text, sink),
            Self::NginxError => nginx::error(text, sink),
            Self::Syslog => syslog::rfc3164(text).map(|line| line.put(sink)),
            Self::Rfc3339Syslog => syslog::rfc3339(text).map(|line| line.put(sink)),
            Self::Rfc5424 => rfc5424::parse(text, sink),
            Self::Docker => docker::parse(text, sink),
            Self::Cri => cri::put(text, sink),
        }
    }

    /// What it takes, in words.
    pub(super) fn wants(&self) -> &'static str {
        match self {
            Self::Json => "a JSON object",
            Self::Csv(_) => "a line of CSV",
            Self::Logfmt => "logfmt",
            Self::Regex(_) => "what the pattern matches",
            Self::CommonApache => "a line of Apache's common log format",
            Self::CombinedApache => "a line of Apache's combined log format",
            Self::ApacheError => "a line of Apache's error log",
            Self::Nginx(_) => "a line of the log_format",
            Self::NginxError => "a line of nginx's error log",
            Self::Syslog => "a line of syslog",
            Self::Rfc3339Syslog => "a line of syslog with an RFC 3339 time",
            Self::Rfc5424 => "a line of RFC 5424",
            Self::Docker => "a line of Docker's json-file",
            Self::Cri => "a line of the container runtime interface",
        }
    }
}
