//! The command line: what can be asked, and which file answers it.

mod agent;
mod check;
mod content;
mod dead_letter;
mod human;
mod import;
mod losses;
mod manual;
mod offsets;
mod output;
mod preview;
mod reload;
mod run;
mod shipped;
mod show;
mod state_dir;
mod status;
mod tail;

use crate::exit::{self, ExitCode};

use crate::config::units::{TIME_HELP, parse_time};
use crate::config::{Config, Error};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  kintail tail '/var/log/nginx/*.log' --to stdout   see lines arrive, without config or state
  kintail check                                     is /etc/kintail/kintail.toml right?
  kintail preview --flow web access.log             the records as they would be sent
  kintail run                                       ship
  kintail status --watch                            how far it is";

const RUN: &str = "\
Examples:
  kintail run
  kintail run --config ./kintail.toml
SIGTERM or SIGINT: what was read is sent, positions are saved; a second one ends it at once. The log goes to standard
error; KINTAIL_LOG=debug shows more of it.";

const RELOAD: &str = "\
Examples:
  kintail check && kintail reload
  systemctl reload kintail                          the same, as the service's user
What the configuration does not change goes on undisturbed, and no line is lost or repeated. A configuration with an error
changes nothing: the exit code is 78, and `kintail status` says so too. state_dir needs a restart.";

/// Ships every line of your log files; none lost, none silently.
#[derive(Debug, Parser)]
#[command(name = "kintail", version, arg_required_else_help = true, after_help = after_help())]
pub struct Cli {
    /// The configuration; conf.d/*.toml beside it adds flows
    #[arg(long, global = true, value_name = "FILE", default_value = "/etc/kintail/kintail.toml")]
    pub config: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Follow the files of every flow and ship their lines, until SIGTERM
    #[command(after_help = RUN)]
    Run,
    /// Follow files from their end without configuration or state
    Tail(TailArgs),
    /// Say everything that is wrong with a configuration
    Check(CheckArgs),
    /// Show the records that would be sent, and send none
    Preview(PreviewArgs),
    /// Show how the running agent is: lag, rate, errors, losses
    Status(StatusArgs),
    /// Show or change up to where each file is shipped
    #[command(subcommand)]
    Offsets(OffsetsCommand),
    /// Say whether all of a file is shipped; the exit code tells
    Shipped(ShippedArgs),
    /// Show the loss ledger: what is known to be missing, and why
    Losses(LossesArgs),
    /// Show, send again or give up the records that a destination refused
    #[command(subcommand)]
    DeadLetter(DeadLetterCommand),
    /// Have the running agent read its configuration again
    #[command(after_help = RELOAD)]
    Reload,
    /// Take over from the Amazon Kinesis Agent: its configuration, and where it was
    Import(ImportArgs),
    /// The configuration as kintail understands it
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print what makes a shell complete kintail's command lines
    Completions(CompletionsArgs),
    /// Print the manual page, or write the pages of all commands
    Man(ManArgs),
}

/// Of `kintail tail`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kintail tail /var/log/syslog
  kintail tail '/var/log/**/*.log' --to file:/tmp/all.log")]
pub struct TailArgs {
    /// Which files; in quotes, so that the shell leaves it alone
    #[arg(value_name = "GLOB")]
    pub glob: String,
    /// Where the lines go: stdout, or `file:` and a path
    #[arg(long, value_name = "WHERE", default_value = "stdout", value_parser = tail::To::parse)]
    pub to: tail::To,
}

/// Of `kintail import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kintail import --check /etc/aws-kinesis/agent.json    what would change?
  kintail import /etc/aws-kinesis/agent.json            the configuration, on standard output
  kintail import /etc/aws-kinesis/agent.json -o /etc/kintail/kintail.toml
With -o or --state-dir the old agent's checkpoints become offsets. Nothing that is there is overwritten.")]
pub struct ImportArgs {
    /// The old agent's configuration
    #[arg(value_name = "AGENT_JSON")]
    pub agent_json: PathBuf,
    /// Where more of its flows are
    #[arg(long, value_name = "DIR", default_value = "/etc/aws-kinesis/agent.d")]
    pub agent_d: PathBuf,
    /// Where the offsets go [default: /var/lib/kintail]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Its checkpoints, if not where its configuration says
    #[arg(long, value_name = "FILE")]
    pub checkpoints: Option<PathBuf>,
    /// Where the configuration goes instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only say what would change
    #[arg(long)]
    pub check: bool,
    /// Also while the old agent runs
    #[arg(long)]
    pub force: bool,
}

/// Of `kintail check`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kintail check                        is /etc/kintail/kintail.toml right?
  kintail check --online               and does it work here?
  kintail check --quiet new.toml && mv new.toml /etc/kintail/kintail.toml
  generate-config | kintail check -")]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own on the command line")]
pub struct CheckArgs {
    /// The configuration to check instead of --config; - is standard input
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Also look at this host, and ask the services
    #[arg(long)]
    pub online: bool,
    /// Send one marked record by each flow to a stream
    #[arg(long, requires = "online")]
    pub send_probe: bool,
    /// Say nothing when all is well
    #[arg(long)]
    pub quiet: bool,
    /// For machines
    #[arg(long)]
    pub json: bool,
}

/// Of `kintail preview`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kintail preview --flow web access.log
  tail -n 3 access.log | kintail preview --flow web -")]
pub struct PreviewArgs {
    /// The flow whose settings are used; needed when there are several
    #[arg(long, value_name = "NAME")]
    pub flow: Option<String>,
    /// For machines: one JSON object a record
    #[arg(long)]
    pub json: bool,
    /// The files to show; - is standard input, the default
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Of `kintail status`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kintail status --watch               as it goes
  kintail status --check || page-me    for a monitor: 0 well, 1 unhealthy, 69 no agent
  kintail status --json | jq '.flows[] | {name, lag_bytes}'")]
pub struct StatusArgs {
    /// For machines
    #[arg(long)]
    pub json: bool,
    /// Show it again each second, with rates over the last ten
    #[arg(long, conflicts_with = "check")]
    pub watch: bool,
    /// Print nothing: 0 well, 1 unhealthy, 69 no agent
    #[arg(long)]
    pub check: bool,
}

/// Of `kintail offsets`.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  kintail offsets list
  kintail offsets reset web            ship all files of the flow web again
While the agent runs it is asked; else its store is changed.")]
pub enum OffsetsCommand {
    /// Show up to where each flow has shipped each file
    #[command(after_help = "Examples:
  kintail offsets list
  kintail offsets list --json | jq '.[] | select(.offset < .size)'")]
    List {
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Go on at an offset; the file is drained first
    #[command(after_help = "Examples:
  kintail offsets set web /var/log/nginx/access.log 0       ship it again
  kintail offsets set web /var/log/nginx/access.log 1048576
What is passed over goes to the loss ledger. The offset should be where a line begins.")]
    Set {
        /// The flow's name
        flow: String,
        /// The file, under any name it has
        path: PathBuf,
        /// In bytes from the file's beginning
        offset: u64,
    },
    /// Ship a file again from its beginning, or all files of a flow
    #[command(after_help = "Examples:
  kintail offsets reset web
  kintail offsets reset web /var/log/nginx/access.log")]
    Reset {
        /// The flow's name
        flow: String,
        /// The file; all if not given
        path: Option<PathBuf>,
    },
    /// Give a flow's offsets to another name
    #[command(after_help = "Examples:
  kintail offsets rename web frontend
Stop the agent, rename here and in the configuration, start it: nothing is shipped again.")]
    Rename {
        /// The name they are saved under
        old: String,
        /// The name in the configuration now
        new: String,
    },
}

/// Of `kintail shipped`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kintail shipped access.log.1 && rm access.log.1
  kintail shipped --wait 30s /var/log/nginx/*.log
In logrotate's configuration, so that nothing is rotated that is not shipped:
  firstaction
    find /var/log/nginx \\( -name '*.log' -o -name '*.log.1' \\) \\
      -exec kintail shipped --quiet --wait 1m {} +
  endscript
A file is known by what it is, not by its name. The worst of all files counts:
  0  every line of now is acknowledged, or filtered
  1  not yet
  2  unknown: no flow has seen the file
  3  some of it is on the loss ledger; no use to wait")]
pub struct ShippedArgs {
    /// The files, under any name that they have
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Wait so long for 0
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub wait: Option<Duration>,
    /// Say nothing of files that are shipped
    #[arg(long)]
    pub quiet: bool,
    /// For machines
    #[arg(long)]
    pub json: bool,
}

/// Of `kintail losses`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  kintail losses
  kintail losses --json | jq '.losses[] | {path, start, end, reason}'
  kintail losses clear                 when they are dealt with"
)]
pub struct LossesArgs {
    /// For machines
    #[arg(long)]
    pub json: bool,
    /// Show if not given.
    #[command(subcommand)]
    pub command: Option<LossesCommand>,
}

/// Of `kintail losses`.
#[derive(Debug, Subcommand)]
pub enum LossesCommand {
    /// Empty the ledger
    #[command(after_help = "Examples:
  kintail losses clear")]
    Clear,
}

/// Of `kintail dead-letter`.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  kintail dead-letter list             what was refused, and why
  kintail dead-letter resend           when the reason is gone")]
pub enum DeadLetterCommand {
    /// Show the refused records
    #[command(after_help = "Examples:
  kintail dead-letter list --flow web
  kintail dead-letter list --json | jq -r '.data' | base64 -d    their bytes")]
    List {
        /// Only of this flow
        #[arg(long, value_name = "NAME")]
        flow: Option<String>,
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Send them again as they are, once each; accepted ones leave the file
    #[command(after_help = "Examples:
  kintail dead-letter resend
  kintail dead-letter resend --flow web")]
    Resend {
        /// Only of this flow
        #[arg(long, value_name = "NAME")]
        flow: Option<String>,
    },
    /// Give them up: they move to the loss ledger
    #[command(after_help = "Examples:
  kintail dead-letter clear --flow web")]
    Clear {
        /// Only of this flow
        #[arg(long, value_name = "NAME")]
        flow: Option<String>,
    },
}

/// Of `kintail config`.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  kintail config default > /etc/kintail/kintail.toml
  kintail config show")]
pub enum ConfigCommand {
    /// Show every value as resolved, defaults filled in, secrets masked
    #[command(after_help = "Examples:
  kintail config show
  kintail config show --json | jq '.flow[].files'")]
    Show {
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Show the commented reference of every key, to begin with
    #[command(after_help = "Examples:
  kintail config default > /etc/kintail/kintail.toml")]
    Default,
}

/// Of `kintail completions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kintail completions bash > /etc/bash_completion.d/kintail
  kintail completions zsh > ~/.zfunc/_kintail
  kintail completions fish > ~/.config/fish/completions/kintail.fish")]
pub struct CompletionsArgs {
    /// Which shell
    pub shell: Shell,
}

/// Of `kintail man`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kintail man | man -l -
  kintail man /usr/local/share/man/man1")]
pub struct ManArgs {
    /// Write kintail.1, kintail-run.1 and the others into this directory, which must exist
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => dispatch(&cli),
        Err(error) => {
            // Nothing can be done about a closed standard error.
            let _ = error.print();
            if error.use_stderr() { ExitCode::Usage } else { ExitCode::Success }
        }
    }
}

fn dispatch(cli: &Cli) -> ExitCode {
    let file = &cli.config;
    match &cli.command {
        Command::Run => with_config(file, |config| run::run(config, file)),
        Command::Tail(args) => tail::run(args),
        Command::Check(args) => check::run(file, args),
        Command::Preview(args) => with_config(file, |config| preview::run(&config, args)),
        Command::Status(args) => match state_dir::of_agent(file) {
            Ok(state_dir) => status::run(&state_dir, args),
            Err(error) => refuse(&error),
        },
        Command::Offsets(command) => with_config(file, |config| offsets::run(&config, command)),
        Command::Shipped(args) => with_config(file, |config| shipped::run(&config, args)),
        Command::Losses(args) => with_config(file, |config| losses::run(&config, args)),
        Command::DeadLetter(command) => with_config(file, |config| dead_letter::run(&config, command)),
        Command::Import(args) => import::run(args),
        Command::Reload => reload::run(file),
        Command::Config(ConfigCommand::Show { json }) => {
            with_config(file, |config| show::run(&config, *json))
        }
        Command::Config(ConfigCommand::Default) => show::reference(),
        Command::Completions(args) => manual::completions(args.shell),
        Command::Man(args) => manual::pages(args.dir.as_deref()),
    }
}

/// Loads the configuration for a command, or says what is wrong with it.
fn with_config(file: &std::path::Path, command: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match Config::load(file) {
        Ok(config) => command(config),
        Err(error) => refuse(&error),
    }
}

/// Says what is wrong. Colours go away by themselves where standard error is no terminal.
fn refuse(error: &Error) -> ExitCode {
    anstream::eprint!("{}", error.render(true));
    ExitCode::Config
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_time(text).map_err(|error| format!("{error}; {TIME_HELP}"))
}

fn after_help() -> String {
    format!("{EXAMPLES}\n\n{}", exit::HELP)
}
