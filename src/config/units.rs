//! Sizes and durations as text: `"64MiB"`, `"250ms"`.

use std::time::Duration;

/// Larger sizes are mistakes, and would overflow sums.
const MOST_SIZE: u64 = 1 << 50;
/// Longer durations are mistakes, and would overflow sums: a hundred years.
const MOST_TIME: Duration = Duration::from_hours(36_500 * 24);

const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// In milliseconds.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Why a text is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No digits at the start, or something but a unit after them.
    #[error("not a whole number with a unit")]
    Form,
    /// Digits alone.
    #[error("the unit is missing")]
    NoUnit,
    /// A unit we do not know.
    #[error("unknown unit")]
    Unit,
    /// Over the limit that keeps sums from overflowing.
    #[error("out of range")]
    Range,
}

/// What units a size may have.
pub const SIZE_HELP: &str = "write it like \"64KiB\": B, KiB, MiB, GiB, TiB, or decimal KB, MB, GB, TB";
/// What units a duration may have.
pub const TIME_HELP: &str = "write it like \"250ms\": ms, s, m, h, d";

/// Reads a size in bytes, at most 1 PiB.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let bytes = parse(text, &SIZES)?;
    if bytes > MOST_SIZE { Err(UnitError::Range) } else { Ok(bytes) }
}

/// Reads a duration, at most 100 years.
pub fn parse_time(text: &str) -> Result<Duration, UnitError> {
    let time = Duration::from_millis(parse(text, &TIMES)?);
    if time > MOST_TIME { Err(UnitError::Range) } else { Ok(time) }
}

fn parse(text: &str, units: &[(&str, u64)]) -> Result<u64, UnitError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() || unit.contains(|c: char| !c.is_ascii_alphabetic() && c != ' ') {
        return Err(UnitError::Form);
    }
    let unit = unit.trim_start();
    if unit.is_empty() {
        return Err(UnitError::NoUnit);
    }
    let (_, factor) = units.iter().find(|(name, _)| *name == unit).ok_or(UnitError::Unit)?;
    let number: u64 = number.parse().map_err(|_| UnitError::Range)?;
    number.checked_mul(*factor).ok_or(UnitError::Range)
}

/// Writes a size in the largest binary unit that divides it.
pub fn format_size(bytes: u64) -> String {
    format(bytes, SIZES.iter().filter(|(name, _)| name.ends_with("iB") || *name == "B"), "B")
}

/// Writes a duration in the largest unit that divides it; parts under a millisecond are not written.
pub fn format_time(time: Duration) -> String {
    format(u64::try_from(time.as_millis()).unwrap_or(u64::MAX), TIMES.iter(), "s")
}

fn format<'a>(number: u64, mut units: impl Iterator<Item = &'a (&'a str, u64)>, zero: &str) -> String {
    match units.find(|(_, factor)| number > 0 && number.is_multiple_of(*factor)) {
        Some((name, factor)) => format!("{}{name}", number / factor),
        None => format!("0{zero}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_know_binary_and_decimal_units() {
        assert_eq!(parse_size("5MiB"), Ok(5 * 1024 * 1024));
        assert_eq!(parse_size("10GiB"), Ok(10 * 1024 * 1024 * 1024));
        assert_eq!(parse_size("64KB"), Ok(64_000));
        assert_eq!(parse_size("0B"), Ok(0));
        assert_eq!(parse_size("1 MB"), Ok(1_000_000));
    }

    #[test]
    fn durations_know_their_units() {
        assert_eq!(parse_time("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_time("1m"), Ok(Duration::from_mins(1)));
        assert_eq!(parse_time("7d"), Ok(Duration::from_hours(7 * 24)));
    }

    #[test]
    fn each_way_to_be_wrong_has_its_name() {
        assert_eq!(parse_size("64"), Err(UnitError::NoUnit));
        assert_eq!(parse_size("64Mib"), Err(UnitError::Unit));
        assert_eq!(parse_size("1.5MiB"), Err(UnitError::Form));
        assert_eq!(parse_size("-1B"), Err(UnitError::Form));
        assert_eq!(parse_size(""), Err(UnitError::Form));
        assert_eq!(parse_size("99999999999999999999B"), Err(UnitError::Range));
        assert_eq!(parse_size("18446744073709551615TiB"), Err(UnitError::Range));
        assert_eq!(parse_time("18446744073709551615d"), Err(UnitError::Range));
        assert_eq!(parse_time("36501d"), Err(UnitError::Range));
        assert_eq!(parse_time("5min"), Err(UnitError::Unit));
        assert_eq!(parse_time("5é"), Err(UnitError::Form));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for bytes in [0, 1, 1023, 1024, 1536, 64_000, 1 << 20, 3 << 30] {
            assert_eq!(parse_size(&format_size(bytes)), Ok(bytes), "{}", format_size(bytes));
        }
        for ms in [0, 1, 999, 1000, 1500, 60_000, 3_600_000, 604_800_000] {
            let time = Duration::from_millis(ms);
            assert_eq!(parse_time(&format_time(time)), Ok(time), "{}", format_time(time));
        }
        assert_eq!(format_size(64 << 20), "64MiB");
        assert_eq!(format_time(Duration::from_hours(168)), "7d");
        assert_eq!(format_time(Duration::ZERO), "0s");
    }
}
