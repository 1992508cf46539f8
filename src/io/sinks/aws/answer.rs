//! What the SDK says of a request, as an answer: the raw response, or why there is none.

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Error as HyperError;
use kintail_engine::destination::{Answer, Failure, FailureKind};
use std::error::Error;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// Most bytes of an explanation.
const MESSAGE: usize = 500;

/// The answer to a request. The protocol reads no response, so that each comes as an error with the response in it.
pub(in crate::io::sinks) async fn of<O, E>(result: Result<O, SdkError<E, HttpResponse>>) -> Answer
where
    E: Error + Send + Sync + 'static,
{
    let error = match result {
        Ok(_) => return lost("Unread", "the SDK read the response itself".into()),
        Err(SdkError::ResponseError(error)) if error.raw().body().bytes().is_some() => {
            return response(error.into_raw()).await;
        }
        Err(SdkError::ServiceError(error)) => return response(error.into_raw()).await,
        Err(error) => error,
    };
    if let Some(credentials) = find::<CredentialsError>(&error) {
        return unsent(FailureKind::Credentials, "NoCredentials", explain(credentials));
    }
    let message = explain(&error);
    match &error {
        SdkError::ConstructionFailure(_) => unsent(FailureKind::Transient, "NotSent", message),
        SdkError::DispatchFailure(_) if find::<HyperError>(&error).is_some_and(HyperError::is_connect) => {
            unsent(FailureKind::Transient, "NotConnected", message)
        }
        SdkError::TimeoutError(_) => lost("TimedOut", message),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => lost("TimedOut", message),
        SdkError::ResponseError(_) => lost("IncompleteResponse", message),
        _ => lost("ConnectionLost", message),
    }
}

/// The response, unread.
async fn response(raw: HttpResponse) -> Answer {
    let status = raw.status().as_u16();
    let error_type = raw.headers().get("x-amzn-errortype").map(Into::into);
    let clock_offset = raw.headers().get("date").and_then(clock_offset);
    match raw.into_body().collect().await {
        Ok(body) => Answer::Http { status, error_type, clock_offset, body: body.to_bytes() },
        Err(error) => lost("IncompleteResponse", error.to_string()),
    }
}

/// The service's clock less ours, in seconds.
fn clock_offset(date: &str) -> Option<i64> {
    let theirs = DateTime::from_str(date, Format::HttpDate).ok()?.secs();
    let ours = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    theirs.checked_sub(ours as i64)
}

/// Nothing left this host.
fn unsent(kind: FailureKind, code: &str, message: String) -> Answer {
    Answer::Failed { may_have_arrived: false, failure: Failure::new(kind, code, message) }
}

/// The request may have arrived.
fn lost(code: &str, message: String) -> Answer {
    Answer::Failed { may_have_arrived: true, failure: Failure::new(FailureKind::Transient, code, message) }
}

/// The first error of this type among the causes.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref::<T>())
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| (**cause).source())
}

/// An error with its causes, each said once.
fn explain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error) {
        let cause = cause.to_string();
        if text.ends_with(&cause) {
            continue;
        }
        let separator = if text.is_empty() { "" } else { ": " };
        let _ = write!(text, "{separator}{cause}");
    }
    text.truncate(text.floor_char_boundary(MESSAGE));
    text
}
