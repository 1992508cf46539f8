//! The log: lines on standard error, as text or JSON, UTC, never more of them than a person can read.

mod limiter;

use crate::config::{Log, LogFormat, LogLevel};
use kintail_engine::{Level, Note};
use limiter::{Limiter, Line, Out};
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, registry, reload};

/// The log of the running agent.
#[derive(Clone, Debug)]
pub(crate) struct Logs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    format: Mutex<LogFormat>,
    /// By which another level is set.
    filter: Mutex<Option<reload::Handle<EnvFilter, Registry>>>,
    begun: Instant,
    limiter: Mutex<Limiter>,
}

/// Overrides `log.level`, in the syntax of `tracing_subscriber::EnvFilter`.
const OVERRIDE: &str = "KINTAIL_LOG";

impl Logs {
    /// Begins to log what any part of the program has to say.
    pub(crate) fn begin(log: Log) -> Self {
        let logs = Self::new(log.format);
        let (filter, handle) = reload::Layer::new(filter(log.level));
        *logs.shared.filter.lock().expect("not poisoned") = Some(handle);
        // Only a test that began it before in the same process gets an error, and has its log.
        let _ = registry().with(filter).with(logs.clone()).try_init();
        logs
    }

    /// Logs as another configuration says.
    pub(crate) fn change(&self, log: Log) {
        *self.shared.format.lock().expect("not poisoned") = log.format;
        if let Some(handle) = &*self.shared.filter.lock().expect("not poisoned") {
            // What it filters is there for as long as the process.
            let _ = handle.reload(filter(log.level));
        }
    }

    fn new(format: LogFormat) -> Self {
        let (format, filter) = (Mutex::new(format), Mutex::default());
        let (begun, limiter) = (Instant::now(), Mutex::default());
        Self { shared: Arc::new(Shared { format, filter, begun, limiter }) }
    }

    /// Writes what was held back for long enough. Returns after how long there is more to write.
    pub(crate) fn tick(&self) -> Option<Duration> {
        let now = self.shared.begun.elapsed();
        let mut limiter = self.shared.limiter.lock().expect("not poisoned");
        for out in limiter.tick(now) {
            self.shared.write(&out);
        }
        limiter.due().map(|due| due.saturating_sub(now))
    }

    /// Writes all that was held back: the end.
    pub(crate) fn finish(&self) {
        let now = self.shared.begun.elapsed();
        for out in self.shared.limiter.lock().expect("not poisoned").finish(now) {
            self.shared.write(&out);
        }
    }
}

/// Logs what the engine found worth it.
pub(crate) fn note(note: &Note) {
    let (subject, text) = (note.subject.as_str(), note.text.as_str());
    match note.level {
        Level::Error => tracing::error!(subject, "{text}"),
        Level::Warn => tracing::warn!(subject, "{text}"),
        Level::Info => tracing::info!(subject, "{text}"),
        Level::Debug => tracing::debug!(subject, "{text}"),
    }
}

/// What is logged: of kintail as the configuration says, of the libraries only what is wrong, because their
/// details are written for their authors.
fn filter(level: LogLevel) -> EnvFilter {
    let ours = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let others = if level == LogLevel::Error { "error" } else { "warn" };
    let wanted = std::env::var(OVERRIDE).unwrap_or_default();
    if !wanted.is_empty() {
        match EnvFilter::try_new(&wanted) {
            Ok(filter) => return filter,
            Err(error) => eprintln!("kintail: {OVERRIDE} is not understood: {error}"),
        }
    }
    EnvFilter::new(format!("{others},kintail={ours}"))
}

/// Whether a library's details may hold a secret: it signs requests, or sees them before they are encrypted. Of these
/// only warnings are logged, whatever is asked for.
fn is_discreet(target: &str) -> bool {
    let library = target.split("::").next().unwrap_or_default();
    library == "h2" || ["aws_", "hyper", "rustls"].iter().any(|prefix| library.starts_with(prefix))
}

impl<S: Subscriber> Layer<S> for Logs {
    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        *metadata.level() <= tracing::Level::WARN || !is_discreet(metadata.target())
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let text = fields.text;
        let subject = fields.subject.unwrap_or_else(|| format!("{} {text}", event.metadata().target()));
        let line = Line { level: *event.metadata().level(), subject, text };
        let now = self.shared.begun.elapsed();
        if let Some(out) = self.shared.limiter.lock().expect("not poisoned").offer(now, line) {
            self.shared.write(&out);
        }
    }
}

/// What an event says: its message, then its fields.
#[derive(Default)]
struct Fields {
    text: String,
    subject: Option<String>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "subject" => self.subject = Some(value.to_owned()),
            _ => self.record_debug(field, &format_args!("{value}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string never fails.
        let _ = match field.name() {
            "message" => write!(self.text, "{value:?}"),
            name => write!(self.text, " {name}={value:?}"),
        };
    }
}

impl Shared {
    fn write(&self, out: &Out) {
        let time = jiff::Timestamp::now();
        let line = match *self.format.lock().expect("not poisoned") {
            LogFormat::Text => as_text(&time, out),
            LogFormat::Json => as_json(&time, out),
        };
        // There is nowhere to say that the log cannot be written.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

fn as_text(time: &jiff::Timestamp, out: &Out) -> String {
    let mut line = format!("{time:.3} {:5} ", out.level());
    // A line is a line, whatever is in a file's name.
    for char in out.text().chars() {
        if char.is_control() { line.extend(char.escape_default()) } else { line.push(char) }
    }
    line.push('\n');
    line
}

fn as_json(time: &jiff::Timestamp, out: &Out) -> String {
    let level = out.level().to_string().to_lowercase();
    let line = serde_json::json!({ "time": format!("{time:.3}"), "level": level, "message": out.text() });
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: fn(&str) -> Out = |text| Out::Line {
        line: Line { level: tracing::Level::WARN, subject: "x".into(), text: text.into() },
        repeats: 0,
    };

    #[test]
    fn libraries_that_see_secrets_only_warn_whatever_is_asked_for() {
        use tracing::{Level, enabled, subscriber::with_default};
        let all = registry().with(EnvFilter::new("trace")).with(Logs::new(LogFormat::Text));
        with_default(all, || {
            assert!(enabled!(target: "kintail::run", Level::TRACE));
            assert!(enabled!(target: "tokio", Level::TRACE));
            assert!(enabled!(target: "aws_config::sso", Level::WARN));
            assert!(!enabled!(target: "aws_config::sso", Level::INFO));
            assert!(!enabled!(target: "aws_sigv4::http_request::sign", Level::TRACE));
            assert!(!enabled!(target: "hyper_util::client", Level::TRACE));
            assert!(!enabled!(target: "hyper::proto", Level::DEBUG));
            assert!(!enabled!(target: "h2::client", Level::TRACE));
            assert!(!enabled!(target: "rustls::client::hs", Level::DEBUG));
        });
    }

    #[test]
    fn a_text_line_is_one_line_whatever_is_in_it() {
        let time = "2026-03-01T12:00:00.5Z".parse().unwrap();
        assert_eq!(as_text(&time, &OUT("a\nb")), "2026-03-01T12:00:00.500Z WARN  a\\nb\n");
    }

    #[test]
    fn a_json_line_is_one_object() {
        let time = "2026-03-01T12:00:00.5Z".parse().unwrap();
        let line: serde_json::Value = serde_json::from_str(&as_json(&time, &OUT("a\n\"b"))).unwrap();
        assert_eq!(line["time"], "2026-03-01T12:00:00.500Z");
        assert_eq!(line["level"], "warn");
        assert_eq!(line["message"], "a\n\"b");
    }
}
