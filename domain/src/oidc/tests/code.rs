use super::NOW;
use crate::id::{ClientId, GrantId};
use crate::oidc::code::{CodeBinding, LIFETIME_S, Redemption, Refusal, redeem};

const CB: &str = "https://docs.example/cb";
const S256: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn binding(code_challenge: Option<&str>) -> CodeBinding {
    CodeBinding {
        client_id: ClientId::new("docs"),
        redirect_uri: CB.into(),
        code_challenge: code_challenge.map(str::to_owned),
        grant: GrantId::new("g1"),
        expires_at: NOW.plus(LIFETIME_S),
    }
}

#[test]
fn who_redeems_a_code_and_who_revokes_its_grant() {
    let (docs, other) = (ClientId::new("docs"), ClientId::new("other"));
    let x = "x".repeat(43);
    let wrong = Some(x.as_str());
    for (client, uri, verifier, fresh, replayed) in [
        (&docs, Some(CB), Some(S256), Ok(()), Refusal::Replayed),
        (
            &other,
            Some(CB),
            Some(S256),
            Err(Refusal::Foreign),
            Refusal::Foreign,
        ),
        (
            &docs,
            None,
            Some(S256),
            Err(Refusal::RedirectUri),
            Refusal::RedirectUri,
        ),
        (
            &docs,
            Some("https://docs.example/cb/"),
            Some(S256),
            Err(Refusal::RedirectUri),
            Refusal::RedirectUri,
        ),
        (&docs, Some(CB), wrong, Err(Refusal::Pkce), Refusal::Pkce),
        (&docs, Some(CB), None, Err(Refusal::Pkce), Refusal::Pkce),
    ] {
        let redemption = Redemption {
            client_id: client,
            redirect_uri: uri,
            verifier_s256: verifier,
        };
        let binding = binding(Some(S256));
        assert_eq!(
            redeem(&binding, false, redemption, NOW),
            fresh,
            "{redemption:?}"
        );
        assert_eq!(
            redeem(&binding, true, redemption, NOW),
            Err(replayed),
            "{redemption:?}"
        );
        let late = NOW.plus(1_000_000);
        assert_eq!(
            redeem(&binding, true, redemption, late),
            Err(replayed),
            "{redemption:?}"
        );
    }
}

#[test]
fn a_code_lives_sixty_seconds() {
    let client = ClientId::new("docs");
    let redemption = Redemption {
        client_id: &client,
        redirect_uri: Some(CB),
        verifier_s256: None,
    };
    for (after_s, expected) in [
        (0, Ok(())),
        (59, Ok(())),
        (60, Err(Refusal::Expired)),
        (61, Err(Refusal::Expired)),
    ] {
        assert_eq!(
            redeem(&binding(None), false, redemption, NOW.plus(after_s)),
            expected
        );
    }
    let with_verifier = Redemption {
        verifier_s256: Some(S256),
        ..redemption
    };
    assert_eq!(
        redeem(&binding(None), false, with_verifier, NOW),
        Err(Refusal::Pkce)
    );
}

#[test]
fn only_a_rightful_replay_revokes_and_every_refusal_is_invalid_grant() {
    for refusal in [
        Refusal::Foreign,
        Refusal::RedirectUri,
        Refusal::Pkce,
        Refusal::Replayed,
        Refusal::Expired,
    ] {
        assert_eq!(refusal.revokes_grant(), refusal == Refusal::Replayed);
        assert_eq!(refusal.error().code.as_str(), "invalid_grant");
        assert_eq!(refusal.error().status(), 400);
    }
    assert_eq!(Refusal::Foreign.error(), Refusal::Replayed.error());
}
