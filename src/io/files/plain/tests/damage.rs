//! Files that end too early, and files that are not what their name says.

use super::*;

/// Decodes these bytes to their end, and reads what it can.
fn decoded(codec: Codec, bytes: &[u8]) -> (Vec<u8>, PlainEnd) {
    let opened = Opened::new(codec, bytes);
    let measured = opened.measure();
    let text = opened.all();
    assert_eq!(measured.size, text.len() as u64, "{codec:?}");
    (text, measured.end)
}

fn damaged_bytes(end: PlainEnd) -> u64 {
    match end {
        PlainEnd::Damaged { bytes, why } => {
            assert!(!why.is_empty());
            bytes
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_cut_anywhere_is_unfinished_and_its_text_so_far_is_read() {
    let text = log(700);
    for codec in CODECS {
        let bytes = compress(codec, &text);
        for len in 0..bytes.len() {
            let (part, end) = decoded(codec, &bytes[..len]);
            assert_eq!(end, PlainEnd::Unfinished, "{codec:?} {len} of {}", bytes.len());
            assert!(text.starts_with(&part), "{codec:?} {len}");
        }
        let members = [bytes.clone(), bytes.clone()].concat();
        for len in bytes.len()..members.len() {
            let (part, end) = decoded(codec, &members[..len]);
            let first = len == bytes.len();
            assert_eq!(end, if first { PlainEnd::Whole } else { PlainEnd::Unfinished }, "{codec:?} {len}");
            assert!(part.starts_with(&text), "{codec:?} {len}");
        }
    }
}

#[test]
fn a_changed_byte_never_gives_other_text_that_is_whole() {
    let text = log(700);
    for codec in CODECS {
        let bytes = compress(codec, &text);
        for at in 0..bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] ^= change;
                let (part, end) = decoded(codec, &bytes);
                // There are bytes that say nothing about the text, such as the time in gzip's header.
                assert!(end != PlainEnd::Whole || part == text, "{codec:?} {at} {change:x}");
            }
        }
    }
}

#[test]
fn where_a_file_has_no_checksum_other_text_may_be_whole() {
    let text = log(700);
    let bytes = pipe("zstd", &["-c", "-q", "--no-check"], &text);
    let others = (0..bytes.len()).filter(|at| {
        let mut bytes = bytes.clone();
        bytes[*at] ^= 1;
        let (part, end) = decoded(Codec::Zstd, &bytes);
        end == PlainEnd::Whole && part != text
    });
    assert!(others.count() > 0);
}

#[test]
fn text_before_a_wrong_checksum_is_read() {
    let text = log(500_000);
    // The last byte of: the text's length; its checksum; all blocks' checksum and the bits after it.
    for (codec, at) in [(Codec::Gzip, 1), (Codec::Zstd, 1), (Codec::Bzip2, 2)] {
        let mut bytes = compress(codec, &text);
        let last = bytes.len() - at;
        bytes[last] ^= 0x40;
        let (part, end) = decoded(codec, &bytes);
        assert!(part == text, "{codec:?} {}", part.len());
        assert_eq!(damaged_bytes(end), bytes.len() as u64, "{codec:?}");
    }
}

#[test]
fn text_before_a_damaged_member_is_read() {
    let (first, second) = (log(300_000), log(200_000));
    for codec in CODECS {
        let mut bytes = compress(codec, &second);
        let middle = bytes.len() / 2;
        bytes[middle..middle + 8].fill(0x55);
        let (part, end) = decoded(codec, &[compress(codec, &first), bytes.clone()].concat());
        assert!(part.starts_with(&first), "{codec:?} {}", part.len());
        assert_eq!(damaged_bytes(end), bytes.len() as u64, "{codec:?}");
    }
}

#[test]
fn bytes_that_are_not_compressed_are_damage() {
    for codec in CODECS {
        for bytes in [&b"2026-01-01 00:00:00 started\n"[..], b"\n", &[0; 5000]] {
            let (part, end) = decoded(codec, bytes);
            assert_eq!((part.len(), damaged_bytes(end)), (0, bytes.len() as u64), "{codec:?}");
        }
    }
}

#[test]
fn what_follows_the_last_member_is_damage_and_the_text_is_read() {
    let text = log(1000);
    for codec in CODECS {
        let (part, end) = decoded(codec, &[compress(codec, &text), b"garbage\n".to_vec()].concat());
        assert!(part == text);
        assert_eq!(damaged_bytes(end), 8, "{codec:?}");
    }
}

#[test]
fn zeros_are_padding_where_the_tools_say_so() {
    let (text, more) = (log(1000), log(50));
    for (codec, padded) in
        [(Codec::Gzip, true), (Codec::Xz, true), (Codec::Bzip2, false), (Codec::Zstd, false)]
    {
        let padding = vec![0; 100_000];
        let (part, end) = decoded(codec, &[compress(codec, &text), padding.clone()].concat());
        assert!(part == text);
        assert_eq!(end == PlainEnd::Whole, padded, "{codec:?}");
        if padded {
            let all = [compress(codec, &text), padding, compress(codec, &more)].concat();
            assert_eq!(decoded(codec, &all), ([text.clone(), more.clone()].concat(), PlainEnd::Whole));
        }
    }
}

#[test]
fn zstd_frames_to_be_skipped_are_skipped() {
    let skipped = [&[0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0][..], b"12345"].concat();
    assert_eq!(decoded(Codec::Zstd, &skipped), (Vec::new(), PlainEnd::Whole));
    let text = log(1000);
    let frame = compress(Codec::Zstd, &text);
    let all = [&skipped[..], &frame, &skipped, &frame, &skipped].concat();
    assert_eq!(decoded(Codec::Zstd, &all), (text.repeat(2), PlainEnd::Whole));
    assert_eq!(decoded(Codec::Zstd, &all[..all.len() - 1]), (text.repeat(2), PlainEnd::Unfinished));
}
