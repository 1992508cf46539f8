//! On which device a path is, told without touching the path: a look at a hung mount hangs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The mount table, and what was learnt beyond it (a link leads to another device).
#[derive(Debug, Default)]
pub(super) struct Devices {
    mounts: BTreeMap<PathBuf, u64>,
    read: Option<Instant>,
    learnt: BTreeMap<PathBuf, u64>,
}

/// How old the mount table may be.
const FRESH: Duration = Duration::from_secs(30);
/// Most paths that are remembered; forgetting one costs nothing while its device answers.
const MOST_LEARNT: usize = 10_000;

impl Devices {
    /// The device of a path, as far as it is known.
    pub(super) fn of(&mut self, path: &Path) -> u64 {
        let learnt = self.learnt.get(path).or_else(|| self.learnt.get(path.parent()?));
        learnt.copied().unwrap_or_else(|| self.by_mount(path))
    }

    /// A call said on which device the path really is.
    pub(super) fn learn(&mut self, path: &Path, device: u64) {
        if self.of(path) == device {
            return;
        }
        if self.learnt.len() >= MOST_LEARNT {
            self.learnt.clear();
        }
        self.learnt.insert(path.to_path_buf(), device);
    }

    fn by_mount(&mut self, path: &Path) -> u64 {
        if self.read.is_none_or(|read| read.elapsed() > FRESH) {
            self.read = Some(Instant::now());
            // Without the table all paths share their threads, which is right where nothing hangs.
            self.mounts = parse(&fs::read("/proc/self/mountinfo").unwrap_or_default());
        }
        path.ancestors().find_map(|dir| self.mounts.get(dir)).copied().unwrap_or(0)
    }
}

/// Mount points and their devices, by `proc_pid_mountinfo(5)`. The last mount on a point is the one on top.
fn parse(table: &[u8]) -> BTreeMap<PathBuf, u64> {
    table.split(|byte| *byte == b'\n').filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<(PathBuf, u64)> {
    let mut fields = line.split(|byte| *byte == b' ').skip(2);
    let (major, minor) = std::str::from_utf8(fields.next()?).ok()?.split_once(':')?;
    let device = rustix::fs::makedev(major.parse().ok()?, minor.parse().ok()?);
    let point = fields.nth(1)?;
    Some((PathBuf::from(OsString::from_vec(unescape(point))), device))
}

/// Blanks and backslashes of a path are written as three octal digits after a backslash.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let octal = tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                plain.push(byte);
                rest = &tail[3..];
            }
            _ => {
                plain.push(*first);
                rest = tail;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:30 / /mnt rw - tmpfs tmpfs rw
24 22 0:31 / /mnt/with\\040blank rw shared:7 master:2 - nfs4 host:/x rw
25 23 0:32 / /mnt rw - nfs host:/y rw
broken
";

    fn devices() -> Devices {
        Devices { mounts: parse(TABLE), read: Some(Instant::now()), learnt: BTreeMap::new() }
    }

    fn device(major: u32, minor: u32) -> u64 {
        rustix::fs::makedev(major, minor)
    }

    #[test]
    fn a_path_is_on_the_longest_mount_point_above_it() {
        let mut devices = devices();
        assert_eq!(devices.of(Path::new("/var/log/x")), device(8, 1));
        assert_eq!(devices.of(Path::new("/mnt/with blank/x")), device(0, 31));
        assert_eq!(devices.of(Path::new("/mntx/y")), device(8, 1));
    }

    #[test]
    fn the_last_mount_on_a_point_is_on_top() {
        assert_eq!(devices().of(Path::new("/mnt/x")), device(0, 32));
    }

    #[test]
    fn a_directory_that_leads_elsewhere_is_learnt_with_what_is_in_it() {
        let mut devices = devices();
        devices.learn(Path::new("/var/log/app"), device(0, 32));
        assert_eq!(devices.of(Path::new("/var/log/app/x.log")), device(0, 32));
        assert_eq!(devices.of(Path::new("/var/log/other")), device(8, 1));
    }
}
