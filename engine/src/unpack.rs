//! Taking records of several lines apart: when a service refuses one, and for dead letters.

use crate::batch::Item;
use crate::destination::Destination;
use crate::destination::packing::Line;
use bytes::Bytes;

/// The lines of an encoded record, each as it would be sent alone.
pub(crate) fn lines(to: &dyn Destination, encoded: &[u8], items: &[Item]) -> Vec<Bytes> {
    let data = Bytes::from(to.data(encoded));
    match to.packing() {
        Some(packing) if items.len() > 1 => {
            let lengths = items.iter().map(|item| item.length);
            packing.unpack(&data, lengths).into_iter().map(|line| data.slice_ref(line)).collect()
        }
        _ => vec![data],
    }
}

/// An encoded record of several lines as two, with the same key. The first has half of the lines, rounded down.
pub(crate) fn halves(to: &dyn Destination, encoded: &[u8], items: &[Item]) -> [Bytes; 2] {
    let (lines, key) = (lines(to, encoded, items), to.key(encoded));
    let (first, second) = lines.split_at(lines.len() / 2);
    [record(to, first, &key), record(to, second, &key)]
}

fn record(to: &dyn Destination, lines: &[Bytes], key: &str) -> Bytes {
    let mut encoded = Vec::new();
    match (lines, to.packing()) {
        ([line], _) => to.record(&mut encoded, line, false, key),
        (lines, Some(packing)) => {
            let mut data = Vec::new();
            packing.pack(&mut data, lines.iter().map(|data| Line { data, newline: false }), key);
            to.record(&mut encoded, &data, false, key);
        }
        (lines, None) => debug_assert!(lines.is_empty(), "only packed records have several lines"),
    }
    encoded.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::for_flow;
    use crate::ids::{CursorId, Epoch, FileId, FlowId, RunId, Span};
    use crate::settings::{Destination as To, Flow, Wire};

    fn item(length: u32) -> Item {
        let file = FileId { run: RunId(1), number: 1 };
        let cursor = CursorId { flow: FlowId(0), file, epoch: Epoch { run: RunId(1), number: 0 } };
        Item { cursor, span: Span::new(0, 1), tries: 0, failed: None, length }
    }

    #[test]
    fn halves_hold_the_lines_in_order_down_to_lone_ones() {
        let stream = To::Kinesis { stream: "clicks".into() };
        let firehose = To::Firehose { delivery_stream: "clicks".into() };
        for (to, wire) in [(stream.clone(), Wire::Auto), (stream, Wire::Json), (firehose, Wire::Auto)] {
            let flow = Flow { aggregation: Some(1000), wire, ..Flow::new("flow", Vec::new(), to) };
            let to = for_flow(&flow);
            let texts = [&b"one\n"[..], b"two\n", b"three\n"];
            let all: Vec<Bytes> = texts.into_iter().map(Bytes::from_static).collect();
            let items: Vec<Item> = all.iter().map(|line| item(line.len() as u32)).collect();
            let [first, second] = halves(&*to, &record(&*to, &all, "key"), &items);
            assert_eq!(lines(&*to, &first, &items[..1]), all[..1]);
            assert_eq!(lines(&*to, &second, &items[1..]), all[1..]);
            let [second, third] = halves(&*to, &second, &items[1..]);
            assert_eq!((to.data(&second), to.data(&third)), (all[1].to_vec(), all[2].to_vec()));
            assert_eq!(to.key(&third), if to.keyed() { "key" } else { "" });
        }
    }
}
