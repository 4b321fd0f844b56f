//! What a printer consumes: cartridges and rolls, replaced when they are used up.
//!
//! Deliberately absent: expired, foreign and leaking supplies, and heads that wear.

use super::model::{Medium, Model};
use super::{DAY, length_of, narrow};
use report::sample::Rng;
use report::{Area, Duration, Ink, Instant, Length, divide_half_even};

/// What is cut off the start of a new roll.
const TRIM: Length = Length(180_000);

/// The cartridges of one colour.
#[derive(Debug, Clone)]
pub(crate) struct InkGroup {
    /// Row S10.
    pub(crate) colour: &'static str,
    /// Row S12.
    pub(crate) part_number: String,
    /// The slots, in the order they are emptied.
    pub(crate) slots: Vec<InkSlot>,
    active: usize,
    capacity: Ink,
    seed: u64,
}

/// One slot and the cartridge in it.
#[derive(Debug, Clone)]
pub(crate) struct InkSlot {
    /// Row S14.
    pub(crate) serial: String,
    /// When the cartridge was inserted.
    pub(crate) installed_at: Instant,
    /// Row S19.
    pub(crate) expires_at: Instant,
    /// What is left in the cartridge.
    pub(crate) level: Ink,
    /// Row U2, of this slot.
    pub(crate) used: Ink,
    /// Row U5, of this slot.
    pub(crate) insertions: i64,
}

impl InkGroup {
    /// The cartridges of the `index`th colour, with a past before `start`.
    pub(super) fn new(rng: &mut Rng, model: &Model, index: usize, colour: &'static str, start: Instant) -> InkGroup {
        let capacity = Ink(model.capacity.0.max(1));
        let mut group = InkGroup {
            colour,
            part_number: format!("B3P{}A", 17 + index),
            slots: Vec::new(),
            active: 0,
            capacity,
            seed: rng.next_u64(),
        };
        for _ in 0..model.slots_per_colour.max(1) {
            let used = rng.between(capacity.0, 12 * capacity.0);
            let installed_at = Instant(start.0.div_euclid(DAY) * DAY - rng.between(1, 90) * DAY);
            let mut slot = InkSlot {
                serial: String::new(),
                installed_at,
                expires_at: installed_at,
                level: Ink(0),
                used: Ink(used),
                insertions: used / capacity.0,
            };
            fill(&mut slot, capacity, group.seed, installed_at);
            slot.level = Ink(rng.between(capacity.0 / 5, capacity.0));
            group.slots.push(slot);
        }
        group
    }

    /// Takes `ink` out of the cartridges; an empty one is replaced at once.
    pub(super) fn draw(&mut self, ink: Ink, at: Instant) {
        let mut left = ink.0;
        while left > 0 {
            let count = self.slots.len().max(1);
            let Some(slot) = self.slots.get_mut(self.active) else { return };
            let taken = left.min(slot.level.0);
            slot.level.0 -= taken;
            slot.used.0 += taken;
            left -= taken;
            if slot.level.0 == 0 {
                fill(slot, self.capacity, self.seed, at);
                self.active = (self.active + 1) % count;
            }
        }
    }

    /// What one cartridge holds, row S16.
    pub(crate) fn capacity(&self) -> Ink {
        self.capacity
    }

    /// Row U2: ink of this colour ever used.
    pub(crate) fn used(&self) -> Ink {
        Ink(self.slots.iter().map(|slot| slot.used.0).sum())
    }

    /// What is left in all cartridges of this colour.
    pub(crate) fn level(&self) -> Ink {
        Ink(self.slots.iter().map(|slot| slot.level.0).sum())
    }

    /// Row U5: cartridges of this colour ever inserted.
    pub(crate) fn insertions(&self) -> i64 {
        self.slots.iter().map(|slot| slot.insertions).sum()
    }
}

/// Puts a new cartridge into a slot.
fn fill(slot: &mut InkSlot, capacity: Ink, seed: u64, at: Instant) {
    slot.insertions += 1;
    // The slot's own ink sets two slots of one colour apart.
    let mut rng = super::stream(seed, 0, slot.insertions ^ slot.used.0);
    slot.serial = format!("{:06}-{}-{:02}", rng.between(0, 999_999), rng.between(10, 50), rng.between(1, 12));
    slot.level = capacity;
    slot.installed_at = at;
    slot.expires_at = at.plus(Duration(rng.between(300, 700) * DAY));
}

/// A roll of media.
#[derive(Debug, Clone)]
pub(crate) struct Roll {
    /// What is on it.
    pub(crate) medium: &'static Medium,
    /// Its width in micro-inches.
    pub(crate) width: i64,
    /// What remains of it, row S22.
    pub(crate) remaining: Length,
    /// What a new one has.
    full: Length,
}

impl Roll {
    /// A roll that has been used for a while.
    pub(super) fn new(rng: &mut Rng, medium: &'static Medium, width: i64, full: Length) -> Roll {
        Roll { medium, width, remaining: Length(rng.between(full.0 / 4, full.0)), full }
    }

    /// The area of `length` of this roll, in mm².
    pub(crate) fn area(&self, length: Length) -> Area {
        let width = i128::from(length_of(self.width).0);
        Area(narrow(divide_half_even(width * i128::from(length.0), 1_000_000)))
    }

    /// Feeds `length`; when less than that remains, a new roll is loaded first and its start is cut
    /// off. Answers what was cut off.
    pub(super) fn take(&mut self, length: Length) -> Option<Length> {
        let trimmed = (self.remaining < length).then_some(TRIM);
        if trimmed.is_some() {
            self.remaining = Length(self.full.0 - TRIM.0);
        }
        self.remaining.0 -= length.0;
        trimmed
    }
}
