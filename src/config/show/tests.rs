//! What is shown is whole, means the same, and holds no secret.

use super::*;
use std::path::Path;

const FULL: &str = r#"
    [agent]
    state_dir = "s"
    memory = "100MiB"
    status_group = "adm"
    log = { level = "debug", format = "json" }
    [aws]
    region = "eu-west-1"
    endpoints = { kinesis = "http://localhost:1", sts = "http://localhost:2" }
    ca_bundle = "ca.pem"
    assume_role = { arn = "arn:aws:iam::1:role/a", external_id = "x", duration = "2h" }
    [metrics]
    listen = "[::1]:1"
    per_file = true
    [[flow]]
    name = "a \" quote"
    files = ["/var/log/*.log", "rel/*.log"]
    exclude = ["*.gz"]
    stream = "arn:aws:kinesis:us-east-1:123456789012:stream/s"
    partition_key = "const:ü"
    aggregation = true
    aggregate_bytes = "20KiB"
    retry = { give_up = "1h" }
    max_rate = { bytes = "5MiB", records = 5000 }
    ignore_older = "30d"
    identity = "content"
    [[flow]]
    name = "b"
    files = ["/x"]
    delivery_stream = "d"
    newline = "strip"
    multiline = { start = '^\d$$', max_wait = "1s", max_lines = 7, max_bytes = "2KiB" }
    [[flow]]
    name = "old"
    files = ["/x"]
    stdout = true
    [[flow.process]]
    kinesis_agent = { optionName = "SINGLELINE", parseOptions = ["NO_TRIM", "ESCAPE_NEW_LINE"] }
    [[flow.process]]
    kinesis_agent = { optionName = "CSVTOJSON", customFieldNames = ["a", "b$"], delimiter = '\|', jsonFormat = "PRETTYPRINT" }
    [[flow.process]]
    kinesis_agent = { optionName = "LOGTOJSON", logFormat = "SYSLOG", matchPattern = '(a++)$$', customFieldNames = ["a"] }
    [[flow.process]]
    kinesis_agent = { optionName = "LOGTOJSON", logFormat = "COMBINEDAPACHELOG" }
    [[flow.process]]
    kinesis_agent = { optionName = "ADDMETADATA", timestamp = true, metadata = '{"z":"é","a":[1.5,null]}' }
    [[flow.process]]
    kinesis_agent = { optionName = "ADDBRACKETS" }
    [[flow]]
    name = "c"
    files = ["/x"]
    file = { path = "o", rotate = "1536B" }
    line = { max_bytes = "64KiB", oversize = "drop", skip_header = 2 }
    [[flow.process]]
    parse = "combined_apache"
    types = { response = "integer", datetime = { timestamp = "%d/%b/%Y", zone = "Europe/Berlin" }, a = { zone = "Asia/Tokyo" }, b = "timestamp" }
    on_error = "drop"
    [[flow.process]]
    parse = "csv"
    field = "agent"
    columns = ["z", "a"]
    delimiter = "\t"
    [[flow.process]]
    parse = "csv"
    header = true
    [[flow.process]]
    parse = "nginx"
    format = '$${status} $a'
    field = "a"
    [[flow.process]]
    parse = "regex"
    pattern = '(?<a>.)'
    [[flow.process]]
    add = { z = "{hostname}{{{path.app}}}", b = 1.5, a = [1, "x", true], "q r" = { y = 1, x = "{field.a}" } }
    path = '(?<app>[a-z]+$)'
    [[flow.process]]
    rename = { z = "y", b = "c" }
    [[flow.process]]
    nest = { z = ["b"], a = ["c"] }
    [[flow.process]]
    keep = { field = "a", pattern = '^\d$$' }
    [[flow.process]]
    drop = 'x"y'
    [[flow.process]]
    redact = { pattern = '\d{16}', with = "x" }
    [[flow.process]]
    single_line = true
    [[flow.process]]
    truncate_field = { field = "a", bytes = "1KiB" }
    [[flow.process]]
    sample = 0.25
    [[flow.process]]
    remove = ["a"]
    [[flow.process]]
    flatten = ["a"]
    [[flow.process]]
    metadata = { z = "1", a = "{env.PATH}" }
    [[flow.process]]
    output = { template = "{line}" }
"#;

fn config(text: &str) -> Config {
    Config::from_text("test.toml", text, Path::new("/")).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn what_is_shown_means_the_same_when_read_again() {
    for text in [FULL, "[[flow]]\nfiles = [\"/x\"]\nstdout = true"] {
        let config = config(text);
        assert_eq!(self::config(&config.to_toml()), config, "{}", config.to_toml());
    }
}

#[test]
fn the_user_part_of_an_endpoint_is_not_shown() {
    let text =
        "[aws.endpoints]\nkinesis = \"http://me:hunter2@h\"\n[[flow]]\nfiles = [\"/x\"]\nstream = \"s\"";
    let shown = config(text).to_toml();
    assert!(!shown.contains("hunter2") && shown.contains("http://***@h"), "{shown}");
}

#[test]
fn every_key_that_exists_is_shown() {
    fn missing(schema: &Table, value: &Value, out: &mut Vec<String>) {
        for key in schema.keys.iter().filter(|key| !key.later) {
            match (key.kind, value.get(key.name)) {
                (Kind::Table(inner) | Kind::TextOrTable(_, inner), Some(value)) => missing(inner, value, out),
                (Kind::Tables(inner), Some(value)) => {
                    // All flows together: no flow has every destination.
                    let flows = value.as_array().into_iter().flatten().filter_map(Value::as_object);
                    let all = flows.flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
                    missing(inner, &Value::Object(all), out);
                }
                (_, Some(_)) => {}
                (_, None) => out.push(format!("{} {}", schema.header, key.name)),
            }
        }
    }
    let mut out = Vec::new();
    missing(&ROOT, &config(FULL).to_json(), &mut out);
    let unset = ["[aws] profile", "[aws] shared_credentials_file", "[aws.endpoints] firehose"];
    let ways = ["[flow.multiline] continue", "[flow.multiline] end", "[flow.multiline] preset"];
    let unset = [&unset[..], &ways, &["[[flow]] stdout", "[[flow.process]] kinesis_agent"]].concat();
    out.retain(|key| !unset.contains(&key.as_str()));
    assert!(out.is_empty(), "{out:?}");
}
