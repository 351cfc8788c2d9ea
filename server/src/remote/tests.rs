#![allow(clippy::unwrap_used)]
use super::*;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::atomic::{AtomicUsize, Ordering};

const NOW: Timestamp = Timestamp(1_700_000_000);

/// A server of a client's on loopback, and how often it was asked.
#[derive(Clone, Default)]
struct Elsewhere(Arc<AtomicUsize>);

impl Elsewhere {
    fn asked(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    async fn start(&self) -> String {
        let counted = |State(elsewhere): State<Elsewhere>, path: axum::extract::Path<String>| async move {
            let before = elsewhere.0.fetch_add(1, Ordering::SeqCst);
            answer(&path, before)
        };
        let router = Router::new()
            .route("/{what}", get(counted))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }
}

fn answer(what: &str, before: usize) -> Response {
    let kept = |terms: &'static str| [(header::CACHE_CONTROL, terms)];
    match what {
        "long" => (kept("max-age=3600"), "long").into_response(),
        "never" => (kept("no-store"), "never").into_response(),
        "silent" => "silent".into_response(),
        "gone" => http::StatusCode::NOT_FOUND.into_response(),
        "once" if before == 0 => (kept("max-age=600"), "once").into_response(),
        "moved" => axum::response::Redirect::temporary("/silent").into_response(),
        "big" => "x".repeat(outbound::ANSWER_MAX + 1).into_response(),
        "full" => "x".repeat(outbound::ANSWER_MAX).into_response(),
        _ => http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn remote(allow_private: bool) -> Remote {
    let config = Outbound {
        ca_file: None,
        allow_private,
    };
    let http = outbound::client(&config).unwrap();
    Remote::new(&config, http)
}

async fn text(remote: &Remote, url: &str, purpose: Purpose, now: Timestamp) -> Option<String> {
    let body = remote.get(url, purpose, false, now).await.ok()?;
    Some(String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn keys_are_kept_by_their_own_terms_within_a_minute_and_a_day() {
    for (what, good_until_s) in [("long", 3600), ("never", 60), ("silent", 600)] {
        let elsewhere = Elsewhere::default();
        let url = format!("{}/{what}", elsewhere.start().await);
        let remote = remote(true);
        for (after_s, asked) in [(0, 1), (good_until_s - 1, 1), (good_until_s, 2)] {
            let now = NOW.plus(after_s);
            let found = text(&remote, &url, Purpose::Keys, now).await;
            assert_eq!(found.as_deref(), Some(what));
            assert_eq!(elsewhere.asked(), asked, "{what} after {after_s} s");
        }
    }
}

#[tokio::test]
async fn keys_that_do_not_fit_are_fetched_again_once_a_minute() {
    let elsewhere = Elsewhere::default();
    let url = format!("{}/long", elsewhere.start().await);
    let remote = remote(true);
    for (after_s, asked) in [(0, 1), (1, 2), (2, 2), (60, 2), (61, 3), (120, 3), (121, 4)] {
        let now = NOW.plus(after_s);
        remote.get(&url, Purpose::Keys, true, now).await.unwrap();
        assert_eq!(elsewhere.asked(), asked, "after {after_s} s");
    }
}

#[tokio::test]
async fn a_failure_is_remembered_and_does_not_spoil_what_is_still_good() {
    let elsewhere = Elsewhere::default();
    let base = elsewhere.start().await;
    let remote = remote(true);
    let gone = format!("{base}/gone");
    for (after_s, asked) in [(0, 1), (59, 1), (60, 2)] {
        assert_eq!(
            text(&remote, &gone, Purpose::Keys, NOW.plus(after_s)).await,
            None
        );
        assert_eq!(elsewhere.asked(), asked, "after {after_s} s");
    }
    let elsewhere = Elsewhere::default();
    let once = format!("{}/once", elsewhere.start().await);
    for after_s in [0, 60, 599] {
        let found = remote
            .get(&once, Purpose::Keys, true, NOW.plus(after_s))
            .await;
        assert_eq!(found.as_deref(), Ok(&b"once"[..]), "after {after_s} s");
    }
    assert_eq!(elsewhere.asked(), 3);
    assert_eq!(
        text(&remote, &once, Purpose::Keys, NOW.plus(659)).await,
        None
    );
}

#[tokio::test]
async fn a_request_object_is_kept_when_its_address_holds_its_hash() {
    let elsewhere = Elsewhere::default();
    let base = elsewhere.start().await;
    let remote = remote(true);
    let by_hash = format!("{base}/silent#{}", sha256_b64("silent"));
    for url in [by_hash.as_str(), by_hash.as_str()] {
        assert!(
            text(&remote, url, Purpose::RequestObject, NOW)
                .await
                .is_some()
        );
    }
    assert_eq!(elsewhere.asked(), 1);
    let by_another = format!("{base}/silent#{}", sha256_b64("another"));
    for url in [by_another.as_str(), by_another.as_str()] {
        assert!(
            text(&remote, url, Purpose::RequestObject, NOW)
                .await
                .is_some()
        );
    }
    assert_eq!(elsewhere.asked(), 3);
}

#[tokio::test]
async fn redirects_long_answers_and_private_addresses_are_refused_alike() {
    let elsewhere = Elsewhere::default();
    let base = elsewhere.start().await;
    let open = remote(true);
    for what in ["moved", "big", "gone", "other"] {
        let url = format!("{base}/{what}");
        let found = open.get(&url, Purpose::Sector, false, NOW).await;
        assert_eq!(found, Err(RemoteError), "{what}");
    }
    assert_eq!(elsewhere.asked(), 4, "a redirect was followed");
    let full = format!("{base}/full");
    assert!(open.get(&full, Purpose::Sector, false, NOW).await.is_ok());
    let port = Url::parse(&base).unwrap().port().unwrap();
    let guarded = remote(false);
    for url in [
        format!("{base}/silent"),
        format!("https://127.0.0.1:{port}/silent"),
        format!("https://localhost:{port}/silent"),
        format!("https://[::ffff:127.0.0.1]:{port}/silent"),
        format!("https://2130706433:{port}/silent"),
        "file:///etc/hostname".to_owned(),
        "not an address".to_owned(),
    ] {
        let found = guarded.get(&url, Purpose::Sector, false, NOW).await;
        assert_eq!(found, Err(RemoteError), "{url}");
    }
    assert_eq!(elsewhere.asked(), 5, "a private address was called");
    let with_name = format!("http://name@127.0.0.1:{port}/silent");
    assert!(
        open.get(&with_name, Purpose::Sector, false, NOW)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn many_who_wait_for_one_document_cause_one_call() {
    let elsewhere = Elsewhere::default();
    let url = format!("{}/long", elsewhere.start().await);
    let remote = remote(true);
    let all = (0..20).map(|_| remote.get(&url, Purpose::Keys, false, NOW));
    let all = futures_util::future::join_all(all).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(elsewhere.asked(), 1);
}

#[tokio::test]
async fn only_so_many_documents_are_kept() {
    let remote = remote(false);
    for n in 0..DOCUMENTS_MAX + 10 {
        let now = NOW.plus(i64::try_from(n).unwrap());
        remote.place(&format!("https://{n}.example"), Purpose::Keys, now);
    }
    let places = remote.places.lock().unwrap();
    assert_eq!(places.len(), DOCUMENTS_MAX);
    assert!(!places.contains_key(&(Purpose::Keys, "https://0.example".to_owned())));
}

#[test]
fn http_dates_are_read() {
    let read = http_date("Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(read, Some(Timestamp(784_111_777)));
    for text in ["0", "", "yesterday", "Sunday, 06-Nov-94 08:49:37 GMT"] {
        assert_eq!(http_date(text), None, "{text}");
    }
}
