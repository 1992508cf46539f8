//! Finds and reads the files: the main one, and `conf.d/*.toml` beside it.

use super::Config;
use super::diagnostic::{Error, Spot};
use super::env::Lookup;
use super::paths::Base;
use super::read::Reader;
use super::resolve::Resolver;
use super::schema::{CONF_D, ROOT, Table};
use super::section::Section;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A larger configuration is a mistake, such as a device.
const MOST: u64 = 4 * 1024 * 1024;

/// Reads files one after the other and resolves them together.
pub(super) struct Loader<'a> {
    errors: Error,
    lookup: Lookup<'a>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(lookup: Lookup<'a>) -> Self {
        Self { errors: Error::default(), lookup }
    }

    /// The main file and those beside it; `-` is standard input, with nothing beside it.
    pub(super) fn load(mut self, file: &Path) -> Result<Config, Error> {
        if file == Path::new("-") {
            let main = self.document(file, "<stdin>", &ROOT);
            return self.resolve(main, Vec::new(), Path::new("."));
        }
        let dir = file.parent().unwrap_or(Path::new(""));
        let main = self.document(file, &file.display().to_string(), &ROOT);
        let mut flows = Vec::new();
        for path in self.beside(&dir.join("conf.d")) {
            let added = self.document(&path, &path.display().to_string(), &CONF_D);
            flows.extend(added.iter().flat_map(|section| section.tables("flow")).cloned());
        }
        self.resolve(main, flows, dir)
    }

    /// One text, with nothing beside it.
    pub(super) fn text(mut self, name: &str, text: &str, dir: &Path) -> Result<Config, Error> {
        let main = self.parse(name, text, &ROOT);
        self.resolve(main, Vec::new(), dir)
    }

    fn resolve(mut self, main: Option<Section>, added: Vec<Section>, dir: &Path) -> Result<Config, Error> {
        let Some(main) = main else {
            return Err(self.errors.sorted());
        };
        let mut flows = main.tables("flow").to_vec();
        flows.extend(added);
        let base = Base::new(dir);
        let facts = std::collections::BTreeMap::new();
        let mut resolver = Resolver { base: &base, errors: &mut self.errors, lookup: self.lookup, facts };
        let mut config = resolver.config(&main, &flows, super::host());
        if !main.faulty("flow") {
            resolver.together(&mut config, &main, &flows);
        }
        self.errors.finish(config)
    }

    fn document(&mut self, path: &Path, name: &str, schema: &'static Table) -> Option<Section> {
        let help = match schema.key("agent") {
            Some(_) => "`kintail config default` prints one to begin with; --config names another",
            None => "every *.toml in conf.d is read: move it away if it is none of kintail's",
        };
        let text = self.read(path, name, help)?;
        self.parse(name, &text, schema)
    }

    fn parse(&mut self, name: &str, text: &str, schema: &'static Table) -> Option<Section> {
        let file = self.errors.source(name.to_owned(), text);
        Reader { errors: &mut self.errors, file, lookup: self.lookup }.document(text, schema)
    }

    fn read(&mut self, path: &Path, name: &str, help: &str) -> Option<String> {
        match read(path) {
            Ok(text) => return Some(text),
            Err(ReadError::NotText(before)) => {
                let shown = format!("{before}{}", char::REPLACEMENT_CHARACTER);
                let file = self.errors.source(name.to_owned(), &shown);
                let spot = Spot::new(file, before.len()..shown.len());
                self.errors.push(spot, "not UTF-8", "save the file as UTF-8");
            }
            Err(why) => self.errors.push(None, format!("{name}: {why}"), help),
        }
        None
    }

    /// `*.toml` in a directory, in lexical order; hidden files are left out.
    fn beside(&mut self, dir: &Path) -> Vec<PathBuf> {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                self.errors.push(None, format!("{}: {error}", dir.display()), "");
                return Vec::new();
            }
        };
        let is_ours = |path: &PathBuf| {
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            path.extension().is_some_and(|extension| extension == "toml") && !hidden
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_ours).collect();
        paths.sort();
        paths
    }
}

/// Why a file is no text.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("longer than 4 MiB")]
    Long,
    /// With the text before the first wrong byte.
    #[error("not UTF-8")]
    NotText(String),
}

/// A text of bounded length, from a file or, for `-`, from standard input.
fn read(path: &Path) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > MOST {
        return Err(ReadError::Long);
    }
    String::from_utf8(bytes).map_err(|error| {
        let text = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        ReadError::NotText(String::from_utf8_lossy(text).into_owned())
    })
}
