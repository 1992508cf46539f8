//! The io half of Kinesis Data Streams.

use super::aws::{Service, answer_of};
use aws_config::SdkConfig;
use aws_sdk_kinesis::Client;
use kintail_engine::destination::Answer;

/// A stream.
#[derive(Debug)]
pub(crate) struct Kinesis {
    /// Its ARN, where it was given: the SDK derives the account's endpoint from it.
    pub(super) arn: Option<String>,
}

impl Service for Kinesis {
    type Client = Client;

    fn client(&self, config: &SdkConfig) -> Client {
        Client::new(config)
    }

    async fn put(&self, client: &Client) -> Answer {
        answer_of(client.put_records().set_stream_arn(self.arn.clone()).send().await).await
    }

    async fn describe(&self, client: &Client) -> Answer {
        answer_of(client.describe_stream_summary().set_stream_arn(self.arn.clone()).send().await).await
    }

    async fn list_shards(&self, client: &Client) -> Answer {
        answer_of(client.list_shards().set_stream_arn(self.arn.clone()).send().await).await
    }
}
