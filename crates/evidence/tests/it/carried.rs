//! What a statement takes over from the file before it: the same, worked out anew, or of another period.

use super::world::{World, world};
use billing::{Carry, Period, rate};
use evidence::verify;

const ALLOWANCE: &str = r#"{"allowance":{"covers":[{"meter":"area-printed","category":"mono-line"}],
    "included":1000000000,"reset":"year"}}"#;

/// The month, with an allowance that counts over the year.
fn yearly() -> World {
    let mut world = world();
    world.basis.input.terms.clauses.insert(0, serde_json::from_str(ALLOWANCE).expect("a clause"));
    world
}

/// The month before, of which a file that follows needs what it left alone.
fn september() -> (World, Carry) {
    let mut world = yearly();
    let september = Period::calendar_month(2026, 9, "Europe/Berlin").expect("a month");
    world.basis.input.period = september;
    for facts in &mut world.basis.facts {
        for stay in &mut facts.stays {
            stay.from = september.start;
        }
        for job in &mut facts.jobs {
            job.finished_at.0 -= 30 * 86_400_000;
        }
    }
    world.number = "S-0006".to_owned();
    world.rate();
    let carry = rate(&world.basis.input()).expect("a statement").carry;
    assert!(!carry.is_empty());
    (world, carry)
}

/// October, which takes over `carry` and follows `before`.
fn october(before: &World, carry: &Carry, carried_again: bool) -> World {
    let mut world = yearly();
    world.basis.input.carry = carry.clone();
    world.basis.carried_again = carried_again;
    world.previous = before.own();
    world.rate();
    world
}

#[test]
fn what_periods_rated_again_leave_is_what_this_one_begins_with() {
    let (before, _) = september();
    let mut world = yearly();
    let again = super::world::september(&world);
    world.basis.input.carry = rate(&again.input()).expect("a statement").carry;
    world.basis.carried_again = true;
    world.basis.again = vec![again];
    world.previous = before.own();
    world.rate();
    // Nothing was left to the first of them, and the file before says the same.
    let told = judged(&before, &world).expect("it follows");
    assert!(told.ends_with("the first period that was rated again begins with what S-0006 says."), "{told}");
    world.basis.input.carry.entries[0].lots[0].quantity += 1;
    world.rate();
    assert_eq!(judged(&before, &world).expect_err("another carry"), ["basis.input.carry.entries.0.lots.0.quantity"]);
}

/// What the verdict says of the chain, or where something does not hold.
fn judged(before: &World, after: &World) -> Result<String, Vec<String>> {
    match verify(&after.file(), None, Some(&before.file())) {
        Ok(verdict) => Ok(verdict.proved.last().cloned().unwrap_or_default()),
        Err(findings) => Err(findings.into_iter().map(|finding| finding.at).collect()),
    }
}

#[test]
fn what_is_carried_in_is_what_the_period_before_left_unless_that_was_worked_out_anew() {
    let (before, carry) = september();
    let mut other = carry.clone();
    other.entries[0].lots[0].quantity += 1;
    let same = judged(&before, &october(&before, &carry, false)).expect("it follows");
    assert!(same.ends_with("and begins with what S-0006 says."), "{same}");
    let wrong = judged(&before, &october(&before, &other, false)).expect_err("another carry");
    assert_eq!(wrong, ["basis.input.carry.entries.0.lots.0.quantity"]);
    // A late job of September was settled beside October's statement: September's own file cannot know it.
    let again = judged(&before, &october(&before, &other, true)).expect("it says so");
    assert!(again.contains("Not checked: 1 amount from the period before, which was worked out anew"), "{again}");
    let same = judged(&before, &october(&before, &carry, true)).expect("it follows");
    assert!(same.ends_with("and begins with what S-0006 says."), "{same}");
}

#[test]
fn a_file_that_is_not_the_statement_of_the_period_before_says_nothing_of_the_carry() {
    let (mut note, carry) = september();
    note.documents[0] = note.documents[0].replacen('{', r#"{"kind":"credit","#, 1);
    let mut other = carry;
    other.entries[0].lots[0].quantity += 1;
    let told = judged(&note, &october(&note, &other, false)).expect("it follows");
    assert!(told.contains("of which S-0006 says nothing"), "{told}");
}
