//! Tests of what Prometheus and probes are answered.

use super::*;
use kintail_engine::status::histogram::TIMES;
use kintail_engine::status::{FileStatus, FlowStatus};

fn status() -> Status {
    let mut flow = FlowStatus {
        name: "web \"1\"".into(),
        destination: "stream clicks".into(),
        healthy: false,
        waiting_for: "the destination: denied".into(),
        lag_bytes: 7,
        files: vec![FileStatus { path: "/a\nb".into(), file: "1".into(), lag: 7, ..FileStatus::default() }],
        ..FlowStatus::default()
    };
    flow.counters.read_bytes = 12;
    flow.request_times.add(2_000, &TIMES);
    flow.request_times.add(90_000_000, &TIMES);
    Status { flows: vec![flow], ..Status::default() }
}

#[test]
fn counters_gauges_and_histograms_are_as_prometheus_reads_them() {
    let text = exposition::text(status(), false);
    let labels = "flow=\"web \\\"1\\\"\",destination=\"stream clicks\"";
    for line in [
        "# TYPE kintail_read_bytes_total counter".to_owned(),
        format!("kintail_read_bytes_total{{{labels}}} 12"),
        format!("kintail_lag_bytes{{{labels}}} 7.0"),
        format!("kintail_request_duration_seconds_bucket{{{labels},le=\"0.003\"}} 1"),
        format!("kintail_request_duration_seconds_bucket{{{labels},le=\"60\"}} 1"),
        format!("kintail_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} 2"),
        format!("kintail_request_duration_seconds_count{{{labels}}} 2"),
        "kintail_healthy 0".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains("process_resident_memory_bytes ") && text.contains("process_cpu_seconds_total "));
    assert!(!text.contains("kintail_file_"), "{text}");
    let text = exposition::text(status(), true);
    assert!(
        text.contains("kintail_file_lag_bytes{flow=\"web \\\"1\\\"\",path=\"/a\\nb\",file=\"1\"} 7"),
        "{text}"
    );
}

#[test]
fn readiness_says_what_is_wrong() {
    assert_eq!(ready(&status()).status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready(&Status { healthy: true, ..Status::default() }).status(), StatusCode::OK);
}
