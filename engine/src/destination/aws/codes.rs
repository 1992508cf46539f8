//! What the services' error codes mean: the table of docs/operating.md.

use super::cbor::{Reader, is_map};
use crate::destination::{Failure, FailureKind};
use serde::Deserialize;
use std::borrow::Cow;

/// A signature is refused for a wrong clock only when ours is off by more than this, in seconds
/// (AWS allows five minutes; the SDKs assume skew from four).
const SKEW: u64 = 240;

/// Most characters of a message that are kept.
const MESSAGE: usize = 300;

/// Most characters of an unreadable body that are shown.
const EXCERPT: usize = 80;

/// The body of an error.
#[derive(Default, Deserialize)]
struct Problem<'a> {
    #[serde(borrow, rename = "__type", alias = "code", default)]
    code: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "Message", alias = "errorMessage", default)]
    message: Option<Cow<'a, str>>,
}

/// Why a whole request failed.
pub(super) fn failure(status: u16, header: Option<&str>, clock_offset: Option<i64>, body: &[u8]) -> Failure {
    let problem = problem(body);
    let code =
        header.or(problem.as_ref().and_then(|p| p.code.as_deref())).map(bare).filter(|c| !c.is_empty());
    let message = match problem.as_ref().and_then(|p| p.message.as_deref()) {
        Some(message) => first_line(message),
        None if body.is_empty() => format!("HTTP {status} without a body"),
        None => excerpt(body),
    };
    let by_status = match status {
        413 => Some(FailureKind::Refused),
        429 => Some(FailureKind::Throttled),
        _ => None,
    };
    match code {
        Some(code) => Failure::new(by_status.unwrap_or_else(|| kind(code, clock_offset)), code, message),
        None => Failure::new(by_status.unwrap_or(FailureKind::Transient), format!("HTTP {status}"), message),
    }
}

/// The body in either encoding: an error may come in another than was asked for.
fn problem(body: &[u8]) -> Option<Problem<'_>> {
    if !is_map(body) {
        return serde_json::from_slice(body).ok();
    }
    let mut problem = Problem::default();
    Reader::new(body).map(|key, value| {
        match key {
            b"__type" | b"code" => value.or_null(&mut problem.code, Reader::text)?,
            b"message" | b"Message" | b"errorMessage" => value.or_null(&mut problem.message, Reader::text)?,
            _ => value.skip()?,
        }
        Some(())
    })?;
    Some(problem)
}

/// Why one record failed. Neighbours mostly fail alike, so `last` is used again when it says the same.
pub(super) fn of_record(code: &str, message: &str, last: Option<&Failure>) -> Failure {
    let (code, message) = (bare(code), first_line(message));
    match last {
        Some(last) if *last.code == *code && *last.message == *message => last.clone(),
        _ => Failure::new(kind(code, None), code, message),
    }
}

/// The kind of a code. Unknown ones are tried again.
fn kind(code: &str, clock_offset: Option<i64>) -> FailureKind {
    let skewed = clock_offset.is_some_and(|seconds| seconds.unsigned_abs() > SKEW);
    match code.strip_suffix("Exception").unwrap_or(code) {
        "ProvisionedThroughputExceeded"
        | "LimitExceeded"
        | "Throttling"
        | "Throttled"
        | "KMSThrottling"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "ServiceUnavailable" => FailureKind::Throttled,
        "RequestTimeTooSkewed" | "RequestExpired" => FailureKind::Skew,
        "SignatureDoesNotMatch" | "AuthFailure" => signature(skewed),
        "ResourceNotFound" => FailureKind::Missing,
        "AccessDenied" | "NotAuthorized" | "OptInRequired" | "KMSAccessDenied" | "KMSDisabled"
        | "KMSInvalidState" | "KMSNotFound" | "KMSOptInRequired" | "InvalidKMSResource" | "InvalidSource" => {
            FailureKind::Denied
        }
        "InvalidClientTokenId" | "IncompleteSignature" => FailureKind::Credentials,
        "Validation" | "ValidationError" | "InvalidArgument" | "Serialization" => FailureKind::Refused,
        other => by_prefix(other, skewed),
    }
}

/// The kind of a code of which only the beginning is sure.
fn by_prefix(code: &str, skewed: bool) -> FailureKind {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| code.starts_with(prefix));
    if begins(&["InvalidSignature"]) {
        signature(skewed)
    } else if begins(&["ExpiredToken", "UnrecognizedClient", "MissingAuthenticationToken"]) {
        FailureKind::Credentials
    } else if begins(&["AccessDenied"]) {
        FailureKind::Denied
    } else if begins(&["ResourceNotFound"]) {
        FailureKind::Missing
    } else if begins(&["InvalidArgument"]) {
        FailureKind::Refused
    } else {
        FailureKind::Transient
    }
}

/// A signature that does not fit is a matter of the clock, or else of the key.
const fn signature(skewed: bool) -> FailureKind {
    if skewed { FailureKind::Skew } else { FailureKind::Credentials }
}

/// `com.amazonaws.kinesis#ResourceNotFoundException:http://…` without what surrounds the name.
fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code).trim()
}

/// The message's first line: what follows is the request as the service saw it, session token included.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(MESSAGE).collect()
}

/// How a body begins that is no answer of the service.
pub(super) fn excerpt(body: &[u8]) -> String {
    let head = String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT)]);
    let text: String = head.chars().filter(|c| !c.is_control()).take(EXCERPT).collect();
    format!("a body of {} bytes that begins {text:?}", body.len())
}
