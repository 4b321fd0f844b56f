//! What the portal asks of an agent.
//!
//! It can say how often to read, where to look and which printers take part, and the agent holds all
//! of it within what the customer's side allowed locally. Deliberately absent: anything that could
//! change a printer, loosen privacy or make an agent talk to somebody else.

use crate::limits::{INTERVAL_MINUTES_DEFAULT, INTERVAL_MINUTES_MAX, INTERVAL_MINUTES_MIN};
pub use crate::limits::{PARTICIPANTS_MAX, RANGE_CHARS_MAX, RANGES_MAX};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What the portal asks of an agent. Fields that a newer portal adds are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Rises with each change; an agent never goes back.
    pub version: u64,
    /// Minutes between readings.
    pub interval_minutes: u32,
    /// Where to look for printers: addresses, networks, and first and last address with a hyphen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<String>,
    /// Where not to look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
    /// Which printers are read; of all others only the identity is sent.
    #[serde(default)]
    pub participation: Participation,
    /// Rises by one with each "collect now".
    #[serde(default)]
    pub collect: u64,
    /// Drop every personal row, even those that the customer's policy keeps.
    #[serde(default)]
    pub drop_personal: bool,
}

/// Which printers are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Participation {
    /// Those with one of these serial numbers.
    Listed(BTreeSet<String>),
    /// All.
    All,
}

impl Default for Participation {
    /// None: nobody is read before somebody said so.
    fn default() -> Participation {
        Participation::Listed(BTreeSet::new())
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            version: 0,
            interval_minutes: INTERVAL_MINUTES_DEFAULT,
            ranges: Vec::new(),
            excluded: Vec::new(),
            participation: Participation::default(),
            collect: 0,
            drop_personal: false,
        }
    }
}

impl Settings {
    /// The interval within the bounds that an agent holds, whatever the portal says.
    pub fn bounded_interval_minutes(&self) -> u32 {
        self.interval_minutes.clamp(INTERVAL_MINUTES_MIN, INTERVAL_MINUTES_MAX)
    }

    /// Whether the printer with this serial number is read.
    pub fn takes_part(&self, serial: &str) -> bool {
        match &self.participation {
            Participation::Listed(serials) => serials.contains(serial),
            Participation::All => true,
        }
    }

    /// Whether the lists are within their limits. An agent takes no settings that are not.
    pub fn within_limits(&self) -> bool {
        let short = |ranges: &[String]| {
            ranges.len() <= RANGES_MAX && ranges.iter().all(|range| range.chars().count() <= RANGE_CHARS_MAX)
        };
        let listed = match &self.participation {
            Participation::Listed(serials) => serials.len(),
            Participation::All => 0,
        };
        short(&self.ranges) && short(&self.excluded) && listed <= PARTICIPANTS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_stays_in_bounds_whatever_the_portal_says() {
        for (asked, kept) in [(0, 30), (1, 30), (30, 30), (180, 180), (1_000_000, 1440), (u32::MAX, 1440)] {
            let settings = Settings { interval_minutes: asked, ..Settings::default() };
            assert_eq!(settings.bounded_interval_minutes(), kept);
        }
    }

    #[test]
    fn nobody_takes_part_before_somebody_said_so() {
        let old = r#"{"version":1,"interval_minutes":180}"#;
        let settings: Settings = serde_json::from_str(old).expect("the shortest form");
        assert_eq!(settings, Settings { version: 1, ..Settings::default() });
        assert!(!settings.takes_part("CN1"));
        let listed = Participation::Listed(["CN1".to_owned()].into());
        let settings = Settings { participation: listed, ..Settings::default() };
        assert!(settings.takes_part("CN1") && !settings.takes_part("CN2"));
        assert!(Settings { participation: Participation::All, ..Settings::default() }.takes_part("CN2"));
    }

    #[test]
    fn settings_of_a_newer_portal_are_understood() {
        let newer = r#"{"version":2,"interval_minutes":60,"participation":"all","later":{"more":[1]}}"#;
        let settings: Settings = serde_json::from_str(newer).expect("unknown fields are passed over");
        assert_eq!((settings.version, settings.participation), (2, Participation::All));
    }

    #[test]
    fn lists_beyond_their_limits_are_told() {
        let ranges = |count, length| Settings { ranges: vec!["1".repeat(length); count], ..Settings::default() };
        assert!(ranges(RANGES_MAX, RANGE_CHARS_MAX).within_limits());
        assert!(!ranges(RANGES_MAX + 1, 1).within_limits());
        assert!(!ranges(1, RANGE_CHARS_MAX + 1).within_limits());
        let serials = (0..=PARTICIPANTS_MAX).map(|number| number.to_string()).collect();
        let participation = Participation::Listed(serials);
        assert!(!Settings { participation, ..Settings::default() }.within_limits());
    }
}
