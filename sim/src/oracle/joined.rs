//! Records of several lines: which lines they may have.

use super::{Broken, Located, Oracle};
use crate::plan::joined;
use crate::world::disk::Disk;

const TOGETHER: &str = "the lines of a record belong together";

impl Oracle {
    /// Where the lines of a record were read: each as it was written, one after the other, as many as may be.
    pub(crate) fn locate_all(
        &self,
        disk: &Disk,
        flow: usize,
        data: &[u8],
        letter: bool,
    ) -> Result<Vec<Located>, Broken> {
        let account = &self.flows[flow];
        let Some(rules) = &account.joins else { return Ok(vec![self.locate(disk, flow, data, letter)?]) };
        let lines: Vec<&[u8]> = data.split_inclusive(|byte| *byte == b'\n').collect();
        if lines.len() < 2 {
            return Ok(vec![self.locate(disk, flow, data, letter)?]);
        }
        let wrong = |what: &str| {
            let text = String::from_utf8_lossy(&data[..data.len().min(80)]);
            Broken::new(TOGETHER, format!("{what}: {} got {text:?}", account.name))
        };
        let most = rules.max_bytes.min(account.line.max_bytes);
        if lines.len() > rules.max_lines as usize || data.len() as u64 > most {
            return Err(wrong("too many"));
        }
        let located = lines.into_iter().map(|line| self.locate(disk, flow, line, letter));
        let located = located.collect::<Result<Vec<_>, _>>()?;
        let mut next = None;
        for line in &located {
            match (*line, next) {
                // Nobody knows which one it is.
                (Located::Empty, _) => next = next.map(|(content, start)| (content, start + 1)),
                (Located::At { content, start, .. }, Some(before)) if before != (content, start) => {
                    return Err(wrong("others lie between"));
                }
                (Located::At { content, end, .. }, _) => next = Some((content, end)),
            }
        }
        let begins = |line: &Located| matches!(line, Located::At { content, start, .. } if begins(disk, *content, *start));
        if located.iter().skip(1).any(begins) {
            return Err(wrong("one begins a record"));
        }
        Ok(located)
    }
}

fn begins(disk: &Disk, content: crate::world::disk::ContentId, start: u64) -> bool {
    let lines = &disk.contents[content].lines;
    let after = lines.partition_point(|id| disk.lines[id.0 as usize].start <= start);
    after > 0 && joined::begins(lines[after - 1])
}
