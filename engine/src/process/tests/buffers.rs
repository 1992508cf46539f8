//! Tests of whole files in small buffers: with little room the same records come out, and no byte is left over.

use super::*;

/// Reads a file in chunks, with so much room for what is made of each.
fn read(file: &[u8], steps: &[Step], limit: u64, chunk: usize, oversize: Oversize) -> Vec<(String, Span)> {
    let rules = Rules { limit, oversize };
    let mut position = Position::new(Check::default(), 0);
    let (mut out, mut acked) = (Vec::new(), crate::ack::Acked::default());
    for _ in 0..100_000 {
        let (check, mode, need) = match position.step(rules) {
            Next::Read { check, mode, need } => (check, mode, need),
            Next::Skip { span, .. } => {
                acked.ack(span);
                continue;
            }
        };
        if check.at == file.len() as u64 {
            break;
        }
        let cut = one(file, check, mode, need, &mut position, (rules, steps, chunk));
        let spans = cut.lines.recs.iter().map(|rec| cut.lines.span(*rec));
        let spans = spans.chain(cut.dead.iter().map(|dead| dead.span)).chain(cut.filtered.iter().copied());
        for span in spans.chain(cut.lost.iter().map(|(span, _)| *span)) {
            acked.ack(span);
        }
        let recs = cut.lines.recs.iter();
        out.extend(
            recs.map(|rec| {
                (String::from_utf8_lossy(cut.lines.data(*rec)).into_owned(), cut.lines.span(*rec))
            }),
        );
    }
    assert_eq!(acked.prefix(), file.len() as u64, "bytes are left over");
    out
}

fn one(
    file: &[u8],
    check: Check,
    mode: Mode,
    need: Option<u64>,
    position: &mut Position,
    (rules, steps, chunk): (Rules, &[Step], usize),
) -> Cut {
    let base = check.at - u64::from(check.print.len);
    let stop = (check.at as usize + need.map_or(chunk, |need| need as usize)).min(file.len());
    let room = need.map_or(2 * chunk as u64, |_| rules.limit);
    let run = RunId(1);
    let job = FrameJob {
        cursor: CursorId {
            flow: FlowId(0),
            file: FileId { run, number: 1 },
            epoch: Epoch { run, number: 0 },
        },
        bytes: Bytes::copy_from_slice(&file[base as usize..stop]),
        base,
        check,
        head: Fingerprint::default(),
        mode,
        data: position.data(),
        header: 0,
        ended: stop == file.len(),
        hole: false,
        hold: (chunk / 2) as u64,
        rules,
        joining: None,
        process: Some(Box::new(processing(steps.to_vec(), room))),
    };
    let Framing::Same(cut) = job.run().framing else { panic!("the content did not change") };
    assert!(cut.lines.bytes.len() as u64 <= room, "{} bytes made, {room} booked", cut.lines.bytes.len());
    position.advance(mode, &cut);
    *cut
}

fn steps(rng: &mut fastrand::Rng) -> Vec<Step> {
    let filter = |text| Filter { field: None, pattern: pattern(text) };
    let mut all = vec![
        Action::Add(members(&[("x", text(&"y".repeat(rng.usize(..60))))], None)),
        Action::Drop(filter("a")),
        parse(Parser::Logfmt),
        Action::Sample(0.7),
        Action::Output(Output::Json),
        Action::Redact { pattern: pattern("b"), with: "bbbbbb".into() },
    ];
    rng.shuffle(&mut all);
    all.truncate(rng.usize(1..4));
    let on_error = [OnError::Pass, OnError::Drop, OnError::DeadLetter];
    all.into_iter().map(|action| Step { action, on_error: on_error[rng.usize(..3)] }).collect()
}

#[test]
fn whatever_the_chunks_and_the_room_the_records_are_the_same() {
    let kinds = [Oversize::Split, Oversize::Truncate, Oversize::Drop, Oversize::DeadLetter];
    for seed in 0..3000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let size = rng.usize(1..300);
        let bytes = b"ab=\0\n\n \xff";
        let file: Vec<u8> = (0..size).map(|_| bytes[rng.usize(..bytes.len())]).collect();
        let steps = steps(&mut rng);
        let (limit, oversize) = (rng.u64(2..80), kinds[rng.usize(..4)]);
        let whole = read(&file, &steps, limit, 100_000, oversize);
        let chunk = rng.usize(1..60);
        let pieces = read(&file, &steps, limit, chunk, oversize);
        assert_eq!(whole, pieces, "seed {seed} chunk {chunk} limit {limit} {oversize:?} {steps:?}");
    }
}

#[test]
fn what_finds_no_room_is_read_again_and_alone_if_need_be() {
    let add = step(Action::Add(members(&[("x", text(&"y".repeat(100)))], None)));
    let cut = |room| {
        let mut cut = job(vec![add.clone()], 1 << 20, b"");
        let mut again = FrameJob {
            cursor: cut.lines.cursor,
            bytes: Bytes::from_static(b"a\nb\nc\n"),
            base: 0,
            check: Check::default(),
            head: Fingerprint::default(),
            mode: Mode::Lines,
            data: 0,
            header: 0,
            ended: false,
            hole: false,
            hold: 100,
            rules: Rules { limit: 1 << 20, oversize: Oversize::Split },
            joining: None,
            process: None,
        };
        again.process = Some(Box::new(processing(vec![add.clone()], room)));
        let Framing::Same(same) = again.run().framing else { panic!("the content did not change") };
        cut = *same;
        (cut.lines.recs.len(), cut.next.at, cut.half, cut.end)
    };
    assert_eq!(cut(1000), (3, 6, Half::Short, 6));
    assert_eq!(cut(300), (2, 4, Half::Short, 4));
    let (records, next, half, end) = cut(10);
    assert_eq!((records, next, end), (0, 0, 0));
    assert!(matches!(half, Half::Ends(check) if check.at == 2), "{half:?}");
}
