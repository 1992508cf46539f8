//! kintail against real servers, and against a scripted one that fails as real ones rarely do: every line arrives,
//! through rotations and kills.

#[path = "support/agent.rs"]
mod agent;
#[path = "support/aws.rs"]
mod aws;
#[expect(dead_code, reason = "the sinks' own tests use the rest")]
#[path = "support/endpoint.rs"]
mod endpoint;
#[path = "services/failures.rs"]
mod failures;
#[path = "services/online.rs"]
mod online;
#[path = "support/servers.rs"]
mod servers;
#[path = "support/tls.rs"]
mod tls;

use agent::{Host, Writer, wait};
use aws::{Delivery, Kinesis};
use endpoint::{Act, Endpoint};
use servers::{Server, deaggregated};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// Kills under load. Every third finds the log rotated while the agent is down.
const KILLS: u64 = 20;

/// How often each line was stored.
fn tally(stored: impl IntoIterator<Item = Vec<u8>>) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for data in stored {
        *tally.entry(String::from_utf8(data).expect("text")).or_default() += 1;
    }
    tally
}

/// Writes so many lines every 5 ms, rotates and kills; in the end `stored` has every line and no others.
fn survives_kills(host: &Host, burst: usize, stored: impl Fn() -> BTreeMap<String, usize>) {
    let mut rng = fastrand::Rng::with_seed(20);
    let writer = Writer::start(&host.log(), burst);
    for kill in 0..KILLS {
        let agent = host.start();
        sleep(Duration::from_millis(rng.u64(60..1500)));
        if kill % 2 == 0 {
            writer.rotate();
            sleep(Duration::from_millis(rng.u64(0..60)));
        }
        drop(agent);
        if kill % 3 == 0 {
            writer.rotate();
        }
        sleep(Duration::from_millis(rng.u64(0..40)));
    }
    let lines = writer.stop();
    let agent = host.start();
    host.wait_until_idle();
    let reached = stored();
    let missing: Vec<&String> = lines.iter().filter(|line| !reached.contains_key(*line)).collect();
    assert!(
        missing.is_empty(),
        "{} of {} lines are lost, first {:?}",
        missing.len(),
        lines.len(),
        missing[0]
    );
    assert_eq!(reached.len(), lines.len(), "lines that nobody wrote");
    assert!(agent.terminate(), "{}", host.said());

    // What was acknowledged before a graceful end is not sent again.
    let agent = host.start();
    host.wait_until_idle();
    sleep(Duration::from_millis(500));
    assert!(agent.terminate(), "{}", host.said());
    assert!(reached == stored(), "a graceful restart repeated lines");
}

/// Kills with a real Kinesis behind. Returns what the agent said.
fn survives_kills_with(server: &Server, burst: usize) -> String {
    let kinesis = Kinesis::of(server);
    kinesis.create("clicks", 2);
    let host = Host::new("stream = \"clicks\"", &server.url);
    survives_kills(&host, burst, || tally(kinesis.records("clicks").into_iter().map(|(_, _, data)| data)));
    let keys = kinesis.records("clicks").into_iter().map(|(_, key, _)| key);
    assert!(keys.into_iter().all(|key| key.len() == 16), "random keys have 16 digits");
    host.said()
}

#[test]
fn every_line_reaches_kinesalite_through_rotations_and_twenty_kills() {
    // It cuts its long answers in CBOR.
    let said = survives_kills_with(&Server::kinesalite(), 20);
    assert!(said.contains("127.0.0.1 does not speak CBOR well"), "{said}");
}

#[test]
fn every_line_reaches_moto_through_rotations_and_twenty_kills() {
    // moto takes seconds to hand back ten thousand records, and no CBOR.
    let said = survives_kills_with(&Server::moto(), 4);
    assert!(said.contains("127.0.0.1 does not speak CBOR well"), "{said}");
}

#[test]
fn a_real_server_reads_our_cbor() {
    let server = Server::kinesalite();
    let kinesis = Kinesis::of(&server);
    kinesis.create("clicks", 2);
    let host = Host::new("stream = \"clicks\"\nwire = \"cbor\"\npartition_key = \"hash\"", &server.url);
    let lines: Vec<Vec<u8>> = (0..100_u8).map(|n| [&[n; 300][..], b"\xff\n"].concat()).collect();
    let lines: Vec<Vec<u8>> = lines.into_iter().filter(|line| line[0] != b'\n').collect();
    fs::write(host.log(), lines.concat()).expect("a log");
    let agent = host.start();
    host.wait_until_idle();
    assert!(agent.terminate(), "{}", host.said());
    let records = kinesis.records("clicks");
    assert!(records.iter().all(|(_, key, _)| key.len() == 32));
    let stored: BTreeSet<Vec<u8>> = records.iter().map(|(_, _, data)| data.clone()).collect();
    assert_eq!((records.len(), stored), (lines.len(), lines.into_iter().collect()), "{}", host.said());
}

#[test]
fn a_reload_sends_elsewhere_and_no_line_is_lost_or_repeated() {
    let endpoints = [Endpoint::start(|_| Act::Accept), Endpoint::start(|_| Act::Accept)];
    let host = Host::new("stream = \"clicks\"", &endpoints[0].url());
    let agent = host.start();
    let writer = Writer::start(&host.log(), 20);
    for round in 0..20_usize {
        sleep(Duration::from_millis(150));
        if round % 5 == 4 {
            writer.rotate();
        }
        // By the destination's name the flow changes; by the endpoint alone only its sink does.
        let stream = if round % 4 < 2 { "stream = \"clicks\"" } else { "stream = \"others\"" };
        host.point(stream, &endpoints[round % 2].url());
        agent.hang_up();
    }
    let lines = writer.stop();
    host.wait_until_idle();
    assert!(agent.terminate(), "{}", host.said());
    let stored = tally(endpoints.iter().flat_map(Endpoint::stored).map(|record| record.data));
    assert!(endpoints.iter().all(|endpoint| !endpoint.stored().is_empty()));
    assert_eq!(stored.len(), lines.len(), "{}", host.said());
    assert!(stored.values().all(|times| *times == 1), "a line came twice");
}

#[test]
fn a_reload_sends_what_a_dead_endpoint_never_took() {
    let dead = Endpoint::start(|_| Act::Reset);
    let alive = Endpoint::start(|_| Act::Accept);
    let host = Host::new("stream = \"clicks\"", &dead.url());
    host.add("retry = { initial = \"10ms\", max = \"100ms\" }\n");
    let agent = host.start();
    let writer = Writer::start(&host.log(), 5);
    sleep(Duration::from_secs(1));
    host.point("stream = \"others\"", &alive.url());
    host.add("retry = { initial = \"20ms\", max = \"100ms\" }\n");
    agent.hang_up();
    sleep(Duration::from_secs(2));
    let lines = writer.stop();
    wait("the new configuration", || !alive.stored().is_empty());
    host.wait_until_idle();
    assert!(agent.terminate(), "{}", host.said());
    let stored = tally(alive.stored().into_iter().map(|record| record.data));
    assert_eq!(stored.len(), lines.len(), "{}", host.said());
    assert!(stored.values().all(|times| *times == 1), "a line came twice");
}

/// A service that fails in every way.
fn failing() -> Endpoint {
    let mut rng = fastrand::Rng::with_seed(7);
    Endpoint::start(move |put| match rng.u8(..20) {
        0 => Act::Reset,
        1 => Act::AcceptAndReset,
        2 => Act::AcceptAndCut,
        3 => Act::Garbage,
        4 => Act::Page(502),
        5 => Act::Refuse(400, "ProvisionedThroughputExceededException"),
        6 => Act::Refuse(500, "InternalFailure"),
        7 => Act::Miscount(-1),
        8 => Act::Slow(Duration::from_micros(100)),
        9..=12 => {
            let throttled = "ProvisionedThroughputExceededException";
            Act::Fail((0..put.records.len()).step_by(3).map(|index| (index, throttled)).collect())
        }
        _ => Act::Accept,
    })
}

#[test]
fn a_consumer_finds_every_line_in_aggregated_records() {
    let server = Server::kinesalite();
    let kinesis = Kinesis::of(&server);
    kinesis.create("clicks", 3);
    let host = Host::new("stream = \"clicks\"\naggregation = true", &server.url);
    let records = || kinesis.records("clicks").into_iter().map(|(_, key, data)| (key, data));
    survives_kills(&host, 20, || tally(deaggregated(records()).into_iter().map(|(_, data)| data)));
    // The library for Java drops a user record that belongs into another shard than the record that it is in.
    let mut packed = 0;
    for (key, data) in records() {
        let users = deaggregated([(key.clone(), data)]);
        assert!(users.iter().all(|(own, _)| *own == key), "{users:?}");
        packed += usize::from(users.len() > 1);
        if packed > 5 {
            return;
        }
    }
    panic!("{packed} aggregated records");
}

#[test]
fn aggregated_lines_reach_a_service_that_fails_in_every_way() {
    let endpoint = failing();
    let host = Host::new("stream = \"clicks\"\npacing = \"off\"\naggregation = true", &endpoint.url());
    let stored = || endpoint.stored().into_iter().map(|record| (record.key, record.data));
    survives_kills(&host, 20, || tally(deaggregated(stored()).into_iter().map(|(_, data)| data)));
}

#[test]
fn a_bad_line_in_an_aggregated_record_goes_alone_to_the_dead_letters() {
    let endpoint = refusing(&Arc::default(), b"poison");
    let host = Host::new("stream = \"clicks\"\npacing = \"off\"\naggregation = true", &endpoint.url());
    let line = |number: u32| match number % 100 {
        50 => format!("poison {number}\n"),
        _ => format!("good {number}\n"),
    };
    let lines: Vec<String> = (0..1000).map(line).collect();
    fs::write(host.log(), lines.concat()).expect("a log");
    let agent = host.start();
    host.wait_until_idle();
    assert_eq!(host.flow().map(|flow| flow.counters.dead_letters), Some(10));
    assert!(agent.terminate(), "{}", host.said());
    let stored = endpoint.stored().into_iter().map(|record| (record.key, record.data));
    let stored = tally(deaggregated(stored).into_iter().map(|(_, data)| data));
    assert!(stored.keys().eq(lines.iter().filter(|line| line.starts_with("good")).collect::<BTreeSet<_>>()));
    assert!(stored.values().all(|count| *count == 1), "repeated");
}

#[test]
fn every_line_reaches_a_service_that_fails_in_every_way() {
    let endpoint = failing();
    let host = Host::new("stream = \"clicks\"\npacing = \"off\"", &endpoint.url());
    survives_kills(&host, 20, || tally(endpoint.stored().into_iter().map(|record| record.data)));
}

#[test]
fn throttled_records_alone_go_again() {
    let mut requests = 0;
    let endpoint = Endpoint::start(move |put| {
        requests += 1;
        match requests {
            1..=5 => Act::Fail(
                (0..put.records.len())
                    .step_by(2)
                    .map(|index| (index, "ProvisionedThroughputExceededException"))
                    .collect(),
            ),
            _ => Act::Accept,
        }
    });
    let host = Host::new("stream = \"clicks\"\npacing = \"off\"", &endpoint.url());
    let writer = Writer::start(&host.log(), 20);
    let agent = host.start();
    sleep(Duration::from_millis(700));
    writer.rotate();
    sleep(Duration::from_millis(300));
    let lines = writer.stop();
    wait("every line", || endpoint.stored().len() >= lines.len());
    assert!(agent.terminate(), "{}", host.said());
    let stored = tally(endpoint.stored().into_iter().map(|record| record.data));
    assert_eq!(stored.len(), lines.len());
    assert!(stored.values().all(|count| *count == 1), "accepted records went again");
}

#[test]
fn the_objects_behind_a_delivery_stream_hold_the_bytes_of_the_file() {
    objects_hold_the_bytes("");
}

#[test]
fn the_objects_behind_a_delivery_stream_hold_the_joined_lines() {
    objects_hold_the_bytes("aggregation = true");
}

fn objects_hold_the_bytes(setting: &str) {
    let server = Server::moto();
    let delivery = Delivery::create(&server, "logs");
    let host = Host::new(&format!("delivery_stream = \"logs\"\n{setting}"), &server.url);
    let writer = Writer::start(&host.log(), 20);
    let agent = host.start();
    sleep(Duration::from_millis(500));
    writer.rotate();
    sleep(Duration::from_millis(500));
    let lines = writer.stop();
    let bytes: usize = lines.iter().map(String::len).sum();
    wait("every byte", || delivery.objects().len() >= bytes);
    assert!(agent.terminate(), "{}", host.said());
    // moto names the objects of a second in no order.
    let objects = delivery.objects();
    let mut stored: Vec<&[u8]> = objects.split_inclusive(|byte| *byte == b'\n').collect();
    stored.sort_unstable();
    let written: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
    assert!(stored == written, "other bytes");
}

/// An endpoint that refuses every request while it is told to, or that holds a line with this text.
fn refusing(everything: &Arc<AtomicBool>, bad: &'static [u8]) -> Endpoint {
    let everything = Arc::clone(everything);
    Endpoint::start(move |put| {
        let is_bad = |data: &[u8]| data.windows(bad.len()).any(|window| window == bad);
        if everything.load(Ordering::Relaxed) || put.records.iter().any(|record| is_bad(&record.data)) {
            return Act::Refuse(400, "ValidationException");
        }
        Act::Accept
    })
}

#[test]
fn a_flow_that_is_refused_as_a_whole_asks_seldom_and_keeps_every_line() {
    let everything = Arc::new(AtomicBool::new(true));
    let endpoint = refusing(&everything, b"never");
    let host = Host::new("stream = \"clicks\"\npacing = \"off\"", &endpoint.url());
    let lines: Vec<String> = (0..300).map(|number| format!("line {number}\n")).collect();
    fs::write(host.log(), lines.concat()).expect("a log");
    let agent = host.start();
    wait("a flow that is wrong", || host.flow().is_some_and(|flow| !flow.healthy));
    let before = endpoint.counts().0;
    sleep(Duration::from_secs(2));
    let asked = endpoint.counts().0 - before;
    assert!(asked < 100, "{asked} requests in two seconds");
    let lag = host.flow().expect("a flow").lag_seconds;
    assert!(lag > 1.5, "shown as waiting for {lag} s");
    everything.store(false, Ordering::Relaxed);
    host.wait_until_idle();
    assert!(agent.terminate(), "{}", host.said());
    let said = host.said();
    let order =
        [said.find("ERROR flow default, stream clicks: ValidationException"), said.find("accepted again")];
    assert!(order[0].is_some() && order[0] < order[1], "no person would notice: {said}");
    let stored = tally(endpoint.stored().into_iter().map(|record| record.data));
    assert_eq!(stored.len(), lines.len());
    assert!(stored.values().all(|count| *count == 1), "repeated");
}

#[test]
fn a_flow_of_which_too_many_lines_are_refused_stops_and_keeps_them() {
    let refused = "InvalidArgumentException";
    let endpoint = Endpoint::start(move |put| {
        let bad = put.records.iter().enumerate().filter(|(_, record)| record.data.starts_with(b"bad"));
        Act::Fail(bad.map(|(index, _)| (index, refused)).collect())
    });
    let host = Host::new("stream = \"clicks\"\npacing = \"off\"", &endpoint.url());
    let lines: Vec<String> = (0..200).flat_map(|n| [format!("bad {n}\n"), format!("good {n}\n")]).collect();
    fs::write(host.log(), lines.concat()).expect("a log");
    let agent = host.start();
    wait("a flow that has stopped", || {
        host.flow().is_some_and(|flow| flow.waiting_for.starts_with("a restart"))
    });
    wait("the dead letters", || host.flow().is_some_and(|flow| flow.counters.dead_letters == 100));
    let requests = endpoint.counts().0;
    sleep(Duration::from_millis(500));
    assert_eq!(endpoint.counts().0, requests, "it goes on");
    let kept: usize = lines[200..].iter().filter(|line| line.starts_with("bad")).map(String::len).sum();
    assert!(host.flow().is_some_and(|flow| !flow.healthy && flow.lag_bytes == kept as u64));
    assert!(agent.terminate(), "{}", host.said());
    assert!(host.said().contains("ERROR flow default, stream clicks: more than 100"), "{}", host.said());
    let stored = tally(endpoint.stored().into_iter().map(|record| record.data));
    assert!(stored.keys().eq(lines.iter().filter(|line| line.starts_with("good")).collect::<BTreeSet<_>>()));
}

#[test]
fn a_bad_line_alone_holds_up_no_line_that_comes_later() {
    let endpoint = refusing(&Arc::default(), b"poison");
    let host = Host::new("stream = \"clicks\"\npacing = \"off\"", &endpoint.url());
    fs::write(host.log(), "poison 1\npoison 2\npoison 3\n").expect("a log");
    let agent = host.start();
    wait("a flow that is wrong", || host.flow().is_some_and(|flow| !flow.healthy));
    let mut log = OpenOptions::new().append(true).open(host.log()).expect("the log");
    log.write_all(b"good 1\ngood 2\n").expect("written");
    host.wait_until_idle();
    assert_eq!(host.flow().map(|flow| flow.counters.dead_letters), Some(3));
    assert!(agent.terminate(), "{}", host.said());
    let stored = tally(endpoint.stored().into_iter().map(|record| record.data));
    assert!(stored.keys().eq(["good 1\n", "good 2\n"]), "{stored:?}");
}

#[test]
fn an_authority_that_the_system_does_not_know_is_trusted_where_ca_bundle_names_it() {
    let endpoint = Endpoint::start(|_| Act::Accept);
    let host = Host::new("stream = \"s\"", &tls::before(&endpoint.url()));
    fs::write(host.log(), "a line\n").expect("written");
    let agent = host.start();
    let ails = || host.flow().is_some_and(|flow| flow.last_error.is_some());
    wait("the certificate is refused", ails);
    assert_eq!(endpoint.stored().len(), 0);
    drop(agent);
    host.add(&format!("[aws]\nca_bundle = {:?}\n", tls::file("ca.pem")));
    let _agent = host.start();
    host.wait_until_idle();
    assert_eq!(endpoint.stored().len(), 1);
}

#[test]
fn a_ca_bundle_without_a_certificate_is_an_error_at_the_start() {
    let host = Host::new("stream = \"s\"", "https://localhost:9");
    host.add(&format!("[aws]\nca_bundle = {:?}\n", tls::file("server.key")));
    let code = host.start().ended();
    assert_eq!(code, Some(78), "{}", host.said());
    assert!(host.said().contains("no certificate is in it"), "{}", host.said());
}
