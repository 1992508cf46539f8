//! What Prometheus and probes are told, by the real binary.

use crate::{Host, wait_until};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;

impl Host {
    /// A host whose agent has this port for metrics; nobody had it a moment ago.
    fn with_metrics() -> (Self, SocketAddr) {
        let host = Self::new();
        let listen = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let config = std::fs::read_to_string(host.config()).unwrap();
        let metrics = format!("[metrics]\nlisten = '{listen}'\nper_file = true\n");
        std::fs::write(host.config(), metrics + &config).unwrap();
        (host, listen)
    }
}

/// The status code and the body.
fn get(from: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(from).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

/// A metric's only value, without its fraction.
fn value(text: &str, name: &str) -> u64 {
    let mut found =
        text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    let line = found.next().unwrap_or_else(|| panic!("no {name} in {text}"));
    assert_eq!(found.next(), None);
    let number: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
    number as u64
}

#[test]
fn an_agent_tells_what_it_read_and_delivered() {
    let (host, listen) = Host::with_metrics();
    let _agent = host.agent();
    host.delivers("one\ntwo\nthree\n");
    let delivered = || value(&get(listen, "/metrics").1, "kintail_delivered_bytes_total") == 14;
    wait_until("what was delivered is counted", delivered);
    let (code, text) = get(listen, "/metrics");
    assert_eq!(code, 200);
    for (name, expected) in [
        ("kintail_read_bytes_total", 14),
        ("kintail_delivered_records_total", 3),
        ("kintail_lag_bytes", 0),
        ("kintail_healthy", 1),
        ("kintail_open_files", 1),
        ("kintail_file_offset_bytes", 14),
        ("kintail_lost_bytes_total", 0),
    ] {
        assert_eq!(value(&text, name), expected, "{name}");
    }
    assert!(value(&text, "kintail_request_duration_seconds_count") >= 1);
    assert!(value(&text, "kintail_store_duration_seconds_count") >= 1);
    assert!(value(&text, "process_resident_memory_bytes") > 1_000_000);
    assert_eq!(get(listen, "/healthz"), (200, "ok\n".into()));
    assert_eq!(get(listen, "/readyz"), (200, "ok\n".into()));
    assert_eq!(get(listen, "/").0, 404);
}

#[test]
fn a_port_that_is_taken_is_an_error_at_the_start() {
    let (host, listen) = Host::with_metrics();
    let _other = TcpListener::bind(listen).unwrap();
    host.run(&["run"]).ended(74).with(&format!("metrics cannot listen at {listen}"));
}

/// The metrics that a text speaks of. Of a histogram and of a counter it may name a part.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("kintail_") || word.starts_with("process_")).collect()
}

#[test]
fn the_dashboard_the_alerts_and_the_page_name_what_there_is() {
    let (host, listen) = Host::with_metrics();
    let _agent = host.agent();
    let (_, text) = get(listen, "/metrics");
    let there: BTreeSet<&str> = named(&text);
    let read =
        |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    for path in
        ["packaging/grafana/kintail.json", "packaging/prometheus/kintail.rules.yml", "docs/metrics.md"]
    {
        let text = read(path);
        let unknown: Vec<_> = named(&text).into_iter().filter(|name| !there.contains(name)).collect();
        assert!(unknown.is_empty() && !named(&text).is_empty(), "{path} names {unknown:?}");
    }
    serde_json::from_str::<serde_json::Value>(&read("packaging/grafana/kintail.json")).unwrap();
    let page = read("docs/metrics.md");
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let untold: Vec<_> = families.filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(untold.is_empty(), "docs/metrics.md says nothing of {untold:?}");
}
