//! The pure half of Firehose: bodies for `PutRecordBatch`, written by hand.

use super::aws::{self, Names, json};
use super::packing::Packing;
use super::{Answer, Destination, Limits, Verdict};
use crate::settings::{KIB, MIB};

/// 500 records; 4 MiB a request, of which AWS does not say whether base64 counts: 3 MiB are 4 MiB with it;
/// 1,000 KiB a record before base64
/// (<https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html>).
const LIMITS: Limits = Limits { records: 500, bytes: 3 * MIB, record: 1000 * KIB };

/// Our own choice: the quota of requests belongs to the delivery stream, shared by all hosts.
const WINDOW: u32 = 4;

const DATA: &[u8] = b"{\"Data\":\"";
const CLOSE: &[u8] = b"\"}";
const END: &[u8] = b"]}";
const NAMES: Names = Names { failed: "\"FailedPutCount\"", accepted: "\"RecordId\"" };

/// A delivery stream.
#[derive(Debug)]
pub struct Firehose {
    name: String,
    /// What goes before the first record.
    begin: Vec<u8>,
    packing: Option<Packing>,
}

impl Firehose {
    /// The delivery stream of this name. Lines are joined to records of so many bytes, if given.
    pub fn new(name: &str, aggregation: Option<u64>) -> Self {
        let mut begin = b"{\"DeliveryStreamName\":".to_vec();
        json::string(&mut begin, name);
        begin.extend_from_slice(b",\"Records\":[");
        let packing = aggregation.map(|bytes| Packing::joined(bytes.min(LIMITS.record)));
        Self { name: name.into(), begin, packing }
    }
}

impl Destination for Firehose {
    fn describe(&self) -> String {
        format!("delivery stream {}", self.name)
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn weight(&self, data: u64, _key: u64) -> u64 {
        data + 1
    }

    fn wire_bound(&self, data: u64, _key: u64) -> u64 {
        (DATA.len() + CLOSE.len()) as u64 + json::base64_len(data + 1)
    }

    fn overhead(&self) -> u64 {
        (self.begin.len() + END.len()) as u64
    }

    fn keyed(&self) -> bool {
        false
    }

    fn concatenates(&self) -> bool {
        true
    }

    fn prompt(&self) -> bool {
        false
    }

    fn window(&self) -> u32 {
        WINDOW
    }

    fn begin(&self, body: &mut Vec<u8>) {
        body.extend_from_slice(&self.begin);
    }

    fn separator(&self) -> &'static [u8] {
        b","
    }

    fn record(&self, body: &mut Vec<u8>, data: &[u8], newline: bool, _key: &str) {
        body.reserve(self.wire_bound(data.len() as u64, 0) as usize);
        body.extend_from_slice(DATA);
        json::base64(body, data, newline);
        body.extend_from_slice(CLOSE);
    }

    fn data(&self, encoded: &[u8]) -> Vec<u8> {
        json::data(&encoded[DATA.len()..])
    }

    fn key(&self, _encoded: &[u8]) -> String {
        String::new()
    }

    fn packing(&self) -> Option<Packing> {
        self.packing
    }

    fn finish(&self, body: &mut Vec<u8>, _records: u32) {
        body.extend_from_slice(END);
    }

    fn judge(&self, answer: &Answer, records: u32) -> Verdict {
        aws::judge(&NAMES, answer, records)
    }
}

#[cfg(test)]
mod tests;
