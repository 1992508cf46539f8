//! The virtual service behind a flow: it takes what it accepts, and answers as the real ones do.

mod wire;

use crate::oracle::{Broken, Located, Oracle};
use crate::plan::draw::chance;
use crate::plan::setup::Rates;
use crate::world::disk::Disk;
use fastrand::Rng;
use kintail_engine::destination::{Answer, Failure, FailureKind};
use kintail_engine::event::Request;
use kintail_engine::settings::{Destination, Flow, Settings, Wire};

/// What the weather is like for a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) rates: Rates,
    pub(crate) outage: bool,
    pub(crate) throttle: bool,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) answer: Answer,
    /// The lines, and whether each was accepted.
    pub(crate) records: Vec<(Located, bool)>,
    /// The engine can tell from the answer which were accepted.
    pub(crate) clear: bool,
}

/// How a request ends.
enum Fate {
    /// Record by record; the share that fails, in thousandths.
    Answered(u32),
    /// Refused as a whole, with this status and code.
    Refused(u16, &'static str),
    /// It never arrived, and the sender may know that.
    Lost { sure: bool },
    /// Accepted, but the answer is lost, or cannot be read.
    AcceptedUnheard,
    /// Accepted, but the answer speaks of another number of records.
    AcceptedGarbled,
}

/// Takes a request, as the weather lets it.
pub(crate) fn take(
    rng: &mut Rng,
    weather: Weather,
    settings: &Settings,
    oracle: &mut Oracle,
    disk: &Disk,
    request: &Request,
) -> Result<Taken, Broken> {
    let index = request.flow.0 as usize;
    let flow = &settings.flows[index];
    let mut records = arrived(settings, oracle, disk, request)?;
    let plain = matches!(flow.destination, Destination::File { .. } | Destination::Stdout);
    let fate = fate(rng, weather, plain);
    let failing = match &fate {
        Fate::Answered(failing) => *failing,
        Fate::AcceptedUnheard | Fate::AcceptedGarbled => 0,
        // A server error may come after some records were stored.
        Fate::Refused(500, _) => 500,
        _ => 1000,
    };
    for record in &mut records {
        record.accepted = !chance(rng, failing);
        if record.accepted {
            record.lines.iter().try_for_each(|line| oracle.accepted(disk, index, *line))?;
        }
    }
    let clear = match &fate {
        Fate::Answered(_) | Fate::Lost { sure: true } => true,
        Fate::Refused(status, _) => {
            *status < 500 || records.iter().all(|record| !record.accepted) && *status == 503
        }
        _ => false,
    };
    let accepted: Vec<bool> = records.iter().map(|record| record.accepted).collect();
    Ok(Taken { answer: answer(rng, flow, &fate, &accepted), records: lines(&records), clear })
}

/// What the service says of a stream's shards, or does not: equal ones, one after the other.
/// Requests are answered as from the first shard, so that some maps do not have it.
pub(crate) fn shards(rng: &mut Rng) -> Answer {
    let http = |status, body: String| Answer::Http {
        status,
        error_type: None,
        clock_offset: Some(0),
        body: body.into_bytes().into(),
    };
    let count = 1 + rng.u128(..4);
    let width = u128::MAX / count;
    let shard = |index: u128| {
        let end = if index + 1 == count { u128::MAX } else { (index + 1) * width - 1 };
        format!(
            "{{\"ShardId\":\"shardId-{index:012}\",\"HashKeyRange\":{{\"StartingHashKey\":\"{}\",\"EndingHashKey\":\"{end}\"}},\
             \"SequenceNumberRange\":{{\"StartingSequenceNumber\":\"1\"}}}}",
            index * width
        )
    };
    let skipped = u128::from(chance(rng, 100));
    let shards: Vec<String> = (skipped..count).map(shard).collect();
    match rng.u32(..8) {
        0 => http(400, "{\"__type\":\"AccessDeniedException\"}".into()),
        1 => http(200, "<html>".into()),
        2 => failed(true),
        _ => http(200, format!("{{\"Shards\":[{}]}}", shards.join(","))),
    }
}

/// A record that arrived.
struct Arrived {
    lines: Vec<Located>,
    accepted: bool,
}

/// What the lines of a request are, none of them accepted yet.
pub(crate) fn records(
    settings: &Settings,
    oracle: &Oracle,
    disk: &Disk,
    request: &Request,
) -> Result<Vec<(Located, bool)>, Broken> {
    Ok(lines(&arrived(settings, oracle, disk, request)?))
}

fn arrived(
    settings: &Settings,
    oracle: &Oracle,
    disk: &Disk,
    request: &Request,
) -> Result<Vec<Arrived>, Broken> {
    let flow = request.flow.0 as usize;
    let locate = |body: wire::Body| match &body.key {
        Some(key) if !oracle.key_fits(flow, key) => {
            Err(Broken::new("partition keys are as configured", format!("{key:?}")))
        }
        _ => {
            let lines = body.lines.iter().map(|line| oracle.locate_all(disk, flow, line, false));
            let lines = lines.collect::<Result<Vec<_>, _>>()?.concat();
            Ok(Arrived { lines, accepted: false })
        }
    };
    wire::decode(&settings.flows[flow], request)?.into_iter().map(locate).collect()
}

/// Each line shares its record's fate.
fn lines(records: &[Arrived]) -> Vec<(Located, bool)> {
    let lines = |record: &Arrived| {
        let accepted = record.accepted;
        record.lines.iter().map(move |line| (*line, accepted)).collect::<Vec<_>>()
    };
    records.iter().flat_map(lines).collect()
}

/// The answer to a request that went silent.
pub(crate) fn silence() -> Answer {
    failed(true)
}

fn failed(may_have_arrived: bool) -> Answer {
    let failure = Failure::new(FailureKind::Transient, "Timeout", "no answer");
    Answer::Failed { may_have_arrived, failure }
}

fn fate(rng: &mut Rng, weather: Weather, plain: bool) -> Fate {
    let Weather { rates, outage, throttle } = weather;
    if outage || chance(rng, rates.lost) {
        return match rng.u32(..3) {
            0 if !outage => Fate::AcceptedUnheard,
            1 if !plain => Fate::Lost { sure: false },
            _ => Fate::Lost { sure: true },
        };
    }
    if plain {
        return if throttle || chance(rng, rates.request) {
            Fate::Lost { sure: true }
        } else {
            Fate::Answered(0)
        };
    }
    if chance(rng, rates.garbled) {
        return Fate::AcceptedGarbled;
    }
    if throttle && rng.bool() {
        return Fate::Refused(400, "ProvisionedThroughputExceededException");
    }
    if chance(rng, rates.request) {
        return match rng.u32(..5) {
            0 => Fate::Refused(500, "InternalFailure"),
            1 => Fate::Refused(503, "ServiceUnavailableException"),
            2 => Fate::Refused(400, "ExpiredTokenException"),
            3 => Fate::Refused(400, "AccessDeniedException"),
            _ => Fate::Refused(400, "ThrottlingException"),
        };
    }
    Fate::Answered(if throttle { 700 } else { rates.record })
}

fn answer(rng: &mut Rng, flow: &Flow, fate: &Fate, records: &[bool]) -> Answer {
    if let Fate::Lost { sure } = fate {
        return failed(!sure);
    }
    if matches!(fate, Fate::AcceptedUnheard) {
        return failed(true);
    }
    if matches!(flow.destination, Destination::File { .. } | Destination::Stdout) {
        return Answer::Written;
    }
    // The service may answer in another encoding than it was asked in; here by what no draw decides.
    let cbor = flow.wire != Wire::Json && records.len() % 4 != 3;
    let (status, error_type, body) = match fate {
        Fate::Refused(status, code) => {
            let body = format!("{{\"__type\":\"com.amazonaws#{code}\",\"message\":\"no\"}}");
            (*status, rng.bool().then(|| (*code).to_string()), body.into_bytes())
        }
        Fate::AcceptedGarbled if rng.bool() => (200, None, "<html>busy</html>".into()),
        Fate::AcceptedGarbled => (200, None, wire::entries(flow, &records[1..], cbor)),
        _ => (200, None, wire::entries(flow, records, cbor)),
    };
    Answer::Http { status, error_type, clock_offset: Some(0), body: body.into() }
}
