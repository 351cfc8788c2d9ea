use super::*;
use crate::id::DeviceId;

fn officer_policy() -> Policy {
    let rule = |name: &str, devices: &[DeviceMatch], then| Rule {
        name: name.into(),
        kinds: vec![Kind::Officer],
        devices: devices.to_vec(),
        test_clients_only: false,
        then,
    };
    Policy {
        rules: vec![
            rule(
                "GSIB",
                &[DeviceMatch::NonSeGsib],
                Verdict::Require(vec![Factor::Number]),
            ),
            rule(
                "GMD",
                &[DeviceMatch::Gmd],
                Verdict::Require(vec![Factor::Code, Factor::Number]),
            ),
            rule(
                "SE",
                &[DeviceMatch::SeGsib],
                Verdict::Deny(Problem::DeviceSe),
            ),
            rule(
                "unproven",
                &[DeviceMatch::Unproven],
                Verdict::Deny(Problem::DeviceUnproven),
            ),
            Rule {
                name: "probe".into(),
                kinds: vec![Kind::Product],
                devices: vec![],
                test_clients_only: true,
                then: Verdict::Require(vec![Factor::Password]),
            },
        ],
    }
}

fn key(class: DeviceClass, owner: Option<&str>) -> DeviceEvidence {
    DeviceEvidence::Key {
        device: DeviceId::new("dev_1"),
        class,
        owner: owner.map(AccountId::new),
    }
}

/// Every kind of computer, for an officer: what is asked, in which order, or why not.
#[test]
fn each_class_gets_what_the_journeys_say() {
    let mei = AccountId::new("mei");
    let number = Verdict::Require(vec![Factor::Number]);
    let both = Verdict::Require(vec![Factor::Code, Factor::Number]);
    let table = [
        (
            key(DeviceClass::NonSeGsib, Some("mei")),
            number.clone(),
            true,
        ),
        (key(DeviceClass::NonSeGsib, None), number, true),
        (key(DeviceClass::Gmd, Some("mei")), both, true),
        (
            key(DeviceClass::SeGsib, Some("mei")),
            Verdict::Deny(Problem::DeviceSe),
            true,
        ),
        (
            DeviceEvidence::Unproven,
            Verdict::Deny(Problem::DeviceUnproven),
            false,
        ),
        (
            key(DeviceClass::NonSeGsib, Some("arjun")),
            Verdict::Deny(Problem::DeviceForeign),
            false,
        ),
        (
            key(DeviceClass::Gmd, Some("arjun")),
            Verdict::Deny(Problem::DeviceForeign),
            false,
        ),
    ];
    for (device, verdict, device_counts) in table {
        let decided = decide(
            &officer_policy(),
            Signals {
                kind: Kind::Officer,
                account: Some(&mei),
                device: &device,
                test_client: false,
            },
        );
        assert_eq!(decided.verdict, verdict, "{device:?}");
        assert_eq!(decided.device_counts, device_counts, "{device:?}");
    }
}

#[test]
fn an_unknown_account_owns_no_computer() {
    let decided = decide(
        &officer_policy(),
        Signals {
            kind: Kind::Officer,
            account: None,
            device: &key(DeviceClass::NonSeGsib, Some("mei")),
            test_client: false,
        },
    );
    assert_eq!(decided.verdict, Verdict::Deny(Problem::DeviceForeign));
}

#[test]
fn a_rule_for_test_clients_speaks_of_no_other_client() {
    for (test_client, verdict) in [
        (true, Verdict::Require(vec![Factor::Password])),
        (false, Verdict::Deny(Problem::NotAssigned)),
    ] {
        let decided = decide(
            &officer_policy(),
            Signals {
                kind: Kind::Product,
                account: None,
                device: &DeviceEvidence::Unproven,
                test_client,
            },
        );
        assert_eq!(decided.verdict, verdict);
    }
}

#[test]
fn what_no_rule_speaks_of_is_refused() {
    let decided = decide(
        &Policy::default(),
        Signals {
            kind: Kind::Vendor,
            account: None,
            device: &DeviceEvidence::Unproven,
            test_client: true,
        },
    );
    assert_eq!(decided.verdict, Verdict::Deny(Problem::NotAssigned));
}
