//! Paths and globs as written to absolute ones.

use kintail_engine::discover::{Pattern, PatternError};
use std::path::{Component, Path, PathBuf};

/// Where relative paths start: the directory of the configuration.
#[derive(Debug)]
pub(crate) struct Base(PathBuf);

/// Why a glob is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GlobFault {
    /// Nothing matches it.
    #[error("the pattern is empty")]
    Empty,
    /// The base directory's name cannot be part of a pattern.
    #[error("the pattern is relative, and the name of the configuration's directory is not UTF-8")]
    Base,
    /// Wrong in itself.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

impl Base {
    /// `dir`, with links resolved where it exists.
    pub(crate) fn new(dir: &Path) -> Self {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        Self(dir.canonicalize().or_else(|_| std::path::absolute(dir)).unwrap_or_else(|_| dir.into()))
    }

    /// An absolute path without `.` and `..`.
    pub(crate) fn path(&self, written: impl AsRef<Path>) -> PathBuf {
        clean(&self.0.join(written))
    }

    /// An absolute glob without `.` and `..`.
    pub(crate) fn glob(&self, written: &str) -> Result<String, GlobFault> {
        if written.is_empty() {
            return Err(GlobFault::Empty);
        }
        let absolute = if written.starts_with('/') {
            PathBuf::from(written)
        } else {
            Path::new(&escape(self.0.to_str().ok_or(GlobFault::Base)?)).join(written)
        };
        let mut glob = clean(&absolute).to_str().map(str::to_owned).ok_or(GlobFault::Base)?;
        if written.ends_with('/') {
            glob.push('/');
        }
        Pattern::parse(&glob)?;
        Ok(glob)
    }

    /// A glob of whole paths, or one of bare names, which stays as it is.
    pub(crate) fn exclude(&self, written: &str) -> Result<String, GlobFault> {
        if written.contains('/') || written.is_empty() {
            return self.glob(written);
        }
        by_name(written)?;
        Ok(written.to_owned())
    }
}

/// Whether a flow with these globs follows a file of this path.
pub(crate) fn follows(files: &[String], exclude: &[String], path: &Path) -> bool {
    let matches = |glob: &String| Pattern::parse(glob).is_ok_and(|glob| glob.matches_path(path));
    let excludes = |glob: &String| match path.file_name() {
        Some(name) if !glob.contains('/') => {
            by_name(glob).is_ok_and(|glob| glob.matches_path(&Path::new("/").join(name)))
        }
        _ => matches(glob),
    };
    files.iter().any(matches) && !exclude.iter().any(excludes)
}

/// A pattern of bare names, as one of the files in `/`.
fn by_name(glob: &str) -> Result<Pattern, PatternError> {
    Pattern::parse(&format!("/{glob}"))
}

/// A pattern that matches this text alone.
fn escape(text: &str) -> String {
    let plain = |c: char| if "*?[]{}\\".contains(c) { format!("\\{c}") } else { c.to_string() };
    text.chars().map(plain).collect()
}

fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Base {
        Base(PathBuf::from("/etc/kin[1]"))
    }

    #[test]
    fn relative_paths_start_at_the_configuration() {
        assert_eq!(base().path("../x/./y"), Path::new("/etc/x/y"));
        assert_eq!(base().path("/a/../../b"), Path::new("/b"));
        assert_eq!(base().glob("../x/*.log").as_deref(), Ok("/etc/x/*.log"));
    }

    #[test]
    fn a_directory_with_brackets_in_its_name_is_no_pattern() {
        let glob = base().glob("*.log").expect("a glob");
        assert!(follows(std::slice::from_ref(&glob), &[], Path::new("/etc/kin[1]/a.log")), "{glob}");
    }

    #[test]
    fn wrong_patterns_are_refused() {
        assert_eq!(base().glob(""), Err(GlobFault::Empty));
        for wrong in ["/var/log/", "/var/[a", "/var/**", "/"] {
            assert!(matches!(base().glob(wrong), Err(GlobFault::Pattern(_))), "{wrong}");
        }
        assert!(matches!(base().exclude("{a"), Err(GlobFault::Pattern(_))));
    }

    #[test]
    fn a_bare_exclude_is_about_the_name_alone() {
        let files = ["/var/**/*.log".to_owned()];
        let path = Path::new("/var/a/b.log");
        assert!(follows(&files, &[], path));
        assert!(!follows(&files, &["b.*".to_owned()], path));
        assert!(follows(&files, &["/var/b.*".to_owned()], path));
        assert!(!follows(&files, &["/var/*/b.*".to_owned()], path));
    }
}
