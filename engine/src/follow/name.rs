//! Names that rotation gives: a number or a date after the live name.

use std::path::Path;

/// Whether a name looks like one that rotation gave: `app.log.1`, `app.log-20261123`, `app-2026-11-23.log`.
pub fn is_rotated(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let Some((stem, last)) = name.rsplit_once(['.', '-', '_']) else { return false };
    !stem.is_empty() && is_counter(last) || has_date(name)
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
        for name in ["app.log", "access.log", "0.log", "web-1.log", "1"] {
            assert!(!is_rotated(Path::new("/l").join(name).as_path()), "{name}");
        }
    }
}
