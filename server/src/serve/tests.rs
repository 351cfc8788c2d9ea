//! Connections that nobody uses.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::web::shell::TARGET_MAX;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Only a failure takes that long.
const PATIENCE: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_millis(30);
const LATE: Duration = Duration::from_secs(3600);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// A listener, and where it is. It takes connections before anybody serves it.
fn bound() -> (TcpListener, SocketAddr) {
    let listener = bind("listen", "127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    (listener, at)
}

/// Serves with so many places and these times.
fn serve(listener: TcpListener, router: Router, places: usize, times: [Duration; 2]) -> Stop {
    let stop = Stop::new();
    let terms = Terms {
        certificate: None,
        places: Places::new(places),
        stop: stop.clone(),
    };
    tokio::spawn(serve_within(listener, router, terms, times));
    stop
}

fn here() -> Router {
    Router::new().route("/", get(|| async { "here" }))
}

async fn connected(at: SocketAddr, sent: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(sent).await.unwrap();
    stream
}

/// Everything until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // A connection that is reset is closed, too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut all))
        .await
        .unwrap();
    String::from_utf8(all).unwrap()
}

/// Waits for an answer, and says whether there was one before the other side closed.
async fn answered(stream: &mut TcpStream) -> bool {
    let mut all = Vec::new();
    while !all.ends_with(b"here") {
        let read = timeout(PATIENCE, stream.read_buf(&mut all)).await.unwrap();
        if read.unwrap_or(0) == 0 {
            return false;
        }
    }
    true
}

#[tokio::test]
async fn a_connection_that_sends_no_whole_request_is_closed() {
    let (listener, at) = bound();
    let stop = serve(listener, here(), 8, [SOON, LATE]);
    for sent in [&b""[..], b"GE", b"GET / HTTP/1.1\r\nhost:"] {
        let mut stream = connected(at, sent).await;
        assert!(!rest(&mut stream).await.contains("here"));
    }
    stop.shutdown();
}

#[tokio::test]
async fn so_is_one_that_sends_nothing_after_its_answer() {
    let (listener, at) = bound();
    let mut stream = connected(at, REQUEST).await;
    let stop = serve(listener, here(), 8, [LATE, SOON]);
    assert!(rest(&mut stream).await.contains("here"));
    stop.shutdown();
}

#[tokio::test]
async fn an_answer_may_take_longer_than_a_request() {
    let (listener, at) = bound();
    let (closed, wait) = tokio::sync::watch::channel(false);
    let slow = move || {
        let mut wait = wait.clone();
        async move {
            let _ = wait.wait_for(|closed| *closed).await;
            "here"
        }
    };
    let mut waiting = connected(at, REQUEST).await;
    let stop = serve(
        listener,
        Router::new().route("/", get(slow)),
        8,
        [SOON, SOON],
    );
    // Two that begin later are closed for being late in the meantime.
    for _ in 0..2 {
        rest(&mut connected(at, b"GE").await).await;
    }
    closed.send(true).unwrap();
    assert!(answered(&mut waiting).await);
    stop.shutdown();
}

#[tokio::test]
async fn beyond_the_places_connections_wait_until_one_is_free() {
    let (listener, at) = bound();
    let stop = serve(listener, here(), 2, [LATE, LATE]);
    let (mut first, second) = (connected(at, REQUEST).await, connected(at, b"GE").await);
    assert!(answered(&mut first).await);
    let mut third = connected(at, REQUEST).await;
    assert!(timeout(SOON, third.read(&mut [0])).await.is_err());
    // An open connection goes on.
    first.write_all(REQUEST).await.unwrap();
    assert!(answered(&mut first).await);
    drop(second);
    assert!(answered(&mut third).await);
    stop.shutdown();
}

#[tokio::test]
async fn half_requests_on_every_place_keep_nobody_out_for_ever() {
    let (listener, at) = bound();
    let stop = serve(listener, here(), 2, [SOON, LATE]);
    let _held = (connected(at, b"GE").await, connected(at, b"GE").await);
    while !answered(&mut connected(at, REQUEST).await).await {}
    stop.shutdown();
}

#[tokio::test]
async fn only_an_address_that_is_taken_is_no_mistake_of_the_configuration() {
    let taken = bind("listen", "127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(matches!(
        bind("listen", &address),
        Err(Error::System(text)) if text.contains("another program")
    ));
    let elsewhere = bind("management.listen", "192.0.2.1:0").unwrap_err();
    assert!(matches!(&elsewhere, Error::Config(_)));
    assert!(elsewhere.to_string().contains("management.listen"));
}

#[tokio::test]
async fn a_bad_renewal_keeps_the_certificate_that_is_there() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let pair = |name: &str| {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let files = crate::config::Tls {
            certificate_file: folder.path().join(format!("{name}.pem")),
            key_file: folder.path().join(format!("{name}.key")),
        };
        std::fs::write(&files.certificate_file, made.cert.pem()).unwrap();
        std::fs::write(&files.key_file, made.signing_key.serialize_pem()).unwrap();
        files
    };
    let (mine, other) = (pair("mine"), pair("other"));
    let loaded = Certificate::load(&mine).await.unwrap();
    let before = loaded.config.get_inner();
    std::fs::copy(&other.key_file, &mine.key_file).unwrap();
    let refused = loaded.reload().await.unwrap_err().to_string();
    assert!(refused.starts_with("tls:"), "{refused}");
    assert!(std::sync::Arc::ptr_eq(&before, &loaded.config.get_inner()));
    assert!(Certificate::load(&mine).await.is_err());
    std::fs::copy(&other.certificate_file, &mine.certificate_file).unwrap();
    loaded.reload().await.unwrap();
    assert!(!std::sync::Arc::ptr_eq(&before, &loaded.config.get_inner()));
}

/// What a server over HTTP/2 says first of the headers that it takes (RFC 9113 §6.5.2): its SETTINGS_MAX_HEADER_LIST_SIZE.
async fn header_list_size(address: SocketAddr) -> u32 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(preface).await.unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    let [a, b, c, kind, ..] = head;
    assert_eq!(kind, 4, "the first frame holds the settings");
    let mut frame = vec![0; u32::from_be_bytes([0, a, b, c]).try_into().unwrap()];
    stream.read_exact(&mut frame).await.unwrap();
    let mut settings = frame.as_chunks::<6>().0.iter();
    let found = settings.find_map(|[high, low, value @ ..]| {
        (u16::from_be_bytes([*high, *low]) == 6).then(|| u32::from_be_bytes(*value))
    });
    found.unwrap_or(u32::MAX)
}

#[tokio::test]
async fn the_longest_target_fits_into_the_headers_of_http_2() {
    let (listener, address) = bound();
    let stop = serve(listener, Router::new(), 4, [FIRST_REQUEST, NEXT_REQUEST]);
    let taken = header_list_size(address).await;
    assert!(
        usize::try_from(taken).unwrap() >= TARGET_MAX + 16 * 1024,
        "{taken}"
    );
    stop.shutdown();
}
