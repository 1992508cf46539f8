use super::*;
use crate::partition::{KeyRule, hash_key};
use bytes::Bytes;

const MS: Duration = Duration::from_millis(1);

/// A page of shards with these first hash keys, of which each ends before the next.
fn page(starts: &[u128], end: u128, token: Option<&str>) -> Answer {
    let shards: Vec<_> = (0..)
        .zip(starts)
        .map(|(index, start): (usize, _)| {
            let end = starts.get(index + 1).map_or(end, |next| next - 1);
            serde_json::json!({
                "ShardId": format!("shardId-{start}"),
                "HashKeyRange": { "StartingHashKey": start.to_string(), "EndingHashKey": end.to_string() },
                "SequenceNumberRange": { "StartingSequenceNumber": "1" },
            })
        })
        .collect();
    let body = serde_json::json!({ "Shards": shards, "NextToken": token }).to_string();
    Answer::Http { status: 200, error_type: None, clock_offset: None, body: Bytes::from(body) }
}

/// Shards of equal width that are known from the start.
fn known(count: u128, rng: &mut fastrand::Rng) -> Shards {
    let mut shards = Shards::new(true);
    assert_eq!(shards.ask(Duration::ZERO), Some(None));
    let starts: Vec<u128> = (0..count).map(|index| index * (u128::MAX / count + 1)).collect();
    shards.listed(Some(&page(&starts, u128::MAX, None)), Duration::ZERO, rng).unwrap();
    assert!(shards.are_known());
    shards
}

fn throttle() -> Failure {
    Failure::new(FailureKind::Throttled, "ProvisionedThroughputExceededException", "slower")
}

/// A service's shards: what is left of the second's worth that each takes.
struct Service {
    rates: Vec<f64>,
    left: Vec<f64>,
    accepted: Vec<u64>,
    refused: u64,
    /// Of records that are refused whatever the rate.
    at_random: f64,
}

impl Service {
    fn new(rates: &[f64]) -> Self {
        let accepted = vec![0; rates.len()];
        Self { rates: rates.to_vec(), left: rates.to_vec(), accepted, refused: 0, at_random: 0.0 }
    }

    /// Which records are refused.
    fn take(&mut self, targets: &Targets, rng: &mut fastrand::Rng) -> Vec<(u32, Failure)> {
        let mut failures = Vec::new();
        for (index, shard) in (0..).zip(&targets.shards) {
            let shard = *shard as usize;
            if self.left[shard] >= 1.0 && rng.f64() >= self.at_random {
                self.left[shard] -= 1.0;
                self.accepted[shard] += 1;
            } else {
                self.refused += 1;
                failures.push((index, throttle()));
            }
        }
        failures
    }
}

/// Lets senders without end of records at a service, for so many seconds. Answers take five milliseconds.
fn run(senders: &mut [Shards], service: &mut Service, seconds: u32, rng: &mut fastrand::Rng) {
    /// When an answer comes, to which sender, and what it says.
    type Answer = (Duration, usize, Targets, Vec<(u32, Failure)>);
    let mut out: Vec<Answer> = Vec::new();
    for tick in 0..seconds * 1000 {
        let now = MS * tick;
        for (left, rate) in service.left.iter_mut().zip(&service.rates) {
            *left = (*left + rate / 1000.0).min(*rate);
        }
        let (come, later) = out.into_iter().partition(|(at, ..)| *at <= now);
        out = later;
        for (_, sender, targets, failures) in come {
            senders[sender].answered(&targets, &failures, 100, now, rng);
        }
        for (index, sender) in senders.iter_mut().enumerate() {
            if sender.ready_at(now).is_some_and(|ready| ready <= now) {
                let mut targets = sender.targets();
                let records = sender.most(now).0.min(500) as usize;
                sender.spread(&mut targets, records, 100, now);
                let failures = service.take(&targets, rng);
                out.push((now + 5 * MS, index, targets, failures));
            }
        }
    }
}

#[test]
fn two_shards_are_used_to_their_limits_and_hardly_refuse() {
    let mut rng = fastrand::Rng::with_seed(1);
    let mut service = Service::new(&[1000.0, 1000.0]);
    run(&mut [known(2, &mut rng)], &mut service, 10, &mut rng);
    let accepted: u64 = service.accepted.iter().sum();
    assert!(accepted as f64 >= 0.95 * 22_000.0, "{accepted} accepted");
    assert!((service.refused as f64) < 0.02 * accepted as f64, "{} refused", service.refused);
}

#[test]
fn a_shard_that_throttles_slows_only_its_own_records() {
    let mut rng = fastrand::Rng::with_seed(2);
    let mut service = Service::new(&[1000.0, 100.0, 1000.0, 1000.0]);
    run(&mut [known(4, &mut rng)], &mut service, 10, &mut rng);
    for shard in [0, 2, 3] {
        assert!(service.accepted[shard] >= 10_000, "{:?}", service.accepted);
    }
    let sent: u64 = service.accepted.iter().sum::<u64>() + service.refused;
    assert!((service.refused as f64) < 0.1 * sent as f64, "{} of {sent} refused", service.refused);
}

#[test]
fn five_agents_that_begin_together_share_two_shards() {
    for seed in 0..5 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut service = Service::new(&[1000.0, 1000.0]);
        let mut agents: Vec<Shards> = (0..5).map(|_| known(2, &mut rng)).collect();
        run(&mut agents, &mut service, 15, &mut rng);
        let accepted: u64 = service.accepted.iter().sum();
        assert!(accepted >= 20_000, "{accepted} accepted, seed {seed}");
        assert!(
            (service.refused as f64) < 0.05 * accepted as f64,
            "{} of {accepted}, seed {seed}",
            service.refused
        );
    }
}

#[test]
fn throttles_at_random_do_not_halve_what_shards_take() {
    for seed in 0..5 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut service = Service::new(&[1e9, 1e9]);
        service.at_random = 0.2;
        run(&mut [known(2, &mut rng)], &mut service, 20, &mut rng);
        let accepted: u64 = service.accepted.iter().sum();
        assert!(accepted as f64 >= 0.6 * 40_000.0, "{:?}, seed {seed}", service.accepted);
    }
}

#[test]
fn keys_are_drawn_for_the_shard_that_has_room() {
    let mut rng = fastrand::Rng::with_seed(3);
    // One of these shards has a hundredth of the keys; uniform keys would starve it.
    let small = u128::MAX / 100;
    let mut shards = Shards::new(true);
    shards.ask(Duration::ZERO);
    shards.listed(Some(&page(&[0, small], u128::MAX, None)), Duration::ZERO, &mut rng).unwrap();
    let mut targets = shards.targets();
    let ranges = shards.spread(&mut targets, 100, 100, Duration::ZERO);
    let mut scratch = String::new();
    let hashes = ranges.iter().map(|range| {
        let key = KeyRule::Random.key_in(Some(range), b"", &mut rng, &mut scratch);
        assert_eq!(key.len(), 16);
        hash_key(key)
    });
    let first = hashes.filter(|hash| *hash < small).count();
    assert!((45..=55).contains(&first), "{first} of 100 in the small shard");
}

#[test]
fn a_map_of_several_pages_is_whole_only_with_the_last() {
    let mut rng = fastrand::Rng::with_seed(4);
    let mut shards = Shards::new(true);
    assert_eq!(shards.ask(Duration::ZERO), Some(None));
    assert_eq!(shards.ask(Duration::ZERO), None, "one listing at a time");
    shards.listed(Some(&page(&[0], 99, Some("more"))), Duration::ZERO, &mut rng).unwrap();
    assert!(!shards.are_known());
    assert_eq!(shards.ask(Duration::ZERO), Some(Some("more".into())));
    shards.listed(Some(&page(&[100], u128::MAX, None)), Duration::ZERO, &mut rng).unwrap();
    assert!(shards.are_known());
    let due = shards.listing_due().unwrap();
    assert!((EACH..=2 * EACH).contains(&due), "{due:?}");
}

#[test]
fn a_map_with_a_gap_is_not_believed_and_asked_for_again() {
    let mut rng = fastrand::Rng::with_seed(5);
    for answer in [page(&[1, 100], u128::MAX, None), page(&[0, 100], 1000, None)] {
        let mut shards = Shards::new(true);
        shards.ask(Duration::ZERO);
        shards.listed(Some(&answer), Duration::ZERO, &mut rng).unwrap_err();
        assert!(!shards.are_known() && shards.ready_at(Duration::ZERO).is_none());
        assert!(shards.listing_due().unwrap() <= 2 * AGAIN);
    }
}

#[test]
fn a_shard_that_is_not_on_the_map_has_the_map_renewed() {
    let mut rng = fastrand::Rng::with_seed(6);
    let mut shards = known(2, &mut rng);
    let now = Duration::from_mins(1);
    shards.named("shardId-0", now, &mut rng);
    assert!(shards.listing_due().unwrap() >= EACH);
    shards.named("shardId-7", now, &mut rng);
    assert!(shards.listing_due().unwrap() <= now + SOON);
    assert_eq!(shards.ask(now + SOON), Some(None));
    // Split: what stays goes on, answers of before say nothing of the others.
    let before = shards.targets();
    let half = u128::MAX / 2 + 1;
    shards.listed(Some(&page(&[0, half / 2, half], u128::MAX, None)), now, &mut rng).unwrap();
    assert_ne!(before.map, shards.targets().map);
    assert_eq!(shards.open.len(), 3);
}
