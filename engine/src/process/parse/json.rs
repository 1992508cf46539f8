//! JSON objects: their members, in their order, each value as it was written.

use super::Sink;
use crate::process::record::{Part, Value};
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Parses an object. What of it is no UTF-8 is replaced first: JSON is UTF-8.
pub(super) fn parse(text: &[u8], sink: &mut Sink<'_, '_>) -> Option<()> {
    match std::str::from_utf8(text) {
        Ok(json) => object(json, Seed { sink, owned: false }),
        Err(_) => object(&String::from_utf8_lossy(text), Seed { sink, owned: true }),
    }
}

fn object(json: &str, seed: Seed<'_, '_, '_>) -> Option<()> {
    let mut reader = serde_json::Deserializer::from_str(json);
    seed.deserialize(&mut reader).ok()?;
    reader.end().ok()
}

struct Seed<'s, 'a, 'w> {
    sink: &'s mut Sink<'a, 'w>,
    /// What is read is not the sink's text.
    owned: bool,
}

impl<'a> Seed<'_, 'a, '_> {
    fn part(&mut self, slice: &[u8]) -> Part<'a> {
        if self.owned { self.sink.make(slice) } else { self.sink.part(slice) }
    }

    fn value(&mut self, json: &str) -> Value<'a> {
        let json = json.as_bytes();
        match json {
            b"null" => Value::Null,
            [b'"', inner @ .., b'"'] if memchr::memchr(b'\\', inner).is_none() => {
                Value::Text(self.part(inner))
            }
            _ => Value::Json(self.part(json)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let name = match name {
                Cow::Borrowed(name) => self.part(name.as_bytes()),
                Cow::Owned(name) => self.sink.make(name.as_bytes()),
            };
            let value = map.next_value::<&RawValue>()?;
            let value = self.value(value.get());
            self.sink.push(name, value);
        }
        Ok(())
    }
}

/// A name, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Name<'n>(#[serde(borrow)] Cow<'n, str>);
