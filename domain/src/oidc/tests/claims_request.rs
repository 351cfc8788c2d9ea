use crate::oidc::claims_request::ClaimsRequest;
use std::collections::BTreeSet;

/// In the order of the alphabet: the members of a JSON object have none of their own.
fn names(text: &str) -> (Vec<String>, Vec<String>) {
    let read = ClaimsRequest::parse(text).unwrap();
    let names = |all: &[crate::oidc::claims_request::Wanted]| {
        let names: BTreeSet<String> = all.iter().map(|one| one.name.clone()).collect();
        names.into_iter().collect()
    };
    (names(&read.userinfo), names(&read.id_token))
}

#[test]
fn claims_are_read_from_both_members_and_unknown_ones_are_ignored() {
    for (text, userinfo, id_token) in [
        ("{}", &[][..], &[][..]),
        (r#"{"userinfo":null,"id_token":{}}"#, &[], &[]),
        (
            r#"{"userinfo":{"given_name":{"essential":true},"nickname":null,"http://example.info/claims/groups":null},
                "id_token":{"auth_time":{"essential":true},"acr":{"values":["urn:mace:incommon:iap:silver"]}},
                "unknown":7}"#,
            &["given_name", "nickname"],
            &["acr", "auth_time"],
        ),
        (
            r#"{"userinfo":{"name#ja-Kana-JP":null,"email":{"other":[1]}}}"#,
            &["email"],
            &[],
        ),
    ] {
        let (found_userinfo, found_id_token) = names(text);
        assert_eq!(found_userinfo, userinfo, "{text}");
        assert_eq!(found_id_token, id_token, "{text}");
    }
}

#[test]
fn what_is_not_of_the_form_is_an_invalid_request() {
    for text in [
        "{not json",
        "[]",
        "7",
        r#"{"userinfo":[]}"#,
        r#"{"id_token":"email"}"#,
        r#"{"userinfo":{"email":true}}"#,
        r#"{"userinfo":{"email":{"essential":"yes"}}}"#,
        r#"{"id_token":{"acr":{"values":"a"}}}"#,
        r#"{"id_token":{"acr":{"value":"a","values":["b"]}}}"#,
        r#"{"userinfo":{},"userinfo":{"email":null}}"#,
    ] {
        let error = ClaimsRequest::parse(text).unwrap_err();
        assert_eq!(error.code.as_str(), "invalid_request", "{text}");
        assert!(error.description.as_str().contains("claims"), "{text}");
    }
}

#[test]
fn classes_and_the_subject_are_told_apart_by_what_they_demand() {
    for (text, essential, voluntary, subject) in [
        (
            r#"{"id_token":{"acr":{"essential":true,"values":["a","b"]}}}"#,
            Some("a b"),
            None,
            None,
        ),
        (
            r#"{"id_token":{"acr":{"essential":true,"value":"a"}}}"#,
            Some("a"),
            None,
            None,
        ),
        (
            r#"{"id_token":{"acr":{"values":["a"]}}}"#,
            None,
            Some("a"),
            None,
        ),
        (
            r#"{"id_token":{"acr":{"essential":true}}}"#,
            None,
            None,
            None,
        ),
        (
            r#"{"userinfo":{"acr":{"essential":true,"values":["a"]}}}"#,
            None,
            None,
            None,
        ),
        (
            r#"{"id_token":{"sub":{"value":"acc_1"}}}"#,
            None,
            None,
            Some("acc_1"),
        ),
        (
            r#"{"userinfo":{"sub":{"value":"acc_2"}}}"#,
            None,
            None,
            Some("acc_2"),
        ),
        (r#"{"id_token":{"sub":null}}"#, None, None, None),
    ] {
        let read = ClaimsRequest::parse(text).unwrap();
        let joined = |values: Option<&[String]>| values.map(|values| values.join(" "));
        assert_eq!(joined(read.essential_acr()).as_deref(), essential, "{text}");
        assert_eq!(joined(read.voluntary_acr()).as_deref(), voluntary, "{text}");
        assert_eq!(read.subject(), subject, "{text}");
    }
}

#[test]
fn a_stored_request_reads_back_and_knows_what_is_about_the_person() {
    let text = r#"{"userinfo":{"email":{"essential":true},"sub":null},"id_token":{"name":null,"acr":null}}"#;
    let read = ClaimsRequest::parse(text).unwrap();
    let person: Vec<String> = read.about_the_person().into_iter().collect();
    assert_eq!(person, ["email", "name"]);
    let stored = serde_json::to_string(&read).unwrap();
    assert_eq!(
        serde_json::from_str::<ClaimsRequest>(&stored).unwrap(),
        read
    );
}
