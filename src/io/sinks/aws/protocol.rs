//! The SDK's hook for a protocol of one's own: bodies come ready from the engine, answers go to it as they came.

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

static ID: ShapeId<'static> = shape_id!("aws.protocols", "awsJson1_1");

tokio::task_local! {
    /// The body of the request that this task sends: the SDK calls the protocol from the same task.
    static BODY: Bytes;
}

/// Runs a call of the SDK whose request has this body.
pub(super) async fn with_body<F: Future>(body: Bytes, call: F) -> F::Output {
    BODY.scope(body, call).await
}

/// AWS JSON 1.1 with bodies that are ready. It leaves every answer unread, which the SDK takes for an error with
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
        let body = BODY.try_with(Bytes::clone).map_err(|_| SerdeError::custom("a request without a body"))?;
        let (Some(service), Some(operation)) = (config.load::<ServiceShapeName>(), config.load::<Metadata>())
        else {
            return Err(SerdeError::custom("a request without an operation"));
        };
        let length = body.len();
        let mut request = Request::new(SdkBody::from(body));
        let invalid = |error| SerdeError::custom(format!("invalid request: {error}"));
        request.set_method("POST").map_err(invalid)?;
        request.set_uri("/").map_err(|error| SerdeError::custom(format!("invalid request: {error}")))?;
        let headers = request.headers_mut();
        headers.insert("content-type", "application/x-amz-json-1.1");
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
        apply_http_endpoint(request, endpoint, config)
    }
}
