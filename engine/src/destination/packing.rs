//! Many lines in one record: how large it gets, and how the lines are put in and found again.

mod kpl;

/// Most lines joined into a record of a delivery stream: as many as a request has records without joining.
const MAX_JOINED: u32 = 500;

/// How lines become one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    format: Format,
    /// Most bytes of a packed record, by [`super::Destination::weight`]; a line too large for that is a record alone.
    pub bytes: u64,
    /// Most lines.
    pub lines: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Kpl,
    Joined,
}

/// A line as it goes into a record.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Its bytes.
    pub data: &'a [u8],
    /// A newline is added to them.
    pub newline: bool,
}

impl Line<'_> {
    fn len(self) -> usize {
        self.data.len() + usize::from(self.newline)
    }

    fn append(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.data);
        out.extend(self.newline.then_some(b'\n'));
    }
}

impl Packing {
    /// The format of the Kinesis Producer Library, which consumers with the Client Library take apart.
    pub fn kpl(bytes: u64) -> Self {
        Self { format: Format::Kpl, bytes, lines: u32::MAX }
    }

    /// One line after the other, each with its newline.
    pub fn joined(bytes: u64) -> Self {
        Self { format: Format::Joined, bytes, lines: MAX_JOINED }
    }

    /// Bytes of a packed record without lines.
    pub fn overhead(&self, key: u64) -> u64 {
        match self.format {
            Format::Kpl => kpl::overhead(key),
            Format::Joined => 0,
        }
    }

    /// Bytes that a line of so many adds.
    pub fn line(&self, data: u64) -> u64 {
        match self.format {
            Format::Kpl => kpl::line(data),
            Format::Joined => data,
        }
    }

    /// Appends the packed record of these lines. Its own key is `key` as well.
    pub fn pack<'a>(&self, out: &mut Vec<u8>, lines: impl Iterator<Item = Line<'a>>, key: &str) {
        match self.format {
            Format::Kpl => kpl::pack(out, lines, key),
            Format::Joined => lines.for_each(|line| line.append(out)),
        }
    }

    /// The lines of a packed record, newlines included. `lengths` are theirs without the newlines that were added.
    pub fn unpack<'a>(&self, data: &'a [u8], lengths: impl Iterator<Item = u32>) -> Vec<&'a [u8]> {
        match self.format {
            Format::Kpl => kpl::unpack(data),
            Format::Joined => split(data, lengths),
        }
    }
}

/// By length, not by newline: a step may make a record of several lines.
fn split(mut data: &[u8], lengths: impl Iterator<Item = u32>) -> Vec<&[u8]> {
    let next = |length: u32| {
        let length = (length as usize).min(data.len());
        // A newline was added exactly where there was none.
        let added = length < data.len() && data[..length].last() != Some(&b'\n');
        let (line, rest) = data.split_at(length + usize::from(added));
        data = rest;
        line
    };
    lengths.map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_lines_are_found_again_whatever_they_hold() {
        let lines: [&[u8]; 5] = [b"one\n", b"two", b"", b"a\nb", b"\n"];
        let packing = Packing::joined(1000);
        let mut out = Vec::new();
        let given = lines.iter().map(|line| Line { data: line, newline: line.last() != Some(&b'\n') });
        packing.pack(&mut out, given, "");
        let found = packing.unpack(&out, lines.iter().map(|line| line.len() as u32));
        assert_eq!(found, [&b"one\n"[..], b"two\n", b"\n", b"a\nb\n", b"\n"]);
    }
}
