//! The open shards of a stream, from the pages of `ListShards`
//! (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html>).

use serde::Deserialize;
use std::ops::RangeInclusive;

/// An open shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its name, as answers bear it.
    pub id: String,
    /// The hash keys that it takes.
    pub range: RangeInclusive<u128>,
}

/// Why a listing is of no use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is not what the service documents.
    #[error("ListShards: the answer cannot be read")]
    Unreadable,
    /// A reshard went on between two pages, or the service does not tell all.
    #[error("ListShards: the open shards do not cover all hash keys once")]
    Gaps,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    shards: Vec<Shard>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Shard {
    #[serde(rename = "ShardId")]
    id: String,
    hash_key_range: HashKeys,
    #[serde(default)]
    sequence_number_range: Sequence,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HashKeys {
    starting_hash_key: String,
    ending_hash_key: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sequence {
    ending_sequence_number: Option<String>,
}

/// Adds the open shards of a page. Returns the token of the next one, if there is one.
pub fn add_page(found: &mut Vec<Open>, body: &[u8]) -> Result<Option<String>, Unusable> {
    let page: Page = serde_json::from_slice(body).map_err(|_| Unusable::Unreadable)?;
    for shard in page.shards {
        // Emulators name closed shards too, whatever the filter asks for.
        if shard.sequence_number_range.ending_sequence_number.is_some() {
            continue;
        }
        let number = |text: &str| text.parse::<u128>().map_err(|_| Unusable::Unreadable);
        let keys = &shard.hash_key_range;
        let range = number(&keys.starting_hash_key)?..=number(&keys.ending_hash_key)?;
        found.push(Open { id: shard.id, range });
    }
    Ok(page.next_token)
}

/// All pages together, in the order of their hash keys.
pub fn whole(mut found: Vec<Open>) -> Result<Vec<Open>, Unusable> {
    found.sort_by_key(|shard| *shard.range.start());
    let mut next = Some(0);
    for shard in &found {
        if next != Some(*shard.range.start()) || shard.range.is_empty() {
            return Err(Unusable::Gaps);
        }
        next = shard.range.end().checked_add(1);
    }
    // The last one ends with the last of all keys.
    if next.is_some() { Err(Unusable::Gaps) } else { Ok(found) }
}
