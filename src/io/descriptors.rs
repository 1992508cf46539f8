//! How many files may be open: as many as the process may have, but for what the agent itself needs.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept for the store, outputs, connections, directories being listed, and questions on the status socket.
const RESERVE: u64 = 100;

/// Raises the limit to what the process may have; most files that may be open for reading.
pub(crate) fn for_files() -> usize {
    share(raised(getrlimit(Resource::Nofile)))
}

/// Where it cannot be raised, what there is.
fn raised(limit: Rlimit) -> u64 {
    let most = Rlimit { current: limit.maximum, ..limit };
    let now = if setrlimit(Resource::Nofile, most).is_ok() { most } else { limit };
    now.current.unwrap_or(u64::MAX)
}

/// At least half, however few there are.
fn share(limit: u64) -> usize {
    usize::try_from(limit.saturating_sub(RESERVE).max(limit / 2)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_left_for_the_agent_itself() {
        assert_eq!(share(1024), 924);
        assert_eq!(share(120), 60);
        assert_eq!(share(u64::MAX), usize::try_from(u64::MAX - RESERVE).unwrap());
    }
}
