//! Names that rotation gives: a number or a date after the live name, and a suffix once the file is compressed.

use crate::event::Codec;
use std::ffi::OsStr;
use std::path::Path;

/// By which a compressed file is known.
const SUFFIXES: [(&str, Codec); 4] =
    [(".gz", Codec::Gzip), (".zst", Codec::Zstd), (".bz2", Codec::Bzip2), (".xz", Codec::Xz)];

/// What stands between a name and the numbers that rotation adds.
const SEPARATORS: [char; 3] = ['.', '-', '_'];

/// How a file of this name is compressed.
pub fn codec(path: &Path) -> Option<Codec> {
    Some(compressed(path.file_name()?)?.1)
}

/// The name that a compressed file had before, and how it is compressed.
pub fn compressed(name: &OsStr) -> Option<(&str, Codec)> {
    let name = name.to_str()?;
    let of = |(suffix, codec)| Some((name.strip_suffix(suffix).filter(|plain| !plain.is_empty())?, codec));
    SUFFIXES.into_iter().find_map(of)
}

/// Whether a name looks like one that rotation gave: `app.log.1`, `app.log-20261123`, `app-2026-11-23.log`, `app.log.gz`.
pub fn is_rotated(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str);
    name.is_some_and(bears_mark) || codec(path).is_some()
}

fn bears_mark(name: &str) -> bool {
    let Some((stem, last)) = name.rsplit_once(SEPARATORS) else { return false };
    !stem.is_empty() && is_counter(last) || has_date(name)
}

/// The names of which rotation may have made this one: `app.log` of `app.log.1` and of `app-20261123.log`, `app.log.1` and
/// `app.log` of `app.log.1.gz`. What is compressed was rotated: there a number before the extension tells as well, as in
/// `app-1.log.gz`.
pub fn lives(name: &OsStr) -> Vec<String> {
    if let Some((plain, _)) = compressed(name) {
        return std::iter::once(plain.to_owned()).chain(unmarked(plain)).collect();
    }
    name.to_str().filter(|name| bears_mark(name)).map(unmarked).unwrap_or_default()
}

/// A name without its marks.
fn unmarked(name: &str) -> Vec<String> {
    let mut lives = stems(name);
    if let Some((stem, extension)) = name.rsplit_once('.').filter(|(_, last)| !is_mark(last)) {
        lives.extend(stems(stem).into_iter().map(|stem| format!("{stem}.{extension}")));
    }
    lives
}

/// A text without the last of its marks, without the last two, and so on.
fn stems(text: &str) -> Vec<String> {
    std::iter::successors(shorter(text), |text| shorter(text)).map(str::to_owned).collect()
}

fn shorter(text: &str) -> Option<&str> {
    let (stem, mark) = text.rsplit_once(SEPARATORS)?;
    (!stem.is_empty() && is_mark(mark)).then_some(stem)
}

/// A number, or a part of a date: `1`, `20261123`, `23`, `20261123T101112Z`.
fn is_mark(text: &str) -> bool {
    text.len() <= 16
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, 'T' | 'Z'))
}

/// Whether a name looks like one that rotation made of the other.
pub fn is_copy_of(path: &Path, original: &Path) -> bool {
    let (Some(name), Some(live)) = (path.file_name(), original.file_name()) else { return false };
    path.parent() == original.parent() && lives(name).iter().any(|name| OsStr::new(name) == live)
}

/// Whether a name looks like that of a compressed file of the same rotation as the other.
pub fn is_compressed_copy_of(path: &Path, original: &Path) -> bool {
    let (Some(name), Some(other)) = (path.file_name(), original.file_name()) else { return false };
    let others = lives(other);
    let of_one = |live: &String| OsStr::new(live) == other || others.contains(live);
    compressed(name).is_some() && path.parent() == original.parent() && lives(name).iter().any(of_one)
}

/// Whether a name is the live one, or looks like one that rotation made of it.
pub fn is_of(path: &Path, live: &Path) -> bool {
    path == live || is_rotated(path) && follows_stem(path, live).unwrap_or(false)
}

/// Whether a name is the live one's stem and then no more of a word.
fn follows_stem(path: &Path, live: &Path) -> Option<bool> {
    let rest = path.file_name()?.to_str()?.strip_prefix(live.file_stem()?.to_str()?)?;
    Some(path.parent() == live.parent() && !rest.starts_with(char::is_alphanumeric))
}

fn is_counter(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Eight digits in a row, or `dddd-dd-dd`.
fn has_date(name: &str) -> bool {
    let shape: Vec<bool> = name.bytes().map(|byte| byte.is_ascii_digit()).collect();
    let compact = shape.windows(8).any(|window| window.iter().all(|digit| *digit));
    let dashed = name.as_bytes().windows(10).any(|window| {
        window.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    });
    compact || dashed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_name_tells_the_live_one() {
        for name in
            ["app.log.1", "app.log-20261123", "app.log.2026-11-23", "app-2026-11-23.log", "app-20261123.log"]
        {
            assert!(lives(OsStr::new(name)).contains(&"app.log".to_owned()), "{name}");
        }
        for name in ["0.log.20261123-101112", "0.log.1"] {
            assert!(lives(OsStr::new(name)).contains(&"0.log".to_owned()), "{name}");
        }
        assert_eq!(lives(OsStr::new("app.log.1.gz")), ["app.log.1", "app.log"]);
        assert_eq!(lives(OsStr::new("app.log.xz")), ["app.log"]);
        assert_eq!(lives(OsStr::new("app-1.log.gz")), ["app-1.log", "app.log"]);
        for name in ["app.log", "web-1.log", "1", ".1", ".gz"] {
            assert_eq!(lives(OsStr::new(name)), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn numbers_and_dates_tell_a_rotated_name() {
        for name in ["app.log.1", "app.log-20261123", "app.log.2026-11-23", "app-2026-11-23.log", "syslog.12"]
        {
            assert!(is_rotated(Path::new("/l").join(name).as_path()), "{name}");
        }
        for name in ["app.log.1", "app.log-20261123", "app-20261123.log", "app.log"] {
            assert!(is_of(&Path::new("/l").join(name), Path::new("/l/app.log")), "{name}");
        }
        for name in ["app2.log.1", "web.log.1", "app.txt", "other/app.log.1"] {
            assert!(!is_of(&Path::new("/l").join(name), Path::new("/l/app.log")), "{name}");
        }
        assert!(is_rotated(Path::new("/l/app.log.zst")));
        for name in ["app.log", "access.log", "0.log", "web-1.log", "1", "app.gz.log"] {
            assert!(!is_rotated(Path::new("/l").join(name).as_path()), "{name}");
        }
    }
}
