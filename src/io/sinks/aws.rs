//! What Kinesis and Firehose have in common: a request becomes an answer, over the SDK. The SDK keeps credentials,
//! signing and endpoints; it neither builds the body nor reads the answer, and it retries nothing.

mod access;
mod answer;
mod http;
mod protocol;
mod wire;

pub(super) use access::Access;
pub(super) use answer::of as answer_of;
pub(super) use http::CaBundleError;

use super::no_shards;
use aws_config::SdkConfig;
use bytes::Bytes;
use kintail_engine::destination::aws::{failure_of, is_cbor};
use kintail_engine::destination::{Answer, Failure, FailureKind};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use wire::Wire;

/// Credentials that fail are looked for again no oftener than this, so that their sources are left in peace.
const REBUILD_AFTER: Duration = Duration::from_secs(10);

/// What is asked about a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question {
    /// What it is.
    Stream,
    /// Which shards it has.
    Shards,
}

/// A service to which a flow sends.
pub(crate) trait Service: Debug + Send + Sync + 'static {
    /// The SDK's client.
    type Client: Clone + Debug + Send + Sync;

    /// A client.
    fn client(&self, config: &SdkConfig) -> Self::Client;

    /// Sends the body that [`protocol::with_body`] set.
    fn put(&self, client: &Self::Client) -> impl Future<Output = Answer> + Send;

    /// Asks what the stream is, with the body that [`protocol::with_body`] set.
    fn describe(&self, client: &Self::Client) -> impl Future<Output = Answer> + Send;

    /// Asks for the stream's shards with the body that [`protocol::with_body`] set. A service without shards is
    /// never asked.
    fn list_shards(&self, _client: &Self::Client) -> impl Future<Output = Answer> + Send {
        std::future::ready(no_shards())
    }
}

/// The io half of a flow's service.
#[derive(Debug)]
pub(crate) struct Remote<S: Service>(Arc<Inner<S>>);

#[derive(Debug)]
struct Inner<S: Service> {
    service: S,
    access: Access,
    wire: Wire,
    made: Mutex<Option<Made<S::Client>>>,
}

/// A client, and since when it is.
#[derive(Debug)]
struct Made<C> {
    client: C,
    since: Instant,
}

impl<S: Service> Remote<S> {
    /// Nothing is looked up or connected before the first request. Bodies of CBOR go as JSON to an endpoint that takes
    /// no CBOR, if `falls_back`.
    pub(super) fn new(service: S, access: Access, falls_back: bool) -> Self {
        Self(Arc::new(Inner { service, access, wire: Wire::new(falls_back), made: Mutex::new(None) }))
    }

    /// Sends a body in a task of its own.
    pub(super) fn send(&self, body: Bytes, reply: impl FnOnce(Answer) + Send + 'static) {
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move { reply(inner.send(body).await) });
    }

    /// Whose the credentials are, as an ARN.
    pub(super) async fn identity(&self) -> Result<String, Failure> {
        self.0.access.identity().await
    }

    /// Asks about the stream in a task of its own.
    pub(super) fn ask(&self, what: Question, body: Bytes, reply: impl FnOnce(Answer) + Send + 'static) {
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move { reply(inner.ask(what, body).await) });
    }
}

impl<S: Service> Inner<S> {
    async fn ask(&self, what: Question, body: Bytes) -> Answer {
        let client = match self.client().await {
            Ok(client) => client,
            Err(failure) => return Answer::Failed { may_have_arrived: false, failure },
        };
        let asked = async {
            match what {
                Question::Stream => self.service.describe(&client).await,
                Question::Shards => self.service.list_shards(&client).await,
            }
        };
        protocol::with_body(body, asked).await.0
    }

    async fn send(&self, body: Bytes) -> Answer {
        let client = match self.client().await {
            Ok(client) => client,
            Err(failure) => return Answer::Failed { may_have_arrived: false, failure },
        };
        let body = self.wire.dress(body);
        let json = !is_cbor(&body);
        let (answer, host) = protocol::with_body(body, self.service.put(&client)).await;
        self.wire.learn(json, &answer, &host);
        if failure_of(&answer).is_some_and(|failure| failure.kind == FailureKind::Credentials) {
            self.forget().await;
        }
        answer
    }

    /// The client, made if there is none.
    async fn client(&self) -> Result<S::Client, Failure> {
        let mut made = self.made.lock().await;
        if let Some(made) = &*made {
            return Ok(made.client.clone());
        }
        let config = self.access.resolve().await?;
        let client = self.service.client(&config);
        *made = Some(Made { client: client.clone(), since: Instant::now() });
        Ok(client)
    }

    /// The next request looks for credentials from the start, as the SDK reads its files only once.
    async fn forget(&self) {
        let mut made = self.made.lock().await;
        if made.as_ref().is_some_and(|made| made.since.elapsed() >= REBUILD_AFTER) {
            *made = None;
        }
    }
}

#[cfg(test)]
mod tests;
