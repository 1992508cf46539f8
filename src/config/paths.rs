//! Paths and globs as written to absolute ones.

use globset::{GlobBuilder, GlobMatcher};
use std::path::{Component, Path, PathBuf};

/// Where relative paths start: the directory of the configuration.
#[derive(Debug)]
pub(crate) struct Base(PathBuf);

/// Why a glob is refused. No error repeats the glob.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GlobFault {
    /// Nothing matches it.
    #[error("an empty pattern")]
    Empty,
    /// It names a directory.
    #[error("a pattern of directories, not of files")]
    Directory,
    /// The base directory's name cannot be part of a pattern.
    #[error("a relative pattern, and the directory's name is not UTF-8")]
    Base,
    /// Wrong in itself.
    #[error("not a pattern: {0}")]
    Form(String),
}

impl Base {
    /// `dir`, with links resolved where it exists.
    pub(crate) fn new(dir: &Path) -> Self {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        Self(dir.canonicalize().or_else(|_| std::path::absolute(dir)).unwrap_or_else(|_| dir.into()))
    }

    /// An absolute path without `.` and `..`.
    pub(crate) fn path(&self, written: &str) -> PathBuf {
        clean(&self.0.join(written))
    }

    /// An absolute glob without `.` and `..`.
    pub(crate) fn glob(&self, written: &str) -> Result<String, GlobFault> {
        if written.is_empty() {
            return Err(GlobFault::Empty);
        }
        if written.ends_with('/') {
            return Err(GlobFault::Directory);
        }
        let absolute = if written.starts_with('/') {
            PathBuf::from(written)
        } else {
            Path::new(&globset::escape(self.0.to_str().ok_or(GlobFault::Base)?)).join(written)
        };
        let glob = clean(&absolute).to_str().map(str::to_owned).ok_or(GlobFault::Base)?;
        matcher(&glob).map(|_| glob)
    }

    /// A glob of whole paths, or one of bare names, which stays as it is.
    pub(crate) fn exclude(&self, written: &str) -> Result<String, GlobFault> {
        if written.contains('/') || written.is_empty() {
            return self.glob(written);
        }
        matcher(written).map(|_| written.to_owned())
    }
}

/// A glob whose `*` and `?` stay within a directory.
pub(crate) fn matcher(glob: &str) -> Result<GlobMatcher, GlobFault> {
    let built = GlobBuilder::new(glob).literal_separator(true).build();
    Ok(built.map_err(|error| GlobFault::Form(error.kind().to_string()))?.compile_matcher())
}

/// Whether a flow with these globs follows a file of this path.
pub(crate) fn follows(files: &[String], exclude: &[String], path: &Path) -> bool {
    let matches = |glob: &String| matcher(glob).is_ok_and(|glob| glob.is_match(path));
    let excludes = |glob: &String| match path.file_name() {
        Some(name) if !glob.contains('/') => matcher(glob).is_ok_and(|glob| glob.is_match(name)),
        _ => matches(glob),
    };
    files.iter().any(matches) && !exclude.iter().any(excludes)
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
        assert!(matcher(&glob).is_ok_and(|glob| glob.is_match("/etc/kin[1]/a.log")), "{glob}");
    }

    #[test]
    fn wrong_patterns_are_refused() {
        assert_eq!(base().glob(""), Err(GlobFault::Empty));
        assert_eq!(base().glob("/var/log/"), Err(GlobFault::Directory));
        assert!(matches!(base().glob("/var/[a"), Err(GlobFault::Form(_))));
        assert!(matches!(base().exclude("{a"), Err(GlobFault::Form(_))));
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
