//! Real servers on free loopback ports, installed by tests/services/install and ended with the test.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

/// Kinesis in node: realistic sequence numbers. It says its port and ends with its standard input, so that it never
/// outlives a test, however that ends.
const KINESALITE: &str = "process.stdin.resume().on('end', () => process.exit());
const server = require('kinesalite')({ createStreamMs: 20 });
server.listen(0, '127.0.0.1', () => console.error(`http://127.0.0.1:${server.address().port}`));";

/// Kinesis, Firehose and S3 in Python; ends in the same way. One thread, because moto loses records when two requests
/// arrive at once: it gives both the same sequence number.
const MOTO: &str = "import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple('127.0.0.1', 0, DomainDispatcherApplication(create_backend_app), threaded=False)";

static INSTALLED: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status =
        Command::new(root.join("tests/services/install")).status().expect("tests/services/install runs");
    assert!(status.success(), "tests/services/install failed: {status}");
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), PathBuf::from)
        .join("test-servers")
});

/// AWS's library for consumers in Python: reads `[key, base64]` a line, writes the same of each user record.
const DEAGGREGATE: &str = "import json, sys
from aws_kinesis_agg.deaggregator import deaggregate_records
for line in sys.stdin:
    key, data = json.loads(line)
    record = {'kinesisSchemaVersion': '1.0', 'sequenceNumber': '1', 'partitionKey': key, 'data': data,
              'approximateArrivalTimestamp': 0}
    for user in deaggregate_records([{'kinesis': record}]):
        user, text = user['kinesis'], user['kinesis']['data']
        assert user.get('explicitHashKey') is None
        print(json.dumps([user['partitionKey'], text if isinstance(text, str) else text.decode()]))";

/// The user records of aggregated records, as (partition key, data), and others as they are.
pub(crate) fn deaggregated(records: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let base64 = base64_simd::STANDARD;
    let mut python = Command::new(INSTALLED.join("moto/bin/python"))
        .args(["-c", DEAGGREGATE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    let mut stdin = python.stdin.take().expect("piped");
    let lines: Vec<String> = records
        .into_iter()
        .map(|(key, data)| format!("{}\n", serde_json::json!([key, base64.encode_to_string(data)])))
        .collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.concat().as_bytes()).expect("read"));
    let said = python.wait_with_output().expect("it ends");
    writer.join().expect("written");
    assert!(said.status.success(), "{said:?}");
    let text = String::from_utf8(said.stdout).expect("text");
    let record = |line: &str| {
        let (key, data): (String, String) = serde_json::from_str(line).expect("JSON");
        (key, base64.decode_to_vec(data).expect("base64"))
    };
    text.lines().map(record).collect()
}

/// A running server. It ends when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it is.
    pub(crate) url: String,
}

impl Server {
    /// Starts kinesalite.
    pub(crate) fn kinesalite() -> Self {
        let mut command = Command::new("node");
        command.arg("-e").arg(KINESALITE).current_dir(INSTALLED.join("kinesalite"));
        Self::start(command)
    }

    /// Starts moto.
    pub(crate) fn moto() -> Self {
        let mut command = Command::new(INSTALLED.join("moto/bin/python"));
        command.arg("-c").arg(MOTO);
        Self::start(command)
    }

    /// Starts a server that says its address on standard error.
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut said = BufReader::new(child.stderr.take().expect("piped")).lines();
        let url = said.by_ref().map_while(Result::ok).find_map(|line| {
            let at = line.find("http://127.0.0.1:")?;
            Some(line[at..].trim_end().to_owned())
        });
        // Its log is read and forgotten, so that it never waits for us.
        std::thread::spawn(move || said.for_each(drop));
        let server = Self { child, url: url.unwrap_or_default() };
        assert!(!server.url.is_empty(), "{command:?} said no address");
        server
    }

    /// A plain HTTP request; the body of a successful answer.
    pub(crate) fn http(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
        let host = self.url.trim_start_matches("http://");
        let mut connection = TcpStream::connect(host).expect("the server listens");
        connection.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
        let mut request =
            format!("{method} {path} HTTP/1.0\r\nhost: {host}\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            write!(request, "{name}: {value}\r\n").expect("a string takes all");
        }
        connection.write_all(format!("{request}\r\n{body}").as_bytes()).expect("sent");
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
        let status = String::from_utf8_lossy(&answer[9..12]).into_owned();
        assert!(status.starts_with('2'), "{method} {path}: {}", String::from_utf8_lossy(&answer));
        answer.split_off(end)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
