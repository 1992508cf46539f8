//! Requests and answers as they go over the wire.

use crate::oracle::{Broken, Located};
use kintail_engine::event::Request;
use kintail_engine::settings::{Destination, Flow};
use serde::Deserialize;
use std::fmt::Write;

/// A record as the service got it.
pub(super) struct Body {
    pub(super) data: Vec<u8>,
    pub(super) key: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Put<'a> {
    #[serde(borrow)]
    records: Vec<Record<'a>>,
    stream_name: Option<&'a str>,
    delivery_stream_name: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Record<'a> {
    data: &'a str,
    partition_key: Option<&'a str>,
}

/// The records of a request, which keeps to the limits.
pub(super) fn decode(flow: &Flow, request: &Request) -> Result<Vec<Body>, Broken> {
    let bodies = match &flow.destination {
        Destination::Kinesis { stream } => {
            let put = parse(request)?;
            check(put.stream_name == Some(stream), "the stream's name is there", "")?;
            let keyed = put.records.iter().all(|record| record.partition_key.is_some());
            check(keyed, "every record has a partition key", "")?;
            records(&put)?
        }
        Destination::Firehose { delivery_stream } => {
            let put = parse(request)?;
            check(put.delivery_stream_name == Some(delivery_stream), "the stream's name is there", "")?;
            records(&put)?
        }
        Destination::File { .. } | Destination::Stdout => request
            .body
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| Body { data: line.to_vec(), key: None })
            .collect(),
    };
    let size: usize = bodies.iter().map(weight).sum();
    let count = bodies.len();
    let largest = bodies.iter().map(weight).max().unwrap_or(0) as u64;
    let said = format!("{count} records, {size} bytes, the largest {largest}");
    check(count == request.records as usize, "a request says how many records it has", &said)?;
    check(count > 0 && count <= flow.batch.max_records as usize, "batch.max_records holds", &said)?;
    check(count == 1 || size as u64 <= flow.batch.max_bytes, "batch.max_bytes holds", &said)?;
    check(largest <= flow.max_record, "max_record holds", &said)?;
    Ok(bodies)
}

/// The answer to a request of which these records were accepted or not.
pub(super) fn entries(flow: &Flow, records: &[(Located, bool)]) -> String {
    let kinesis = matches!(flow.destination, Destination::Kinesis { .. });
    let failed = records.iter().filter(|record| !record.1).count();
    let mut out = if kinesis {
        format!("{{\"FailedRecordCount\":{failed},\"Records\":[")
    } else {
        format!("{{\"FailedPutCount\":{failed},\"RequestResponses\":[")
    };
    for (index, (_, accepted)) in records.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let entry = match (kinesis, accepted) {
            (true, true) => "{\"SequenceNumber\":\"1\",\"ShardId\":\"shardId-000000000000\"}",
            (true, false) if index % 2 == 0 => {
                "{\"ErrorCode\":\"ProvisionedThroughputExceededException\",\"ErrorMessage\":\"slower\"}"
            }
            (false, true) => "{\"RecordId\":\"1\"}",
            (false, false) if index % 2 == 0 => {
                "{\"ErrorCode\":\"ServiceUnavailableException\",\"ErrorMessage\":\"slower\"}"
            }
            _ => "{\"ErrorCode\":\"InternalFailure\",\"ErrorMessage\":\"oh\"}",
        };
        write!(out, "{comma}{entry}").expect("a string takes all");
    }
    out.push_str("]}");
    out
}

fn parse(request: &Request) -> Result<Put<'_>, Broken> {
    serde_json::from_slice(&request.body)
        .map_err(|error| Broken::new("requests are well formed", error.to_string()))
}

fn records(put: &Put) -> Result<Vec<Body>, Broken> {
    let record = |record: &Record| {
        let data = base64_simd::STANDARD.decode_to_vec(record.data);
        let data = data.map_err(|error| Broken::new("requests are well formed", error.to_string()))?;
        Ok(Body { data, key: record.partition_key.map(str::to_owned) })
    };
    put.records.iter().map(record).collect()
}

fn weight(body: &Body) -> usize {
    body.data.len() + body.key.as_ref().map_or(0, String::len)
}

fn check(holds: bool, property: &'static str, text: &str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken::new(property, text)) }
}
