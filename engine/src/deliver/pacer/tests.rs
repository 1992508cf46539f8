use super::*;
use std::collections::VecDeque;

/// A service and its client in virtual time.
struct Run {
    /// Records a second that the service takes; a second's worth at once.
    capacity: f64,
    /// Share of records throttled whatever the rate.
    records_at_random: f64,
    /// Share of requests throttled whatever the rate.
    requests_at_random: f64,
    /// The first requests, of which half the records are throttled.
    cold: u32,
    /// Records a second that there are to send.
    demand: f64,
    seconds: u64,
}

const RUN: Run = Run {
    capacity: f64::INFINITY,
    records_at_random: 0.0,
    requests_at_random: 0.0,
    cold: 0,
    demand: f64::INFINITY,
    seconds: 60,
};

#[derive(Debug, Default)]
struct Sent {
    accepted: f64,
    throttled: f64,
}

impl Sent {
    fn refused(&self) -> f64 {
        self.throttled / (self.accepted + self.throttled)
    }
}

impl Run {
    /// Sends requests of up to 500 records, at most 8 at a time, each answered after 20 ms. What is throttled is
    /// sent again. Returns what was answered in the first and in the second half.
    fn go(&self, seed: u64) -> [Sent; 2] {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut pacer = Pacer::of_stream();
        let mut out: VecDeque<(Duration, u64, u64)> = VecDeque::new();
        let (mut bucket, mut waiting, mut number) = (self.capacity.min(1e9), 0.0f64, 0);
        let mut halves = [Sent::default(), Sent::default()];
        for tick in 0..self.seconds * 1000 {
            let now = Duration::from_millis(tick);
            bucket = (bucket + self.capacity / 1000.0).min(self.capacity);
            waiting = (waiting + self.demand / 1000.0).min(1e6);
            while let Some((_, accepted, throttled)) = out.pop_front_if(|(due, ..)| *due <= now) {
                if accepted > 0 {
                    pacer.accepted(accepted, accepted * 100, now);
                }
                if throttled > 0 {
                    pacer.throttled(throttled, throttled * 100, now);
                }
                waiting += throttled as f64;
                let half = &mut halves[usize::from(tick >= self.seconds * 500)];
                half.accepted += accepted as f64;
                half.throttled += throttled as f64;
            }
            while out.len() < 8 && waiting >= 1.0 && pacer.ready_at(now) <= now {
                let records = 500.min(pacer.most(now).0).min(waiting as u64);
                waiting -= records as f64;
                pacer.sent(records, records * 100, now);
                number += 1;
                let accepted = if number <= self.cold {
                    records / 2
                } else if rng.f64() < self.requests_at_random {
                    0
                } else {
                    (0..records).filter(|_| rng.f64() >= self.records_at_random).count() as u64
                };
                let accepted = accepted.min(bucket as u64);
                bucket -= accepted as f64;
                out.push_back((now + Duration::from_millis(20), accepted, records - accepted));
            }
        }
        halves
    }
}

#[test]
fn a_throttling_stream_is_used_well_and_rarely_asked_too_much() {
    for capacity in [1000.0, 8000.0] {
        let [first, second] = Run { capacity, ..RUN }.go(1);
        assert!(first.accepted > 0.85 * 30.0 * capacity, "{capacity}: {first:?}");
        assert!(second.accepted > 0.9 * 30.0 * capacity, "{capacity}: {second:?}");
        assert!(second.refused() < 0.1, "{capacity}: {second:?}");
    }
}

#[test]
fn a_service_whose_other_producers_leave_little_is_found_out() {
    let [first, second] = Run { capacity: 100.0, seconds: 120, ..RUN }.go(1);
    assert!(first.accepted > 0.75 * 60.0 * 100.0, "{first:?}");
    assert!(second.accepted > 0.8 * 60.0 * 100.0, "{second:?}");
    assert!(second.refused() < 0.1, "{second:?}");
}

#[test]
fn throttles_among_the_first_answers_do_not_cripple() {
    let [first, _] = Run { cold: 5, demand: 2000.0, seconds: 20, ..RUN }.go(1);
    assert!(first.accepted > 0.8 * 10.0 * 2000.0, "{first:?}");
}

#[test]
fn throttles_that_slower_sending_does_not_cure_do_not_bring_it_to_a_standstill() {
    for seed in 0..5 {
        let demand = 8000.0;
        let runs = [
            Run { records_at_random: 0.2, demand, seconds: 240, ..RUN },
            Run { requests_at_random: 0.2, demand, seconds: 240, ..RUN },
        ];
        for (index, run) in runs.iter().enumerate() {
            for half in run.go(seed) {
                assert!(half.accepted > 0.5 * 120.0 * demand, "{index}, seed {seed}: {half:?}");
            }
        }
    }
}

#[test]
fn without_throttles_there_is_no_limit() {
    let mut pacer = Pacer::of_shard();
    pacer.sent(500, 1 << 20, Duration::ZERO);
    assert_eq!(pacer.ready_at(Duration::ZERO), Duration::ZERO);
    assert_eq!(pacer.most(Duration::ZERO), (u64::MAX, u64::MAX));
    pacer.accepted(1000, 1, Duration::ZERO);
    assert!(pacer.throttled(1000, 1, Duration::ZERO));
    assert_eq!(pacer.rate(), Some(0.5));
    pacer.accepted(1, 1, Duration::from_secs(61));
    assert_eq!(pacer.rate(), None);
}

#[test]
fn a_stream_whose_shards_are_not_known_is_begun_well() {
    for capacity in [1000.0, 2000.0, 8000.0] {
        let [first, second] = Run { capacity, seconds: 20, ..RUN }.go(1);
        let (accepted, throttled) = (first.accepted + second.accepted, first.throttled + second.throttled);
        assert!(accepted > 0.95 * 21.0 * capacity, "{capacity}: {first:?}");
        assert!(throttled < 0.07 * accepted, "{capacity}: {first:?} {second:?}");
    }
}

#[test]
fn an_outage_does_not_end_below_the_floor() {
    let mut pacer = Pacer::of_stream();
    for second in 0..100 {
        pacer.throttled(500, 500, Duration::from_secs(second));
    }
    assert_eq!(pacer.rate(), Some(FLOOR));
}
