//! The pure half of `stdout`: records one after the other, each with its newline.

use super::file::{judge_written, plain_record};
use super::{Answer, Destination, Limits, Verdict};
use crate::settings::MIB;

/// Standard output.
#[derive(Debug)]
pub struct Stdout;

impl Destination for Stdout {
    fn describe(&self) -> String {
        "stdout".into()
    }

    fn limits(&self) -> Limits {
        Limits { records: 10_000, bytes: 8 * MIB, record: 64 * MIB }
    }

    fn weight(&self, data: u64, _key: u64) -> u64 {
        data + 1
    }

    fn wire_bound(&self, data: u64, _key: u64) -> u64 {
        data + 1
    }

    fn overhead(&self) -> u64 {
        0
    }

    fn keyed(&self) -> bool {
        false
    }

    fn concatenates(&self) -> bool {
        true
    }

    fn in_order(&self) -> bool {
        true
    }

    fn window(&self) -> u32 {
        1
    }

    fn begin(&self, _body: &mut Vec<u8>) {}

    fn separator(&self) -> &'static [u8] {
        b""
    }

    fn record(&self, body: &mut Vec<u8>, data: &[u8], newline: bool, _key: &str) {
        plain_record(body, data, newline);
    }

    fn data(&self, encoded: &[u8]) -> Vec<u8> {
        encoded.to_vec()
    }

    fn key(&self, _encoded: &[u8]) -> String {
        String::new()
    }

    fn finish(&self, _body: &mut Vec<u8>, _records: u32) {}

    fn judge(&self, answer: &Answer, _records: u32) -> Verdict {
        judge_written(answer)
    }
}
