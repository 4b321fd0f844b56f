//! How a printer is used, and in which odd ways its firmware answers.
//!
//! Deliberately absent: quirks that change what was printed; a quirk only changes what is said.
//! The one exception is named: [`Quirks::categories_unnamed`] has no media that decide a category.

use super::model::{MEDIA, Medium};
use report::Duration;
use report::sample::Rng;

/// How a printer is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habits {
    /// Jobs on a weekday, on average; at 0 nobody prints.
    pub jobs_per_day: i64,
    /// How many finished jobs the printer remembers.
    pub queue_length: usize,
    /// What the customer's computers add to UTC; a driver submits in local time.
    pub local_offset: Duration,
    /// The media on its rolls, in the order of the rolls; repeated when there are more rolls.
    pub media: Vec<&'static Medium>,
}

impl Default for Habits {
    /// Forty jobs a weekday, two hours east of UTC, every type of media as far as there are rolls.
    fn default() -> Habits {
        Habits { jobs_per_day: 40, queue_length: 200, local_offset: Duration::hours(2), media: MEDIA.iter().collect() }
    }
}

/// In which odd ways a printer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirks {
    /// A list of one stands as the object itself, as a mechanical mapping from XML makes it.
    pub one_as_object: bool,
    /// Numbers are written as text: `"24.000000"`.
    pub numbers_as_text: bool,
    /// Empty values are `null`, else `""`.
    pub nulls: bool,
    /// An unknown date is 1970-01-01, else it is empty.
    pub dates_1970: bool,
    /// Media amounts of jobs are plain numbers without a unit.
    pub units_missing_on_media: bool,
    /// Coverages are plain numbers, else percent with its unit.
    pub coverage_without_unit: bool,
    /// Coverages without a unit are percent, else fractions.
    pub coverage_in_percent: bool,
    /// Pages do not name their print category; then no media decides one either.
    pub categories_unnamed: bool,
    /// Job UUIDs are upper case.
    pub uuids_upper: bool,
    /// The job queue has a new UUID after each reboot.
    pub queue_uuid_changes_on_reboot: bool,
    /// Bodies arrive in chunks instead of with a length.
    pub chunked: bool,
    /// How many mm² the counter of all media, row U17, tells apart before it begins at zero again; at 0 it
    /// never does.
    pub media_values: i64,
}

impl Default for Quirks {
    /// The shapes that recordings of a DesignJet Z9 show, but with units on media amounts and coverages.
    fn default() -> Quirks {
        Quirks {
            one_as_object: true,
            numbers_as_text: false,
            nulls: true,
            dates_1970: true,
            units_missing_on_media: false,
            coverage_without_unit: false,
            coverage_in_percent: false,
            categories_unnamed: false,
            uuids_upper: false,
            queue_uuid_changes_on_reboot: true,
            chunked: false,
            media_values: 0,
        }
    }
}

impl Quirks {
    /// The quirks that a generator gives a printer.
    pub(super) fn of(rng: &mut Rng) -> Quirks {
        Quirks {
            numbers_as_text: rng.chance(500_000),
            nulls: rng.chance(700_000),
            dates_1970: rng.chance(700_000),
            units_missing_on_media: rng.chance(200_000),
            coverage_in_percent: rng.chance(300_000),
            categories_unnamed: rng.chance(150_000),
            uuids_upper: rng.chance(500_000),
            chunked: rng.chance(300_000),
            ..Quirks::default()
        }
    }
}
