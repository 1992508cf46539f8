//! What a GiB of log costs, end to end: `kintail run` ships a file of 200-byte lines to a counting service in another
//! process, beside the floor, the same work in one loop. Run with `cargo bench --bench end_to_end [MIB]`.

#[expect(dead_code, reason = "the tests' scripts are not for benches")]
#[path = "../../tests/support/endpoint.rs"]
mod endpoint;
mod floor;
mod usage;

use endpoint::{Act, Endpoint, Manner, SECRET};
use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use usage::Usage;

/// Bytes of a line, with its newline.
const LINE: usize = 200;

/// Longest wait for the last record.
const PATIENCE: Duration = Duration::from_mins(5);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "endpoint") {
        serve();
        return Ok(());
    }
    let mib = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(256);
    let dir = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let log = dir.path().join("app.log");
    let lines = write_log(&log, mib << 20)?;
    let gib = (lines * LINE) as f64 / f64::from(1 << 30);

    let floor = floor::run(&log)?;
    println!("{lines} lines of {LINE} bytes, {gib:.3} GiB");
    println!(
        "floor     {:6.2} CPU s/GiB  {:.3} wire bytes a byte",
        floor.cpu / gib,
        floor.wire_bytes / gib / GIB
    );
    for (name, flow) in FLOWS {
        let run = ship(dir.path(), flow, lines as u64)?;
        println!(
            "{name:<9} {:6.2} CPU s/GiB  {:.3} wire bytes a byte  {:.1} MiB peak RSS  {:.2} s  {} requests  {:.2} of the floor",
            run.usage.cpu / gib,
            run.wire_bytes / gib / GIB,
            run.usage.peak_mib,
            run.elapsed.as_secs_f64(),
            run.requests,
            run.usage.cpu / floor.cpu,
        );
    }
    Ok(())
}

/// What is measured: a name, and what the flow's configuration says besides.
const FLOWS: [(&str, &str); 3] = [
    ("json", "wire = \"json\""),
    ("cbor", "wire = \"cbor\""),
    ("packed", "wire = \"cbor\"\naggregation = true"),
];

const GIB: f64 = (1_u64 << 30) as f64;

/// What a run of kintail took.
struct Run {
    usage: Usage,
    wire_bytes: f64,
    requests: u64,
    elapsed: Duration,
}

/// Ships the log in `dir` with kintail, from the beginning.
fn ship(dir: &Path, flow: &str, lines: u64) -> Result<Run, Box<dyn Error>> {
    let mut service = Service::start()?;
    let config = dir.join("kintail.toml");
    let text = format!(
        "agent.state_dir = \"state\"\n[[flow]]\nfiles = [\"app.log\"]\nstream = \"clicks\"\nendpoint = \"{}\"\n\
         region = \"us-east-1\"\n{flow}\n",
        service.url,
    );
    fs::write(&config, text)?;
    // Its offsets are another run's.
    if let Err(error) = fs::remove_dir_all(dir.join("state"))
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error.into());
    }
    let started = Instant::now();
    let mut agent = Killed(
        Command::new(env!("CARGO_BIN_EXE_kintail"))
            .args(["run", "--config"])
            .arg(&config)
            .env("AWS_ACCESS_KEY_ID", "AKID")
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .spawn()?,
    );
    let (requests, bytes) = loop {
        let (requests, records, bytes) = service.counts()?;
        if records >= lines {
            break (requests, bytes);
        }
        if started.elapsed() > PATIENCE {
            return Err(format!("{records} of {lines} records after {PATIENCE:?}").into());
        }
        if let Some(status) = agent.0.try_wait()? {
            return Err(format!("kintail ended: {status}").into());
        }
        thread::sleep(Duration::from_millis(10));
    };
    let elapsed = started.elapsed();
    // The last answer is still to be read, and the offsets are saved within a second.
    thread::sleep(Duration::from_millis(1500));
    let usage = Usage::of(agent.0.id())?;
    Ok(Run { usage, wire_bytes: bytes as f64, requests, elapsed })
}

/// The counting service, in a process of its own so that its CPU time is not counted.
struct Service {
    child: Killed,
    url: String,
    answers: BufReader<std::process::ChildStdout>,
}

/// A child that does not outlive us.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Service {
    fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("endpoint")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut answers = BufReader::new(child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
        let mut url = String::new();
        answers.read_line(&mut url)?;
        Ok(Self { child: Killed(child), url: url.trim().to_owned(), answers })
    }

    fn counts(&mut self) -> Result<(u64, u64, u64), Box<dyn Error>> {
        self.child.0.stdin.as_mut().ok_or("no pipe")?.write_all(b"\n")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let counts: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [requests, records, bytes] = counts[..] else { return Err("the service ended".into()) };
        Ok((requests, records, bytes))
    }
}

/// The service's process: says where it is, then its counts whenever it is asked, until nobody asks any more.
fn serve() {
    let manner = Manner { counting: true, ..Manner::default() };
    let endpoint = Endpoint::with(manner, |_| Act::Accept);
    println!("{}", endpoint.url());
    for _ in io::stdin().lines() {
        let (requests, records, bytes) = endpoint.counts();
        println!("{requests} {records} {bytes}");
    }
}

/// Writes lines that no two are the same; returns how many.
fn write_log(path: &Path, bytes: usize) -> io::Result<usize> {
    let lines = bytes / LINE;
    let mut file = BufWriter::new(fs::File::create(path)?);
    let text =
        "GET /index.html HTTP/1.1 200 5123 \"https://www.example.com/\" \"Mozilla/5.0 (X11; Linux x86_64)\" ";
    for line in 0..lines {
        let mut line = format!("{line:012} {}", text.repeat(2));
        line.truncate(LINE - 1);
        writeln!(file, "{line}")?;
    }
    file.flush()?;
    Ok(lines)
}
