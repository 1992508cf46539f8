//! `kintail import`: what the Kinesis Agent was configured to do, as TOML, and up to where it came, as offsets.

mod agent_json;
mod offsets;
mod toml;

use super::agent::{self, Error};
use super::offsets::absolute;
use super::output::print;
use super::{ExitCode, ImportArgs, refuse};
use crate::config::Config;
use crate::io::store::{Database, View};
use agent_json::Object;
use globset::{GlobBuilder, GlobMatcher};
use kintail_engine::state::Transaction;
use offsets::Carried;
use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

/// A flow of the old agent.
#[derive(Debug)]
struct OldFlow {
    object: Object,
    /// What its checkpoints call it.
    id: String,
    /// What it is called from now on.
    name: String,
    stream: String,
    firehose: bool,
    from_beginning: bool,
    dir: PathBuf,
    /// The last part of its pattern.
    pattern: String,
    names: GlobMatcher,
}

/// Answers it.
pub(super) fn run(args: &ImportArgs) -> ExitCode {
    agent::end(import(args))
}

fn import(args: &ImportArgs) -> Result<ExitCode, Error> {
    if !args.check
        && !args.force
        && let Some(pid) = old_agent()
    {
        let why = "stop it first, so that both know up to where it came; --force imports all the same";
        return Err(Error::Refused(format!("the Kinesis Agent is running (process {pid}): {why}")));
    }
    let main = Object::read(&args.agent_json)?;
    if let Some(path) = args.output.as_ref().filter(|path| !args.check && path.exists()) {
        let why = "it is there already, and kintail import overwrites nothing; move it away first";
        return Err(Error::Refused(format!("{}: {why}", path.display())));
    }
    let flows = flows(&main, &args.agent_d)?;
    let credentials = args.output.as_deref().unwrap_or(Path::new("/etc/kintail/kintail.toml"));
    let credentials = absolute(credentials)?.with_file_name("credentials");
    let mut made = toml::Made::default();
    let state_dir = absolute(args.state_dir.as_deref().unwrap_or(Path::new("/var/lib/kintail")))?;
    made.agent(
        &main,
        &args.agent_json.display().to_string(),
        &state_dir.to_string_lossy(),
        &credentials.to_string_lossy(),
    )?;
    for flow in &flows {
        made.flow(flow, &main)?;
    }
    let name = args.output.as_deref().unwrap_or(Path::new("kintail.toml")).to_string_lossy();
    if let Err(error) = Config::from_text(&name, &made.text, Path::new("/")) {
        anstream::eprintln!("kintail: what comes out is not right yet, and nothing was written:");
        return Ok(refuse(&error));
    }
    let carried = carry(args, &main, &flows, &state_dir)?;
    let service = SERVICE_FILES.iter().flat_map(|file| of_service(Path::new(file)));
    for line in made.told.iter().chain(&carried.told).cloned().chain(service) {
        anstream::eprintln!("kintail: {}", super::human::clean(&line));
    }
    if args.check {
        return Ok(ExitCode::Success);
    }
    if args.output.is_some() || args.state_dir.is_some() {
        save(&state_dir, carried)?;
    }
    if let Some((id, secret)) = made.keys.filter(|_| args.output.is_some()) {
        let text = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
        write_new(&credentials, &text, 0o600)?;
    }
    match &args.output {
        Some(path) => write_new(path, &made.text, 0o644).map(|()| ExitCode::Success),
        None => Ok(print(made.text.trim_end(), ExitCode::Success)),
    }
}

/// What the old agent's service is started with.
const SERVICE_FILES: [&str; 2] = ["/etc/default/aws-kinesis-agent", "/etc/sysconfig/aws-kinesis-agent"];

/// What is set there and has to be set for kintail's service.
fn of_service(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let is_set = |word: &str| {
        text.lines().map(str::trim_start).any(|line| !line.starts_with('#') && line.contains(word))
    };
    [
        ("proxyHost", "the proxy in JVM_ARGS: set HTTPS_PROXY and NO_PROXY for kintail's service"),
        ("AWS_SECRET_ACCESS_KEY=", "its keys: set them for kintail's service, or in a credentials file"),
    ]
    .into_iter()
    .filter(|(word, _)| is_set(word))
    .map(|(_, what)| format!("{}: {what}", file.display()))
    .collect()
}

/// All flows: those of the file, then those of the directory.
fn flows(main: &Object, agent_d: &Path) -> Result<Vec<OldFlow>, Error> {
    let mut objects = main.objects("flows");
    if let Ok(entries) = fs::read_dir(agent_d) {
        let mut files: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        files.sort();
        for file in files {
            match Object::read(&file) {
                Ok(object) => objects.extend(object.objects("flows")),
                // So did the old agent.
                Err(error) => anstream::eprintln!("kintail: {error}; left out"),
            }
        }
    }
    if objects.is_empty() {
        return Err(Error::Io("there are no flows; the agent would not start".into()));
    }
    let mut names = HashSet::new();
    let flows: Vec<_> =
        objects.into_iter().map(|object| OldFlow::new(object, &mut names)).collect::<Result<_, _>>()?;
    let mut ids = HashSet::new();
    match flows.iter().find(|flow| !ids.insert(&flow.id)) {
        Some(twice) => Err(Error::Io(format!("{}: two such flows; the agent would not start", twice.id))),
        None => Ok(flows),
    }
}

impl OldFlow {
    fn new(object: Object, names: &mut HashSet<String>) -> Result<Self, Error> {
        let input = |why: String| Error::Io(format!("{why}; the agent would not start"));
        let path = object.text("filePattern").ok_or_else(|| input("a flow without filePattern".into()))?;
        let Some((dir, pattern)) = path.rsplit_once('/').filter(|_| path.starts_with('/')) else {
            return Err(input(format!("{path}: not absolute")));
        };
        let pattern = pattern.to_owned();
        let (stream, firehose) = match (object.text("deliveryStream"), object.text("kinesisStream")) {
            (Some(stream), _) => (stream.to_owned(), true),
            (None, Some(stream)) => (stream.to_owned(), false),
            (None, None) => return Err(input(format!("the flow of {path} has no stream"))),
        };
        let dir: PathBuf = Path::new(&format!("{dir}/")).components().collect();
        let id = format!("{}:{stream}:{}/{pattern}", if firehose { "fh" } else { "kinesis" }, dir.display());
        let mut name = stream.clone();
        let mut number = 1;
        while !names.insert(name.clone()) {
            number += 1;
            name = format!("{stream}-{number}");
        }
        let glob = GlobBuilder::new(&last_part(&pattern)).literal_separator(true).build();
        let names = glob.map_err(|error| input(format!("{path}: {error}")))?.compile_matcher();
        let from_beginning = object.text("initialPosition") == Some("START_OF_FILE");
        Ok(Self { object, id, name, stream, firehose, from_beginning, dir, pattern, names })
    }

    /// The same files, as kintail's pattern: only its last part is one.
    fn glob(&self) -> String {
        let mut glob = String::new();
        for letter in self.dir.to_string_lossy().trim_end_matches('/').chars() {
            match letter {
                '*' | '?' | '[' | ']' | '{' | '}' | '\\' => glob.extend(['[', letter, ']']),
                other => glob.push(other),
            }
        }
        glob + "/" + &last_part(&self.pattern)
    }

    /// Whether the old agent read it.
    fn matches(&self, path: &Path) -> bool {
        let Some(name) = path.file_name() else { return false };
        let lower = name.to_string_lossy().to_ascii_lowercase();
        self.names.is_match(name) && ![".gz", ".bz2", ".zip"].iter().any(|end| lower.ends_with(end))
    }

    fn wrong(&self, key: &str, value: &str) -> Error {
        Error::Io(format!("flow {}: {key} cannot be {value}; the agent would not start", self.name))
    }
}

/// In the last part two asterisks are one.
fn last_part(pattern: &str) -> String {
    let mut pattern = pattern.to_owned();
    while pattern.contains("**") {
        pattern = pattern.replace("**", "*");
    }
    pattern
}

/// What has to be in the store so that shipping goes on where it was.
fn carry(args: &ImportArgs, main: &Object, flows: &[OldFlow], state_dir: &Path) -> Result<Carried, Error> {
    let file = args.checkpoints.clone().unwrap_or_else(|| {
        main.text("checkpointFile").unwrap_or("/var/run/aws-kinesis-agent/checkpoints").into()
    });
    let checkpoints = offsets::open(&file)?.map(|db| (file.clone(), db));
    let saved = View::read(state_dir)?.map(|view| view.saved).unwrap_or_default();
    let mut carried = Carried::new();
    if checkpoints.is_none() {
        carried.told.push(format!("{}: there are no checkpoints", file.display()));
    }
    for flow in flows {
        carried.flow(flow, checkpoints.as_ref(), &saved)?;
    }
    Ok(carried)
}

/// Writes the rows; the store belongs to whom its directory belongs to.
fn save(state_dir: &Path, carried: Carried) -> Result<(), Error> {
    if carried.puts.is_empty() {
        return Ok(());
    }
    let mut database = Database::open(state_dir)?;
    database.save(&Transaction { puts: carried.puts, sync: true })?;
    database.close()?;
    let failed = |error| unwritten(state_dir, &error);
    let owner = fs::metadata(state_dir).map_err(failed)?;
    for entry in fs::read_dir(state_dir).map_err(failed)?.flatten() {
        if fs::symlink_metadata(entry.path()).is_ok_and(|meta| meta.uid() != owner.uid()) {
            chown(entry.path(), Some(owner.uid()), Some(owner.gid())).map_err(failed)?;
        }
    }
    Ok(())
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &Path, error: &io::Error) -> Error {
    Error::Io(format!("{}: {error}", path.display()))
}

/// The old agent's process, if it runs.
fn old_agent() -> Option<u32> {
    let pids =
        fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_agent = |pid: &u32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            line.split(|byte| *byte == 0).any(|word| word == b"com.amazon.kinesis.streaming.agent.Agent")
        })
    };
    pids.into_iter().find(is_agent)
}
