//! A flow: what the engine is told of it, and what io needs.

use super::Resolver;
use super::destination::most;
use crate::config::section::Section;
use crate::config::units::format_size;
use crate::config::{Aws, FlowIo};
use kintail_engine::settings::{
    Batch, Destination, Flow, FoundBy, Line, MaxRate, Newline, Oversize, Pacing, PartitionKey, Retry,
    StartAt, Wire,
};

/// AWS: a partition key has at most so many characters (`PutRecordsRequestEntry`).
const KEY_CHARS: usize = 256;

impl Resolver<'_> {
    pub(super) fn flow(&mut self, section: &Section) -> Flow {
        // Without a destination an error is noted already; stdout has the widest limits.
        let destination = self.destination(section).unwrap_or(Destination::Stdout);
        let largest = most(&destination).record;
        let unwritten = section.written("max_record").is_none();
        let max_record = section.size("max_record").unwrap_or_default();
        let strict = self.is_strict(section, &destination);
        let aggregation = self.aggregation(section, &destination, strict);
        let flow = Flow {
            name: self.name(section),
            files: self.globs(section, "files"),
            exclude: self.globs(section, "exclude"),
            archives: self.globs(section, "archives"),
            compressed: section.is("compressed"),
            start_at: match section.word("start_at") {
                "end" => StartAt::End,
                _ => StartAt::Beginning,
            },
            close_after: section.time("close_after").unwrap_or_default(),
            identity: match section.word("identity") {
                "content" => FoundBy::Content,
                _ => FoundBy::Inode,
            },
            ignore_older: section.time("ignore_older"),
            partition_key: self.partition_key(section, strict),
            strict,
            aggregation,
            max_record: if unwritten { max_record.min(largest) } else { max_record },
            pacing: match section.word("pacing") {
                "adaptive" => Pacing::Adaptive,
                "off" => Pacing::Off,
                _ => Pacing::Auto,
            },
            max_rate: max_rate(section),
            wire: match section.word("wire") {
                "cbor" => Wire::Cbor,
                "json" => Wire::Json,
                _ => Wire::Auto,
            },
            newline: match section.word("newline") {
                "strip" => Newline::Strip,
                _ => Newline::Keep,
            },
            batch: batch(section, &destination, aggregation.is_some()),
            retry: self.retry(section),
            line: line(section),
            multiline: self.multiline(section),
            process: self.process(section),
            destination,
        };
        self.limits(section, &flow);
        flow
    }

    pub(super) fn flow_io(&mut self, section: &Section, aws: &Aws) -> FlowIo {
        let service = if section.written("delivery_stream").is_some() {
            &aws.endpoints.firehose
        } else {
            &aws.endpoints.kinesis
        };
        FlowIo {
            region: self.flow_region(section).or_else(|| aws.region.clone()),
            endpoint: self.url(section, "endpoint").or_else(|| service.clone()),
            assume_role: self.assume_role(section).or_else(|| aws.assume_role.clone()),
        }
    }

    /// Empty if there is none: that is judged when all flows are known.
    fn name(&mut self, section: &Section) -> String {
        let name = section.text("name").unwrap_or_default();
        if name.len() > 128 || name.contains(char::is_control) {
            let help = "at most 128 bytes, no control characters";
            self.errors.push(section.spot("name"), "not a flow's name", help);
        }
        name.to_owned()
    }

    fn globs(&mut self, section: &Section, name: &str) -> Vec<String> {
        let texts = section.texts(name);
        if name == "files" && texts.is_empty() && !section.faulty(name) {
            self.errors.push(section.spot(name), "a flow needs files", "write files = [\"/var/log/*.log\"]");
        }
        let mut globs = Vec::new();
        for (text, spot) in texts {
            let glob = if name == "exclude" { self.base.exclude(text) } else { self.base.glob(text) };
            match glob {
                Ok(glob) => globs.push(glob),
                Err(fault) => {
                    let help = "*, ?, [a-z], {a,b} and ** are known; \\ takes their meaning away";
                    self.errors.push(spot.clone(), fault.to_string(), help);
                }
            }
        }
        globs
    }

    /// Whether each file's lines are to be delivered in their order. Files and pipes are always written so.
    fn is_strict(&mut self, section: &Section, destination: &Destination) -> bool {
        let strict = section.word("ordering") == "strict";
        if strict && matches!(destination, Destination::Firehose { .. }) {
            let help = "Firehose promises no order: leave it out, or send to a stream";
            self.errors.push(section.spot("ordering"), "a delivery stream keeps no order", help);
        }
        let key = section.written("partition_key").and(section.text("partition_key")).unwrap_or_default();
        if strict && matches!(key, "random" | "hash") {
            let help = "a file's lines keep their order only under one key: file, const:TEXT or field:NAME";
            let also = (section.spot("partition_key"), "spreads a file's lines over all shards");
            self.errors.push_pair(section.spot("ordering"), "`ordering` needs keys that keep it", also, help);
        }
        strict
    }

    fn partition_key(&mut self, section: &Section, strict: bool) -> PartitionKey {
        if strict && section.written("partition_key").is_none() {
            return PartitionKey::File;
        }
        let text = section.text("partition_key").unwrap_or_default();
        let (title, help) = match (text, text.split_once(':')) {
            ("random", _) => return PartitionKey::Random,
            ("file", _) => return PartitionKey::File,
            ("hash", _) => return PartitionKey::Hash,
            (_, Some(("field", name))) if !name.is_empty() => return PartitionKey::Field(name.to_owned()),
            (_, Some(("const", key))) if (1..=KEY_CHARS).contains(&key.chars().count()) => {
                return PartitionKey::Const(key.to_owned());
            }
            (_, Some(("const", _))) => ("not a partition key's length", "from 1 to 256 characters"),
            _ => ("not a partition key", "write random, file, hash, field:NAME or const:TEXT"),
        };
        self.errors.push(section.spot("partition_key"), title, help);
        PartitionKey::Random
    }

    /// How large records of several lines get, where lines are to share records.
    fn aggregation(&mut self, section: &Section, destination: &Destination, strict: bool) -> Option<u64> {
        let key = section.text("partition_key").unwrap_or_default();
        let unwritten = section.written("aggregation").is_none();
        if strict
            && unwritten
            && !key.starts_with("field:")
            && matches!(destination, Destination::Kinesis { .. })
        {
            return section.size("aggregate_bytes");
        }
        if !section.is("aggregation") {
            return None;
        }
        match destination {
            Destination::File { .. } | Destination::Stdout => {
                let help = "files and stdout are lines one after the other as they are: leave it out";
                let spot = section.spot("aggregation");
                self.errors.push(spot, "`aggregation` is for streams and delivery streams", help);
            }
            Destination::Kinesis { .. } if key == "hash" || key.starts_with("field:") => {
                let help = "lines share a record only if they share its key: random, file or const:TEXT";
                let also = (section.spot("partition_key"), "a key of its own for each line");
                let title = "`aggregation` needs keys that lines share";
                self.errors.push_pair(section.spot("aggregation"), title, also, help);
            }
            _ => return section.size("aggregate_bytes"),
        }
        None
    }

    fn retry(&mut self, section: &Section) -> Retry {
        let section = section.table("retry");
        let retry = Retry {
            initial: section.time("initial").unwrap_or_default(),
            max: section.time("max").unwrap_or_default(),
            give_up: section.time("give_up"),
        };
        if retry.initial > retry.max {
            let spot =
                section.written("initial").map_or_else(|| section.spot("max"), |places| places.value.clone());
            self.errors.push(spot, "`initial` is longer than `max`", "raise `max` or lower `initial`");
        }
        retry
    }

    /// What a destination cannot take.
    fn limits(&mut self, section: &Section, flow: &Flow) {
        let most = most(&flow.destination);
        if flow.max_record > most.record {
            let help = format!("at most {} to {}", format_size(most.record), most.name);
            self.errors.push(
                section.spot("max_record"),
                "`max_record` is over the destination's limit",
                help,
            );
        }
        let batch = section.table("batch");
        if flow.batch.max_records > most.records {
            let help = format!("at most {} to {}", most.records, most.name);
            self.errors.push(
                batch.spot("max_records"),
                "`max_records` is over the destination's limit",
                help,
            );
        }
        if flow.batch.max_bytes > most.bytes {
            let help = format!("at most {} to {}", format_size(most.bytes), most.name);
            self.errors.push(batch.spot("max_bytes"), "`max_bytes` is over the destination's limit", help);
        }
    }
}

fn batch(section: &Section, destination: &Destination, aggregated: bool) -> Batch {
    let section = section.table("batch");
    let max_age = match section.written("max_age") {
        Some(_) => section.time("max_age").unwrap_or_default(),
        None => destination.default_batch(aggregated).max_age,
    };
    let max_bytes = section.size("max_bytes").unwrap_or_default();
    Batch { max_records: section.count("max_records") as u32, max_bytes, max_age }
}

fn max_rate(section: &Section) -> MaxRate {
    let section = section.table("max_rate");
    let given = |name: &str| section.written(name).as_ref().is_some_and(|_| !section.faulty(name));
    MaxRate {
        bytes: given("bytes").then(|| section.size("bytes")).flatten(),
        records: given("records").then(|| section.count("records")),
    }
}

fn line(section: &Section) -> Line {
    let section = section.table("line");
    Line {
        max_bytes: section.size("max_bytes").unwrap_or_default(),
        oversize: match section.word("oversize") {
            "truncate" => Oversize::Truncate,
            "drop" => Oversize::Drop,
            "dead_letter" => Oversize::DeadLetter,
            _ => Oversize::Split,
        },
        skip_header: section.count("skip_header") as u32,
    }
}
