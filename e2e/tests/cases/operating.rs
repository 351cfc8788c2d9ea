//! Health, metrics, and a stop that cuts nobody off.

use crate::support::application::Application;
use crate::support::browser::{Browser, client};
use crate::support::demo::Demo;
use crate::support::people::{MEI, SITI};
use crate::support::provider::{Provider, SECRET, SUBJECT};
use crate::support::server::Server;
use crate::support::wait::until;
use crate::support::{leaks, program};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Status and text of an address.
async fn get(url: &str) -> (u16, String) {
    let answer = client().get(url).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

async fn ready(server: &Server) -> (u16, Value) {
    let (status, text) = get(&format!("{}/readyz", server.management)).await;
    (status, serde_json::from_str(&text).expect("JSON"))
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_what_is_checked_and_metrics_say_nothing_of_people() {
    let port = program::ports(1);
    let _provider = Provider::start(port).await;
    let server = Server::start(&format!("http://localhost:{port}"), SECRET).await;
    let alive = get(&format!("{}/livez", server.management)).await;
    assert_eq!(alive, (200, "ok\n".to_owned()));
    let (status, checks) = ready(&server).await;
    assert_eq!(status, 200, "{checks}");
    for check in ["database", "keys", "migrations", "draining"] {
        assert_eq!(checks["checks"][check], "ok", "{checks}");
    }
    let started = get(&format!("{}/startupz", server.management)).await;
    assert_eq!(started, (200, "ok\n".to_owned()));
    let (status, text) = get(&format!("{}/healthz?verbose", server.management)).await;
    let verbose: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(status, 200, "{text}");
    assert_eq!(verbose["checks"]["database"]["found"], "ok", "{text}");
    let took = &verbose["checks"]["database"]["took_ms"];
    assert!(took.as_f64().is_some_and(|ms| ms > 0.0), "{text}");
    // To the public it says that it lives and nothing else, whatever name it is called by.
    let public = server.issuer.replace("localhost", "127.0.0.1");
    assert_eq!(
        get(&format!("{public}/healthz?verbose")).await,
        (200, "ok\n".to_owned())
    );
    assert_eq!(get(&format!("{public}/")).await.0, 421);
    let said = program::ok(&["healthcheck", "--config", server.config()]);
    assert!(said.contains("\"ready\":true"), "{said}");
    // An officer signs in, somebody unknown fails, and a phone-less stranger asks for tokens.
    server.add_officer(MEI, SUBJECT);
    let app = Application::register(server.config(), &server.issuer, "probe-app");
    let mut browser = Browser::default();
    let page = browser.open(&app.request(&[])).await;
    let page = browser.identify(page, MEI).await;
    let (_, tokens) = app.redeem(&app.code_of(&page)).await;
    assert!(tokens["id_token"].is_string(), "{tokens}");
    assert_eq!(app.redeem("no-code").await.0, 400);
    let mut stranger = Browser::default();
    let page = stranger.open(&app.request(&[])).await;
    let page = stranger.identify(page, SITI).await;
    stranger.password(&page).await;
    let (status, metrics) = get(&format!("{}/metrics", server.management)).await;
    assert_eq!(status, 200);
    for line in [
        "techpass_signin_begun_total 2",
        "techpass_signin_total{result=\"ok\",path=\"upstream\",code=\"\"} 1",
        "techpass_challenge_total{kind=\"password\",outcome=\"wrong\"} 1",
        "techpass_tokens_issued_total{grant=\"authorization_code\",result=\"ok\"} 1",
        "techpass_tokens_issued_total{grant=\"authorization_code\",result=\"refused\"} 1",
        "http_route=\"/s/{address}\",http_request_method=\"POST\",http_response_status_code=\"422\"",
        "techpass_outbox_waiting{kind=\"mail\"} 0",
        "techpass_password_hash_queue 0",
        "techpass_db_commits_waiting 0",
        "techpass_signing_key_age_seconds{alg=\"ES256\",state=\"active\"}",
        "techpass_ready 1",
        "techpass_build_info{version=",
        "# EOF",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    leaks::assert_none(
        &metrics,
        &[
            MEI.to_owned(),
            SITI.to_owned(),
            SUBJECT.to_owned(),
            "probe-app".to_owned(),
        ],
    );
}

/// Takes whatever is sent to it, and says yes.
async fn collector(port: u16) -> Arc<Mutex<Vec<u8>>> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .expect("a port");
    let taken = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut chunk).await {
                all.lock()
                    .expect("a lock")
                    .extend_from_slice(&chunk[..count]);
                // Each request fits into what is read at once, or is followed by more of it.
                let yes = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                if stream.write_all(yes).await.is_err() {
                    break;
                }
            }
        }
    });
    taken
}

fn holds(taken: &Mutex<Vec<u8>>, needle: &[u8]) -> bool {
    let all = taken.lock().expect("a lock");
    all.windows(needle.len()).any(|window| window == needle)
}

fn sends_none_to(port: u16) -> String {
    format!(
        "[traces]\notlp_endpoint = \"http://127.0.0.1:{port}/v1/traces\"\nsampled_percent = 0\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn which_traces_are_sent_is_first_for_the_environment_to_say() {
    for (told, sent) in [
        (&[("OTEL_TRACES_SAMPLER", "always_on")], true),
        (&[("OTEL_TRACES_SAMPLER", "")], false),
    ] {
        let port = program::ports(1);
        let taken = collector(port).await;
        let mut server =
            Server::start_told("http://localhost:9", SECRET, &sends_none_to(port), told).await;
        server.terminate();
        assert_eq!(server.ended().await, Some(0));
        // Waiting for the server to be ready is a request, too.
        assert_eq!(holds(&taken, b"/.well-known/"), sent, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_go_to_the_collector_under_the_callers_name() {
    let port = program::ports(1);
    let taken = collector(port).await;
    let mut server = Server::start_with("http://localhost:9", SECRET, &sends_none_to(port)).await;
    let id = "0af7651916cd43dd8448eb211c80319c";
    let secret = "q".repeat(43);
    let answer = client()
        .get(format!("{}/s/{secret}", server.issuer))
        .header("traceparent", format!("00-{id}-b7ad6b7169203331-01"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 400);
    server.terminate();
    assert_eq!(server.ended().await, Some(0));
    let bytes: Vec<u8> = (0..16)
        .map(|n| u8::from_str_radix(&id[2 * n..2 * n + 2], 16).expect("hexadecimal"))
        .collect();
    let holds = |needle: &[u8]| holds(&taken, needle);
    assert!(holds(b"POST /v1/traces"), "nothing was sent");
    assert!(
        holds(&bytes) && holds(b"/s/{address}"),
        "the request is not in it"
    );
    assert!(
        !holds(secret.as_bytes()),
        "the address of a login left the server"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_first_says_so_then_sends_streams_elsewhere_and_ends_with_0() {
    let mut server = Server::start_with(
        "http://localhost:9",
        SECRET,
        "[drain]\ndelay_s = 8\nlimit_s = 60\n",
    )
    .await;
    server.terminate();
    // Not ready any more, and still serving.
    let said = until("readiness to say no", || async {
        match ready(&server).await {
            (503, checks) => Ok(checks),
            (_, checks) => Err(checks.to_string()),
        }
    })
    .await;
    assert_eq!(
        said["checks"]["draining"], "the server is stopping",
        "{said}"
    );
    let (status, _) = get(&format!(
        "{}/.well-known/openid-configuration",
        server.issuer
    ))
    .await;
    assert_eq!(status, 200);
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let manager = tokio::net::UnixDatagram::bind(&path).expect("a socket");
    let path = path.to_str().expect("a path");
    let told = [("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "200000")];
    let mut server = Server::start_told("http://localhost:9", SECRET, "", &told).await;
    let mut heard = Vec::new();
    let mut buffer = [0; 64];
    while heard.len() < 3 {
        let count = manager.recv(&mut buffer).await.expect("a message");
        heard.push(String::from_utf8_lossy(&buffer[..count]).into_owned());
    }
    assert_eq!(heard, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    server.terminate();
    while heard.last().is_some_and(|last| last != "STOPPING=1") {
        let count = manager.recv(&mut buffer).await.expect("a message");
        heard.push(String::from_utf8_lossy(&buffer[..count]).into_owned());
    }
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_heard_from_the_moment_that_the_address_is_taken() {
    let mut server = Server::start_bound("http://localhost:9", SECRET).await;
    server.terminate();
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let mut server =
        Server::start_with("http://localhost:9", SECRET, "[drain]\ndelay_s = 3600\n").await;
    server.terminate();
    until("readiness to say no", || async {
        match ready(&server).await {
            (503, _) => Ok(()),
            (_, checks) => Err(checks.to_string()),
        }
    })
    .await;
    // One that follows within a moment of the first is the same request, so it may take several.
    assert_eq!(server.ended_by_asking_again().await, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_tells_waiting_browsers_to_connect_anew() {
    let demo = Demo::start();
    let mut browser = Browser::default();
    let page = browser.leave_portal_as(&demo, SITI).await;
    let page = browser.password(&page).await;
    page.number();
    let cookies: Vec<String> = browser
        .cookies
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let stream = client()
        .get(format!("{}/events", page.url))
        .header("cookie", cookies.join("; "))
        .send()
        .await
        .expect("a stream");
    assert_eq!(stream.status(), 200);
    demo.terminate();
    let said = stream.text().await.expect("the stream ends in order");
    assert!(
        said.contains("event: reconnect") && said.contains("retry: 500"),
        "{said}"
    );
}
