//! The HTTP connections of a flow: how old they get, which go through a proxy.

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;
use kintail_engine::destination::MAX_ANSWER;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An idle connection is closed after this: load balancers drop theirs later, and then a request may be lost on one.
const IDLE: Duration = Duration::from_secs(20);

/// Connections are left to end after this, so that a change of the service's addresses is followed.
const MAX_AGE: Duration = Duration::from_mins(10);

/// Where containers and instances get credentials, besides the loopback address: never through a proxy.
const METADATA: [&str; 5] =
    ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"];

/// A client with connections of its own, which trusts these authorities.
pub(super) fn client(trusted: &TlsContext) -> SharedHttpClient {
    let route = || Route { trusted: trusted.clone(), made: Mutex::default() };
    SharedHttpClient::new(Client(Arc::new(Routes { direct: route(), proxied: route() })))
}

/// Whom to trust: the authorities in a file, or the system's.
pub(super) fn trusted(ca_bundle: Option<&Path>) -> Result<TlsContext, CaBundleError> {
    let Some(path) = ca_bundle else { return Ok(TlsContext::default()) };
    let wrong = |reason| CaBundleError { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    // All of them are tried here: the client would panic over a damaged one, at its first request.
    let mut roots = RootCertStore::empty();
    for (index, certificate) in CertificateDer::pem_slice_iter(&pem).enumerate() {
        let certificate = certificate.map_err(|error| wrong(format!("not PEM: {error}")))?;
        let damaged = |error| wrong(format!("certificate {} in it is damaged: {error}", index + 1));
        roots.add(certificate).map_err(damaged)?;
    }
    if roots.is_empty() {
        return Err(wrong("no certificate is in it".into()));
    }
    let context = TlsContext::builder().with_trust_store(TrustStore::empty().with_pem_certificate(pem));
    context.build().map_err(|error| wrong(error.to_string()))
}

/// `ca_bundle` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("ca_bundle {}: {reason}", path.display())]
pub(crate) struct CaBundleError {
    path: PathBuf,
    reason: String,
}

#[derive(Clone, Debug)]
struct Client(Arc<Routes>);

#[derive(Debug)]
struct Routes {
    direct: Route,
    proxied: Route,
}

/// Connections made the same way, and since when they are.
#[derive(Debug)]
struct Route {
    trusted: TlsContext,
    made: Mutex<Option<(Instant, SharedHttpConnector)>>,
}

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Dispatch { routes: Arc::clone(&self.0), settings: settings.clone() })
    }
}

/// Picks the route by the request's host.
#[derive(Debug)]
struct Dispatch {
    routes: Arc<Routes>,
    settings: HttpConnectorSettings,
}

impl HttpConnector for Dispatch {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let direct = is_direct(request.uri());
        let (route, proxy) = if direct {
            (&self.routes.direct, ProxyConfig::disabled())
        } else {
            (&self.routes.proxied, ProxyConfig::from_env())
        };
        let call = route.connector(&self.settings, proxy).call(request);
        HttpConnectorFuture::new(async move { Ok(bounded(call.await?)) })
    }
}

impl Route {
    fn connector(&self, settings: &HttpConnectorSettings, proxy: ProxyConfig) -> SharedHttpConnector {
        let mut slot = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some((since, connector)) if since.elapsed() < MAX_AGE => connector.clone(),
            _ => {
                let connector = Connector::builder()
                    .connector_settings(settings.clone())
                    .pool_idle_timeout(IDLE)
                    .proxy_config(proxy)
                    .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                    .tls_context(self.trusted.clone())
                    .build();
                let connector = SharedHttpConnector::new(connector);
                *slot = Some((Instant::now(), connector.clone()));
                connector
            }
        }
    }
}

/// No answer that anybody reads is longer; one that is fails instead of filling the memory.
fn bounded(response: HttpResponse) -> HttpResponse {
    response.map(|body| SdkBody::from_body_1_x(Limited::new(body, MAX_ANSWER)))
}

/// The host of an absolute URI, without the brackets of IPv6.
pub(super) fn host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => authority.split(':').next(),
    }
}

/// Whether the request stays on this host or asks for its metadata.
fn is_direct(uri: &str) -> bool {
    let Some(host) = host(uri) else { return false };
    host.eq_ignore_ascii_case("localhost")
        || METADATA.contains(&host)
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_damaged_certificate_is_an_error_and_no_panic_at_the_first_request() {
        let said = |text: &str| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            trusted(Some(file.path())).map_err(|error| error.reason)
        };
        let good = include_str!("../../../../tests/services/tls/ca.pem");
        let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(said(good).is_ok());
        assert!(said(bad).unwrap_err().starts_with("certificate 1 in it is damaged: "));
        assert!(said(&format!("{good}{bad}")).unwrap_err().starts_with("certificate 2 in it is damaged: "));
        assert!(said(&good[..good.len() / 2]).is_err(), "half a certificate");
        assert_eq!(said("no PEM").unwrap_err(), "no certificate is in it");
    }

    #[test]
    fn loopback_and_metadata_never_go_through_a_proxy() {
        for uri in [
            "http://127.0.0.1:4567/",
            "http://127.9.9.9/",
            "http://localhost:4567",
            "https://[::1]:443/x",
            "http://169.254.169.254/latest/api/token",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::254]/latest",
        ] {
            assert!(is_direct(uri), "{uri}");
        }
        for uri in [
            "https://kinesis.eu-west-1.amazonaws.com/",
            "http://10.0.0.1:4567/",
            "http://127.0.0.1.example.com/",
            "http://[fd00::1]/",
        ] {
            assert!(!is_direct(uri), "{uri}");
        }
    }
}
