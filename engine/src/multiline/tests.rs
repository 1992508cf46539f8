//! Tests of joining, on logs as programs write them.

use super::*;

/// The records that these lines make; a blank line of the text is an empty line.
fn records(join: Join, text: &str) -> Vec<String> {
    let rules = Multiline { join, max_wait: Duration::ZERO, max_lines: 1000, max_bytes: 1 << 20 };
    let mut out: Vec<String> = Vec::new();
    let mut open: Option<Open> = None;
    for line in text.lines() {
        let taken = open.as_mut().is_some_and(|open| !open.is_over() && open.takes(&rules, line.as_bytes()));
        if taken {
            let last = out.last_mut().unwrap();
            last.push('\n');
            last.push_str(line);
        } else {
            open = Some(rules.begin(line.as_bytes()));
            out.push(line.to_owned());
        }
    }
    out
}

/// Each record of the text is below a line of `---`; they must be found again without these.
fn told_apart(language: Language, text: &str) {
    let expected: Vec<String> =
        text.split("---\n").skip(1).map(|record| record.trim_end_matches('\n').to_owned()).collect();
    let lines = expected.join("\n");
    assert_eq!(records(Join::Trace(language), &lines), expected, "{language:?}");
}

fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap()
}

#[test]
fn a_line_begins_continues_or_ends_a_record() {
    let start = records(Join::Start(pattern("^[0-9]")), "a\n1 b\n c\n2 d\n3 e\n  f\n\n g");
    assert_eq!(start, ["a", "1 b\n c", "2 d", "3 e\n  f\n\n g"]);
    let goes_on = records(Join::Continue(pattern(r"^\s")), " a\nb\n c\nd");
    assert_eq!(goes_on, [" a", "b\n c", "d"]);
    let end = records(Join::End(pattern(";$")), "a\nb;\nc;\nd");
    assert_eq!(end, ["a\nb;", "c;", "d"]);
}

#[test]
fn a_record_has_max_lines_at_most() {
    let rules = Multiline {
        join: Join::End(pattern("never")),
        max_wait: Duration::ZERO,
        max_lines: 2,
        max_bytes: 100,
    };
    let mut open = rules.begin(b"a");
    assert!(!open.is_over() && open.takes(&rules, b"b") && open.is_over());
    assert!(Multiline { max_lines: 1, ..rules }.begin(b"a").is_over());
}

#[test]
fn java_traces_with_causes_belong_to_the_line_they_follow() {
    told_apart(
        Language::Java,
        r#"---
2024-05-01 12:00:00,123 ERROR [main] c.e.App - cannot start
java.lang.IllegalStateException: no connection
	at com.example.App.start(App.java:42) ~[app.jar:1.0]
	at com.example.App.main(App.java:10) ~[app.jar:1.0]
	Suppressed: java.io.IOException: close failed
		at com.example.Pool.close(Pool.java:77)
		... 2 common frames omitted
Caused by: java.sql.SQLException: refused
	at org.db.Driver.connect(Driver.java:5)
	... 12 more
---
java.lang.NullPointerException
	at com.example.A.a(A.java:1)
---
java.lang.OutOfMemoryError: Java heap space
	at com.example.B.b(B.java:2)
---
Exception in thread "main" java.lang.RuntimeException: x
	at Main.main(Main.java:3)
---
2024-05-01 12:00:01,000 INFO [main] c.e.App - java.lang.String: not an exception at the line's start
---
2024-05-01 12:00:02,000 WARN retry
    with an indented line below it
---
2024-05-01 12:00:03,000 INFO done
"#,
    );
}

#[test]
fn python_traces_with_chained_exceptions_are_whole() {
    told_apart(
        Language::Python,
        r#"---
ERROR:root:cannot load
Traceback (most recent call last):
  File "/srv/app.py", line 10, in load
    return data["x"]
           ~~~~^^^^^
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/app.py", line 12, in main
    load()
ValueError: no x
---
Traceback (most recent call last):
  File "<stdin>", line 1, in <module>
ZeroDivisionError: division by zero
---
Traceback (most recent call last):
  File "<stdin>", line 1, in <module>
ZeroDivisionError: division by zero

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "<stdin>", line 3, in <module>
RuntimeError: again
  with a second line of its message
---
INFO:root:next
---
INFO:root:last
"#,
    );
}

#[test]
fn go_panics_and_their_goroutines_are_whole() {
    told_apart(
        Language::Go,
        r"---
2024/05/01 12:00:00 listening on :8080
---
2024/05/01 12:00:01 http: panic serving 127.0.0.1:5000: boom
goroutine 19 [running]:
net/http.(*conn).serve.func1()
	/usr/local/go/src/net/http/server.go:1898 +0xbe
panic({0x6a5c80?, 0x7c1d50?})
	/usr/local/go/src/runtime/panic.go:770 +0x132
main.handler({0x7c3f28, 0xc0001420e0}, 0xc000130000)
	/srv/main.go:12 +0x2c
created by net/http.(*Server).Serve in goroutine 1
	/usr/local/go/src/net/http/server.go:3285 +0x4b4
---
2024/05/01 12:00:02 still here
---
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48e4c1]

goroutine 1 [running]:
main.(*T).f(...)
	/srv/main.go:7
main.main()
	/srv/main.go:11 +0x11
exit status 2
---
2024/05/01 12:00:03 restarted
",
    );
}

#[test]
fn ruby_traces_belong_to_their_error() {
    told_apart(
        Language::Ruby,
        r"---
I, [2024-05-01T12:00:00.000000 #1]  INFO -- : started
---
app.rb:2:in `divide': divided by 0 (ZeroDivisionError)
	from app.rb:5:in `run'
	from app.rb:9:in `<main>'
---
app.rb:2:in 'Integer#/': divided by 0 (ZeroDivisionError)
	from app.rb:5:in 'Object#run'
---
F, [2024-05-01T12:00:01.000000 #1] FATAL -- : ActionView::Template::Error (undefined method `x'):
    1: <%= x %>
app/views/a.html.erb:1:in `_app_views_a'
app/controllers/a_controller.rb:3:in `index'
---
I, [2024-05-01T12:00:02.000000 #1]  INFO -- : next
",
    );
}

#[test]
fn the_pieces_of_a_containers_line_are_joined_and_those_of_two_outputs_are_not() {
    let lines = "t stdout F whole\nt stdout P a\nt stdout P:x b\nt stdout F c\nt stdout P d\nt stderr F e\nt stdout F f\nno\nt stdout F g";
    assert_eq!(
        records(Join::Pieces(Runtime::Cri), lines),
        [
            "t stdout F whole",
            "t stdout P a\nt stdout P:x b\nt stdout F c",
            "t stdout P d",
            "t stderr F e",
            "t stdout F f",
            "no",
            "t stdout F g"
        ]
    );
    let lines = [
        r#"{"log":"whole\n","stream":"stdout","time":"t"}"#,
        r#"{"log":"a \"q\" \\n","stream":"stdout","time":"t"}"#,
        r#"{"log":"b\\\n","stream":"stdout","time":"t"}"#,
        r#"{"log":"c","stream":"stdout","time":"t"}"#,
        r#"{"log":"d\n","stream":"stderr","time":"t"}"#,
        r#"{"log":"open \"#,
        r#"{"log":"e\n","stream":"stdout"}"#,
    ];
    let expected = [lines[0].to_owned(), lines[1..3].join("\n"), lines[3].to_owned(), lines[4].to_owned()];
    let found = records(Join::Pieces(Runtime::Docker), &lines.join("\n"));
    assert_eq!(found[..4], expected);
    assert_eq!(found[4..], lines[5..]);
}
