//! Requests and answers as they go over the wire.

mod aggregated;

use crate::oracle::Broken;
use kintail_engine::event::Request;
use kintail_engine::settings::{Destination, Flow, Wire};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt::{self, Write};

/// A record as the service got it.
pub(super) struct Body {
    pub(super) data: Vec<u8>,
    pub(super) key: Option<String>,
    /// What whoever reads it takes it for.
    pub(super) lines: Vec<Vec<u8>>,
}

impl Body {
    /// A record of a flow, taken apart where records of several lines are asked for.
    fn new(flow: &Flow, data: Vec<u8>, key: Option<String>) -> Result<Self, Broken> {
        let lines = match (&flow.destination, flow.aggregation) {
            (Destination::Kinesis { .. }, Some(_)) => aggregated::lines(&data, key.as_deref().unwrap_or(""))?,
            (Destination::Firehose { .. }, Some(_)) => {
                data.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
            }
            _ => vec![data.clone()],
        };
        let body = Self { data, key, lines };
        let said = format!("{} lines in {} bytes", body.lines.len(), weight(&body));
        let most = flow.aggregation.unwrap_or(0);
        let fits = body.lines.len() == 1 || weight(&body) as u64 <= most;
        check(fits && !body.lines.is_empty(), "aggregate_bytes holds", &said)?;
        let joined = matches!(flow.destination, Destination::Firehose { .. });
        check(!joined || body.lines.len() <= 500, "at most 500 lines are joined", &said)?;
        Ok(body)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Put {
    records: Vec<Record>,
    stream_name: Option<String>,
    delivery_stream_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Record {
    data: Data,
    partition_key: Option<String>,
}

/// Bytes in CBOR, a text of base64 in JSON.
struct Data(Vec<u8>);

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Data;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes or base64")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Data, E> {
                Ok(Data(bytes.to_vec()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Data, E> {
                base64_simd::STANDARD.decode_to_vec(text).map(Data).map_err(E::custom)
            }
        }
        from.deserialize_any(Either)
    }
}

/// The records of a request, which keeps to the limits.
pub(super) fn decode(flow: &Flow, request: &Request) -> Result<Vec<Body>, Broken> {
    let bodies = match &flow.destination {
        Destination::Kinesis { stream } => {
            let put = parse(flow, request)?;
            check(put.stream_name.as_ref() == Some(stream), "the stream's name is there", "")?;
            let keyed = put.records.iter().all(|record| record.partition_key.is_some());
            check(keyed, "every record has a partition key", "")?;
            records(flow, put)?
        }
        Destination::Firehose { delivery_stream } => {
            let put = parse(flow, request)?;
            check(
                put.delivery_stream_name.as_ref() == Some(delivery_stream),
                "the stream's name is there",
                "",
            )?;
            records(flow, put)?
        }
        Destination::File { .. } | Destination::Stdout => request
            .body
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| Body::new(flow, line.to_vec(), None))
            .collect::<Result<_, _>>()?,
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

/// The answer to a request of which these records were accepted or not; some services say it in CBOR.
pub(super) fn entries(flow: &Flow, records: &[bool], cbor: bool) -> Vec<u8> {
    let kinesis = matches!(flow.destination, Destination::Kinesis { .. });
    let failed = records.iter().filter(|accepted| !**accepted).count();
    let mut out = if kinesis {
        format!("{{\"FailedRecordCount\":{failed},\"Records\":[")
    } else {
        format!("{{\"FailedPutCount\":{failed},\"RequestResponses\":[")
    };
    for (index, accepted) in records.iter().enumerate() {
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
    if cbor && kinesis { encoded(&out) } else { out.into_bytes() }
}

fn parse(flow: &Flow, request: &Request) -> Result<Put, Broken> {
    let body = &*request.body;
    let kinesis = matches!(flow.destination, Destination::Kinesis { .. });
    let put = if kinesis && flow.wire != Wire::Json {
        ciborium::from_reader(body).map_err(|error| error.to_string())
    } else {
        serde_json::from_slice(body).map_err(|error| error.to_string())
    };
    put.map_err(|error| Broken::new("requests are well formed", error))
}

fn records(flow: &Flow, put: Put) -> Result<Vec<Body>, Broken> {
    let records = put.records.into_iter();
    records.map(|record| Body::new(flow, record.data.0, record.partition_key)).collect()
}

/// The same as CBOR.
fn encoded(json: &str) -> Vec<u8> {
    let (value, mut cbor) = (serde_json::from_str::<serde_json::Value>(json), Vec::new());
    ciborium::into_writer(&value.expect("we wrote it"), &mut cbor).expect("a vector takes all");
    cbor
}

fn weight(body: &Body) -> usize {
    body.data.len() + body.key.as_ref().map_or(0, String::len)
}

fn check(holds: bool, property: &'static str, text: &str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken::new(property, text)) }
}
