//! The way to a server (certificate authorities, lost replies), and the messages as the protocol's description shows them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use super::fake::{Fake, SEED, opened};
use super::tests::{MEI, World};
use super::*;
use serde_json::Value;
use std::fs;

#[tokio::test]
async fn an_extra_certificate_authority_is_trusted() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let issuer = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let wog = Fake::new(issuer, "WOG", MEI);
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let tls =
        axum_server::tls_rustls::RustlsConfig::from_pem(certificate.clone().into(), key.into());
    let server = axum_server::from_tcp_rustls(listener, tls.await.unwrap()).unwrap();
    tokio::spawn(server.serve(wog.router().into_make_service()));
    let mut world = World::new();
    let untrusted = world
        .phone
        .enrol(&wog.link("token-1"), "Phone")
        .await
        .err()
        .unwrap();
    assert!(untrusted.is::<Unreachable>(), "{untrusted:#}");
    let ca = world.folder.path().join("ca.pem");
    fs::write(&ca, certificate).unwrap();
    let path = world.folder.path().join("mei.phone");
    let mut phone = Phone::open_trusting(&path, Some(&ca)).unwrap();
    wog.known().now = system_time();
    phone.enrol(&wog.link("token-1"), "Phone").await.unwrap();
    assert_eq!(phone.accounts().len(), 1);
    // It is kept for this server, so that no later command needs to name it.
    wog.ask("chl_1", "52");
    let later = Phone::open(&path).unwrap();
    assert_eq!(later.requests(None).await.unwrap().len(), 1);
    later.approve(MEI, "52").await.unwrap();
    let others = &later.wire.trusted("https://other.example");
    assert_eq!(*others, None, "it is trusted for another server as well");
    assert!(Phone::open_trusting(&path, Some(&path)).is_err());
}

/// The example of the protocol's description is a real one: every message in it verifies and says what stands beside it.
#[test]
fn the_documented_example_is_true() {
    let document = include_str!("../../../docs/authenticator-protocol.md");
    let (_, example) = document.split_once("## Example exchange").unwrap();
    let blocks: Vec<&str> = example
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .collect();
    let [
        link,
        key,
        enrolment,
        proof,
        read,
        header,
        request,
        answer,
        signed,
    ] = blocks.as_slice()
    else {
        panic!("the example has other blocks: {blocks:#?}");
    };
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let key = parsed(key);
    for (typ, jws, payload) in [
        (sign::ENROL, proof, enrolment),
        (sign::PHONE, header, read),
        (sign::ANSWER, signed, answer),
    ] {
        assert_eq!(opened(jws, typ, &key), Some(parsed(payload)), "{typ}");
    }
    let link = Link::read(link).unwrap();
    assert_eq!(
        parsed(enrolment)["token_hash"],
        sign::token_hash(&link.token)
    );
    assert_eq!(parsed(enrolment)["aud"], link.issuer.as_str());
    let (request, answer) = (parsed(request), parsed(answer));
    for name in [
        "nonce",
        "account",
        "app",
        "location",
        "device",
        "created_at",
        "expires_at",
    ] {
        assert_eq!(answer[name], request[name], "{name}");
    }
    let code = code::at(SEED, 1_790_000_010).unwrap();
    assert!(example.contains(SEED) && example.contains(&code));
}

/// A way to a server on which the first reply to an answer is lost.
async fn lossy(to: std::net::SocketAddr) -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut lost = false;
        while let Ok((mut phone, _)) = listener.accept().await {
            let mut server = tokio::net::TcpStream::connect(to).await.unwrap();
            let mut bytes = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = phone.read(&mut bytes).await {
                let answering = bytes.starts_with(b"POST")
                    && !bytes.starts_with(b"POST /authenticator/v1/enrolments");
                server.write_all(&bytes[..read]).await.unwrap();
                let replied = server.read(&mut bytes).await.unwrap();
                if answering && !std::mem::replace(&mut lost, true) {
                    break;
                }
                phone.write_all(&bytes[..replied]).await.unwrap();
            }
        }
    });
    here
}

#[tokio::test]
async fn a_lost_reply_is_asked_for_with_the_same_bytes() {
    let wog = Fake::start("SG Govt M365", MEI).await;
    let to = wog
        .known()
        .issuer
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();
    let through = format!("http://{}", lossy(to).await);
    wog.known().issuer = through;
    let mut world = World::new();
    world
        .phone
        .enrol(&wog.link("token-1"), "Phone")
        .await
        .unwrap();
    wog.ask("chl_1", "52");
    world.phone.approve(MEI, "52").await.unwrap();
    let known = wog.known();
    assert_eq!(known.raw.len(), 2);
    assert_eq!(known.raw[0], known.raw[1]);
    assert_eq!(known.answers.len(), 1);
}
