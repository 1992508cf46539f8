//! Tests of the parsers: real lines, hostile ones, and the hand-written ones against their definition.

use super::{Csv, FormatError, LogFormat, Parser, Pattern, Sink};
use crate::process::record::Part;
use crate::process::write;

mod shapes;

/// The members that a parser makes of a line, as JSON.
fn parsed_bytes(parser: &Parser, line: &[u8]) -> String {
    let (mut made, mut members) = (Vec::new(), Vec::new());
    let mut sink = Sink::new(Part::Held(line), line, &mut made, &mut members);
    if parser.parse(line, &mut sink).is_none() {
        return "fails".to_owned();
    }
    let mut out = Vec::new();
    write::object(&mut out, &made, &members);
    let text = String::from_utf8(out).expect("UTF-8");
    serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    text
}

fn parsed(parser: &Parser, line: &str) -> String {
    parsed_bytes(parser, line.as_bytes())
}

fn csv(columns: &[&str], delimiter: u8) -> Parser {
    Parser::Csv(Csv { columns: columns.iter().map(|name| (*name).to_owned()).collect(), delimiter })
}

fn nginx(format: &str) -> Parser {
    Parser::Nginx(LogFormat::new(format).expect("a format"))
}

fn regex(pattern: &str) -> Parser {
    Parser::Regex(Pattern::new(pattern).expect("a pattern"))
}

#[test]
fn apaches_access_logs() {
    let line = r#"1.2.3.4 - bob [27/Oct/2000:09:27:09 -0400] "GET / HTTP/1.0" 304 -"#;
    let common = r#"{"host":"1.2.3.4","ident":null,"authuser":"bob","datetime":"27/Oct/2000:09:27:09 -0400","request":"GET / HTTP/1.0","response":"304","bytes":null}"#;
    assert_eq!(parsed(&Parser::CommonApache, line), common);
    assert_eq!(parsed(&Parser::CommonApache, &format!("{line} \"more\"")), common);
    assert_eq!(parsed(&Parser::CombinedApache, line), "fails");
    let combined = format!(r#"{line} "http://r/" "UA/1 (x)" extra"#);
    let wanted = common.replace('}', r#","referer":"http://r/","agent":"UA/1 (x)"}"#);
    assert_eq!(parsed(&Parser::CombinedApache, &combined), wanted);
    let odd = r#"2001:db8::1 - a b@c [t] "" 408 0 "-" "quote \" here""#;
    let wanted = r#"{"host":"2001:db8::1","ident":null,"authuser":"a b@c","datetime":"t","request":"","response":"408","bytes":"0","referer":null,"agent":"quote \\\" here"}"#;
    assert_eq!(parsed(&Parser::CombinedApache, odd), wanted);
}

#[test]
fn apaches_error_log() {
    for (line, wanted) in [
        (
            "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 7:tid 9] [client 72.15.99.187:80] msg",
            r#"{"timestamp":"Fri Sep 09 10:42:29.902022 2011","module":"core","severity":"error","processid":"7","threadid":"9","client":"72.15.99.187:80","message":"msg"}"#,
        ),
        (
            "[Fri Sep 09 10:42:29 2011] [error] [pid 7] [client h] -",
            r#"{"timestamp":"Fri Sep 09 10:42:29 2011","module":null,"severity":"error","processid":"7","threadid":null,"client":"h","message":null}"#,
        ),
        (
            "[t] [:notice] AH00094: [x] started",
            r#"{"timestamp":"t","module":null,"severity":"notice","processid":null,"threadid":null,"client":null,"message":"AH00094: [x] started"}"#,
        ),
        ("[t] [error]", "fails"),
        ("t] [error] x", "fails"),
    ] {
        assert_eq!(parsed(&Parser::ApacheError, line), wanted, "{line}");
    }
}

#[test]
fn nginxs_access_logs() {
    let line = r#"1.2.3.4 - - [27/Oct/2000:09:27:09 -0400] "GET /\x22 HTTP/1.1" 200 612 "-" "curl/8""#;
    assert_eq!(
        parsed(&nginx("combined"), line),
        r#"{"remote_addr":"1.2.3.4","remote_user":null,"time_local":"27/Oct/2000:09:27:09 -0400","request":"GET /\\x22 HTTP/1.1","status":"200","body_bytes_sent":"612","http_referer":null,"http_user_agent":"curl/8"}"#
    );
    let own = nginx("[${time_iso8601}] $status|$request_time;");
    assert_eq!(
        parsed(&own, "[now] 200|0.5;"),
        r#"{"time_iso8601":"now","status":"200","request_time":"0.5"}"#
    );
    for line in ["[now] 200|0.5", "now] 200|0.5;", "[now] 200;", ""] {
        assert_eq!(parsed(&own, line), "fails", "{line}");
    }
    assert_eq!(LogFormat::new("$a$b"), Err(FormatError::Adjacent));
    assert_eq!(LogFormat::new("plain"), Err(FormatError::Empty));
    assert_eq!(LogFormat::new("$ $a"), Err(FormatError::Name));
}

#[test]
fn nginxs_error_log() {
    let line = r#"2023/01/02 03:04:05 [error] 12#34: *56 open() "/x, host: y" failed (2: No such file), client: 1.2.3.4, server: s, request: "GET /x HTTP/1.1", host: "h""#;
    assert_eq!(
        parsed(&Parser::NginxError, line),
        r#"{"timestamp":"2023/01/02 03:04:05","severity":"error","pid":"12","tid":"34","cid":"56","message":"open() \"/x, host: y\" failed (2: No such file)","client":"1.2.3.4","server":"s","request":"GET /x HTTP/1.1","host":"h"}"#
    );
    assert_eq!(
        parsed(&Parser::NginxError, "2023/01/02 03:04:05 [notice] 1#1: start worker process 29"),
        r#"{"timestamp":"2023/01/02 03:04:05","severity":"notice","pid":"1","tid":"1","cid":null,"message":"start worker process 29"}"#
    );
    assert_eq!(parsed(&Parser::NginxError, "2023/01/02 03:04 [notice] 1#1: x"), "fails");
}

#[test]
fn syslog() {
    for (line, wanted) in [
        (
            "Mar  7 04:22:00 avas CROND[11460]: (c) CMD",
            r#"{"timestamp":"Mar  7 04:22:00","hostname":"avas","program":"CROND","processid":"11460","message":"(c) CMD"}"#,
        ),
        (
            "Mar 7 04:22:00 <4.6> h p: m",
            r#"{"timestamp":"Mar 7 04:22:00","hostname":"h","program":"p","processid":null,"message":"m","priority":"4.6"}"#,
        ),
        (
            "<13>Mar 17 04:22:00 h a/b-c_1%:",
            r#"{"timestamp":"Mar 17 04:22:00","hostname":"h","program":"a/b-c_1%","processid":null,"message":"","priority":"13"}"#,
        ),
        ("Mar 7 04:22:00 h a program: m", "fails"),
        ("mar 7 04:22:00 h p: m", "fails"),
        ("Mar 117 04:22:00 h p: m", "fails"),
    ] {
        assert_eq!(parsed(&Parser::Syslog, line), wanted, "{line}");
    }
    let wanted = r#"{"timestamp":"2019-01-02T03:04:05Z","hostname":"h","program":"p","processid":null,"message":"ok"}"#;
    assert_eq!(parsed(&Parser::Rfc3339Syslog, "2019-01-02T03:04:05Z h p: ok"), wanted);
    assert_eq!(parsed(&Parser::Rfc3339Syslog, "2019-01-02 03:04:05Z h p: ok"), "fails");
}

#[test]
fn rfc5424() {
    // The examples of the RFC, and what they lack.
    for (line, wanted) in [
        (
            "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed for lonvick on /dev/pts/8",
            r#"{"priority":"34","version":"1","timestamp":"2003-10-11T22:14:15.003Z","hostname":"mymachine.example.com","appname":"su","procid":null,"msgid":"ID47","structured_data":null,"message":"'su root' failed for lonvick on /dev/pts/8"}"#,
        ),
        (
            r#"<165>1 - h evntslog 1 - [exampleSDID@32473 iut="3" eventSource="Appli\"cation\]"][examplePriority@32473 class="\high"]"#,
            r#"{"priority":"165","version":"1","timestamp":null,"hostname":"h","appname":"evntslog","procid":"1","msgid":null,"structured_data":{"exampleSDID@32473":{"iut":"3","eventSource":"Appli\"cation]"},"examplePriority@32473":{"class":"\\high"}},"message":null}"#,
        ),
        (
            r"<0>1 - - - - - [id] m",
            r#"{"priority":"0","version":"1","timestamp":null,"hostname":null,"appname":null,"procid":null,"msgid":null,"structured_data":{"id":{}},"message":"m"}"#,
        ),
        ("<0>1 - - - - -", "fails"),
        ("<0>1 - - - - - [id x=1] m", "fails"),
        ("<0>1 - - - - - [id x=\"1\" m", "fails"),
        ("<0>1 - - - - - -m", "fails"),
        ("<x>1 - - - - - -", "fails"),
    ] {
        assert_eq!(parsed(&Parser::Rfc5424, line), wanted, "{line}");
    }
}

#[test]
fn json_objects_keep_order_and_values_as_written() {
    for (line, wanted) in [
        (
            r#" { "b" : 1.0 , "a" : [ 1, {"x": null} ] , "c":"\u00e9/\n" } "#,
            r#"{"b":1.0,"a":[1,{"x":null}],"c":"\u00e9/\n"}"#,
        ),
        (
            r#"{"n":123456789012345678901234567890,"t":true,"n":null,"\u0041":"é"}"#,
            r#"{"n":123456789012345678901234567890,"t":true,"n":null,"A":"é"}"#,
        ),
        ("{}", "{}"),
        ("[1]", "fails"),
        ("\"a\"", "fails"),
        ("{\"a\":1", "fails"),
        ("{\"a\":1} x", "fails"),
        ("{\"a\":01}", "fails"),
        ("", "fails"),
    ] {
        assert_eq!(parsed(&Parser::Json, line), wanted, "{line}");
    }
    assert_eq!(
        parsed_bytes(&Parser::Json, b"{\"a\":\"x\xffy\",\"b\xc3\":1}"),
        "{\"a\":\"x\u{fffd}y\",\"b\u{fffd}\":1}"
    );
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(["fails", &deep].contains(&parsed_bytes_unread(&Parser::Json, deep.as_bytes()).as_str()));
}

/// The same, where reading it back would go too deep.
fn parsed_bytes_unread(parser: &Parser, line: &[u8]) -> String {
    let (mut made, mut members) = (Vec::new(), Vec::new());
    let parsed = parser.parse(line, &mut Sink::new(Part::Held(line), line, &mut made, &mut members));
    let mut out = Vec::new();
    write::object(&mut out, &made, &members);
    parsed.map_or("fails".to_owned(), |()| String::from_utf8(out).expect("UTF-8"))
}

#[test]
fn csv_lines() {
    let abc = csv(&["a", "b", "c"], b',');
    for (line, wanted) in [
        ("1,2,3", r#"{"a":"1","b":"2","c":"3"}"#),
        ("1,2,3,4", r#"{"a":"1","b":"2","c":"3"}"#),
        ("1,,", r#"{"a":"1","b":"","c":""}"#),
        ("1", r#"{"a":"1","b":null,"c":null}"#),
        ("", r#"{"a":"","b":null,"c":null}"#),
        (r#""x,y","say ""hi""",z"#, r#"{"a":"x,y","b":"say \"hi\"","c":"z"}"#),
        (r#""","""""""#, r#"{"a":"","b":"\"\"","c":null}"#),
        (r#"a"b,c"#, r#"{"a":"a\"b","b":"c","c":null}"#),
        (r#""open,1"#, "fails"),
        (r#""a"b,1"#, "fails"),
    ] {
        assert_eq!(parsed(&abc, line), wanted, "{line}");
    }
    assert_eq!(parsed(&csv(&["a", "b"], b'\t'), "1,2\t3"), r#"{"a":"1,2","b":"3"}"#);
}

#[test]
fn logfmt_lines() {
    for (line, wanted) in [
        (
            r#"level=info msg="a \"b\"\n" dur=1.5ms flag url=http://x/?a=b empty="#,
            r#"{"level":"info","msg":"a \"b\"\n","dur":"1.5ms","flag":true,"url":"http://x/?a=b","empty":""}"#,
        ),
        ("a=1  b=2 ", r#"{"a":"1","b":"2"}"#),
        ("no pairs here", "fails"),
        ("=1", "fails"),
        ("a=\"open", "fails"),
        ("a=b\"c", "fails"),
        ("", "fails"),
    ] {
        assert_eq!(parsed(&Parser::Logfmt, line), wanted, "{line}");
    }
}

#[test]
fn patterns_with_named_groups() {
    let parser = regex(r"^(?<a>\S+) (?:(?<b>\d+)|x)(?<rest>.*)$");
    assert_eq!(parsed(&parser, "y 12 z"), r#"{"a":"y","b":"12","rest":" z"}"#);
    assert_eq!(parsed(&parser, "y x"), r#"{"a":"y","b":null,"rest":""}"#);
    assert_eq!(parsed(&parser, "y"), "fails");
}

#[test]
fn container_logs() {
    assert_eq!(
        parsed(&Parser::Cri, "2016-10-06T00:17:09.669794202Z stdout F The  content"),
        r#"{"time":"2016-10-06T00:17:09.669794202Z","stream":"stdout","logtag":"F","message":"The  content"}"#
    );
    let empty = "2016-10-06T00:17:09.669794202+01:00 stderr P";
    assert!(parsed(&Parser::Cri, empty).ends_with(r#""logtag":"P","message":""}"#));
    assert_eq!(parsed(&Parser::Cri, "2016-10-06T00:17:09Z stdin F x"), "fails");
    assert_eq!(
        parsed(&Parser::Docker, r#"{"log":"a \"b\"\r\n","stream":"stdout","time":"t"}"#),
        r#"{"log":"a \"b\"","stream":"stdout","time":"t"}"#
    );
    assert_eq!(
        parsed(&Parser::Docker, r#"{"log":"plain","stream":"stdout"}"#),
        r#"{"log":"plain","stream":"stdout"}"#
    );
    assert_eq!(parsed(&Parser::Docker, r#"{"stream":"stdout"}"#), "fails");
    assert_eq!(parsed(&Parser::Docker, r#"{"log":1}"#), "fails");
}

#[test]
fn container_logs_in_pieces() {
    let pieces = "2016-10-06T00:17:09Z stdout P one \n2016-10-06T00:17:10Z stdout P two\n2016-10-06T00:17:11Z stdout F ,";
    assert_eq!(
        parsed(&Parser::Cri, pieces),
        r#"{"time":"2016-10-06T00:17:09Z","stream":"stdout","logtag":"F","message":"one two,"}"#
    );
    let lines = "2016-10-06T00:17:09Z stdout F one\n2016-10-06T00:17:10Z stdout F  two";
    assert!(parsed(&Parser::Cri, lines).ends_with(r#""message":"one\n two"}"#));
    assert_eq!(parsed(&Parser::Cri, "2016-10-06T00:17:09Z stdout P one\nsomething else"), "fails");
    let pieces = "{\"log\":\"a \\\"\",\"stream\":\"stdout\",\"time\":\"t\"}\n{\"log\":\"b\\r\\n\",\"stream\":\"stdout\",\"time\":\"u\"}";
    assert_eq!(parsed(&Parser::Docker, pieces), r#"{"log":"a \"b","stream":"stdout","time":"t"}"#);
    assert_eq!(parsed(&Parser::Docker, "{\"log\":\"a\"}\n{\"x\":1}"), "fails");
}

/// All parsers.
fn parsers() -> Vec<Parser> {
    vec![
        Parser::Json,
        csv(&["a", "b"], b','),
        Parser::Logfmt,
        regex("(?<a>.*)b?(?<c>x)?"),
        Parser::CommonApache,
        Parser::CombinedApache,
        Parser::ApacheError,
        nginx("combined"),
        Parser::NginxError,
        Parser::Syslog,
        Parser::Rfc3339Syslog,
        Parser::Rfc5424,
        Parser::Docker,
        Parser::Cri,
    ]
}

#[test]
fn hostile_lines_harm_no_parser() {
    let huge = [b"{\"a\":\"".as_slice(), &vec![b'x'; 1 << 20], b"\"}"].concat();
    let quotes = vec![b'"'; 10_001];
    let lines: [&[u8]; 9] = [b"", b"\0", b"\xff\xfe", b"[", b"<", b"\"\\", b"a=\"\\", &huge, &quotes];
    for parser in parsers() {
        for line in lines {
            parsed_bytes(&parser, line);
        }
    }
}

#[test]
fn mutilated_lines_harm_no_parser_and_what_comes_out_is_json() {
    let mut rng = fastrand::Rng::with_seed(3);
    for _ in 0..20_000 {
        let mut line = shapes::SAMPLES[rng.usize(..shapes::SAMPLES.len())].as_bytes().to_vec();
        shapes::mutilate(&mut line, &mut rng);
        for parser in parsers() {
            parsed_bytes(&parser, &line);
        }
    }
}
