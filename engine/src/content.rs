//! Content identity: the hash by which a file's bytes are recognised.

use crate::state::Fingerprint;
use xxhash_rust::xxh3::xxh3_64;

/// Most bytes that a fingerprint covers.
pub const WINDOW: usize = 1024;

/// The hash's name, as the store keeps it.
pub const HASH: &str = "xxh3-64";

/// The fingerprint of `bytes`, of which at most the first [`WINDOW`] count. Of no bytes it is the default.
pub fn fingerprint(bytes: &[u8]) -> Fingerprint {
    let bytes = &bytes[..bytes.len().min(WINDOW)];
    if bytes.is_empty() {
        return Fingerprint::default();
    }
    Fingerprint { len: bytes.len() as u32, hash: xxh3_64(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_window_counts() {
        let long = vec![7; WINDOW + 1];
        assert_eq!(fingerprint(&long), fingerprint(&long[..WINDOW]));
        assert_ne!(fingerprint(&long), fingerprint(&long[..WINDOW - 1]));
    }

    #[test]
    fn of_nothing_it_is_the_default() {
        assert_eq!(fingerprint(b""), Fingerprint::default());
    }
}
