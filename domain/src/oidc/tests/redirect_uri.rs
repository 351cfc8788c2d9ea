use super::client;
use crate::client::{ApplicationType, AuthMethod};
use crate::oidc::redirect_uri::is_registered;

#[test]
fn near_misses_of_a_registered_address_are_refused() {
    let client = client(
        "docs",
        &["https://docs.example/cb", "https://docs.example/q?a=1"],
    );
    for good in ["https://docs.example/cb", "https://docs.example/q?a=1"] {
        assert!(is_registered(good, &client), "{good}");
    }
    for bad in [
        "",
        "https://docs.example/cb/",
        "https://docs.example/c",
        "https://docs.example/cbx",
        "https://docs.example/Cb",
        "https://DOCS.example/cb",
        "HTTPS://docs.example/cb",
        "https://docs.example/cb?",
        "https://docs.example/cb?a=1",
        "https://docs.example/q",
        "https://docs.example/q?a=1&b=2",
        "https://docs.example/q?b=2&a=1",
        "https://docs.example/cb#",
        "https://docs.example/cb#x",
        "https://me@docs.example/cb",
        "https://docs.example@evil.example/cb",
        "https://docs.example:443/cb",
        "https://docs.example:8443/cb",
        "http://docs.example/cb",
        "https://docs.example/%63b",
        "https://docs.example/x/../cb",
        "https://docs.example/cb/../cb",
        "https://docs.example//cb",
        "https://docs.example/cb;x",
        "https://docs.example/cb ",
        " https://docs.example/cb",
        "https://docs.example./cb",
        "https://docs.example.evil.example/cb",
        "https://evil.example/https://docs.example/cb",
        "//docs.example/cb",
        "/cb",
        "https://docs.example\\cb",
        "https://docs.example/cb\0",
        "https://docs.example/cb\n",
        "javascript:alert(1)",
    ] {
        assert!(!is_registered(bad, &client), "{bad:?}");
    }
}

#[test]
fn only_the_port_of_a_native_clients_loopback_address_may_differ() {
    let registered = [
        "http://127.0.0.1/cb",
        "http://[::1]:9/cb?x=1",
        "http://localhost:80/cb",
    ];
    let mut native = client("native", &registered);
    native.auth_method = AuthMethod::None;
    let mut with_secret = client("native-with-secret", &registered);
    with_secret.application_type = ApplicationType::Native;
    let confidential = client("server", &registered);
    for (sent, accepted) in [
        ("http://127.0.0.1:1/cb", true),
        ("http://127.0.0.1:65535/cb", true),
        ("http://[::1]:51004/cb?x=1", true),
        ("http://[::1]/cb?x=1", true),
        ("http://localhost:81/cb", false),
        ("http://127.0.0.1:65536/cb", false),
        ("http://127.0.0.1:0/cb", false),
        ("http://127.0.0.1:/cb", false),
        ("http://127.0.0.1:+8/cb", false),
        ("http://127.0.0.1:8a/cb", false),
        ("http://127.0.0.1:8/cb/", false),
        ("http://127.0.0.1:8/cb?x=1", false),
        ("http://127.0.0.1:8/cb#x", false),
        ("http://127.0.0.1:8/x/../cb", false),
        ("http://127.0.0.1:8", false),
        ("http://127.0.0.1:8@evil.example/cb", false),
        ("http://127.0.0.1@evil.example/cb", false),
        ("http://127.0.0.1.evil.example/cb", false),
        ("http://127.0.0.1:8\\@evil.example/cb", false),
        ("http://127.0.0.2:8/cb", false),
        ("http://127.1:8/cb", false),
        ("http://2130706433:8/cb", false),
        ("http://[::1]:8/cb", false),
        ("http://[0:0:0:0:0:0:0:1]:8/cb?x=1", false),
        ("http://0.0.0.0:8/cb", false),
        ("https://127.0.0.1:8/cb", false),
        ("HTTP://127.0.0.1:8/cb", false),
    ] {
        assert_eq!(is_registered(sent, &native), accepted, "{sent}");
        assert_eq!(is_registered(sent, &with_secret), accepted, "{sent}");
        assert!(!is_registered(sent, &confidential), "{sent}");
    }
    for sent in registered {
        assert!(is_registered(sent, &native) && is_registered(sent, &confidential));
    }
}

#[test]
fn an_address_that_only_begins_like_loopback_gets_no_other_port() {
    for (registered, sent) in [
        (
            "http://127.0.0.1@evil.example/",
            "http://127.0.0.1:8@evil.example/",
        ),
        (
            "http://127.0.0.1.evil.example/",
            "http://127.0.0.1:8.evil.example/",
        ),
    ] {
        let mut native = client("native", &[registered]);
        native.auth_method = AuthMethod::None;
        assert!(!is_registered(sent, &native), "{sent}");
    }
}

#[test]
fn a_registered_fragment_is_never_used() {
    let client = client("docs", &["https://docs.example/cb#x"]);
    assert!(!is_registered("https://docs.example/cb#x", &client));
}
