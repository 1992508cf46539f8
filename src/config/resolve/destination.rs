//! A flow's destination: exactly one, with a name that its service can have.

use super::Resolver;
use crate::config::diagnostic::Spot;
use crate::config::section::Section;
use kintail_engine::settings::{Destination, KIB, MIB};

const KEYS: [&str; 5] = ["stream", "delivery_stream", "topic", "file", "stdout"];
const ONE: &str = "give exactly one of stream, delivery_stream, topic, file, stdout = true";

/// The most that a destination takes.
pub(super) struct Most {
    pub(super) name: &'static str,
    pub(super) records: u32,
    /// In a batch.
    pub(super) bytes: u64,
    pub(super) record: u64,
}

/// AWS: `PutRecords` takes 500 records and 10 MiB (5 MiB before late 2025, and in emulators), a record up to 10 MiB
/// where the stream allows it; `PutRecordBatch` 500 records, 4 MiB (3 MiB before base64), a record 1,000 KiB.
pub(super) fn most(destination: &Destination) -> Most {
    match destination {
        Destination::Kinesis { .. } => {
            Most { name: "a stream", records: 500, bytes: 5 * MIB, record: 10 * MIB }
        }
        Destination::Firehose { .. } => {
            Most { name: "a delivery stream", records: 500, bytes: 3 * MIB, record: 1000 * KIB }
        }
        Destination::File { .. } => {
            Most { name: "a file", records: 10_000, bytes: 8 * MIB, record: 10 * MIB }
        }
        Destination::Stdout => Most { name: "stdout", records: 10_000, bytes: 8 * MIB, record: 10 * MIB },
    }
}

/// The parts of a stream's ARN that matter.
struct Arn<'a> {
    region: &'a str,
    name: &'a str,
}

/// `arn:PARTITION:kinesis:REGION:ACCOUNT:stream/NAME`.
fn stream_arn(text: &str) -> Option<Arn<'_>> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, "kinesis", region, account, resource]
            if partition.starts_with("aws")
                && !region.is_empty()
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            Some(Arn { region, name: resource.strip_prefix("stream/")? })
        }
        _ => None,
    }
}

/// AWS: letters, digits, `_`, `.` and `-`; up to 128 characters in a stream's name, 64 in a delivery stream's.
fn is_name(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

impl Resolver<'_> {
    /// `None` when an error was noted.
    pub(super) fn destination(&mut self, section: &Section) -> Option<Destination> {
        match self.given(section)? {
            "stream" => self.stream(section),
            "delivery_stream" => self.delivery_stream(section),
            "file" => self.file(section),
            "stdout" => Some(Destination::Stdout),
            // A topic; noted as not in this version.
            _ => None,
        }
    }

    fn given(&mut self, section: &Section) -> Option<&'static str> {
        let given = |key: &&str| section.written(key).is_some() && (*key != "stdout" || section.is(key));
        let mut keys: Vec<(Spot, &str)> = KEYS
            .into_iter()
            .filter(given)
            .filter_map(|key| section.written(key).map(|places| (places.key.clone(), key)))
            .collect();
        keys.sort();
        let mut keys = keys.into_iter();
        let Some((first, key)) = keys.next() else {
            if !section.faulty("stdout") {
                self.errors.push(section.spot.clone(), "a flow needs a destination", ONE);
            }
            return None;
        };
        for (spot, _) in keys {
            let also = (first.clone(), "the first one");
            self.errors.push_pair(spot, "a second destination of the same flow", also, ONE);
        }
        Some(key)
    }

    fn stream(&mut self, section: &Section) -> Option<Destination> {
        if section.faulty("stream") {
            return None;
        }
        let stream = section.text("stream").unwrap_or_default();
        let name =
            if stream.starts_with("arn:") { stream_arn(stream).map(|arn| arn.name) } else { Some(stream) };
        if !name.is_some_and(|name| is_name(name, 128)) {
            let help = "give its name (letters, digits, _ . -, at most 128), \
                        or arn:aws:kinesis:REGION:ACCOUNT:stream/NAME";
            self.errors.push(section.spot("stream"), "not a stream's name or ARN", help);
            return None;
        }
        Some(Destination::Kinesis { stream: stream.to_owned() })
    }

    fn delivery_stream(&mut self, section: &Section) -> Option<Destination> {
        if section.faulty("delivery_stream") {
            return None;
        }
        let name = section.text("delivery_stream").unwrap_or_default();
        if !is_name(name, 64) {
            let help = if name.starts_with("arn:") {
                "Firehose takes names only: what follows deliverystream/"
            } else {
                "letters, digits, _ . -, at most 64"
            };
            self.errors.push(section.spot("delivery_stream"), "not a delivery stream's name", help);
            return None;
        }
        Some(Destination::Firehose { delivery_stream: name.to_owned() })
    }

    fn file(&mut self, section: &Section) -> Option<Destination> {
        if section.faulty("file") {
            return None;
        }
        let file = section.table("file");
        let Some(path) = file.text("path").filter(|path| !path.ends_with('/')) else {
            if !file.faulty("path") {
                self.errors.push(
                    file.spot("path"),
                    "a destination file needs its path",
                    "write path = \"/…\"",
                );
            }
            return None;
        };
        Some(Destination::File {
            path: self.base.path(path),
            rotate: file.size("rotate").unwrap_or_default(),
            keep: file.count("keep") as u32,
        })
    }

    /// The region that the flow itself names, in its ARN or beside it.
    pub(super) fn flow_region(&mut self, section: &Section) -> Option<String> {
        let region = self.region(section);
        let Some(arn) = section.text("stream").and_then(stream_arn) else {
            return region;
        };
        if region.as_deref().is_some_and(|region| region != arn.region) {
            let also = (section.spot("stream"), "another region here");
            let help = "leave `region` out: the ARN names it";
            self.errors.push_pair(section.spot("region"), "the region is not the one of the ARN", also, help);
        }
        Some(arn.region.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kintail_engine::destination::for_flow;
    use kintail_engine::settings::Flow;

    #[test]
    fn arns_of_every_partition_are_read() {
        for partition in ["aws", "aws-cn", "aws-us-gov", "aws-iso-b"] {
            let text = format!("arn:{partition}:kinesis:x-1:123456789012:stream/a.b");
            let arn = stream_arn(&text).expect("an ARN");
            assert_eq!((arn.region, arn.name), ("x-1", "a.b"));
        }
        assert!(stream_arn("arn:aws:firehose:x-1:123456789012:deliverystream/a").is_none());
        assert!(stream_arn("arn:aws:kinesis:x-1:123:stream/a").is_none());
    }

    #[test]
    fn no_destination_takes_less_than_is_allowed_here() {
        let destinations = [
            Destination::Kinesis { stream: "s".into() },
            Destination::Firehose { delivery_stream: "s".into() },
            Destination::File { path: "/x".into(), rotate: 1, keep: 1 },
            Destination::Stdout,
        ];
        for destination in destinations {
            let most = most(&destination);
            let limits = for_flow(&Flow::new("x", Vec::new(), destination)).limits();
            assert!(most.records <= limits.records && most.bytes <= limits.bytes, "{} {limits:?}", most.name);
        }
    }
}
