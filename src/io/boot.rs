//! Which boot of the machine this is, and when it began.

use rustix::time::{ClockId, clock_gettime};

/// Its id, as the kernel names it; empty where it cannot be told: then no reboot is ever noticed.
pub(crate) fn id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().into()).unwrap_or_default()
}

/// Wall time at which it began, in nanoseconds since the epoch, by the clock as it stands now.
pub(crate) fn began() -> i64 {
    nanoseconds(ClockId::Realtime) - nanoseconds(ClockId::Boottime)
}

fn nanoseconds(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_boot_has_an_id_and_began_before_this_test() {
        assert!(!id().is_empty());
        let uptime = std::fs::read_to_string("/proc/uptime").expect("there is a kernel");
        let seconds: f64 = uptime.split(' ').next().and_then(|text| text.parse().ok()).expect("a number");
        let since = (nanoseconds(ClockId::Realtime) - began()) as f64 / 1e9;
        assert!((since - seconds).abs() < 10.0, "{since} {seconds}");
    }
}
