//! What every io must do alike with compressed files.

use super::{CheckOf, Io, look, open_as, read};
use kintail_engine::event::{Codec, Do, Measured, Outcome, PlainEnd};
use kintail_engine::ids::HandleId;

const CODECS: [Codec; 4] = [Codec::Gzip, Codec::Zstd, Codec::Bzip2, Codec::Xz];

/// All of them.
pub(super) fn checks<I: Io>() -> Vec<CheckOf<I>> {
    vec![
        ("a compressed file is read by offsets of its plain text", plain_text_is_read_by_offsets),
        ("after a measure sizes are of the plain text", measured_sizes_are_of_the_plain_text),
        ("a compressed file without its end is unfinished", a_cut_file_is_unfinished),
        ("a compressed file that is written to its end is whole", a_finished_file_is_whole),
        ("what is not compressed is damaged under a compressed name", other_bytes_are_damaged),
    ]
}

fn measure(io: &mut impl Io, handle: u64) -> Measured {
    match io.perform(Do::Measure { handle: HandleId(handle) }) {
        Outcome::Measured(Ok(measured)) => measured,
        other => panic!("handle {handle} was not measured: {other:?}"),
    }
}

fn close(io: &mut impl Io, handle: u64) {
    assert!(matches!(io.perform(Do::Close { handle: HandleId(handle) }), Outcome::Closed));
}

/// Lines that are all different.
fn text(lines: u32) -> Vec<u8> {
    (0..lines).flat_map(|line| format!("line {line}\n").into_bytes()).collect()
}

fn plain_text_is_read_by_offsets<I: Io>(io: &mut I) {
    let path = io.root().join("a.log.gz");
    let text = text(20_000);
    for codec in CODECS {
        io.compress(&path, codec, &text, 0);
        open_as(io, 1, &path, Some(codec));
        // On, with a step back, far ahead, and from the beginning again.
        for (offset, len) in [(0, 1000), (990, 50_000), (150_000, 1000), (5, 10)] {
            let chunk = read(io, 1, offset as u64, len);
            assert!(chunk.bytes[..] == text[offset..offset + len], "{codec:?} {offset}");
        }
        let end = text.len() - 10;
        assert_eq!(read(io, 1, end as u64, 100).bytes[..], text[end..]);
        assert!(read(io, 1, text.len() as u64, 100).bytes.is_empty());
        assert!(read(io, 1, 1 << 40, 100).bytes.is_empty());
        close(io, 1);
    }
}

fn measured_sizes_are_of_the_plain_text<I: Io>(io: &mut I) {
    let path = io.root().join("a.log.gz");
    let text = text(20_000);
    for codec in CODECS {
        io.compress(&path, codec, &text, 0);
        let meta = open_as(io, 1, &path, Some(codec));
        assert!(meta.size < text.len() as u64, "opened, it is as it is on the disk");
        assert_eq!(read(io, 1, 0, 10).meta.size, meta.size);
        let measured = measure(io, 1);
        assert_eq!((measured.size, measured.end), (text.len() as u64, PlainEnd::Whole), "{codec:?}");
        assert_eq!((measured.meta.identity, measured.meta.size), (meta.identity, meta.size));
        let chunk = read(io, 1, 10, 10);
        assert_eq!((&chunk.bytes[..], chunk.meta.size), (&text[10..20], text.len() as u64));
        assert_eq!(look(io, &path).map(|meta| meta.size), Ok(meta.size), "a look knows of no codec");
        close(io, 1);
    }
}

fn a_cut_file_is_unfinished<I: Io>(io: &mut I) {
    let path = io.root().join("a.log.gz");
    let text = text(1000);
    for codec in CODECS {
        for cut in [1, 10] {
            io.compress(&path, codec, &text, cut);
            let meta = open_as(io, 1, &path, Some(codec));
            let measured = measure(io, 1);
            assert_eq!((measured.end, measured.meta.size), (PlainEnd::Unfinished, meta.size), "{codec:?}");
            // What can be decoded of it is read.
            let chunk = read(io, 1, 0, text.len() + 1);
            assert_eq!((chunk.bytes.len() as u64, chunk.meta.size), (measured.size, measured.size));
            assert!(text.starts_with(&chunk.bytes), "{codec:?}");
            close(io, 1);
        }
    }
}

fn a_finished_file_is_whole<I: Io>(io: &mut I) {
    let path = io.root().join("a.log.gz");
    let text = text(1000);
    for codec in CODECS {
        io.write(&path, b"");
        open_as(io, 1, &path, Some(codec));
        let measured = measure(io, 1);
        assert_eq!((measured.size, measured.end), (0, PlainEnd::Unfinished), "an empty file, {codec:?}");
        io.compress(&path, codec, &text, 0);
        let measured = measure(io, 1);
        assert_eq!((measured.size, measured.end), (text.len() as u64, PlainEnd::Whole), "{codec:?}");
        assert!(read(io, 1, 0, text.len()).bytes[..] == text[..]);
        close(io, 1);
    }
}

fn other_bytes_are_damaged<I: Io>(io: &mut I) {
    let path = io.root().join("a.log.gz");
    for codec in CODECS {
        io.write(&path, b"one\n");
        open_as(io, 1, &path, Some(codec));
        let measured = measure(io, 1);
        assert!(matches!(measured.end, PlainEnd::Damaged { bytes: 4, .. }), "{codec:?} {measured:?}");
        let chunk = read(io, 1, 0, 100);
        assert_eq!((measured.size, chunk.bytes.len(), chunk.meta.size), (0, 0, 0));
        close(io, 1);
    }
}
