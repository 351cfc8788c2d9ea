use crate::oidc::params::{PARAMS_MAX, Params, ParamsError, VALUE_BYTES_MAX, decode, with_query};
use proptest::prelude::*;

#[test]
fn names_and_values_are_decoded() {
    for (text, name, value) in [
        ("a=b", "a", Some("b")),
        ("a=b+c%20d", "a", Some("b c d")),
        ("a=%2B%26%3d", "a", Some("+&=")),
        ("%61=b", "a", Some("b")),
        ("a=b=c", "a", Some("b=c")),
        ("a=%C3%A9", "a", Some("é")),
        ("&&a=b&", "a", Some("b")),
        ("x=1&a=b", "a", Some("b")),
        ("a=b", "A", None),
        ("", "a", None),
    ] {
        assert_eq!(Params::parse(text).unwrap().get(name), value, "{text}");
    }
}

#[test]
fn a_parameter_without_a_value_counts_as_omitted() {
    for text in ["a", "a=", "a=&a=", "b=1&a"] {
        let params = Params::parse(text).unwrap();
        assert!(!params.has("a"), "{text}");
    }
    assert_eq!(Params::parse("a=&a=1").unwrap().get("a"), Some("1"));
}

#[test]
fn a_repeated_parameter_is_named_and_has_no_value() {
    for text in ["a=1&a=1", "a=1&b=2&a=3", "a=1&%61=2", "a=1&a=2&a=3"] {
        let error = Params::parse(text).unwrap_err();
        assert_eq!(error.to_string(), "the parameter a is sent more than once");
        let params = Params::parse_repeated(text).unwrap();
        assert!(params.is_repeated("a") && params.has("a"), "{text}");
        assert_eq!(params.get("a"), None, "{text}");
    }
}

#[test]
fn what_is_not_percent_encoded_utf_8_is_refused() {
    for text in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%C3", "%80=1", "a=%+1"] {
        assert_eq!(Params::parse(text), Err(ParamsError::Malformed), "{text}");
    }
}

#[test]
fn the_limits_are_where_they_are_said_to_be() {
    let many = |n: usize| (0..n).map(|i| format!("p{i}=1&")).collect::<String>();
    assert!(Params::parse(&many(PARAMS_MAX)).is_ok());
    assert_eq!(
        Params::parse(&many(PARAMS_MAX + 1)),
        Err(ParamsError::TooMany)
    );
    let long = |n: usize| format!("a={}", "%41".repeat(n));
    assert!(Params::parse(&long(VALUE_BYTES_MAX)).is_ok());
    assert_eq!(
        Params::parse(&long(VALUE_BYTES_MAX + 1)),
        Err(ParamsError::TooLong)
    );
}

#[test]
fn debugging_shows_no_value() {
    let params = Params::parse("client_secret=hush&code=hush").unwrap();
    assert_eq!(format!("{params:?}"), r#"["client_secret", "code"]"#);
}

#[test]
fn parameters_go_behind_the_query_that_is_there() {
    for (uri, expected) in [
        ("https://a.example/cb", "https://a.example/cb?x=1"),
        ("https://a.example/cb?", "https://a.example/cb?x=1"),
        (
            "https://a.example/cb?y=%20",
            "https://a.example/cb?y=%20&x=1",
        ),
        ("https://a.example/cb?y=2&", "https://a.example/cb?y=2&x=1"),
    ] {
        assert_eq!(with_query(uri, &[("x", "1")]), expected);
    }
    assert_eq!(
        with_query("https://a.example", &[("x", "a +&\r\n"), ("y", "é")]),
        "https://a.example?x=a%20%2B%26%0D%0A&y=%C3%A9"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,300}") {
        let _ = Params::parse(&text);
        let _ = decode(&text);
    }

    #[test]
    fn what_is_written_is_read_back(value in ".{1,100}", other in ".{1,100}") {
        let uri = with_query("https://a.example/cb", &[("state", &value), ("code", &other)]);
        let params = Params::parse(uri.split_once('?').unwrap().1).unwrap();
        prop_assert_eq!(params.get("state"), Some(value.as_str()));
        prop_assert_eq!(params.get("code"), Some(other.as_str()));
        prop_assert!(uri.bytes().all(|b| b.is_ascii_graphic()));
    }
}
