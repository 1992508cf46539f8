//! RFC 5424: `<34>1 TIME HOST APP PID MSGID [ID NAME="VALUE"] MESSAGE`.

use super::Sink;
use super::scan::Scan;
use crate::process::record::{Member, Value};

const NAMES: [&str; 5] = ["timestamp", "hostname", "appname", "procid", "msgid"];

/// Parses a line; `-` is null.
pub(super) fn parse(line: &[u8], sink: &mut Sink<'_, '_>) -> Option<()> {
    let mut scan = Scan(line);
    scan.byte(b'<')?;
    let priority = scan.some_until(b'>').filter(|number| is_number(number, 3))?;
    let version = scan.until(b' ').filter(|number| is_number(number, 3))?;
    sink.text("priority", priority);
    sink.text("version", version);
    let mut header = [&b""[..]; 5];
    for value in &mut header {
        *value = scan.some_until(b' ')?;
    }
    sink.dashed(&NAMES, &header);
    let data = structured(&mut scan, sink)?;
    sink.push("structured_data".into(), data);
    let message = match scan.0 {
        [] => None,
        [b' ', message @ ..] => Some(message.strip_prefix("\u{feff}".as_bytes()).unwrap_or(message)),
        _ => return None,
    };
    sink.option("message", message);
    Some(())
}

fn is_number(text: &[u8], most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.iter().all(u8::is_ascii_digit)
}

/// `-`, or elements without a space between them.
fn structured<'a>(scan: &mut Scan<'_>, sink: &mut Sink<'a, '_>) -> Option<Value<'a>> {
    if scan.byte(b'-').is_some() {
        return Some(Value::Null);
    }
    let mut elements = Vec::new();
    while scan.byte(b'[').is_some() {
        let id = scan.some(|byte| byte > b' ' && !b"=]\"".contains(&byte))?;
        let value = Value::Object(parameters(scan, sink)?);
        elements.push(Member { name: sink.part(id), value });
    }
    (!elements.is_empty()).then_some(Value::Object(elements))
}

fn parameters<'a>(scan: &mut Scan<'_>, sink: &mut Sink<'a, '_>) -> Option<Vec<Member<'a>>> {
    let mut members = Vec::new();
    while scan.byte(b']').is_none() {
        scan.byte(b' ')?;
        let name = scan.some(|byte| byte > b' ' && !b"=]\"".contains(&byte))?;
        scan.byte(b'=')?;
        let quoted = scan.quoted()?;
        let value = if memchr::memchr(b'\\', quoted).is_none() {
            sink.part(quoted)
        } else {
            sink.make(&unescaped(quoted))
        };
        members.push(Member { name: sink.part(name), value: Value::Text(value) });
    }
    Some(members)
}

/// Only `"`, `\` and `]` are escaped; another backslash is itself.
fn unescaped(quoted: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(quoted.len());
    let mut rest = quoted;
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after) {
            (b'\\', [escaped @ (b'"' | b'\\' | b']'), after @ ..]) => {
                out.push(*escaped);
                rest = after;
            }
            _ => out.push(*byte),
        }
    }
    out
}
