//! `kintail import`: the Kinesis Agent's configuration and checkpoints, and an agent that goes on with them.

use crate::{Agent, Said, wait_until};
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// As the old agent makes it.
const DDL: &str = "CREATE TABLE FILE_CHECKPOINTS (flow text, path text, fileId text, lastModifiedTime bigint, \
    size bigint, offset bigint, lastUpdated datetime, PRIMARY KEY (flow, path))";

/// A host on which the old agent ran.
struct Old {
    dir: tempfile::TempDir,
}

impl Old {
    /// With these flows, each `LOGS` in them the directory of the logs.
    fn new(flows: &str) -> Self {
        let old = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(old.logs()).unwrap();
        let db = old.path("checkpoints");
        rusqlite::Connection::open(&db).unwrap().execute_batch(DDL).unwrap();
        let flows = flows.replace("LOGS", old.logs().to_str().unwrap());
        let json = format!("{{ // all\n \"checkpointFile\": \"{}\", {flows} }}", db.display());
        fs::write(old.path("agent.json"), json).unwrap();
        old
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn logs(&self) -> PathBuf {
        self.path("logs")
    }

    /// A log, last written so many seconds ago.
    fn log(&self, name: &str, text: &str, age: u64) {
        fs::write(self.logs().join(name), text).unwrap();
        let file = fs::File::options().write(true).open(self.logs().join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }

    /// A checkpoint of a file as it is now.
    fn checkpoint(&self, flow: &str, name: &str, offset: u64) {
        let path = self.logs().join(name);
        let meta = fs::metadata(&path).unwrap();
        let key = format!("(dev={:x},ino={})", meta.dev(), meta.ino());
        let mtime = meta.mtime() * 1000;
        rusqlite::Connection::open(self.path("checkpoints"))
            .unwrap()
            .execute(
                "INSERT INTO FILE_CHECKPOINTS VALUES (?1, ?2, ?3, ?4, ?5, ?6, datetime('now') || '.000')",
                (flow, path.to_str().unwrap(), key, mtime, meta.size() as i64, offset as i64),
            )
            .unwrap();
    }

    fn import(&self, more: &[&str]) -> Said {
        let (json, state, to) = (self.path("agent.json"), self.path("state"), self.path("kintail.toml"));
        let [json, state, to] = [&json, &state, &to].map(|path| path.to_str().unwrap());
        let agent_d = self.path("agent.d");
        let agent_d = agent_d.to_str().unwrap();
        let args = ["import", json, "--agent-d", agent_d, "--state-dir", state, "-o", to];
        kintail(&[&args, more].concat())
    }

    fn toml(&self) -> String {
        fs::read_to_string(self.path("kintail.toml")).unwrap()
    }

    /// Ships to files, one a flow, until they hold so many bytes, and a little longer.
    fn ship(&self, bytes: usize) -> Vec<String> {
        let mut outs = Vec::new();
        let mut toml = String::new();
        for line in self.toml().lines() {
            if let Some(stream) = line.strip_prefix("stream = ") {
                let out = self.path(&format!("out-{}", outs.len()));
                writeln!(toml, "file = '{}' # {stream}", out.display()).unwrap();
                outs.push(out);
            } else {
                writeln!(toml, "{line}").unwrap();
            }
        }
        fs::write(self.path("shipping.toml"), toml).unwrap();
        let mut agent = Command::new(env!("CARGO_BIN_EXE_kintail"));
        agent.args(["run", "--config"]).arg(self.path("shipping.toml"));
        let _agent = Agent(agent.stderr(Stdio::null()).spawn().unwrap());
        let read = || outs.iter().map(|out| fs::read_to_string(out).unwrap_or_default()).collect::<Vec<_>>();
        wait_until("all is shipped", || read().concat().len() >= bytes);
        std::thread::sleep(Duration::from_millis(500));
        read()
    }
}

fn kintail(args: &[&str]) -> Said {
    Said::from(Command::new(env!("CARGO_BIN_EXE_kintail")).args(args).output().unwrap())
}

fn flow(path: &str, more: &str) -> String {
    format!("{{ \"filePattern\": \"LOGS/{path}\", \"kinesisStream\": \"s\"{more} }}")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn shipping_goes_on_at_the_byte_where_the_old_agent_was() {
    let old = Old::new(&format!("\"flows\": [ {}, {} ]", flow("app.log*", ""), flow("other.log", "")));
    let id = |name: &str| format!("kinesis:s:{}/{name}", old.logs().display());
    old.log("app.log.3", "done before\n", 300);
    old.log("app.log.2", "sent\nunsent\n", 200);
    old.checkpoint(&id("app.log*"), "app.log.2", 5);
    old.log("app.log.1", "never seen\n", 100);
    old.log("app.log", "new\n", 10);
    old.log("app.log.4.gz", "compressed\n", 1);
    old.log("other.log", "one\ntwo\n", 10);
    old.checkpoint(&id("other.log"), "other.log", 4);
    old.import(&[]).ended(0);
    let shipped = old.ship("unsent\nnever seen\nnew\n".len() + "two\n".len());
    let mut lines: Vec<_> = shipped[0].lines().collect();
    lines.sort_unstable();
    assert_eq!((lines, &*shipped[1]), (vec!["never seen", "new", "unsent"], "two\n"));
}

#[test]
fn two_flows_over_the_same_files_go_on_each_where_it_was() {
    let flow = |stream: &str| flow("app.log*", "").replace("\"s\"", &format!("\"{stream}\""));
    let old = Old::new(&format!("\"flows\": [ {}, {} ]", flow("a"), flow("b")));
    old.log("app.log.1", "a1\na2\n", 100);
    old.log("app.log", "b1\nb2\n", 10);
    old.checkpoint(&format!("kinesis:a:{}/app.log*", old.logs().display()), "app.log", 3);
    old.checkpoint(&format!("kinesis:b:{}/app.log*", old.logs().display()), "app.log.1", 3);
    old.import(&[]).ended(0);
    let shipped = old.ship("b2\n".len() + "a2\nb1\nb2\n".len());
    let mut lines: Vec<_> = shipped[1].lines().collect();
    lines.sort_unstable();
    assert_eq!((&*shipped[0], lines), ("b2\n", vec!["a2", "b1", "b2"]));
}

#[test]
fn a_copy_of_a_truncated_file_is_read_on_and_the_file_from_its_beginning() {
    let old = Old::new(&format!("\"flows\": [ {} ]", flow("app.log*", "")));
    let id = format!("kinesis:s:{}/app.log*", old.logs().display());
    old.log("app.log", "sent\nunsent\n", 100);
    old.checkpoint(&id, "app.log", 5);
    old.log("app.log.1", "sent\nunsent\n", 50);
    old.log("app.log", "new\n", 10);
    old.import(&[]).ended(0);
    let shipped = old.ship("unsent\nnew\n".len());
    let mut lines: Vec<_> = shipped[0].lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["new", "unsent"]);
}

#[test]
fn without_checkpoints_the_flow_begins_where_the_old_agent_would() {
    let start = ", \"initialPosition\": \"START_OF_FILE\"";
    let old = Old::new(&format!("\"flows\": [ {}, {} ]", flow("a.log*", start), flow("b.log*", "")));
    old.log("a.log.1", "never read\n", 100);
    old.log("a.log", "newest\n", 10);
    old.log("b.log", "before\n", 10);
    old.import(&[]).ended(0);
    assert_eq!(old.ship("newest\n".len()), ["newest\n", ""]);
}

#[test]
fn records_are_converted_as_they_were() {
    let options = r#", "initialPosition": "START_OF_FILE", "dataProcessingOptions": [
        { "optionName": "SINGLELINE", "unknown": 1 },
        { "optionName": "CSVTOJSON", "customFieldNames": ["a", "$b", "${c}"], "delimiter": "\\|" },
        { "optionName": "ADDMETADATA", "metadata": { "z": "'\"é", "a": null } } ],
        "multiLineStartPattern": "^\\d+\\b.*$", "partitionKeyOption": "DETERMINISTIC", "skipHeaderLines": "1""#;
    let old = Old::new(&format!("\"flows\": [ {} ]", flow("app.log", options)));
    old.log("app.log", "", 10);
    old.import(&[]).ended(0);
    fs::write(old.logs().join("app.log"), "header\n1|2\n  |3\n2\n").unwrap();
    let first = r#"{"metadata":{"z":"'\"é","a":null},"data":"{\"a\":\"1\",\"$b\":\"2\",\"${c}\":\"3\"}"}"#;
    let second = r#"{"metadata":{"z":"'\"é","a":null},"data":"{\"a\":\"2\",\"$b\":null,\"${c}\":null}"}"#;
    let wanted = format!("{first}\n{second}\n");
    assert_eq!(old.ship(wanted.len()), [wanted]);
    let toml = old.toml();
    assert!(toml.contains("partition_key = \"hash\"") && toml.contains("skip_header = 1"), "{toml}");
}

#[test]
fn everything_of_the_agent_is_carried_or_told() {
    let old = Old::new(
        r#" "kinesis.endpoint": "kinesis.eu-west-1.amazonaws.com", "awsAccessKeyId": "AKIDEXAMPLE",
        "awsSecretAccessKey": "hunter2", "assumeRoleARN": "arn:aws:iam::123456789012:role/r",
        "assumeRoleExternalId": "x", "userDefinedCredentialsProvider.classname": "a.B", /* gone */
        "flows": [
            { "filePattern": "LOGS/w*/[a]**.{log,txt}", "deliveryStream": "d", "maxBufferAgeMillis": "2000",
              "maxBufferSizeRecords": 100, "maxBufferSizeBytes": 4194304, "publishQueueCapacity": 9, "aggregatedRecordSizeBytes": 1000,
              "retryInitialBackoffMillis": 10, "retryMaxBackoffMillis": 20,
              "dataProcessingOptions": [ { "optionName": "USINGPLUGGIN", "className": "x.Y" } ] } ]"#,
    );
    old.import(&["--check"]).ended(0).with("a Java class cannot be run");
    assert!(!old.path("kintail.toml").exists() && !old.path("state").exists());
    fs::create_dir(old.path("agent.d")).unwrap();
    fs::write(
        old.path("agent.d/more"),
        r#"{ "flows": [ { "filePattern": "/x//y", "kinesisStream": "d" } ] }"#,
    )
    .unwrap();
    old.import(&[]).ended(0);
    let (toml, keys) = (old.toml(), old.path("credentials"));
    for line in [
        "region = \"eu-west-1\"",
        "kinesis = \"https://kinesis.eu-west-1.amazonaws.com\"",
        "session_name = \"AWSKinesisAgent\"",
        "external_id = \"x\"",
        "region = \"us-east-1\"",
        "batch = { max_age = \"2000ms\", max_records = 100, max_bytes = \"3145728B\" }",
        "retry = { initial = \"10ms\", max = \"20ms\" }",
        "aggregate_bytes = \"1000B\"",
        "# Not needed here: publishQueueCapacity.",
        "name = \"d-2\"",
        "files = [\"/x/y\"]",
    ] {
        assert!(toml.contains(line), "{line} is not in\n{toml}");
    }
    assert!(toml.contains("w[*]/[a]*.{log,txt}") && !toml.contains("hunter2"), "{toml}");
    assert!(fs::read_to_string(&keys).unwrap().contains("hunter2"));
    assert_eq!((mode(&keys), mode(&old.path("kintail.toml"))), (0o600, 0o644));
    let config = old.path("kintail.toml");
    kintail(&["check", config.to_str().unwrap()]).ended(0);
}

#[test]
fn nothing_is_overwritten_and_what_the_old_agent_refused_is_refused() {
    let old = Old::new(&format!("\"flows\": [ {} ]", flow("app.log", "")));
    let id = format!("kinesis:s:{}/app.log", old.logs().display());
    old.log("app.log", "sent\nunsent\n", 10);
    old.checkpoint(&id, "app.log", 5);
    old.import(&[]).ended(0);
    old.import(&[]).ended(1).with("kintail.toml: it is there already");
    fs::remove_file(old.path("kintail.toml")).unwrap();
    old.import(&[]).ended(1).with("the store has offsets");
    assert!(!old.path("kintail.toml").exists());
    let twice = format!("\"flows\": [ {0}, {0} ]", flow("app.log", ""));
    for (flows, why) in [
        ("\"flows\": []", "there are no flows"),
        ("\"flows\": [ { \"filePattern\": \"x\", \"kinesisStream\": \"s\" } ]", "not absolute"),
        ("\"flows\": [ { \"filePattern\": \"/x\" } ]", "has no stream"),
        ("\"flows\": [", "agent.json"),
        (&twice, "two such flows"),
    ] {
        Old::new(flows).import(&[]).ended(74).with(why);
    }
    let unknown = ", \"dataProcessingOptions\": [ { \"optionName\": \"TOJSON\" } ]";
    let old = Old::new(&format!("\"flows\": [ {} ]", flow("app.log", unknown)));
    old.import(&[]).ended(78).with("not one of the agent's words");
    assert!(!old.path("kintail.toml").exists());
}
