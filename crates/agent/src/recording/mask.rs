//! What is masked in a recording, and by what: serial numbers, UUIDs, network addresses, names of hosts, and
//! what names a person, a job or a place.
//!
//! What is to be masked is learnt from the reports and from the documents themselves, by the names and labels that
//! values stand under and by their shape. In documents that list jobs or settings in words of any language a text
//! of words that are not known is masked too, there and nowhere else. A mask is as long as what it covers, equal for
//! equal texts and, but for addresses, different for different ones, so that a recording still reads as the printer
//! did. Deliberately absent: numbers, states and instants, which tell about use and not about a person; and a way
//! back.

use super::values::Field;
use super::words::{self, Kind, Shown, kind_of, labelled};
use aho_corasick::{AhoCorasick, BuildError};
use report::{Job, Report};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Texts that are masked in one recording, at most.
const SECRETS_MAX: usize = 50_000;
/// Bytes of a text that is looked for; a longer one is masked only where its field's name tells.
const SECRET_MAX: usize = 1024;
/// A personal text is masked inside other texts when it has at least this many bytes.
const INSIDE_MIN: usize = 6;
/// A text is looked for in other spellings, such as hexadecimal, when it has at least this many bytes.
const SPELT_MIN: usize = 6;
/// Characters of base64 or hexadecimal digits that are looked into, at least.
const CODED_MIN: usize = 8;

/// Parts of a device identification behind which something to be masked stands.
const DEVICE_ID_KEYS: &[(&str, Kind)] = &[
    ("SN:", Kind::Serial),
    ("SERN:", Kind::Serial),
    ("SERIALNUMBER:", Kind::Serial),
    ("S/N:", Kind::Serial),
    ("SVCID:", Kind::Personal),
];

/// Words by which printers say that there is no value.
#[rustfmt::skip]
const NOTHING: &[&str] = &[
    "", "0", "-1", "-2", "-3", "-", "--", "n/a", "none", "not set", "null", "undefined", "unknown", "unspecified",
];

/// Hosts of makers and standards, whose addresses stand in documents as names.
const PUBLIC_HOSTS: &[&str] = &["hp.com", "hpsmart.com", "w3.org", "pwg.org", "ietf.org", "xmlsoap.org", "localhost"];

fn is_nothing(text: &str) -> bool {
    NOTHING.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// What a recording must not show, learnt before anything is written.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// The text as it was met, behind its lower case.
    known: BTreeMap<String, (Kind, String)>,
    /// What could be a name, and is masked only where nothing but known words is shown; behind its lower case.
    unsure: BTreeMap<String, String>,
    shown: Shown,
    /// Whether there was more than can be looked for.
    over: bool,
}

/// More is to be masked than can be looked for at once.
#[derive(Debug)]
pub(super) struct TooMany;

impl From<BuildError> for TooMany {
    fn from(_: BuildError) -> TooMany {
        TooMany
    }
}

impl Secrets {
    /// The address that was asked.
    pub(super) fn of(address: &str) -> Secrets {
        let mut secrets = Secrets::default();
        let (host, _) = crate::address::split(address.rsplit("://").next().unwrap_or(address));
        secrets.add_host(host.trim_matches(['[', ']']));
        secrets
    }

    /// What a report itself names.
    pub(super) fn learn_report(&mut self, report: &Report) {
        let configuration = &report.configuration;
        let own = [&configuration.product_name, &configuration.product_number, &configuration.firmware_version];
        for shown in own.into_iter().flatten() {
            self.shown.add(shown);
        }
        let cartridges = report.status.cartridges.iter().map(|cartridge| &cartridge.serial_number);
        let printheads = report.status.printheads.iter().map(|printhead| &printhead.serial_number);
        for serial in cartridges.chain(printheads).chain([&configuration.serial_number]).flatten() {
            self.add(Kind::Serial, serial);
        }
        if let Some(uuid) = &configuration.uuid {
            self.add(Kind::Uuid, uuid);
        }
        for (job, _) in &report.jobs {
            self.learn_job(job);
        }
    }

    fn learn_job(&mut self, job: &Job) {
        let personal = &job.personal;
        let texts = [
            &personal.name,
            &personal.user,
            &personal.account,
            &personal.project,
            &personal.application,
            &personal.user_defined,
        ];
        for text in texts.into_iter().flatten() {
            self.add(Kind::Personal, text);
        }
        if let Some(uuid) = &job.uuid {
            self.add(Kind::Uuid, uuid);
        }
    }

    /// Looks at one value of a document.
    pub(super) fn learn(&mut self, field: Field<'_>, text: &str) {
        let text = text.trim();
        let kind = kind_of(field, text, &self.shown);
        for (kind, text) in kind.map(|kind| (kind, text)).into_iter().chain(labelled(text)) {
            match kind {
                Kind::Host => self.add_host(text),
                kind => self.add(kind, text),
            }
        }
        for uuid in uuids(text) {
            self.add(Kind::Uuid, uuid);
        }
        for address in hardware_addresses(text).into_iter().chain(addresses(text)) {
            self.add(Kind::Address, address);
        }
        for (key, kind) in DEVICE_ID_KEYS {
            for value in behind(text, key) {
                self.add(*kind, value);
            }
        }
        for host in hosts(text) {
            self.add_host(host);
        }
        for word in text.split([' ', ';', ',', '<', '>', '(', ')']).filter(|word| is_mail(word)) {
            self.add(Kind::Personal, word);
        }
        if is_hidden(field, kind) && text.len() <= SECRET_MAX && self.may_name(text) {
            self.unsure.entry(text.to_ascii_lowercase()).or_insert_with(|| text.to_owned());
        }
    }

    /// Whether a text has a word that could be a name, and that is not masked for itself.
    fn may_name(&self, text: &str) -> bool {
        let mut rest = text.to_owned();
        for masked in uuids(text).into_iter().chain(hardware_addresses(text)) {
            rest = rest.replace(masked, " ");
        }
        let is_masked = |word: &str| {
            let known = self.known.get(&word.to_ascii_lowercase());
            known.is_some_and(|(kind, _)| *kind == Kind::Serial)
        };
        !is_nothing(text) && words::words(&rest).any(|word| !self.shown.knows(word) && !is_masked(word))
    }

    fn add_host(&mut self, host: &str) {
        let lower = host.to_ascii_lowercase();
        let is_public = PUBLIC_HOSTS
            .iter()
            .any(|public| lower.strip_suffix(public).is_some_and(|before| before.is_empty() || before.ends_with('.')));
        match host.parse::<IpAddr>() {
            Ok(_) => self.add(Kind::Address, host),
            Err(_) if is_public || host.len() < 3 => {}
            Err(_) => self.add(Kind::Host, host),
        }
    }

    fn add(&mut self, kind: Kind, text: &str) {
        let text = text.trim();
        let fits = match kind {
            Kind::Serial => text.len() >= 4 && text.bytes().any(|byte| byte.is_ascii_digit()),
            Kind::Uuid => text.bytes().any(|byte| byte != b'0' && byte != b'-'),
            // What stands under such a name may be a word: `automatic`.
            Kind::Address => {
                let is_nobodys = ["127.0.0.1", "::1", "0.0.0.0", "::"].contains(&text);
                !is_nobodys && text.bytes().any(|byte| byte.is_ascii_digit())
            }
            Kind::Host | Kind::Personal => true,
        };
        let lower = text.to_ascii_lowercase();
        let is_shown = kind != Kind::Serial && self.shown.contains(text);
        if !fits || is_shown || is_nothing(text) || text.len() > SECRET_MAX {
            return;
        }
        if self.known.len() >= SECRETS_MAX {
            self.over |= !self.known.contains_key(&lower);
            return;
        }
        let known = self.known.entry(lower).or_insert_with(|| (kind, text.to_owned()));
        known.0 = known.0.min(kind);
    }

    /// The masks for what was learnt.
    pub(super) fn masks(self) -> Result<Masks, TooMany> {
        if self.over {
            return Err(TooMany);
        }
        let mut numbers: BTreeMap<Kind, usize> = BTreeMap::new();
        let mut masked = |kind: Kind, text: &str| {
            let number = numbers.entry(kind).or_default();
            *number += 1;
            mask(kind, text, *number)
        };
        let unsure = self.unsure.into_iter().filter(|(lower, _)| !self.known.contains_key(lower));
        let unsure = unsure.map(|(lower, text)| (lower, masked(Kind::Personal, &text))).collect();
        let entries = self.known.into_values().map(|(kind, text)| Entry { mask: masked(kind, &text), kind, text });
        let entries: Vec<Entry> = entries.collect();
        Masks::new(entries, unsure, self.shown, numbers).map_err(TooMany::from)
    }
}

/// A text and what stands in its place.
#[derive(Debug)]
struct Entry {
    kind: Kind,
    text: String,
    mask: String,
}

/// A text to look for, what takes its place, and whether it has to stand as a word.
type Sought = (Vec<u8>, Vec<u8>, bool);

/// Many texts to look for at once, each with what takes its place.
struct Finder {
    automaton: AhoCorasick,
    /// What takes the place of each, in the order of the automaton, and whether it has to stand as a word.
    replacements: Vec<(Vec<u8>, bool)>,
}

impl Finder {
    /// `None` where there is nothing to look for.
    fn new(texts: Vec<Sought>, any_case: bool) -> Result<Option<Finder>, BuildError> {
        if texts.is_empty() {
            return Ok(None);
        }
        let (texts, replacements): (Vec<Vec<u8>>, Vec<(Vec<u8>, bool)>) =
            texts.into_iter().map(|(text, mask, word)| (text, (mask, word))).unzip();
        let automaton = AhoCorasick::builder().ascii_case_insensitive(any_case).build(texts)?;
        Ok(Some(Finder { automaton, replacements }))
    }

    /// The bytes with everything found replaced; `None` where nothing was found. Of two that overlap the one
    /// that begins first wins, then the longer one.
    fn replace(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut found: Vec<(usize, usize, &[u8])> = Vec::new();
        for one in self.automaton.find_overlapping_iter(bytes) {
            let Some((mask, word)) = self.replacements.get(one.pattern().as_usize()) else { continue };
            if !*word || is_word(bytes, one.start(), one.end()) {
                found.push((one.start(), one.end(), mask.as_slice()));
            }
        }
        if found.is_empty() {
            return None;
        }
        found.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
        let mut out = bytes.to_vec();
        let mut free = 0;
        for (start, end, mask) in found {
            if start < free {
                continue;
            }
            free = end;
            if let Some(place) = out.get_mut(start..end) {
                place.iter_mut().zip(mask).for_each(|(byte, new)| *byte = *new);
            }
        }
        Some(out)
    }
}

/// Whether no letter and no digit stands beside a part of a text, and no point with a digit behind it beside one of
/// its digits: `10.2.1.4` is not in `43.10.2.1.4.1`. Bytes of other alphabets count as letters.
fn is_word(bytes: &[u8], start: usize, end: usize) -> bool {
    let at = |index: Option<usize>| index.and_then(|index| bytes.get(index)).copied();
    let is_letter = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    let is_digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    let goes_on = |inner: Option<u8>, next: Option<u8>, beyond: Option<u8>| {
        is_letter(next) || (is_digit(inner) && next == Some(b'.') && is_digit(beyond))
    };
    !goes_on(at(Some(start)), at(start.checked_sub(1)), at(start.checked_sub(2)))
        && !goes_on(at(end.checked_sub(1)), at(Some(end)), at(end.checked_add(1)))
}

/// What replaces values, and bytes in which values may be spelt otherwise.
pub(super) struct Masks {
    entries: Vec<Entry>,
    by_text: BTreeMap<String, usize>,
    /// What could be a name, in lower case, with its mask.
    unsure: BTreeMap<String, String>,
    shown: Shown,
    counts: BTreeMap<Kind, usize>,
    /// Inside a value.
    inside: Option<Finder>,
    /// Anywhere in a file, in any case: as it is, hexadecimal, percent.
    spelt: Option<Finder>,
    /// Anywhere in a file, exactly: base64, UTF-16.
    encoded: Option<Finder>,
}

impl Masks {
    fn new(
        entries: Vec<Entry>,
        unsure: BTreeMap<String, String>,
        shown: Shown,
        counts: BTreeMap<Kind, usize>,
    ) -> Result<Masks, BuildError> {
        let (mut inside, mut spelt, mut encoded) = (Vec::new(), Vec::new(), Vec::new());
        for entry in &entries {
            let (text, mask) = (entry.text.as_bytes(), entry.mask.as_bytes());
            let least = match entry.kind {
                Kind::Serial | Kind::Uuid | Kind::Host => 4,
                Kind::Address | Kind::Personal => INSIDE_MIN,
            };
            let word = !matches!(entry.kind, Kind::Serial | Kind::Uuid);
            // A job that is called `printed` is no reason to mask a state.
            let is_word_of_printers = entry.kind == Kind::Personal && shown.names_nobody(&entry.text);
            if text.len() >= least && !is_word_of_printers {
                inside.push((text.to_vec(), mask.to_vec(), word));
            }
            // A person may be called like an element of the document; a serial number is called like nothing else.
            if text.len() >= SPELT_MIN && !matches!(entry.kind, Kind::Host | Kind::Personal) {
                spelt.push((text.to_vec(), mask.to_vec(), entry.kind == Kind::Address));
                spelt.extend(spellings(entry));
                encoded.extend(encodings(entry));
            }
        }
        let by_text =
            entries.iter().enumerate().map(|(index, entry)| (entry.text.to_ascii_lowercase(), index)).collect();
        let (inside, spelt) = (Finder::new(inside, true)?, Finder::new(spelt, true)?);
        Ok(Masks { entries, by_text, unsure, shown, counts, inside, spelt, encoded: Finder::new(encoded, false)? })
    }

    /// How many texts of each kind are masked.
    pub(super) fn counts(&self) -> &BTreeMap<Kind, usize> {
        &self.counts
    }

    /// What takes the place of a value; `None` where it may stay.
    pub(super) fn value(&self, field: Field<'_>, text: &str) -> Option<String> {
        let inner = text.trim();
        let kind = kind_of(field, inner, &self.shown);
        if self.shown.contains(inner) && kind != Some(Kind::Serial) {
            return None;
        }
        let is_hidden = is_hidden(field, kind);
        if (kind.is_some() || is_hidden) && inner.len() > SECRET_MAX {
            return Some(filled(text.len(), 0, 'x'));
        }
        let whole = self.entry(inner).filter(|entry| is_hidden || self.counts_as(entry, field, kind));
        let unsure = || self.unsure.get(&inner.to_ascii_lowercase()).filter(|_| is_hidden);
        if let Some(mask) = whole.map(|entry| &entry.mask).or_else(unsure) {
            return Some(text.replacen(inner, mask, 1));
        }
        if let Some(entry) = labelled(inner).and_then(|(_, value)| self.entry(value)) {
            let end = text.trim_end().len();
            let (before, behind) = (text.get(..end - entry.text.len())?, text.get(end..)?);
            return Some(format!("{before}{}{behind}", entry.mask));
        }
        let inside = self.inside.as_ref()?;
        match inside.replace(text.as_bytes()) {
            // Texts are found between whole characters, and masks are ASCII.
            Some(found) => String::from_utf8(found).ok(),
            None => in_percent(inside, text).or_else(|| in_codes(inside, text)),
        }
    }

    fn entry(&self, text: &str) -> Option<&Entry> {
        self.entries.get(*self.by_text.get(&text.to_ascii_lowercase())?)
    }

    /// Whether a value that equals a text is that text. A number or a short word may be a personal text elsewhere
    /// and something else here.
    fn counts_as(&self, entry: &Entry, field: Field<'_>, kind: Option<Kind>) -> bool {
        if entry.kind != Kind::Personal || matches!(kind, Some(Kind::Personal | Kind::Host)) {
            return true;
        }
        if self.shown.names_nobody(&entry.text) {
            return false;
        }
        let length = entry.text.chars().count();
        match (entry.text.chars().any(char::is_alphabetic), field.bare) {
            (true, true) => length >= 2,
            (true, false) | (false, true) => length >= 3,
            (false, false) => false,
        }
    }

    /// The bytes of a file without what is masked, in the spellings that values do not show.
    pub(super) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        for finder in [&self.spelt, &self.encoded].into_iter().flatten() {
            if let Some(replaced) = finder.replace(&out) {
                out = replaced;
            }
        }
        out
    }

    /// A text beside the documents: an address on the printer, words of an error.
    pub(super) fn text(&self, text: &str) -> String {
        let bytes = self.bytes(text.as_bytes());
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

/// Whether a value is shown only as far as its words are known.
fn is_hidden(field: Field<'_>, kind: Option<Kind>) -> bool {
    field.strict && kind.is_none() && !words::is_plain(field)
}

/// A value in which characters are written with percent signs, as an address has them.
fn in_percent(inside: &Finder, text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let coded = after.get(..2).filter(|_| *first == b'%').and_then(unhex);
        match coded.as_deref() {
            Some([byte]) => {
                bytes.push(*byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    let found = inside.replace(&bytes)?;
    let mut out = String::new();
    for byte in found {
        if byte.is_ascii_graphic() && byte != b'%' { out.push(char::from(byte)) } else { push_percent(&mut out, byte) }
    }
    Some(out)
}

/// A value with words that are texts in hexadecimal digits or in base64.
fn in_codes(inside: &Finder, text: &str) -> Option<String> {
    let between = |c: char| !c.is_ascii_alphanumeric() && c != '+' && c != '/';
    let mut out = String::new();
    let mut changed = false;
    for piece in text.split_inclusive(between) {
        let word = piece.trim_end_matches(between);
        let new = if word.len() < CODED_MIN { None } else { in_code(inside, word) };
        changed |= new.is_some();
        out.push_str(new.as_deref().unwrap_or(word));
        out.push_str(piece.get(word.len()..).unwrap_or(""));
    }
    changed.then_some(out)
}

fn in_code(inside: &Finder, digits: &str) -> Option<String> {
    if let Some(found) = unhex(digits.as_bytes()).and_then(|bytes| inside.replace(&bytes)) {
        let new = hex(&found);
        return Some(if digits.chars().any(|c| c.is_ascii_uppercase()) { new.to_ascii_uppercase() } else { new });
    }
    let found = inside.replace(&unbase64(digits)?)?;
    let coded = base64(&found, 0);
    // The last character may stand for some bits that are no whole byte.
    let mut new = String::from_utf8(coded).ok()?;
    new.push_str(digits.get(new.len()..).unwrap_or(""));
    Some(new)
}

/// What stands in the place of the `number`-th text of a kind, as long as the text.
fn mask(kind: Kind, text: &str, number: usize) -> String {
    match kind {
        Kind::Uuid => {
            let digits = format!("00000000000040008000{number:012x}");
            let mut digits = digits.chars();
            let each = |c: char| if c.is_ascii_hexdigit() { digits.next().unwrap_or('0') } else { c };
            text.chars().map(each).collect()
        }
        Kind::Address => mask_of_address(text),
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) => filled(text.len(), number, '9'),
        Kind::Serial => filled(text.len(), number, 'X'),
        Kind::Host => filled(text.len(), number, 'h'),
        Kind::Personal => filled(text.len(), number, 'x'),
    }
}

/// What stands in the place of an address. It still reads as one.
fn mask_of_address(text: &str) -> String {
    let masked = |c: char| match c {
        '0'..='9' => '1',
        'a'..='f' => 'a',
        'A'..='F' => 'A',
        _ => c,
    };
    text.chars().map(masked).collect()
}

/// A number brought to a length; it never begins with a zero.
fn filled(length: usize, number: usize, filler: char) -> String {
    let digits = number.to_string();
    let digits = digits.get(digits.len().saturating_sub(length)..).unwrap_or("");
    let mut mask: String = std::iter::repeat_n(filler, length - digits.len()).collect();
    mask.push_str(digits);
    if mask.starts_with('0') {
        mask.replace_range(..1, "9");
    }
    mask
}

/// Other spellings of a text in which upper and lower case are the same, each with that of its mask.
fn spellings(entry: &Entry) -> Vec<Sought> {
    let (text, mask) = (entry.text.as_str(), entry.mask.as_str());
    let mut found = Vec::new();
    if entry.kind == Kind::Uuid {
        found.push((text.replace('-', ""), mask.replace('-', "")));
    } else if let Some(digits) = hardware_digits(entry) {
        let pairs = |sign: &str| {
            let pairs: Vec<&str> = (0..6).filter_map(|pair| digits.get(2 * pair..2 * pair + 2)).collect();
            pairs.join(sign)
        };
        for spelling in ["", ":", "-"].map(pairs) {
            let mask = mask_of_address(&spelling);
            found.push((spelling, mask));
        }
    } else {
        for case in [text.to_owned(), text.to_ascii_lowercase(), text.to_ascii_uppercase()] {
            found.push((hex(case.as_bytes()), hex(mask.as_bytes())));
            found.push((percent(&case), percent(mask)));
        }
    }
    found.into_iter().map(|(text, mask)| (text.into_bytes(), mask.into_bytes(), false)).collect()
}

/// The digits of a hardware address, however it is written.
fn hardware_digits(entry: &Entry) -> Option<String> {
    let digits = entry.text.replace([':', '-'], "");
    let fits = digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (entry.kind == Kind::Address && fits).then_some(digits)
}

/// Encodings of a text, each with that of its mask.
fn encodings(entry: &Entry) -> Vec<Sought> {
    let mut found = Vec::new();
    let cases = [entry.text.clone(), entry.text.to_ascii_lowercase(), entry.text.to_ascii_uppercase()];
    let wide = |text: &str, order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    for text in cases.into_iter().filter(|_| entry.kind != Kind::Uuid).collect::<BTreeSet<String>>() {
        for before in 0..3 {
            let coded = base64(text.as_bytes(), before);
            if coded.len() + 1 >= CODED_MIN {
                found.push((coded, base64(entry.mask.as_bytes(), before), false));
            }
        }
        for order in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            found.push((wide(&text, order), wide(&entry.mask, order), false));
        }
    }
    found
}

/// Bytes as hexadecimal digits in lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes of hexadecimal digits; `None` where they are no pairs of such digits.
pub(super) fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits.chunks(2).map(|pair| Some(value(*pair.first()?)? * 16 + value(*pair.get(1)?)?)).collect()
}

/// Each byte of a text behind a percent sign.
fn percent(text: &str) -> String {
    let mut out = String::new();
    text.bytes().for_each(|byte| push_percent(&mut out, byte));
    out
}

fn push_percent(out: &mut String, byte: u8) {
    out.push('%');
    out.push_str(&hex(&[byte]).to_ascii_uppercase());
}

/// The digits of base64, in the order of their value.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The characters of base64 that these bytes alone decide where they stand `before` bytes into a group of three.
fn base64(bytes: &[u8], before: usize) -> Vec<u8> {
    let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(bytes.iter().copied()).collect();
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| usize::from((byte >> (7 - at % 8)) & 1));
    let (first, last) = ((8 * before).div_ceil(6), 8 * bytes.len() / 6);
    let value = |index: usize| (0..6).fold(0, |value, at| value * 2 + bit(6 * index + at));
    (first..last).filter_map(|index| BASE64.get(value(index)).copied()).collect()
}

/// The whole bytes of base64 without its signs of the end; `None` for what is none.
fn unbase64(digits: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0_u32, Vec::with_capacity(digits.len()));
    for digit in digits.bytes() {
        let value = BASE64.iter().position(|known| *known == digit)?;
        bits = ((bits << 6) | u32::try_from(value).ok()?) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// The UUIDs in a text.
fn uuids(text: &str) -> Vec<&str> {
    let is_uuid = |part: &[u8]| {
        part.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    shaped(text, 36, is_uuid)
}

/// The hardware addresses in a text: six pairs of digits.
fn hardware_addresses(text: &str) -> Vec<&str> {
    let is_address = |part: &[u8]| {
        part.iter().enumerate().all(|(index, byte)| match index % 3 {
            2 => (*byte == b':' || *byte == b'-') && part.get(2) == Some(byte),
            _ => byte.is_ascii_hexdigit(),
        })
    };
    shaped(text, 17, is_address)
}

/// The network addresses in a text that are somebody's. A version of four numbers looks like one and counts as one.
fn addresses(text: &str) -> Vec<&str> {
    let is_somebodys_v4 = |address: &str| {
        // Masks of networks and groups of hosts are nobody's, and what begins so is an object of SNMP.
        let is_one = |parsed: Ipv4Addr| matches!(parsed.octets(), [1..=126 | 128..=223, ..]);
        !address.starts_with("1.3.6.1") && address.parse().is_ok_and(is_one)
    };
    let is_somebodys_v6 = |address: &str| {
        let parsed = address.parse::<Ipv6Addr>();
        parsed.is_ok_and(|parsed| !parsed.is_loopback() && !parsed.is_unspecified() && !parsed.is_multicast())
    };
    let mut found = Vec::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':' && c != '.') {
        let word = word.trim_matches('.');
        // A label may stand before it: `IP:fe80::1`.
        let behind = word.split_once(':').map_or("", |(_, behind)| behind);
        let cut = word.trim_end_matches(':');
        found.extend([word, behind, cut].into_iter().find(|part| is_somebodys_v6(part)));
        found.extend(word.split(':').filter(|part| is_somebodys_v4(part)));
    }
    found
}

/// The parts of a text that have a length and a shape, beside which neither letter nor digit stands.
fn shaped(text: &str, length: usize, shape: impl Fn(&[u8]) -> bool) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(part) = bytes.get(at..at + length) {
        if shape(part) && is_word(bytes, at, at + length) {
            found.extend(text.get(at..at + length));
            at += length;
        } else {
            at += 1;
        }
    }
    found
}

/// What stands behind a key of a device identification, up to the next part.
fn behind<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(key) {
        let (before, after) = rest.split_at(at);
        let value = after.get(key.len()..).unwrap_or("");
        let value = value.get(..value.find([';', ',']).unwrap_or(value.len())).unwrap_or("");
        if before.is_empty() || before.ends_with([';', ',', ' ']) {
            found.push(value.trim());
        }
        rest = after.get(key.len()..).unwrap_or("");
    }
    found
}

/// The hosts of the addresses in a text: what stands between `://` and the next sign that ends it.
fn hosts(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        rest = rest.get(at + 3..).unwrap_or("");
        let end = match rest.strip_prefix('[') {
            Some(inner) => inner.find(']').map_or(rest.len(), |end| end + 1),
            None => rest.find(|c: char| !c.is_alphanumeric() && !".-_".contains(c)).unwrap_or(rest.len()),
        };
        found.push(rest.get(..end).unwrap_or("").trim_matches(['[', ']']));
    }
    found
}

fn is_mail(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'))
}
