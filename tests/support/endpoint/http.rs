//! As much of HTTP/1.1 as the services' clients speak.

use std::io::{self, BufRead, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

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
    body: String,
}

impl Response {
    /// A service's success.
    pub(super) fn ok(body: String) -> Self {
        Self { status: 200, content_type: "application/x-amz-json-1.1", body }
    }

    /// A service's error.
    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({ "__type": code, "message": message }).to_string();
        Self { status, content_type: "application/x-amz-json-1.1", body }
    }

    /// What a proxy shows.
    pub(super) fn page(status: u16) -> Self {
        let body = format!(
            "<html><head><title>{status}</title></head><body>Something stood in between</body></html>"
        );
        Self { status, content_type: "text/html", body }
    }

    /// Sends it, with a date so many seconds ahead.
    pub(super) fn send(&self, mut to: &TcpStream, ahead: i64) -> io::Result<()> {
        to.write_all(format!("{}{}", self.head(ahead), self.body).as_bytes())
    }

    /// Sends a few bytes at a time.
    pub(super) fn send_slowly(&self, mut to: &TcpStream, pause: Duration) -> io::Result<()> {
        for part in format!("{}{}", self.head(0), self.body).as_bytes().chunks(64) {
            to.write_all(part)?;
            thread::sleep(pause);
        }
        Ok(())
    }

    /// Sends all but the end.
    pub(super) fn cut(&self, mut to: &TcpStream) -> io::Result<()> {
        let half = &self.body[..self.body.len() / 2];
        to.write_all(format!("{}{half}", self.head(0)).as_bytes())
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
