//! The pure half of `file`: records one after the other, each with its newline.

use super::{Answer, Destination, Failure, FailureKind, Limits, Verdict};
use crate::settings::MIB;
use std::path::{Path, PathBuf};

/// A file on this host.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
}

impl File {
    /// Written at `path`.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf() }
    }
}

/// Our own bound: what is written, and synced, at once.
const LIMITS: Limits = Limits { records: 10_000, bytes: 8 * MIB, record: 64 * MIB };

impl Destination for File {
    fn describe(&self) -> String {
        format!("file {}", self.path.display())
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn weight(&self, data: u64, _key: u64) -> u64 {
        data + 1
    }

    fn wire_bound(&self, data: u64, _key: u64) -> u64 {
        data + 1
    }

    fn overhead(&self) -> u64 {
        0
    }

    fn keyed(&self) -> bool {
        false
    }

    fn concatenates(&self) -> bool {
        true
    }

    fn in_order(&self) -> bool {
        true
    }

    fn window(&self) -> u32 {
        1
    }

    fn begin(&self, _body: &mut Vec<u8>) {}

    fn separator(&self) -> &'static [u8] {
        b""
    }

    fn record(&self, body: &mut Vec<u8>, data: &[u8], newline: bool, _key: &str) {
        plain_record(body, data, newline);
    }

    fn data(&self, encoded: &[u8]) -> Vec<u8> {
        encoded.to_vec()
    }

    fn key(&self, _encoded: &[u8]) -> String {
        String::new()
    }

    fn finish(&self, _body: &mut Vec<u8>, _records: u32) {}

    fn judge(&self, answer: &Answer, _records: u32) -> Verdict {
        judge_written(answer)
    }
}

/// Appends a record as it is.
pub(super) fn plain_record(body: &mut Vec<u8>, data: &[u8], newline: bool) {
    body.extend_from_slice(data);
    if newline {
        body.push(b'\n');
    }
}

/// All or nothing: an output that failed was cut back to where it was.
pub(super) fn judge_written(answer: &Answer) -> Verdict {
    match answer {
        Answer::Written => Verdict::Accepted,
        Answer::Failed { may_have_arrived: true, failure } => Verdict::Unanswered(failure.clone()),
        Answer::Failed { failure, .. } => Verdict::Refused(failure.clone()),
        Answer::Http { status, .. } => Verdict::Unanswered(Failure::new(
            FailureKind::Output,
            "Unexpected",
            format!("a response with status {status} from an output that sends none"),
        )),
    }
}
