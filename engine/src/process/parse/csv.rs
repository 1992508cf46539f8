//! CSV: columns between delimiters, in quotes where they hold one.

use super::Sink;
use super::scan::Scan;
use crate::process::record::{Part, Value};

/// How a line of CSV looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csv {
    /// The columns' names; none yet where the file's first line tells them.
    pub columns: Vec<String>,
    /// What is between columns.
    pub delimiter: u8,
}

impl Csv {
    /// The same, with the columns that a file's first line names.
    pub(in crate::process) fn named_by(&self, line: &[u8]) -> Self {
        let (mut scan, mut columns) = (Scan(line), Vec::new());
        loop {
            let name = match value(&mut scan, self.delimiter) {
                Some(Found::Slice(name)) => String::from_utf8_lossy(name).into_owned(),
                Some(Found::Made(name)) => String::from_utf8_lossy(&name).into_owned(),
                None => String::from_utf8_lossy(std::mem::take(&mut scan.0)).into_owned(),
            };
            columns.push(name);
            if scan.byte(self.delimiter).is_none() {
                return Self { columns, ..*self };
            }
        }
    }

    /// Missing columns are null, surplus ones are left out.
    pub(super) fn parse<'a>(&'a self, line: &[u8], sink: &mut Sink<'a, '_>) -> Option<()> {
        if self.columns.is_empty() {
            return None;
        }
        let mut scan = Some(Scan(line));
        for column in &self.columns {
            let value = match &mut scan {
                Some(rest) => Value::Text(match value(rest, self.delimiter)? {
                    Found::Slice(text) => sink.part(text),
                    Found::Made(text) => sink.make(&text),
                }),
                None => Value::Null,
            };
            // What follows a value is a delimiter, or there is no other value.
            scan = scan.and_then(|mut rest| rest.byte(self.delimiter).map(|()| rest));
            sink.push(Part::from(column.as_str()), value);
        }
        Some(())
    }
}

/// A value: as it stands in the line, or without its doubled quotes.
enum Found<'t> {
    Slice(&'t [u8]),
    Made(Vec<u8>),
}

/// The value at the front; nothing if its quotes are wrong.
fn value<'t>(scan: &mut Scan<'t>, delimiter: u8) -> Option<Found<'t>> {
    let mut ahead = *scan;
    if ahead.byte(b'"').is_none() {
        return Some(Found::Slice(scan.all(|byte| byte != delimiter)));
    }
    let (inner, doubled) = quoted(&mut ahead)?;
    if !ahead.0.is_empty() && ahead.0[0] != delimiter {
        return None;
    }
    *scan = ahead;
    if !doubled {
        return Some(Found::Slice(inner));
    }
    let (mut text, mut quotes) = (inner.to_vec(), 0);
    // Two quotes stand for one: each second one goes.
    text.retain(|byte| {
        quotes = if *byte == b'"' { quotes + 1 } else { 0 };
        quotes % 2 == 0 || *byte != b'"'
    });
    Some(Found::Made(text))
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
