//! `kintail check --online` against real servers.

use crate::agent::Host;
use crate::aws::Kinesis;
use crate::servers::Server;
use serde_json::Value;
use std::fs;

/// Whether all is well, and the findings as `level about: text`.
fn examine(host: &Host, args: &[&str]) -> (bool, Vec<String>) {
    let output = host.command(&["check", "--online", "--json"]).args(args).output().expect("it runs");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let findings = said["findings"].as_array().expect("findings").iter();
    let text = |finding: &Value| {
        let part = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}: {}", part("level"), part("about"), part("text"))
    };
    assert_eq!(output.status.success(), said["ok"] == true);
    (said["ok"] == true, findings.map(text).collect())
}

#[track_caller]
fn tells(findings: &[String], level: &str, text: &str) {
    let told = |finding: &String| finding.starts_with(level) && finding.contains(text);
    assert!(findings.iter().any(told), "{level} {text} is not in {findings:#?}");
}

#[test]
fn all_is_well_at_a_stream_that_is_there() {
    let server = Server::moto();
    let kinesis = Kinesis::of(&server);
    kinesis.create("clicks", 2);
    let host = Host::new("stream = \"clicks\"", &server.url);
    host.add(&format!("[aws]\nendpoints = {{ sts = \"{}\" }}\n", server.url));
    fs::write(host.log(), "a line\n").expect("written");
    let (ok, findings) = examine(&host, &[]);
    assert!(ok, "{findings:#?}");
    tells(&findings, "ok", "1 files match and can be read");
    tells(&findings, "ok", "credentials are of arn:aws:");
    tells(&findings, "ok", "stream clicks is ACTIVE");
    tells(&findings, "ok", "2 shards");
    tells(&findings, "ok", "clock is off by");
    tells(&findings, "ok", "ListShards is allowed");
    tells(&findings, "not_proven", "--send-probe");
    tells(&findings, "ok", "MiB free");
    let (ok, findings) = examine(&host, &["--send-probe"]);
    assert!(ok, "{findings:#?}");
    tells(&findings, "ok", "a probe was accepted");
    let records = kinesis.records("clicks");
    assert_eq!(records.len(), 1);
    assert!(String::from_utf8_lossy(&records[0].2).contains("\"kintail\":\"probe\""));
}

#[test]
fn a_stream_that_is_missing_is_told() {
    let server = Server::moto();
    let host = Host::new("stream = \"nowhere\"", &server.url);
    let (ok, findings) = examine(&host, &[]);
    assert!(!ok);
    tells(&findings, "warning", "no file matches");
    tells(&findings, "error", "ResourceNotFoundException");
}

#[test]
fn an_endpoint_at_which_nobody_listens_is_told() {
    let host = Host::new("delivery_stream = \"clicks\"", "http://127.0.0.1:9");
    let (ok, findings) = examine(&host, &["--send-probe"]);
    assert!(!ok);
    tells(&findings, "error", "stream clicks");
    tells(&findings, "error", "a probe");
}
