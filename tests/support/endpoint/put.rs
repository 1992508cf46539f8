//! What is in a request of records, and the answers to one.

use super::http::Request;
use super::signature::Signature;
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
    signature: Signature,
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
        let signature = Signature::check(request)?;
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
        Ok(Self { records, signature, firehose })
    }

    /// The id of the key that signed it.
    pub(crate) fn access_key(&self) -> &str {
        &self.signature.access_key
    }

    /// Seconds by which the signature is older than the service's clock, which is so many seconds ahead.
    pub(crate) fn signed_before(&self, ahead: i64) -> i64 {
        jiff::Timestamp::now().as_second() + ahead - self.signature.time
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
