//! The hand-written parsers against regular expressions that define what they take.

use super::super::{apache, cri, syslog};
use regex::bytes::Regex;

/// Lines of all kinds.
pub(super) const SAMPLES: [&str; 14] = [
    r#"1.2.3.4 - bob [27/Oct/2000:09:27:09 -0400] "GET / HTTP/1.0" 304 -"#,
    r#"::1 - a b [t] "G \" E" 200 12 "http://r/" "UA/1 (x)" more"#,
    r#"h - - [t] "" 400 0 "-" "-""#,
    "[Fri Sep 09 10:42:29 2011] [core:error] [pid 7:tid 9] [client 72.15.99.187:80] msg",
    "2023/01/02 03:04:05 [error] 12#34: *56 no, client: 1.2.3.4, request: \"GET / HTTP/1.1\"",
    "Mar  7 04:22:00 avas CROND[11460]: (c) CMD",
    "<13>Mar 17 04:22:00 <4.6> h p: m",
    "2019-01-02T03:04:05.12Z h p[x]: ok",
    "2019-01-02T03:04:05+01:00 <3.4> h p: ok",
    r#"<165>1 - h app 1 - [a@1 b="c\]"][d e="f"] message"#,
    r#"{"log":"a\n","stream":"stdout","time":"t","x":[1,{"y":null}]}"#,
    "2016-10-06T00:17:09.669794202Z stdout F The content",
    "2016-10-06T00:17:09+02:00 stderr P:x",
    "level=info msg=\"a \\\"b\" flag x=",
];

/// Changes, removes, inserts or doubles a few bytes.
pub(super) fn mutilate(line: &mut Vec<u8>, rng: &mut fastrand::Rng) {
    const BYTES: &[u8] = b" -\"\\[]<>:.0TZ+a\0\xff\n=,{}";
    for _ in 0..rng.usize(0..4) {
        let at = rng.usize(..=line.len());
        let byte = BYTES[rng.usize(..BYTES.len())];
        match rng.u8(..4) {
            0 if at < line.len() => line[at] = byte,
            1 if at < line.len() => drop(line.remove(at)),
            2 => {
                let end = rng.usize(at..=line.len());
                let piece = line[at..end].to_vec();
                line.splice(at..at, piece);
            }
            3 => line.truncate(at),
            _ => line.insert(at, byte),
        }
    }
}

type Groups<'t> = Vec<Option<&'t [u8]>>;

/// Compares a parser with its definition over many lines.
fn agree(definition: &str, parse: impl Fn(&[u8]) -> Option<Groups<'_>>) {
    let regex = Regex::new(definition).expect("a definition");
    let mut rng = fastrand::Rng::with_seed(11);
    let mut matched = 0;
    for number in 0..60_000 {
        let mut line = SAMPLES[number % SAMPLES.len()].as_bytes().to_vec();
        mutilate(&mut line, &mut rng);
        let wanted: Option<Groups<'_>> = regex
            .captures(&line)
            .map(|groups| groups.iter().skip(1).map(|group| group.map(|group| group.as_bytes())).collect());
        matched += usize::from(wanted.is_some());
        assert_eq!(parse(&line), wanted, "{:?}", String::from_utf8_lossy(&line));
    }
    assert!(matched > 1000, "only {matched} lines matched");
}

const ACCESS: &str =
    r#"(?s-u)^([^ ]+) ([^ ]+) ([^\[]+) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (-|[0-9]+) (-|[0-9]+)"#;

#[test]
fn the_common_format_is_as_defined() {
    let definition = format!("{ACCESS}(?: .*)?$");
    agree(&definition, |line| Some(apache::common(line)?.map(Some).to_vec()));
}

#[test]
fn the_combined_format_is_as_defined() {
    let definition = format!(r#"{ACCESS} "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"(?: .*)?$"#);
    agree(&definition, |line| Some(apache::combined(line)?.map(Some).to_vec()));
}

/// After the time: a priority, host, program, process id, message.
const REST: &str = r"(?: <([0-9.]+)>)? ([^ <][^ ]*) ([^ :\[]+)(?:\[([^\]]+)\])?: ?(.*)$";

fn groups<'t>(line: &syslog::Line<'t>, before: Option<&'t [u8]>, after: Option<&'t [u8]>) -> Groups<'t> {
    vec![
        before,
        Some(line.timestamp),
        after,
        Some(line.hostname),
        Some(line.program),
        line.processid,
        Some(line.message),
    ]
}

/// The priorities are told apart by whether a line begins with one.
fn both<'t>(text: &'t [u8], line: &syslog::Line<'t>) -> Groups<'t> {
    let within = text.windows(2).skip(1).position(|two| two == b" <").map(|at| at + 3);
    let Some(priority) = line.priority else { return groups(line, None, None) };
    if text[0] != b'<' {
        return groups(line, None, Some(priority));
    }
    // There may be a second one, which does not count.
    let time_end = priority.len() + 2 + line.timestamp.len();
    let second = within.filter(|at| *at == time_end + 2).and_then(|at| {
        let end = text[at..].iter().position(|byte| *byte == b'>')?;
        Some(&text[at..at + end])
    });
    groups(line, Some(priority), second)
}

#[test]
fn syslog_is_as_defined() {
    let time = "[A-Z][a-z]{2} (?: [0-9]|[0-9]{1,2}) [0-9]{2}:[0-9]{2}:[0-9]{2}";
    let definition = format!(r"(?s-u)^(?:<([0-9.]+)>)?({time}){REST}");
    agree(&definition, |text| syslog::rfc3164(text).map(|line| both(text, &line)));
}

const RFC3339: &str =
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})";

#[test]
fn syslog_with_rfc3339_times_is_as_defined() {
    let definition = format!(r"(?s-u)^(?:<([0-9.]+)>)?({RFC3339}){REST}");
    agree(&definition, |text| syslog::rfc3339(text).map(|line| both(text, &line)));
}

#[test]
fn container_runtime_lines_are_as_defined() {
    let definition = format!(r"(?s-u)^({RFC3339}) (stdout|stderr) ([^ ]+) ?(.*)$");
    agree(&definition, |text| {
        let line = cri::parse(text)?;
        Some(vec![Some(line.time), Some(line.stream), Some(line.logtag), Some(line.message)])
    });
}
