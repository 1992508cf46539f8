//! `agent.json` as TOML, with a comment at each thing that changes.

use super::OldFlow;
use super::agent_json::Object;
use crate::cli::agent::Error;
use crate::config::show::{inline, literal};
use kintail_engine::process::{Conversion, JavaPattern, Json};
use serde_json::{Value, json};
use std::fmt::{Display, Write as _};

/// What is written, and what the user is told besides.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) text: String,
    pub(super) told: Vec<String>,
    /// `aws_access_key_id` and `aws_secret_access_key`.
    pub(super) keys: Option<(String, String)>,
}

/// Keys for which there is nothing here, and what to do instead.
const NO_COUNTERPART: [(&[&str], &str); 5] = [
    (
        &["userDefinedCredentialsProvider.classname", "userDefinedCredentialsProvider.location"],
        "a Java class cannot be run: use a profile with credential_process",
    ),
    (
        &["cloudwatch.endpoint", "cloudwatch.namespace", "cloudwatch.tagInstance"],
        "metrics to CloudWatch are not in this version; see [metrics] for Prometheus",
    ),
    (&["log.emitMetrics", "log.emitInternalMetrics"], "kintail status --json has these figures"),
    (
        &["maxSendingThreads", "maxSendingThreadsPerCore", "maxConnections"],
        "kintail sends as many requests at once as the endpoint's answers need, within [agent] memory",
    ),
    (&["userAgent", "userAgentOverride"], "the user agent cannot be set"),
];

/// Keys that tuned what needs no tuning here.
const UNNEEDED: [&str; 14] = [
    "checkpoints.queryTimeoutSeconds",
    "checkpoints.connectionTimeoutSeconds",
    "cloudwatch.emitMetrics",
    "cloudwatch.metricsBufferTimeMillis",
    "cloudwatch.metricsQueueSize",
    "log.statusReportingPeriodSeconds",
    "sendingThreadsKeepAliveMillis",
    "sendingThreadsMaxQueueSize",
    "connectionTimeoutMillis",
    "socketTimeoutMillis",
    "connectionTTLMillis",
    "useTcpKeepAlive",
    "useHttpGzip",
    "publishQueueCapacity",
];

const UNNEEDED_OF_A_FLOW: [&str; 6] = [
    "minTimeBetweenFilePollsMillis",
    "maxTimeBetweenFileTrackerRefreshMillis",
    "publishQueueCapacity",
    "waitOnFullPublishQueueMillis",
    "waitOnEmptyPublishQueueMillis",
    "log.emitInternalMetrics",
];

impl Made {
    fn line(&mut self, line: impl Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    fn key(&mut self, name: &str, value: &Value) {
        let text = inline(value);
        self.line(format_args!("{name} = {text}"));
    }

    fn comment(&mut self, text: &str) {
        self.line(format_args!("# {}", text.replace(char::is_control, " ")));
    }

    /// Something that the user has to know: in the file, and said.
    fn tell(&mut self, whose: &str, text: &str) {
        self.comment(text);
        self.told.push(format!("{whose}: {text}"));
    }

    /// What is not of a flow.
    pub(super) fn agent(
        &mut self,
        main: &Object,
        from: &str,
        state_dir: &str,
        credentials: &str,
    ) -> Result<(), Error> {
        self.comment(&format!(
            "From {from}, by kintail import. Everything that is not here is as kintail has it:"
        ));
        self.comment("see kintail config show.");
        for (names, why) in NO_COUNTERPART {
            for name in names.iter().filter(|name| main.get(name).is_some()) {
                self.tell(name, &format!("{name}: {why}"));
            }
        }
        self.unneeded(main, &UNNEEDED);
        self.line("\n[agent]");
        self.key("state_dir", &json!(literal(state_dir)));
        if let Some(time) = main.number("shutdownTimeoutMillis")? {
            self.key("shutdown_timeout", &json!(format!("{}ms", time.max(1))));
        }
        if let Some(days) = main.number("checkpointTimeToLiveDays")? {
            self.key("forget_after", &json!(format!("{}d", days.clamp(1, 36_500))));
        }
        self.line("\n[aws]");
        let endpoint = main.text("kinesis.endpoint").map(url);
        if let Some(region) = main.text("kinesis.region") {
            self.key("region", &json!(literal(region)));
        } else if let Some(endpoint) = &endpoint {
            self.comment("Of the endpoint, as the old agent took it.");
            self.key("region", &json!(region_of(endpoint)));
        }
        if let (Some(id), Some(secret)) = (main.text("awsAccessKeyId"), main.text("awsSecretAccessKey")) {
            self.comment("Keys do not stand in a configuration that many may read. Here they come after the");
            self.comment("environment's; there they came before.");
            self.key("shared_credentials_file", &json!(literal(credentials)));
            self.keys = Some((id.to_owned(), secret.to_owned()));
        }
        let firehose = main.text("firehose.endpoint").map(url);
        let sts = main.text("sts.endpoint").map(url);
        let endpoints = [("kinesis", endpoint), ("firehose", firehose), ("sts", sts)];
        if endpoints.iter().any(|(_, url)| url.is_some()) {
            self.line("\n[aws.endpoints]");
            for (name, url) in endpoints {
                if let Some(url) = url {
                    self.key(name, &json!(literal(&url)));
                }
            }
        }
        if let Some(arn) = main.text("assumeRoleARN") {
            self.line("\n[aws.assume_role]");
            self.key("arn", &json!(literal(arn)));
            if let Some(id) = main.text("assumeRoleExternalId") {
                self.key("external_id", &json!(literal(id)));
            }
            self.key("session_name", &json!("AWSKinesisAgent"));
        }
        Ok(())
    }

    /// Says which keys are not needed any more.
    fn unneeded(&mut self, of: &Object, keys: &[&str]) {
        let written: Vec<_> = keys.iter().copied().filter(|key| of.get(key).is_some()).collect();
        if !written.is_empty() {
            self.comment(&format!("Not needed here: {}.", written.join(", ")));
        }
    }

    /// A flow, with all that hangs on it.
    pub(super) fn flow(&mut self, flow: &OldFlow, main: &Object) -> Result<(), Error> {
        let old = &flow.object;
        self.line("\n[[flow]]");
        self.key("name", &json!(literal(&flow.name)));
        self.key("files", &json!([literal(&flow.glob())]));
        self.comment("The old agent never read compressed files.");
        self.key("exclude", &json!(["*.[gG][zZ]", "*.[bB][zZ]2", "*.[zZ][iI][pP]"]));
        self.key(if flow.firehose { "delivery_stream" } else { "stream" }, &json!(literal(&flow.stream)));
        if flow.firehose {
            let endpoint = main.text("firehose.endpoint").map(url);
            self.comment("As the old agent had it: of the endpoint, else us-east-1, wherever the host is.");
            self.key("region", &json!(endpoint.as_deref().map_or("us-east-1".into(), region_of)));
        }
        match old.text("initialPosition") {
            Some("START_OF_FILE") => self.key("start_at", &json!("beginning")),
            None | Some("END_OF_FILE") => {
                self.comment("Only files that are there at the first start are begun at their end.");
                self.key("start_at", &json!("end"));
            }
            Some(other) => return Err(flow.wrong("initialPosition", other)),
        }
        match old.text("partitionKeyOption") {
            _ if flow.firehose => {}
            None | Some("RANDOM") => {}
            Some("DETERMINISTIC") => {
                self.comment(
                    "The hash of each record; the old agent's was of a whole read buffer without options.",
                );
                self.key("partition_key", &json!("hash"));
            }
            Some(other) => return Err(flow.wrong("partitionKeyOption", other)),
        }
        self.unneeded(old, &UNNEEDED_OF_A_FLOW);
        self.batch(flow)?;
        self.lines(flow)?;
        self.options(flow);
        Ok(())
    }

    fn batch(&mut self, flow: &OldFlow) -> Result<(), Error> {
        let old = &flow.object;
        let mut batch = Vec::new();
        if let Some(time) = old.number("maxBufferAgeMillis")? {
            batch.push(format!("max_age = \"{}ms\"", time.min(900_000)));
        }
        if let Some(count) = old.number("maxBufferSizeRecords")? {
            batch.push(format!("max_records = {}", count.clamp(1, 500)));
        }
        if let Some(bytes) = old.number("maxBufferSizeBytes")? {
            let most = if flow.firehose { 3 } else { 5 } * 1024 * 1024;
            batch.push(format!("max_bytes = \"{}B\"", bytes.clamp(1024, most)));
        }
        if !batch.is_empty() {
            self.line(format_args!("batch = {{ {} }}", batch.join(", ")));
        }
        let wait = |name: &str| -> Result<Option<u64>, Error> {
            Ok(old.number(name)?.map(|time| time.clamp(1, 3_600_000)))
        };
        let (initial, most) = (wait("retryInitialBackoffMillis")?, wait("retryMaxBackoffMillis")?);
        if initial.is_some() || most.is_some() {
            let initial = initial.unwrap_or(100);
            let most = most.unwrap_or(10_000).max(initial);
            self.line(format_args!("retry = {{ initial = \"{initial}ms\", max = \"{most}ms\" }}"));
        }
        if let Some(bytes) =
            old.number("aggregatedRecordSizeBytes")?.filter(|bytes| flow.firehose && *bytes > 0)
        {
            self.comment("Lines share records; which of them do may differ.");
            self.key("aggregation", &json!(true));
            self.key("aggregate_bytes", &json!(format!("{bytes}B")));
            if !old.objects("dataProcessingOptions").is_empty() {
                self.tell(&flow.name, "the old agent converted the joined lines as one record; here each line is converted, then joined");
            }
        }
        Ok(())
    }

    fn lines(&mut self, flow: &OldFlow) -> Result<(), Error> {
        let old = &flow.object;
        let skip = old.number("skipHeaderLines")?.unwrap_or(0);
        let skip = if skip > 0 { format!(", skip_header = {skip}") } else { String::new() };
        self.comment("As the old agent: cut at the limit. What is cut off is on the loss ledger; \"split\" would lose nothing.");
        self.line(format_args!("line = {{ oversize = \"truncate\"{skip} }}"));
        if old.text("truncatedRecordTerminator").is_some_and(|end| end != "\n") {
            self.tell(&flow.name, "truncatedRecordTerminator: a record that is cut ends in a newline here");
        }
        if old.text("fileFooterPattern").is_some() {
            self.tell(&flow.name, "fileFooterPattern: not followed, for the old agent threw away the lines after the footer too");
        }
        if let Some(pattern) = old.text("multiLineStartPattern") {
            let ours = JavaPattern::for_line_starts(pattern)
                .map_err(|error| Error::Io(format!("flow {}: multiLineStartPattern: {error}", flow.name)))?;
            self.comment(
                "A record that is written in several steps is not cut in two, as the old agent did.",
            );
            self.line(format_args!("multiline = {{ start = {} }}", inline(&json!(literal(&ours)))));
        }
        Ok(())
    }

    fn options(&mut self, flow: &OldFlow) {
        for option in flow.object.objects("dataProcessingOptions") {
            let name = option.text("optionName").unwrap_or_default();
            let whose = format!("{}, option {name}", flow.name);
            match name {
                "USINGPLUGGIN" => {
                    self.tell(&whose, "a Java class cannot be run: this option is left out; write it as [[flow.process]] steps");
                    continue;
                }
                "ADDEC2METADATA" => {
                    self.tell(&whose, "metadata of the instance is not in this version: this option is left out, as on a host without any");
                    continue;
                }
                "ADDBRACKETS" => self.comment("The record's newline stays within the brackets, as it did."),
                _ => {}
            }
            let members: Vec<String> = option
                .keys()
                .filter(|key| Conversion::KEYS.contains(key))
                .filter_map(|key| Some(format!("{key} = {}", inline(&value(key, option.get(key)?)))))
                .collect();
            self.line("\n[[flow.process]]");
            self.line(format_args!("kinesis_agent = {{ {} }}", members.join(", ")));
        }
    }
}

fn value(key: &str, json: &Json) -> Value {
    match (key, json) {
        ("metadata", _) => json!(literal(&json.to_string())),
        ("timestamp", Json::Text(text)) => json!(text == "true"),
        (_, Json::Text(text)) => json!(literal(text)),
        (_, Json::List(items)) => items.iter().map(|item| value("", item)).collect(),
        (_, other) => json!(literal(&other.to_string())),
    }
}

/// With its scheme.
fn url(endpoint: &str) -> String {
    if endpoint.contains("://") { endpoint.to_owned() } else { format!("https://{endpoint}") }
}

/// The region in the host name of an endpoint of AWS.
fn region_of(url: &str) -> String {
    let host = url.split("://").last().unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    let mut parts =
        host.split('.').skip_while(|part| !part.starts_with("kinesis") && !part.starts_with("firehose"));
    parts
        .nth(1)
        .filter(|part| host.contains(".amazonaws.") && part.contains('-'))
        .unwrap_or("us-east-1")
        .to_owned()
}
