//! `dataProcessingOptions` of the Kinesis Agent, byte for byte: each makes a record of a record, its newline included.
//! They stand alone: other steps work on lines without their newlines.

mod formats;
mod java;
mod json;
#[cfg(test)]
mod tests;

pub use formats::LogFormat as AgentFormat;
pub use java::{JavaError, JavaPattern};
pub use json::{Form, Json};

use jiff::Timestamp;
use std::borrow::Cow;

/// One of its options.
#[derive(Clone, Debug, PartialEq)]
pub enum Conversion {
    /// `SINGLELINE`.
    SingleLine {
        /// The white space at the ends of each line goes, if not `NO_TRIM`.
        trim: bool,
        /// Lines are joined by `\\n`, written out, if `ESCAPE_NEW_LINE`.
        escape: bool,
    },
    /// `CSVTOJSON`.
    Csv {
        /// The columns' names.
        fields: Vec<String>,
        /// What is between them.
        delimiter: JavaPattern,
        /// How the object is written.
        form: Form,
    },
    /// `LOGTOJSON`.
    Log {
        /// Whose shape and fields.
        format: AgentFormat,
        /// Instead of the format's.
        pattern: Option<JavaPattern>,
        /// Instead of the format's.
        fields: Option<Vec<String>>,
        /// How the object is written.
        form: Form,
    },
    /// `ADDMETADATA`.
    Metadata {
        /// Whether the time is added.
        timestamp: bool,
        /// What is added.
        metadata: Json,
        /// How the object is written.
        form: Form,
    },
    /// `ADDBRACKETS`.
    Brackets,
}

/// What becomes of a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Converted {
    /// It is this.
    Record(Vec<u8>),
    /// A `LOGTOJSON` dropped it.
    Dropped,
    /// An option failed: it is sent as it was read.
    Failed,
}

/// Takes a record through a chain of options; `now` in nanoseconds since the epoch.
pub(crate) fn convert<'c>(chain: impl Iterator<Item = &'c Conversion>, record: &[u8], now: i64) -> Converted {
    let mut record = Cow::Borrowed(record);
    for conversion in chain {
        match conversion.apply(&record, now) {
            Converted::Record(made) => record = Cow::Owned(made),
            other => return other,
        }
    }
    Converted::Record(record.into_owned())
}

impl Conversion {
    /// The keys that mean something in an option.
    pub const KEYS: [&str; 9] = [
        "optionName",
        "parseOptions",
        "customFieldNames",
        "delimiter",
        "logFormat",
        "matchPattern",
        "metadata",
        "timestamp",
        "jsonFormat",
    ];

    fn apply(&self, record: &[u8], now: i64) -> Converted {
        let text = || decoded(record);
        match self {
            Self::SingleLine { trim, escape } => Converted::Record(single_line(&text(), *trim, *escape)),
            Self::Csv { fields, delimiter, form } => csv(line(&text()), fields, delimiter, *form),
            Self::Log { format, pattern, fields, form } => {
                let pattern = pattern.as_ref().unwrap_or_else(|| format.pattern());
                let (text, dashes) = (text(), format.dashes_are_null());
                match fields {
                    Some(fields) => log(line(&text), fields, pattern, dashes, *form),
                    None => log(line(&text), format.fields(), pattern, dashes, *form),
                }
            }
            Self::Metadata { timestamp, metadata, form } => {
                let time = timestamp.then(|| ("ts".to_owned(), Json::Text(time(now))));
                let rest = [
                    ("metadata".to_owned(), metadata.clone()),
                    ("data".to_owned(), Json::Text(line(&text()).to_owned())),
                ];
                Converted::Record(Json::object(time.into_iter().chain(rest)).line(*form))
            }
            Self::Brackets => Converted::Record([b"{", record, b"}"].concat()),
        }
    }
}

/// A record's text without one final newline.
fn line(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

fn single_line(text: &str, trim: bool, escape: bool) -> Vec<u8> {
    // Java's split leaves out what is empty at the end.
    let lines = text.trim_end_matches('\n').split('\n');
    let trimmed = |line| if trim { str::trim_matches(line, |letter| letter <= ' ') } else { line };
    let mut joined = lines.map(trimmed).collect::<Vec<_>>().join(if escape { "\\\\n" } else { "" });
    joined.push('\n');
    joined.into_bytes()
}

fn csv(text: &str, fields: &[String], delimiter: &JavaPattern, form: Form) -> Converted {
    let Ok(columns) = delimiter.split(text) else { return Converted::Failed };
    let value =
        |number: usize| columns.get(number).map_or(Json::Null, |column| Json::Text((*column).to_owned()));
    let members = fields.iter().enumerate().map(|(number, name)| (name.clone(), value(number)));
    Converted::Record(Json::object(members).line(form))
}

fn log(text: &str, names: &[impl ToString], pattern: &JavaPattern, dashes: bool, form: Form) -> Converted {
    let values = match pattern.matches(text) {
        Ok(Some(values)) if values.len() == names.len() => values,
        Ok(_) => return Converted::Dropped,
        Err(java::TooHard) => return Converted::Failed,
    };
    let json = |value: Option<&str>| {
        let told = value.filter(|text| !(dashes && *text == "-"));
        told.map_or(Json::Null, |text| Json::Text(text.to_owned()))
    };
    let members = names.iter().map(ToString::to_string).zip(values.into_iter().map(json));
    Converted::Record(Json::object(members).line(form))
}

/// A time as the agent writes it, with milliseconds and a Z.
fn time(now: i64) -> String {
    let at = Timestamp::from_nanosecond(i128::from(now)).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// A record's text, decoded as Java does: that a half of a surrogate pair is one replacement is all that differs.
fn decoded(record: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(record) {
        return Cow::Borrowed(text);
    }
    let mut halves = record.to_vec();
    let mut at = 0;
    while let Some(found) = memchr::memchr(0xED, &halves[at..]) {
        at += found;
        if let [_, 0xA0..=0xBF, 0x80..=0xBF, ..] = halves[at..] {
            halves[at..at + 3].copy_from_slice("\u{FFFD}".as_bytes());
        }
        at += 1;
    }
    Cow::Owned(String::from_utf8_lossy(&halves).into_owned())
}
