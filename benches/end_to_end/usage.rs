//! What a process has used so far, as the kernel tells in /proc.

use std::fs;
use std::io;

/// What a process has used.
pub(crate) struct Usage {
    /// Seconds of CPU time, user and system.
    pub(crate) cpu: f64,
    /// The most memory it held, in MiB.
    pub(crate) peak_mib: f64,
}

impl Usage {
    /// Of a running process. CPU time is counted in ticks of 10 ms.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // Fields 14 and 15; the name in field 2 may hold anything but ends with the last parenthesis.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks =
            after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kib: f64 = peak.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or_default();
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        Ok(Self { cpu: ticks.sum::<f64>() / per_second, peak_mib: kib / 1024.0 })
    }
}
