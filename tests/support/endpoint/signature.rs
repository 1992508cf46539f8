//! Whether a request is signed with the secret that all tests use.

use super::http::Request;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use std::time::{Duration, UNIX_EPOCH};

/// The secret that belongs to every access key.
pub(crate) const SECRET: &str = "secret";

/// Who signed a request, and when.
#[derive(Debug)]
pub(super) struct Signature {
    /// The access key's id.
    pub(super) access_key: String,
    /// Seconds since the epoch.
    pub(super) time: i64,
}

impl Signature {
    /// Signs the request again and compares.
    pub(super) fn check(request: &Request) -> Result<Self, String> {
        let header = request.header("authorization");
        let field =
            |name| header.split([' ', ',']).find_map(|part| part.strip_prefix(name)).ok_or("no signature");
        let scope: Vec<&str> = field("Credential=")?.split('/').collect();
        let [access_key, _, region, service, _] = scope[..] else { return Err("another scope".into()) };
        let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", request.header("x-amz-date"))
            .and_then(|time| jiff::tz::TimeZone::UTC.to_timestamp(time))
            .map_err(|error| error.to_string())?
            .as_second();

        let identity = Credentials::new(access_key, SECRET, None, None, "tests").into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(UNIX_EPOCH + Duration::from_secs(time as u64))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let signed = field("SignedHeaders=")?.split(';').filter(|name| *name != "x-amz-date");
        let headers = signed.map(|name| (name, request.header(name)));
        let url = format!("http://{}/", request.header("host"));
        let again = SignableRequest::new("POST", url, headers, SignableBody::Bytes(&request.body))
            .and_then(|again| sign(again, &parameters))
            .map_err(|error| error.to_string())?;
        if again.signature() != field("Signature=")? {
            return Err("another signature".into());
        }
        Ok(Self { access_key: access_key.to_owned(), time })
    }
}
