//! A consumer with the Kinesis Client Library: takes aggregated records apart, and drops one of which a user record does
//! not belong into the shard. Shares no code with the engine.

use super::check;
use crate::oracle::Broken;
use md5::{Digest, Md5};

const MAGIC: &[u8] = &[0xf3, 0x89, 0x9a, 0xc2];

/// A field of a protobuf message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// What the consumer gets of a record that was put with this partition key; nothing if it drops it.
pub(super) fn lines(data: &[u8], key: &str) -> Result<Vec<Vec<u8>>, Broken> {
    let Some(rest) = data.strip_prefix(MAGIC) else { return Ok(vec![data.to_vec()]) };
    let well = |holds, text: &str| check(holds, "aggregated records are well formed", text);
    well(rest.len() >= 16, "no trailer")?;
    let (message, hash) = rest.split_at(rest.len() - 16);
    well(Md5::digest(message).as_slice() == hash, "another MD5")?;
    let (mut keys, mut lines) = (Vec::new(), Vec::new());
    for (number, field) in fields(message)? {
        match (number, field) {
            (1, Field::Bytes(key)) => keys.push(String::from_utf8_lossy(key).into_owned()),
            (3, Field::Bytes(record)) => lines.push(user(record, &keys)?),
            _ => well(false, &format!("field {number}"))?,
        }
    }
    well(lines.len() > 1, "a lone record is sent plain")?;
    for (at, _) in &lines {
        // The library drops it where the hashes fall on both sides of a shard's border: with any but the same hash there
        // is a border, after some reshard, between them.
        check(hash_key(at) == hash_key(key), "no consumer drops a record", at)?;
    }
    Ok(lines.into_iter().map(|(_, data)| data).collect())
}

/// A user record's key and data.
fn user(message: &[u8], keys: &[String]) -> Result<(String, Vec<u8>), Broken> {
    let (mut key, mut data) = (None, None);
    for (number, field) in fields(message)? {
        match (number, field) {
            (1, Field::Number(index)) => key = keys.get(index as usize).cloned(),
            (3, Field::Bytes(bytes)) => data = Some(bytes.to_vec()),
            _ => {}
        }
    }
    key.zip(data).ok_or_else(|| Broken::new("aggregated records are well formed", "a record lacks a field"))
}

fn hash_key(key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(key).into())
}

fn fields(mut message: &[u8]) -> Result<Vec<(u64, Field<'_>)>, Broken> {
    let cut = || Broken::new("aggregated records are well formed", "a message is cut");
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = number(&mut message).ok_or_else(cut)?;
        let value = number(&mut message).ok_or_else(cut)?;
        let field = match tag & 7 {
            0 => Field::Number(value),
            2 => {
                let (bytes, rest) = message.split_at_checked(value as usize).ok_or_else(cut)?;
                message = rest;
                Field::Bytes(bytes)
            }
            _ => return Err(cut()),
        };
        fields.push((tag >> 3, field));
    }
    Ok(fields)
}

fn number(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}
