//! What is not read is told, with the reason.

use crate::agent::{Site, append, lines, until};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// What `kintail status --json` says of each name that is not read.
fn unread(site: &Site) -> BTreeMap<String, String> {
    let mut status = Command::new(env!("CARGO_BIN_EXE_kintail"));
    let out = status.arg("status").arg("--json").arg("--config").arg(site.config()).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap_or_default();
    let names = status["flows"][0]["unread"].as_array().cloned().unwrap_or_default();
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    names
        .iter()
        .map(|unread| (name(unread["path"].as_str().unwrap()), unread["why"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn what_is_old_or_utf_16_or_no_log_is_told_apart() {
    let site = Site::new("*.log", "ignore_older = \"1h\"");
    append(&site.log("app.log"), &lines("app", 3));
    append(&site.log("old.log"), &lines("old", 3));
    let long_ago = SystemTime::now() - Duration::from_hours(2);
    fs::File::options().append(true).open(site.log("old.log")).unwrap().set_modified(long_ago).unwrap();
    fs::write(site.log("wide.log"), b"\xff\xfea\0").unwrap();
    symlink("nowhere", site.log("dangling.log")).unwrap();
    let _agent = site.start();
    let expected = [("old.log", "not read: older than `ignore_older`"), ("wide.log", "not read: UTF-16")];
    let expected = expected.map(|(name, why)| (name.to_owned(), why.to_owned())).into();
    until(|| unread(&site) == expected, || format!("{:?}, not {expected:?}", unread(&site)));
    site.expect_once(&lines("app", 3));
}
