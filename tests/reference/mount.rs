//! File systems to test on: a tmpfs and an ext4 of their own, where mounting is allowed.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Room for an ext4.
const SIZE: u64 = 256 << 20;

/// A directory on a file system; unmounted when it is dropped.
pub(crate) struct Volume {
    dir: TempDir,
    mounted: bool,
}

impl Volume {
    /// On a tmpfs; else in `/dev/shm`, which is one as a rule.
    pub(crate) fn tmpfs() -> Self {
        let dir = fresh_dir(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir(dir.path().join("at")).expect("a directory");
        if run("mount", &["-t", "tmpfs", "-o", "size=256m", "tmpfs", &text(&dir.path().join("at"))]) {
            return Self { dir, mounted: true };
        }
        warn("a tmpfs cannot be mounted: /dev/shm is used");
        Self::plain("/dev/shm")
    }

    /// On an ext4 with inodes of so many bytes; else where the tests are built. Those of 256 know when they were made, and
    /// the times of those of 128 are whole seconds.
    pub(crate) fn ext4(inode: u32) -> Self {
        let dir = fresh_dir(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir(dir.path().join("at")).expect("a directory");
        let image = dir.path().join("image");
        File::create(&image).and_then(|file| file.set_len(SIZE)).expect("an image");
        if run("mkfs.ext4", &["-q", "-F", "-I", &inode.to_string(), &text(&image)])
            && run("mount", &["-o", "loop", &text(&image), &text(&dir.path().join("at"))])
        {
            return Self { dir, mounted: true };
        }
        warn("an ext4 cannot be made and mounted: the file system of the target directory is used");
        Self::plain(env!("CARGO_TARGET_TMPDIR"))
    }

    fn plain(within: &str) -> Self {
        let dir = fresh_dir(within);
        fs::create_dir(dir.path().join("at")).expect("a directory");
        Self { dir, mounted: false }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("at")
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if self.mounted {
            run("umount", &["--lazy", &text(&self.path())]);
        }
    }
}

fn fresh_dir(within: &str) -> TempDir {
    TempDir::with_prefix_in("reference", within).expect("a directory")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Whether a command could be run, and ended well.
pub(crate) fn run(program: &str, args: &[&str]) -> bool {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command.args(args).env("PATH", path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Says loudly what is not tested here.
pub(crate) fn warn(text: &str) {
    say(&format!("\nWARNING: {text}"));
}

/// Says something that is to be seen though the test passes.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
