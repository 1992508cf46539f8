//! The status as Prometheus reads it. Series are by flow and destination; by file only where that was asked for.

use super::process::Process;
use kintail_engine::status::histogram::{Histogram, SIZES, TIMES};
use kintail_engine::status::{FileStatus, FlowStatus, Status};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;

/// A metric of a flow: name without `_total`, help, value.
type OfFlow<T> = (&'static str, &'static str, fn(&FlowStatus) -> T);

/// A metric of a file.
type OfFile = (&'static str, &'static str, fn(&FileStatus) -> u64);

/// No labels.
type NoLabels = [(&'static str, &'static str); 0];

/// Counters since the agent started.
const COUNTERS: [OfFlow<u64>; 17] = [
    ("kintail_read_bytes", "Bytes read from files, without those read again.", |flow| {
        flow.counters.read_bytes
    }),
    ("kintail_records", "Records made.", |flow| flow.counters.records),
    ("kintail_delivered_records", "Records that the destination acknowledged.", |flow| {
        flow.counters.delivered_records
    }),
    ("kintail_delivered_bytes", "Bytes of files that the destination acknowledged.", |flow| {
        flow.counters.delivered_bytes
    }),
    ("kintail_requests", "Requests sent.", |flow| flow.counters.requests),
    ("kintail_sent_bytes", "Bytes of their bodies.", |flow| flow.counters.sent_bytes),
    ("kintail_retried_records", "Records sent again.", |flow| flow.counters.retried_records),
    ("kintail_throttled_records", "Records that were throttled.", |flow| flow.counters.throttled_records),
    ("kintail_unanswered_requests", "Requests without an answer.", |flow| flow.counters.unanswered_requests),
    ("kintail_failed_requests", "Requests refused as a whole.", |flow| flow.counters.failed_requests),
    ("kintail_filtered_lines", "Lines that steps dropped, or skipped as header.", |flow| {
        flow.counters.filtered_lines
    }),
    ("kintail_failed_lines", "Lines on which a step failed, whatever became of them.", |flow| {
        flow.counters.failed_lines
    }),
    ("kintail_dead_letters", "Records given to the dead letters.", |flow| flow.counters.dead_letters),
    ("kintail_lost_bytes", "Bytes put on the loss ledger.", |flow| flow.counters.lost_bytes),
    ("kintail_possible_losses", "Events that may have destroyed lines unseen.", |flow| {
        flow.counters.possible_losses
    }),
    ("kintail_rotations", "New names of followed files.", |flow| flow.counters.rotations),
    ("kintail_truncations", "Truncations, and other content in the same file.", |flow| {
        flow.counters.truncations
    }),
];

/// What is so now.
const GAUGES: [OfFlow<f64>; 7] = [
    ("kintail_lag_bytes", "Bytes of files that are not acknowledged.", |flow| flow.lag_bytes as f64),
    ("kintail_lag_seconds", "For how long bytes have been waiting.", |flow| flow.lag_seconds),
    ("kintail_requests_in_flight", "Requests without an answer yet.", |flow| f64::from(flow.in_flight)),
    ("kintail_flow_healthy", "1 unless something is wrong that waits for a person.", |flow| {
        f64::from(u8::from(flow.healthy))
    }),
    ("kintail_files", "Files that are followed.", |flow| flow.files.len() as f64),
    ("kintail_unread_names", "Names that match and are not read; the status says why.", |flow| {
        flow.unread_names as f64
    }),
    ("kintail_deleted_held_bytes", "Bytes of deleted files that are held until they are read.", |flow| {
        flow.deleted_bytes as f64
    }),
];

/// What is so of a file now.
const OF_FILES: [OfFile; 3] = [
    ("kintail_file_lag_bytes", "Bytes of a file that are not acknowledged.", |file| file.lag),
    ("kintail_file_size_bytes", "A file's size.", |file| file.size),
    ("kintail_file_offset_bytes", "Every byte of a file before it is acknowledged.", |file| file.offset),
];

/// The status in Prometheus's text format.
pub(super) fn text(status: Status, per_file: bool) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Snapshot { status, per_file, process: Process::now() }));
    let mut out = String::new();
    prometheus_text::encode(&mut out, &registry)
        .unwrap_or_else(|_| unreachable!("a String takes everything"));
    out
}

/// The agent at a moment.
#[derive(Debug)]
struct Snapshot {
    status: Status,
    per_file: bool,
    process: Process,
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let out = &mut encoder;
        self.agent(out)?;
        self.process(out)?;
        let flows = &self.status.flows;
        for (name, help, value) in COUNTERS {
            let mut metric = out.encode_descriptor(name, help, None, MetricType::Counter)?;
            for flow in flows {
                counter(&mut metric.encode_family(&labels(flow))?, value(flow))?;
            }
        }
        for (name, help, value) in GAUGES {
            let mut metric = out.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for flow in flows {
                metric.encode_family(&labels(flow))?.encode_gauge(&value(flow))?;
            }
        }
        let help = "From a request to its answer.";
        let name = "kintail_request_duration_seconds";
        let mut metric = out.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for flow in flows {
            seconds(&mut metric.encode_family(&labels(flow))?, &flow.request_times)?;
        }
        let help = "Records of a request.";
        let mut metric =
            out.encode_descriptor("kintail_request_records", help, None, MetricType::Histogram)?;
        for flow in flows {
            histogram(&mut metric.encode_family(&labels(flow))?, &flow.request_records, &SIZES, 1.0)?;
        }
        if self.per_file { self.files(out) } else { Ok(()) }
    }
}

impl Snapshot {
    fn agent(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let status = &self.status;
        let mut metric =
            out.encode_descriptor("kintail_build_info", "The version.", None, MetricType::Gauge)?;
        metric.encode_family(&[("version", env!("CARGO_PKG_VERSION"))])?.encode_gauge(&1u64)?;
        for (name, help, value) in [
            (
                "kintail_healthy",
                "1 unless something is wrong that waits for a person.",
                u64::from(status.healthy),
            ),
            ("kintail_problems", "What is wrong with the agent as a whole.", status.problems.len() as u64),
            ("kintail_memory_used_bytes", "Bytes of log data held.", status.memory_used),
            ("kintail_memory_limit_bytes", "Most bytes of log data held.", status.memory_limit),
            ("kintail_open_files", "Followed files that are open.", status.open_files),
        ] {
            gauge(out, name, help, value)?;
        }
        let help = "How long transactions of the store took.";
        let name = "kintail_store_duration_seconds";
        let mut metric = out.encode_descriptor(name, help, None, MetricType::Histogram)?;
        seconds(&mut metric, &status.store_times)
    }

    fn process(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let process = &self.process;
        if let Some(spent) = process.cpu_seconds {
            let help = "Processor time, user's and system's.";
            let mut metric = out.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
            metric.encode_counter::<NoLabels, _, u64>(&spent, None)?;
        }
        for (name, help, value) in [
            ("process_resident_memory_bytes", "Memory that is not swapped out.", process.resident_bytes),
            ("process_open_fds", "Open descriptors.", process.descriptors),
            ("process_max_fds", "Most open descriptors.", process.most_descriptors),
        ] {
            if let Some(value) = value {
                gauge(out, name, help, value)?;
            }
        }
        Ok(())
    }

    fn files(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, value) in OF_FILES {
            let mut metric = out.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for flow in &self.status.flows {
                for file in &flow.files {
                    let path = file.path.to_string_lossy();
                    let labels =
                        [("flow", flow.name.as_str()), ("path", &*path), ("file", file.file.as_str())];
                    metric.encode_family(&labels)?.encode_gauge(&value(file))?;
                }
            }
        }
        Ok(())
    }
}

fn labels(flow: &FlowStatus) -> [(&str, &str); 2] {
    [("flow", flow.name.as_str()), ("destination", flow.destination.as_str())]
}

fn gauge(out: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    out.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}

fn counter(metric: &mut MetricEncoder<'_>, value: u64) -> fmt::Result {
    metric.encode_counter::<NoLabels, _, u64>(&value, None)
}

/// Times, in microseconds.
fn seconds(metric: &mut MetricEncoder<'_>, times: &Histogram) -> fmt::Result {
    histogram(metric, times, &TIMES, 1e-6)
}

fn histogram(
    metric: &mut MetricEncoder<'_>,
    values: &Histogram,
    bounds: &[u64; 12],
    unit: f64,
) -> fmt::Result {
    let bound = |bound: u64| if bound == u64::MAX { f64::MAX } else { bound as f64 * unit };
    let buckets: Vec<(f64, u64)> = bounds.iter().map(|upper| bound(*upper)).zip(values.counts).collect();
    metric.encode_histogram::<NoLabels>(values.sum as f64 * unit, values.count(), &buckets, None)
}
