//! The floor: read, split, encode as kintail does and hash, in one loop without a network or anything to remember.

use super::usage::Usage;
use kintail_engine::destination::for_flow;
use kintail_engine::partition::KeyRule;
use kintail_engine::settings::{Destination, Flow};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read as _};
use std::path::Path;

/// What the loop took.
pub(crate) struct Floor {
    /// Seconds of CPU time.
    pub(crate) cpu: f64,
    /// Bytes of the bodies.
    pub(crate) wire_bytes: f64,
}

/// Runs the loop over a file.
pub(crate) fn run(path: &Path) -> io::Result<Floor> {
    let flow = Flow::new("floor", Vec::new(), Destination::Kinesis { stream: "clicks".into() });
    let kinesis = for_flow(&flow);
    let (keys, mut scratch, mut rng) = (KeyRule::Random, String::new(), fastrand::Rng::with_seed(1));
    let before = Usage::of(std::process::id())?.cpu;
    let (mut buffer, mut held) = (vec![0; 256 * 1024], 0);
    let (mut body, mut records, mut wire_bytes) = (Vec::with_capacity(1 << 20), 0, 0);
    let mut file = File::open(path)?;
    loop {
        let read = file.read(&mut buffer[held..])?;
        let filled = held + read;
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', &buffer[..filled]) {
            if records == 0 {
                body.clear();
                kinesis.begin(&mut body);
            } else {
                body.extend_from_slice(kinesis.separator());
            }
            let key = keys.key(&buffer[start..=newline], &mut rng, &mut scratch);
            kinesis.record(&mut body, &buffer[start..=newline], false, key);
            start = newline + 1;
            records += 1;
            if records == 500 {
                wire_bytes += finish(&mut body, &*kinesis, &mut records);
            }
        }
        buffer.copy_within(start..filled, 0);
        held = filled - start;
        if read == 0 {
            break;
        }
    }
    if records > 0 {
        wire_bytes += finish(&mut body, &*kinesis, &mut records);
    }
    let cpu = Usage::of(std::process::id())?.cpu - before;
    Ok(Floor { cpu, wire_bytes: wire_bytes as f64 })
}

/// Ends a body and hashes it, as its signature would.
fn finish(
    body: &mut Vec<u8>,
    kinesis: &dyn kintail_engine::destination::Destination,
    records: &mut u32,
) -> usize {
    kinesis.finish(body, *records);
    *records = 0;
    black_box(Sha256::digest(&body));
    body.len()
}
