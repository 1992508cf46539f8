//! What Kinesis and Firehose have in common: how their answers are read.

pub(super) mod cbor;
pub(super) mod codes;
pub(super) mod json;

pub use cbor::{is_map as is_cbor, is_whole_map as is_whole_cbor};

use super::{Answer, Failure, FailureKind, Verdict};
use cbor::Reader;
use memchr::{memchr_iter, memmem};
use serde::Deserialize;
use std::borrow::Cow;

/// The names that differ between the answers of the two services.
#[derive(Debug)]
pub(super) struct Names {
    /// The member that counts the failed records, with its quotes.
    pub failed: &'static str,
    /// The member that every accepted record has and no failed one, with its quotes.
    pub accepted: &'static str,
}

/// An answer to a request of several records; each service uses its own half of the names.
#[derive(Default, Deserialize)]
struct Put<'a> {
    #[serde(rename = "FailedRecordCount", alias = "FailedPutCount")]
    failed: Option<u64>,
    #[serde(borrow, rename = "Records", alias = "RequestResponses")]
    entries: Vec<Entry<'a>>,
}

/// What came of one record.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(borrow, alias = "RecordId")]
    sequence_number: Option<Cow<'a, str>>,
    #[serde(borrow)]
    error_code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    error_message: Option<Cow<'a, str>>,
}

/// What an answer to a request of `records` records means.
pub(super) fn judge(names: &Names, answer: &Answer, records: u32) -> Verdict {
    match answer {
        Answer::Http { status: 200..=299, body, .. } => {
            if nothing_failed(names, body, records) {
                Verdict::Accepted
            } else {
                entry_by_entry(body, records)
            }
        }
        Answer::Http { status, error_type, clock_offset, body } => {
            let failure = codes::failure(*status, error_type.as_deref(), *clock_offset, body);
            // A service that broke down, or a proxy that gave up on it, may have stored some of them first.
            if *status >= 500 && failure.kind == FailureKind::Transient {
                Verdict::Unanswered(failure)
            } else {
                Verdict::Refused(failure)
            }
        }
        Answer::Failed { may_have_arrived: true, failure } => Verdict::Unanswered(failure.clone()),
        Answer::Failed { failure, .. } => Verdict::Refused(failure.clone()),
        Answer::Written => unreadable("no response of a service".into()),
    }
}

/// Why a request failed as a whole, if the answer says so.
pub fn failure_of(answer: &Answer) -> Option<Failure> {
    match answer {
        Answer::Http { status: 200..=299, .. } | Answer::Written => None,
        Answer::Http { status, error_type, clock_offset, body } => {
            Some(codes::failure(*status, error_type.as_deref(), *clock_offset, body))
        }
        Answer::Failed { failure, .. } => Some(failure.clone()),
    }
}

/// The first shard that an answer names, in either encoding.
pub fn shard_in(answer: &Answer) -> Option<&str> {
    let Answer::Http { status: 200..=299, body, .. } = answer else { return None };
    let start = memmem::find(body, SHARD)?;
    let digits = body[start + SHARD.len()..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    str::from_utf8(&body[start..start + SHARD.len() + digits]).ok()
}

/// How the names of shards begin.
const SHARD: &[u8] = b"shardId-";

/// Whether a request may have failed for its encoding: what failed it is nothing that the service says of a request
/// that it could read.
pub fn may_be_for_encoding(answer: &Answer) -> bool {
    matches!(answer, Answer::Http { .. })
        && failure_of(answer).is_some_and(|failure| {
            failure.kind == FailureKind::Transient || failure.code.starts_with("Serialization")
        })
}

/// Whether the answer says so plainly; looks without parsing, because nobody needs 500 sequence numbers.
fn nothing_failed(names: &Names, body: &[u8], records: u32) -> bool {
    counts_zero(names.failed.as_bytes(), body)
        && memchr_iter(b'}', body).count() == records as usize + 1
        && memmem::find(body, b"\"ErrorCode\"").is_none()
        && memmem::find_iter(body, names.accepted).count() == records as usize
}

/// Whether the body has this member with the value 0.
fn counts_zero(member: &[u8], body: &[u8]) -> bool {
    let Some(at) = memmem::find(body, member) else { return false };
    let Some(value) = body[at + member.len()..].trim_ascii_start().strip_prefix(b":") else { return false };
    let Some(rest) = value.trim_ascii_start().strip_prefix(b"0") else { return false };
    matches!(rest.trim_ascii_start().first(), Some(b',' | b'}'))
}

/// Which records failed.
fn entry_by_entry(body: &[u8], records: u32) -> Verdict {
    let put = match put(body) {
        Ok(put) => put,
        Err(why) => return unreadable(format!("{why}, in {}", codes::excerpt(body))),
    };
    if put.entries.len() != records as usize {
        return unreadable(format!("another number of entries: {} for {records} records", put.entries.len()));
    }
    let mut failed: Vec<(u32, Failure)> = Vec::new();
    for (index, entry) in (0..).zip(&put.entries) {
        match (&entry.error_code, &entry.sequence_number) {
            (Some(code), _) => {
                let message = entry.error_message.as_deref().unwrap_or_default();
                let failure = codes::of_record(code, message, failed.last().map(|(_, last)| last));
                failed.push((index, failure));
            }
            (None, Some(_)) => {}
            (None, None) => return unreadable(format!("entry {index} is neither accepted nor failed")),
        }
    }
    match put.failed {
        Some(count) if count > failed.len() as u64 => {
            unreadable(format!("{count} records failed, but {} are named", failed.len()))
        }
        _ if failed.is_empty() => Verdict::Accepted,
        _ => Verdict::Partial(failed),
    }
}

/// The answer in either encoding, whatever was asked; or why it cannot be read.
fn put(body: &[u8]) -> Result<Put<'_>, String> {
    if is_cbor(body) {
        cbor_put(body).ok_or_else(|| "CBOR of another shape".into())
    } else {
        serde_json::from_slice(body).map_err(|error| error.to_string())
    }
}

/// Only Kinesis speaks CBOR.
fn cbor_put(body: &[u8]) -> Option<Put<'_>> {
    let (mut reader, mut put) = (Reader::new(body), Put::default());
    reader.map(|key, value| {
        match key {
            b"FailedRecordCount" => value.or_null(&mut put.failed, Reader::unsigned)?,
            b"Records" => value.array(|entry| {
                put.entries.push(cbor_entry(entry)?);
                Some(())
            })?,
            _ => value.skip()?,
        }
        Some(())
    })?;
    reader.ended()?;
    Some(put)
}

fn cbor_entry<'a>(reader: &mut Reader<'a>) -> Option<Entry<'a>> {
    let mut entry = Entry::default();
    reader.map(|key, value| {
        match key {
            b"SequenceNumber" => value.or_null(&mut entry.sequence_number, Reader::text)?,
            b"ErrorCode" => value.or_null(&mut entry.error_code, Reader::text)?,
            b"ErrorMessage" => value.or_null(&mut entry.error_message, Reader::text)?,
            _ => value.skip()?,
        }
        Some(())
    })?;
    Some(entry)
}

/// Nobody knows what was accepted.
fn unreadable(why: String) -> Verdict {
    Verdict::Unanswered(Failure::new(FailureKind::Transient, "UnreadableAnswer", why))
}

#[cfg(test)]
mod tests;
