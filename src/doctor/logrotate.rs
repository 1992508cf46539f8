//! Rotations on this host that lose data, whoever reads the files.

use super::{Finding, Level};
use kintail_engine::discover::Pattern;
use std::fs;
use std::path::{Path, PathBuf};

/// Some files, and what is done to them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rotation {
    patterns: Vec<String>,
    /// Directives, those for all files before them.
    directives: Vec<String>,
}

/// Looks at `logrotate.conf` and `logrotate.d` below `etc` for what is done to `files`.
pub(super) fn look(etc: &Path, files: &[&Path]) -> Vec<Finding> {
    let dir = fs::read_dir(etc.join("logrotate.d")).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = dir.map(|entry| entry.path()).collect();
    paths.sort();
    let main = fs::read_to_string(etc.join("logrotate.conf")).unwrap_or_default();
    let (globals, own) = read(&main, &[]);
    let mut rotations: Vec<(PathBuf, Rotation)> =
        own.into_iter().map(|rotation| (etc.join("logrotate.conf"), rotation)).collect();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap_or_default();
        rotations.extend(read(&text, &globals).1.into_iter().map(|rotation| (path.clone(), rotation)));
    }
    let of_ours = rotations.iter().filter(|(_, rotation)| rotation.is_of_any(files));
    of_ours.flat_map(|(path, rotation)| rotation.findings(path)).collect()
}

impl Rotation {
    fn is_of_any(&self, files: &[&Path]) -> bool {
        let patterns = self.patterns.iter().filter_map(|text| Pattern::parse(text).ok());
        patterns.into_iter().any(|pattern| files.iter().any(|file| pattern.matches_path(file)))
    }

    fn findings(&self, path: &Path) -> Vec<Finding> {
        let last = |names: &[&str]| {
            let is_one = |line: &&String| names.contains(&line.split_whitespace().next().unwrap_or_default());
            self.directives.iter().rev().find(is_one).map(String::as_str)
        };
        let what = self.patterns.join(" ");
        let finding = |text: &str, advice: &str| {
            let text = format!("{}, {what}: {text}", path.display());
            Finding::new("logrotate", Level::Warning, text).advise(advice)
        };
        let mut findings = Vec::new();
        if last(&["copytruncate", "nocopytruncate"]) == Some("copytruncate") {
            findings.push(finding(
                "copytruncate loses what is written between the copy and the truncation",
                "use `create`, and have the program open its log anew in `postrotate`",
            ));
        }
        if last(&["rotate"]).is_some_and(|line| line.split_whitespace().nth(1) == Some("0")) {
            findings.push(finding(
                "rotate 0 deletes the log at once",
                "use `rotate 1` or more: only what is open survives a restart then",
            ));
        }
        findings
    }
}

/// The directives outside of all blocks, and the blocks. Scripts in between are passed over.
fn read(text: &str, globals: &[String]) -> (Vec<String>, Vec<Rotation>) {
    let mut globals = globals.to_vec();
    let (mut rotations, mut patterns) = (Vec::new(), Vec::new());
    let mut open: Option<Rotation> = None;
    let mut in_script = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let word = line.split_whitespace().next().unwrap_or_default();
        if in_script {
            in_script = word != "endscript";
        } else if matches!(word, "prerotate" | "postrotate" | "firstaction" | "lastaction" | "preremove") {
            in_script = true;
        } else if line == "}" {
            rotations.extend(open.take());
        } else if let Some(rotation) = &mut open {
            rotation.directives.push(line.to_owned());
        } else if let Some(before) = line.strip_suffix('{') {
            patterns.extend(names(before));
            open = Some(Rotation { patterns: std::mem::take(&mut patterns), directives: globals.clone() });
        } else if line.starts_with(['/', '"', '\'']) {
            patterns.extend(names(line));
        } else {
            globals.push(line.to_owned());
        }
    }
    (globals, rotations)
}

fn names(line: &str) -> Vec<String> {
    line.split_whitespace().map(|name| name.trim_matches(['"', '\'']).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotations_that_lose_lines_are_told() {
        let etc = tempfile::tempdir().unwrap();
        fs::create_dir(etc.path().join("logrotate.d")).unwrap();
        fs::write(etc.path().join("logrotate.conf"), "weekly\nrotate 0\ninclude /etc/logrotate.d\n").unwrap();
        let app = "# apps\n/var/log/app/*.log\n\"/var/log/other.log\" {\n  rotate 7\n  copytruncate\n  postrotate\n    \
                   rotate 0\n  endscript\n}\n/var/log/deleted.log {\n  daily\n}\n/var/log/good.log {\n  rotate 2\n}\n";
        fs::write(etc.path().join("logrotate.d/app"), app).unwrap();
        let told = |file: &str| {
            let findings = look(etc.path(), &[Path::new(file)]);
            findings.into_iter().map(|finding| finding.text).collect::<Vec<_>>().join("; ")
        };
        assert!(told("/var/log/app/a.log").contains("copytruncate loses"));
        assert!(!told("/var/log/app/a.log").contains("rotate 0"));
        assert!(told("/var/log/other.log").contains("copytruncate loses"));
        assert!(told("/var/log/deleted.log").contains("rotate 0 deletes"));
        assert_eq!(told("/var/log/good.log"), "");
        assert_eq!(told("/var/log/nobody's.log"), "");
    }
}
