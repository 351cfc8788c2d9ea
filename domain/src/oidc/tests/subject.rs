use super::client;
use crate::client::SubjectType;
use crate::oidc::subject::sector;

#[test]
fn the_sector_is_the_host_that_the_specification_names() {
    for (uris, document, expected) in [
        (&["https://docs.example/cb"][..], None, "docs.example"),
        (
            &["https://docs.example/cb", "https://docs.example:8443/cb2"],
            None,
            "docs.example",
        ),
        (
            &["https://a.example/cb", "https://b.example/cb"],
            Some("https://c.example/s.json"),
            "c.example",
        ),
        (
            &["https://docs.example/cb"],
            Some("https://group.example/s.json"),
            "group.example",
        ),
        // Without any of these the client stands alone.
        (
            &["https://a.example/cb", "https://b.example/cb"],
            None,
            "client docs",
        ),
        (&["com.example.app:/cb"], None, "client docs"),
    ] {
        let mut pairwise = client("docs", uris);
        pairwise.sector_identifier_uri = document.map(str::to_owned);
        assert_eq!(sector(&pairwise), None, "public: {uris:?}");
        pairwise.subject_type = SubjectType::Pairwise;
        assert_eq!(
            sector(&pairwise).as_deref(),
            Some(expected),
            "{uris:?} {document:?}"
        );
    }
}
