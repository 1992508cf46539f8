//! The pure half of Kinesis Data Streams: bodies for `PutRecords` as CBOR or JSON, written by hand.

mod as_json;

pub use as_json::as_json;

use super::aws::cbor::{self, Reader};
use super::aws::{self, Names, json};
use super::packing::Packing;
use super::{Answer, Destination, Limits, Verdict};
use crate::settings::{Flow, MIB, PartitionKey, Wire};

/// Most records of a request
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>).
const MAX_RECORDS: u32 = 500;

/// Most bytes of a request, partition keys included, before base64. AWS allows 10 MiB since late 2025 and
/// allowed 5 MiB before; emulators still do, and larger requests bring nothing.
const MAX_BYTES: u64 = 5 * MIB;

/// Largest record that a stream can be set to take, partition key included
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateMaxRecordSize.html>).
const LARGEST_RECORD: u64 = 10 * MIB;

/// Our own choice: enough to hide a round trip, few enough for small memory.
const WINDOW: u32 = 4;

const BEGIN: &[u8] = b"{\"Records\":[";
const DATA: &[u8] = b"{\"Data\":\"";
const KEY: &[u8] = b"\",\"PartitionKey\":";

/// A map of two members, the first a list without a length: how many records it will have is known at its end.
const CBOR_BEGIN: &[u8] = b"\xa2\x67Records\x9f";
const CBOR_DATA: &[u8] = b"\xa2\x64Data";
const CBOR_KEY: &[u8] = b"\x6cPartitionKey";

const NAMES: Names = Names { failed: "\"FailedRecordCount\"", accepted: "\"SequenceNumber\"" };

/// A data stream.
#[derive(Debug)]
pub struct Kinesis {
    stream: String,
    max_record: u64,
    plain_keys: bool,
    cbor: bool,
    packing: Option<Packing>,
    /// The beginning of a request for its shards: the stream's name.
    list: Vec<u8>,
    /// What follows the last record.
    end: Vec<u8>,
}

impl Kinesis {
    /// The stream of this name or ARN, as the flow's settings say.
    pub fn new(stream: &str, flow: &Flow) -> Self {
        let cbor = flow.wire != Wire::Json;
        let max_record = flow.max_record.min(LARGEST_RECORD);
        Self {
            stream: stream.rsplit('/').next().unwrap_or(stream).into(),
            max_record,
            plain_keys: matches!(flow.partition_key, PartitionKey::Random | PartitionKey::Hash),
            cbor,
            packing: flow.aggregation.map(|bytes| Packing::kpl(bytes.min(max_record))),
            list: list_begin(stream),
            end: if cbor { cbor_end(stream) } else { json_end(stream) },
        }
    }

    fn beginning(&self) -> &'static [u8] {
        if self.cbor { CBOR_BEGIN } else { BEGIN }
    }
}

/// The member that names the stream.
fn member(stream: &str) -> &'static str {
    if stream.starts_with("arn:") { "StreamARN" } else { "StreamName" }
}

fn list_begin(stream: &str) -> Vec<u8> {
    let mut body = format!("{{\"{}\":", member(stream)).into_bytes();
    json::string(&mut body, stream);
    body
}

fn json_end(stream: &str) -> Vec<u8> {
    let mut end = format!("],\"{}\":", member(stream)).into_bytes();
    json::string(&mut end, stream);
    end.push(b'}');
    end
}

fn cbor_end(stream: &str) -> Vec<u8> {
    let mut end = vec![cbor::BREAK];
    cbor::text(&mut end, member(stream));
    cbor::text(&mut end, stream);
    end
}

impl Destination for Kinesis {
    fn describe(&self) -> String {
        format!("stream {}", self.stream)
    }

    fn limits(&self) -> Limits {
        Limits { records: MAX_RECORDS, bytes: MAX_BYTES.max(self.max_record), record: self.max_record }
    }

    fn weight(&self, data: u64, key: u64) -> u64 {
        data + key
    }

    fn wire_bound(&self, data: u64, key: u64) -> u64 {
        if self.cbor {
            return (CBOR_DATA.len() + CBOR_KEY.len()) as u64 + data + 1 + key + 2 * cbor::HEAD;
        }
        // Keys of hex digits need no escapes.
        let key = if self.plain_keys { key + 2 } else { json::string_bound(key) };
        (DATA.len() + KEY.len() + 1) as u64 + json::base64_len(data + 1) + key
    }

    fn overhead(&self) -> u64 {
        (self.beginning().len() + self.end.len()) as u64
    }

    fn keyed(&self) -> bool {
        true
    }

    fn concatenates(&self) -> bool {
        false
    }

    fn window(&self) -> u32 {
        WINDOW
    }

    fn begin(&self, body: &mut Vec<u8>) {
        body.extend_from_slice(self.beginning());
    }

    fn separator(&self) -> &'static [u8] {
        if self.cbor { b"" } else { b"," }
    }

    fn record(&self, body: &mut Vec<u8>, data: &[u8], newline: bool, key: &str) {
        body.reserve(self.wire_bound(data.len() as u64, key.len() as u64) as usize);
        if self.cbor {
            body.extend_from_slice(CBOR_DATA);
            cbor::bytes(body, data, newline);
            body.extend_from_slice(CBOR_KEY);
            return cbor::text(body, key);
        }
        body.extend_from_slice(DATA);
        json::base64(body, data, newline);
        body.extend_from_slice(KEY);
        json::string(body, key);
        body.push(b'}');
    }

    fn data(&self, encoded: &[u8]) -> Vec<u8> {
        if self.cbor {
            let data = Reader::new(&encoded[CBOR_DATA.len()..]).bytes();
            return data.expect("we encoded it").into_owned();
        }
        json::data(&encoded[DATA.len()..])
    }

    fn key(&self, encoded: &[u8]) -> String {
        if self.cbor {
            let mut reader = Reader::new(&encoded[CBOR_DATA.len()..]);
            let key = reader.skip().and_then(|()| reader.skip()).and_then(|()| reader.text());
            return key.expect("we encoded it").into_owned();
        }
        // Base64 has no quotes.
        let data = memchr::memchr(b'"', &encoded[DATA.len()..]).unwrap_or_default();
        let key = &encoded[DATA.len() + data + KEY.len()..encoded.len() - 1];
        serde_json::from_slice(key).expect("we encoded it")
    }

    fn packing(&self) -> Option<Packing> {
        self.packing
    }

    fn finish(&self, body: &mut Vec<u8>, _records: u32) {
        body.extend_from_slice(&self.end);
    }

    fn list_shards(&self, token: Option<&str>) -> Option<Vec<u8>> {
        let Some(token) = token else {
            let filter = b",\"ShardFilter\":{\"Type\":\"AT_LATEST\"},\"MaxResults\":1000}";
            return Some([&self.list, &filter[..]].concat());
        };
        let mut body = b"{\"NextToken\":".to_vec();
        json::string(&mut body, token);
        body.push(b'}');
        Some(body)
    }

    fn judge(&self, answer: &Answer, records: u32) -> Verdict {
        aws::judge(&NAMES, answer, records)
    }
}

#[cfg(test)]
mod tests;
