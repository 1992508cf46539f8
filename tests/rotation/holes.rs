//! NULs that no program wrote: a truncated file whose writer goes on at its old offset.

use crate::agent::{Site, append, lines};
use std::fs::File;
use std::io::Write;
use std::process::Command;

#[test]
fn what_a_writer_leaves_out_after_a_truncation_is_no_part_of_a_line() {
    let site = Site::new("*.log", "");
    let _agent = site.start();
    let mut writer = File::create(site.log("app.log")).unwrap();
    let mut write = |lines: &[String]| writer.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    write(&lines("before", 500));
    site.expect_once(&lines("before", 500));
    let hole = std::fs::metadata(site.log("app.log")).unwrap().len();
    File::options().write(true).open(site.log("app.log")).unwrap().set_len(0).unwrap();
    write(&lines("after", 500));
    site.expect_once(&[lines("before", 500), lines("after", 500)].concat());
    let mut losses = Command::new(env!("CARGO_BIN_EXE_kintail"));
    let out = losses.arg("losses").arg("--json").arg("--config").arg(site.config()).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains("\"hole\"") && text.contains(&hole.to_string()), "{text}");
}

#[test]
fn room_that_is_set_aside_at_a_files_end_is_not_shipped() {
    let site = Site::new("*.log", "line = { max_bytes = \"4KiB\" }");
    append(&site.log("app.log"), &lines("app", 3));
    let file = File::options().write(true).open(site.log("app.log")).unwrap();
    file.set_len(1 << 20).unwrap();
    let agent = site.start();
    site.expect_once(&lines("app", 3));
    append(&site.log("other.log"), &lines("other", 3));
    site.expect_once(&lines("other", 3));
    assert!(agent.stop().success());
    assert_eq!(site.delivered().len(), 6);
}
