//! Asking real servers what they hold, with the SDK and its own protocol.

use super::servers::Server;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kinesis::types::ShardIteratorType;
use serde_json::Value;
use tokio::runtime::Runtime;

/// A client of a server's Kinesis.
pub(crate) struct Kinesis<'a> {
    server: &'a Server,
    client: aws_sdk_kinesis::Client,
    runtime: Runtime,
}

impl<'a> Kinesis<'a> {
    /// Connects to a server.
    pub(crate) fn of(server: &'a Server) -> Self {
        let config = aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("AKID", "secret", None, None, "tests"))
            .endpoint_url(&server.url);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { server, client: aws_sdk_kinesis::Client::from_conf(config.build()), runtime }
    }

    /// Makes a stream, and waits until it is there.
    pub(crate) fn create(&self, stream: &str, shards: i32) {
        let create = self.client.create_stream().stream_name(stream).shard_count(shards).send();
        self.runtime.block_on(create).expect("a stream");
        let is_active = || {
            let summary = self.client.describe_stream_summary().stream_name(stream).send();
            let summary = self.runtime.block_on(summary).expect("a summary").stream_description_summary;
            summary.is_some_and(|summary| summary.stream_status.as_str() == "ACTIVE")
        };
        while !is_active() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// All records of a stream as (shard, partition key, data), each shard in order.
    pub(crate) fn records(&self, stream: &str) -> Vec<(String, String, Vec<u8>)> {
        self.runtime.block_on(self.read(stream)).expect("the stream's records")
    }

    async fn read(&self, stream: &str) -> Result<Vec<(String, String, Vec<u8>)>, aws_sdk_kinesis::Error> {
        let mut records = Vec::new();
        let shards = self.client.list_shards().stream_name(stream).send().await?;
        for shard in shards.shards() {
            let iterator = self.client.get_shard_iterator().stream_name(stream).shard_id(shard.shard_id());
            let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await?;
            let mut next = iterator.shard_iterator.unwrap_or_default();
            loop {
                let got = self.get(&next);
                let found = got["Records"].as_array().expect("records");
                if found.is_empty() {
                    break;
                }
                records.extend(found.iter().map(|record| {
                    let key = record["PartitionKey"].as_str().unwrap_or_default();
                    (shard.shard_id().to_owned(), key.to_owned(), bytes(&record["Data"]))
                }));
                got["NextShardIterator"].as_str().unwrap_or_default().clone_into(&mut next);
            }
        }
        Ok(records)
    }

    /// `GetRecords` without the SDK, which cannot read what kinesalite makes of CBOR.
    fn get(&self, iterator: &str) -> Value {
        let body = serde_json::json!({ "ShardIterator": iterator, "Limit": 10_000 });
        let headers = [
            ("x-amz-target", "Kinesis_20131202.GetRecords"),
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-date", "20260101T000000Z"),
            ("authorization", &authorization("kinesis")),
        ];
        let got = self.server.http("POST", "/", &headers, &body.to_string());
        serde_json::from_slice(&got).expect("JSON")
    }
}

/// A record's bytes: in base64, or, of one that came to kinesalite as CBOR, number by number.
fn bytes(data: &Value) -> Vec<u8> {
    if let Some(text) = data.as_str() {
        return base64_simd::STANDARD.decode_to_vec(text).expect("base64");
    }
    let bytes = data["data"].as_array().expect("bytes").iter();
    bytes.map(|byte| byte.as_u64().expect("a byte") as u8).collect()
}

/// A delivery stream of moto's and the bucket behind it.
pub(crate) struct Delivery<'a> {
    server: &'a Server,
    bucket: &'static str,
}

impl<'a> Delivery<'a> {
    /// Makes both.
    pub(crate) fn create(server: &'a Server, name: &str) -> Self {
        let bucket = "logs";
        server.http("PUT", &format!("/{bucket}"), &[("authorization", &authorization("s3"))], "");
        let body = serde_json::json!({
            "DeliveryStreamName": name,
            "ExtendedS3DestinationConfiguration": {
                "RoleARN": "arn:aws:iam::123456789012:role/firehose",
                "BucketARN": format!("arn:aws:s3:::{bucket}"),
            },
        });
        let headers = [
            ("x-amz-target", "Firehose_20150804.CreateDeliveryStream"),
            ("content-type", "application/x-amz-json-1.1"),
            ("authorization", &authorization("firehose")),
        ];
        server.http("POST", "/", &headers, &body.to_string());
        Self { server, bucket }
    }

    /// The bytes of all objects, one object after the other by name.
    pub(crate) fn objects(&self) -> Vec<u8> {
        let auth = [("authorization", &*authorization("s3"))];
        let (mut bytes, mut after) = (Vec::new(), String::new());
        loop {
            let list = format!("/{}?list-type=2&start-after={after}", self.bucket);
            let list = String::from_utf8(self.server.http("GET", &list, &auth, "")).expect("text");
            let keys: Vec<&str> =
                list.split("<Key>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
            for key in &keys {
                bytes.extend(self.server.http("GET", &format!("/{}/{key}", self.bucket), &auth, ""));
            }
            match keys.last() {
                Some(key) => (*key).clone_into(&mut after),
                None => return bytes,
            }
        }
    }
}

/// What moto tells its services apart by.
fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}
