//! A body that was encoded as CBOR, as JSON: for an endpoint of which only its answer told that it takes no CBOR.

use super::{BEGIN, DATA, KEY, json};
use crate::destination::aws::cbor::Reader;

/// The same request as JSON; `None` if the body is no CBOR that [`super::Kinesis`] wrote.
pub fn as_json(body: &[u8]) -> Option<Vec<u8>> {
    let mut json = Vec::with_capacity(body.len() * 3 / 2);
    let mut reader = Reader::new(body);
    json.extend_from_slice(BEGIN);
    reader.map(|name, value| {
        if name == b"Records" {
            return value.array(|record| {
                if json.len() > BEGIN.len() {
                    json.push(b',');
                }
                self::record(record, &mut json)
            });
        }
        json.extend_from_slice(b"],\"");
        json.extend_from_slice(name);
        json.extend_from_slice(b"\":");
        json::string(&mut json, &value.text()?);
        Some(())
    })?;
    json.push(b'}');
    Some(json)
}

fn record(reader: &mut Reader<'_>, json: &mut Vec<u8>) -> Option<()> {
    reader.map(|name, value| {
        if name == b"Data" {
            json.extend_from_slice(DATA);
            json::base64(json, &value.bytes()?, false);
        } else {
            json.extend_from_slice(KEY);
            json::string(json, &value.text()?);
        }
        Some(())
    })?;
    json.push(b'}');
    Some(())
}
