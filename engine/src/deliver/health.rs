//! Whether a flow's destination takes what it is sent, and how long to wait when it does not.

use crate::destination::{Failure, FailureKind};
use crate::event::Now;
use crate::settings::Retry;
use std::time::Duration;

/// Longest back-off while the flow is denied, its stream is missing, or it is wrong as a whole.
const SLOW: Duration = Duration::from_mins(1);

/// Longest back-off while credentials or the clock are wrong: both mend themselves often.
const FAIRLY_SLOW: Duration = Duration::from_secs(10);

/// How a destination does.
#[derive(Debug, Default)]
pub struct Health {
    trouble: Option<Trouble>,
    /// It takes a person and a restart to go on.
    stopped: bool,
    last: Option<(Failure, i64)>,
}

#[derive(Debug)]
struct Trouble {
    kind: FailureKind,
    /// When the first of them failed.
    since: Duration,
    /// Requests that failed in a row.
    failures: u32,
    /// No request goes before.
    until: Duration,
}

impl Health {
    /// Requests were accepted.
    pub fn recovered(&mut self) {
        self.trouble = None;
    }

    /// A record failed, but not the flow.
    pub fn noted(&mut self, failure: &Failure, now: Now) {
        self.last = Some((failure.clone(), now.wall));
    }

    /// Too many records failed: nothing is sent any more.
    pub fn stop(&mut self, failure: &Failure, now: Now) {
        self.noted(failure, now);
        self.stopped = true;
    }

    /// Whether nothing is sent any more.
    pub fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// A request failed as a whole: wait, with full jitter.
    pub fn failed(&mut self, failure: &Failure, retry: &Retry, now: Now, rng: &mut fastrand::Rng) {
        self.noted(failure, now);
        let (since, before) =
            self.trouble.as_ref().map_or((now.mono, 0), |trouble| (trouble.since, trouble.failures));
        let failures = before + 1;
        let until = now.mono + back_off(failures, retry.initial, longest(failure.kind, retry), rng);
        self.trouble = Some(Trouble { kind: failure.kind, since, failures, until });
    }

    /// What was wrong may be mended: the next request goes at once.
    pub fn try_again(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            trouble.until = Duration::ZERO;
        }
    }

    /// No request before this time.
    pub fn until(&self) -> Duration {
        self.trouble.as_ref().map_or(Duration::ZERO, |trouble| trouble.until)
    }

    /// Since when requests fail as a whole, if they do.
    pub fn since(&self) -> Option<Duration> {
        self.trouble.as_ref().map(|trouble| trouble.since)
    }

    /// The whole flow fails, in a way that more requests do not mend.
    pub fn lasting(&self) -> Option<FailureKind> {
        if self.stopped {
            return Some(FailureKind::Refused);
        }
        self.trouble.as_ref().map(|trouble| trouble.kind).filter(|kind| lasts(*kind))
    }

    /// Whether requests fail as a whole now.
    pub fn is_failing(&self) -> bool {
        self.stopped || self.trouble.is_some()
    }

    /// The last failure and its wall time.
    pub fn last(&self) -> Option<&(Failure, i64)> {
        self.last.as_ref()
    }
}

/// Full jitter: anywhere up to `initial` doubled for each failure, at most `max`.
pub fn back_off(failures: u32, initial: Duration, max: Duration, rng: &mut fastrand::Rng) -> Duration {
    let cap = initial.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(max);
    Duration::from_nanos(rng.u64(0..=cap.as_nanos() as u64))
}

fn longest(kind: FailureKind, retry: &Retry) -> Duration {
    match kind {
        FailureKind::Credentials | FailureKind::Skew => FAIRLY_SLOW,
        FailureKind::Denied | FailureKind::Missing | FailureKind::Refused => SLOW,
        FailureKind::Throttled | FailureKind::Transient | FailureKind::Output => retry.max,
    }
}

fn lasts(kind: FailureKind) -> bool {
    !matches!(kind, FailureKind::Throttled | FailureKind::Transient)
}

/// What a person can do about a failure.
pub fn advice(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Throttled => {
            "nothing; sending has slowed down. If it lasts, add shards or raise the quota"
        }
        FailureKind::Transient => {
            "nothing; it is tried again. If it lasts, look at the network and the endpoint"
        }
        FailureKind::Credentials => {
            "look at the credentials: environment, profile, role of the instance or pod"
        }
        FailureKind::Skew => "set this host's clock (chrony, systemd-timesyncd)",
        FailureKind::Denied => "grant the permission that the message names to this host's role",
        FailureKind::Missing => "create the stream, or correct its name or region in the configuration",
        FailureKind::Refused => "look at the message: the service finds fault with every record of this flow",
        FailureKind::Output => "look at the disk: space, permissions, and whether the path exists",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lasting_failure_waits_longer_than_the_users_maximum() {
        let retry =
            Retry { initial: Duration::from_millis(10), max: Duration::from_millis(200), give_up: None };
        for (kind, most) in
            [(FailureKind::Denied, 60_000), (FailureKind::Skew, 10_000), (FailureKind::Transient, 200)]
        {
            let mut health = Health::default();
            let mut rng = fastrand::Rng::with_seed(7);
            let mut longest = Duration::ZERO;
            let now = Now { mono: Duration::ZERO, wall: 0 };
            for _ in 0..200 {
                health.failed(&Failure::new(kind, "X", "x"), &retry, now, &mut rng);
                longest = longest.max(health.until());
            }
            assert!(longest <= Duration::from_millis(most), "{kind:?} {longest:?}");
            assert!(longest > Duration::from_millis(most * 8 / 10), "{kind:?} {longest:?}");
        }
    }
}
