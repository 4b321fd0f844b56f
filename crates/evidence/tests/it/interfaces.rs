//! Readings that are no facts: of another interface, late ones that contradict others, and those left out.

use super::world::{Told, World, decided, read_by_two};
use billing::SegmentReason;
use evidence::verify;

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
