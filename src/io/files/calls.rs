//! The file calls themselves, and what their errors mean. They block; none of them ever blocks on a FIFO.

use bytes::Bytes;
use kintail_engine::discover::Wanted;
use kintail_engine::event::{Chunk, Deleted, Entry, FileError, Kind, Listing, Meta};
use kintail_engine::settings::Symlinks;
use kintail_engine::state::Identity;
use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Statx, StatxFlags};
use rustix::io::{Errno, ReadWriteFlags};
use std::fs::{self, File};
use std::io::{self, IoSliceMut};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Most bytes that are read on the loop's own thread: a copy of microseconds, cheaper than waking a thread.
const AT_ONCE: usize = 64 * 1024;

/// Links that may follow each other: the kernel's limit too.
const MOST_LINKS: usize = 40;

/// The wanted entries of a directory, and its device. Others are passed over one by one, never held.
pub(super) fn list(dir: &Path, wanted: &Wanted) -> Result<(u64, Listing), FileError> {
    let device = fs::metadata(dir).map_err(|error| told(&error))?.dev();
    let mut entries = Vec::new();
    let mut scanned = 0;
    for entry in fs::read_dir(dir).map_err(|error| told(&error))? {
        let entry = entry.map_err(|error| told(&error))?;
        scanned += 1;
        // No system call, except where the file system keeps no kinds in its directories.
        let Ok(kind) = entry.file_type().map(kind_of) else { continue };
        let name = entry.file_name();
        if wanted.wants(&name, kind, entry.ino()) {
            entries.push(Entry { name, kind, ino: entry.ino() });
        }
    }
    Ok((device, Listing { entries, scanned }))
}

/// The directory, itself no link, of what a link leads to, which need not be there.
pub(super) fn follow_link(link: &Path) -> Result<PathBuf, FileError> {
    let mut path = link.to_path_buf();
    for _ in 0..MOST_LINKS {
        let dir = path.parent().unwrap_or(Path::new("/"));
        match fs::read_link(&path) {
            Ok(target) => path = dir.join(target),
            // It is no link, or not there: here a chain of links ends.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {
                return fs::canonicalize(dir).map_err(|error| told(&error));
            }
            Err(error) => return Err(told(&error)),
        }
    }
    Err(FileError::Other("too many levels of links".into()))
}

/// Stats a path.
pub(crate) fn look(path: &Path, symlinks: Symlinks) -> Result<Meta, FileError> {
    let flags = match symlinks {
        Symlinks::None => AtFlags::SYMLINK_NOFOLLOW,
        Symlinks::Files | Symlinks::All => AtFlags::empty(),
    };
    match statx(CWD, path, flags) {
        Ok(meta) => Ok(meta),
        Err(errno) => Err(meaning(errno)),
    }
}

/// Opens a regular file and stats it.
pub(crate) fn open(path: &Path, symlinks: Symlinks) -> Result<(File, Meta), FileError> {
    // Asked beforehand as well: opening a FIFO would wake its writer, opening a device may do anything.
    regular(look(path, symlinks)?)?;
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    if symlinks == Symlinks::None {
        flags |= OFlags::NOFOLLOW;
    }
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(meaning)?);
    let meta = regular(stat(&file)?)?;
    Ok((file, meta))
}

/// Refuses a file that is one of these outputs by another name.
pub(super) fn not_ours(outputs: &[PathBuf], meta: &Meta) -> Result<(), FileError> {
    let is_it = |path: &&PathBuf| look(path, Symlinks::All).is_ok_and(|ours| ours.identity == meta.identity);
    match outputs.iter().find(is_it) {
        Some(path) => Err(FileError::Other(format!("it is {}, which this agent writes", path.display()))),
        None => Ok(()),
    }
}

/// Opens a directory, to ask about its file system.
pub(super) fn open_dir(dir: &Path) -> Result<File, FileError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::PATH;
    rustix::fs::open(dir, flags, Mode::empty()).map(File::from).map_err(meaning)
}

fn regular(meta: Meta) -> Result<Meta, FileError> {
    match meta.kind {
        Kind::File => Ok(meta),
        Kind::Dir | Kind::Link | Kind::Other => Err(FileError::NoFile),
    }
}

/// Reads `len` bytes, fewer only at the end of the file, then stats it.
pub(super) fn read(file: &File, offset: u64, len: usize) -> Result<Chunk, FileError> {
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        let at = offset + bytes.len() as u64;
        match rustix::io::pread(file, spare_capacity(&mut bytes), at) {
            Ok(0) => break,
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(meaning(errno)),
        }
    }
    // What is held is counted by its length.
    bytes.truncate(len);
    bytes.shrink_to_fit();
    Ok(Chunk { bytes: Bytes::from(bytes), meta: stat(file)? })
}

/// Reads what is little and in memory already; `None` leaves it to [`read`]. Never waits, on a local file system.
pub(super) fn read_at_once(file: &File, offset: u64, len: usize) -> Option<Chunk> {
    let size = stat(file).ok()?.size;
    let len = len.min(usize::try_from(size.saturating_sub(offset)).ok()?);
    if len > AT_ONCE {
        return None;
    }
    let mut bytes = vec![0; len];
    if len > 0 {
        let read =
            rustix::io::preadv2(file, &mut [IoSliceMut::new(&mut bytes)], offset, ReadWriteFlags::NOWAIT);
        // Anything else is a page that is not there, an interruption, or a file that shrank: rare.
        if read != Ok(len) {
            return None;
        }
    }
    Some(Chunk { bytes: Bytes::from(bytes), meta: stat(file).ok()? })
}

/// Stats an open file, and its file system: what others than root may still write there.
pub(super) fn look_deleted(file: &File) -> Result<Deleted, FileError> {
    let about = rustix::fs::fstatvfs(file).map_err(meaning)?;
    let bytes = |blocks: u64| blocks.saturating_mul(about.f_frsize);
    Ok(Deleted { links: stat(file)?.links, free: bytes(about.f_bavail), total: bytes(about.f_blocks) })
}

/// Stats an open file.
pub(super) fn stat(file: &File) -> Result<Meta, FileError> {
    statx(file.as_fd(), Path::new(""), AtFlags::EMPTY_PATH).map_err(meaning)
}

fn statx(dir: impl AsFd, path: &Path, flags: AtFlags) -> Result<Meta, Errno> {
    let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    match rustix::fs::statx(&dir, path, flags, mask) {
        Ok(stat) => Ok(meta_of(&stat)),
        // Kernels before 4.11, and sandboxes that do not know the call: no birth time there.
        Err(Errno::NOSYS | Errno::PERM) => old_stat(dir, path, flags),
        Err(errno) => Err(errno),
    }
}

fn meta_of(stat: &Statx) -> Meta {
    let nanos = |time: rustix::fs::StatxTimestamp| nanos(time.tv_sec, time.tv_nsec.into());
    let born = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
    Meta {
        kind: kind_of_mode(stat.stx_mode.into()),
        identity: Identity {
            dev: rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
            ino: stat.stx_ino,
            btime: if born { nanos(stat.stx_btime) } else { 0 },
        },
        size: stat.stx_size,
        mtime: nanos(stat.stx_mtime),
        ctime: nanos(stat.stx_ctime),
        links: stat.stx_nlink.into(),
    }
}

fn old_stat(dir: impl AsFd, path: &Path, flags: AtFlags) -> Result<Meta, Errno> {
    let stat = rustix::fs::statat(dir, path, flags)?;
    Ok(Meta {
        kind: kind_of_mode(stat.st_mode),
        identity: Identity { dev: stat.st_dev, ino: stat.st_ino, btime: 0 },
        size: stat.st_size.cast_unsigned(),
        mtime: nanos(stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or(0)),
        ctime: nanos(stat.st_ctime, i64::try_from(stat.st_ctime_nsec).unwrap_or(0)),
        links: wide(stat.st_nlink),
    })
}

/// The kernel's count of links is as wide as the machine makes it.
fn wide(count: impl Into<u64>) -> u64 {
    count.into()
}

fn nanos(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

fn kind_of_mode(mode: u32) -> Kind {
    match FileType::from_raw_mode(mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Dir,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    }
}

fn kind_of(kind: fs::FileType) -> Kind {
    if kind.is_file() {
        Kind::File
    } else if kind.is_dir() {
        Kind::Dir
    } else if kind.is_symlink() {
        Kind::Link
    } else {
        Kind::Other
    }
}

/// Whether a file may be changed from another host, or a call on it may wait for one. Numbers of `statfs(2)`.
pub(super) fn is_remote(file: &File) -> bool {
    const REMOTE: [u32; 12] = [
        0x0000_0187, // autofs
        0x0000_517b, // SMB
        0x0000_6969, // NFS
        0x00c3_6400, // Ceph
        0x0102_1997, // 9P
        0x0bd0_0bd0, // Lustre
        0x4750_4653, // GPFS
        0x5346_414f, // AFS
        0x6573_5546, // FUSE
        0x7375_7245, // Coda
        0xfe53_4d42, // SMB 2
        0xff53_4d42, // CIFS
    ];
    rustix::fs::fstatfs(file).is_ok_and(|about| REMOTE.contains(&(about.f_type as u32)))
}

/// What a call of the standard library met.
pub(super) fn told(error: &io::Error) -> FileError {
    match Errno::from_io_error(error) {
        Some(errno) => meaning(errno),
        None => FileError::Other(error.to_string()),
    }
}

/// What an error says about the file.
pub(in crate::io) fn meaning(errno: Errno) -> FileError {
    match errno {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP => FileError::NotFound,
        Errno::ACCESS | Errno::PERM => FileError::Denied,
        Errno::STALE => FileError::Stale,
        Errno::MFILE | Errno::NFILE => FileError::TooManyFiles,
        Errno::NOSPC | Errno::DQUOT => FileError::NoSpace(errno.to_string()),
        errno => FileError::Other(errno.to_string()),
    }
}
