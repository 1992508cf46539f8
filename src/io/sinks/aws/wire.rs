//! Which encoding an endpoint takes, found out by its first answers. AWS's own take CBOR; some emulators do not.

use bytes::Bytes;
use kintail_engine::destination::Answer;
use kintail_engine::destination::aws::{is_cbor, is_whole_cbor, may_be_for_encoding};
use kintail_engine::destination::kinesis::as_json;
use std::sync::{Mutex, PoisonError};

/// Where AWS's endpoints are, of all partitions that the public can use.
const AWS: [&str; 3] = ["amazonaws.com", "amazonaws.com.cn", "api.aws"];

/// What a flow's endpoint takes, as far as is known. Bodies come as CBOR or JSON; only CBOR is ever made anew.
#[derive(Debug)]
pub(super) struct Wire {
    /// JSON is tried where CBOR fails.
    falls_back: bool,
    known: Mutex<Known>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Nothing succeeded yet; the next request goes as JSON or not.
    Trying { json: bool },
    /// So it is until the agent ends.
    Settled { json: bool },
}

impl Wire {
    /// Without fallback bodies go as they are.
    pub(super) fn new(falls_back: bool) -> Self {
        Self { falls_back, known: Mutex::new(Known::Trying { json: false }) }
    }

    /// The body as it is to go now.
    pub(super) fn dress(&self, body: Bytes) -> Bytes {
        let (Known::Trying { json } | Known::Settled { json }) = self.known();
        if !json || !is_cbor(&body) {
            return body;
        }
        as_json(&body).map_or(body, Bytes::from)
    }

    /// What an answer to a body that went as JSON, or as CBOR, tells of the endpoint on this host.
    pub(super) fn learn(&self, json: bool, answer: &Answer, host: &str) {
        let known = self.known();
        if !self.falls_back || known == (Known::Settled { json: true }) {
            return;
        }
        let tries = matches!(known, Known::Trying { .. });
        let next = match Told::by(answer) {
            Told::Takes if tries => Known::Settled { json },
            Told::Strange if tries && !is_aws(host) => Known::Trying { json: !json },
            Told::Cut if !is_aws(host) => Known::Settled { json: true },
            _ => return,
        };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = next;
        if next == (Known::Settled { json: true }) {
            tracing::info!(
                "{host} does not speak CBOR well: requests go as JSON; `wire = \"json\"` spares trying"
            );
        }
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an answer tells of the encoding.
enum Told {
    /// It was read, and the answer is whole.
    Takes,
    /// CBOR that ends too early, as kinesalite's does after 16 KiB.
    Cut,
    /// It may not have been read.
    Strange,
    Nothing,
}

impl Told {
    fn by(answer: &Answer) -> Self {
        match answer {
            // A proxy's page may have any status.
            Answer::Http { status: 200..=299, body, .. } if body.starts_with(b"{") => Self::Takes,
            Answer::Http { status: 200..=299, body, .. } if is_cbor(body) => {
                if is_whole_cbor(body) {
                    Self::Takes
                } else {
                    Self::Cut
                }
            }
            _ if may_be_for_encoding(answer) => Self::Strange,
            _ => Self::Nothing,
        }
    }
}

/// Whether the host is AWS's own.
fn is_aws(host: &str) -> bool {
    AWS.iter().any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "127.0.0.1";

    fn answer(status: u16, body: &'static str) -> Answer {
        Answer::Http {
            status,
            error_type: None,
            clock_offset: None,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    fn sends_json(wire: &Wire) -> bool {
        let (Known::Trying { json } | Known::Settled { json }) = wire.known();
        json
    }

    #[test]
    fn the_encoding_changes_with_every_strange_failure_until_the_first_success() {
        let wire = Wire::new(true);
        let page = answer(500, "<html>");
        wire.learn(false, &page, OWN);
        assert!(sends_json(&wire));
        wire.learn(false, &page, OWN);
        assert!(sends_json(&wire), "a second request that went as CBOR at the same time");
        wire.learn(true, &page, OWN);
        assert!(!sends_json(&wire), "it was not the encoding");
        wire.learn(false, &answer(400, "{\"__type\":\"SerializationException\"}"), OWN);
        wire.learn(true, &answer(200, "{\"FailedRecordCount\":0,\"Records\":[]}"), OWN);
        wire.learn(true, &page, OWN);
        assert!(sends_json(&wire), "settled");
    }

    #[test]
    fn what_kinesis_says_tells_nothing_of_the_encoding() {
        let wire = Wire::new(true);
        let throttled = answer(400, "{\"__type\":\"ProvisionedThroughputExceededException\"}");
        for answer in [throttled, answer(413, ""), answer(429, "<html>"), answer(200, "<html>")] {
            wire.learn(false, &answer, OWN);
            assert!(!sends_json(&wire), "{answer:?}");
        }
        wire.learn(false, &answer(200, "{\"Records\":[]}"), OWN);
        wire.learn(false, &answer(500, "<html>"), OWN);
        assert!(!sends_json(&wire), "settled");
    }

    #[test]
    fn an_endpoint_that_cuts_its_cbor_gets_json() {
        let wire = Wire::new(true);
        wire.learn(false, &answer(200, "\u{00}"), OWN);
        let cbor = |body: &'static [u8]| Answer::Http {
            status: 200,
            error_type: None,
            clock_offset: None,
            body: Bytes::from_static(body),
        };
        wire.learn(false, &cbor(b"\xa1\x67Records\x80"), OWN);
        assert!(!sends_json(&wire));
        wire.learn(false, &cbor(b"\xa1\x67Records\x82"), "kinesis.eu-west-1.amazonaws.com");
        assert!(!sends_json(&wire));
        wire.learn(false, &cbor(b"\xa1\x67Records\x82"), OWN);
        assert!(sends_json(&wire));
    }

    #[test]
    fn aws_and_who_asks_for_cbor_get_nothing_else() {
        let page = answer(503, "<html>");
        for host in
            ["kinesis.eu-west-1.amazonaws.com", "kinesis.cn-north-1.amazonaws.com.cn", "kinesis.x-1.api.aws"]
        {
            let wire = Wire::new(true);
            wire.learn(false, &page, host);
            assert!(!sends_json(&wire), "{host}");
        }
        let wire = Wire::new(false);
        wire.learn(false, &page, OWN);
        assert!(!sends_json(&wire));
        assert!(!is_aws("amazonaws.com.evil.example") && !is_aws("notamazonaws.com"));
    }
}
