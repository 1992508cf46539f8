//! Texts to numbers, truth values and times.

use super::record::{Part, Value, make};
use super::step::{Time, Type};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime::{self, BrokenDownTime};

/// How the known formats write times: Apache's access log, its error log, syslog, nginx's error log.
const KNOWN: [&str; 4] =
    ["%d/%b/%Y:%H:%M:%S %z", "%a %b %d %H:%M:%S%.f %Y", "%b %e %H:%M:%S", "%Y/%m/%d %H:%M:%S"];

/// A file's last line is not later than the file's last write by more than this: clocks differ.
const AHEAD: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Gives a value its type; `mtime` decides the year of a time without one. Nothing if it does not fit.
pub(super) fn convert<'a>(value: &Value<'a>, to: &Type, made: &mut Vec<u8>, mtime: i64) -> Option<Value<'a>> {
    let Some(text) = value.text(made) else { return Some(Value::Null) };
    let text = std::str::from_utf8(&text).ok()?.trim();
    let converted = match to {
        Type::Boolean => return boolean(text).map(Value::json),
        Type::Integer => integer(text)?,
        Type::Number => number(text)?,
        Type::Timestamp(time) => {
            let text = timestamp(text, time, mtime)?.to_string();
            return Some(Value::Text(keep(made, &text)));
        }
    };
    Some(Value::Json(keep(made, &converted)))
}

fn keep<'a>(made: &mut Vec<u8>, text: &str) -> Part<'a> {
    make(made, |made| made.extend_from_slice(text.as_bytes()))
}

fn boolean(text: &str) -> Option<&'static str> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["true", "yes", "on", "1"]) {
        return Some("true");
    }
    is(&["false", "no", "off", "0"]).then_some("false")
}

/// Digits of any number, a minus before them kept, zeros and a plus before them not.
fn integer(text: &str) -> Option<String> {
    let (minus, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let digits = match digits.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    all.then(|| format!("{minus}{digits}"))
}

/// As it is if JSON writes numbers so, else as the nearest number that it does.
fn number(text: &str) -> Option<String> {
    if text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
    {
        return Some(text.to_owned());
    }
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let number: f64 = text.parse().ok().filter(|_| plain)?;
    serde_json::Number::from_f64(number).map(|number| number.to_string())
}

fn timestamp(text: &str, time: &Time, mtime: i64) -> Option<Timestamp> {
    match &time.format {
        Some(format) => read(format, text, time, mtime),
        None => text
            .parse()
            .ok()
            .or_else(|| text.parse::<DateTime>().ok().and_then(|civil| zoned(civil, time)))
            .or_else(|| KNOWN.iter().find_map(|format| read(format, text, time, mtime))),
    }
}

fn read(format: &str, text: &str, time: &Time, mtime: i64) -> Option<Timestamp> {
    let mut parts = strtime::parse(format, text).ok()?;
    if let Ok(at) = parts.to_timestamp() {
        return Some(at);
    }
    if parts.year().is_some() {
        return at(&parts, time);
    }
    // Without a year: the last one in which the line is not later than the file. February 29 may lie years back.
    let last = Timestamp::from_nanosecond(mtime.into()).ok()?.checked_add(AHEAD).ok()?;
    let year = time.zone.to_datetime(last).year();
    (year - 8..=year).rev().find_map(|year| {
        parts.set_year(Some(year)).ok()?;
        at(&parts, time).filter(|at| *at <= last)
    })
}

fn at(parts: &BrokenDownTime, time: &Time) -> Option<Timestamp> {
    let civil = parts.to_datetime().or_else(|_| parts.to_date().map(DateTime::from)).ok()?;
    match parts.offset() {
        Some(offset) => offset.to_timestamp(civil).ok(),
        None => zoned(civil, time),
    }
}

fn zoned(civil: DateTime, time: &Time) -> Option<Timestamp> {
    time.zone.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::step::{is_time_format, zone};

    /// 2024-01-02T00:00:00Z
    const MTIME: i64 = 1_704_153_600_000_000_000;

    fn converted(text: &str, to: &Type) -> String {
        let mut made = Vec::new();
        match convert(&Value::Text(Part::Held(text.as_bytes())), to, &mut made, MTIME) {
            Some(value) => String::from_utf8_lossy(&value.text(&made).expect("a value")).into_owned(),
            None => "fails".to_owned(),
        }
    }

    fn time(format: Option<&str>, name: &str) -> Type {
        let zone = zone(name).expect("a zone");
        Type::Timestamp(Time { format: format.map(str::to_owned), zone, zone_name: name.into() })
    }

    #[test]
    fn numbers_and_truth_values() {
        for (text, to, wanted) in [
            ("200", Type::Integer, "200"),
            ("-007", Type::Integer, "-7"),
            ("+0", Type::Integer, "0"),
            ("123456789012345678901234567890", Type::Integer, "123456789012345678901234567890"),
            ("1.5", Type::Integer, "fails"),
            ("", Type::Integer, "fails"),
            ("1.50", Type::Number, "1.50"),
            ("1e400", Type::Number, "1e400"),
            (".5", Type::Number, "0.5"),
            ("NaN", Type::Number, "fails"),
            ("inf", Type::Number, "fails"),
            ("Yes", Type::Boolean, "true"),
            ("0", Type::Boolean, "false"),
            ("2", Type::Boolean, "fails"),
        ] {
            assert_eq!(converted(text, &to), wanted, "{text}");
        }
        assert_eq!(converted("\u{ff}", &Type::Integer), "fails");
    }

    #[test]
    fn times_in_the_ways_of_the_known_formats() {
        let auto = time(None, "Europe/Berlin");
        for (text, wanted) in [
            ("2019-01-02T03:04:05Z", "2019-01-02T03:04:05Z"),
            ("2019-01-02T03:04:05.25+01:00", "2019-01-02T02:04:05.25Z"),
            ("2019-07-02 03:04:05", "2019-07-02T01:04:05Z"),
            ("27/Oct/2000:09:27:09 -0400", "2000-10-27T13:27:09Z"),
            ("Fri Sep 09 10:42:29.902022 2011", "2011-09-09T08:42:29.902022Z"),
            ("Fri Sep 09 10:42:29 2011", "2011-09-09T08:42:29Z"),
            ("Jan  1 04:22:00", "2024-01-01T03:22:00Z"),
            ("Dec 31 04:22:00", "2023-12-31T03:22:00Z"),
            ("Jan 17 04:22:00", "2023-01-17T03:22:00Z"),
            ("Feb 29 12:00:00", "2020-02-29T11:00:00Z"),
            ("2023/01/02 03:04:05", "2023-01-02T02:04:05Z"),
            ("yesterday", "fails"),
            ("", "fails"),
        ] {
            assert_eq!(converted(text, &auto), wanted, "{text}");
        }
    }

    #[test]
    fn times_by_a_format() {
        assert_eq!(converted("1700000000", &time(Some("%s"), "UTC")), "2023-11-14T22:13:20Z");
        assert_eq!(converted("02.01.2019", &time(Some("%d.%m.%Y"), "UTC")), "2019-01-02T00:00:00Z");
        assert_eq!(converted("2019-01-02", &time(Some("%d.%m.%Y"), "UTC")), "fails");
        assert!(zone("Nowhere/At_All").is_none());
        assert!(is_time_format("%Y-%m-%dT%H:%M:%S%.f%:z") && is_time_format("%s") && !is_time_format("%Q!%"));
    }
}
