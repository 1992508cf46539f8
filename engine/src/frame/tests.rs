//! Tests of framing: whatever the buffers, the same records come out, and no byte is left over.

use super::*;
use crate::ids::{Epoch, FileId, FlowId, RunId};
use crate::multiline::{Join, Multiline};
use crate::process::Pattern;
use std::time::Duration;

fn cursor() -> CursorId {
    let run = RunId(1);
    CursorId { flow: FlowId(0), file: FileId { run, number: 1 }, epoch: Epoch { run, number: 0 } }
}

/// What a file's bytes become, read in chunks of at most `chunk` bytes as the engine would.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    records: Vec<(Vec<u8>, Span)>,
    dead: Vec<(Vec<u8>, Span)>,
    lost: Vec<(Span, Reason)>,
    filtered: u64,
}

fn frame(file: &[u8], chunk: usize, rules: Rules, header: u32) -> Outcome {
    let mut reader = Reader::new(header, false);
    reader.read(file, chunk, rules, true);
    assert_eq!(reader.position.line.at, file.len() as u64, "framing does not end");
    reader.out
}

/// Reads a file that may grow.
struct Reader {
    position: Position,
    out: Outcome,
    /// The file was truncated before.
    hole: bool,
    /// Most bytes that a job held.
    held: usize,
    joining: Option<Box<Joining>>,
}

impl Reader {
    fn new(header: u32, hole: bool) -> Self {
        let position = Position::new(Check::default(), header);
        Self { position, out: Outcome::default(), hole, held: 0, joining: None }
    }

    /// Reads on to the end of what there is now; with `ended` nothing follows.
    fn read(&mut self, file: &[u8], chunk: usize, rules: Rules, ended: bool) {
        for _ in 0..10_000 {
            match self.position.step(rules) {
                Step::Skip { span, reason: Some(reason) } => self.out.lost.push((span, reason)),
                Step::Skip { span, reason: None } => self.out.filtered += span.len(),
                Step::Read { check, mode, need } => {
                    let want = need.map_or(chunk, |need| need as usize);
                    let stop = (check.at as usize + want).min(file.len());
                    self.job(
                        &file[..stop],
                        check,
                        mode,
                        ended && stop == file.len(),
                        (chunk / 2) as u64,
                        rules,
                    );
                    if stop == file.len() && !self.position.can_go_on(rules) {
                        return;
                    }
                }
            }
        }
    }

    fn job(&mut self, file: &[u8], check: Check, mode: Mode, ended: bool, hold: u64, rules: Rules) {
        let base = check.at - u64::from(check.print.len);
        let job = FrameJob {
            cursor: cursor(),
            bytes: Bytes::copy_from_slice(&file[base as usize..]),
            base,
            check,
            head: Fingerprint::default(),
            mode,
            data: self.position.data(),
            header: self.position.header,
            ended,
            hole: self.hole && self.position.may_be_hole(),
            hold,
            rules,
            joining: self.joining.clone(),
            process: None,
        };
        self.held = self.held.max(job.bytes.len());
        let Framing::Same(cut) = job.run().framing else { panic!("content did not change") };
        self.out.take(&cut);
        self.position.advance(mode, &cut);
    }
}

impl Outcome {
    fn take(&mut self, cut: &Cut) {
        let take = |rec: &Rec| {
            let mut data = cut.lines.data(*rec).to_vec();
            if cut.lines.is_cut(*rec) {
                data.push(b'\n');
            }
            (data, cut.lines.span(*rec))
        };
        self.records.extend(cut.lines.recs.iter().map(take));
        self.dead.extend(cut.dead.iter().map(|dead| (dead.data.to_vec(), dead.span)));
        self.lost.extend(&cut.lost);
        self.filtered += cut.filtered.iter().map(|span| span.len()).sum::<u64>();
    }
}

fn rules(limit: u64, oversize: Oversize) -> Rules {
    Rules { limit, oversize }
}

fn texts(records: &[(Vec<u8>, Span)]) -> Vec<&str> {
    records.iter().map(|(data, _)| std::str::from_utf8(data).unwrap()).collect()
}

#[test]
fn lines_become_records_with_their_newline_and_the_last_fragment_too() {
    let out = frame(b"a\n\nbc\r\nrest", 64, rules(100, Oversize::Split), 0);
    assert_eq!(texts(&out.records), ["a\n", "\n", "bc\r\n", "rest"]);
    assert_eq!(out.records[2].1, Span::new(3, 7));
}

#[test]
fn a_long_line_is_split_into_pieces_of_which_the_last_has_the_newline() {
    for chunk in [1, 2, 3, 4, 7, 64] {
        let out = frame(b"0123456789\nab\n", chunk, rules(4, Oversize::Split), 0);
        assert_eq!(texts(&out.records), ["0123", "4567", "89\n", "ab\n"], "chunk {chunk}");
    }
}

#[test]
fn a_long_line_is_truncated_and_what_is_cut_off_is_lost_by_name() {
    for chunk in [1, 3, 7, 64] {
        let out = frame(b"0123456789\nab\n", chunk, rules(4, Oversize::Truncate), 0);
        assert_eq!(texts(&out.records), ["012\n", "ab\n"], "chunk {chunk}");
        assert_eq!(out.records[0].1, Span::new(0, 11));
        assert_eq!(out.lost, [(Span::new(3, 11), Reason::Truncated)]);
    }
}

#[test]
fn a_long_line_is_dropped_whole() {
    for chunk in [1, 3, 7, 64] {
        let out = frame(b"a\n0123456789\nab\n", chunk, rules(4, Oversize::Drop), 0);
        assert_eq!(texts(&out.records), ["a\n", "ab\n"], "chunk {chunk}");
        assert_eq!(out.lost, [(Span::new(2, 13), Reason::Oversize)]);
    }
}

#[test]
fn a_long_line_goes_to_the_dead_letters_in_pieces() {
    for chunk in [1, 3, 7, 64] {
        let out = frame(b"ab\n0123456789\nab\n", chunk, rules(4, Oversize::DeadLetter), 0);
        assert_eq!(texts(&out.records), ["ab\n", "ab\n"], "chunk {chunk}");
        assert_eq!(texts(&out.dead), ["0123", "4567", "89\n"]);
    }
}

#[test]
fn header_lines_are_acknowledged_all_together() {
    for chunk in [2, 5, 64] {
        let out = frame(b"h1\nh2\nab\n", chunk, rules(100, Oversize::Split), 2);
        assert_eq!(texts(&out.records), ["ab\n"], "chunk {chunk}");
        assert_eq!(out.filtered, 6);
    }
}

#[test]
fn what_follows_a_header_and_is_not_shipped_is_no_header() {
    let file = b"header\nfar too long a line\nshort\n";
    for (oversize, dead, lost) in [(Oversize::DeadLetter, 3, 0), (Oversize::Drop, 0, 1)] {
        let out = frame(file, 100, rules(8, oversize), 1);
        assert_eq!((out.filtered, out.dead.len(), out.lost.len()), (7, dead, lost), "{oversize:?}");
    }
}

#[test]
fn other_bytes_before_the_offset_are_noticed() {
    let check = content::check(3, b"ab\n");
    for (now, same) in [(&b"ab\ncd\n"[..], true), (b"xb\ncd\n", false), (b"ab", false)] {
        let job = FrameJob {
            cursor: cursor(),
            bytes: Bytes::copy_from_slice(now),
            base: 0,
            check,
            head: Fingerprint::default(),
            mode: Mode::Lines,
            header: 0,
            ended: false,
            hole: false,
            data: 0,
            hold: 10,
            rules: rules(100, Oversize::Split),
            joining: None,
            process: None,
        };
        assert_eq!(matches!(job.run().framing, Framing::Same(_)), same, "{now:?}");
    }
}

#[test]
fn other_bytes_at_the_start_are_noticed_before_any_line_is_complete() {
    let head = content::fingerprint(b"half");
    for (now, same) in [(&b"half a line\n"[..], true), (b"other\n", false), (b"ha", true)] {
        let job = FrameJob {
            cursor: cursor(),
            bytes: Bytes::copy_from_slice(now),
            base: 0,
            check: Check::default(),
            head,
            mode: Mode::Lines,
            header: 0,
            ended: false,
            hole: false,
            data: 0,
            hold: 10,
            rules: rules(100, Oversize::Split),
            joining: None,
            process: None,
        };
        assert_eq!(matches!(job.run().framing, Framing::Same(_)), same, "{now:?}");
    }
}

#[test]
fn whatever_the_chunks_the_records_are_the_same_and_every_byte_is_accounted_for() {
    let kinds = [Oversize::Split, Oversize::Truncate, Oversize::Drop, Oversize::DeadLetter];
    for seed in 0..2000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let size = rng.usize(0..200);
        let file: Vec<u8> = (0..size).map(|_| if rng.u8(..8) == 0 { b'\n' } else { rng.u8(..) }).collect();
        let rules = rules(rng.u64(2..40), kinds[rng.usize(..4)]);
        let whole = frame(&file, 1000, rules, 0);
        let chunk = rng.usize(1..50);
        let pieces = frame(&file, chunk, rules, 0);
        assert_eq!(whole, pieces, "seed {seed} chunk {chunk} {rules:?}");
        let mut covered = crate::ack::Acked::default();
        for (_, span) in whole.records.iter().chain(&whole.dead) {
            covered.ack(*span);
        }
        for (span, _) in &whole.lost {
            covered.ack(*span);
        }
        assert_eq!(covered.prefix(), file.len() as u64, "seed {seed}");
    }
}

#[test]
fn nuls_at_the_end_wait_until_something_follows() {
    for chunk in [1, 3, 7, 64] {
        let split = rules(4, Oversize::Split);
        let mut file = b"one\nab".to_vec();
        file.resize(40, 0);
        let mut reader = Reader::new(0, false);
        reader.read(&file, chunk, split, false);
        assert_eq!(texts(&reader.out.records), ["one\n"], "chunk {chunk}");
        file.extend_from_slice(b"c\n");
        reader.read(&file, chunk, split, false);
        let all: Vec<u8> = reader.out.records.iter().flat_map(|(data, _)| data.clone()).collect();
        assert_eq!(all, file, "chunk {chunk}");
    }
}

#[test]
fn nuls_at_the_end_of_a_finished_file_are_its_last_line() {
    let out = frame(b"one\n\0\0", 64, rules(100, Oversize::Split), 0);
    assert_eq!(texts(&out.records), ["one\n", "\0\0"]);
}

#[test]
fn a_hole_after_a_truncation_is_skipped_and_told_and_no_record_begins_in_it() {
    let kinds = [Oversize::Split, Oversize::Truncate, Oversize::Drop, Oversize::DeadLetter];
    for seed in 0..2000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let hole = rng.usize(0..100);
        let mut file = vec![0; hole];
        file.extend((0..rng.usize(1..100)).map(|_| if rng.u8(..8) == 0 { b'\n' } else { rng.u8(1..) }));
        let (rules, header) = (rules(rng.u64(2..40), kinds[rng.usize(..4)]), rng.u32(..2));
        let mut reader = Reader::new(header, true);
        // It may be read while it grows, and also while there is nothing but the hole.
        let first = rng.usize(..=file.len());
        reader.read(&file[..first], rng.usize(1..50), rules, false);
        reader.read(&file, rng.usize(1..50), rules, true);
        let out = reader.out;
        let told: Vec<_> = out.lost.iter().filter(|(_, reason)| *reason == Reason::Hole).collect();
        let expected = (Span::new(0, hole as u64), Reason::Hole);
        assert_eq!(told, if hole > 0 { vec![&expected] } else { vec![] }, "seed {seed}");
        let plain = frame(&file[hole..], 1000, rules, header);
        let moved = |(data, span): &(Vec<u8>, Span)| {
            (data.clone(), Span::new(span.start + hole as u64, span.end + hole as u64))
        };
        let expected: Vec<_> = plain.records.iter().map(moved).collect();
        assert_eq!(out.records, expected, "seed {seed} {rules:?}");
    }
}

#[test]
fn a_huge_hole_is_searched_in_pieces_and_once() {
    let mut file = vec![0; 8 << 20];
    file.extend_from_slice(b"line\n");
    for hole in [true, false] {
        let mut reader = Reader::new(0, hole);
        reader.read(&file, 64 << 10, rules(1 << 20, Oversize::Split), false);
        assert_eq!(reader.out.records.len(), if hole { 1 } else { 9 });
        assert!(reader.held <= (1 << 20) + 2048, "{} bytes held", reader.held);
    }
}

/// A line that begins with a digit begins a record.
fn by_digits(max_lines: u32, max_bytes: u64) -> Joining {
    let join = Join::Start(Pattern::new("^[0-9]").unwrap());
    let rules = Arc::new(Multiline { join, max_wait: Duration::ZERO, max_lines, max_bytes });
    Joining { rules, waited: false, breaks: Vec::new() }
}

/// Reads a file in which nothing follows, in chunks.
fn joined(file: &[u8], chunk: usize, rules: Rules, joining: &Joining) -> Outcome {
    let mut reader = Reader::new(0, false);
    reader.joining = Some(Box::new(joining.clone()));
    reader.read(file, chunk, rules, true);
    assert_eq!(reader.position.line.at, file.len() as u64, "framing does not end");
    reader.out
}

#[test]
fn lines_that_belong_together_are_one_record() {
    let out = joined(b"a\n1\n b\n\n2\r\n c\r\n3\nd", 64, rules(100, Oversize::Split), &by_digits(100, 100));
    assert_eq!(texts(&out.records), ["a\n", "1\n b\n\n", "2\r\n c\r\n", "3\nd"]);
    assert_eq!(out.records[1].1, Span::new(2, 8));
}

#[test]
fn an_open_record_is_read_again_until_it_is_complete() {
    let mut reader = Reader::new(0, false);
    reader.joining = Some(Box::new(by_digits(100, 100)));
    let rules = rules(100, Oversize::Split);
    for (file, position) in [("1\n a", 0), ("1\n a\n", 0), ("1\n a\n b\n", 0), ("1\n a\n b\n2 c\n", 8)] {
        reader.read(file.as_bytes(), 64, rules, false);
        assert_eq!(reader.position.line.at, position, "{file:?}");
    }
    assert_eq!(texts(&reader.out.records), ["1\n a\n b\n"]);
    if let Some(joining) = &mut reader.joining {
        joining.waited = true;
    }
    reader.read(b"1\n a\n b\n2 c\n d\n ha", 64, rules, false);
    assert_eq!(texts(&reader.out.records), ["1\n a\n b\n", "2 c\n d\n"], "a half line waits on");
    assert_eq!(reader.position.line.at, 15);
}

#[test]
fn a_record_ends_at_its_limits_and_where_the_next_one_was_delivered_already() {
    let all = rules(100, Oversize::Split);
    let out = joined(b"1\na\nb\nc\n", 64, all, &by_digits(2, 100));
    assert_eq!(texts(&out.records), ["1\na\n", "b\nc\n"]);
    let out = joined(b"1\naa\nbb\nc\n", 64, all, &by_digits(100, 6));
    assert_eq!(texts(&out.records), ["1\naa\n", "bb\nc\n"]);
    let out = joined(b"1\naa\nbb\nc\n", 64, rules(6, Oversize::Split), &by_digits(100, 100));
    assert_eq!(texts(&out.records), ["1\naa\n", "bb\nc\n"], "as long as a record may be");
    let broken = Joining { breaks: vec![5, 8], ..by_digits(100, 100) };
    let out = joined(b"1\naa\nbb\nc\n", 64, all, &broken);
    assert_eq!(texts(&out.records), ["1\naa\n", "bb\n", "c\n"]);
}

#[test]
fn a_line_over_the_limit_is_no_part_of_a_record() {
    let file = b"1\na\nlooooooong\nb\n2\n";
    let out = joined(file, 64, rules(6, Oversize::Split), &by_digits(100, 100));
    assert_eq!(texts(&out.records), ["1\na\n", "looooo", "oong\n", "b\n", "2\n"]);
    let out = joined(file, 64, rules(6, Oversize::Drop), &by_digits(100, 100));
    assert_eq!(texts(&out.records), ["1\na\n", "b\n", "2\n"]);
    assert_eq!(out.lost, [(Span::new(4, 15), Reason::Oversize)]);
}

#[test]
fn whatever_the_chunks_the_joined_records_are_the_same() {
    for seed in 0..2000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let size = rng.usize(0..200);
        let bytes = b"\n\n1ab";
        let file: Vec<u8> = (0..size).map(|_| bytes[rng.usize(..bytes.len())]).collect();
        let rules = rules(rng.u64(2..40), [Oversize::Split, Oversize::Drop][rng.usize(..2)]);
        let joining = by_digits(rng.u32(1..8), rng.u64(2..60));
        let whole = joined(&file, 1000, rules, &joining);
        let chunk = rng.usize(1..50);
        assert_eq!(whole, joined(&file, chunk, rules, &joining), "seed {seed} chunk {chunk} {rules:?}");
        let mut covered = crate::ack::Acked::default();
        for (_, span) in &whole.records {
            covered.ack(*span);
        }
        for (span, _) in &whole.lost {
            covered.ack(*span);
        }
        assert_eq!(covered.prefix(), size as u64, "seed {seed}: nothing is left over");
    }
}

#[test]
fn a_carriage_return_is_no_part_of_the_text() {
    assert_eq!(split(b"a;\r\n").0, b"a;");
    assert_eq!(split(b"a;").0, b"a;");
}
