//! The io half of Firehose.

use super::aws::{Service, answer_of};
use aws_config::SdkConfig;
use aws_sdk_firehose::Client;
use kintail_engine::destination::Answer;

/// A delivery stream; the body names it.
#[derive(Debug)]
pub(crate) struct Firehose;

impl Service for Firehose {
    type Client = Client;

    fn client(&self, config: &SdkConfig) -> Client {
        Client::new(config)
    }

    async fn describe(&self, client: &Client) -> Answer {
        answer_of(client.describe_delivery_stream().send().await).await
    }

    async fn put(&self, client: &Client) -> Answer {
        answer_of(client.put_record_batch().send().await).await
    }
}
