//! Partition keys.

use crate::settings::PartitionKey;
use md5::{Digest, Md5};
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

/// Longest key, in Unicode characters (`PutRecordsRequestEntry` in the Kinesis API reference).
pub const MAX_KEY_CHARS: usize = 256;

/// Keys that are drawn for a shard before one is taken that may lead to another.
const MOST_DRAWS: u32 = 1024;

/// How the keys of one file's records are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRule {
    /// The destination takes none.
    None,
    /// 16 hex digits, new for each record.
    Random,
    /// The same for all records.
    Fixed(Arc<str>),
    /// Lower-case hex MD5 of the record.
    Hash,
    /// The top-level member of this name; random where there is none.
    Field(Arc<str>),
}

/// Most bytes that a record's key takes, whatever the file.
pub fn longest_key(key: &PartitionKey, keyed: bool) -> u64 {
    match key {
        _ if !keyed => 0,
        PartitionKey::Random => 16,
        PartitionKey::Hash => 32,
        PartitionKey::Const(text) => text.len() as u64,
        PartitionKey::File | PartitionKey::Field(_) => MAX_KEY_CHARS as u64 * 4,
    }
}

impl KeyRule {
    /// For the records of the file first seen at `path`.
    pub fn new(key: &PartitionKey, host: &str, path: &Path) -> Self {
        match key {
            PartitionKey::Random => Self::Random,
            PartitionKey::File => Self::Fixed(file_key(host, path)),
            PartitionKey::Hash => Self::Hash,
            PartitionKey::Field(name) => Self::Field(name.as_str().into()),
            PartitionKey::Const(text) => Self::Fixed(text.as_str().into()),
        }
    }

    /// Most bytes a key takes.
    pub fn longest(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::Random => 16,
            Self::Fixed(key) => key.len() as u64,
            Self::Hash => 32,
            Self::Field(_) => MAX_KEY_CHARS as u64 * 4,
        }
    }

    /// Whether a record of both may have one key.
    pub fn shares(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) | (Self::Random, Self::Random) => true,
            (Self::Fixed(one), Self::Fixed(two)) => one == two,
            _ => false,
        }
    }

    /// The key of a record for which any would do: one whose hash lies in this range, if it is not too hard to find.
    pub fn key_in<'a>(
        &'a self,
        target: Option<&RangeInclusive<u128>>,
        record: &[u8],
        rng: &mut fastrand::Rng,
        scratch: &'a mut String,
    ) -> &'a str {
        if let (Self::Random, Some(range)) = (self, target) {
            for _ in 0..MOST_DRAWS {
                scratch.clear();
                random(rng, scratch);
                if range.contains(&hash_key(scratch)) {
                    return scratch;
                }
            }
        }
        self.key(record, rng, scratch)
    }

    /// The key of a record.
    pub fn key<'a>(&'a self, record: &[u8], rng: &mut fastrand::Rng, scratch: &'a mut String) -> &'a str {
        scratch.clear();
        match self {
            Self::None => "",
            Self::Fixed(key) => key,
            Self::Random => random(rng, scratch),
            Self::Hash => {
                hex_md5(record, scratch);
                scratch
            }
            Self::Field(name) => match field(record, name) {
                Some(key) => {
                    *scratch = limited(key);
                    scratch
                }
                None => random(rng, scratch),
            },
        }
    }
}

/// Where a record of this key goes
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecordsRequestEntry.html>).
pub fn hash_key(key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(key).into())
}

fn random<'a>(rng: &mut fastrand::Rng, scratch: &'a mut String) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let value = rng.u64(..);
    for shift in (0..16).rev() {
        scratch.push(char::from(DIGITS[(value >> (shift * 4)) as usize & 15]));
    }
    scratch
}

fn file_key(host: &str, path: &Path) -> Arc<str> {
    if let Some(path) = path.to_str() {
        limited(format!("{host}:{path}")).into()
    } else {
        let mut key = String::new();
        let bytes = [host.as_bytes(), b":", path.as_os_str().as_encoded_bytes()].concat();
        hex_md5(&bytes, &mut key);
        key.into()
    }
}

/// The key, or its MD5 if it is too long.
fn limited(key: String) -> String {
    // Bytes bound characters from above: most keys are told by their length alone.
    if key.len() <= MAX_KEY_CHARS || key.chars().count() <= MAX_KEY_CHARS {
        return key;
    }
    let mut hash = String::new();
    hex_md5(key.as_bytes(), &mut hash);
    hash
}

fn hex_md5(bytes: &[u8], out: &mut String) {
    for byte in Md5::digest(bytes) {
        let _ = write!(out, "{byte:02x}");
    }
}

/// The top-level member `name` of a JSON object, if it is a non-empty scalar.
fn field(record: &[u8], name: &str) -> Option<String> {
    if !record.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(record).ok()?;
    match object.get(name)? {
        serde_json::Value::String(text) if !text.is_empty() => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(rule: &KeyRule, record: &[u8]) -> String {
        rule.key(record, &mut fastrand::Rng::with_seed(1), &mut String::new()).to_owned()
    }

    #[test]
    fn random_keys_are_sixteen_hex_digits_and_differ() {
        let mut rng = fastrand::Rng::with_seed(1);
        let (mut a, mut b) = (String::new(), String::new());
        let a = KeyRule::Random.key(b"x", &mut rng, &mut a).to_owned();
        let b = KeyRule::Random.key(b"x", &mut rng, &mut b).to_owned();
        assert_eq!(a.len(), 16);
        assert!(a.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(a, b);
    }

    #[test]
    fn the_file_key_is_host_colon_path_or_its_md5() {
        let rule = KeyRule::new(&PartitionKey::File, "web-1", Path::new("/var/log/a.log"));
        assert_eq!(key_of(&rule, b"x"), "web-1:/var/log/a.log");
        let long = format!("/{}", "d".repeat(300));
        let rule = KeyRule::new(&PartitionKey::File, "web-1", Path::new(&long));
        assert_eq!(key_of(&rule, b"x").len(), 32);
    }

    #[test]
    fn a_key_of_256_characters_is_kept_however_many_bytes_it_has() {
        let record = format!("{{\"id\":\"{}\"}}", "é".repeat(256));
        let rule = KeyRule::Field("id".into());
        assert_eq!(key_of(&rule, record.as_bytes()), "é".repeat(256));
        let record = format!("{{\"id\":\"{}\"}}", "é".repeat(257));
        assert_eq!(key_of(&rule, record.as_bytes()).len(), 32);
    }

    #[test]
    fn a_field_key_takes_scalars_and_is_random_without_one() {
        let rule = KeyRule::Field("id".into());
        assert_eq!(key_of(&rule, br#" {"id":"u1","n":2}"#), "u1");
        assert_eq!(key_of(&rule, br#"{"id":17}"#), "17");
        for record in [&br#"{"id":""}"#[..], br#"{"id":[1]}"#, br#"{"x":1}"#, b"plain", b"{broken"] {
            let key = key_of(&rule, record);
            assert_eq!((key.len(), key.bytes().all(|b| b.is_ascii_hexdigit())), (16, true));
        }
    }

    #[test]
    fn the_hash_key_is_the_md5_of_the_record() {
        assert_eq!(key_of(&KeyRule::Hash, b"abc"), "900150983cd24fb0d6963f7d28e17f72");
    }
}
