//! What a file's content is recognised by: fingerprints of its first bytes and of those before an offset.

use crate::state::{Check, Fingerprint};
use xxhash_rust::xxh3::xxh3_64;

/// Most bytes that a fingerprint is of.
pub const WINDOW: usize = 1024;

/// Fewer first bytes than these tell a content only where it is known that the copy is the older one.
const TELLING: u32 = 64;

/// The hash's name, kept in the store.
pub const HASH_NAME: &str = "xxh3-64";

/// The fingerprint of these bytes, of the first [`WINDOW`] if there are more.
pub fn fingerprint(bytes: &[u8]) -> Fingerprint {
    let bytes = &bytes[..bytes.len().min(WINDOW)];
    Fingerprint { len: bytes.len() as u32, hash: if bytes.is_empty() { 0 } else { xxh3_64(bytes) } }
}

/// Whether so many first bytes tell a content from others.
pub fn tells(head: Fingerprint) -> bool {
    head.len >= TELLING
}

/// Whether a file that begins so is a compressed one, by the marks of gzip, zstd, bzip2 and xz.
pub fn is_compressed(head: &[u8]) -> bool {
    let bzip2 = head.starts_with(b"BZh") && head.get(4..10) == Some(b"1AY&SY");
    let marks: [&[u8]; 3] = [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0"];
    bzip2 || marks.iter().any(|mark| head.starts_with(mark))
}

/// The check at offset `at`, of the last bytes of `before`, which ends there.
pub fn check(at: u64, before: &[u8]) -> Check {
    Check { at, print: fingerprint(&before[before.len().saturating_sub(WINDOW)..]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_of_the_bytes_just_before_its_offset() {
        let bytes: Vec<u8> = (0..3000u32).map(|n| n as u8).collect();
        assert_eq!(check(3000, &bytes).print, fingerprint(&bytes[3000 - WINDOW..]));
        assert_ne!(check(3000, &bytes).print, check(2999, &bytes[..2999]).print);
        assert_eq!(check(0, &[]).print, Fingerprint::default());
    }
}
