//! The tables of a flow's steps.

use super::{Key, Kind, Table};

/// What `parse` takes.
const PARSERS: &[&str] = &[
    "json",
    "csv",
    "logfmt",
    "regex",
    "common_apache",
    "combined_apache",
    "apache_error",
    "nginx",
    "syslog",
    "rfc3339_syslog",
    "rfc5424",
    "docker",
    "cri",
];

pub(super) const PROCESS: Table = Table {
    header: "[[flow.process]]",
    keys: &[
        Key::unset(
            "parse",
            Kind::Choice(PARSERS, &[]),
            r#""combined_apache""#,
            "Make members of the line: `json`, `csv`, `logfmt`, `regex`, `common_apache`, `combined_apache`, `apache_error`, `nginx`, `syslog`, `rfc3339_syslog`, `rfc5424`, `docker` or `cri`.",
        ),
        Key::unset("field", Kind::Text, r#""message""#, "With `parse`: the member to parse, not the line."),
        Key::unset("pattern", Kind::Text, r"'^(?<level>\w+)'", "With `regex`: its named groups are members."),
        Key::unset("columns", Kind::Texts, r#"["a", "b"]"#, "With `csv`: the columns' names."),
        Key::unset(
            "delimiter",
            Kind::Text,
            r#"",""#,
            "With `csv`: the byte between columns; a comma if left out.",
        ),
        Key::unset(
            "header",
            Kind::Bool,
            "true",
            "With `csv`: the file's first line names the columns, and is not shipped.",
        ),
        Key::unset(
            "format",
            Kind::Text,
            r#""combined""#,
            "With `nginx`: `combined`, `error`, or the text of a `log_format`.",
        ),
        Key::unset(
            "types",
            Kind::Any,
            r#"{ response = "integer" }"#,
            "Types of members: `integer`, `number`, `boolean`, `timestamp`, or `{ timestamp = FORMAT, zone = ZONE }`.",
        ),
        Key::new(
            "on_error",
            Kind::Choice(&["pass", "drop", "dead_letter"], &[]),
            r#""pass""#,
            "What happens to a line on which the step fails: `pass`, `drop` or `dead_letter`.",
        ),
        Key::unset(
            "add",
            Kind::Any,
            r#"{ host = "{hostname}" }"#,
            "Add members; texts may hold placeholders.",
        ),
        Key::unset(
            "path",
            Kind::Text,
            r"'^/srv/(?<app>[^/]+)/'",
            "With `add` and `metadata`: named groups of the file's path, for `{path.NAME}`.",
        ),
        Key::unset("rename", Kind::Any, r#"{ a = "b" }"#, "Give members other names."),
        Key::unset("remove", Kind::Texts, r#"["a"]"#, "Remove members."),
        Key::unset("nest", Kind::Any, r#"{ a = ["b"] }"#, "Put members below another."),
        Key::unset("flatten", Kind::Texts, r#"["a"]"#, "Put the members of these members in their place."),
        Key::unset("keep", Kind::Any, r"'regex'", "Drop lines that do not match; or `{ field, pattern }`."),
        Key::unset("drop", Kind::Any, r"'regex'", "Drop lines that match; or `{ field, pattern }`."),
        Key::unset("redact", Kind::Any, r#"{ pattern = '\d{16}', with = "x" }"#, "Replace text."),
        Key::unset(
            "single_line",
            Kind::Any,
            "true",
            "Join the lines of a record by a space, or by this text.",
        ),
        Key::unset(
            "truncate_field",
            Kind::Any,
            r#"{ field = "a", bytes = 100 }"#,
            "Cut a member's text to so many bytes.",
        ),
        Key::unset("sample", Kind::Any, "0.1", "Keep this share of the lines."),
        Key::unset(
            "metadata",
            Kind::Any,
            r#"{ host = "{hostname}" }"#,
            "Put the record under `data`, and these members under `metadata`.",
        ),
        Key::unset(
            "kinesis_agent",
            Kind::Any,
            r#"{ optionName = "SINGLELINE" }"#,
            "An object of the Kinesis Agent's `dataProcessingOptions`; such steps stand alone.",
        ),
        Key::unset(
            "output",
            Kind::Any,
            r#""json""#,
            "What the record becomes: `json`, `original`, or `{ template = TEXT }`.",
        ),
    ],
};
