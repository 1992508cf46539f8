//! No secret is printed, and no hostile text reaches the terminal as it is.

use crate::{Place, flow, text, with_stdin};

#[test]
fn the_value_of_a_variable_is_in_no_error() {
    for key in
        ["stream", "delivery_stream", "partition_key", "region", "endpoint", "max_record", "start_at", "wire"]
    {
        let said = Place::new(&flow(&format!("{key} = \"${{KINTAIL_SECRET}} !\""))).refused();
        assert!(!said.contains("hunter2"), "{said}");
    }
    let said = Place::new("[[flow]]\nfiles = [\"/${KINTAIL_SECRET}/[\"]\nstdout = true").refused();
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn the_user_part_of_a_url_is_shown_nowhere() {
    let place = Place::new(&flow("stream = \"s\"\nendpoint = \"http://me:hunter2@h\""));
    for args in [&["config", "show"][..], &["config", "show", "--json"]] {
        let shown = text(&place.run(args).stdout);
        assert!(shown.contains("http://***@h") && !shown.contains("hunter2"), "{shown}");
    }
    let wrong = "stream = \"s\"\nendpoint = \"ftp://me:hunter2@h\"\npassword = \"hunter2\"";
    let said = Place::new(&flow(wrong)).refused();
    assert!(said.contains("not a URL") && said.contains("unknown key `password`"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn hostile_configurations_end_with_an_error() {
    let deep = format!("x = {}", "[".repeat(100_000));
    let long_key = format!("{} = 1", "k".repeat(1_000_000));
    let many = (0..2_000).fold("[agent]\n".to_owned(), |all, n| all + &format!("k{n} = 1\n"));
    let control = "[agent]\nmemory = \"\\u0000\\u001b[31m\"\n\"\\u001b[31m\" = 1";
    for hostile in [&deep, &long_key, &many, control, "\u{feff}\u{1b}[2J = 1", "x = \"\u{1b}[2J\""] {
        let output = with_stdin(["check", "-"], hostile);
        assert_eq!(output.status.code(), Some(78), "{}", &hostile[..hostile.len().min(8)]);
        assert!(!output.stderr.contains(&0x1b), "an escape sequence reaches the terminal");
    }
}
