//! What a file's content is recognised by: fingerprints of its first bytes and of those before an offset.

use crate::state::{Check, Fingerprint};
use xxhash_rust::xxh3::xxh3_64;

/// Most bytes that a fingerprint is of.
pub const WINDOW: usize = 1024;

/// The hash's name, kept in the store.
pub const HASH_NAME: &str = "xxh3-64";

/// The fingerprint of these bytes, of the first [`WINDOW`] if there are more.
pub fn fingerprint(bytes: &[u8]) -> Fingerprint {
    let bytes = &bytes[..bytes.len().min(WINDOW)];
    Fingerprint { len: bytes.len() as u32, hash: if bytes.is_empty() { 0 } else { xxh3_64(bytes) } }
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
