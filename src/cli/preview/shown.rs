//! Shows what was cut: the engine encodes the records for a destination that is only looked at.

use base64_simd::STANDARD as BASE64;
use kintail_engine::destination::{self, Answer, Destination, Limits, Verdict};
use kintail_engine::encode::{BatchId, EncodeJob, Part};
use kintail_engine::frame::{Cut, Lines};
use kintail_engine::ids::{FlowId, Span};
use kintail_engine::partition::KeyRule;
use kintail_engine::settings::{Flow, Newline};
use kintail_engine::state::Reason;
use serde_json::{Value, json};
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a key's length before it.
const PREFIX: usize = 4;

/// The flow's destination, but that records are written plainly: the key's length, the key, the data.
#[derive(Debug)]
struct Plain(Arc<dyn Destination>);

impl Destination for Plain {
    fn describe(&self) -> String {
        self.0.describe()
    }
    fn limits(&self) -> Limits {
        self.0.limits()
    }
    fn weight(&self, data: u64, key: u64) -> u64 {
        self.0.weight(data, key)
    }
    fn wire_bound(&self, data: u64, key: u64) -> u64 {
        data + key + PREFIX as u64 + 1
    }
    fn overhead(&self) -> u64 {
        0
    }
    fn keyed(&self) -> bool {
        self.0.keyed()
    }
    fn concatenates(&self) -> bool {
        self.0.concatenates()
    }
    fn window(&self) -> u32 {
        self.0.window()
    }
    fn begin(&self, _body: &mut Vec<u8>) {}
    fn separator(&self) -> &'static [u8] {
        b""
    }
    fn record(&self, body: &mut Vec<u8>, data: &[u8], newline: bool, key: &str) {
        body.extend_from_slice(&(key.len() as u32).to_le_bytes());
        body.extend_from_slice(key.as_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(if newline { b"\n" } else { b"" });
    }
    fn data(&self, record: &[u8]) -> Vec<u8> {
        let key = record.first_chunk().map_or(0, |len| u32::from_le_bytes(*len) as usize);
        record.get(PREFIX + key..).unwrap_or_default().to_vec()
    }
    fn key(&self, _encoded: &[u8]) -> String {
        String::new()
    }
    fn finish(&self, _body: &mut Vec<u8>, _records: u32) {}
    fn judge(&self, _answer: &Answer, _records: u32) -> Verdict {
        Verdict::Accepted
    }
}

/// Shows the records of one file.
pub(super) struct Shower {
    destination: Arc<dyn Destination>,
    key: KeyRule,
    strip: bool,
    /// Whether the flow skips header lines.
    header: bool,
    /// As it was given.
    path: PathBuf,
    json: bool,
    out: BufWriter<StdoutLock<'static>>,
}

impl Shower {
    pub(super) fn new(flow: &Flow, host: &str, path: &Path, json: bool) -> Self {
        let destination = destination::for_flow(flow);
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self {
            key: if destination.keyed() {
                KeyRule::new(&flow.partition_key, host, &absolute)
            } else {
                KeyRule::None
            },
            destination: Arc::new(Plain(destination)),
            strip: flow.newline == Newline::Strip,
            header: flow.line.skip_header > 0,
            path: path.to_owned(),
            json,
            out: BufWriter::new(io::stdout().lock()),
        }
    }

    /// The largest record that the destination takes, in bytes.
    pub(super) fn payload(&self) -> u64 {
        self.destination.limits().record.saturating_sub(self.destination.weight(0, self.key.longest()))
    }

    /// Shows what came of a buffer.
    pub(super) fn cut(&mut self, cut: Cut) -> io::Result<()> {
        for span in cut.filtered {
            let what = if self.header && span.start == 0 { "skipped: header" } else { "skipped: filtered" };
            self.note(span, what)?;
        }
        self.records(&Arc::new(cut.lines))?;
        for dead in cut.dead {
            self.note(dead.span, &format!("dead letter: {}", dead.message))?;
        }
        cut.lost.iter().try_for_each(|(span, reason)| self.skipped(*span, Some(*reason)))
    }

    /// Shows bytes that are not shipped.
    pub(super) fn skipped(&mut self, span: Span, reason: Option<Reason>) -> io::Result<()> {
        match reason {
            None if span.is_empty() => Ok(()),
            None => self.note(span, "skipped: header"),
            Some(Reason::OnError) => self.note(span, "lost: a step failed"),
            Some(_) => self.note(span, "lost: longer than the limit"),
        }
    }

    /// Writes what is not yet written.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn records(&mut self, lines: &Arc<Lines>) -> io::Result<()> {
        let job = EncodeJob {
            flow: FlowId(0),
            batch: BatchId(0),
            destination: Arc::clone(&self.destination),
            encoded: Vec::new(),
            parts: vec![Part { lines: Arc::clone(lines), recs: 0..lines.recs.len(), key: self.key.clone() }],
            counts: vec![1; lines.recs.len()],
            targets: Vec::new(),
            strip: self.strip,
            capacity: lines.bytes.len(),
            seed: fastrand::u64(..),
        };
        let encoded = job.run();
        for (rec, entry) in lines.recs.iter().zip(encoded.entries) {
            self.record(lines.span(*rec), &encoded.body[entry.start as usize..entry.end as usize])?;
        }
        Ok(())
    }

    fn record(&mut self, span: Span, entry: &[u8]) -> io::Result<()> {
        let data = self.destination.data(entry);
        let key = String::from_utf8_lossy(&entry[PREFIX..entry.len() - data.len()]);
        if self.json {
            let mut record = self.place(span);
            record["bytes"] = json!(data.len());
            if self.destination.keyed() {
                record["key"] = json!(key);
            }
            match String::from_utf8(data) {
                Ok(text) => record["data"] = json!(text),
                Err(error) => record["data_base64"] = json!(BASE64.encode_to_string(error.as_bytes())),
            }
            return writeln!(self.out, "{record}");
        }
        let key = if self.destination.keyed() {
            format!("  key {}", visible(key.as_bytes()))
        } else {
            String::new()
        };
        writeln!(self.out, "{}..{}  {} B{key}  {}", span.start, span.end, data.len(), visible(&data))
    }

    fn note(&mut self, span: Span, text: &str) -> io::Result<()> {
        if self.json {
            let mut note = self.place(span);
            note["note"] = json!(text);
            return writeln!(self.out, "{note}");
        }
        writeln!(self.out, "{}..{}  {text}", span.start, span.end)
    }

    fn place(&self, span: Span) -> Value {
        json!({ "file": self.path, "start": span.start, "end": span.end })
    }
}

/// Text in which nothing moves the cursor or is invisible.
fn visible(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
        }
        out.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    out
}
