//! Worlds whose request asks for something that few requests ask for.

use crate::login::cast::{Person, Standing, id};
use crate::login::worlds::World;
use techpass_domain::login::Strength;

/// What only few requests ask for, tried in worlds that are otherwise plain: approval by the person, remembered or not; a
/// stronger sign-in, with a phone and without; an account that the request insists on.
pub fn particular(all: &[World]) -> Vec<World> {
    let simple = all.iter().filter(|world| {
        let asked = &world.asked;
        let odd = asked.consent || asked.max_age.is_some() || asked.force_login;
        let phoneless = !world.record.phone && world.record.standing == Standing::Active;
        (world.is_plain() || phoneless) && !odd && !asked.select_account
    });
    let mut more = Vec::new();
    for world in simple {
        let mut with = |change: fn(&mut World)| {
            let mut world = world.clone();
            change(&mut world);
            more.push(world);
        };
        with(|world| world.asked.approval = true);
        with(|world| {
            world.asked.approval = true;
            world.record.allowed = true;
        });
        with(|world| (world.asked.consent, world.record.allowed) = (true, true));
        with(|world| world.asked.strength = Strength::Preferred);
        with(|world| world.asked.strength = Strength::Required);
        with(|world| world.asked.only = Some(id(Person::Hero)));
        with(|world| world.asked.only = Some(id(Person::Other)));
    }
    more
}
