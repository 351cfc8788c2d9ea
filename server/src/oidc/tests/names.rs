//! What may stand in a name that people are shown.

use super::World;
use crate::admin::{AdminError, NewAccount, add_account};
use crate::devices::{self, Ticket};

#[tokio::test]
async fn names_of_people_and_computers_hold_nothing_hidden() {
    let world = World::start().await;
    let new = |name: &str, organisation: &str| NewAccount {
        login_id: "lee@vendor.example".to_owned(),
        name: name.to_owned(),
        organisation: Some(organisation.to_owned()),
        ..NewAccount::default()
    };
    for (name, organisation) in [
        ("Lee\u{200b}", "Vendor"),
        ("Lee\nadmin@x.example  acc_1  Root", "Vendor"),
        ("\u{1b}[31mLee", "Vendor"),
        ("Lee", "\u{202e}rodneV"),
    ] {
        let refused = add_account(&world.app, new(name, organisation)).await;
        let Err(AdminError::Refused(text)) = refused else {
            panic!("{name:?} was taken");
        };
        assert!(text.contains("U+"), "{text}");
    }
    assert!(add_account(&world.app, new("Lee", "Vendor")).await.is_ok());
    let ticket = |name: &str| Ticket {
        class: None,
        owner: None,
        name: name.to_owned(),
        then: None,
    };
    assert!(
        devices::link(&world.app, &ticket("PC\u{2066}"))
            .await
            .is_err()
    );
    assert!(devices::link(&world.app, &ticket("PC 7")).await.is_ok());
}
