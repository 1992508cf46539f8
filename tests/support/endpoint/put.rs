//! What is in a request of records, and the answers to one.

use super::http::{CBOR, JSON, Request};
use super::signature::Signature;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::fmt;

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
    cbor: bool,
}

impl Put {
    /// Reads a request; why not, if it is none that the service would take.
    pub(super) fn parse(request: &Request) -> Result<Self, String> {
        let firehose = match request.header("x-amz-target") {
            "Kinesis_20131202.PutRecords" => false,
            "Firehose_20150804.PutRecordBatch" => true,
            other => return Err(format!("no such operation: {other}")),
        };
        let signature = Signature::check(request)?;
        let body = match request.header("content-type") {
            JSON => serde_json::from_slice::<Body>(&request.body).map_err(|error| error.to_string())?,
            CBOR if !firehose => {
                ciborium::from_reader::<Body, _>(&*request.body).map_err(|error| error.to_string())?
            }
            other => return Err(format!("no such encoding: {other}")),
        };
        let records = body.records.into_iter().map(|record| Record {
            stream: body.stream.clone(),
            data: record.data.0,
            key: record.key,
        });
        let records: Vec<Record> = records.collect();
        if records.is_empty() || records.len() > 500 {
            return Err(format!("{} records", records.len()));
        }
        let cbor = request.header("content-type") == CBOR;
        Ok(Self { records, signature, firehose, cbor })
    }

    /// Whether it came as CBOR.
    pub(crate) fn is_cbor(&self) -> bool {
        self.cbor
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
    pub(super) fn answer(&self, code_of: impl Fn(usize) -> Option<&'static str>) -> Value {
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
            json!({ "FailedPutCount": failed, "Encrypted": false, "RequestResponses": entries })
        } else {
            json!({ "FailedRecordCount": failed, "Records": entries })
        }
    }
}

/// A body in either encoding.
#[derive(Deserialize)]
struct Body {
    #[serde(rename = "Records")]
    records: Vec<Entry>,
    #[serde(rename = "StreamName", alias = "StreamARN", alias = "DeliveryStreamName")]
    stream: String,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "Data")]
    data: Data,
    #[serde(rename = "PartitionKey", default)]
    key: String,
}

/// Bytes, or a text of base64.
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

/// Records in a body, without parsing it.
pub(super) fn count(body: &[u8]) -> usize {
    let name: &[u8] = if body.starts_with(b"{") { b"\"Data\":" } else { b"\x64Data" };
    memchr::memmem::find_iter(body, name).count()
}

/// Lines in a body of so many records: those of aggregated records, and the others.
pub(super) fn lines(body: &[u8], records: usize) -> usize {
    let count = |what: &[u8]| memchr::memmem::find_iter(body, what).count();
    records - count(b"\xf3\x89\x9a\xc2") + count(b"\x08\x00\x1a")
}

/// An answer that accepts so many records, whatever was sent.
pub(super) fn accepted(request: &Request, records: usize) -> Value {
    if request.header("x-amz-target").starts_with("Firehose") {
        let entry = json!({ "RecordId": "0123456789abcdef" });
        return json!({ "FailedPutCount": 0, "RequestResponses": vec![entry; records] });
    }
    let entry = json!({
        "SequenceNumber": "49600000000000000000000000000000000000000000000000000000",
        "ShardId": "shardId-000000000000",
    });
    json!({ "FailedRecordCount": 0, "Records": vec![entry; records] })
}
