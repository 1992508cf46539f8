//! The tables that hold for the whole agent.

use super::{Key, Kind, MAX, Table, flow::FLOW};

const DAY: u64 = 86_400_000;

/// The whole file.
pub(in crate::config) const ROOT: Table = Table {
    header: "",
    keys: &[
        Key::unset("agent", Kind::Table(&AGENT), "", "What holds for the whole agent."),
        Key::unset(
            "aws",
            Kind::Table(&AWS),
            "",
            "How AWS is reached. Without a region or a profile the SDK looks where the AWS CLI does.",
        ),
        Key::unset(
            "metrics",
            Kind::Table(&METRICS),
            "",
            "An endpoint for Prometheus; off unless the table is present.",
        ),
        Key::unset(
            "cloudwatch",
            Kind::Table(&CLOUDWATCH),
            "",
            "Metrics to CloudWatch; off unless the table is present.",
        )
        .later(),
        Key::unset("kafka", Kind::Table(&KAFKA), "", "How Kafka's brokers are reached.").later(),
        Key::unset(
            "flow",
            Kind::Tables(&FLOW),
            "",
            "A flow: some files, one destination. There may be many.",
        ),
    ],
};

/// A file in `conf.d`.
pub(in crate::config) const CONF_D: Table = Table {
    header: "",
    keys: &[Key::unset(
        "flow",
        Kind::Tables(&FLOW),
        "",
        "A flow: some files, one destination. There may be many.",
    )],
};

const AGENT: Table = Table {
    header: "[agent]",
    keys: &[
        Key::new(
            "state_dir",
            Kind::Text,
            r#""/var/lib/kintail""#,
            "Where offsets, the loss ledger and dead letters are kept.",
        ),
        Key::new(
            "memory",
            Kind::Size(0, MAX),
            r#""64MiB""#,
            "Most bytes held at once: read buffers, half lines, requests. When it is used up, reading stops.",
        ),
        Key::new("shutdown_timeout", Kind::Time(0, DAY), r#""10s""#, "How long a stop waits for answers."),
        Key::new(
            "rescan",
            Kind::Time(100, DAY),
            r#""5s""#,
            "How often directories and active files are looked at, whatever the kernel's notices say.",
        ),
        Key::new(
            "watch",
            Kind::Choice(&["auto", "poll"], &[]),
            r#""auto""#,
            "`auto` uses the kernel's notices where they work; `poll` never does.",
        ),
        Key::new(
            "follow_symlinks",
            Kind::Choice(&["none", "files", "all"], &[]),
            r#""files""#,
            "Which symbolic links are followed: none, those to files, or those to directories too.",
        ),
        Key::new(
            "hold_deleted",
            Kind::SizeOrNever,
            r#""10GiB""#,
            "Most bytes of deleted, unread files held open, while their file system has 5 % free; the oldest given up first; `0B` holds none, `never` never gives one up.",
        ),
        Key::new(
            "forget_after",
            Kind::Time(60_000, MAX),
            r#""7d""#,
            "A file that no longer exists is forgotten so long after it was last seen.",
        ),
        Key::new(
            "dead_letter_max",
            Kind::Size(0, MAX),
            r#""1GiB""#,
            "Most bytes of records kept that a destination refused.",
        ),
        Key::new(
            "status_group",
            Kind::Text,
            r#""""#,
            "A group that may ask for the status, through `status.sock` in the state directory; empty for none.",
        ),
        Key::unset("log", Kind::Table(&LOG), "", "The agent's own log, on standard error."),
    ],
};

const LOG: Table = Table {
    header: "[agent.log]",
    keys: &[
        Key::new(
            "level",
            Kind::Choice(&["error", "warn", "info", "debug", "trace"], &[]),
            r#""info""#,
            "The least important level that is logged: `error`, `warn`, `info`, `debug` or `trace`.",
        ),
        Key::new(
            "format",
            Kind::Choice(&["text", "json"], &[]),
            r#""text""#,
            "`text`, or `json`: one object a line.",
        ),
    ],
};

const AWS: Table = Table {
    header: "[aws]",
    keys: &[
        Key::unset(
            "region",
            Kind::Text,
            r#""eu-west-1""#,
            "The region of streams that are not named by ARN.",
        ),
        Key::unset(
            "profile",
            Kind::Text,
            r#""logs""#,
            "The profile of the shared configuration and credentials files.",
        ),
        Key::unset(
            "endpoints",
            Kind::Table(&ENDPOINTS),
            "",
            "Where services are, if not where the region says.",
        ),
        Key::unset("assume_role", Kind::Table(&ASSUME_ROLE), "", "The role that is assumed before sending."),
        Key::new("fips", Kind::Bool, "false", "Use FIPS endpoints."),
        Key::new("dual_stack", Kind::Bool, "false", "Use endpoints that speak IPv6 too."),
        Key::new(
            "ca_bundle",
            Kind::Text,
            r#""""#,
            "PEM file of the authorities to trust instead of the system's; empty for `AWS_CA_BUNDLE`, or the system's.",
        ),
        Key::new(
            "shared_credentials_file",
            Kind::Text,
            r#""""#,
            "A credentials file instead of `~/.aws/credentials`.",
        ),
    ],
};

const ENDPOINTS: Table = Table {
    header: "[aws.endpoints]",
    keys: &[
        Key::unset("kinesis", Kind::Text, r#""http://localhost:4567""#, "Kinesis Data Streams."),
        Key::unset("firehose", Kind::Text, r#""http://localhost:4573""#, "Firehose."),
        Key::unset("sts", Kind::Text, r#""http://localhost:4592""#, "Where roles are assumed."),
        Key::unset("cloudwatch", Kind::Text, r#""http://localhost:4582""#, "CloudWatch.").later(),
    ],
};

/// A role to assume, in `[aws]` and in a flow. AWS: sessions last 15 minutes to 12 hours (STS `AssumeRole`).
pub(super) const ASSUME_ROLE: Table = Table {
    header: "[aws.assume_role]",
    keys: &[
        Key::unset("arn", Kind::Text, r#""arn:aws:iam::123456789012:role/logs""#, "The role; needed."),
        Key::unset("external_id", Kind::Text, r#""x""#, "What the role's owner asks for."),
        Key::new("session_name", Kind::Text, r#""kintail""#, "What the session is called in AWS's logs."),
        Key::new(
            "duration",
            Kind::Time(15 * 60_000, 12 * 3_600_000),
            r#""1h""#,
            "How long a session's credentials last.",
        ),
    ],
};

const METRICS: Table = Table {
    header: "[metrics]",
    keys: &[
        Key::new(
            "listen",
            Kind::Text,
            r#""127.0.0.1:9464""#,
            "Address and port of `/metrics`, `/healthz` and `/readyz`. Others than this host's may ask only where it says so.",
        ),
        Key::new("per_file", Kind::Bool, "false", "Series for each file too: as many as there are files."),
    ],
};

const CLOUDWATCH: Table = Table {
    header: "[cloudwatch]",
    keys: &[
        Key::new("namespace", Kind::Text, r#""kintail""#, "The namespace."),
        Key::new(
            "names",
            Kind::Choice(&["kintail", "kinesis-agent"], &[]),
            r#""kintail""#,
            "`kintail`, or `kinesis-agent`: the metric names of the Amazon Kinesis Agent.",
        ),
        Key::new("interval", Kind::Time(1_000, DAY), r#""60s""#, "How often they are sent."),
        Key::unset("region", Kind::Text, r#""eu-west-1""#, "Instead of the one of `[aws]`."),
        Key::unset("dimensions", Kind::Any, r#"{ host = "a" }"#, "Dimensions of every metric."),
    ],
};

const KAFKA: Table = Table {
    header: "[kafka]",
    keys: &[
        Key::unset("brokers", Kind::Texts, r#"["b-1.example:9098"]"#, "The brokers to ask first."),
        Key::unset(
            "security",
            Kind::Choice(&["plain", "tls", "scram", "iam"], &[]),
            r#""iam""#,
            "`plain`, `tls`, `scram` or `iam`.",
        ),
        Key::unset("username", Kind::Text, r#""x""#, "With `scram`."),
        Key::unset(
            "password_file",
            Kind::Text,
            r#""/etc/kintail/kafka-password""#,
            "A file that holds the password, with `scram`.",
        ),
        Key::unset("ca", Kind::Text, r#""ca.pem""#, "PEM file of the authorities to trust."),
        Key::unset("cert", Kind::Text, r#""client.pem""#, "PEM file of the client's certificate."),
        Key::unset("key", Kind::Text, r#""client.key""#, "PEM file of the client's key."),
        Key::unset("region", Kind::Text, r#""eu-west-1""#, "With `iam`, instead of the one of `[aws]`."),
        Key::unset("compression", Kind::Text, r#""zstd""#, "How batches are compressed."),
        Key::unset("headers", Kind::Any, r#"{ host = "a" }"#, "Headers of every record."),
    ],
};
