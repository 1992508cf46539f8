//! TLS before the scripted endpoint, with a certificate of an authority that no system trusts.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A file of the test's authority: `ca.pem`, `server.pem` for localhost, `server.key`.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/tls").join(name)
}

/// Where the service at this URL is to be had over TLS. The thread ends with the test's process.
pub(crate) fn before(url: &str) -> String {
    let behind: SocketAddr = url.trim_start_matches("http://").parse().expect("an address");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
    let port = listener.local_addr().expect("a bound address").port();
    let chain = CertificateDer::pem_file_iter(file("server.pem")).expect("a certificate");
    let chain = chain.collect::<Result<_, _>>().expect("PEM");
    let key = PrivateKeyDer::from_pem_file(file("server.key")).expect("a key");
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    let acceptor = TlsAcceptor::from(Arc::new(config.expect("they belong together")));
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            listener.set_nonblocking(true).expect("set");
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust us is the test's affair.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    if let Ok(mut behind) = TcpStream::connect(behind).await {
                        drop(copy_bidirectional(&mut stream, &mut behind).await);
                    }
                });
            }
        });
    });
    format!("https://localhost:{port}")
}
