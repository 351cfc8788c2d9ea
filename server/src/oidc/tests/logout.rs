//! Log-out: which requests are believed, and which pages tell applications.

use super::{Browser, World, mei, text_of};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header;
use serde_json::Value;
use techpass_domain::account::Account;
use techpass_domain::client::{Client, LogoutStyle};
use techpass_domain::id::{AccountId, Sid};
use techpass_domain::session::Entry;
use techpass_store::Write;

const BACK: &str = "https://docs.example/out";

fn direct(client: &mut Client) {
    client.logout = LogoutStyle::Direct;
    client.post_logout_redirect_uris = vec![BACK.to_owned()];
}

fn address(pairs: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("/logout?{query}")
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap()
}

#[tokio::test]
async fn only_a_good_hint_and_a_registered_address_lead_back() {
    let world = World::start().await;
    let docs = world.client("docs", direct).await;
    let other = world.client("other", direct).await;
    let browser = world.browser().await;
    let tokens = world.tokens(&docs, &browser, "openid").await;
    let hint = text(&tokens, "id_token");
    let parts: Vec<&str> = hint.split('.').collect();
    let unsigned = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
        parts[1]
    );
    let altered = format!("{}.{}x.{}", parts[0], parts[1], parts[2]);
    for (what, pairs) in [
        ("no hint", vec![("post_logout_redirect_uri", BACK)]),
        (
            "unsigned",
            vec![
                ("id_token_hint", unsigned.as_str()),
                ("post_logout_redirect_uri", BACK),
            ],
        ),
        (
            "altered",
            vec![
                ("id_token_hint", &altered),
                ("post_logout_redirect_uri", BACK),
            ],
        ),
        (
            "access token",
            vec![
                ("id_token_hint", text(&tokens, "access_token")),
                ("post_logout_redirect_uri", BACK),
            ],
        ),
        (
            "another client's",
            vec![
                ("id_token_hint", hint),
                ("client_id", other.id.as_str()),
                ("post_logout_redirect_uri", BACK),
            ],
        ),
        ("nothing", vec![]),
        ("state alone", vec![("state", "s")]),
    ] {
        let response = world.open(&address(&pairs), &browser).await;
        assert_eq!(response.status(), 200, "{what}: a person is asked");
        assert!(text_of(response).await.contains("Which account"), "{what}");
    }
}

#[tokio::test]
async fn an_expired_hint_is_a_hint_and_an_unregistered_address_leads_nowhere() {
    let world = World::start().await;
    let docs = world.client("docs", direct).await;
    for (what, uri) in [
        ("unregistered", "https://evil.example/out"),
        ("with a query", "https://docs.example/out?x=1"),
        ("longer", "https://docs.example/out/"),
    ] {
        let browser = world.browser().await;
        let tokens = world.tokens(&docs, &browser, "openid").await;
        let pairs = [
            ("id_token_hint", text(&tokens, "id_token")),
            ("post_logout_redirect_uri", uri),
        ];
        let response = world.open(&address(&pairs), &browser).await;
        assert_eq!(response.headers().get(header::LOCATION), None, "{what}");
    }
    let browser = world.browser().await;
    let tokens = world.tokens(&docs, &browser, "openid").await;
    let hint = text(&tokens, "id_token");
    // The state comes back as it was sent.
    world.clock.advance(3_600);
    let pairs = [
        ("id_token_hint", hint),
        ("client_id", docs.id.as_str()),
        ("post_logout_redirect_uri", BACK),
        ("state", "a b"),
    ];
    let response = world.open(&address(&pairs), &browser).await;
    let location = response.headers()[header::LOCATION].to_str().unwrap();
    assert_eq!(location, "https://docs.example/out?state=a%20b");
    // Nobody is signed in any more; the way back is open all the same, and without state there is none.
    let response = world.open(&address(&pairs[..3]), &browser).await;
    assert_eq!(response.headers()[header::LOCATION], BACK);
}

#[tokio::test]
async fn applications_with_a_page_for_it_are_told_in_the_browser() {
    let world = World::start().await;
    let docs = world
        .client("docs", |c| {
            direct(c);
            c.frontchannel_logout_uri = Some("https://docs.example/fc?keep=1".to_owned());
            c.frontchannel_logout_session_required = true;
        })
        .await;
    let wiki = world
        .client("wiki", |c| {
            c.frontchannel_logout_uri = Some("https://wiki.example/fc".to_owned())
        })
        .await;
    let unused = world
        .client("unused", |c| {
            c.frontchannel_logout_uri = Some("https://unused.example/fc".to_owned())
        })
        .await;
    let browser = world.browser().await;
    let tokens = world.tokens(&docs, &browser, "openid").await;
    world.tokens(&wiki, &browser, "openid").await;
    let elsewhere = world.browser().await;
    world.tokens(&unused, &elsewhere, "openid").await;
    let pairs = [
        ("id_token_hint", text(&tokens, "id_token")),
        ("post_logout_redirect_uri", BACK),
        ("state", "s"),
    ];
    let response = world.open(&address(&pairs), &browser).await;
    assert_eq!(response.status(), 200);
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap()
        .to_owned();
    let (_, frames) = policy.split_once("; frame-src ").unwrap();
    let mut frames: Vec<&str> = frames.split(' ').collect();
    frames.sort_unstable();
    assert_eq!(
        frames,
        ["https://docs.example/fc", "https://wiki.example/fc"]
    );
    let html = text_of(response).await;
    let page = scraper::Html::parse_document(&html);
    let all = |selector: &str, attribute: &str| -> Vec<String> {
        let selector = scraper::Selector::parse(selector).unwrap();
        let found = page.select(&selector);
        found
            .filter_map(|e| e.attr(attribute))
            .map(str::to_owned)
            .collect()
    };
    let sid = browser.entry.sid.as_str();
    let first =
        format!("https://docs.example/fc?keep=1&iss=http%3A%2F%2Flocalhost%3A4000&sid={sid}");
    let mut shown = all("iframe", "src");
    shown.sort_unstable();
    assert_eq!(shown, [first.as_str(), "https://wiki.example/fc"]);
    let onward = "https://docs.example/out?state=s";
    assert_eq!(all("a[data-onward]", "href"), [onward]);
    assert_eq!(
        all("meta[http-equiv=refresh]", "content"),
        [format!("5;url={onward}")]
    );
    // Classic, for browsers that know no modules.
    assert!(all("script", "src")[0].starts_with("/assets/onward.js"));
    assert_eq!(all("script", "type"), Vec::<String>::new());
}

#[tokio::test]
async fn a_hint_in_words_chooses_beforehand_and_decides_nothing() {
    let world = World::start().await;
    let browser = world.browser().await;
    let pairs = [
        ("logout_hint", "mei.tan@agency.example"),
        ("ui_locales", "en de"),
    ];
    let response = world.open(&address(&pairs), &browser).await;
    assert_eq!(response.status(), 200);
    assert!(text_of(response).await.contains("checked"));
}

#[tokio::test]
async fn an_application_that_two_accounts_used_is_named_once() {
    let world = World::start().await;
    // It may not be called, so that what came of it is known at once.
    let docs = world.client("docs", |c| {
        c.backchannel_logout_uri = Some("http://127.0.0.1:9/out".to_owned());
    });
    let docs = docs.await;
    let browser = world.browser().await;
    let siti = Account {
        id: AccountId::new("acc_siti"),
        login_id: "siti_rahim@techpass.example".to_owned(),
        name: "Siti Rahim".to_owned(),
        ..mei()
    };
    let entry = Entry {
        sid: Sid::new("sid_siti"),
        account: siti.id.clone(),
        ..browser.entry.clone()
    };
    let expires_at = world.app.now().plus(3_600);
    world.commit(vec![Write::AddAccount(siti)]).await;
    let added = Write::AddEntry {
        entry: entry.clone(),
        expires_at,
    };
    world.commit(vec![added]).await;
    let beside = Browser {
        cookie: browser.cookie.clone(),
        entry,
    };
    world.tokens(&docs, &browser, "openid").await;
    world.tokens(&docs, &beside, "openid").await;
    let all = [("account", "all"), ("do", "logout")];
    let response = world.press("/logout/confirm", &all, &browser).await;
    let html = text_of(response).await;
    assert!(
        html.contains("Mei Tan (") && html.contains("Siti Rahim ("),
        "{html}"
    );
    assert_eq!(html.matches("<li>Application docs").count(), 1, "{html}");
    // It is told of both all the same.
    let told = world.app.store.undelivered(false, 10).await.unwrap();
    assert_eq!(told.len(), 2);
}
