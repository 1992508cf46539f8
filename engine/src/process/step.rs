//! The steps as the settings hold them: resolved, nothing left to parse.

use super::kinesis_agent::Conversion;
use super::parse::Parser;
use super::pattern::Pattern;
use super::template::Template;
use jiff::tz::TimeZone;

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it does.
    pub action: Action,
    /// What becomes of a line on which it fails.
    pub on_error: OnError,
}

/// What becomes of a line on which a step fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// It is shipped as it was read; what `redact` takes out is taken out.
    Pass,
    /// It goes to the ledger.
    Drop,
    /// It goes to the dead letters.
    DeadLetter,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Makes members of the line, or of one member's text, whose place they take.
    Parse {
        /// How.
        parser: Parser,
        /// Which member; `None`: the line.
        field: Option<String>,
    },
    /// Gives members types.
    Types(Vec<(String, Type)>),
    /// Adds members, or replaces them.
    Add(Members),
    /// Renames members: from, to.
    Rename(Vec<(String, String)>),
    /// Removes members.
    Remove(Vec<String>),
    /// Puts members below another: its name, theirs.
    Nest(Vec<(String, Vec<String>)>),
    /// Puts the members of these members in their place.
    Flatten(Vec<String>),
    /// Drops lines that do not match.
    Keep(Filter),
    /// Drops lines that match.
    Drop(Filter),
    /// Replaces text, in the line and in all members.
    Redact {
        /// What is replaced.
        pattern: Pattern,
        /// By what, as it is.
        with: String,
    },
    /// Joins the lines of a record by this text, each without the white space at its ends.
    SingleLine(String),
    /// Cuts a member's text.
    TruncateField {
        /// The member.
        field: String,
        /// To at most so many bytes, at the end of a character.
        bytes: u64,
    },
    /// Keeps this share of the lines; of the same line at the same offset always the same.
    Sample(f64),
    /// Puts the record under `data`, and these members under `metadata`.
    Metadata(Members),
    /// What the record becomes.
    Output(Output),
    /// What an option of the Kinesis Agent makes of it. A flow has such steps only, or none.
    KinesisAgent(Conversion),
}

/// Members to add, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Members {
    /// Names and values.
    pub members: Vec<(String, Content)>,
    /// Its named groups, found in the file's path, are `{path.NAME}`.
    pub path: Option<Pattern>,
}

/// A value to add.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A text; one placeholder alone that stands for nothing is null.
    Text(Template),
    /// A JSON value: a number, true, false, a list.
    Json(String),
    /// Members.
    Table(Vec<(String, Content)>),
}

/// A member's type.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A time, written as RFC 3339 in UTC.
    Timestamp(Time),
}

/// How a time is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Time {
    /// As for `strptime`; `None`: in one of the ways of the formats that are known.
    pub format: Option<String>,
    /// Where the clock hangs, if the text does not say.
    pub zone: TimeZone,
    /// Its name.
    pub zone_name: String,
}

/// What lines are matched by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// A member; `None`: the line.
    pub field: Option<String>,
    /// What it has to match.
    pub pattern: Pattern,
}

/// What the record becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Its members as JSON; of a line that is not parsed, `message`.
    Json,
    /// The line, as steps on text made it.
    Original,
    /// This text.
    Template(Template),
}

/// A zone by its name in the time zone database, which is part of the program; `None` if there is none.
pub fn zone(name: &str) -> Option<TimeZone> {
    jiff::tz::TimeZoneDatabase::bundled().get(name).ok()
}

/// Whether times can be written, and read, by this format.
pub fn is_time_format(format: &str) -> bool {
    let utc = jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(TimeZone::UTC);
    let written = jiff::fmt::strtime::format(format, &utc);
    written.is_ok_and(|text| jiff::fmt::strtime::parse(format, text).is_ok())
}
