//! The settings of the agent under test, and how its surroundings behave.

use super::steps::Steps;
use kintail_engine::settings::Settings;
use std::path::{Path, PathBuf};

/// Where all files are.
pub(crate) const ROOT: &str = "/log";

/// Where second names are, of files that every flow follows there.
pub(crate) const LINKS: &str = "/log/links";

/// Where the rotated files of some programs go.
pub(crate) const ARCHIVE: &str = "/log/old";

/// How a world is set up.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a world has many properties, each by itself")]
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    /// Of each flow.
    pub(crate) scopes: Vec<Scope>,
    /// Of each flow.
    pub(crate) steps: Vec<Steps>,
    pub(crate) writers: Vec<Writer>,
    /// The file system knows birth times.
    pub(crate) births: bool,
    /// The device may have another number whenever an agent starts.
    pub(crate) renumbered: bool,
    /// Time stamps of files are multiples of this, in nanoseconds.
    pub(crate) grain: i64,
    /// Directories of which no notice ever comes, though the watch was taken: one in so many; 0: none.
    pub(crate) deaf_dirs: bool,
    /// Most files that the agent may have open.
    pub(crate) descriptors: usize,
    /// Watches are refused.
    pub(crate) no_watch: bool,
    pub(crate) rates: Rates,
    pub(crate) pace: Pace,
}

/// How often single things go wrong, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    /// A record of a request fails.
    pub(crate) record: u32,
    /// A request is throttled, or fails with a server error.
    pub(crate) request: u32,
    /// A request, or the answer to it, is lost.
    pub(crate) lost: u32,
    /// An answer cannot be read.
    pub(crate) garbled: u32,
    /// A request hangs.
    pub(crate) slow: u32,
    /// A call on a file fails.
    pub(crate) file: u32,
    /// The store does not save.
    pub(crate) store: u32,
    /// A notice is lost, late, or comes twice.
    pub(crate) notice: u32,
    /// The disk hesitates: a read's answer comes after others that were asked for later.
    pub(crate) hesitate: u32,
}

/// How long things take at most in normal times, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) file: u64,
    pub(crate) compute: u64,
    pub(crate) save: u64,
    pub(crate) send: u64,
}

/// A program that writes a log.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    /// Its live file.
    pub(crate) path: PathBuf,
    pub(crate) style: Style,
    /// Its rotated files go to [`ARCHIVE`].
    pub(crate) archives: bool,
    /// Its file is there, with some lines, before the agent first starts.
    pub(crate) early: bool,
}

/// How a file is renamed in a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `app.log.1`, older ones one up, the one past `keep` removed.
    Numbers { keep: u32 },
    /// `app.log-20260101`, counted up.
    Date,
    /// `app-20260101.log`, counted up.
    Stem,
}

/// Which files a flow follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// `/log/*.log`
    Live,
    /// `/log/*.log*`
    Family,
    /// `/log/**/*.log`
    Tree,
    /// `/log/**/*`
    All,
}

impl Scope {
    /// As a glob.
    pub(crate) fn glob(self) -> &'static str {
        match self {
            Self::Live => "/log/*.log",
            Self::Family => "/log/*.log*",
            Self::Tree => "/log/**/*.log",
            Self::All => "/log/**/*",
        }
    }

    /// Whether a file of this name is followed.
    pub(crate) fn has(self, path: &Path) -> bool {
        let top = path.parent() == Some(Path::new(ROOT));
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let log = path.extension().is_some_and(|extension| extension == "log");
        match self {
            Self::Live => top && log,
            Self::Family => top && name.contains(".log"),
            Self::Tree => log,
            Self::All => true,
        }
    }
}

impl Writer {
    /// The name of its `number`-th rotated file.
    pub(crate) fn rotated(&self, number: u32) -> PathBuf {
        let live = match self.path.file_name() {
            Some(name) if self.archives => Path::new(ARCHIVE).join(name),
            _ => self.path.clone(),
        };
        let path = live.display();
        match self.style {
            Style::Numbers { .. } => format!("{path}.{number}").into(),
            Style::Date => format!("{path}-{}", 20_260_100 + number).into(),
            Style::Stem => {
                format!("{}-{}.log", live.with_extension("").display(), 20_260_100 + number).into()
            }
        }
    }

    /// ... once it is compressed.
    pub(crate) fn compressed(&self, number: u32) -> PathBuf {
        format!("{}.gz", self.rotated(number).display()).into()
    }
}
