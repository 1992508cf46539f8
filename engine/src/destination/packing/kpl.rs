//! The Kinesis Producer Library's aggregated record, by hand
//! (<https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md>): a magic number, a protobuf
//! message of a table of keys (field 1) and of records (field 3), and the MD5 of the message.
//!
//! A consumer drops the whole record if one of its user records hashes outside of the shard that it is read from. So
//! all of them have the one key that the record itself has: wherever that is put, they belong, and no reshard between
//! can change it.

use super::Line;
use md5::{Digest, Md5};

const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];

/// Bytes of the MD5 at the end.
const TRAILER: usize = 16;

/// The message's fields: tags of their number and "bytes of a length that follows".
const KEYS: u8 = 1 << 3 | 2;
const RECORDS: u8 = 3 << 3 | 2;

/// A user record's first field, which of the keys is its own: always the first. Its data is field 3.
const FIRST_KEY: [u8; 2] = [1 << 3, 0];
const DATA: u8 = 3 << 3 | 2;

/// Bytes of an aggregated record without user records.
pub(super) fn overhead(key: u64) -> u64 {
    (MAGIC.len() + TRAILER) as u64 + field(key)
}

/// Bytes that a user record adds.
pub(super) fn line(data: u64) -> u64 {
    field(user(data))
}

/// Appends an aggregated record.
pub(super) fn pack<'a>(out: &mut Vec<u8>, lines: impl Iterator<Item = Line<'a>>, key: &str) {
    out.extend_from_slice(&MAGIC);
    let start = out.len();
    out.push(KEYS);
    varint(out, key.len() as u64);
    out.extend_from_slice(key.as_bytes());
    for line in lines {
        let length = line.len() as u64;
        out.push(RECORDS);
        varint(out, user(length));
        out.extend_from_slice(&FIRST_KEY);
        out.push(DATA);
        varint(out, length);
        line.append(out);
    }
    let hash = Md5::digest(&out[start..]);
    out.extend_from_slice(&hash);
}

/// The data of the user records of an aggregated record that [`pack`] made.
pub(super) fn unpack(data: &[u8]) -> Vec<&[u8]> {
    let mut rest = &data[MAGIC.len()..data.len() - TRAILER];
    let mut lines = Vec::new();
    while let Some((tag, after)) = rest.split_first() {
        rest = after;
        let mut record = take(&mut rest);
        if *tag == RECORDS {
            record = &record[FIRST_KEY.len() + 1..];
            lines.push(take(&mut record));
        }
    }
    lines
}

/// Bytes of a user record's message.
fn user(data: u64) -> u64 {
    FIRST_KEY.len() as u64 + field(data)
}

/// Bytes of a field of so many bytes, with its tag and length.
fn field(bytes: u64) -> u64 {
    1 + u64::from((bytes | 1).ilog2() / 7 + 1) + bytes
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The next bytes of a length that comes before them.
fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (mut length, mut shift) = (0, 0);
    while let Some((byte, after)) = rest.split_first() {
        *rest = after;
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if *byte < 0x80 {
            break;
        }
    }
    let (taken, after) = rest.split_at(length);
    *rest = after;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(lines: &[Vec<u8>], key: &str) -> Vec<u8> {
        let mut out = Vec::new();
        pack(&mut out, lines.iter().map(|data| Line { data, newline: false }), key);
        out
    }

    #[test]
    fn a_record_has_the_bytes_that_the_format_says() {
        let expected = b"\xf3\x89\x9a\xc2\x0a\x01k\x1a\x05\x08\x00\x1a\x01a\x1a\x06\x08\x00\x1a\x02b\n";
        let mut out = Vec::new();
        let lines = [Line { data: b"a", newline: false }, Line { data: b"b", newline: true }];
        pack(&mut out, lines.into_iter(), "k");
        let (record, hash) = out.split_at(out.len() - TRAILER);
        assert_eq!(record, expected);
        assert_eq!(hash, Md5::digest(&expected[MAGIC.len()..]).as_slice());
    }

    #[test]
    fn lines_come_back_and_sizes_are_exact() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..300 {
            let length = |rng: &mut fastrand::Rng| match rng.u32(..4) {
                0 => rng.usize(110..140),
                1 => rng.usize(16_370..16_400),
                _ => rng.usize(..300),
            };
            let lines: Vec<Vec<u8>> =
                (0..rng.usize(1..20)).map(|_| vec![rng.u8(..); length(&mut rng)]).collect();
            let key = "k".repeat(rng.usize(1..200));
            let out = packed(&lines, &key);
            assert_eq!(unpack(&out), lines);
            let sizes: u64 = lines.iter().map(|data| line(data.len() as u64)).sum();
            assert_eq!(out.len() as u64, overhead(key.len() as u64) + sizes);
        }
    }
}
