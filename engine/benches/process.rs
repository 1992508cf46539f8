//! What steps cost: CPU seconds for each GiB of lines, from the read buffer to the body of a request.
//!
//! `cargo bench -p kintail-engine --bench process [NAME…]`

use bytes::Bytes;
use kintail_engine::destination;
use kintail_engine::encode::{BatchId, EncodeJob, Part};
use kintail_engine::frame::{FrameJob, Framing, Mode, Rules};
use kintail_engine::ids::{CursorId, Epoch, FileId, FlowId, RunId};
use kintail_engine::partition::KeyRule;
use kintail_engine::process::{
    Action, Content, Members, OnError, Parser, Pattern, Processing, Program, Step, Template, Type,
};
use kintail_engine::settings::{Agent, Destination, Flow, Oversize};
use kintail_engine::state::{Check, Fingerprint};
use std::path::Path;
use std::sync::Arc;

const CHUNK: usize = 512 * 1024;
const CHUNKS: usize = 2048;

const ACCESS: &str = r#"203.0.113.7 - frank [10/Oct/2000:13:55:36 -0700] "GET /shop/cart?item=4711&size=xl HTTP/1.1" 200 2326 "https://www.example.com/start.html" "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox""#;
const SYSLOG: &str = "Mar  7 04:22:00 web-17 CROND[11460]: (root) CMD (/usr/lib64/sa/sa1 1 1) and more of the same, so that the line is about as long as those of the other kinds that are measured here, which have some 200 bytes";
const JSON: &str = r#"{"time":"2026-11-25T22:23:19.123Z","level":"info","logger":"com.example.shop.Cart","thread":"worker-17","message":"added item 4711 to cart 1234567890","user":"u-1234","took_ms":12.5,"tags":["a","b"],"ok":true}"#;

fn parse(parser: Parser) -> Action {
    Action::Parse { parser, field: None }
}

fn add() -> Action {
    let text = |text| Content::Text(Template::parse(text).expect("a template"));
    let members = vec![("host".into(), text("{hostname}")), ("path".into(), text("{file}"))];
    Action::Add(Members { members, path: None })
}

fn cases() -> Vec<(&'static str, &'static str, Vec<Action>)> {
    let types = Action::Types(vec![("response".into(), Type::Integer), ("bytes".into(), Type::Integer)]);
    let pattern = |text| Pattern::new(text).expect("a pattern");
    let apache = r#"^(?<host>\S+) (?<ident>\S+) (?<user>\S+) \[(?<time>[^\]]+)\] "(?<request>[^"]*)" (?<status>\d+) (?<bytes>\S+) "(?<referer>[^"]*)" "(?<agent>[^"]*)""#;
    let redact = Action::Redact { pattern: pattern(r"\b\d{16}\b"), with: "x".into() };
    vec![
        ("plain", ACCESS, vec![]),
        ("combined_apache", ACCESS, vec![parse(Parser::CombinedApache)]),
        ("combined_apache+types+add", ACCESS, vec![parse(Parser::CombinedApache), types, add()]),
        ("regex", ACCESS, vec![parse(Parser::Regex(pattern(apache)))]),
        ("redact", ACCESS, vec![redact]),
        ("plain syslog", SYSLOG, vec![]),
        ("syslog", SYSLOG, vec![parse(Parser::Syslog)]),
        ("plain json", JSON, vec![]),
        ("json", JSON, vec![parse(Parser::Json)]),
        ("json+add", JSON, vec![parse(Parser::Json), add()]),
    ]
}

/// CPU seconds of this process.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").expect("Linux");
    stat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).expect("a number") / 1e9
}

fn frame(bytes: &Bytes, process: Option<Box<Processing>>) -> kintail_engine::frame::Lines {
    let run = RunId(1);
    let job = FrameJob {
        cursor: CursorId {
            flow: FlowId(0),
            file: FileId { run, number: 1 },
            epoch: Epoch { run, number: 0 },
        },
        bytes: bytes.clone(),
        base: 0,
        check: Check::default(),
        head: Fingerprint::default(),
        mode: Mode::Lines,
        data: 0,
        header: 0,
        ended: false,
        hole: false,
        hold: 1 << 20,
        rules: Rules { limit: 1 << 20, oversize: Oversize::Split },
        joining: None,
        process,
    };
    let Framing::Same(cut) = job.run().framing else { panic!("the content did not change") };
    cut.lines
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    for (name, line, actions) in cases() {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| wanted == name) {
            continue;
        }
        let lines: String = std::iter::repeat_n(line, CHUNK / (line.len() + 1))
            .fold(String::new(), |all, line| all + line + "\n");
        let bytes = Bytes::from(lines);
        let mut flow = Flow::new("web", Vec::new(), Destination::Kinesis { stream: "s".into() });
        flow.process = actions.into_iter().map(|action| Step { action, on_error: OnError::Pass }).collect();
        let program = Program::new(&flow, &Agent::new("host-17"));
        let destination = destination::for_flow(&flow);
        let (mut out, begun) = (0, cpu());
        for _ in 0..CHUNKS {
            let process = program.clone().map(|program| {
                Box::new(Processing {
                    program,
                    path: Path::new("/var/log/a.log").into(),
                    now: 0,
                    mtime: 0,
                    room: 2 * CHUNK as u64,
                })
            });
            let lines = Arc::new(frame(&bytes, process));
            out += lines.recs.iter().map(|rec| u64::from(rec.len)).sum::<u64>();
            let job = EncodeJob {
                flow: FlowId(0),
                batch: BatchId(0),
                destination: Arc::clone(&destination),
                encoded: Vec::new(),
                parts: vec![Part {
                    lines: Arc::clone(&lines),
                    recs: 0..lines.recs.len(),
                    key: KeyRule::Random,
                }],
                counts: vec![1; lines.recs.len()],
                targets: Vec::new(),
                strip: false,
                capacity: 2 * lines.bytes.len(),
                seed: 1,
            };
            assert!(!job.run().body.is_empty());
        }
        let gib = (CHUNKS * bytes.len()) as f64 / f64::from(1 << 30);
        let grown = out as f64 / (CHUNKS * bytes.len()) as f64;
        println!("{name:<28} {:.2} s/GiB, {grown:.2} bytes for each", (cpu() - begun) / gib);
    }
}
