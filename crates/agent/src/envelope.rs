//! The consent envelope: what the portal asks for, cut down to what the customer's side allowed.
//!
//! Pure. What exceeds the envelope is not read but waits for local approval, in words that both sides
//! see. Deliberately absent: names (a range is addresses), and any way for the portal to widen this.

use crate::config::Config;
use protocol::limits::{CONSENTS_MAX, MESSAGE_CHARS_MAX, RANGES_MAX};
use protocol::ranges::{self, RangeError, Span};
use protocol::receipt::Settings;
use report::Defect;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Approvals that are kept; each was said by a person.
const APPROVALS_MAX: usize = 1000;

/// What the customer's side approved beyond its file: ranges in their one form, and `interval N`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Approved(BTreeSet<String>);

impl Approved {
    /// Reads what [`Approved::to_text`] wrote; what does not read approves nothing.
    pub(crate) fn parse(text: &str) -> Approved {
        Approved(text.lines().take(APPROVALS_MAX).map(str::to_owned).collect())
    }

    /// The form in which it is kept.
    pub(crate) fn to_text(&self) -> String {
        let lines: Vec<&str> = self.0.iter().map(String::as_str).collect();
        lines.join("\n")
    }

    /// Adds what waits.
    pub(crate) fn add(&mut self, waiting: &[Waiting]) {
        self.0.extend(waiting.iter().filter_map(|waiting| waiting.key.clone()));
    }

    fn spans(&self) -> Vec<Span> {
        self.0.iter().filter_map(|text| Span::readable(text).ok()).collect()
    }

    /// The shortest interval approved, in minutes.
    fn interval(&self) -> Option<u32> {
        self.0.iter().filter_map(|text| text.strip_prefix("interval ")?.parse().ok()).min()
    }
}

/// Something that the portal asks for and the customer's side has not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// What an approval keeps; `None` when nobody can approve it.
    key: Option<String>,
    /// What it is, for people on both sides.
    pub(crate) words: String,
}

impl Waiting {
    fn approvable(key: String, words: String) -> Waiting {
        Waiting { key: Some(key), words }
    }

    fn refused(asked: &str, why: &RangeError) -> Waiting {
        Waiting { key: None, words: format!("cannot be approved: '{}' {why}", Defect::quote(asked)) }
    }

    /// Whether an approval has an effect.
    pub(crate) fn can_be_approved(&self) -> bool {
        self.key.is_some()
    }
}

/// What the collector does in effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Effective {
    /// The addresses of all ranges, in order.
    pub(crate) addresses: Vec<IpAddr>,
    /// What waits for local approval.
    pub(crate) waiting: Vec<Waiting>,
    /// Minutes between readings.
    pub(crate) interval_minutes: u32,
}

impl Effective {
    /// What waits, in words, as a beat carries it.
    pub(crate) fn words(&self) -> Vec<String> {
        let words = self.waiting.iter().take(CONSENTS_MAX);
        words.map(|waiting| waiting.words.chars().take(MESSAGE_CHARS_MAX).collect()).collect()
    }
}

/// What remains of the portal's settings within the envelope of the file and what was approved.
///
/// Its cost is bounded whatever the settings are: only the first ranges are looked at, each no longer
/// than a range can be, and the addresses are capped.
pub(crate) fn effective(config: &Config, settings: &Settings, approved: &Approved) -> Effective {
    let mut effective = Effective::default();
    let mut excluded = config.excluded.clone();
    for asked in settings.excluded.iter().take(RANGES_MAX) {
        match Span::parse(asked) {
            Ok(span) => excluded.push(span),
            Err(why) => effective.waiting.push(Waiting::refused(asked, &why)),
        }
    }
    let mut found = BTreeSet::new();
    for span in &config.ranges {
        // The file was checked when it was read; exclusions only take away.
        if let Err(why) = ranges::add(span, &excluded, &mut found) {
            effective.waiting.push(Waiting::refused(&span.to_string(), &why));
        }
    }
    let allowed: Vec<Span> =
        config.allow.networks.iter().chain(&config.ranges).copied().chain(approved.spans()).collect();
    for asked in settings.ranges.iter().take(RANGES_MAX) {
        let span = match Span::readable(asked) {
            Ok(span) => span,
            Err(why) => {
                effective.waiting.push(Waiting::refused(asked, &why));
                continue;
            }
        };
        if !allowed.iter().any(|allowed| allowed.covers(&span)) {
            effective.waiting.push(Waiting::approvable(span.to_string(), format!("read the addresses {span}")));
        } else if let Err(why) = ranges::add(&span, &excluded, &mut found) {
            effective.waiting.push(Waiting::refused(asked, &why));
        }
    }
    let more = settings.ranges.len().saturating_sub(RANGES_MAX);
    if more > 0 {
        let words = format!("cannot be approved: {more} more ranges, of which {RANGES_MAX} at most are looked at");
        effective.waiting.push(Waiting { key: None, words });
    }
    effective.addresses = found.into_iter().collect();
    interval(config, settings, approved, &mut effective);
    effective
}

fn interval(config: &Config, settings: &Settings, approved: &Approved, effective: &mut Effective) {
    let asked = settings.bounded_interval_minutes();
    let floor = config.allow.interval_minutes;
    let allowed = approved.interval().map_or(floor, |approved| approved.min(floor));
    if asked < allowed {
        let words = format!("read every {asked} minutes; the file allows every {floor}");
        effective.waiting.push(Waiting::approvable(format!("interval {asked}"), words));
    }
    effective.interval_minutes = asked.max(allowed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::sample::Rng;

    fn config(more: &str) -> Config {
        Config::parse(&format!("state = \"s\"\n{more}")).expect("valid")
    }

    fn asked(ranges: &[&str], excluded: &[&str]) -> Settings {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Settings { ranges: owned(ranges), excluded: owned(excluded), ..Settings::default() }
    }

    fn shown(effective: &Effective) -> Vec<String> {
        effective.addresses.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn without_a_network_only_the_file_s_own_ranges_are_read() {
        let config = config("ranges = [\"192.0.2.1-192.0.2.2\"]\n");
        let effective = effective(&config, &asked(&["192.0.2.2", "192.0.2.3"], &[]), &Approved::default());
        assert_eq!(shown(&effective), ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(effective.words(), ["read the addresses 192.0.2.3"]);
    }

    #[test]
    fn what_exceeds_a_network_waits_and_is_read_once_it_is_approved() {
        let config = config("[allow]\nnetworks = [\"192.0.2.0/28\"]\n");
        let settings = asked(&["192.0.2.14-192.0.2.17", "192.0.2.1"], &["192.0.2.1"]);
        let before = effective(&config, &settings, &Approved::default());
        assert_eq!((shown(&before).len(), before.waiting.len()), (0, 1));
        let mut approved = Approved::default();
        approved.add(&before.waiting);
        let approved = Approved::parse(&approved.to_text());
        let after = effective(&config, &settings, &approved);
        assert_eq!((shown(&after).len(), after.waiting.len()), (4, 0));
        let narrower = effective(&config, &asked(&["192.0.2.16"], &[]), &approved);
        assert_eq!(shown(&narrower), ["192.0.2.16"], "an approval holds for a part of it");
    }

    #[test]
    fn what_can_never_be_read_is_said_and_cannot_be_approved() {
        let config = config("[allow]\nnetworks = [\"0.0.0.0/0\", \"::/0\"]\n");
        let hostile = ["0.0.0.0/0", "::ffff:127.0.0.1", "169.254.169.254", "0x7f000001", "10.0.0.0/8", "x"];
        let effective = effective(&config, &asked(&hostile, &["y"]), &Approved::default());
        assert_eq!(shown(&effective), Vec::<String>::new());
        assert_eq!(effective.waiting.len(), hostile.len() + 1);
        assert!(effective.waiting.iter().all(|waiting| !waiting.can_be_approved()));
        let mut approved = Approved::default();
        approved.add(&effective.waiting);
        assert_eq!(approved, Approved::default());
    }

    #[test]
    fn an_interval_below_the_file_s_waits() {
        let config = config("[allow]\ninterval_minutes = 120\n");
        for (minutes, approved, interval, waits) in [
            (180, "", 180, false),
            (60, "", 120, true),
            (0, "", 120, true),
            (60, "interval 60", 60, false),
            (30, "interval 60", 60, true),
            (60, "interval x\ninterval -1", 120, true),
        ] {
            let settings = Settings { interval_minutes: minutes, ..Settings::default() };
            let effective = effective(&config, &settings, &Approved::parse(approved));
            assert_eq!((effective.interval_minutes, effective.waiting.len()), (interval, usize::from(waits)));
        }
    }

    /// A range as a hostile portal might write it.
    fn hostile(rng: &mut Rng) -> String {
        let mut octet = || rng.between(0, 300);
        let address = format!("{}.{}.{}.{}", octet(), octet(), octet(), octet());
        let near = format!("192.0.2.{}", rng.between(0, 255));
        let kinds = [
            address.clone(),
            near.clone(),
            format!("{address}/{}", rng.between(0, 40)),
            format!("{near}/{}", rng.between(20, 33)),
            format!("{near}-192.0.{}.{}", rng.between(0, 4), rng.between(0, 255)),
            format!("{address}-{near}"),
            format!("::ffff:{near}"),
            format!("::ffff:{near}/{}", rng.between(90, 129)),
            format!("::{near}"),
            format!("0x{:08x}", rng.next_u64() & 0xffff_ffff),
            format!("0{:o}.0.2.1", rng.between(0, 255)),
            rng.next_u64().to_string(),
            format!("fe80::{:x}%eth0", rng.between(1, 9)),
            format!("2001:db8::{:x}/{}", rng.between(0, 65535), rng.between(100, 129)),
            "127.0.0.1".to_owned(),
            "0.0.0.0/0".to_owned(),
            "é".repeat(1000),
        ];
        let kind = rng.between(0, 16);
        kinds[usize::try_from(kind).expect("small")].clone()
    }

    #[test]
    fn ten_thousand_hostile_settings_never_name_an_address_outside_the_envelope() {
        let config = config(
            "ranges = [\"198.51.100.7\"]\nexclude = [\"192.0.2.13\"]\n\
             [allow]\nnetworks = [\"192.0.2.0/26\", \"127.0.0.0/8\", \"2001:db8::/120\"]\n",
        );
        let spans = ["192.0.2.0-192.0.2.12", "192.0.2.14-192.0.2.63", "198.51.100.7", "2001:db8::/120"];
        let spans = spans.map(|span| Span::parse(span).expect("valid"));
        let inside = |address: &IpAddr| spans.iter().any(|span| span.contains(*address));
        let mut rng = Rng::new(3);
        let mut named = 0;
        for _ in 0..10_000 {
            let ranges = (0..rng.between(1, 6)).map(|_| hostile(&mut rng)).collect();
            let settings = Settings { ranges, ..Settings::default() };
            let effective = effective(&config, &settings, &Approved::default());
            let outside: Vec<_> = effective.addresses.iter().filter(|address| !inside(address)).collect();
            assert_eq!(outside, Vec::<&IpAddr>::new(), "{:?}", settings.ranges);
            named += effective.addresses.len();
        }
        assert!(named > 10_000, "only {named} addresses were named at all");
    }

    #[test]
    fn a_million_ranges_cost_no_more_than_a_few() {
        let config = config("[allow]\nnetworks = [\"10.0.0.0/8\"]\n");
        let ranges = (0..1_000_000_u32).map(|number| format!("10.{}.0.0/20", number % 256)).collect();
        let effective = effective(&config, &Settings { ranges, ..Settings::default() }, &Approved::default());
        assert_eq!(effective.addresses.len(), ranges::ADDRESSES_MAX);
        assert!(effective.waiting.len() <= RANGES_MAX + 1);
        assert!(effective.words().len() <= CONSENTS_MAX);
    }
}
