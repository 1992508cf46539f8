//! Each example that is known of the old agent, and what its rules say of the rest.

use super::*;

/// Noon of the first of March 2026, and a bit.
const NOW: i64 = 1_772_366_400_410_000_000;

fn java(text: &str) -> JavaPattern {
    JavaPattern::new(text).unwrap()
}

fn names(names: &str) -> Vec<String> {
    names.split(',').map(str::to_owned).collect()
}

fn made(conversions: &[Conversion], record: &str) -> Option<String> {
    match convert(conversions.iter(), record.as_bytes(), NOW) {
        Converted::Record(made) => Some(String::from_utf8(made).unwrap()),
        Converted::Dropped => None,
        Converted::Failed => panic!("it failed on {record:?}"),
    }
}

fn single_line(trim: bool, escape: bool) -> Conversion {
    Conversion::SingleLine { trim, escape }
}

fn csv(delimiter: &str) -> Conversion {
    Conversion::Csv { fields: names("a,b,c"), delimiter: java(delimiter), form: Form::Compact }
}

fn log(format: &str) -> Conversion {
    let format = AgentFormat::by_name(format).unwrap();
    Conversion::Log { format, pattern: None, fields: None, form: Form::Compact }
}

fn own(format: &str, pattern: &str, fields: &str) -> Conversion {
    let format = AgentFormat::by_name(format).unwrap();
    let (pattern, fields) = (Some(java(pattern)), Some(names(fields)));
    Conversion::Log { format, pattern, fields, form: Form::Compact }
}

#[test]
fn lines_are_joined_by_nothing_or_by_an_escape() {
    for (trim, escape, record, wanted) in [
        (true, false, "  a \n  b\tc\n", "ab\tc\n"),
        (true, false, "{\n  \"x\": 1\n}\n", "{\"x\": 1}\n"),
        (false, false, "  a \n  b\n\n\n", "  a   b\n"),
        (true, true, "  a \n  b\n", "a\\\\nb\n"),
        (true, true, "a\n\nb\n\n", "a\\\\n\\\\nb\n"),
        (true, false, "\n", "\n"),
        (true, false, "a\r\n", "a\n"),
    ] {
        assert_eq!(made(&[single_line(trim, escape)], record).as_deref(), Some(wanted), "{record:?}");
    }
}

#[test]
fn columns_are_split_as_java_splits() {
    for (delimiter, record, wanted) in [
        (",", "1,2,3\n", r#"{"a":"1","b":"2","c":"3"}"#),
        (",", "1,2,3\r\n", r#"{"a":"1","b":"2","c":"3\r"}"#),
        (",", "\"x,y\",2,3\n", r#"{"a":"\"x","b":"y\"","c":"2"}"#),
        (",", "1,,\n", r#"{"a":"1","b":null,"c":null}"#),
        (",", ",,\n", r#"{"a":null,"b":null,"c":null}"#),
        (",", "\n", r#"{"a":"","b":null,"c":null}"#),
        ("|", "1|2|3\n", r#"{"a":"1","b":"|","c":"2"}"#),
        (r"\|", "1|2|3\n", r#"{"a":"1","b":"2","c":"3"}"#),
        (r"\t", "1\t2\n", r#"{"a":"1","b":"2","c":null}"#),
        (r"\s*;\s*", "1 ; 2;3\n", r#"{"a":"1","b":"2","c":"3"}"#),
        (",", ",1\n", r#"{"a":"","b":"1","c":null}"#),
        (",", "ä/\u{1}\u{7f},\u{1f}", r#"{"a":"ä/\u0001","b":"\u001F","c":null}"#),
    ] {
        let wanted = wanted.replace(r"/\u0001", "/\\u0001\u{7f}");
        assert_eq!(made(&[csv(delimiter)], record), Some(wanted + "\n"), "{record:?}");
    }
}

#[test]
fn apache_lines_are_taken_by_their_shape() {
    let common = r#"1.2.3.4 - bob [27/Oct/2000:09:27:09 -0400] "GET / HTTP/1.0" 304 -"#;
    let object = r#"{"host":"1.2.3.4","ident":null,"authuser":"bob","datetime":"27/Oct/2000:09:27:09 -0400","request":"GET / HTTP/1.0","response":"304","bytes":null"#;
    let line = |line: &str, format: &str| made(&[log(format)], &format!("{line}\n"));
    assert_eq!(line(common, "COMMONAPACHELOG"), Some(format!("{object}}}\n")));
    assert_eq!(line(&format!("{common} \"-\" x"), "COMMONAPACHELOG"), Some(format!("{object}}}\n")));
    for (from, to) in [
        ("1.2.3.4", "::1"),
        ("bob", "a@b.c"),
        ("GET / HTTP/1.0", ""),
        ("GET /", r#"GET \"/"#),
        (" -0400] \"GET / HTTP/1.0\" 304 -", " -0400] \"GET / HTTP/1.0\" 304"),
        ("304 -", "304 -\r"),
    ] {
        assert_eq!(line(&common.replace(from, to), "COMMONAPACHELOG"), None, "{to}");
    }
    let full = format!(r#"{common} "http://r/" "UA/1 (x)""#);
    let all = format!("{object},\"referer\":\"http://r/\",\"agent\":\"UA/1 (x)\"}}\n");
    assert_eq!(line(&full, "COMBINEDAPACHELOG").as_ref(), Some(&all));
    assert_eq!(line(&format!("{full} 12 \"more\""), "COMBINEDAPACHELOG").as_ref(), Some(&all));
    let null = all.replace("\"http://r/\"", "null");
    assert_eq!(line(&full.replace("http://r/", "-"), "COMBINEDAPACHELOG"), Some(null));
    assert_eq!(line(&full.replace("http://r/", ""), "COMBINEDAPACHELOG"), None);
    assert_eq!(line(common, "COMBINEDAPACHELOG"), None);
}

#[test]
fn error_logs_and_syslog_are_taken_by_their_shape() {
    for (format, record, wanted) in [
        (
            "APACHEERRORLOG",
            "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 7:tid 9] [client 72.15.99.187:80] msg",
            Some(
                r#"{"timestamp":"Fri Sep 09 10:42:29.902022 2011","module":"core","severity":"error","processid":"7","threadid":"9","client":"72.15.99.187:80","message":"msg"}"#,
            ),
        ),
        (
            "APACHEERRORLOG",
            "[Fri Sep 09 10:42:29 2011] [error] [pid 7] [client h] -",
            Some(
                r#"{"timestamp":"Fri Sep 09 10:42:29 2011","module":null,"severity":"error","processid":"7","threadid":null,"client":"h","message":null}"#,
            ),
        ),
        ("APACHEERRORLOG", "[Fri Sep 09 10:42:29 2011] [error] [pid 7] msg", None),
        (
            "SYSLOG",
            "Mar  7 04:22:00 avas CROND[11460]: (c) CMD",
            Some(
                r#"{"timestamp":"Mar  7 04:22:00","hostname":"avas","program":"CROND","processid":"11460","message":"(c) CMD"}"#,
            ),
        ),
        (
            "SYSLOG",
            "Mar 7 04:22:00 <4.6> h p: -",
            Some(
                r#"{"timestamp":"Mar 7 04:22:00","hostname":"h","program":"p","processid":null,"message":"-"}"#,
            ),
        ),
        ("SYSLOG", "<13>Mar  7 04:22:00 avas CROND[11460]: (c) CMD", None),
        ("SYSLOG", "Mar  7 04:22:00 avas a b[1]: x", None),
        (
            "RFC3339SYSLOG",
            "2019-01-02T03:04:05Z h p: ok",
            Some(
                r#"{"timestamp":"2019-01-02T03:04:05Z","hostname":"h","program":"p","processid":null,"message":"ok"}"#,
            ),
        ),
        ("RFC3339SYSLOG", "2019-01-02 03:04:05Z h p: ok", None),
    ] {
        let wanted = wanted.map(|wanted| format!("{wanted}\n"));
        assert_eq!(made(&[log(format)], &format!("{record}\n")), wanted, "{record}");
    }
}

#[test]
fn own_patterns_match_whole_lines_and_their_groups_need_names() {
    let two = |pattern| [own("SYSLOG", pattern, "a,b")];
    let taken = Some("{\"a\":\"x\",\"b\":\"y z\"}\n".to_owned());
    assert_eq!(made(&two(r"^(\S+) (.*)$"), "x y z\n"), taken);
    assert_eq!(made(&two(r"(\S+) (y)"), "x y z\n"), None);
    assert_eq!(made(&two(r"(\S+) .*"), "x y z\n"), None);
    assert_eq!(made(&two(r"(x)(-)?.*"), "x\n"), Some("{\"a\":\"x\",\"b\":null}\n".into()));
    assert_eq!(made(&two(r"(x)(-)"), "x-\n"), Some("{\"a\":\"x\",\"b\":\"-\"}\n".into()));
    let apache = [own("COMMONAPACHELOG", r"(x)(-)", "a,b")];
    assert_eq!(made(&apache, "x-\n"), Some("{\"a\":\"x\",\"b\":null}\n".into()));
}

#[test]
fn metadata_goes_before_the_data() {
    let metadata = serde_json::from_str(r#"{"k" : 1, "a":[1.5,1e10,{}], "é":"/"}"#).unwrap();
    let step = |timestamp, form| [Conversion::Metadata { timestamp, metadata: Json::clone(&metadata), form }];
    let rest = r#""metadata":{"k":1,"a":[1.5,1.0E10,{}],"é":"/"},"data":"hello"}"#;
    let plain = format!("{{{rest}\n");
    assert_eq!(made(&step(false, Form::Compact), "hello\n"), Some(plain));
    let timed = format!("{{\"ts\":\"2026-03-01T12:00:00.410Z\",{rest}\n");
    assert_eq!(made(&step(true, Form::Compact), "hello\n"), Some(timed));
    let pretty = "{\n  \"metadata\" : {\n    \"k\" : 1,\n    \"a\" : [ 1.5, 1.0E10, { } ],\n    \"é\" : \"/\"\n  },\n  \"data\" : \"hello\"\n}\n";
    assert_eq!(made(&step(false, Form::Pretty), "hello\n").as_deref(), Some(pretty));
}

#[test]
fn options_make_a_chain_and_brackets_go_around_the_newline() {
    assert_eq!(made(&[Conversion::Brackets], "\"a\":1\n").as_deref(), Some("{\"a\":1\n}"));
    let chain = [single_line(true, false), csv(",")];
    assert_eq!(made(&chain, " 1,\n 2,\n3\n").as_deref(), Some("{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}\n"));
}

#[test]
fn bytes_that_are_no_utf_8_become_replacements_as_in_java() {
    let converted = convert([csv(",")].iter(), b"\xED\xA0\x80,\xE2\x82x,\xF4\x90\n", NOW);
    let wanted = "{\"a\":\"\u{FFFD}\",\"b\":\"\u{FFFD}x\",\"c\":\"\u{FFFD}\u{FFFD}\"}\n";
    assert_eq!(converted, Converted::Record(wanted.as_bytes().to_vec()));
}
