//! Readings that are no facts: of another interface, late ones that contradict others, and those left out. And those
//! that are facts and count nothing, since a person said that they were too high.

use super::world::{Told, World, decided, listed, read_by_two};
use billing::{Decision, SegmentReason};
use evidence::verify;
use report::Instant;

/// What the verdict says, or where something does not hold and what stands there.
fn judged(world: &World) -> Result<String, Vec<(String, String)>> {
    match verify(&world.file(), None, None) {
        Ok(verdict) => Ok(verdict.proved.join("\n")),
        Err(findings) => Err(findings.into_iter().map(|finding| (finding.at, finding.says)).collect()),
    }
}

fn named(world: &World, says: &str) {
    let found = judged(world).expect_err("it does not hold");
    assert!(found.iter().any(|(at, said)| at == "basis.facts.0.readings" && said.starts_with(says)), "{found:?}");
}

/// Two agents, each over another interface.
const TWO: [Told<'static>; 6] = [
    (0, -2, -1, 1_000, "piws"),
    (1, 100, 101, 1_100, "ledm"),
    (0, 240, 241, 1_200, "piws"),
    (1, 300, 301, 1_250, "ledm"),
    (0, 600, 601, 1_300, "piws"),
    (1, 650, 651, 1_310, "ledm"),
];
/// What the first of them read.
const OWN: [(i64, i64); 3] = [(-2, 1_000), (240, 1_200), (600, 1_300)];

#[test]
fn what_another_interface_gives_is_no_fact_and_nobody_misses_it() {
    let world = read_by_two(&TWO, &OWN);
    let text = judged(&world).expect("a file that holds");
    assert!(text.contains("3 values of counters came over another interface"), "{text}");
    assert!(!text.contains("was silent") && !text.contains("over which interface"), "{text}");
    // The printer's own agent names no interface, and stands for the one that its counter follows.
    let own = TWO.map(|(whose, at, arrived, metres, interface)| {
        (whose, at, arrived, metres, if at == 240 { "firmware" } else { interface })
    });
    assert!(judged(&read_by_two(&own, &OWN)).is_ok());
    named(&read_by_two(&own, &[OWN[0], OWN[2]]), "left out");
}

#[test]
fn without_what_says_where_rows_came_from_all_is_one_counter() {
    let mut world = read_by_two(&TWO, &OWN);
    world.sources.clear();
    named(&world, "left out");
}

#[test]
fn a_rise_from_one_interface_s_value_to_another_one_s_is_named() {
    let facts = [OWN[0], OWN[1], OWN[2], (650, 1_310)];
    let mixed = read_by_two(&TWO, &facts);
    named(&mixed, "area-media over piws, then over ledm");
    // A person may say so, and is listed.
    let mut said = read_by_two(&TWO, &facts);
    said.basis.facts[0].decisions.push(decided(650, SegmentReason::Interface));
    said.rate();
    assert!(judged(&said).is_ok(), "{:?}", judged(&said));
}

#[test]
fn after_seven_days_of_silence_another_interface_takes_over() {
    let readings = [
        (0, -2, -1, 1_000, "piws"),
        (0, 240, 241, 1_200, "piws"),
        (1, 420, 421, 1_210, "ledm"),
        (0, 430, 431, 1_240, "piws"),
        // It was not silent, and the portal did not know that yet.
        (0, 300, 700, 1_205, "piws"),
    ];
    let facts = [(-2, 1_000), (240, 1_200), (300, 1_205), (420, 1_210)];
    let text = judged(&read_by_two(&readings, &facts)).expect("a file that holds");
    assert!(text.contains("1 value of counters came over another interface"), "{text}");
    let early = readings.map(|(whose, at, arrived, metres, interface)| {
        let (at, arrived) = if at == 240 { (260, 261) } else { (at, arrived) };
        (whose, at, arrived, metres, interface)
    });
    let early = &early[..4];
    named(&read_by_two(early, &[(-2, 1_000), (260, 1_200), (420, 1_210)]), "area-media over piws, then over ledm");
}

#[test]
fn a_late_reading_that_was_overtaken_is_odd_only_where_the_file_shows_it() {
    let overtaken = [(0, -2, -1, 1_000, ""), (0, 10, 11, 1_000, ""), (1, 9, 12, 1_050, ""), (0, 20, 21, 1_100, "")];
    let facts = [(-2, 1_000), (20, 1_100)];
    let text = judged(&read_by_two(&overtaken, &facts)).expect("a file that holds");
    assert!(text.contains("1 reading do not fit"), "{text}");
    // Nothing denies it: it was left out.
    let alone = [overtaken[0], overtaken[2], overtaken[3]];
    named(&read_by_two(&alone, &facts), "left out");
}

#[test]
fn a_late_reading_inside_a_break_belongs_to_neither_side() {
    let readings = [(0, -2, -1, 140, ""), (0, 20, 21, 900, ""), (1, 10, 22, 500, "")];
    let mut world = read_by_two(&readings, &[(-2, 140), (20, 900)]);
    named(&world, "left out");
    world.basis.facts[0].decisions.push(decided(20, SegmentReason::Interface));
    world.rate();
    assert!(judged(&world).is_ok(), "{:?}", judged(&world));
}

/// A month in which the counter showed far too much for a while, and a person said so of the fall behind it.
fn too_high() -> World {
    let readings = [
        (0, -2, -1, 1_000, ""),
        (0, 100, 101, 9_000, ""),
        (0, 200, 201, 9_010, ""),
        (0, 300, 301, 1_050, ""),
        (0, 600, 601, 1_080, ""),
    ];
    let facts = [(-2, 1_000), (100, 9_000), (200, 9_010), (300, 1_050), (600, 1_080)];
    let mut world = read_by_two(&readings, &facts);
    world.basis.facts[0].decisions.push(decided(300, SegmentReason::Spike));
    world.rate();
    world
}

#[test]
fn what_was_too_high_stays_among_the_facts_and_bills_as_if_it_had_never_been_read() {
    let world = too_high();
    assert!(judged(&world).is_ok(), "{:?}", judged(&world));
    let never = read_by_two(&[(0, -2, -1, 1_000, ""), (0, 600, 601, 1_080, "")], &[(-2, 1_000), (600, 1_080)]);
    assert_eq!(world.total(), never.total());
    let said = verify(&world.file(), None, None).expect("it holds").said;
    let decision = said.iter().find(|said| said.what == "decision").expect("it is listed");
    assert!(decision.by == "Ada" && decision.detail.contains("spike"), "{}", decision.detail);
}

/// What somebody would have a decision say.
type Change = fn(&mut Decision);

#[test]
fn what_a_person_said_of_readings_that_were_too_high_cannot_be_changed() {
    let changes: [(&str, Change); 5] = [
        ("a reset", |said| {
            said.reason = SegmentReason::Reset;
            said.counts_from = Some(0);
        }),
        ("taken back", |said| said.reason = SegmentReason::Decrease),
        ("of another reading", |said| said.at = Instant(said.at.0 + 1)),
        ("at another time", |said| said.decided_at = Instant(said.decided_at.0 + 1)),
        ("by another person", |said| said.by = "Bob".to_owned()),
    ];
    for (name, change) in changes {
        let mut world = too_high();
        change(&mut world.basis.facts[0].decisions[0]);
        assert!(judged(&world).is_err(), "{name}");
    }
    // Listed as it was changed, the document does not follow.
    for (name, change) in &changes[..3] {
        let mut world = too_high();
        change(&mut world.basis.facts[0].decisions[0]);
        listed(&mut world.basis);
        let found = judged(&world).expect_err(name);
        assert!(found.iter().any(|(at, _)| at.starts_with("statement")), "{name}: {found:?}");
    }
    let mut world = too_high();
    world.basis.facts[0].decisions.clear();
    assert!(judged(&world).is_err(), "forgotten");
}
