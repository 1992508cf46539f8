//! Records to JSON: compact, UTF-8, members in their order.

use super::record::{Member, Value};
use std::borrow::Cow;

/// Writes an object.
pub(super) fn object(out: &mut Vec<u8>, made: &[u8], members: &[Member<'_>]) {
    out.push(b'{');
    for (at, member) in members.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        string(out, member.name.bytes(made));
        out.push(b':');
        value(out, made, &member.value);
    }
    out.push(b'}');
}

fn value(out: &mut Vec<u8>, made: &[u8], value: &Value<'_>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Text(part) => string(out, part.bytes(made)),
        Value::Json(part) => compact(out, part.bytes(made)),
        Value::Object(members) => object(out, made, members),
    }
}

/// Writes bytes as a string; what is no UTF-8 is replaced by U+FFFD.
pub(super) fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let clean = plain(bytes);
    out.extend_from_slice(&bytes[..clean]);
    if clean < bytes.len() {
        for chunk in bytes[clean..].utf8_chunks() {
            escape(out, chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                out.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
    }
    out.push(b'"');
}

/// How many bytes at the start stand for themselves and are ASCII. Eight are looked at together.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let mut at = 0;
    while let Some(eight) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let low = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = zeros(word ^ (ONES * u64::from(b'"')));
        let backslash = zeros(word ^ (ONES * u64::from(b'\\')));
        if (word | low | quote | backslash) & HIGH != 0 {
            break;
        }
        at += 8;
    }
    at + bytes[at..].iter().position(|byte| !is_plain(*byte)).unwrap_or(bytes.len() - at)
}

fn is_plain(byte: u8) -> bool {
    (0x20..0x80).contains(&byte) && byte != b'"' && byte != b'\\'
}

/// Writes valid UTF-8 with what JSON demands escaped.
fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut done = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => *byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            0..0x20 => b'u',
            _ => continue,
        };
        out.extend_from_slice(&bytes[done..at]);
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            out.extend_from_slice(b"00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        done = at + 1;
    }
    out.extend_from_slice(&bytes[done..]);
}

/// Writes valid JSON without the white space between its tokens.
fn compact(out: &mut Vec<u8>, json: &[u8]) {
    if !matches!(json.first(), Some(b'{' | b'[')) {
        return out.extend_from_slice(json);
    }
    let mut at = 0;
    while at < json.len() {
        let end = token_end(json, at);
        if !json[at].is_ascii_whitespace() {
            out.extend_from_slice(&json[at..end]);
        }
        at = end;
    }
}

/// Where a token of valid JSON ends: a string, or one byte of anything else.
pub(super) fn token_end(json: &[u8], start: usize) -> usize {
    if json[start] != b'"' {
        return start + 1;
    }
    let mut at = start + 1;
    while let Some(next) = memchr::memchr2(b'"', b'\\', &json[at..]) {
        if json[at + next] == b'"' {
            return at + next + 1;
        }
        at = (at + next + 2).min(json.len());
    }
    json.len()
}

/// A JSON string's content. What no text can hold (half of a surrogate pair) stays as it is written.
pub(super) fn unescaped(string: &[u8]) -> Cow<'_, [u8]> {
    let inner = &string[1..string.len() - 1];
    if memchr::memchr(b'\\', inner).is_none() {
        return inner.into();
    }
    match serde_json::from_slice::<String>(string) {
        Ok(text) => Cow::Owned(text.into_bytes()),
        Err(_) => inner.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        string(&mut out, bytes);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn what_json_demands_is_escaped_and_nothing_else() {
        assert_eq!(written(b"a/b \x7f"), "\"a/b \x7f\"");
        assert_eq!(written("é\"\\\n\r\t\u{8}\u{c}\0\u{1f}".as_bytes()), r#""é\"\\\n\r\t\b\f\u0000\u001f""#);
        assert_eq!(written(b"a\xffb\xc3"), "\"a\u{fffd}b\u{fffd}\"");
    }

    #[test]
    fn any_bytes_are_read_back_as_they_are_but_for_broken_text() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..5000 {
            let len = rng.usize(..40);
            let ascii = rng.bool();
            let bytes: Vec<u8> = (0..len).map(|_| if ascii { rng.u8(..0x80) } else { rng.u8(..) }).collect();
            let back: String = serde_json::from_str(&written(&bytes)).expect("JSON");
            assert_eq!(back, String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn white_space_goes_but_for_that_in_strings() {
        let mut out = Vec::new();
        compact(&mut out, br#"{ "a b" : [ 1 , "\" \\" , { } ] }"#);
        assert_eq!(String::from_utf8_lossy(&out), r#"{"a b":[1,"\" \\",{}]}"#);
    }
}
