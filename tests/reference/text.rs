//! The lines that writers write: every eight bytes name the line and their place in it, so that each piece of a line
//! tells which it is.

use std::fmt::Write as _;
use std::ops::Range;

/// Bytes of a block: five digits of the line, two of the block, a separator.
pub(crate) const BLOCK: u64 = 8;

/// Most blocks of a line.
pub(crate) const MOST: u32 = 255;

/// A line's number; given once in a round.
pub(crate) type LineId = usize;

/// Some blocks of a line, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) line: LineId,
    pub(crate) blocks: Range<u32>,
}

/// These blocks as they are written.
pub(crate) fn write(text: &mut String, line: LineId, blocks: Range<u32>) {
    for block in blocks {
        write!(text, "{line:05x}{block:02x}|").expect("a string takes all");
    }
}

/// The pieces that a text is made of, which has no newline; none if nobody writes such a text.
pub(crate) fn read(text: &[u8]) -> Option<Vec<Piece>> {
    let mut pieces: Vec<Piece> = Vec::new();
    for block in text.chunks(BLOCK as usize) {
        let digits = std::str::from_utf8(block.strip_suffix(b"|")?).ok().filter(|text| text.len() == 7)?;
        let line = LineId::from_str_radix(&digits[..5], 16).ok()?;
        let number = u32::from_str_radix(&digits[5..], 16).ok()?;
        match pieces.last_mut().filter(|last| last.line == line && last.blocks.end == number) {
            Some(last) => last.blocks.end += 1,
            None => pieces.push(Piece { line, blocks: number..number + 1 }),
        }
    }
    Some(pieces)
}
