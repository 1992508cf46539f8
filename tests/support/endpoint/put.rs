//! What is in a request of records, and the answers to one.

use super::http::Request;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A record, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The stream or delivery stream.
    pub(crate) stream: String,
    /// Its bytes.
    pub(crate) data: Vec<u8>,
    /// Its partition key; empty on delivery streams.
    pub(crate) key: String,
}

/// A request of records.
#[derive(Debug)]
pub(crate) struct Put {
    /// Its records, in order.
    pub(crate) records: Vec<Record>,
    /// Whose signature it bears.
    pub(crate) access_key: String,
    signed_at: i64,
    firehose: bool,
}

impl Put {
    /// Reads a request; why not, if it is none that the service would take.
    pub(super) fn parse(request: &Request) -> Result<Self, String> {
        let firehose = match request.header("x-amz-target") {
            "Kinesis_20131202.PutRecords" => false,
            "Firehose_20150804.PutRecordBatch" => true,
            other => return Err(format!("no such operation: {other}")),
        };
        if request.header("content-type") != "application/x-amz-json-1.1" {
            return Err(format!("no such encoding: {}", request.header("content-type")));
        }
        let (access_key, signed_at) = signature(request).ok_or("no signature")?;
        let body: Value = serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let stream = [&body["StreamName"], &body["StreamARN"], &body["DeliveryStreamName"]]
            .into_iter()
            .find_map(|name| name.as_str().map(str::to_owned))
            .ok_or("no stream")?;
        let records = body["Records"].as_array().ok_or("no records")?.iter().map(|record| {
            let data = base64_simd::STANDARD
                .decode_to_vec(text(&record["Data"]))
                .map_err(|error| error.to_string())?;
            Ok(Record { stream: stream.clone(), data, key: text(&record["PartitionKey"]) })
        });
        let records = records.collect::<Result<Vec<_>, String>>()?;
        if records.is_empty() || records.len() > 500 {
            return Err(format!("{} records", records.len()));
        }
        Ok(Self { records, access_key, signed_at, firehose })
    }

    /// Seconds by which the signature is older than the service's clock, which is so many seconds ahead.
    pub(crate) fn signed_before(&self, ahead: i64) -> i64 {
        jiff::Timestamp::now().as_second() + ahead - self.signed_at
    }

    /// The answer, by the code of each record that failed.
    pub(super) fn answer(&self, code_of: impl Fn(usize) -> Option<&'static str>) -> String {
        let entries: Vec<Value> = (0..self.records.len())
            .map(|index| match code_of(index) {
                Some(code) => json!({ "ErrorCode": code, "ErrorMessage": "as the script says" }),
                None if self.firehose => json!({ "RecordId": "0123456789abcdef" }),
                None => {
                    json!({ "SequenceNumber": format!("{index:056}"), "ShardId": "shardId-000000000000" })
                }
            })
            .collect();
        let failed = entries.iter().filter(|entry| entry.get("ErrorCode").is_some()).count();
        if self.firehose {
            json!({ "FailedPutCount": failed, "Encrypted": false, "RequestResponses": entries }).to_string()
        } else {
            json!({ "FailedRecordCount": failed, "Records": entries }).to_string()
        }
    }
}

/// Whose signature a request bears, and of when it is.
fn signature(request: &Request) -> Option<(String, i64)> {
    let credential = request.header("authorization").strip_prefix("AWS4-HMAC-SHA256 Credential=")?;
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", request.header("x-amz-date")).ok()?;
    let time = jiff::tz::TimeZone::UTC.to_timestamp(time).ok()?;
    request.header("authorization").contains("Signature=").then_some(())?;
    Some((credential.split('/').next()?.to_owned(), time.as_second()))
}

/// Records in a body, without parsing it.
pub(super) fn count(body: &[u8]) -> usize {
    memchr::memmem::find_iter(body, b"\"Data\":").count()
}

/// An answer that accepts so many records, whatever was sent.
pub(super) fn accepted(request: &Request, records: usize) -> String {
    let firehose = request.header("x-amz-target").starts_with("Firehose");
    let (mut body, entry) = if firehose {
        ("{\"FailedPutCount\":0,\"RequestResponses\":[".to_owned(), "{\"RecordId\":\"0123456789abcdef\"}")
    } else {
        (
            "{\"FailedRecordCount\":0,\"Records\":[".to_owned(),
            "{\"SequenceNumber\":\"49600000000000000000000000000000000000000000000000000000\",\"ShardId\":\"shardId-000000000000\"}",
        )
    };
    for index in 0..records {
        let comma = if index > 0 { "," } else { "" };
        write!(body, "{comma}{entry}").expect("a string takes all");
    }
    body + "]}"
}
