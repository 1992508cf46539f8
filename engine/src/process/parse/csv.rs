//! CSV: columns between delimiters, in quotes where they hold one.

use super::Sink;
use super::scan::Scan;
use crate::process::record::{Part, Value};

/// How a line of CSV looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csv {
    /// The columns' names.
    pub columns: Vec<String>,
    /// What is between columns.
    pub delimiter: u8,
}

impl Csv {
    /// Missing columns are null, surplus ones are left out.
    pub(super) fn parse<'a>(&'a self, line: &[u8], sink: &mut Sink<'a, '_>) -> Option<()> {
        let mut scan = Some(Scan(line));
        for column in &self.columns {
            let value = match &mut scan {
                Some(rest) => self.value(rest, sink)?,
                None => Value::Null,
            };
            // What follows a value is a delimiter, or there is no other value.
            scan = scan.and_then(|mut rest| rest.byte(self.delimiter).map(|()| rest));
            sink.push(Part::from(column.as_str()), value);
        }
        Some(())
    }

    fn value<'a>(&self, scan: &mut Scan<'_>, sink: &mut Sink<'a, '_>) -> Option<Value<'a>> {
        if scan.byte(b'"').is_none() {
            let bare = scan.all(|byte| byte != self.delimiter);
            return Some(Value::Text(sink.part(bare)));
        }
        let (inner, doubled) = quoted(scan)?;
        if !scan.0.is_empty() && scan.0[0] != self.delimiter {
            return None;
        }
        if !doubled {
            return Some(Value::Text(sink.part(inner)));
        }
        let mut text = inner.to_vec();
        let mut last = 0;
        // Two quotes stand for one: each second one goes.
        text.retain(|byte| {
            last = if *byte == b'"' { last + 1 } else { 0 };
            last % 2 == 0 || *byte != b'"'
        });
        Some(Value::Text(sink.make(&text)))
    }
}

/// What is before the closing quote, and whether there are doubled ones in it.
fn quoted<'t>(scan: &mut Scan<'t>) -> Option<(&'t [u8], bool)> {
    let all = scan.0;
    let mut at = 0;
    let mut doubled = false;
    loop {
        at += memchr::memchr(b'"', &all[at..])?;
        if all.get(at + 1) != Some(&b'"') {
            scan.0 = &all[at + 1..];
            return Some((&all[..at], doubled));
        }
        doubled = true;
        at += 2;
    }
}
