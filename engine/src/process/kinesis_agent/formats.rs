//! The log formats that the Kinesis Agent knows by name, as Java patterns of our own with the same shapes.

use super::JavaPattern;
use std::sync::LazyLock;

/// A log format of `LOGTOJSON`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `COMMONAPACHELOG`.
    CommonApache,
    /// `COMBINEDAPACHELOG`.
    CombinedApache,
    /// `APACHEERRORLOG`.
    ApacheError,
    /// `SYSLOG`.
    Syslog,
    /// `RFC3339SYSLOG`.
    Rfc3339Syslog,
}

const HOST: &str = r"[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?";
const APACHE: [&str; 9] =
    ["host", "ident", "authuser", "datetime", "request", "response", "bytes", "referer", "agent"];
const ERROR: [&str; 7] = ["timestamp", "module", "severity", "processid", "threadid", "client", "message"];
const SYSLOG: [&str; 5] = ["timestamp", "hostname", "program", "processid", "message"];

static COMMON: LazyLock<JavaPattern> = LazyLock::new(|| known(&format!("{}.*", common())));
static COMBINED: LazyLock<JavaPattern> =
    LazyLock::new(|| known(&format!(r#"{} "([^"]+)" "([^"]+)".*"#, common())));
static APACHE_ERROR: LazyLock<JavaPattern> = LazyLock::new(|| {
    known(&format!(
        r"\[([A-Za-z]{{3}} [A-Za-z]{{3}} \d{{1,2}} \d{{2}}:\d{{2}}:\d{{2}}(?:\.\d+)? \d{{4}})\] \[(?:([\w.-]+):)?(\w+)\] \[pid (\d+)(?::tid (\d+))?\] \[client ({HOST}(?::\d+)?)\] (.*)"
    ))
});
static RFC3164: LazyLock<JavaPattern> =
    LazyLock::new(|| syslog(r"[A-Za-z]{3} {1,2}\d{1,2} \d{2}:\d{2}:\d{2}"));
static RFC3339: LazyLock<JavaPattern> =
    LazyLock::new(|| syslog(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})"));

fn common() -> String {
    let user = "[A-Za-z0-9._-]+";
    format!(
        r#"({HOST}) ({user}) ({user}) \[(\d{{2}}/[A-Za-z]{{3}}/\d{{4}}:\d{{2}}:\d{{2}}:\d{{2}} [+-]\d{{4}})\] "([^"]+)" (\d+|-) (\d+|-)"#
    )
}

fn syslog(time: &str) -> JavaPattern {
    known(&format!(r"({time}) (?:<[0-9.]+> )?({HOST}) ([\w._/%-]+)(?:\[(\d+)\])?: (.*)"))
}

fn known(pattern: &str) -> JavaPattern {
    JavaPattern::new(pattern).unwrap_or_else(|error| unreachable!("{pattern}: {error}"))
}

impl LogFormat {
    /// By the name that `logFormat` gives it.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "COMMONAPACHELOG" => Self::CommonApache,
            "COMBINEDAPACHELOG" => Self::CombinedApache,
            "APACHEERRORLOG" => Self::ApacheError,
            "SYSLOG" => Self::Syslog,
            "RFC3339SYSLOG" => Self::Rfc3339Syslog,
            _ => return None,
        })
    }

    /// The names of its fields.
    pub(super) fn fields(self) -> &'static [&'static str] {
        match self {
            Self::CommonApache => &APACHE[..7],
            Self::CombinedApache => &APACHE,
            Self::ApacheError => &ERROR,
            Self::Syslog | Self::Rfc3339Syslog => &SYSLOG,
        }
    }

    pub(super) fn pattern(self) -> &'static JavaPattern {
        match self {
            Self::CommonApache => &COMMON,
            Self::CombinedApache => &COMBINED,
            Self::ApacheError => &APACHE_ERROR,
            Self::Syslog => &RFC3164,
            Self::Rfc3339Syslog => &RFC3339,
        }
    }

    /// Whether a dash stands for nothing.
    pub(super) fn dashes_are_null(self) -> bool {
        !matches!(self, Self::Syslog | Self::Rfc3339Syslog)
    }
}
