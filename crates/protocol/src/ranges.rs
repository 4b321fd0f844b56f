//! Addresses and ranges of addresses, as people and portals write them: read strictly and capped, by one
//! function at both ends, so that a form takes what an agent reads.
//!
//! One address, a CIDR block or `first-last`, in IPv4 or IPv6. Odd literals (octal, hexadecimal or
//! decimal numbers, missing octets, zone ids) are refused, since two programs read them differently.
//! Deliberately absent: names, which resolve to anything, and any IO.

use crate::limits::RANGE_CHARS_MAX;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::BTreeSet;
use std::fmt;

/// One collector reads at most this many addresses, over all its ranges.
pub const ADDRESSES_MAX: usize = 4096;
/// The same, as spans count.
const SPAN_MAX: u128 = 4096;
/// Lines of a list of printers that are looked at.
const LINES_MAX: usize = 10_000;

/// Addresses from `first` to `last`, both of one family and both included. An IPv4 address written as
/// mapped IPv6 is its IPv4 address here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    first: IpAddr,
    last: IpAddr,
}

/// Why a text is no range that may be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It is none of the three forms.
    #[error("is neither an IP address, a block such as 192.0.2.0/28, nor a range such as 192.0.2.10-192.0.2.20")]
    Form,
    /// The last address comes before the first, or is of the other family.
    #[error("ends before it begins")]
    Order,
    /// More addresses than one collector reads.
    #[error("holds more than {} addresses, the most one collector reads", ADDRESSES_MAX)]
    TooMany,
    /// Some of its addresses are never a printer's.
    #[error("holds {0}, which are never read through a range")]
    Forbidden(&'static str),
}

/// An address as a number, to count and to compare.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// The address after `address` within its family.
fn after(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => u32::from(address).checked_add(1).map(|next| IpAddr::V4(Ipv4Addr::from(next))),
        IpAddr::V6(address) => u128::from(address).checked_add(1).map(|next| IpAddr::V6(Ipv6Addr::from(next))),
    }
}

/// One IP literal; a mapped one is its IPv4 address.
pub fn literal(text: &str) -> Option<IpAddr> {
    // The standard library reads four decimal octets without leading zeros, and no zone ids.
    let address: IpAddr = text.parse().ok()?;
    match address {
        IpAddr::V6(inner) => Some(inner.to_ipv4_mapped().map_or(address, IpAddr::V4)),
        IpAddr::V4(_) => Some(address),
    }
}

impl Span {
    /// Reads one address, block or range. Its width and its addresses are [`Span::check`]ed apart.
    pub fn parse(text: &str) -> Result<Span, RangeError> {
        let text = text.trim();
        if text.len() > RANGE_CHARS_MAX {
            return Err(RangeError::Form);
        }
        if let Some((address, bits)) = text.split_once('/') {
            return block(address.trim(), bits.trim());
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let first = literal(first.trim()).ok_or(RangeError::Form)?;
        let last = literal(last.trim()).ok_or(RangeError::Form)?;
        if first.is_ipv4() != last.is_ipv4() || last < first {
            return Err(RangeError::Order);
        }
        Ok(Span { first, last })
    }

    /// One address.
    pub fn one(address: IpAddr) -> Span {
        Span { first: address, last: address }
    }

    /// Reads a range that may be read: not too wide, and without addresses that are never a printer's.
    pub fn readable(text: &str) -> Result<Span, RangeError> {
        let span = Span::parse(text)?;
        span.check()?;
        Ok(span)
    }

    /// Whether the range may be read.
    pub fn check(&self) -> Result<(), RangeError> {
        if let Some(&(_, what)) = forbidden().iter().find(|(never, _)| never.meets(self)) {
            return Err(RangeError::Forbidden(what));
        }
        // `0` to `last` of IPv6 has one address more than fits the number.
        if number(self.last) - number(self.first) >= SPAN_MAX { Err(RangeError::TooMany) } else { Ok(()) }
    }

    /// Whether an address is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.first.is_ipv4() == address.is_ipv4() && self.first <= address && address <= self.last
    }

    /// Whether every address of `other` is in this range.
    pub fn covers(&self, other: &Span) -> bool {
        self.contains(other.first) && self.contains(other.last)
    }

    /// Whether the two have an address in common.
    fn meets(&self, other: &Span) -> bool {
        self.first.is_ipv4() == other.first.is_ipv4() && self.first <= other.last && other.first <= self.last
    }

    /// Both as one, where one follows the other without a gap.
    pub fn joined(&self, next: &Span) -> Option<Span> {
        let follows = after(self.last) == Some(next.first);
        follows.then_some(Span { first: self.first, last: next.last })
    }

    /// The addresses in order, at most [`ADDRESSES_MAX`].
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let last = self.last;
        std::iter::successors(Some(self.first), move |address| if *address < last { after(*address) } else { None })
            .take(ADDRESSES_MAX)
    }
}

impl fmt::Display for Span {
    /// One form for each range: `192.0.2.10` or `192.0.2.10-192.0.2.20`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

fn block(address: &str, bits: &str) -> Result<Span, RangeError> {
    // A mapped address under a prefix of IPv6 length would mean another block in each family.
    let address: IpAddr = address.parse().map_err(|_| RangeError::Form)?;
    let plain = !bits.is_empty() && bits.len() <= 3 && bits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || (bits.len() > 1 && bits.starts_with('0')) {
        return Err(RangeError::Form);
    }
    let bits: u32 = bits.parse().map_err(|_| RangeError::Form)?;
    match address {
        IpAddr::V4(address) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            let first = u32::from(address) & mask;
            Ok(Span { first: IpAddr::V4(first.into()), last: IpAddr::V4((first | !mask).into()) })
        }
        IpAddr::V6(address) if bits <= 128 && address.to_ipv4_mapped().is_none() => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            let first = u128::from(address) & mask;
            Ok(Span { first: IpAddr::V6(first.into()), last: IpAddr::V6((first | !mask).into()) })
        }
        IpAddr::V4(_) | IpAddr::V6(_) => Err(RangeError::Form),
    }
}

/// What is never read through a range: it is no printer's address, or stands for another address.
fn forbidden() -> [(Span, &'static str); 14] {
    let v4 = |first: [u8; 4], last: [u8; 4]| Span { first: IpAddr::V4(first.into()), last: IpAddr::V4(last.into()) };
    let v6 = |first: [u16; 8], bits: u32| {
        let first = u128::from(Ipv6Addr::from(first));
        let rest = u128::MAX.checked_shr(bits).unwrap_or(0);
        Span { first: IpAddr::V6(first.into()), last: IpAddr::V6((first | rest).into()) }
    };
    [
        (v4([0, 0, 0, 0], [0, 255, 255, 255]), "unspecified addresses (0.0.0.0/8)"),
        (v4([127, 0, 0, 0], [127, 255, 255, 255]), "this machine's own addresses (127.0.0.0/8)"),
        (v4([169, 254, 0, 0], [169, 254, 255, 255]), "link-local addresses (169.254.0.0/16)"),
        (v4([224, 0, 0, 0], [239, 255, 255, 255]), "multicast addresses (224.0.0.0/4)"),
        (v4([240, 0, 0, 0], [255, 255, 255, 255]), "reserved and broadcast addresses (240.0.0.0/4)"),
        (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "this machine's own address (::1)"),
        (v6([0; 8], 96), "unspecified and IPv4-compatible addresses (::/96)"),
        (v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), "IPv4 addresses written as IPv6 (::ffff:0:0/96)"),
        (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 32), "translated IPv4 addresses (64:ff9b::/32)"),
        (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "tunnelled IPv4 addresses (2002::/16)"),
        (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "tunnelled IPv4 addresses (2001::/32)"),
        (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link-local addresses (fe80::/10)"),
        (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "site-local addresses (fec0::/10)"),
        (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast addresses (ff00::/8)"),
    ]
}

/// Adds the addresses of `span` to `found`, or none of them when that would exceed the cap.
pub fn add(span: &Span, excluded: &[Span], found: &mut BTreeSet<IpAddr>) -> Result<(), RangeError> {
    span.check()?;
    let wanted = |address: &IpAddr| !excluded.iter().any(|not| not.contains(*address));
    let new: Vec<IpAddr> = span.addresses().filter(|address| wanted(address) && !found.contains(address)).collect();
    if found.len() + new.len() > ADDRESSES_MAX {
        return Err(RangeError::TooMany);
    }
    found.extend(new);
    Ok(())
}

/// The addresses of a list, without the excluded ones, in order. The error names the entry.
pub fn addresses(spans: &[Span], excluded: &[Span]) -> Result<Vec<IpAddr>, (Span, RangeError)> {
    let mut found = BTreeSet::new();
    for span in spans {
        add(span, excluded, &mut found).map_err(|error| (*span, error))?;
    }
    Ok(found.into_iter().collect())
}

/// The first column of a CSV text: each with its line number. Empty lines, comments (`#`) and a first
/// line that is a heading are left out.
///
/// Commas, semicolons and tabs separate columns; the first column may stand in double quotes.
pub fn first_column(text: &str) -> Vec<(usize, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Vec::new();
    for (index, line) in text.lines().take(LINES_MAX).enumerate() {
        let cell = line.split([',', ';', '\t']).next().unwrap_or("").trim().trim_matches('"').trim();
        let heading = index == 0 && !cell.contains(|c: char| c.is_ascii_digit() || c == ':');
        if cell.is_empty() || cell.starts_with('#') || heading {
            continue;
        }
        found.push((index + 1, cell.chars().take(RANGE_CHARS_MAX + 1).collect()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Span {
        Span::parse(text).expect(text)
    }

    #[test]
    fn the_three_forms_are_read_in_both_families() {
        for (text, shown, count) in [
            ("192.0.2.10", "192.0.2.10", 1),
            (" 192.0.2.10 ", "192.0.2.10", 1),
            ("192.0.2.17/28", "192.0.2.16-192.0.2.31", 16),
            ("192.0.2.40-192.0.2.60", "192.0.2.40-192.0.2.60", 21),
            ("192.0.2.40 - 192.0.2.41", "192.0.2.40-192.0.2.41", 2),
            ("10.0.0.0/20", "10.0.0.0-10.0.15.255", 4096),
            ("10.0.0.7/32", "10.0.0.7", 1),
            ("2001:db8::1", "2001:db8::1", 1),
            ("2001:db8::/116", "2001:db8::-2001:db8::fff", 4096),
            ("2001:db8::1-2001:db8::3", "2001:db8::1-2001:db8::3", 3),
            ("::ffff:192.0.2.10", "192.0.2.10", 1),
        ] {
            let span = Span::readable(text).expect(text);
            assert_eq!((span.to_string().as_str(), span.addresses().count()), (shown, count), "{text}");
        }
    }

    #[test]
    fn odd_literals_are_refused() {
        for text in [
            "",
            "-",
            "/",
            "192.0.2",
            "192.0.2.",
            "192.0.2.010",
            "192.0.2.0x10",
            "0xC0000201",
            "3221225985",
            "192.0.513",
            "192.0.2.256",
            "192.0.2.1.",
            "192.0.2.1/",
            "192.0.2.1/33",
            "192.0.2.1/08",
            "192.0.2.1/+8",
            "192.0.2.1/-1",
            "192.0.2.0/255.255.255.0",
            "192.0.2.1:443",
            "192.0.2.*",
            "fe80::1%eth0",
            "fe80::1%25eth0",
            "2001:db8::/129",
            "::ffff:192.0.2.0/120",
            "[2001:db8::1]",
            "printer.example",
            "localhost",
            "192.0.2.1 192.0.2.2",
            "192.0.2.1-5",
            "１92.0.2.1",
            "192.0.2.1-192.0.2.2-192.0.2.3",
        ] {
            assert_eq!(Span::parse(text), Err(RangeError::Form), "{text}");
        }
        assert_eq!(Span::parse(&"1".repeat(1_000_000)), Err(RangeError::Form));
        assert_eq!(Span::parse("192.0.2.9-192.0.2.1"), Err(RangeError::Order));
        assert_eq!(Span::parse("192.0.2.9-2001:db8::1"), Err(RangeError::Order));
    }

    #[test]
    fn what_is_never_a_printer_s_address_is_never_read_through_a_range() {
        for text in [
            "127.0.0.1",
            "127.255.255.255",
            "126.255.255.255-127.0.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "0.0.0.0/0",
            "169.254.169.254",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::/0",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:0/96",
            "64:ff9b::7f00:1",
            "2002:7f00:1::1",
            "2001:0:7f00:1::",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            let refused = Span::readable(text);
            assert!(matches!(refused, Err(RangeError::Forbidden(_) | RangeError::Form)), "{text}: {refused:?}");
        }
        for text in ["10.1.2.3", "172.16.0.1", "192.168.1.1", "198.51.100.7", "fd00::1", "2001:db8::1", "2003::1"] {
            assert!(Span::readable(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn the_cap_is_over_all_ranges_and_is_named() {
        let whole: Vec<Span> = ["10.0.0.0/21", "10.0.8.0/21"].map(span).into();
        assert_eq!(addresses(&whole, &[]).expect("fits").len(), 4096);
        let over: Vec<Span> = ["10.0.0.0/20", "10.0.16.0/32"].map(span).into();
        let (at, error) = addresses(&over, &[]).expect_err("one too many");
        assert_eq!(at, span("10.0.16.0"));
        assert!(error.to_string().contains("4096"), "{error}");
        assert_eq!(addresses(&over, &[span("10.0.0.9")]).expect("fits without one").len(), 4096);
        assert_eq!(Span::readable("10.0.0.0/19"), Err(RangeError::TooMany));
        assert_eq!(Span::readable("2001:db8::/115"), Err(RangeError::TooMany));
        assert_eq!(Span::readable("2001:db8::/33"), Err(RangeError::TooMany));
    }

    #[test]
    fn ranges_that_overlap_count_once_and_exclusions_leave_holes() {
        let spans: Vec<Span> = ["192.0.2.0/30", "192.0.2.2-192.0.2.5"].map(span).into();
        let found = addresses(&spans, &[span("192.0.2.1"), span("192.0.2.4/31")]).expect("fits");
        let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["192.0.2.0", "192.0.2.2", "192.0.2.3"]);
    }

    #[test]
    fn a_list_s_first_column_is_read_with_its_lines() {
        let text = "\u{feff}Address;Name\r\n192.0.2.10;Plotter\n\n# old\n\"192.0.2.0/28\",\"hall\"\n192.0.2.9\n";
        let found = first_column(text);
        let cells: Vec<(usize, &str)> = found.iter().map(|(line, cell)| (*line, cell.as_str())).collect();
        assert_eq!(cells, [(2, "192.0.2.10"), (5, "192.0.2.0/28"), (6, "192.0.2.9")]);
        assert_eq!(first_column("192.0.2.10\n").len(), 1, "a first line that is no heading counts");
        assert!(first_column(&"x\n".repeat(1_000_000)).len() <= LINES_MAX);
    }

    #[test]
    fn covering_is_whole() {
        assert!(span("192.0.2.0/24").covers(&span("192.0.2.0/28")));
        assert!(!span("192.0.2.0/28").covers(&span("192.0.2.15-192.0.2.16")));
        assert!(!span("0.0.0.0/0").covers(&span("2001:db8::1")));
    }
}
