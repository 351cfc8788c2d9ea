//! RFC 9111 §4.2.1 and §5.2.2.

use crate::oidc::freshness::{Bounds, Terms, lifetime_s};

const BOUNDS: Bounds = Bounds {
    least_s: 60,
    usual_s: 600,
    most_s: 86_400,
};

#[test]
fn a_document_is_kept_by_its_own_terms_within_bounds() {
    for (cache_control, age_s, expires_in_s, expected) in [
        (None, None, None, 600),
        (Some("max-age=300"), None, None, 300),
        (Some("public, MAX-AGE=\"300\""), None, None, 300),
        (Some("max-age=300"), Some(100), None, 200),
        (Some("max-age=300"), Some(-100), None, 300),
        (Some("max-age=300"), None, Some(900), 300),
        (Some("max-age=900, max-age=300"), None, None, 300),
        (Some("max-age=5"), None, None, 60),
        (Some("max-age=99999999999999999999"), None, None, 86_400),
        (Some("max-age=-1"), None, None, 60),
        (Some("max-age=soon"), None, None, 60),
        (Some("no-store"), None, Some(900), 60),
        (Some("no-cache, max-age=900"), None, None, 60),
        (Some("public"), None, Some(900), 900),
        (None, None, Some(900), 900),
        (None, None, Some(-900), 60),
        (None, Some(1_000_000), None, 600),
    ] {
        let terms = Terms {
            cache_control,
            age_s,
            expires_in_s,
        };
        assert_eq!(lifetime_s(terms, BOUNDS), expected, "{terms:?}");
    }
    let never = Bounds {
        least_s: 0,
        usual_s: 0,
        most_s: 86_400,
    };
    assert_eq!(lifetime_s(Terms::default(), never), 0);
}
