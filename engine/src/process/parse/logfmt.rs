//! logfmt: `key=value key="a value" key`.

use super::Sink;
use super::scan::Scan;
use crate::process::record::Value;

/// Parses a line with at least one `key=value`; a key alone is true.
pub(super) fn parse(line: &[u8], sink: &mut Sink<'_, '_>) -> Option<()> {
    let mut scan = Scan(line);
    let mut pairs = 0;
    loop {
        scan.all(|byte| byte <= b' ');
        if scan.0.is_empty() {
            return (pairs > 0).then_some(());
        }
        let key = scan.some(|byte| byte > b' ' && byte != b'=' && byte != b'"')?;
        let name = sink.part(key);
        let value = if scan.byte(b'=').is_some() {
            pairs += 1;
            value(&mut scan, sink)?
        } else {
            Value::json("true")
        };
        sink.push(name, value);
    }
}

fn value<'a>(scan: &mut Scan<'_>, sink: &mut Sink<'a, '_>) -> Option<Value<'a>> {
    if scan.0.first() != Some(&b'"') {
        let bare = scan.all(|byte| byte > b' ' && byte != b'"');
        return Some(Value::Text(sink.part(bare)));
    }
    let quoted = scan.quoted()?;
    if memchr::memchr(b'\\', quoted).is_none() {
        return Some(Value::Text(sink.part(quoted)));
    }
    Some(Value::Text(sink.make(&unescaped(quoted))))
}

/// A backslash stands for what it does in Go's strings as far as those are of one letter; else the byte after it.
fn unescaped(quoted: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    while let Some(byte) = bytes.next() {
        let escaped = if *byte == b'\\' { bytes.next() } else { None };
        out.push(match escaped {
            None => *byte,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(other) => *other,
        });
    }
    out
}
