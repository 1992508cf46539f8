//! The exit codes, in one place. They follow `sysexits.h` where it has a fitting one.

use crate::io::store::OpenError;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// All is well.
    Success,
    /// The answer is no: unhealthy, refused, not found.
    Failure,
    /// `kintail shipped` knows nothing of a file.
    Unknown,
    /// `kintail shipped` knows of losses.
    Losses,
    /// The command line is wrong.
    Usage,
    /// No agent is running.
    NoAgent,
    /// The state directory cannot be used.
    State,
    /// An input cannot be read, or an output cannot be written.
    Output,
    /// The configuration is wrong.
    Config,
}

/// What `--help` says of them.
pub(crate) const HELP: &str = "\
Exit codes:
   0  all is well
   1  the answer is no: unhealthy, refused, not found
   2  of shipped: a file is unknown
   3  of shipped: some of a file is lost
  64  the command line is wrong
  69  no agent is running
  73  the state directory cannot be used
  74  an input cannot be read, or an output cannot be written
  78  the configuration is wrong";

impl ExitCode {
    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Unknown => 2,
            Self::Losses => 3,
            Self::Usage => 64,
            Self::NoAgent => 69,
            Self::State => 73,
            Self::Output => 74,
            Self::Config => 78,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

impl From<&OpenError> for ExitCode {
    fn from(error: &OpenError) -> Self {
        match error {
            OpenError::Newer { .. } | OpenError::Hash { .. } => Self::Config,
            _ => Self::State,
        }
    }
}
