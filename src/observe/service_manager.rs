//! Tells the service manager (systemd) that the agent is ready, how it is, that it lives, and that it stops; says
//! nothing where none asks for it.

use kintail_engine::status::Status;
use sd_notify::NotifyState;
use std::time::{Duration, Instant};

/// How often it is told at least.
const EVERY: Duration = Duration::from_secs(10);

/// What listens at `NOTIFY_SOCKET`.
#[derive(Debug)]
pub(crate) struct ServiceManager {
    every: Duration,
    due: Instant,
    stopping: bool,
}

impl ServiceManager {
    /// Tells the one that started this process, if it wants to be told, that the configuration, the state and the
    /// destinations are set up: from now on nothing is a reason to give up.
    pub(crate) fn ready() -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET")?;
        tell(&[NotifyState::Ready]);
        // Two turns may come late before the watchdog bites.
        let every = sd_notify::watchdog_enabled().map_or(EVERY, |limit| EVERY.min(limit / 3));
        Some(Self { every, due: Instant::now(), stopping: false })
    }

    /// The configuration is being read again.
    pub(crate) fn reloading() {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(error) => tracing::debug!(%error, "there is no monotonic clock"),
        }
    }

    /// It was taken, or was not: work goes on.
    pub(crate) fn reloaded() {
        tell(&[NotifyState::Ready]);
    }

    /// It ends in order; from now on the status says so too.
    pub(crate) fn stopping(&mut self) {
        self.stopping = true;
        self.due = Instant::now();
        tell(&[NotifyState::Stopping]);
    }

    /// Says that the agent lives, and how it is, when that is due; returns when it is due again. Only the loop may call
    /// this: a loop that hangs is what the watchdog is there for.
    pub(crate) fn tick(&mut self, now: Instant, status: impl FnOnce() -> Status) -> Instant {
        if now >= self.due {
            self.due = now + self.every;
            let stopping = if self.stopping { "stopping; " } else { "" };
            let line = format!("{stopping}{}", line(&status()));
            tell(&[NotifyState::Watchdog, NotifyState::Status(&line)]);
        }
        self.due
    }
}

/// A manager that does not listen is no reason to stop shipping.
fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}

/// The status in one line, what is wrong first.
fn line(status: &Status) -> String {
    let files: usize = status.flows.iter().map(|flow| flow.files.len()).sum();
    let lag: u64 = status.flows.iter().map(|flow| flow.lag_bytes).sum();
    let ailing = status.flows.iter().filter(|flow| !flow.healthy);
    let ailing = ailing.map(|flow| format!("{} waits for {}", flow.name, flow.waiting_for));
    let wrong: Vec<String> = status.problems.iter().cloned().chain(ailing).collect();
    let health = if wrong.is_empty() { "healthy".into() } else { wrong.join("; ") };
    // A line's end would begin another message.
    format!("{health}; {files} files, {lag} bytes behind").replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kintail_engine::status::{FileStatus, FlowStatus};

    fn flow(healthy: bool) -> FlowStatus {
        FlowStatus {
            name: "web".into(),
            healthy,
            lag_bytes: 7,
            waiting_for: "the destination: denied".into(),
            files: vec![FileStatus::default(), FileStatus::default()],
            ..FlowStatus::default()
        }
    }

    #[test]
    fn the_line_says_what_is_wrong_first() {
        let well = Status { healthy: true, flows: vec![flow(true)], ..Status::default() };
        assert_eq!(line(&well), "healthy; 2 files, 7 bytes behind");
        let ill = Status { problems: vec!["full\nREADY=1".into()], flows: vec![flow(false)], ..well };
        assert_eq!(
            line(&ill),
            "full READY=1; web waits for the destination: denied; 2 files, 7 bytes behind"
        );
    }

    #[test]
    fn the_status_is_made_only_when_it_is_due() {
        let now = Instant::now();
        let mut manager = ServiceManager { every: EVERY, due: now, stopping: false };
        assert_eq!(manager.tick(now, Status::default), now + EVERY);
        assert_eq!(manager.tick(now + EVERY / 2, || panic!("not yet")), now + EVERY);
    }
}
