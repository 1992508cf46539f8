//! Files that are written while they are open.

use super::*;

#[test]
fn a_file_that_grows_is_whole_when_its_trailer_is_there() {
    let text = log(400_000);
    for codec in CODECS {
        let bytes = compress(codec, &text);
        let opened = Opened::new(codec, &[]);
        let mut size = 0;
        // More often than zstd takes calls that bring it no further.
        for piece in bytes.chunks(bytes.len() / 50) {
            let measured = opened.measure();
            assert_eq!(measured.end, PlainEnd::Unfinished, "{codec:?}");
            assert!(size <= measured.size);
            size = measured.size;
            assert_eq!(opened.measure().size, size);
            opened.append(piece);
        }
        assert_eq!(opened.measure().end, PlainEnd::Whole, "{codec:?}");
        assert!(opened.all() == text);
        opened.append(&compress(codec, b"more"));
        let measured = opened.measure();
        assert_eq!((measured.size, measured.end), (400_004, PlainEnd::Whole), "{codec:?}");
        assert_eq!(opened.read(399_999, 100), [&text[399_999..], b"more"].concat());
    }
}

#[test]
fn a_measure_goes_on_where_decoding_was() {
    let bytes = compress(Codec::Gzip, &log(1_000_000));
    let opened = Opened::new(Codec::Gzip, &bytes[..bytes.len() - 1]);
    let before = opened.measure();
    // What was decoded is not looked at again.
    opened.file.write_all_at(&[0; 100], 100).unwrap();
    opened.append(&bytes[bytes.len() - 1..]);
    let measured = opened.measure();
    assert_eq!((measured.size, measured.end), (before.size, PlainEnd::Whole));
}

#[test]
fn a_file_that_is_written_anew_is_decoded_anew() {
    let (short, long) = (log(1000), log(90_000));
    for codec in CODECS {
        let opened = Opened::new(codec, &compress(codec, &short));
        opened.measure();
        for text in [&long, &short, &long] {
            opened.file.set_len(0).unwrap();
            opened.append(&compress(codec, text));
            let measured = opened.measure();
            assert_eq!((measured.size, measured.end), (text.len() as u64, PlainEnd::Whole), "{codec:?}");
            assert!(opened.all() == *text, "{codec:?}");
        }
    }
}

#[test]
fn a_file_that_lost_its_end_after_the_measure_shows_so_in_its_size() {
    for codec in CODECS {
        let opened = Opened::new(codec, &compress(codec, &log(2_000_000)));
        opened.measure();
        opened.file.set_len(100).unwrap();
        let chunk = opened.chunk(0, 2_000_000);
        assert!(chunk.bytes.len() < 2_000_000);
        assert_eq!(chunk.meta.size, chunk.bytes.len() as u64, "{codec:?}");
    }
}
