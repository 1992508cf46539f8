//! Writing JSON bodies by hand: base64 and strings straight into the body.

use base64_simd::STANDARD;

/// Appends the base64 of `data`, and of a newline after it if `newline`; the data is not copied for that.
pub(in crate::destination) fn base64(body: &mut Vec<u8>, data: &[u8], newline: bool) {
    // Three bytes make four characters without padding, so such groups can be encoded apart from the rest.
    let (groups, rest) = data.split_at(if newline { data.len() - data.len() % 3 } else { data.len() });
    STANDARD.encode_append(groups, body);
    if newline {
        let mut tail = [b'\n'; 3];
        tail[..rest.len()].copy_from_slice(rest);
        STANDARD.encode_append(&tail[..=rest.len()], body);
    }
}

/// The bytes of the base64 that `encoded` begins with, up to its quote.
pub(in crate::destination) fn data(encoded: &[u8]) -> Vec<u8> {
    let end = memchr::memchr(b'"', encoded).unwrap_or(encoded.len());
    STANDARD.decode_to_vec(&encoded[..end]).expect("we encoded it")
}

/// Bytes that the base64 of so many bytes takes.
pub(in crate::destination) const fn base64_len(data: u64) -> u64 {
    data.div_ceil(3) * 4
}

/// Appends a JSON string with its quotes.
pub(in crate::destination) fn string(body: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(body, text).expect("a vector takes every string");
}

/// Most bytes that a string of so many bytes takes, with its quotes: a control character becomes six.
pub(in crate::destination) const fn string_bound(text: u64) -> u64 {
    6 * text + 2
}
