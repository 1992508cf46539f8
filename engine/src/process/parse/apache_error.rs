//! Apache's error log.

use super::Sink;
use super::scan::Scan;

/// Parses `[time] [module:severity] [pid N:tid N] [client HOST:PORT] message`; all but time and severity may be
/// missing.
pub(super) fn parse(line: &[u8], sink: &mut Sink<'_, '_>) -> Option<()> {
    let mut scan = Scan(line);
    let time = bracketed(&mut scan)?;
    scan.byte(b' ')?;
    let level = bracketed(&mut scan)?;
    let (module, severity) = match memchr::memchr(b':', level) {
        Some(at) => (Some(&level[..at]).filter(|module| !module.is_empty()), &level[at + 1..]),
        None => (None, level),
    };
    let process = after(&mut scan, b" [pid ");
    let (pid, tid) = process.map_or((None, None), |text| {
        let at = text.windows(5).position(|window| window == b":tid ");
        at.map_or((Some(text), None), |at| (Some(&text[..at]), Some(&text[at + 5..])))
    });
    let client = after(&mut scan, b" [client ");
    scan.byte(b' ')?;
    let message = Some(scan.0).filter(|message| *message != b"-");
    sink.text("timestamp", time);
    sink.option("module", module);
    sink.text("severity", severity);
    sink.option("processid", pid);
    sink.option("threadid", tid);
    sink.option("client", client);
    sink.option("message", message);
    Some(())
}

fn bracketed<'t>(scan: &mut Scan<'t>) -> Option<&'t [u8]> {
    scan.byte(b'[')?;
    scan.some_until(b']')
}

/// What is between this prefix and a closing bracket, if it is there.
fn after<'t>(scan: &mut Scan<'t>, prefix: &[u8]) -> Option<&'t [u8]> {
    let mut ahead = Scan(scan.0.strip_prefix(prefix)?);
    let inner = ahead.some_until(b']')?;
    *scan = ahead;
    Some(inner)
}
