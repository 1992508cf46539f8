//! A service on a loopback port that speaks `PutRecords` and `PutRecordBatch` and does by script what real servers
//! do rarely: partial failures, throttles, resets, lost answers, garbage, hangs, expired tokens, a wrong clock.

#[path = "endpoint/http.rs"]
mod http;
#[path = "endpoint/put.rs"]
mod put;
#[path = "endpoint/signature.rs"]
mod signature;

pub(crate) use put::{Put, Record};
pub(crate) use signature::SECRET;

use http::{Request, Response};
use serde_json::Value;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What the service does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Stores all records.
    Accept,
    /// Stores those not named; the others fail with their code.
    Fail(Vec<(usize, &'static str)>),
    /// Refuses the request as a whole.
    Refuse(u16, &'static str),
    /// Stores all, and names so many more (or fewer) entries than there were records.
    Miscount(isize),
    /// Answers 200 with a proxy's page.
    Garbage,
    /// Answers with this status and a proxy's page.
    Page(u16),
    /// Closes the connection with nothing stored.
    Reset,
    /// Stores all, then closes the connection without an answer.
    AcceptAndReset,
    /// Stores all, then keeps silent as long as the endpoint lives.
    AcceptAndHang,
    /// Stores all, and closes the connection in the middle of the answer.
    AcceptAndCut,
    /// Stores all, and answers a few bytes at a time with such pauses.
    Slow(Duration),
}

/// Decides on each request, in the order of arrival.
type Script = Box<dyn FnMut(&Put) -> Act + Send>;

/// The running service. It ends when it is dropped.
pub(crate) struct Endpoint {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<Script>,
    stored: Mutex<Vec<Record>>,
    manner: Manner,
    requests: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    ended: AtomicBool,
}

/// How the service is, besides what the script says.
#[derive(Default)]
pub(crate) struct Manner {
    /// Seconds that its clock is ahead.
    pub(crate) clock: i64,
    /// Lines are counted, not decoded, and all accepted: for benches.
    pub(crate) counting: bool,
    /// It breaks down over CBOR, as moto does.
    pub(crate) no_cbor: bool,
}

impl Endpoint {
    /// A service that follows a script.
    pub(crate) fn start(script: impl FnMut(&Put) -> Act + Send + 'static) -> Self {
        Self::with(Manner::default(), script)
    }

    /// A service of this manner that follows a script.
    pub(crate) fn with(manner: Manner, script: impl FnMut(&Put) -> Act + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(script)),
            stored: Mutex::default(),
            manner,
            requests: AtomicU64::new(0),
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming() {
                if served.ended.load(Ordering::Relaxed) {
                    break;
                }
                let (Ok(connection), served) = (connection, Arc::clone(&served)) else { continue };
                // A connection that breaks is the client's affair.
                thread::spawn(move || drop(served.serve(&connection)));
            }
        });
        Self { address, shared }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it stored, in the order of arrival.
    pub(crate) fn stored(&self) -> Vec<Record> {
        lock(&self.shared.stored).clone()
    }

    /// Requests that came, records that were accepted, bytes that came with their heads.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&self.shared.requests), of(&self.shared.records), of(&self.shared.bytes))
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    /// One connection, until either side ends it.
    fn serve(&self, connection: &TcpStream) -> io::Result<()> {
        connection.set_nodelay(true)?;
        let mut reader = io::BufReader::with_capacity(256 * 1024, connection.try_clone()?);
        while let Some(request) = http::read(&mut reader)? {
            if self.ended.load(Ordering::Relaxed) {
                break;
            }
            self.requests.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(request.wire_bytes, Ordering::Relaxed);
            if !self.answer(&request, connection)? {
                break;
            }
        }
        connection.shutdown(std::net::Shutdown::Both)
    }

    /// Does what the script says; false ends the connection.
    fn answer(&self, request: &Request, connection: &TcpStream) -> io::Result<bool> {
        if request.header("x-amz-target").ends_with(".ListShards") {
            // Who may only write paces itself by what is refused.
            return Response::error(400, request, "AccessDeniedException", "ListShards is not allowed")
                .send(connection, self.manner.clock)
                .map(|()| true);
        }
        if self.manner.no_cbor && request.header("content-type") == http::CBOR {
            return Response::page(500).send(connection, self.manner.clock).map(|()| true);
        }
        if self.manner.counting {
            let count = put::count(&request.body);
            self.records.fetch_add(put::lines(&request.body, count) as u64, Ordering::Relaxed);
            return Response::of(200, request, &put::accepted(request, count))
                .send(connection, self.manner.clock)
                .map(|()| true);
        }
        let put = match Put::parse(request) {
            Ok(put) => put,
            Err(why) => {
                return Response::error(400, request, "SerializationException", &why)
                    .send(connection, self.manner.clock)
                    .map(|()| true);
            }
        };
        let act = lock(&self.script)(&put);
        let ok = |body: Value| Response::of(200, request, &body);
        let response = match act {
            Act::Refuse(413, _) => Response::page(413),
            Act::Refuse(status, code) => Response::error(status, request, code, "as the script says"),
            Act::Page(status) => Response::page(status),
            Act::Garbage => Response::page(200),
            Act::Reset => return Ok(false),
            Act::Fail(ref failed) => ok(self.store(&put, failed)),
            Act::Miscount(more) => {
                self.store(&put, &[]);
                ok(put::accepted(request, put.records.len().saturating_add_signed(more)))
            }
            _ => ok(self.store(&put, &[])),
        };
        match act {
            Act::AcceptAndReset => Ok(false),
            Act::AcceptAndCut => response.cut(connection).map(|()| false),
            Act::AcceptAndHang => {
                while !self.ended.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(20));
                }
                Ok(false)
            }
            Act::Slow(pause) => response.send_slowly(connection, pause).map(|()| true),
            _ => response.send(connection, self.manner.clock).map(|()| true),
        }
    }

    /// Stores the records that do not fail, and says so.
    fn store(&self, put: &Put, failed: &[(usize, &'static str)]) -> Value {
        let code_of = |index| failed.iter().find(|(at, _)| *at == index).map(|(_, code)| *code);
        let accepted = (0..).zip(&put.records).filter(|(index, _)| code_of(*index).is_none());
        let mut stored = lock(&self.stored);
        let before = stored.len();
        stored.extend(accepted.map(|(_, record)| record.clone()));
        self.records.fetch_add((stored.len() - before) as u64, Ordering::Relaxed);
        put.answer(code_of)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
