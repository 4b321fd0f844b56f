//! What people type as address ranges: one address, network or first and last address a line.
//!
//! It refuses what an agent would not read, so that a slip is said here and not found out days later; the
//! agent looks at everything again. Deliberately absent: names of hosts, which only the customer's own file
//! may hold, and asking the network anything.

use crate::shell::format;
use protocol::limits::{RANGE_CHARS_MAX, RANGES_MAX};
use std::net::IpAddr;

/// Addresses of all lines together that an agent reads at most.
const ADDRESSES_MAX: u128 = 4096;
/// Wrong lines that are named; the next try names the others.
const NAMED_MAX: usize = 5;

/// The lines of `typed`, each as an agent writes it; else what is wrong, line by line.
pub(super) fn read(typed: &str) -> Result<Vec<String>, String> {
    let mut ranges: Vec<String> = Vec::new();
    let mut wrong: Vec<String> = Vec::new();
    let mut addresses: u128 = 0;
    for (index, line) in typed.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        match Range::read(line) {
            Ok(range) => {
                addresses = addresses.saturating_add(range.count());
                ranges.push(range.text);
            }
            Err(why) => wrong.push(format!("Line {}: {why}", index + 1)),
        }
    }
    if ranges.len() > RANGES_MAX {
        wrong.push(format!("These are {} lines; write at most {RANGES_MAX}.", ranges.len()));
    }
    if addresses > ADDRESSES_MAX {
        let most = format::count(i64::try_from(ADDRESSES_MAX).unwrap_or(i64::MAX));
        wrong.push(format!("Together these are more than {most} addresses, which no agent reads; write fewer."));
    }
    if wrong.is_empty() {
        return Ok(ranges);
    }
    wrong.truncate(NAMED_MAX);
    Err(wrong.join(" "))
}

/// One line that makes sense.
struct Range {
    /// As an agent writes it.
    text: String,
    first: u128,
    last: u128,
}

impl Range {
    fn read(line: &str) -> Result<Range, String> {
        if line.chars().nth(RANGE_CHARS_MAX).is_some() {
            return Err(format!("is longer than {RANGE_CHARS_MAX} characters."));
        }
        if let Some((network, length)) = line.split_once('/') {
            return Range::network(network.trim(), length.trim());
        }
        match line.split_once('-') {
            Some((first, last)) => Range::span(first.trim(), last.trim()),
            None => {
                let address = address(line)?;
                Ok(Range { text: address.to_string(), first: number(address), last: number(address) })
            }
        }
    }

    fn network(network: &str, length: &str) -> Result<Range, String> {
        let address = address(network)?;
        let bits: u32 = if address.is_ipv4() { 32 } else { 128 };
        let plain = length.bytes().all(|byte| byte.is_ascii_digit()) && (length == "0" || !length.starts_with('0'));
        let kept: u32 = match length.parse() {
            Ok(kept) if plain && kept <= bits => kept,
            _ => return Err(format!("“/{length}” is no length of a network; write /0 to /{bits}.")),
        };
        // Shifted by all its bits nothing is left: one address is a network of its own.
        let rest = u128::MAX.checked_shr(128 - bits + kept).unwrap_or(0);
        let first = number(address);
        if first & rest != 0 {
            return Err(format!(
                "“{network}” is an address inside of /{kept}; write the first address of the network."
            ));
        }
        Ok(Range { text: format!("{address}/{kept}"), first, last: first | rest })
    }

    fn span(first: &str, last: &str) -> Result<Range, String> {
        let (from, to) = (address(first)?, address(last)?);
        if from.is_ipv4() != to.is_ipv4() {
            return Err(format!("“{first}” and “{last}” are of two kinds; write both as IPv4 or both as IPv6."));
        }
        if number(from) > number(to) {
            return Err(format!("“{last}” comes before “{first}”; write the lower one first."));
        }
        Ok(Range { text: format!("{from}-{to}"), first: number(from), last: number(to) })
    }

    fn count(&self) -> u128 {
        (self.last - self.first).saturating_add(1)
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// An address that a printer can have.
fn address(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text.parse().map_err(|_| {
        let shown: String = text.chars().take(RANGE_CHARS_MAX).collect();
        format!("“{shown}” is no address; write 192.0.2.10, 192.0.2.0/28 or 192.0.2.40-192.0.2.60.")
    })?;
    let (mapped, odd) = match address {
        IpAddr::V4(v4) => (false, v4.is_link_local() || v4.is_broadcast()),
        IpAddr::V6(v6) => (v6.to_ipv4_mapped().is_some(), v6.is_unicast_link_local()),
    };
    if mapped {
        return Err(format!("“{text}” is an IPv4 address in IPv6 clothes; write it as 192.0.2.10."));
    }
    // 0.0.0.0/8 and ::/0 start with an address that no printer has; so does everything that holds them.
    if odd || address.is_loopback() || address.is_unspecified() || address.is_multicast() {
        return Err(format!("“{text}” is no address that a printer can have."));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_reads_is_taken_as_it_writes_it() {
        let cases = [
            ("", vec![]),
            ("\r\n \r\n", vec![]),
            ("192.0.2.10", vec!["192.0.2.10"]),
            (" 192.0.2.0/28 \r\n192.0.2.40 - 192.0.2.60", vec!["192.0.2.0/28", "192.0.2.40-192.0.2.60"]),
            ("10.0.0.0/20", vec!["10.0.0.0/20"]),
            ("192.0.2.10/32", vec!["192.0.2.10/32"]),
            ("2001:DB8:0::7", vec!["2001:db8::7"]),
            ("2001:db8::/120", vec!["2001:db8::/120"]),
        ];
        for (typed, expected) in cases {
            assert_eq!(read(typed).expect("makes sense"), expected, "{typed}");
        }
    }

    #[test]
    fn a_wrong_line_is_named_with_what_to_write() {
        let cases = [
            ("192.0.2.10\n\n192.0.2.300", "Line 3: “192.0.2.300” is no address"),
            ("010.0.0.1", "Line 1: “010.0.0.1” is no address"),
            ("0x7f.1", "is no address"),
            ("3232235777", "is no address"),
            ("printer.example", "is no address"),
            ("fe80::1%eth0", "is no address"),
            ("fe80::1", "is no address that a printer can have"),
            ("::ffff:192.0.2.1", "write it as 192.0.2.10"),
            ("127.0.0.1", "is no address that a printer can have"),
            ("224.0.0.1", "is no address that a printer can have"),
            ("0.0.0.0/0", "is no address that a printer can have"),
            ("192.0.2.0/33", "/0 to /32"),
            ("192.0.2.0/028", "/0 to /32"),
            ("192.0.2.0/+24", "/0 to /32"),
            ("192.0.2.5/24", "write the first address"),
            ("192.0.2.9-192.0.2.1", "the lower one first"),
            ("192.0.2.9-2001:db8::1", "of two kinds"),
            ("10.0.0.0/19", "more than 4,096 addresses"),
            ("10.0.0.0/20\n10.9.0.1", "more than 4,096 addresses"),
            ("2001:db8::/32", "more than 4,096 addresses"),
        ];
        for (typed, words) in cases {
            let why = read(typed).expect_err(typed);
            assert!(why.contains(words), "{typed}: {why}");
        }
        assert!(read(&"1".repeat(RANGE_CHARS_MAX + 1)).is_err());
        assert!(read(&"192.0.2.1\n".repeat(RANGES_MAX + 1)).is_err());
        let many = read(&"x\n".repeat(1000)).expect_err("no address");
        assert_eq!(many.matches("Line ").count(), NAMED_MAX);
    }
}
