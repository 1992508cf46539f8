//! Apache's access logs: the common format and the combined one.

use super::scan::Scan;

/// As the Amazon Kinesis Agent calls them; the common format has the first seven.
pub(super) const NAMES: [&str; 9] =
    ["host", "ident", "authuser", "datetime", "request", "response", "bytes", "referer", "agent"];

/// Parses a line of the common format; anything may follow after a space.
pub(super) fn common(line: &[u8]) -> Option<[&[u8]; 7]> {
    let mut scan = Scan(line);
    let values = access(&mut scan)?;
    scan.ends_or_space()?;
    Some(values)
}

/// Parses a line of the combined format; anything may follow after a space.
pub(in crate::process) fn combined(line: &[u8]) -> Option<[&[u8]; 9]> {
    let mut scan = Scan(line);
    let [host, ident, user, time, request, response, bytes] = access(&mut scan)?;
    scan.byte(b' ')?;
    let referer = scan.quoted()?;
    scan.byte(b' ')?;
    let agent = scan.quoted()?;
    scan.ends_or_space()?;
    Some([host, ident, user, time, request, response, bytes, referer, agent])
}

fn access<'t>(scan: &mut Scan<'t>) -> Option<[&'t [u8]; 7]> {
    let host = scan.some_until(b' ')?;
    let ident = scan.some_until(b' ')?;
    // A user's name may have spaces.
    let user = scan.until(b'[')?.strip_suffix(b" ").filter(|user| !user.is_empty())?;
    let time = scan.some_until(b']')?;
    scan.byte(b' ')?;
    let request = scan.quoted()?;
    scan.byte(b' ')?;
    let response = scan.number_or_dash()?;
    scan.byte(b' ')?;
    let bytes = scan.number_or_dash()?;
    Some([host, ident, user, time, request, response, bytes])
}
