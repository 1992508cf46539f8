//! The lines that writers write: every eight bytes of a line name the line and their place in it, so that a
//! record, or a piece of one, tells where it was read.

/// Bytes of a block: four digits of the line, three of the block, one separator.
pub(crate) const BLOCK: usize = 8;

/// Longest line without its newline.
pub(crate) const LONGEST: usize = BLOCK * 32 * 32 * 32;

const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// Separators: bytes that break text tools must arrive unchanged.
const SEPARATORS: [u8; 8] = [b'|', b'|', b'|', b' ', b'\r', 0xff, 0xc3, b'"'];

/// A line's number; given once in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LineId(pub(crate) u32);

/// The nearest length, of a line without its newline, whose pieces can be told: 0, or one whose last block
/// names its line.
pub(crate) fn tellable(len: usize) -> usize {
    let len = len.min(LONGEST);
    if matches!(len % BLOCK, 1..=3) { len - len % BLOCK + 4 } else { len }
}

/// Appends bytes `from..to` of a line; `from` is the start of a block.
pub(crate) fn write(out: &mut Vec<u8>, line: LineId, from: usize, to: usize) {
    debug_assert!(from.is_multiple_of(BLOCK));
    let start = out.len();
    for block in from / BLOCK..to.div_ceil(BLOCK) {
        out.extend((0..4).rev().map(|digit| DIGITS[(line.0 as usize >> (5 * digit)) & 31]));
        out.extend((0..3).rev().map(|digit| DIGITS[(block >> (5 * digit)) & 31]));
        out.push(separator(line));
    }
    out.truncate(start + to - from);
}

/// The byte that ends each block of a line.
pub(crate) fn separator(line: LineId) -> u8 {
    SEPARATORS[line.0 as usize % SEPARATORS.len()]
}

/// The line of which these are bytes from the start of a block on, and the block if it is told.
pub(crate) fn read(bytes: &[u8]) -> Option<(LineId, Option<usize>)> {
    let line = number(bytes.get(..4)?)?;
    let block = bytes.get(4..7).and_then(number);
    Some((LineId(line as u32), block))
}

fn number(digits: &[u8]) -> Option<usize> {
    digits.iter().try_fold(0, |sum, digit| {
        let digit = DIGITS.iter().position(|known| known == digit)?;
        Some(sum * 32 + digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_of_a_line_tells_the_line_and_its_place() {
        let mut bytes = Vec::new();
        write(&mut bytes, LineId(70_001), 0, 44);
        assert_eq!(bytes.len(), 44);
        assert_eq!(read(&bytes), Some((LineId(70_001), Some(0))));
        assert_eq!(read(&bytes[16..]), Some((LineId(70_001), Some(2))));
        assert_eq!(read(&bytes[40..]), Some((LineId(70_001), None)));
        assert_eq!(read(&bytes[41..]), None);
    }
}
