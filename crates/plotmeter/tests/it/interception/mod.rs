//! The interception lab: a proxy whose authority the agents trust stands between two desks and a real portal,
//! reads all that passes, and alters, cuts, holds back, replays and forges as it likes.
//!
//! Every exchange goes through real TLS that the proxy ends, and on to the portal's own routes over loopback.
//! After every round, what the desks hold and what they let go is compared with the portal's database. The
//! full count, on both databases where `PLOTMETER_TEST_POSTGRES` names a server:
//!
//! ```text
//! PLOTMETER_LAB_COUNT=10000 cargo test --release -p plotmeter interception -- --nocapture
//! ```
//!
//! Deliberately absent: attacks on enrolment, which `protocol::enrol` and the agent's own tests have.

mod proxy;
mod scene;

use crate::world::{postgres, sqlite};
use portal::Target;
use proxy::{ATTACKS, Attack, below};
use report::Duration;
use scene::Scene;
use std::collections::BTreeMap;
use tempfile::TempDir;

fn story(seed: u64, target: &Target, folder: TempDir) {
    let count: usize = std::env::var("PLOTMETER_LAB_COUNT").map_or(300, |text| text.parse().expect("a count"));
    println!("seed {seed}, {count} attacks");
    let mut scene = Scene::new(seed, target, folder);
    for who in 0..2 {
        scene.round(who, Attack::Nothing);
    }
    let mut done: BTreeMap<String, u32> = BTreeMap::new();
    for number in 0..count {
        let (who, attack) = (below(&mut scene.rng, 2), ATTACKS[number % ATTACKS.len()]);
        scene.round(who, attack);
        *done.entry(format!("{attack:?}")).or_default() += 1;
        if (number + 1) % ATTACKS.len() == 0 {
            // Keys move on, so that there are older ones to ask with.
            scene.lab.clock.forward(Duration::hours(25));
        }
        if scene.rng.chance(350_000) {
            scene.round(who, Attack::Nothing);
        }
    }
    println!("{done:?}");
    scene.settle();
    scene.arrived();
    scene.search();
}

#[test]
fn nothing_that_a_trusted_proxy_does_is_believed_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = sqlite(folder.path());
    story(51, &target, folder);
}

#[test]
fn nothing_that_a_trusted_proxy_does_is_believed_on_postgres() {
    let Some(target) = postgres() else { return };
    story(52, &target, tempfile::tempdir().expect("a folder"));
}
