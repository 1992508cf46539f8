//! How numbers, times and names look to people: units, UTC, plain columns, nothing that moves the cursor.

use jiff::Timestamp;
use jiff::tz::Offset;
use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

/// Bytes in the unit that fits: `1.5 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1023.95 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

/// Seconds in the two units that fit: `3m 12s`.
pub(super) fn seconds(seconds: f64) -> String {
    let whole = seconds as u64;
    match whole {
        0 if seconds > 0.0 => format!("{:.0}ms", seconds * 1000.0),
        0..60 => format!("{whole}s"),
        60..3600 => format!("{}m {}s", whole / 60, whole % 60),
        3600..86_400 => format!("{}h {}m", whole / 3600, whole % 3600 / 60),
        _ => format!("{}d {}h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// A wall time in nanoseconds since the epoch, as RFC 3339 in UTC to the second.
pub(super) fn utc(nanos: i64) -> String {
    match Timestamp::from_nanosecond(nanos.into()) {
        Ok(time) => Offset::UTC.to_datetime(time).strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Err(_) => "-".into(),
    }
}

/// A text that others wrote, without what would move the cursor or change a terminal.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.into() };
        text.chars().map(escape).collect::<String>().into()
    } else {
        text.into()
    }
}

/// A path, likewise.
pub(super) fn path(path: &Path) -> String {
    clean(&path.to_string_lossy()).into_owned()
}

/// Rows as columns, each as wide as its widest cell.
pub(super) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = header.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let header = header.map(String::from);
    for row in std::iter::once(&header).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a string does not fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_the_unit_that_fits() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (3 << 29, "1.5 GiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (number, text) in cases {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn seconds_take_the_two_units_that_fit() {
        let cases = [
            (0.0, "0s"),
            (0.25, "250ms"),
            (59.9, "59s"),
            (192.0, "3m 12s"),
            (7260.0, "2h 1m"),
            (1e6, "11d 13h"),
        ];
        for (number, text) in cases {
            assert_eq!(seconds(number), text);
        }
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(utc(1_700_000_000_123_456_789), "2023-11-14T22:13:20Z");
        assert_eq!(utc(i64::MAX), "2262-04-11T23:47:16Z");
    }

    #[test]
    fn a_hostile_name_cannot_move_the_cursor() {
        assert_eq!(clean("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(clean("ö b"), "ö b");
    }

    #[test]
    fn columns_line_up() {
        let rows = [["ö".into(), "1".into()], ["long".into(), String::new()]];
        assert_eq!(table(["A", "B"], &rows), "A     B\nö     1\nlong\n");
    }
}
