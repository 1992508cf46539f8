//! What Prometheus and probes ask, over HTTP: `/metrics`, `/healthz` (it lives) and `/readyz` (nothing is wrong that waits
//! for a person).

mod exposition;
mod process;

use super::socket::Question;
use crate::config::Metrics;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use kintail_engine::command::{Command, Reply};
use kintail_engine::status::Status;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// Most connections at once; more wait to be accepted.
const CONNECTIONS: usize = 8;

/// Longest wait for a request's head.
const TALK: Duration = Duration::from_secs(10);

/// A connection is not kept for longer: a scraper that goes away without a word must not hold a place for ever.
const KEPT: Duration = Duration::from_mins(5);

/// A loop that does not answer for so long is not well.
const THINK: Duration = Duration::from_secs(5);

/// Prometheus's text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is answered from.
#[derive(Clone)]
struct Source {
    ask: mpsc::Sender<Question>,
    per_file: bool,
}

/// Opens the port and answers through `ask`, for as long as the future is polled.
pub(crate) async fn serve(
    metrics: Metrics,
    ask: mpsc::Sender<Question>,
) -> io::Result<impl Future<Output = ()> + use<>> {
    let listener = TcpListener::bind(metrics.listen).await?;
    Ok(accept(listener, Source { ask, per_file: metrics.per_file }))
}

async fn accept(listener: TcpListener, source: Source) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // The semaphore is never closed.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let source = source.clone();
                tokio::spawn(async move {
                    converse(stream, source).await;
                    drop(place);
                });
            }
            // No descriptor is free, most likely; one will be.
            Err(error) => {
                tracing::debug!(%error, "the port for metrics cannot accept");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, source: Source) {
    let service = service_fn(move |request| {
        let source = source.clone();
        async move { Ok::<_, Infallible>(respond(&request, &source).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(TALK);
    let ended = timeout(KEPT, server.serve_connection(TokioIo::new(stream), service)).await;
    if let Ok(Err(error)) = ended {
        tracing::debug!(%error, "a question about metrics came to nothing");
    }
}

async fn respond(request: &Request<Incoming>, source: &Source) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
    }
    let path = request.uri().path();
    if !matches!(path, "/metrics" | "/healthz" | "/readyz") {
        return plain(StatusCode::NOT_FOUND, "here are /metrics, /healthz and /readyz\n");
    }
    let Some(status) = ask(source).await else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the agent does not answer\n");
    };
    match path {
        "/healthz" => plain(StatusCode::OK, "ok\n"),
        "/readyz" => ready(&status),
        _ => plain(StatusCode::OK, exposition::text(status, source.per_file)),
    }
}

fn ready(status: &Status) -> Response<Full<Bytes>> {
    if status.healthy {
        return plain(StatusCode::OK, "ok\n");
    }
    let ailing = status.flows.iter().filter(|flow| !flow.healthy);
    let ailing = ailing.map(|flow| format!("{} waits for {}", flow.name, flow.waiting_for));
    let wrong: Vec<String> = status.problems.iter().cloned().chain(ailing).collect();
    plain(StatusCode::SERVICE_UNAVAILABLE, wrong.join("\n") + "\n")
}

async fn ask(source: &Source) -> Option<Status> {
    let (reply, answer) = oneshot::channel();
    let asked = async {
        source.ask.send((Command::Status, reply)).await.ok()?;
        answer.await.ok()
    };
    match timeout(THINK, asked).await {
        Ok(Some(Reply::Status(status))) => Some(*status),
        _ => None,
    }
}

fn plain(code: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    response
}

#[cfg(test)]
mod tests;
