//! How the acknowledged ranges past a prefix lie on disk: a version byte, then for each range the gap before it
//! and its length as LEB128, about four bytes a range.

use kintail_engine::ids::Span;

/// Ranges as gaps and lengths.
const GAPS: u8 = 1;

/// The bytes for `ranges`; `None` if they are not sorted, apart from each other and the prefix, and not empty.
pub(super) fn encode(prefix: u64, ranges: &[Span]) -> Option<Vec<u8>> {
    let mut bytes = vec![GAPS];
    let mut at = prefix;
    for range in ranges {
        push(&mut bytes, range.start.checked_sub(at).filter(|&gap| gap > 0)?);
        push(&mut bytes, range.end.checked_sub(range.start).filter(|&len| len > 0)?);
        at = range.end;
    }
    Some(bytes)
}

/// The ranges that `bytes` hold; `None` if they were not written by [`encode`].
pub(super) fn decode(prefix: u64, bytes: &[u8]) -> Option<Vec<Span>> {
    let (&GAPS, mut rest) = bytes.split_first()? else { return None };
    let mut ranges = Vec::new();
    let mut at = prefix;
    while !rest.is_empty() {
        let start = at.checked_add(pop(&mut rest).filter(|&gap| gap > 0)?)?;
        at = start.checked_add(pop(&mut rest).filter(|&len| len > 0)?)?;
        ranges.push(Span::new(start, at));
    }
    Some(ranges)
}

fn push(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn pop(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if part << shift >> shift != part {
            return None;
        }
        number |= part << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_come_back_as_they_went() {
        let cases: [(u64, &[(u64, u64)]); 5] = [
            (0, &[]),
            (0, &[(1, 2)]),
            (7, &[(10, 300), (301, 302), (1 << 40, 1 << 41)]),
            (0, &[(1, u64::MAX)]),
            (u64::MAX - 2, &[(u64::MAX - 1, u64::MAX)]),
        ];
        for (prefix, spans) in cases {
            let ranges: Vec<_> = spans.iter().map(|&(start, end)| Span::new(start, end)).collect();
            assert_eq!(decode(prefix, &encode(prefix, &ranges).unwrap()), Some(ranges));
        }
    }

    #[test]
    fn ranges_in_disorder_are_not_written() {
        let cases: [&[(u64, u64)]; 5] = [&[(4, 6)], &[(5, 6)], &[(7, 7)], &[(9, 8)], &[(10, 20), (20, 30)]];
        for spans in cases {
            let ranges: Vec<_> = spans.iter().map(|&(start, end)| Span { start, end }).collect();
            assert_eq!(encode(5, &ranges), None, "{spans:?}");
        }
    }

    #[test]
    fn hostile_bytes_are_refused_and_never_panic() {
        let mut long = vec![GAPS];
        long.extend([0xff; 9]);
        long.extend([0x7f, 1]);
        for bytes in [&[][..], &[2], &[GAPS, 1], &[GAPS, 0, 1], &[GAPS, 1, 0], &[GAPS, 0x80], &long] {
            assert_eq!(decode(0, bytes), None, "{bytes:?}");
        }
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..10_000 {
            let len = random.usize(..30);
            let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(len).collect();
            let _ = decode(random.u64(..), &bytes);
        }
    }
}
