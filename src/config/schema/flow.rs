//! The tables of a flow.

use super::process::PROCESS;
use super::{Key, Kind, MAX, Table, agent::ASSUME_ROLE};
use kintail_engine::settings::{KIB, MIB};

const DAY: u64 = 86_400_000;

pub(super) const FLOW: Table = Table {
    header: "[[flow]]",
    keys: &[
        Key::unset(
            "name",
            Kind::Text,
            r#""web""#,
            "Owns the offsets; may be left out while there is one flow, which is then called `default`.",
        ),
        Key::unset(
            "files",
            Kind::Texts,
            r#"["/var/log/nginx/**/*.log"]"#,
            "Which files are followed; needed. `*` and `?` stay within a directory, `**` does not.",
        ),
        Key::new("exclude", Kind::Texts, "[]", "Which of them are not: whole paths, or names without a `/`."),
        Key::new("archives", Kind::Texts, "[]", "Where rotated files go, if not beside the live one."),
        Key::new(
            "compressed",
            Kind::Bool,
            "false",
            "Also ship compressed files (.gz .zst .bz2 .xz) that were never seen before.",
        ),
        Key::new(
            "start_at",
            Kind::Choice(&["beginning", "end"], &[]),
            r#""beginning""#,
            "Where files are begun that exist at the flow's first start: `beginning`, or `end`.",
        ),
        Key::new(
            "close_after",
            Kind::Time(0, DAY),
            r#""10s""#,
            "A rotated file that was read to its end is finished so long after its last write.",
        ),
        Key::new(
            "identity",
            Kind::Choice(&["auto", "inode", "content"], &[]),
            r#""auto""#,
            "How a file is known again: `auto` and `inode` by its inode, `content` by its name and first bytes, where inode \
             numbers are not stable (some FUSE, overlay and network file systems).",
        ),
        Key::unset(
            "ignore_older",
            Kind::Time(1_000, MAX),
            r#""30d""#,
            "Leave files unread that were last written before.",
        ),
        Key::unset(
            "stream",
            Kind::Text,
            r#""clicks""#,
            "Destination: a Kinesis data stream, by name or ARN. A flow has exactly one destination.",
        ),
        Key::unset(
            "delivery_stream",
            Kind::Text,
            r#""clicks-to-s3""#,
            "Destination: a Firehose delivery stream, by name.",
        ),
        Key::unset("topic", Kind::Text, r#""clicks""#, "Destination: a Kafka topic.").later(),
        Key::unset(
            "file",
            Kind::TextOrTable("path", &FILE),
            r#""/srv/all.log""#,
            "Destination: a file on this host, by path or as a table.",
        ),
        Key::unset("stdout", Kind::Bool, "true", "Destination: standard output."),
        Key::unset("region", Kind::Text, r#""eu-west-1""#, "Instead of the one of `[aws]`."),
        Key::unset("endpoint", Kind::Text, r#""http://localhost:4567""#, "Instead of the one of `[aws]`."),
        Key::unset(
            "assume_role",
            Kind::Table(&ASSUME_ROLE),
            "",
            "Instead of the one of `[aws]`; the same keys.",
        ),
        Key::new(
            "partition_key",
            Kind::Text,
            r#""random""#,
            "How a stream's partition keys are made: `random`, `file`, `hash`, `field:NAME` or `const:TEXT`.",
        ),
        Key::new(
            "ordering",
            Kind::Choice(&["none", "strict"], &[]),
            r#""none""#,
            "`strict` delivers each file's lines in their order. To a stream the key is then `file` and lines share \
             records, unless another key or `aggregation = false` is written.",
        ),
        Key::new(
            "aggregation",
            Kind::Bool,
            "false",
            "Pack many lines into a record: of a stream in the format of the Kinesis Producer Library, of a delivery \
             stream one line after the other. See `docs/operating.md` for who can read it.",
        ),
        Key::new(
            "aggregate_bytes",
            Kind::Size(1, 10 * MIB),
            r#""50KiB""#,
            "How large such a record gets, with its key; never over `max_record`.",
        ),
        Key::new(
            "max_record",
            Kind::Size(2 * KIB, 10 * MIB),
            r#""1MiB""#,
            "Largest record with its key, up to 10MiB; raise it with the stream's own limit. Firehose takes 1000KiB at most.",
        ),
        Key::new(
            "pacing",
            Kind::Choice(&["auto", "adaptive", "off"], &[]),
            r#""auto""#,
            "How sending adapts to throttling: `auto`, `adaptive` by the answers alone, or `off`.",
        ),
        Key::unset(
            "max_rate",
            Kind::Table(&MAX_RATE),
            "",
            "Most that is sent a second, whatever the destination takes. Where it is not enough, the flow falls behind.",
        ),
        Key::new(
            "wire",
            Kind::Choice(&["auto", "cbor", "json"], &[]),
            r#""auto""#,
            "How requests to a stream are encoded: `cbor`, `json`, or `auto`: CBOR, unless an endpoint that is not \
             AWS's takes only JSON.",
        ),
        Key::new(
            "newline",
            Kind::Choice(&["keep", "strip"], &[]),
            r#""keep""#,
            "Whether a record keeps the newline of its line: `keep` or `strip`.",
        ),
        Key::new(
            "record_id",
            Kind::Bool,
            "false",
            "Give each record an id, by which a duplicate is recognised.",
        )
        .later(),
        Key::unset("batch", Kind::Table(&BATCH), "", "When a request is sent: at the first of these."),
        Key::unset("retry", Kind::Table(&RETRY), "", "How failed records are tried again."),
        Key::unset("line", Kind::Table(&LINE), "", "What a line is."),
        Key::unset(
            "multiline",
            Kind::Table(&MULTILINE),
            "",
            "Which lines make one record: by `start`, `continue`, `end` or `preset`. See `docs/processing.md`.",
        ),
        Key::unset(
            "process",
            Kind::Tables(&PROCESS),
            "",
            "A step that changes lines; steps are done in order. See `docs/processing.md`.",
        ),
    ],
};

const FILE: Table = Table {
    header: "[flow.file]",
    keys: &[
        Key::unset("path", Kind::Text, r#""/srv/all.log""#, "Where it is written; needed."),
        Key::new("rotate", Kind::Size(KIB, MAX), r#""100MiB""#, "It is rotated at this size."),
        Key::new("keep", Kind::Count(1, 10_000), "5", "So many rotated files are kept."),
    ],
};

const MAX_RATE: Table = Table {
    header: "[flow.max_rate]",
    keys: &[
        Key::unset("bytes", Kind::Size(1, MAX), r#""5MiB""#, "Bytes of records, with their keys."),
        Key::unset("records", Kind::Count(1, MAX), "5000", "Records; lines that share one are one."),
    ],
};

const BATCH: Table = Table {
    header: "[flow.batch]",
    keys: &[
        Key::new("max_records", Kind::Count(1, 10_000), "500", "At so many records; 500 at most to AWS."),
        Key::new(
            "max_bytes",
            Kind::Size(KIB, 8 * MIB),
            r#""1MiB""#,
            "At so many bytes; at most 5MiB to a stream, 3MiB to a delivery stream, 8MiB elsewhere.",
        ),
        Key::new(
            "max_age",
            Kind::Time(0, 3_600_000),
            r#""100ms""#,
            "When its oldest record is so old; by default 1s with `aggregation`, 5s to a delivery stream.",
        ),
    ],
};

const RETRY: Table = Table {
    header: "[flow.retry]",
    keys: &[
        Key::new(
            "initial",
            Kind::Time(1, 3_600_000),
            r#""100ms""#,
            "The longest first wait; each wait is drawn at random.",
        ),
        Key::new("max", Kind::Time(1, 3_600_000), r#""10s""#, "The longest wait."),
        Key::new(
            "give_up",
            Kind::TimeOrNever,
            r#""never""#,
            "A record becomes a dead letter so long after its first failure, or `never`.",
        ),
    ],
};

const LINE: Table = Table {
    header: "[flow.line]",
    keys: &[
        Key::new("max_bytes", Kind::Size(16, MAX), r#""1MiB""#, "The longest line, with its newline."),
        Key::new(
            "oversize",
            Kind::Choice(&["split", "truncate", "drop", "dead_letter"], &[]),
            r#""split""#,
            "What happens to a longer one: `split`, `truncate`, `drop` or `dead_letter`.",
        ),
        Key::new(
            "skip_header",
            Kind::Count(0, u32::MAX as u64),
            "0",
            "So many lines at a file's beginning are not shipped.",
        ),
    ],
};

const MULTILINE: Table = Table {
    header: "[flow.multiline]",
    keys: &[
        Key::unset("start", Kind::Text, r"'^\d{4}-'", "A line that matches begins a record."),
        Key::unset("continue", Kind::Text, r"'^\s'", "A line that matches belongs to the one before."),
        Key::unset("end", Kind::Text, r"';$'", "A line that matches ends a record."),
        Key::unset(
            "preset",
            Kind::Choice(&["java", "python", "go", "ruby"], &[]),
            r#""java""#,
            "Stack traces of `java`, `python`, `go` or `ruby`.",
        ),
        Key::new(
            "max_wait",
            Kind::Time(0, DAY),
            r#""2s""#,
            "A record is complete when its file was not written to for so long.",
        ),
        Key::new("max_lines", Kind::Count(1, 1_000_000), "10000", "Most lines of a record."),
        Key::new(
            "max_bytes",
            Kind::Size(1, MAX),
            r#""1MiB""#,
            "Most bytes of a record, with its newlines; `line.max_bytes` and the destination limit it, too.",
        ),
    ],
};
