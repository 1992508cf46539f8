//! The SDK's hook for a protocol of one's own: bodies come ready from the engine, answers go to it as they came.

use super::http;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::http::{Request, Response};
use aws_smithy_schema::protocol::{ClientProtocolInner, ServiceShapeName, apply_http_endpoint};
use aws_smithy_schema::serde::{SerdeError, SerializableStruct, ShapeDeserializer};
use aws_smithy_schema::{Schema, ShapeId, shape_id};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::endpoint::Endpoint;
use aws_smithy_types::error::metadata::Builder as ErrorMetadata;
use bytes::Bytes;
use kintail_engine::destination::aws::is_cbor;
use std::cell::OnceCell;

const JSON: &str = "application/x-amz-json-1.1";
const CBOR: &str = "application/x-amz-cbor-1.1";

static ID: ShapeId<'static> = shape_id!("aws.protocols", "awsJson1_1");

/// A request that is sent.
struct Ready {
    body: Bytes,
    /// Where the SDK sends it.
    host: OnceCell<String>,
}

tokio::task_local! {
    /// The request that this task sends: the SDK calls the protocol from the same task.
    static READY: Ready;
}

/// Runs a call of the SDK whose request has this body. Returns the host as well, empty if it never got so far.
pub(super) async fn with_body<F: Future>(body: Bytes, call: F) -> (F::Output, String) {
    let told = async {
        let output = call.await;
        (output, READY.with(|ready| ready.host.get().cloned().unwrap_or_default()))
    };
    READY.scope(Ready { body, host: OnceCell::new() }, told).await
}

/// AWS JSON 1.1, or the same as CBOR, with bodies that are ready. It leaves every answer unread, which the SDK takes for an error with
/// the raw response in it.
#[derive(Debug)]
pub(in crate::io::sinks) struct ReadyBody;

/// Why the SDK gets no output.
fn unread() -> SerdeError {
    SerdeError::custom("the engine reads the answer")
}

impl ClientProtocolInner for ReadyBody {
    type Request = Request;
    type Response = Response;

    fn protocol_id(&self) -> &ShapeId<'static> {
        &ID
    }

    fn serialize_request(
        &self,
        _input: &dyn SerializableStruct,
        _schema: &Schema<'_>,
        _path: &str,
        config: &ConfigBag,
    ) -> Result<Request, SerdeError> {
        let body = READY
            .try_with(|ready| ready.body.clone())
            .map_err(|_| SerdeError::custom("a request without a body"))?;
        let (Some(service), Some(operation)) = (config.load::<ServiceShapeName>(), config.load::<Metadata>())
        else {
            return Err(SerdeError::custom("a request without an operation"));
        };
        let length = body.len();
        let content_type = if is_cbor(&body) { CBOR } else { JSON };
        let mut request = Request::new(SdkBody::from(body));
        let invalid = |error| SerdeError::custom(format!("invalid request: {error}"));
        request.set_method("POST").map_err(invalid)?;
        request.set_uri("/").map_err(|error| SerdeError::custom(format!("invalid request: {error}")))?;
        let headers = request.headers_mut();
        headers.insert("content-type", content_type);
        headers.insert("content-length", length.to_string());
        headers.insert("x-amz-target", format!("{}.{}", service.as_str(), operation.name()));
        Ok(request)
    }

    fn deserialize_response<'a>(
        &self,
        _response: &'a Response,
        _schema: &Schema<'_>,
        _config: &'a ConfigBag,
    ) -> Result<Box<dyn ShapeDeserializer + 'a>, SerdeError> {
        Err(unread())
    }

    fn parse_error_metadata(
        &self,
        _response: &Response,
        _config: &ConfigBag,
    ) -> Result<ErrorMetadata, SerdeError> {
        Err(unread())
    }

    fn update_endpoint(
        &self,
        request: &mut Request,
        endpoint: &Endpoint,
        config: &ConfigBag,
    ) -> Result<(), SerdeError> {
        let host = http::host(endpoint.url()).unwrap_or_default();
        // Outside of `with_body` nobody asks.
        let _ = READY.try_with(|ready| ready.host.set(host.to_owned()));
        apply_http_endpoint(request, endpoint, config)
    }
}
