//! As much of HTTP/1.1 as the services' clients speak.

use serde_json::Value;
use std::io::{self, BufRead, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

/// The encodings that the services know.
pub(super) const JSON: &str = "application/x-amz-json-1.1";
pub(super) const CBOR: &str = "application/x-amz-cbor-1.1";

/// A request.
pub(super) struct Request {
    /// Names in lower case.
    headers: Vec<(String, String)>,
    /// The whole body.
    pub(super) body: Vec<u8>,
    /// Bytes of head and body.
    pub(super) wire_bytes: u64,
}

impl Request {
    /// A header's value, or nothing.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// The next request of a connection; `None` at its end.
pub(super) fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut headers = Vec::new();
    let mut wire_bytes = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        wire_bytes += line.len() as u64;
        match line.trim_end() {
            "" => break,
            line => {
                if let Some((name, value)) = line.split_once(':') {
                    headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
                }
            }
        }
    }
    let mut request = Request { headers, body: Vec::new(), wire_bytes };
    let length = request.header("content-length").parse().unwrap_or(0);
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body)?;
    request.wire_bytes += length as u64;
    Ok(Some(request))
}

/// A response.
pub(super) struct Response {
    status: u16,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Response {
    /// What the service says, in the encoding in which it was asked.
    pub(super) fn of(status: u16, to: &Request, body: &Value) -> Self {
        if to.header("content-type") != CBOR {
            return Self { status, content_type: JSON, body: body.to_string().into_bytes() };
        }
        let mut cbor = Vec::new();
        ciborium::into_writer(body, &mut cbor).expect("a vector takes all");
        Self { status, content_type: CBOR, body: cbor }
    }

    /// A service's error.
    pub(super) fn error(status: u16, to: &Request, code: &str, message: &str) -> Self {
        Self::of(status, to, &serde_json::json!({ "__type": code, "message": message }))
    }

    /// What a proxy shows.
    pub(super) fn page(status: u16) -> Self {
        let body = format!(
            "<html><head><title>{status}</title></head><body>Something stood in between</body></html>"
        );
        Self { status, content_type: "text/html", body: body.into_bytes() }
    }

    /// Sends it, with a date so many seconds ahead.
    pub(super) fn send(&self, mut to: &TcpStream, ahead: i64) -> io::Result<()> {
        to.write_all(&[self.head(ahead).as_bytes(), &self.body].concat())
    }

    /// Sends a few bytes at a time.
    pub(super) fn send_slowly(&self, mut to: &TcpStream, pause: Duration) -> io::Result<()> {
        for part in [self.head(0).as_bytes(), &self.body].concat().chunks(64) {
            to.write_all(part)?;
            thread::sleep(pause);
        }
        Ok(())
    }

    /// Sends all but the end.
    pub(super) fn cut(&self, mut to: &TcpStream) -> io::Result<()> {
        to.write_all(&[self.head(0).as_bytes(), &self.body[..self.body.len() / 2]].concat())
    }

    fn head(&self, ahead: i64) -> String {
        let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead);
        format!(
            "HTTP/1.1 {} x\r\ndate: {}\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
            self.status,
            now.strftime("%a, %d %b %Y %H:%M:%S GMT"),
            self.content_type,
            self.body.len(),
        )
    }
}
