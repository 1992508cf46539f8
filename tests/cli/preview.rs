//! `kintail preview`: the records as they would be sent.

use crate::{Place, flow, text};
use serde_json::{Value, json};

/// What `preview --json` says of a file with this content, without the file's name.
fn preview(config: &str, content: &str) -> Vec<Value> {
    let place = Place::new(config);
    place.write("a.log", content);
    let file = place.dir.path().join("a.log");
    let output = place.run(&["preview", "--json", file.to_str().expect("text")]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let one = |line: &str| {
        let mut record: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(record["file"], file.to_str().expect("text"));
        record.as_object_mut().expect("an object").remove("file");
        record
    };
    text(&output.stdout).lines().map(one).collect()
}

#[test]
fn each_record_has_its_span_key_and_bytes() {
    let config = flow("stream = \"s\"\npartition_key = \"const:k\"");
    let shown = preview(&config, "one\ntwo\r\nhalf");
    assert_eq!(
        shown,
        [
            json!({ "start": 0, "end": 4, "bytes": 4, "key": "k", "data": "one\n" }),
            json!({ "start": 4, "end": 9, "bytes": 5, "key": "k", "data": "two\r\n" }),
            json!({ "start": 9, "end": 13, "bytes": 4, "key": "k", "data": "half" }),
        ]
    );
}

#[test]
fn newlines_are_stripped_or_added_as_the_destination_wants() {
    let stripped = preview(&flow("stream = \"s\"\npartition_key = \"hash\"\nnewline = \"strip\""), "abc\n");
    let hash = "900150983cd24fb0d6963f7d28e17f72";
    assert_eq!(stripped, [json!({ "start": 0, "end": 4, "bytes": 3, "key": hash, "data": "abc" })]);
    let added = preview(&flow("delivery_stream = \"s\"\nnewline = \"strip\""), "abc");
    assert_eq!(added, [json!({ "start": 0, "end": 3, "bytes": 4, "data": "abc\n" })]);
}

#[test]
fn what_is_not_sent_is_shown_with_the_reason() {
    let config = flow("stdout = true\nline = { max_bytes = \"16B\", oversize = \"drop\", skip_header = 1 }");
    let shown = preview(&config, &format!("header\n{}\nok\n", "x".repeat(20)));
    let notes: Vec<_> = shown.iter().filter_map(|record| record["note"].as_str()).collect();
    assert_eq!(notes, ["skipped: header", "lost: longer than the limit"], "{shown:#?}");
    let records: Vec<_> = shown.iter().filter_map(|record| record["data"].as_str()).collect();
    assert_eq!(records, ["ok\n"]);
}

#[test]
fn lines_longer_than_a_read_are_whole() {
    let lines = [300, 3_000_000, 5, 2_000_000, 100_000].map(|len| "x".repeat(len) + "\n");
    let config = flow("stdout = true\nline.max_bytes = \"5MiB\"");
    let shown = preview(&config, &lines.concat());
    let found: Vec<_> = shown.iter().map(|record| record["data"].as_str().expect("data")).collect();
    assert!(found == lines, "{:?}", found.iter().map(|line| line.len()).collect::<Vec<_>>());
}

#[test]
fn bytes_that_are_no_text_are_shown_without_harm() {
    let place = Place::new(&flow("stdout = true"));
    std::fs::write(place.dir.path().join("a.log"), b"\xff\x1b[31m\n").expect("a file");
    let file = place.dir.path().join("a.log");
    let output = place.run(&["preview", file.to_str().expect("text")]);
    assert_eq!(text(&output.stdout), "0..7  7 B  \\xff\\u{1b}[31m\\n\n");
}

#[test]
fn a_wrong_flow_or_file_has_its_exit_code() {
    let flow = |name| format!("[[flow]]\nname = \"{name}\"\nfiles = [\"/x\"]\nstdout = true\n");
    let place = Place::new(&(flow("a") + &flow("b")));
    let which = place.run(&["preview"]);
    assert_eq!(which.status.code(), Some(64));
    assert!(text(&which.stderr).contains("a, b"));
    assert_eq!(place.run(&["preview", "--flow", "c"]).status.code(), Some(64));
    assert_eq!(place.run(&["preview", "--flow", "a", "/nowhere"]).status.code(), Some(74));
    assert_eq!(place.run(&["preview", "--flow", "a", "/"]).status.code(), Some(74));
}

#[test]
fn lines_that_belong_together_are_shown_as_one_record() {
    let config = flow("stdout = true\nmultiline = { start = '^[0-9]' }");
    let shown = preview(&config, "1 a\n b\n2\n\n c");
    let found: Vec<_> = shown.iter().map(|record| record["data"].as_str().expect("data")).collect();
    assert_eq!(found, ["1 a\n b\n", "2\n\n c\n"]);
    let big = format!("1{}2\n", format!("\n{}", "x".repeat(99)).repeat(30_000));
    let config = flow(
        "stdout = true\nline.max_bytes = \"5MiB\"\nmultiline = { start = '^[0-9]', max_lines = 100_000, max_bytes = \"5MiB\" }",
    );
    let shown = preview(&config, &big);
    assert_eq!(shown.len(), 1, "a record is longer than a read");
    assert_eq!(shown[0]["data"], big);
}

#[test]
fn pieces_of_a_containers_line_are_shown_as_one_record() {
    let config =
        flow("stdout = true\n[[flow.process]]\nparse = \"cri\"\n[[flow.process]]\nremove = [\"time\"]");
    let lines = "2016-10-06T00:17:09Z stdout P one \n2016-10-06T00:17:09Z stdout F two\n";
    let shown = preview(&config, lines);
    let data = "{\"stream\":\"stdout\",\"logtag\":\"F\",\"message\":\"one two\"}\n";
    assert_eq!(shown, [json!({ "start": 0, "end": lines.len(), "bytes": data.len(), "data": data })]);
}

#[test]
fn steps_are_shown_at_work() {
    let config = flow(
        "stream = \"s\"\npartition_key = \"field:user\"\nline.skip_header = 1\n\
         [[flow.process]]\ndrop = 'debug'\n\
         [[flow.process]]\nparse = \"json\"\non_error = \"dead_letter\"\n\
         [[flow.process]]\nadd = { file = \"{basename}\", at = \"{offset}\" }",
    );
    let shown = preview(&config, "header\n{\"user\": \"u\"}\ndebug\nplain\n");
    assert_eq!(
        shown,
        [
            json!({ "start": 0, "end": 7, "note": "skipped: header" }),
            json!({ "start": 21, "end": 27, "note": "skipped: filtered" }),
            json!({ "start": 7, "end": 21, "bytes": 37, "key": "u", "data": "{\"user\":\"u\",\"file\":\"a.log\",\"at\":\"7\"}\n" }),
            json!({ "start": 27, "end": 33, "note": "dead letter: step 2: not a JSON object" }),
        ]
    );
}
