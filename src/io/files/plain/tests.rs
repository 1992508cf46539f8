//! Files that the real tools wrote, read by offsets of their plain text.

mod damage;
mod growth;
mod live;
mod memory;

use super::*;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::thread;

const CODECS: [Codec; 4] = [Codec::Gzip, Codec::Zstd, Codec::Bzip2, Codec::Xz];

/// Compresses by the tool that everybody uses for it.
fn compress(codec: Codec, plain: &[u8]) -> Vec<u8> {
    match codec {
        Codec::Gzip => pipe("gzip", &["-c"], plain),
        Codec::Zstd => pipe("zstd", &["-c", "-q"], plain),
        Codec::Bzip2 => pipe("bzip2", &["-c"], plain),
        Codec::Xz => pipe("xz", &["-c", "-0"], plain),
    }
}

fn pipe(tool: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new(tool);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{tool}: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{tool} failed");
        output.stdout
    })
}

/// A compressed file that is open.
struct Opened {
    file: File,
    plain: Arc<Plain>,
}

impl Opened {
    fn new(codec: Codec, bytes: &[u8]) -> Self {
        Self::among(codec, bytes, &Arc::default())
    }

    fn among(codec: Codec, bytes: &[u8], live: &Arc<Live>) -> Self {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(bytes, 0).unwrap();
        Self { file, plain: Plain::new(codec, Arc::clone(live)) }
    }

    fn append(&self, bytes: &[u8]) {
        self.file.write_all_at(bytes, self.file.metadata().unwrap().len()).unwrap();
    }

    fn chunk(&self, offset: usize, len: usize) -> Chunk {
        self.plain.read(&self.file, offset as u64, len, &Heard::new()).unwrap()
    }

    fn read(&self, offset: usize, len: usize) -> Vec<u8> {
        self.chunk(offset, len).bytes.to_vec()
    }

    /// As far as there is any; no text here is longer.
    fn all(&self) -> Vec<u8> {
        self.read(0, 4 << 20)
    }

    fn measure(&self) -> Measured {
        self.plain.measure(&self.file, &Heard::new()).unwrap()
    }

    /// Where decoding is.
    fn decoded(&self) -> Option<u64> {
        self.plain.state.lock().unwrap().decoder.as_ref().map(|decoder| decoder.text().end())
    }
}

/// Lines that compress as those of logs do.
fn log(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut text = Vec::new();
    while text.len() < len {
        let (host, took) = (random.u32(..) >> 8, random.u64(..));
        writeln!(text, "host-{host} GET /index.html 200 took={took:x}").unwrap();
    }
    text.truncate(len);
    text
}

#[test]
fn what_a_tool_wrote_is_read_as_it_was() {
    for codec in CODECS {
        for text in [log(0), log(1), log(1_000_000), vec![0; 300_000]] {
            let compressed = compress(codec, &text);
            let opened = Opened::new(codec, &compressed);
            assert!(opened.all() == text, "{codec:?} {}", text.len());
            let measured = opened.measure();
            assert_eq!((measured.size, measured.end), (text.len() as u64, PlainEnd::Whole), "{codec:?}");
            assert_eq!(measured.meta.size, compressed.len() as u64);
        }
    }
}

#[test]
fn all_members_are_one_text() {
    for codec in CODECS {
        let texts = [log(70_000), Vec::new(), b"two\n".repeat(20_000), log(3)];
        let bytes = texts.iter().flat_map(|text| compress(codec, text)).collect::<Vec<_>>();
        let opened = Opened::new(codec, &bytes);
        assert_eq!(opened.measure().end, PlainEnd::Whole, "{codec:?}");
        assert!(opened.all() == texts.concat(), "{codec:?}");
    }
}

#[test]
fn sizes_are_of_the_plain_text_once_it_is_measured() {
    for codec in CODECS {
        let bytes = compress(codec, &log(100_000));
        let opened = Opened::new(codec, &bytes);
        assert_eq!(opened.chunk(0, 10).meta.size, bytes.len() as u64);
        opened.measure();
        assert_eq!(opened.chunk(0, 10).meta.size, 100_000);
        let beyond = opened.chunk(200_000, 10);
        assert_eq!((beyond.bytes.len(), beyond.meta.size), (0, 100_000));
    }
}

#[test]
fn any_part_is_read_by_its_offset() {
    let text = log(600_000);
    for codec in CODECS {
        let opened = Opened::new(codec, &compress(codec, &text));
        let mut random = fastrand::Rng::with_seed(1);
        let mut next = 0;
        for turn in 0..60 {
            // Most reads go on, a little before the end of the last, as the engine's do.
            let offset =
                if turn % 10 == 0 { random.usize(..700_000) } else { next - random.usize(..=1024.min(next)) };
            let len = random.usize(..100_000);
            let wanted = &text[offset.min(text.len())..(offset + len).min(text.len())];
            assert!(opened.read(offset, len) == wanted, "{codec:?} {offset} {len}");
            next = offset + wanted.len();
        }
    }
}

#[test]
fn a_short_step_back_decodes_nothing_twice() {
    let text = log(1_000_000);
    for codec in CODECS {
        let opened = Opened::new(codec, &compress(codec, &text));
        for end in (10_000..text.len()).step_by(99_999) {
            opened.read(end - 10_000, 10_000);
            let decoded = opened.decoded();
            let back = end.saturating_sub(64 * 1024);
            assert!(opened.read(back, 100) == text[back..back + 100]);
            assert_eq!(opened.decoded(), decoded, "{codec:?} {end}");
        }
        assert!(opened.read(5, 100) == text[5..105], "from the beginning again");
        assert!(opened.decoded() < Some(300_000));
    }
}

#[test]
fn an_error_of_the_disk_is_no_damage() {
    let dir = tempfile::TempDir::new().unwrap();
    let opened = Opened { file: File::open(dir.path()).unwrap(), ..Opened::new(Codec::Gzip, b"") };
    let heard = Heard::new();
    assert!(matches!(opened.plain.measure(&opened.file, &heard), Err(FileError::Other(_))));
    assert!(matches!(opened.plain.read(&opened.file, 0, 1, &heard), Err(FileError::Other(_))));
}
