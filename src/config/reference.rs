//! Writes the reference of every key from the schema; proves that the one in the repository, the documentation and
//! the code agree. `KINTAIL_BLESS=1 cargo test -p kintail --lib reference` writes both files anew.

use super::schema::{Default, Key, Kind, ROOT, Table};
use super::{Config, REFERENCE};
use kintail_engine::settings::{Agent, Destination, Flow};
use std::fmt::Write;
use std::path::Path;

const HEAD: &str = "\
# The reference of kintail's configuration: every key, commented out, with what holds when it is left out.
# A line that begins with \"# \" explains the one below it; take the # away from that one to set it.
# The least that works is a flow with its files and one destination:
#
#     [[flow]]
#     files = [\"/var/log/nginx/*.log\"]
#     stream = \"clicks\"
#
# Sizes are written like \"64KiB\", durations like \"250ms\". ${NAME} and ${NAME:-default} in a string stand for an
# environment variable. Relative paths start at this file's directory. Files in conf.d/*.toml beside this file add
# flows. `kintail check` says everything that is wrong.
";

const EXAMPLE: &str = "Example. ";
const LATER: &str = "Not in this version. ";

/// A table with the key that holds it.
struct Part {
    header: String,
    table: &'static Table,
    key: &'static Key,
    later: bool,
}

/// All tables, each after the one that holds it.
fn parts() -> Vec<Part> {
    fn below(parent: &Table, later: bool, out: &mut Vec<Part>) {
        for key in parent.keys {
            let (table, many) = match key.kind {
                Kind::Table(table) | Kind::TextOrTable(_, table) => (table, false),
                Kind::Tables(table) => (table, true),
                _ => continue,
            };
            let path = match parent.header.trim_matches(['[', ']']) {
                "" => key.name.to_owned(),
                parent => format!("{parent}.{}", key.name),
            };
            let header = if many { format!("[[{path}]]") } else { format!("[{path}]") };
            let later = later || key.later;
            out.push(Part { header, table, key, later });
            below(table, later, out);
        }
    }
    let mut out = Vec::new();
    below(&ROOT, false, &mut out);
    out
}

impl Part {
    /// Its keys that are no tables of their own.
    fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.table.keys.iter().filter(|key| !matches!(key.kind, Kind::Table(_) | Kind::Tables(_)))
    }

    fn marks(&self, key: &Key) -> String {
        let later = if self.later || key.later { LATER } else { "" };
        let example = if matches!(key.default, Default::None(_)) { EXAMPLE } else { "" };
        format!("{later}{example}")
    }
}

/// `config/kintail.toml`.
fn file() -> String {
    let mut out = HEAD.to_owned();
    for part in parts() {
        let later = if part.later { LATER } else { "" };
        let _ = write!(out, "\n# {later}{}\n#{}\n", part.key.doc, part.header);
        for key in part.keys() {
            let _ = write!(out, "# {}{}\n#{} = {}\n", part.marks(key), key.doc, key.name, key.sample());
        }
    }
    out
}

/// The tables of `docs/configuration.md`.
fn page() -> String {
    let mut out = String::new();
    for part in parts() {
        let later = if part.later { LATER } else { "" };
        let _ = write!(
            out,
            "\n### `{}`\n\n{later}{}\n\n| key | default | |\n|---|---|---|\n",
            part.header, part.key.doc
        );
        for key in part.keys() {
            let default = match key.default {
                Default::Is(text) => format!("`{text}`"),
                Default::None(text) => format!("none, e.g. `{text}`"),
            };
            let later = if !part.later && key.later { LATER } else { "" };
            let _ =
                writeln!(out, "| `{}` | {} | {later}{} |", key.name, default.replace('|', "\\|"), key.doc);
        }
    }
    out
}

/// Where a file of the repository is.
fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares a file with what it should be, or writes it.
fn agrees(path: &str, found: &str, wanted: &str) {
    if std::env::var_os("KINTAIL_BLESS").is_some() {
        std::fs::write(repository(path), wanted).expect("the repository can be written");
        return;
    }
    let differs = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted);
    assert!(found == wanted, "{path} is not what the schema says, from {differs:?}; see this file's head");
}

#[test]
fn the_reference_agrees_with_the_schema() {
    agrees("config/kintail.toml", REFERENCE, &file());
}

#[test]
fn the_documentation_agrees_with_the_schema() {
    const BEGIN: &str = "<!-- keys: written by the tests -->\n";
    const END: &str = "\n<!-- end of keys -->";
    let found = std::fs::read_to_string(repository("docs/configuration.md")).expect("the page");
    let (head, rest) = found.split_once(BEGIN).expect("where the keys begin");
    let (_, tail) = rest.split_once(END).expect("where the keys end");
    agrees("docs/configuration.md", &found, &format!("{head}{BEGIN}{}{END}{tail}", page()));
}

/// The reference with every line in force that has a default in this version.
fn uncommented() -> String {
    let mut out = String::new();
    let mut in_force = false;
    for line in REFERENCE.lines() {
        if let Some(doc) = line.strip_prefix("# ") {
            in_force = !doc.starts_with(EXAMPLE) && !doc.starts_with(LATER);
        } else if let Some(setting) = line.strip_prefix('#').filter(|setting| !setting.is_empty() && in_force)
        {
            let _ = writeln!(out, "{setting}");
            if setting == "[[flow]]" {
                out.push_str("files = [\"/x\"]\nstdout = true\n");
            }
        }
    }
    out
}

#[test]
fn the_reference_in_force_changes_nothing() {
    let read = |text: &str| {
        Config::from_text("test.toml", text, Path::new("/")).unwrap_or_else(|error| panic!("{error}"))
    };
    // A destination file and a role are complete only with what has no default.
    let text = uncommented();
    let text = text.replace("[flow.file]\nrotate = \"100MiB\"\nkeep = 5\n", "");
    let role = "session_name = \"kintail\"\nduration = \"1h\"\n";
    let text = text.replace(&format!("[aws.assume_role]\n{role}"), "");
    // It is there or not.
    let text = text.replace("[metrics]\nlisten = \"127.0.0.1:9464\"\nper_file = false\n", "");
    let lines = "max_wait = \"2s\"\nmax_lines = 10000\nmax_bytes = \"1MiB\"\n";
    let text = text.replace(&format!("[flow.multiline]\n{lines}"), "");
    let text = text.replace("[[flow.process]]\non_error = \"pass\"\n", "");
    let text = text.replace(&format!("[flow.assume_role]\n{role}"), "");
    assert_eq!(read(&text), read("[[flow]]\nfiles = [\"/x\"]\nstdout = true"), "{text}");
}

#[test]
fn the_schema_has_the_engines_defaults() {
    for (key, destination) in [
        ("stream = \"s\"", Destination::Kinesis { stream: "s".into() }),
        ("stdout = true", Destination::Stdout),
        ("file = \"/o\"", Destination::File { path: "/o".into(), rotate: 100 << 20, keep: 5 }),
        ("delivery_stream = \"s\"", Destination::Firehose { delivery_stream: "s".into() }),
    ] {
        let text = format!("[[flow]]\nfiles = [\"/x\"]\n{key}");
        let config =
            Config::from_text("test.toml", &text, Path::new("/")).unwrap_or_else(|error| panic!("{error}"));
        let mut flow = Flow::new("default", vec!["/x".into()], destination);
        flow.max_record = flow.max_record.min(config.engine.flows[0].max_record);
        assert_eq!(config.engine.flows, [flow.clone()]);
        assert_eq!(config, Config::around(flow));
        let host = config.engine.agent.host.clone();
        assert_eq!(config.engine.agent, Agent::new(host));
    }
}
