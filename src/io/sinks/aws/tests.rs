//! Requests to a scripted service: signed, retried by nobody, their answers whole.

use super::*;
use crate::config::{AssumeRole, Aws, FlowIo};
use crate::io::sinks::Sink;
use endpoint::{Act, Endpoint, Manner, Put, SECRET};
use kintail_engine::destination::{Verdict, for_flow};
use kintail_engine::encode::BatchId;
use kintail_engine::event::Request;
use kintail_engine::ids::FlowId;
use kintail_engine::settings::{Destination, Flow, Wire};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use tokio::sync::oneshot;

#[path = "../../../../tests/support/endpoint.rs"]
mod endpoint;

/// A flow to an endpoint, with credentials of its own in a file.
struct World {
    flow: Flow,
    sink: Sink,
    credentials: PathBuf,
    _dir: TempDir,
}

impl World {
    fn new(destination: Destination, url: &str) -> Self {
        Self::with(destination, url, |_, _| ())
    }

    fn of(destination: Destination, url: &str, wire: Wire) -> Self {
        Self::made(destination, url, wire, |_, _| ())
    }

    fn with(destination: Destination, url: &str, change: impl FnOnce(&mut Aws, &mut FlowIo)) -> Self {
        Self::made(destination, url, Wire::Auto, change)
    }

    fn made(
        destination: Destination,
        url: &str,
        wire: Wire,
        change: impl FnOnce(&mut Aws, &mut FlowIo),
    ) -> Self {
        let dir = TempDir::new().expect("a directory");
        let credentials = dir.path().join("credentials");
        let mut aws = Aws {
            region: Some("us-east-1".into()),
            shared_credentials_file: Some(credentials.clone()),
            profile: Some("tests".into()),
            ..Aws::default()
        };
        let mut io =
            FlowIo { region: Some("us-east-1".into()), endpoint: Some(url.into()), assume_role: None };
        change(&mut aws, &mut io);
        let mut flow = Flow::new("web", vec!["/x".into()], destination);
        flow.wire = wire;
        let sink = Sink::for_flow(&flow, &io, &aws).expect("a sink");
        let world = Self { flow, sink, credentials, _dir: dir };
        world.keys("AKIDFIRST");
        world
    }

    fn kinesis(endpoint: &Endpoint) -> Self {
        Self::new(Destination::Kinesis { stream: "clicks".into() }, &endpoint.url())
    }

    fn keys(&self, id: &str) {
        let text = format!("[tests]\naws_access_key_id = {id}\naws_secret_access_key = {SECRET}\n");
        std::fs::write(&self.credentials, text).expect("written");
    }

    async fn send(&self, records: &[&str]) -> (Answer, Verdict) {
        let pure = for_flow(&self.flow);
        let mut body = Vec::new();
        pure.begin(&mut body);
        for (index, record) in records.iter().enumerate() {
            if index > 0 {
                body.extend_from_slice(pure.separator());
            }
            pure.record(&mut body, record.as_bytes(), false, "key");
        }
        let count = records.len() as u32;
        pure.finish(&mut body, count);
        let (reply, answer) = oneshot::channel();
        self.sink.send(
            Request { flow: FlowId(0), batch: BatchId(1), body: body.into(), records: count },
            |answer| {
                reply.send(answer).expect("the test waits");
            },
        );
        let answer = answer.await.expect("one answer");
        let verdict = pure.judge(&answer, count);
        (answer, verdict)
    }
}

fn data(endpoint: &Endpoint) -> Vec<String> {
    endpoint.stored().into_iter().map(|record| String::from_utf8(record.data).expect("text")).collect()
}

#[tokio::test]
async fn records_arrive_as_they_are() {
    let endpoint = Endpoint::start(|_| Act::Accept);
    let world = World::kinesis(&endpoint);
    assert_eq!(world.send(&["one\n", "two\n"]).await.1, Verdict::Accepted);
    assert_eq!(data(&endpoint), ["one\n", "two\n"]);
    assert!(endpoint.stored().iter().all(|record| record.stream == "clicks" && record.key == "key"));

    let firehose = World::new(Destination::Firehose { delivery_stream: "logs".into() }, &endpoint.url());
    assert_eq!(firehose.send(&["three\n"]).await.1, Verdict::Accepted);
    assert_eq!(data(&endpoint), ["one\n", "two\n", "three\n"]);
    assert_eq!(endpoint.stored()[2].stream, "logs");
}

#[tokio::test]
async fn an_endpoint_that_takes_no_cbor_gets_json_until_the_end() {
    let manner = Manner { no_cbor: true, ..Manner::default() };
    let endpoint = Endpoint::with(manner, |_| Act::Accept);
    let world = World::kinesis(&endpoint);
    let (_, verdict) = world.send(&["one\n"]).await;
    assert!(matches!(verdict, Verdict::Unanswered(_)), "it may have been stored: {verdict:?}");
    for records in [["one\n"], ["two\n"]] {
        assert_eq!(world.send(&records).await.1, Verdict::Accepted);
    }
    assert_eq!(data(&endpoint), ["one\n", "two\n"]);
    assert_eq!(endpoint.counts().0, 3, "CBOR was tried again");
}

#[tokio::test]
async fn who_asks_for_cbor_gets_nothing_else() {
    let manner = Manner { no_cbor: true, ..Manner::default() };
    let endpoint = Endpoint::with(manner, |_| Act::Accept);
    let world = World::of(Destination::Kinesis { stream: "clicks".into() }, &endpoint.url(), Wire::Cbor);
    for _ in 0..3 {
        assert!(matches!(world.send(&["one\n"]).await.1, Verdict::Unanswered(_)));
    }
}

#[tokio::test]
async fn json_is_sent_where_it_is_asked_for() {
    let endpoint = Endpoint::start(|put| if put.is_cbor() { Act::Page(500) } else { Act::Accept });
    let world = World::of(Destination::Kinesis { stream: "clicks".into() }, &endpoint.url(), Wire::Json);
    assert_eq!(world.send(&["one\n"]).await.1, Verdict::Accepted);
    let endpoint = Endpoint::start(|put| if put.is_cbor() { Act::Accept } else { Act::Page(500) });
    let world = World::kinesis(&endpoint);
    assert_eq!(world.send(&["one\n"]).await.1, Verdict::Accepted);
}

#[tokio::test]
async fn the_engine_reads_what_the_service_said() {
    let acts = [
        Act::Fail(vec![(1, "ProvisionedThroughputExceededException")]),
        Act::Refuse(400, "ProvisionedThroughputExceededException"),
        Act::Refuse(413, ""),
        Act::Refuse(500, "InternalFailure"),
        Act::Page(503),
        Act::Garbage,
        Act::Miscount(1),
        Act::Slow(Duration::from_millis(1)),
    ];
    let mut script = acts.into_iter();
    let endpoint = Endpoint::start(move |_: &Put| script.next().unwrap_or(Act::Accept));
    let world = World::kinesis(&endpoint);
    let mut seen = Vec::new();
    for _ in 0..8 {
        seen.push(match world.send(&["a", "b"]).await.1 {
            Verdict::Accepted => "accepted".to_owned(),
            Verdict::Partial(failed) => format!("partial {} {}", failed[0].0, failed[0].1.kind.name()),
            Verdict::Refused(failure) => format!("refused {}", failure.kind.name()),
            Verdict::Unanswered(failure) => format!("unanswered {}", failure.code),
        });
    }
    let expected = [
        "partial 1 throttled",
        "refused throttled",
        "refused refused",
        "unanswered InternalFailure",
        "unanswered HTTP 503",
        "unanswered UnreadableAnswer",
        "unanswered UnreadableAnswer",
        "accepted",
    ];
    assert_eq!(seen, expected);
    assert_eq!(endpoint.counts().0, 8, "the SDK retried");
}

#[tokio::test]
async fn a_lost_answer_may_have_arrived_and_a_refused_connection_has_not() {
    let acts = [Act::Reset, Act::AcceptAndReset, Act::AcceptAndCut];
    let mut script = acts.into_iter();
    let endpoint = Endpoint::start(move |_: &Put| script.next().unwrap_or(Act::Accept));
    let world = World::kinesis(&endpoint);
    for _ in 0..3 {
        let (answer, _) = world.send(&["a"]).await;
        assert!(matches!(answer, Answer::Failed { may_have_arrived: true, .. }), "{answer:?}");
    }
    assert_eq!(endpoint.counts().0, 3, "the SDK retried");
    drop(endpoint);
    let (answer, _) = World::new(world.flow.destination.clone(), "http://127.0.0.1:9").send(&["a"]).await;
    let Answer::Failed { may_have_arrived: false, failure } = answer else { panic!("{answer:?}") };
    assert_eq!((failure.kind, &*failure.code), (FailureKind::Transient, "NotConnected"));
}

#[tokio::test]
async fn a_silent_service_times_out() {
    let endpoint = Endpoint::start(|_| Act::AcceptAndHang);
    let mut world = World::kinesis(&endpoint);
    let Sink::Kinesis(Remote(inner)) = &mut world.sink else { panic!("another sink") };
    Arc::get_mut(inner).expect("not shared yet").access.request_timeout = Duration::from_millis(300);
    let (answer, _) = world.send(&["a"]).await;
    let Answer::Failed { may_have_arrived: true, failure } = answer else { panic!("{answer:?}") };
    assert_eq!((failure.kind, &*failure.code), (FailureKind::Transient, "TimedOut"));
    assert_eq!(endpoint.counts().1, 1);
}

#[tokio::test]
async fn a_clock_that_is_off_is_corrected_by_the_next_request() {
    for ahead in [-3600, 3600] {
        let manner = Manner { clock: ahead, ..Manner::default() };
        let endpoint = Endpoint::with(manner, move |put| match put.signed_before(ahead).abs() {
            ..=300 => Act::Accept,
            _ => Act::Refuse(403, "InvalidSignatureException"),
        });
        let world = World::kinesis(&endpoint);
        let (_, verdict) = world.send(&["a"]).await;
        assert!(
            matches!(&verdict, Verdict::Refused(failure) if failure.kind == FailureKind::Skew),
            "{verdict:?}"
        );
        assert_eq!(world.send(&["b"]).await.1, Verdict::Accepted, "{ahead}");
        assert_eq!(data(&endpoint), ["b"]);
    }
}

#[tokio::test]
async fn no_credentials_are_a_failure_of_credentials() {
    let endpoint = Endpoint::start(|_| Act::Accept);
    let world = World::kinesis(&endpoint);
    std::fs::write(&world.credentials, "[other]\naws_access_key_id = x\n").expect("written");
    let (answer, _) = world.send(&["a"]).await;
    let Answer::Failed { may_have_arrived: false, failure } = answer else { panic!("{answer:?}") };
    assert_eq!(failure.kind, FailureKind::Credentials, "{failure:?}");
    assert_eq!(endpoint.counts().0, 0);
}

#[tokio::test]
async fn rotated_credentials_are_found_but_not_looked_for_at_every_failure() {
    let endpoint = Endpoint::start(|put| {
        if put.access_key() == "AKIDFIRST" { Act::Refuse(400, "ExpiredTokenException") } else { Act::Accept }
    });
    let world = World::kinesis(&endpoint);
    let (_, verdict) = world.send(&["a"]).await;
    assert!(matches!(&verdict, Verdict::Refused(failure) if failure.kind == FailureKind::Credentials));
    world.keys("AKIDSECOND");
    let (_, verdict) = world.send(&["b"]).await;
    assert!(matches!(verdict, Verdict::Refused(_)), "looked again within seconds");
    let Sink::Kinesis(remote) = &world.sink else { panic!("another sink") };
    let mut made = remote.0.made.lock().await;
    let made_at = &mut made.as_mut().expect("a client").since;
    *made_at = made_at.checked_sub(REBUILD_AFTER).expect("a time");
    drop(made);
    let (_, verdict) = world.send(&["c"]).await;
    assert!(matches!(verdict, Verdict::Refused(_)), "this failure makes it look");
    assert_eq!(world.send(&["d"]).await.1, Verdict::Accepted);
    assert_eq!(data(&endpoint), ["d"]);
}

#[tokio::test]
async fn requests_in_flight_are_answered_each_with_its_own() {
    let count = AtomicUsize::new(0);
    let endpoint = Endpoint::start(move |_| match count.fetch_add(1, Ordering::Relaxed) % 2 {
        0 => Act::Slow(Duration::from_millis(2)),
        _ => Act::Accept,
    });
    let world = World::kinesis(&endpoint);
    let (a, b, c) = tokio::join!(world.send(&["a"]), world.send(&["b", "b"]), world.send(&["c", "c", "c"]));
    assert!([a.1, b.1, c.1].iter().all(|verdict| *verdict == Verdict::Accepted));
    assert_eq!(endpoint.counts().1, 6);
}

/// A service that gives a role's credentials once; what it was asked.
fn role_giver() -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let asked = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let mut buffer = [0; 16 * 1024];
        let mut asked = String::new();
        while !asked.contains("Version=2011-06-15") {
            let read = connection.read(&mut buffer).expect("a request");
            asked += &String::from_utf8_lossy(&buffer[..read]);
        }
        let body = format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>\
             <SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
             <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/shipper/kintail</Arn><AssumedRoleId>b:c</AssumedRoleId></AssumedRoleUser>\
             </AssumeRoleResult></AssumeRoleResponse>"
        );
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n", body.len());
        connection.write_all((head + &body).as_bytes()).expect("answered");
        asked
    });
    (url, asked)
}

#[tokio::test]
async fn a_role_is_assumed_and_signs_the_requests() {
    let endpoint = Endpoint::start(|put| match put.access_key() {
        "ASIAROLE" => Act::Accept,
        _ => Act::Refuse(400, "AccessDeniedException"),
    });
    let (sts, asked) = role_giver();
    let world = World::with(Destination::Kinesis { stream: "clicks".into() }, &endpoint.url(), |aws, io| {
        aws.endpoints.sts = Some(sts);
        io.assume_role = Some(AssumeRole {
            arn: "arn:aws:iam::123456789012:role/shipper".into(),
            external_id: Some("ours".into()),
            session_name: "kintail".into(),
            duration: Duration::from_hours(1),
        });
    });
    assert_eq!(world.send(&["a"]).await.1, Verdict::Accepted);
    let asked = asked.join().expect("it was asked");
    for part in ["role%2Fshipper", "ExternalId=ours", "RoleSessionName=kintail", "DurationSeconds=3600"] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
}
