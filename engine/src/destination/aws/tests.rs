//! Judging answers, the services' and garbage.

use super::*;
use bytes::Bytes;
use std::fmt::Write as _;

const KINESIS: Names = Names { failed: "\"FailedRecordCount\"", accepted: "\"SequenceNumber\"" };
const FIREHOSE: Names = Names { failed: "\"FailedPutCount\"", accepted: "\"RecordId\"" };

/// The verdict, which is the same for the same answer as CBOR.
fn judge(names: &Names, answer: &Answer, records: u32) -> Verdict {
    let verdict = super::judge(names, answer, records);
    if let (Answer::Http { status, error_type, clock_offset, body }, "\"SequenceNumber\"") =
        (answer, names.accepted)
        && let Ok(said @ serde_json::Value::Object(_)) = serde_json::from_slice(body)
    {
        let mut body = Vec::new();
        ciborium::into_writer(&said, &mut body).expect("a vector takes all");
        let (error_type, body) = (error_type.clone(), body.into());
        let cbor = Answer::Http { status: *status, error_type, clock_offset: *clock_offset, body };
        match (&verdict, &super::judge(names, &cbor, records)) {
            // Their messages may show the body.
            (Verdict::Unanswered(json), Verdict::Unanswered(cbor))
            | (Verdict::Refused(json), Verdict::Refused(cbor)) => {
                assert_eq!((json.kind, &json.code), (cbor.kind, &cbor.code));
            }
            (json, cbor) => assert_eq!(json, cbor),
        }
    }
    verdict
}

fn http(status: u16, body: &str) -> Answer {
    Answer::Http {
        status,
        error_type: None,
        clock_offset: None,
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn accepted(count: u32, records: usize) -> String {
    let mut body = format!("{{\"FailedRecordCount\":{count},\"Records\":[");
    for index in 0..records {
        let comma = if index > 0 { "," } else { "" };
        write!(body, "{comma}{{\"SequenceNumber\":\"4960{index}\",\"ShardId\":\"shardId-000000000000\"}}")
            .expect("a string takes all");
    }
    body + "]}"
}

fn unanswered(verdict: &Verdict) -> &Failure {
    let Verdict::Unanswered(failure) = verdict else { panic!("{verdict:?}") };
    assert_eq!(failure.kind, FailureKind::Transient);
    failure
}

#[test]
fn an_answer_without_failures_accepts_all_records() {
    assert_eq!(judge(&KINESIS, &http(200, &accepted(0, 500)), 500), Verdict::Accepted);
    let spaced = "{ \"Records\" : [ { \"SequenceNumber\" : \"1\", \"ShardId\": \"s\" } ],\n \"FailedRecordCount\" :\t0 }\n";
    assert!(nothing_failed(&KINESIS, spaced.as_bytes(), 1));
    assert_eq!(judge(&KINESIS, &http(200, spaced), 1), Verdict::Accepted);
    let firehose =
        r#"{"FailedPutCount":0,"Encrypted":false,"RequestResponses":[{"RecordId":"a"},{"RecordId":"b"}]}"#;
    assert!(nothing_failed(&FIREHOSE, firehose.as_bytes(), 2));
    assert_eq!(judge(&FIREHOSE, &http(200, firehose), 2), Verdict::Accepted);
}

#[test]
fn an_answer_that_spells_out_null_errors_accepts_all_records() {
    let body =
        r#"{"FailedRecordCount":0,"Records":[{"SequenceNumber":"1","ErrorCode":null,"ErrorMessage":null}]}"#;
    assert_eq!(judge(&KINESIS, &http(200, body), 1), Verdict::Accepted);
    let uncounted = r#"{"Records":[{"SequenceNumber":"1","ShardId":"s"}]}"#;
    assert_eq!(judge(&KINESIS, &http(200, uncounted), 1), Verdict::Accepted);
}

#[test]
fn another_number_of_entries_than_records_is_no_answer() {
    for (entries, records) in [(2, 3), (3, 2), (0, 1)] {
        let verdict = judge(&KINESIS, &http(200, &accepted(0, entries)), records);
        assert!(unanswered(&verdict).message.contains("another number of entries"), "{verdict:?}");
    }
}

#[test]
fn a_body_that_is_cut_or_no_json_is_no_answer() {
    let whole = accepted(0, 2);
    for end in 0..whole.len() {
        unanswered(&judge(&KINESIS, &http(200, &whole[..end]), 2));
    }
    let html = judge(&KINESIS, &http(200, "<html><body>Please log in</body></html>"), 2);
    let failure = unanswered(&html);
    assert_eq!(&*failure.code, "UnreadableAnswer");
    assert!(failure.message.contains("<html>"), "{failure:?}");
}

#[test]
fn failed_records_are_named_by_their_index() {
    let body = r#"{"FailedRecordCount":2,"Records":[
        {"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"Rate exceeded for shard 1"},
        {"SequenceNumber":"1","ShardId":"s"},
        {"ErrorCode":"InternalFailure","ErrorMessage":"Internal service failure."}]}"#;
    let expected = vec![
        (
            0,
            Failure::new(
                FailureKind::Throttled,
                "ProvisionedThroughputExceededException",
                "Rate exceeded for shard 1",
            ),
        ),
        (2, Failure::new(FailureKind::Transient, "InternalFailure", "Internal service failure.")),
    ];
    assert_eq!(judge(&KINESIS, &http(200, body), 3), Verdict::Partial(expected));
    let firehose = r#"{"FailedPutCount":1,"RequestResponses":[{"RecordId":"a"},
        {"ErrorCode":"ServiceUnavailableException","ErrorMessage":"Slow down."}]}"#;
    let slow = Failure::new(FailureKind::Throttled, "ServiceUnavailableException", "Slow down.");
    assert_eq!(judge(&FIREHOSE, &http(200, firehose), 2), Verdict::Partial(vec![(1, slow)]));
}

#[test]
fn an_answer_that_contradicts_itself_never_accepts_a_failed_record() {
    let hidden =
        r#"{"FailedRecordCount":0,"Records":[{"ErrorCode":"InternalFailure","SequenceNumber":"1"}]}"#;
    assert!(matches!(judge(&KINESIS, &http(200, hidden), 1), Verdict::Partial(failed) if failed[0].0 == 0));
    unanswered(&judge(&KINESIS, &http(200, &accepted(1, 2)), 2));
    unanswered(&judge(&KINESIS, &http(200, &accepted(10, 2)), 2));
    let empty = r#"{"FailedRecordCount":0,"Records":[{"SequenceNumber":"1"},{}]}"#;
    unanswered(&judge(&KINESIS, &http(200, empty), 2));
}

#[test]
fn every_code_of_the_table_has_its_kind() {
    use FailureKind::{Credentials, Denied, Missing, Refused, Skew, Throttled, Transient};
    let table = [
        ("ProvisionedThroughputExceededException", Throttled),
        ("LimitExceededException", Throttled),
        ("ThrottlingException", Throttled),
        ("KMSThrottlingException", Throttled),
        ("TooManyRequestsException", Throttled),
        ("RequestLimitExceeded", Throttled),
        ("ServiceUnavailableException", Throttled),
        ("InternalFailure", Transient),
        ("InternalFailureException", Transient),
        ("NobodyHasEverSeenThisException", Transient),
        ("ExpiredToken", Credentials),
        ("ExpiredTokenException", Credentials),
        ("UnrecognizedClientException", Credentials),
        ("InvalidClientTokenId", Credentials),
        ("MissingAuthenticationToken", Credentials),
        ("MissingAuthenticationTokenException", Credentials),
        ("InvalidSignatureException", Credentials),
        ("SignatureDoesNotMatch", Credentials),
        ("IncompleteSignature", Credentials),
        ("RequestTimeTooSkewed", Skew),
        ("RequestExpired", Skew),
        ("AccessDenied", Denied),
        ("AccessDeniedException", Denied),
        ("NotAuthorized", Denied),
        ("OptInRequired", Denied),
        ("KMSAccessDeniedException", Denied),
        ("KMSDisabledException", Denied),
        ("KMSInvalidStateException", Denied),
        ("KMSNotFoundException", Denied),
        ("KMSOptInRequired", Denied),
        ("InvalidKMSResourceException", Denied),
        ("InvalidSourceException", Denied),
        ("ResourceNotFoundException", Missing),
        ("ValidationException", Refused),
        ("InvalidArgumentException", Refused),
        ("SerializationException", Refused),
    ];
    for (code, kind) in table {
        let body = format!(r#"{{"__type":"com.amazonaws.kinesis#{code}","message":"why"}}"#);
        let expected = Verdict::Refused(Failure::new(kind, code, "why"));
        match judge(&KINESIS, &http(400, &body), 1) {
            verdict if verdict == expected => {}
            other => panic!("{code}: {other:?}"),
        }
        let record =
            format!(r#"{{"FailedRecordCount":1,"Records":[{{"ErrorCode":"{code}","ErrorMessage":"why"}}]}}"#);
        let expected = Verdict::Partial(vec![(0, Failure::new(kind, code, "why"))]);
        assert_eq!(judge(&KINESIS, &http(200, &record), 1), expected, "{code}");
    }
}

#[test]
fn a_wrong_signature_is_a_matter_of_the_clock_only_when_it_is_minutes_off() {
    let cases =
        [(None, false), (Some(240), false), (Some(-240), false), (Some(241), true), (Some(-900), true)];
    for (clock_offset, skewed) in cases {
        for code in ["InvalidSignatureException", "SignatureDoesNotMatch"] {
            let answer =
                Answer::Http { status: 403, error_type: Some(code.into()), clock_offset, body: Bytes::new() };
            let Verdict::Refused(failure) = judge(&KINESIS, &answer, 1) else { panic!("{code}") };
            let expected = if skewed { FailureKind::Skew } else { FailureKind::Credentials };
            assert_eq!(failure.kind, expected, "{code} {clock_offset:?}");
        }
    }
}

#[test]
fn the_code_is_read_from_header_or_body_without_what_surrounds_it() {
    let answer = |header: Option<&str>, body: &str| Answer::Http {
        status: 400,
        error_type: header.map(Into::into),
        clock_offset: None,
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    let cases = [
        answer(Some("ResourceNotFoundException:http://internal.amazon.com/coral/x/"), ""),
        answer(None, r#"{"__type":"com.amazonaws.kinesis.v20131202#ResourceNotFoundException"}"#),
        answer(None, r#"{"code":"ResourceNotFoundException:http://x"}"#),
        answer(Some("aws.x#ResourceNotFoundException"), r#"{"__type":"Other"}"#),
    ];
    for case in cases {
        let Verdict::Refused(failure) = judge(&KINESIS, &case, 1) else { panic!("{case:?}") };
        assert_eq!((failure.kind, &*failure.code), (FailureKind::Missing, "ResourceNotFoundException"));
    }
}

#[test]
fn an_error_without_a_code_goes_by_its_status() {
    let kinds = [(413, FailureKind::Refused), (429, FailureKind::Throttled), (403, FailureKind::Transient)];
    for (status, kind) in kinds {
        let Verdict::Refused(failure) = judge(&KINESIS, &http(status, "<html>no</html>"), 1) else {
            panic!("{status}")
        };
        assert_eq!((failure.kind, failure.code.to_string()), (kind, format!("HTTP {status}")));
    }
    for status in [500, 502, 503, 504] {
        let verdict = judge(&KINESIS, &http(status, "<html>Bad gateway</html>"), 1);
        assert_eq!(*unanswered(&verdict).code, format!("HTTP {status}"));
    }
    let slow = http(503, r#"{"__type":"ServiceUnavailableException","message":"Slow down."}"#);
    assert!(matches!(judge(&FIREHOSE, &slow, 1), Verdict::Refused(f) if f.kind == FailureKind::Throttled));
    unanswered(&judge(&KINESIS, &http(500, r#"{"__type":"InternalFailure"}"#), 1));
}

#[test]
fn a_message_ends_before_the_request_as_the_service_saw_it() {
    let body = r#"{"__type":"InvalidSignatureException","message":"The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\nx-amz-security-token:SECRET"}"#;
    let Verdict::Refused(failure) = judge(&KINESIS, &http(403, body), 1) else { panic!() };
    assert_eq!(&*failure.message, "The request signature we calculated does not match.");
}

#[test]
fn no_response_is_unanswered_only_if_the_request_may_have_arrived() {
    let failure = Failure::new(FailureKind::Transient, "Timeout", "no answer in 30s");
    let failed =
        |may_have_arrived| judge(&KINESIS, &Answer::Failed { may_have_arrived, failure: failure.clone() }, 1);
    assert_eq!(failed(true), Verdict::Unanswered(failure.clone()));
    assert_eq!(failed(false), Verdict::Refused(failure.clone()));
}

#[test]
fn hostile_bodies_neither_panic_nor_are_accepted() {
    let mut rng = fastrand::Rng::with_seed(7);
    let json = accepted(0, 3).into_bytes();
    let mut cbor = Vec::new();
    let said: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    ciborium::into_writer(&said, &mut cbor).expect("a vector takes all");
    for whole in [json, cbor] {
        for _ in 0..20_000 {
            let mut body = whole.clone();
            for _ in 0..rng.usize(1..4) {
                let at = rng.usize(..body.len());
                body[at] = rng.u8(..);
            }
            let status = *rng.choice(&[200, 400, 500]).expect("not empty");
            let answer = Answer::Http { status, error_type: None, clock_offset: None, body: body.into() };
            let verdict = super::judge(&KINESIS, &answer, 4);
            assert!(!matches!(verdict, Verdict::Accepted | Verdict::Partial(_)), "{verdict:?}");
        }
    }
    let deep = "[".repeat(100_000);
    unanswered(&judge(&KINESIS, &http(200, &deep), 1));
}

#[test]
fn cbor_that_is_cut_is_no_answer() {
    let said: serde_json::Value = serde_json::from_str(&accepted(0, 2)).expect("JSON");
    let mut whole = Vec::new();
    ciborium::into_writer(&said, &mut whole).expect("a vector takes all");
    for end in 0..whole.len() {
        let body = Bytes::copy_from_slice(&whole[..end]);
        let answer = Answer::Http { status: 200, error_type: None, clock_offset: None, body };
        unanswered(&super::judge(&KINESIS, &answer, 2));
    }
}

#[test]
fn only_a_failure_that_no_service_speaks_of_may_be_for_the_encoding() {
    let cases = [
        (http(500, "<html>"), true),
        (http(404, ""), true),
        (http(400, r#"{"__type":"SerializationException"}"#), true),
        (http(400, r#"{"__type":"UnknownOperationException"}"#), true),
        (http(400, r#"{"__type":"ValidationException"}"#), false),
        (http(400, r#"{"__type":"ResourceNotFoundException"}"#), false),
        (http(403, r#"{"__type":"ExpiredTokenException"}"#), false),
        (http(413, ""), false),
        (http(200, "<html>"), false),
        (Answer::Written, false),
    ];
    for (answer, may_be) in cases {
        assert_eq!(may_be_for_encoding(&answer), may_be, "{answer:?}");
    }
}
