//! Each kind of failure at a fifth of the requests, and all of them mixed: nothing is lost, order is kept where it is
//! promised, and little is sent for nothing.

use crate::agent::{Host, wait};
use crate::endpoint::{Act, Endpoint};
use crate::servers::deaggregated;
use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const LINES: usize = 20_000;

/// Most times that a record is sent.
const MOST_TIMES: usize = 20;

/// How long a kind lasts that does not pass by itself.
const EPISODE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A third of the records fail.
    Records(&'static str),
    /// The request fails as a whole.
    Request(u16, &'static str),
    Is(fn() -> Act),
    /// Everything fails, for a while.
    Episode(&'static str),
}

const PASSING: [Kind; 9] = [
    Kind::Records("ProvisionedThroughputExceededException"),
    Kind::Records("InternalFailure"),
    Kind::Request(400, "ProvisionedThroughputExceededException"),
    Kind::Request(500, "InternalFailure"),
    Kind::Is(|| Act::Page(503)),
    Kind::Is(|| Act::Garbage),
    Kind::Is(|| Act::Reset),
    Kind::Is(|| Act::AcceptAndReset),
    Kind::Is(|| Act::AcceptAndCut),
];

const LASTING: [Kind; 4] = [
    Kind::Episode("AccessDeniedException"),
    Kind::Episode("ResourceNotFoundException"),
    Kind::Episode("ExpiredTokenException"),
    Kind::Episode("KMSAccessDeniedException"),
];

/// What came of it.
#[derive(Debug)]
struct Outcome {
    requests: u64,
    /// How often the record was sent that was sent most often.
    most_times: usize,
}

/// Ships a log through a service of which such a share of the requests, in hundredths, fails in one of these ways.
fn ship(flow: &str, kinds: &'static [Kind], share: u8, seed: u64) -> Outcome {
    let sent: Arc<Mutex<BTreeMap<Vec<u8>, usize>>> = Arc::default();
    let counts = Arc::clone(&sent);
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut begun: Option<Instant> = None;
    let endpoint = Endpoint::start(move |put| {
        let mut counts = counts.lock().expect("not poisoned");
        for record in &put.records {
            *counts.entry(record.data.clone()).or_default() += 1;
        }
        if kinds.is_empty() {
            return Act::Accept;
        }
        if let [Kind::Episode(code)] = kinds
            && begun.get_or_insert_with(Instant::now).elapsed() < EPISODE
        {
            return Act::Refuse(400, code);
        }
        if rng.u8(..100) >= share {
            return Act::Accept;
        }
        match kinds[rng.usize(..kinds.len())] {
            Kind::Records(code) => Act::Fail(
                (0..put.records.len()).filter(|index| index % 3 == 0).map(|index| (index, code)).collect(),
            ),
            Kind::Request(status, code) => Act::Refuse(status, code),
            Kind::Is(act) => act(),
            Kind::Episode(_) => Act::Accept,
        }
    });
    let host = Host::new(flow, &endpoint.url());
    host.add("retry = { initial = \"10ms\", max = \"200ms\" }\n");
    let lines: Vec<String> =
        (0..LINES).map(|line| format!("{line:08} {}\n", "x".repeat(line % 190))).collect();
    fs::write(host.log(), lines.concat()).expect("a log");
    let size: usize = lines.iter().map(String::len).sum();
    let agent = host.start();
    // Before the file is found it is idle too.
    let is_read = || host.flow().is_some_and(|flow| flow.counters.read_bytes >= size as u64);
    wait("the log is read", is_read);
    host.wait_until_idle();
    assert!(agent.terminate(), "{}", host.said());
    let stored = endpoint.stored().into_iter().map(|record| (record.key, record.data));
    let stored = if flow.contains("aggregation = true") { deaggregated(stored) } else { stored.collect() };
    let mut first = BTreeMap::new();
    for (at, (_, data)) in stored.into_iter().enumerate() {
        first.entry(String::from_utf8(data).expect("text")).or_insert(at);
    }
    let missing = lines.iter().filter(|line| !first.contains_key(*line)).count();
    assert_eq!((missing, first.len()), (0, LINES), "{kinds:?}: {}", host.said());
    if flow.contains("strict") {
        let places: Vec<usize> = lines.iter().map(|line| first[line]).collect();
        assert!(places.is_sorted(), "{kinds:?}: not in order");
    }
    let most_times = sent.lock().expect("not poisoned").values().copied().max().unwrap_or(0);
    Outcome { requests: endpoint.counts().0, most_times }
}

/// Ships a log through each kind of failure, and through all of them mixed.
fn through_all(flow: &str) {
    let plain = ship(flow, &[], 0, 1);
    let check = |kinds: &'static [Kind], share| {
        let outcome = ship(flow, kinds, share, 1);
        assert!(outcome.most_times <= MOST_TIMES, "{kinds:?}: {outcome:?}");
        assert!(outcome.requests <= 3 * plain.requests, "{kinds:?}: {outcome:?}, without: {plain:?}");
    };
    for kind in &PASSING {
        check(std::slice::from_ref(kind), 20);
    }
    check(&PASSING, 30);
    // They last, whatever the machine does.
    thread::scope(|scope| {
        for kind in &LASTING {
            scope.spawn(move || check(std::slice::from_ref(kind), 0));
        }
    });
}

#[test]
fn through_each_kind_of_failure_every_line_arrives_by_few_requests() {
    through_all("stream = \"clicks\"");
}

#[test]
fn through_each_kind_of_failure_aggregated_lines_arrive_in_order_by_few_requests() {
    through_all("stream = \"clicks\"\npartition_key = \"file\"\nordering = \"strict\"\naggregation = true");
}
