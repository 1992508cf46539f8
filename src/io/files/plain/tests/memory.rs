//! What a file wants of memory is bounded, whatever it says.

use super::*;
use std::fs;

/// The most memory that this process ever had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_bomb_takes_time_and_no_memory() {
    let zeros = vec![0; 16 << 20];
    for codec in CODECS {
        let bomb = compress(codec, &zeros).repeat(16);
        let before = peak();
        let opened = Opened::new(codec, &bomb);
        assert_eq!(opened.measure().size, 256 << 20);
        assert_eq!(opened.read(250 << 20, 10), [0; 10]);
        // The kernel counts roughly: a peak may be told a little lower than before.
        let more = peak().saturating_sub(before);
        assert!(more < 100 << 10, "{codec:?}: {more} KiB");
    }
}

#[test]
fn too_large_a_window_is_damage_and_said_so() {
    let text = log(1000);
    let large = [
        (Codec::Zstd, pipe("zstd", &["-c", "-q", "--long=27"], &text)),
        (Codec::Xz, pipe("xz", &["-c", "--lzma2=preset=0,dict=128MiB"], &text)),
    ];
    for (codec, bytes) in large {
        let all = [compress(codec, &text), bytes.clone()].concat();
        let opened = Opened::new(codec, &all);
        let Measured { size, end: PlainEnd::Damaged { bytes: damaged, why }, .. } = opened.measure() else {
            panic!("{codec:?} has no bound");
        };
        assert_eq!((size, damaged), (1000, bytes.len() as u64));
        assert!(why.contains("larger than 64 MiB"), "{why}");
    }
}

#[test]
fn the_largest_window_is_decoded() {
    let text = log(1000);
    for (codec, bytes) in [
        (Codec::Zstd, pipe("zstd", &["-c", "-q", "--long=26"], &text)),
        (Codec::Xz, pipe("xz", &["-c", "--lzma2=preset=0,dict=64MiB"], &text)),
    ] {
        assert_eq!(Opened::new(codec, &bytes).measure().end, PlainEnd::Whole, "{codec:?}");
    }
}
