//! What the kernel says of this process, under the names that Prometheus's clients give it.

use std::fs;

/// What is known of the process; what the kernel does not tell is left out.
#[derive(Debug, Default)]
pub(super) struct Process {
    /// Processor time, user's and system's, in seconds.
    pub(super) cpu_seconds: Option<f64>,
    /// Memory that is not swapped out.
    pub(super) resident_bytes: Option<u64>,
    /// Open descriptors.
    pub(super) descriptors: Option<u64>,
    /// Most descriptors.
    pub(super) most_descriptors: Option<u64>,
}

impl Process {
    pub(super) fn now() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // The name, in parentheses, may have spaces.
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
        let field = |at: usize| fields.get(at)?.parse::<u64>().ok();
        let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        Self {
            // Of proc_pid_stat(5) the fields 14, 15 and 24, of which 3 is the first here.
            cpu_seconds: field(11).zip(field(12)).map(|(user, system)| (user + system) as f64 / ticks()),
            resident_bytes: field(21).map(|pages| pages * rustix::param::page_size() as u64),
            descriptors: fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64),
            most_descriptors: limits.current,
        }
    }
}

fn ticks() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}
