//! Tests of the steps: what each makes of lines, and what becomes of those on which one fails.

use super::*;
use crate::frame::{Cut, FrameJob, Framing, Half, Mode, Position, Rules, Step as Next};
use crate::ids::{CursorId, Epoch, FileId, FlowId, RunId, Span};
use crate::settings::{Destination, Oversize};
use crate::state::{Check, Fingerprint, Reason};
use bytes::Bytes;
use std::path::Path;

mod buffers;

const PATH: &str = "/var/log/pods/shop_cart-1_0a/web/0.log";

fn flow(process: Vec<Step>) -> Flow {
    let mut flow = Flow::new("web", vec!["/x".into()], Destination::Stdout);
    flow.process = process;
    flow
}

fn step(action: Action) -> Step {
    Step { action, on_error: OnError::Pass }
}

fn processing(steps: Vec<Step>, room: u64) -> Processing {
    let mut agent = Agent::new("host-1");
    agent.facts.insert("env.STAGE".into(), "prod".into());
    let program = Program::new(&flow(steps), &agent).expect("steps");
    // 2024-01-02T00:00:00.5Z
    let now = 1_704_153_600_500_000_000;
    Processing { program, path: Path::new(PATH).into(), now, mtime: now, room }
}

/// One job over a whole file.
fn job(steps: Vec<Step>, limit: u64, file: &[u8]) -> Cut {
    let run = RunId(1);
    let job = FrameJob {
        cursor: CursorId {
            flow: FlowId(0),
            file: FileId { run, number: 1 },
            epoch: Epoch { run, number: 0 },
        },
        bytes: Bytes::copy_from_slice(file),
        base: 0,
        check: Check::default(),
        head: Fingerprint::default(),
        mode: Mode::Lines,
        data: 0,
        header: 0,
        ended: true,
        hole: false,
        hold: 1 << 20,
        rules: Rules { limit, oversize: Oversize::Split },
        joining: None,
        process: Some(Box::new(processing(steps, u64::MAX))),
    };
    let Framing::Same(cut) = job.run().framing else { panic!("the content did not change") };
    *cut
}

fn records(cut: &Cut) -> Vec<String> {
    let text = |rec: &crate::frame::Rec| String::from_utf8_lossy(cut.lines.data(*rec)).into_owned();
    cut.lines.recs.iter().map(text).collect()
}

/// What one line becomes.
fn made(steps: Vec<Action>, line: &str) -> String {
    records(&job(steps.into_iter().map(step).collect(), 1 << 20, line.as_bytes())).concat()
}

fn pattern(text: &str) -> Pattern {
    Pattern::new(text).expect("a pattern")
}

fn parse(parser: Parser) -> Action {
    Action::Parse { parser, field: None }
}

fn parse_field(parser: Parser, field: &str) -> Action {
    Action::Parse { parser, field: Some(field.into()) }
}

fn text(template: &str) -> Content {
    Content::Text(Template::parse(template).expect("a template"))
}

fn members(members: &[(&str, Content)], path: Option<&str>) -> Members {
    let members = members.iter().map(|(name, content)| ((*name).to_owned(), content.clone())).collect();
    Members { members, path: path.map(pattern) }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn template(text: &str) -> Action {
    Action::Output(Output::Template(Template::parse(text).expect("a template")))
}

#[test]
fn placeholders_are_filled_in() {
    let all = "{hostname} {basename} {offset} {flow} {timestamp} {env.STAGE} {line} {kubernetes.pod} \
               {path.app} {path.none} {ec2.none}";
    let add = Action::Add(members(
        &[
            ("all", text(all)),
            ("file", text("{file}")),
            ("none", text("{path.none}")),
            ("n", Content::Json("[1,true]".into())),
            ("t", Content::Table(vec![("from".into(), text("{field.a}"))])),
        ],
        Some("/(?<app>[a-z]+)/[^/]*$"),
    ));
    assert_eq!(
        made(vec![parse(Parser::Json), add], "{\"a\":\"x\\ty\"}\n"),
        format!(
            r#"{{"a":"x\ty","all":"host-1 0.log 0 web 2024-01-02T00:00:00.500Z prod {} cart-1 web  ","file":"{PATH}","none":null,"n":[1,true],"t":{{"from":"x\ty"}}}}"#,
            r#"{\"a\":\"x\\ty\"}"#
        ) + "\n"
    );
}

#[test]
fn members_are_edited_in_their_order() {
    let json = |action| made(vec![parse(Parser::Json), action], r#"{"a":1,"b":{"x":1,"c":2},"c":"z","":0}"#);
    let rename = |from: &str, to: &str| Action::Rename(vec![(from.to_owned(), to.to_owned())]);
    assert_eq!(json(rename("a", "c")), "{\"c\":1,\"b\":{\"x\":1,\"c\":2},\"\":0}\n");
    assert_eq!(json(rename("c", "a")), "{\"b\":{\"x\":1,\"c\":2},\"a\":\"z\",\"\":0}\n");
    assert_eq!(json(rename("no", "a")), "{\"a\":1,\"b\":{\"x\":1,\"c\":2},\"c\":\"z\",\"\":0}\n");
    assert_eq!(json(rename("a", "a")), json(rename("no", "a")));
    assert_eq!(json(Action::Remove(names(&["a", "", "no"]))), "{\"b\":{\"x\":1,\"c\":2},\"c\":\"z\"}\n");
    assert_eq!(
        json(Action::Nest(vec![("n".into(), names(&["c", "a"]))])),
        "{\"b\":{\"x\":1,\"c\":2},\"\":0,\"n\":{\"a\":1,\"c\":\"z\"}}\n"
    );
    assert_eq!(json(Action::Flatten(names(&["b", "a"]))), "{\"a\":1,\"x\":1,\"c\":2,\"\":0}\n");
    let add = Action::Add(members(&[("a", text("new"))], None));
    assert_eq!(json(add), "{\"a\":\"new\",\"b\":{\"x\":1,\"c\":2},\"c\":\"z\",\"\":0}\n");
}

#[test]
fn a_line_that_is_not_parsed_is_a_message() {
    let add = Action::Add(members(&[("host", text("{hostname}"))], None));
    assert_eq!(made(vec![add], "a \"b\"\r\n"), "{\"message\":\"a \\\"b\\\"\",\"host\":\"host-1\"}\n");
    assert_eq!(made(vec![Action::Output(Output::Json)], "x"), "{\"message\":\"x\"}\n");
}

#[test]
fn a_member_is_parsed_and_its_members_take_its_place() {
    let line = "2016-10-06T00:17:09Z stdout F {\"time\":\"t\",\"n\":1}\n";
    assert_eq!(
        made(vec![parse(Parser::Cri), parse_field(Parser::Json, "message")], line),
        "{\"stream\":\"stdout\",\"logtag\":\"F\",\"time\":\"t\",\"n\":1}\n"
    );
    let line = r#"{"log":"a=\"\u00e9\" b=\"x\\\"y\"\n"}"#;
    assert_eq!(
        made(vec![parse(Parser::Docker), parse_field(Parser::Logfmt, "log")], line),
        "{\"a\":\"é\",\"b\":\"x\\\"y\"}\n"
    );
}

#[test]
fn filters_take_the_line_or_a_member() {
    let filter =
        |field: Option<&str>, text| Filter { field: field.map(str::to_owned), pattern: pattern(text) };
    let file = b"{\"l\":\"debug\"}\n{\"l\":\"warn\"}\n{}\n{\"l\":3}\n";
    let left = |action: Action| {
        let steps = vec![step(parse(Parser::Json)), step(action), step(Action::Output(Output::Original))];
        let cut = job(steps, 1 << 20, file);
        assert_eq!(
            cut.filtered.iter().map(|span| span.len()).sum::<u64>() + cut.lines.bytes.len() as u64,
            file.len() as u64
        );
        assert_eq!(u64::from(cut.filtered_lines), 4 - cut.lines.recs.len() as u64);
        records(&cut).concat()
    };
    assert_eq!(left(Action::Keep(filter(None, "w.rn"))), "{\"l\":\"warn\"}\n");
    assert_eq!(left(Action::Drop(filter(None, "l"))), "{}\n");
    assert_eq!(left(Action::Keep(filter(Some("l"), "^(debug|3)$"))), "{\"l\":\"debug\"}\n{\"l\":3}\n");
    assert_eq!(left(Action::Drop(filter(Some("l"), "^debug$"))), "{\"l\":\"warn\"}\n{}\n{\"l\":3}\n");
    assert_eq!(left(Action::Sample(0.0)), "");
    assert_eq!(left(Action::Sample(1.0)).as_bytes(), file);
}

#[test]
fn a_sample_is_a_share_and_decided_alike_each_time() {
    let file: String = (0..10_000).fold(String::new(), |file, n| file + &format!("line {n}\n"));
    let sampled = || records(&job(vec![step(Action::Sample(0.1))], 1 << 20, file.as_bytes()));
    assert!((900..1100).contains(&sampled().len()), "{}", sampled().len());
    assert_eq!(sampled(), sampled());
}

#[test]
fn redacted_text_is_nowhere_left() {
    let redact = || Action::Redact { pattern: pattern(r"\d{4,}"), with: "$0".into() };
    assert_eq!(made(vec![redact()], "card 12345 and 999\r\n"), "card $0 and 999\r\n");
    let line = r#"{"a":"x1234","n":12345,"o":{"p":["\u0031234",1234.5,true,{"7777":"7777"}]},"k":99}"#;
    assert_eq!(
        made(vec![parse(Parser::Json), redact()], line),
        "{\"a\":\"x$0\",\"n\":\"$0\",\"o\":{\"p\":[\"$0\",\"$0.5\",true,{\"7777\":\"$0\"}]},\"k\":99}\n"
    );
    let original = Action::Output(Output::Original);
    assert_eq!(made(vec![parse(Parser::Json), redact(), original], r#"{"a":"12345"}"#), r#"{"a":"$0"}"#);
    // Also where a step before it fails.
    assert_eq!(made(vec![parse(Parser::Json), redact()], "no 12345\n"), "no $0\n");
}

#[test]
fn texts_are_joined_cut_and_written_by_a_template() {
    assert_eq!(made(vec![Action::SingleLine(" ".into())], "  a \t\n"), "a\n");
    let log = vec![parse(Parser::Json), template("{field.m}"), Action::SingleLine(" ".into())];
    assert_eq!(made(log, "{\"m\":\" a \\n\\tb\\r\\nc\"}\n"), "a b c\n");
    let cut = |bytes| {
        let truncate = Action::TruncateField { field: "a".into(), bytes };
        made(vec![parse(Parser::Json), truncate], r#"{"a":"xé\u20acz"}"#)
    };
    assert_eq!(cut(100), "{\"a\":\"xé\\u20acz\"}\n");
    assert_eq!(
        [cut(0), cut(1), cut(2), cut(3)],
        ["\"\"", "\"x\"", "\"x\"", "\"xé\""].map(|text| format!("{{\"a\":{text}}}\n"))
    );
    assert_eq!([cut(5), cut(6)], ["\"xé\"", "\"xé€\""].map(|text| format!("{{\"a\":{text}}}\n")));
    assert_eq!(made(vec![parse(Parser::Json), template("{{{field.a}}} {field.b}")], r#"{"a":1}"#), "{1} ");
}

#[test]
fn metadata_stands_beside_the_data() {
    let wrap = || Action::Metadata(members(&[("host", text("{hostname}"))], None));
    assert_eq!(made(vec![wrap()], "a\n"), "{\"metadata\":{\"host\":\"host-1\"},\"data\":\"a\"}\n");
    assert_eq!(
        made(vec![parse(Parser::Json), wrap()], "{\"a\":1}\n"),
        "{\"metadata\":{\"host\":\"host-1\"},\"data\":{\"a\":1}}\n"
    );
}

#[test]
fn members_get_types() {
    let types = |types: &[(&str, Type)]| {
        Action::Types(types.iter().map(|(name, to)| ((*name).to_owned(), to.clone())).collect())
    };
    let zone_name = "UTC".to_owned();
    let time = Type::Timestamp(Time { format: None, zone: zone("UTC").expect("a zone"), zone_name });
    let to = types(&[
        ("response", Type::Integer),
        ("bytes", Type::Integer),
        ("datetime", time),
        ("none", Type::Number),
    ]);
    let line = r#"h - - [27/Oct/2000:09:27:09 -0400] "GET /" 304 - "-" "x""#;
    assert_eq!(
        made(vec![parse(Parser::CombinedApache), to], line),
        r#"{"host":"h","ident":null,"authuser":null,"datetime":"2000-10-27T13:27:09Z","request":"GET /","response":304,"bytes":null,"referer":null,"agent":"x"}"#.to_owned() + "\n"
    );
    let fails = types(&[("a", Type::Boolean)]);
    assert_eq!(made(vec![parse(Parser::Json), fails], "{\"a\": 7}\n"), "{\"a\": 7}\n");
}

#[test]
fn a_line_on_which_a_step_fails_goes_where_the_step_says() {
    let file = b"{\"a\":1}\nplain\n{\"b\":2}\n";
    let on = |on_error| job(vec![Step { action: parse(Parser::Json), on_error }], 1 << 20, file);
    let pass = on(OnError::Pass);
    assert_eq!(records(&pass).concat().as_bytes(), file);
    assert_eq!((pass.failed_lines, pass.filtered_lines), (1, 0));
    let drop = on(OnError::Drop);
    assert_eq!(records(&drop), ["{\"a\":1}\n", "{\"b\":2}\n"]);
    assert_eq!(drop.lost, [(Span::new(8, 14), Reason::OnError)]);
    assert_eq!((drop.failed_lines, drop.filtered_lines), (1, 1));
    let dead = on(OnError::DeadLetter);
    assert_eq!(records(&dead).len(), 2);
    assert_eq!((&dead.dead[0].data[..], dead.dead[0].span), (&b"plain\n"[..], Span::new(8, 14)));
    assert_eq!(dead.dead[0].message, "step 1: not a JSON object");
}

#[test]
fn a_record_that_grew_past_the_limit_follows_the_last_steps_on_error() {
    let add = Action::Add(members(&[("host", text("{hostname}"))], None));
    let on = |on_error| {
        let steps = vec![
            Step { action: parse(Parser::Json), on_error: OnError::Drop },
            Step { action: add.clone(), on_error },
        ];
        job(steps, 20, b"{\"a\":12345678}\n")
    };
    assert_eq!(records(&on(OnError::Pass)), ["{\"a\":12345678}\n"]);
    assert_eq!(on(OnError::Drop).lost, [(Span::new(0, 15), Reason::OnError)]);
    assert_eq!(on(OnError::DeadLetter).dead.len(), 1);
    let grown = Action::Redact { pattern: pattern("1"), with: "x".repeat(30) };
    assert_eq!(job(vec![step(grown)], 20, b"1\n").dead.len(), 1, "as it was it must not go");
}

#[test]
fn hostile_lines_come_through() {
    let add = || Action::Add(members(&[("x", text("{line}{field.message}"))], None));
    let lines: [&[u8]; 5] = [b"\n", b"\0\n", b"\xff\xc3\n", b"\r\n", &[b'"'; 5000]];
    for line in lines {
        let cut = job(vec![step(add())], 1 << 20, line);
        let record: serde_json::Value =
            serde_json::from_slice(cut.lines.data(cut.lines.recs[0])).expect("JSON");
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\r', '\n']);
        assert_eq!(record, serde_json::json!({ "message": text, "x": format!("{text}{text}") }));
        let cut = job(vec![step(Action::Sample(1.0))], 1 << 20, line);
        assert_eq!(cut.lines.data(cut.lines.recs[0]), line, "what no step touches stays");
    }
}

#[test]
fn a_files_first_line_names_the_columns() {
    let csv = || vec![step(parse(Parser::Csv(Csv { columns: Vec::new(), delimiter: b';' })))];
    let cut = job(csv(), 1 << 20, b"a;\"b;\"\"\";a\r\n1;2;3\n4\n");
    assert_eq!(
        records(&cut),
        ["{\"a\":\"1\",\"b;\\\"\":\"2\",\"a\":\"3\"}\n", "{\"a\":\"4\",\"b;\\\"\":null,\"a\":null}\n"]
    );
    assert_eq!((cut.filtered, cut.filtered_lines), (vec![Span::new(0, 12)], 1));
    let named = cut.program.expect("columns");
    assert!(!named.awaits_names() && processing(csv(), 0).program.awaits_names());
    assert_eq!(named.named_by(b"x").steps, named.steps, "named once");
}
