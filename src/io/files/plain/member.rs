//! One member of a compressed file, which some formats call stream or frame, decoded step by step by its library.

use flate2::FlushDecompress;
use kintail_engine::event::Codec;
use liblzma::stream::{Action, TELL_UNSUPPORTED_CHECK};
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer};

/// The largest zstd window that is decoded: 64 MiB, as a power of two.
const ZSTD_WINDOW: u32 = 26;
/// What liblzma may take: a dictionary of 64 MiB, and itself.
const XZ_MEMORY: u64 = 72 << 20;

/// Decodes one member.
pub(super) trait Member: Send {
    /// Takes some of `input`, gives some of the text.
    fn step(&mut self, input: &[u8], text: &mut [u8]) -> Step;
}

/// What a step did.
pub(super) struct Step {
    /// Bytes of the input.
    pub(super) taken: usize,
    /// Bytes of text.
    pub(super) given: usize,
    /// What comes after them.
    pub(super) then: Then,
}

/// What comes after a step.
pub(super) enum Then {
    /// The rest of the member.
    More,
    /// Nothing: its trailer was there and right.
    End,
    /// What is none of its format, in words.
    Damage(String),
    /// Nothing now; there may be memory later.
    NoMemory,
}

/// A decoder for a member; `None` without memory for it.
pub(super) fn begin(codec: Codec) -> Option<Box<dyn Member>> {
    Some(match codec {
        Codec::Gzip => Box::new(flate2::Decompress::new_gzip(15)),
        Codec::Zstd => Box::new(Zstd::new()?),
        Codec::Bzip2 => Box::new(bzip2::Decompress::new(false)),
        Codec::Xz => {
            Box::new(liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, TELL_UNSUPPORTED_CHECK).ok()?)
        }
    })
}

/// Whether a member may begin with this byte. The libraries find that out later, some only with a whole header.
pub(super) fn may_begin(codec: Codec, byte: u8) -> bool {
    match codec {
        Codec::Gzip => byte == 0x1f,
        // The second: a frame to be skipped.
        Codec::Zstd => byte == 0x28 || byte & 0xf0 == 0x50,
        Codec::Bzip2 => byte == b'B',
        Codec::Xz => byte == 0xfd,
    }
}

/// Whether zeros may follow a member.
pub(super) fn is_padded(codec: Codec) -> bool {
    matches!(codec, Codec::Gzip | Codec::Xz)
}

impl Member for flate2::Decompress {
    fn step(&mut self, input: &[u8], text: &mut [u8]) -> Step {
        let before = (self.total_in(), self.total_out());
        let then = match self.decompress(input, text, FlushDecompress::None) {
            Ok(flate2::Status::StreamEnd) => Then::End,
            Ok(flate2::Status::Ok | flate2::Status::BufError) => Then::More,
            Err(error) => Then::Damage(error.message().unwrap_or("invalid data").into()),
        };
        Step::between(before, (self.total_in(), self.total_out()), then)
    }
}

impl Member for bzip2::Decompress {
    fn step(&mut self, input: &[u8], text: &mut [u8]) -> Step {
        let before = (self.total_in(), self.total_out());
        let then = match self.decompress(input, text) {
            Ok(bzip2::Status::StreamEnd) => Then::End,
            Ok(bzip2::Status::MemNeeded) => Then::NoMemory,
            Ok(_) => Then::More,
            Err(error) => Then::Damage(error.to_string()),
        };
        Step::between(before, (self.total_in(), self.total_out()), then)
    }
}

impl Member for liblzma::stream::Stream {
    fn step(&mut self, input: &[u8], text: &mut [u8]) -> Step {
        use liblzma::stream::{Error, Status};
        let before = (self.total_in(), self.total_out());
        let then = match self.process(input, text, Action::Run) {
            Ok(Status::StreamEnd) => Then::End,
            Ok(_) => Then::More,
            Err(Error::Mem) => Then::NoMemory,
            Err(Error::MemLimit) => Then::Damage("its dictionary is larger than 64 MiB".into()),
            Err(error) => Then::Damage(error.to_string()),
        };
        Step::between(before, (self.total_in(), self.total_out()), then)
    }
}

impl Step {
    /// What a library's counts of bytes in and out tell.
    fn between(before: (u64, u64), after: (u64, u64), then: Then) -> Self {
        Self { taken: (after.0 - before.0) as usize, given: (after.1 - before.1) as usize, then }
    }
}

/// A zstd frame. A call of the library that fails tells of no text that it gave before; so each gets one block at
/// most, or what is between two.
struct Zstd {
    context: DCtx<'static>,
    /// What the library wants next: the rest of this block, and the header of the one after it.
    wanted: usize,
    /// There may be text that did not fit the last time.
    full: bool,
}

impl Zstd {
    const BLOCK_HEADER: usize = 3;
    /// Of a frame: the least.
    const HEADER: usize = 5;
    /// As the library's `zstd_errors.h` numbers them.
    const WINDOW_TOO_LARGE: usize = 16_usize.wrapping_neg();
    const NO_MEMORY: usize = 64_usize.wrapping_neg();

    fn new() -> Option<Self> {
        let mut context = DCtx::try_create()?;
        context.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW)).expect("a window that zstd knows");
        Some(Self { context, wanted: Self::HEADER, full: false })
    }

    /// Bytes of input that have at most one block in them.
    fn most(&self) -> usize {
        match self.wanted {
            _ if self.full => 0,
            wanted if wanted > Self::BLOCK_HEADER => wanted - Self::BLOCK_HEADER,
            wanted => wanted,
        }
    }
}

impl Member for Zstd {
    fn step(&mut self, input: &[u8], text: &mut [u8]) -> Step {
        let mut from = InBuffer::around(&input[..input.len().min(self.most())]);
        let mut to = OutBuffer::around(text);
        let then = match self.context.decompress_stream(&mut to, &mut from) {
            Ok(0) => Then::End,
            Ok(wanted) => {
                self.wanted = wanted;
                Then::More
            }
            Err(Self::WINDOW_TOO_LARGE) => Then::Damage("its window is larger than 64 MiB".into()),
            Err(Self::NO_MEMORY) => Then::NoMemory,
            Err(code) => Then::Damage(zstd_safe::get_error_name(code).into()),
        };
        let (taken, given) = (from.pos(), to.pos());
        self.full = given == text.len();
        Step { taken, given, then }
    }
}
