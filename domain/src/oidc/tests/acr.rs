use super::client;
use crate::client::Client;
use crate::login::Strength;
use crate::login::requirement::{ACR_NUMBER_MATCH as STRONG, ACR_SINGLE_FACTOR as WEAK};
use crate::oidc::acr::{stated, strength};
use crate::oidc::authorization::{AuthorizationRequest, check, trust};
use crate::oidc::params::Params;

fn docs() -> Client {
    Client {
        pkce_optional: true,
        ..client("docs", &["https://docs.example/cb"])
    }
}

fn request(claims: &str, acr_values: &str) -> AuthorizationRequest {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs([
        ("client_id", "docs"),
        ("redirect_uri", "https://docs.example/cb"),
        ("response_type", "code"),
        ("scope", "openid"),
        ("claims", claims),
        ("acr_values", acr_values),
    ]);
    let params = Params::parse(&text.finish()).unwrap();
    let to = trust(&params, &docs()).unwrap();
    check(&params, &docs(), &to).unwrap()
}

#[test]
fn an_essential_class_is_demanded_and_a_voluntary_one_preferred() {
    let acr = |essential: bool, values: &[&str]| {
        serde_json::json!({"id_token": {"acr": {"essential": essential, "values": values}}})
            .to_string()
    };
    let both = format!("{STRONG} {WEAK}");
    for (claims, acr_values, wanted, strong_states, weak_states) in [
        (String::new(), "", Strength::Usual, STRONG, WEAK),
        (String::new(), "loa9", Strength::Usual, STRONG, WEAK),
        (String::new(), STRONG, Strength::Preferred, STRONG, WEAK),
        (String::new(), WEAK, Strength::Usual, WEAK, WEAK),
        (String::new(), both.as_str(), Strength::Usual, STRONG, WEAK),
        (acr(true, &[STRONG]), "", Strength::Required, STRONG, WEAK),
        (
            acr(true, &[STRONG, "loa9"]),
            WEAK,
            Strength::Required,
            STRONG,
            WEAK,
        ),
        (
            acr(true, &[STRONG, WEAK]),
            "",
            Strength::Usual,
            STRONG,
            WEAK,
        ),
        (acr(true, &[WEAK]), STRONG, Strength::Usual, WEAK, WEAK),
        (acr(false, &[STRONG]), "", Strength::Preferred, STRONG, WEAK),
        (acr(false, &[WEAK]), STRONG, Strength::Usual, WEAK, WEAK),
    ] {
        let request = request(&claims, acr_values);
        assert_eq!(strength(&request), wanted, "{claims} {acr_values}");
        assert_eq!(
            stated(&request, STRONG),
            strong_states,
            "{claims} {acr_values}"
        );
        assert_eq!(stated(&request, WEAK), weak_states, "{claims} {acr_values}");
    }
}
