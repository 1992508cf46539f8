//! As much of CBOR (RFC 8949) as the services' requests and answers need, written and read by hand.

use std::borrow::Cow;

/// Major types: the upper three bits of an item's first byte.
const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// What the other bits of an item's first byte say of a length that follows.
const ONE_BYTE: u8 = 0x18;
const TWO_BYTES: u8 = 0x19;
const FOUR_BYTES: u8 = 0x1a;

const NULL: u8 = 0xf6;

/// Ends what began without a length.
pub(in crate::destination) const BREAK: u8 = 0xff;

/// Most bytes of an item's head where its length is under 4 GiB.
pub(in crate::destination) const HEAD: u64 = 5;

/// Containers inside of each other that are skipped; deeper ones are no answer of the services.
const DEPTH: u32 = 16;

/// Whether this is CBOR of a map. Neither JSON nor any other text in UTF-8 begins like one, so that the bytes tell
/// what a content type does that a proxy may have changed.
pub fn is_map(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first >> 5 == MAP)
}

/// Whether this is CBOR of one map with nothing missing and nothing after it.
pub fn is_whole_map(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    is_map(bytes) && reader.skip().is_some() && reader.ended().is_some()
}

/// Appends a byte string of `data`, and of a newline after it if `newline`.
pub(in crate::destination) fn bytes(body: &mut Vec<u8>, data: &[u8], newline: bool) {
    head(body, BYTES, data.len() + usize::from(newline));
    body.extend_from_slice(data);
    if newline {
        body.push(b'\n');
    }
}

/// Appends a text.
pub(in crate::destination) fn text(body: &mut Vec<u8>, text: &str) {
    head(body, TEXT, text.len());
    body.extend_from_slice(text.as_bytes());
}

fn head(body: &mut Vec<u8>, major: u8, length: usize) {
    let major = major << 5;
    match length {
        0..24 => body.push(major | length as u8),
        24..0x100 => body.extend_from_slice(&[major | ONE_BYTE, length as u8]),
        0x100..0x1_0000 => {
            body.push(major | TWO_BYTES);
            body.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            body.push(major | FOUR_BYTES);
            body.extend_from_slice(&(length as u32).to_be_bytes());
        }
    }
}

/// Reads item after item. `None` from any of its functions: the bytes are cut, or of another shape.
#[derive(Debug)]
pub(in crate::destination) struct Reader<'a> {
    rest: &'a [u8],
}

/// An item's beginning.
struct Head {
    major: u8,
    /// A value or length; `None`: up to a break.
    argument: Option<u64>,
}

impl<'a> Reader<'a> {
    /// Begins with the first item.
    pub(in crate::destination) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Nothing is left.
    pub(in crate::destination) fn ended(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }

    /// A map with texts as keys; `each` gets a key, and reads its value.
    pub(in crate::destination) fn map(
        &mut self,
        mut each: impl FnMut(&[u8], &mut Self) -> Option<()>,
    ) -> Option<()> {
        self.items(MAP, |reader| {
            let key = reader.string(TEXT)?;
            each(&key, reader)
        })
    }

    /// An array; `each` reads an element.
    pub(in crate::destination) fn array(&mut self, each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.items(ARRAY, each)
    }

    /// A byte string.
    pub(in crate::destination) fn bytes(&mut self) -> Option<Cow<'a, [u8]>> {
        self.string(BYTES)
    }

    /// A text.
    pub(in crate::destination) fn text(&mut self) -> Option<Cow<'a, str>> {
        match self.string(TEXT)? {
            Cow::Borrowed(text) => std::str::from_utf8(text).ok().map(Cow::Borrowed),
            Cow::Owned(text) => String::from_utf8(text).ok().map(Cow::Owned),
        }
    }

    /// Puts what `read` reads into `place`, or nothing for a null.
    pub(in crate::destination) fn or_null<T>(
        &mut self,
        place: &mut Option<T>,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix(&[NULL]) {
            self.rest = rest;
            *place = None;
        } else {
            *place = Some(read(self)?);
        }
        Some(())
    }

    /// A number that is not negative.
    pub(in crate::destination) fn unsigned(&mut self) -> Option<u64> {
        self.head().filter(|head| head.major == UNSIGNED)?.argument
    }

    /// Passes over an item.
    pub(in crate::destination) fn skip(&mut self) -> Option<()> {
        self.skip_to(DEPTH)
    }

    fn skip_to(&mut self, depth: u32) -> Option<()> {
        let below = depth.checked_sub(1)?;
        let before = self.rest;
        let head = self.head()?;
        match head.major {
            BYTES | TEXT => {
                self.rest = before;
                self.string(head.major).map(drop)
            }
            ARRAY => self.each(head.argument, |reader| reader.skip_to(below)),
            MAP => self.each(head.argument, |reader| {
                reader.skip_to(below)?;
                reader.skip_to(below)
            }),
            _ => head.argument.map(drop),
        }
    }

    fn items(&mut self, major: u8, each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let head = self.head().filter(|head| head.major == major)?;
        self.each(head.argument, each)
    }

    fn each(&mut self, count: Option<u64>, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if let Some(count) = count {
            return (0..count).try_for_each(|_| each(self));
        }
        while !self.breaks()? {
            each(self)?;
        }
        Some(())
    }

    /// Whether a break comes, which is then read.
    fn breaks(&mut self) -> Option<bool> {
        let (first, rest) = self.rest.split_first()?;
        if *first == BREAK {
            self.rest = rest;
        }
        Some(*first == BREAK)
    }

    /// A string of this type, whole or in pieces.
    fn string(&mut self, major: u8) -> Option<Cow<'a, [u8]>> {
        let head = self.head().filter(|head| head.major == major)?;
        if let Some(length) = head.argument {
            return self.take(length).map(Cow::Borrowed);
        }
        let mut whole = Vec::new();
        while !self.breaks()? {
            let length = self.head().filter(|head| head.major == major)?.argument?;
            whole.extend_from_slice(self.take(length)?);
        }
        Some(Cow::Owned(whole))
    }

    /// An item's beginning, without the tags before it.
    fn head(&mut self) -> Option<Head> {
        loop {
            let (first, rest) = self.rest.split_first()?;
            self.rest = rest;
            let (major, low) = (first >> 5, first & 31);
            let argument = match low {
                0..24 => Some(u64::from(low)),
                24..28 => {
                    let bytes = self.take(1 << (low - 24))?;
                    Some(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
                }
                31 if matches!(major, BYTES | TEXT | ARRAY | MAP) => None,
                _ => return None,
            };
            if major != TAG {
                return Some(Head { major, argument });
            }
        }
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_every_length_come_back() {
        for length in [0, 1, 23, 24, 255, 256, 65_535, 65_536, 70_000] {
            let data = vec![b'x'; length];
            let mut body = Vec::new();
            bytes(&mut body, &data, true);
            text(&mut body, &"é".repeat(length / 2));
            let mut reader = Reader::new(&body);
            let read = reader.bytes().expect("bytes");
            assert_eq!((&read[..length], &read[length..]), (&data[..], &b"\n"[..]));
            assert_eq!(reader.text().expect("a text"), "é".repeat(length / 2));
            reader.ended().expect("nothing is left");
        }
    }

    #[test]
    fn pieces_tags_and_what_nobody_needs_are_read_over() {
        // {_ "a": (_ "x", "yz"), "b": 1(-1), "c": [_ 1.5, {"d": null}, h'00'], "n": null}
        let body = b"\xbf\x61a\x7f\x61x\x62yz\xff\x61b\xc1\x20\x61c\x9f\xf9\x3e\x00\xa1\x61d\xf6\x41\x00\xff\x61n\xf6\xff";
        let (mut a, mut n) = (None, Some("x".into()));
        let mut reader = Reader::new(body);
        reader
            .map(|key, value| {
                match key {
                    b"a" => a = Some(value.text()?.into_owned()),
                    b"n" => value.or_null(&mut n, Reader::text)?,
                    _ => value.skip()?,
                }
                Some(())
            })
            .expect("a map");
        assert_eq!((a.as_deref(), n), (Some("xyz"), None));
        reader.ended().expect("nothing is left");
        for end in 0..body.len() {
            assert!(!is_whole_map(&body[..end]), "cut at {end}");
        }
        assert!(is_whole_map(body) && !is_whole_map(&[body, &b"\xf6"[..]].concat()));
    }

    #[test]
    fn nothing_endless_or_bottomless_is_read() {
        assert!(Reader::new(&[0x81; 1000]).skip().is_none());
        assert!(Reader::new(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff").skip().is_none());
        assert!(Reader::new(b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff").skip().is_none());
        assert!(is_map(b"\xa0") && is_map(b"\xbf") && !is_map(b"{}") && !is_map(b"<html>") && !is_map(b""));
    }
}
