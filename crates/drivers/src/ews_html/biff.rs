//! The binary workbook of Excel 97 to 2003 (MS-CFB and MS-XLS), as far as its first sheet has cells.
//!
//! Every place in the file is looked up with bounds, every chain of sectors ends. Deliberately absent:
//! formulas (their last value is read), formats, and therefore dates, which are plain numbers here;
//! workbooks under a password; and floating point: a number is taken from its bits, to nine decimals,
//! which is more than the fifteen digits that such a sheet shows.

use super::markup::Broken;
use super::page::Table;
use super::sheet::{Collector, Unreadable};
use crate::limits::{NODES_MAX, TEXT_MAX};
use report::divide_half_even;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The first bytes of the container.
pub(crate) const SIGNATURE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// The end of a chain of sectors; what is above are marks, what is below are sectors.
const MARKS: u32 = 0xffff_fffa;
/// The length of a directory entry.
const ENTRY: usize = 128;
/// A stream shorter than this lies in the small sectors.
const SMALL_BELOW: usize = 4096;
/// The length of a small sector.
const SMALL_SECTOR: usize = 64;
/// Cells of the sheet by row and column: the text, and whether it is a number.
type Cells<'a> = BTreeMap<(u16, u16), (Cow<'a, str>, bool)>;

const OUT_OF_BOUNDS: Unreadable = Unreadable::Binary("a place outside the file");
const ENDLESS: Unreadable = Unreadable::Binary("a chain without end");

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Unreadable> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk::<2>());
    found.map(|bytes| u16::from_le_bytes(*bytes)).ok_or(OUT_OF_BOUNDS)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Unreadable> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    found.map(|bytes| u32::from_le_bytes(*bytes)).ok_or(OUT_OF_BOUNDS)
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, Unreadable> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
    found.map(|bytes| u64::from_le_bytes(*bytes)).ok_or(OUT_OF_BOUNDS)
}

/// A 32-bit place as a length of this machine.
fn length(number: u32) -> Result<usize, Unreadable> {
    usize::try_from(number).map_err(|_| OUT_OF_BOUNDS)
}

/// Reads the first sheet.
pub(crate) fn read(body: &[u8]) -> Result<Table, Unreadable> {
    let stream = workbook(body)?;
    let records = records(&stream)?;
    let strings = strings_of(&records)?;
    let cells = cells(&records, &strings)?;
    let mut sheet = Collector::default();
    let mut row = None;
    for ((at, column), (text, is_number)) in &cells {
        if row != Some(*at) {
            sheet.row();
            row = Some(*at);
        }
        sheet.put(usize::from(*column), text, *is_number)?;
    }
    Ok(sheet.into_table())
}

/// The container: sectors of one length, chained by a table.
struct Container<'a> {
    body: &'a [u8],
    sector: usize,
    table: Vec<u32>,
}

impl<'a> Container<'a> {
    fn open(body: &'a [u8]) -> Result<Container<'a>, Unreadable> {
        let sector = match u16_at(body, 30)? {
            9 => 512,
            12 => 4096,
            _ => return Err(Unreadable::Binary("sectors of an unknown length")),
        };
        let mut container = Container { body, sector, table: Vec::new() };
        let mut sectors: Vec<u32> = Vec::new();
        for index in 0..109 {
            sectors.push(u32_at(body, 76 + 4 * index)?);
        }
        let mut next = u32_at(body, 68)?;
        let mut steps = 0;
        while next < MARKS {
            let list = container.sector(next)?;
            let last = list.len().saturating_sub(4);
            for at in (0..last).step_by(4) {
                sectors.push(u32_at(list, at)?);
            }
            next = u32_at(list, last)?;
            steps += 1;
            if steps > body.len() / sector {
                return Err(ENDLESS);
            }
        }
        for part in sectors.into_iter().filter(|part| *part < MARKS) {
            let list = container.sector(part)?;
            let entries: Result<Vec<u32>, Unreadable> = (0..list.len()).step_by(4).map(|at| u32_at(list, at)).collect();
            container.table.extend(entries?);
            // More entries than sectors: the same part of the table is named again and again.
            if container.table.len() > body.len() {
                return Err(ENDLESS);
            }
        }
        Ok(container)
    }

    /// A sector; the last of a file may be short.
    fn sector(&self, id: u32) -> Result<&'a [u8], Unreadable> {
        let start = length(id)?.checked_add(1).and_then(|place| place.checked_mul(self.sector)).ok_or(OUT_OF_BOUNDS)?;
        let end = start.saturating_add(self.sector).min(self.body.len());
        self.body.get(start..end).filter(|sector| sector.len() >= 4).ok_or(OUT_OF_BOUNDS)
    }

    /// The bytes of a chain, at most `most`.
    fn chain(&self, first: u32, most: usize) -> Result<Vec<u8>, Unreadable> {
        let mut bytes = Vec::new();
        let mut next = first;
        while next < MARKS && bytes.len() < most {
            bytes.extend_from_slice(self.sector(next)?);
            if bytes.len() > self.body.len() {
                return Err(ENDLESS);
            }
            next = *self.table.get(length(next)?).ok_or(OUT_OF_BOUNDS)?;
        }
        bytes.truncate(most);
        Ok(bytes)
    }
}

/// The stream of the workbook.
fn workbook(body: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let container = Container::open(body)?;
    let directory = container.chain(u32_at(body, 48)?, usize::MAX)?;
    let entries = directory.as_chunks::<ENTRY>().0;
    let of_name = |name: &str| entries.iter().find(|entry| is_named(entry.as_slice(), name));
    let found = of_name("Workbook").or_else(|| of_name("Book"));
    let entry = found.ok_or(Unreadable::Binary("no stream of a workbook"))?;
    let (first, size) = (u32_at(entry, 116)?, length(u32_at(entry, 120)?)?);
    if size >= SMALL_BELOW {
        return container.chain(first, size);
    }
    let root = entries.first().ok_or(OUT_OF_BOUNDS)?;
    let small = container.chain(u32_at(root, 116)?, length(u32_at(root, 120)?)?)?;
    let table = container.chain(u32_at(body, 60)?, usize::MAX)?;
    let (mut bytes, mut next) = (Vec::new(), first);
    while next < MARKS && bytes.len() < size {
        let place = length(next)?;
        let start = place.checked_mul(SMALL_SECTOR).ok_or(OUT_OF_BOUNDS)?;
        let sector = small.get(start..).filter(|rest| !rest.is_empty()).ok_or(OUT_OF_BOUNDS)?;
        bytes.extend_from_slice(&sector[..sector.len().min(SMALL_SECTOR)]);
        next = u32_at(&table, place.checked_mul(4).ok_or(OUT_OF_BOUNDS)?)?;
    }
    bytes.truncate(size);
    Ok(bytes)
}

fn is_named(entry: &[u8], name: &str) -> bool {
    let mut wanted: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    wanted.extend([0, 0]);
    entry.starts_with(&wanted)
}

/// One record of the stream.
struct Record<'a> {
    kind: u16,
    data: &'a [u8],
}

/// The records of a stream. A last one that is cut off is an error: cells would be missing.
fn records(stream: &[u8]) -> Result<Vec<Record<'_>>, Unreadable> {
    let mut records = Vec::new();
    let mut rest = stream;
    while rest.len() >= 4 {
        let (kind, size) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
        // Zeros fill up the last sector.
        if kind == 0 && size == 0 {
            break;
        }
        let data = rest.get(4..4 + size).ok_or(OUT_OF_BOUNDS)?;
        records.push(Record { kind, data });
        rest = &rest[4 + size..];
    }
    Ok(records)
}

const BEGIN: u16 = 0x0809;
const END: u16 = 0x000a;
const CONTINUE: u16 = 0x003c;
const STRINGS: u16 = 0x00fc;
const PASSWORD: u16 = 0x002f;
/// The version in a [`BEGIN`] record of Excel 97 and later, whose texts state their width.
const EXCEL_97: u16 = 0x0600;

/// The texts that cells refer to by number, none where there are none.
fn strings_of(records: &[Record<'_>]) -> Result<Vec<String>, Unreadable> {
    let Some(first) = records.iter().position(|record| record.kind == STRINGS) else { return Ok(Vec::new()) };
    let more = records[first + 1..].iter().take_while(|record| record.kind == CONTINUE);
    let pieces: Vec<&[u8]> = records[first..=first].iter().chain(more).map(|record| record.data).collect();
    shared_strings(&pieces)
}

/// The cells of the first sheet.
fn cells<'a>(records: &[Record<'a>], strings: &'a [String]) -> Result<Cells<'a>, Unreadable> {
    let mut cells = Cells::new();
    // Where a formula waits for its text.
    let mut waiting = None;
    let (mut depth, mut parts, mut wide) = (0_usize, 0_usize, true);
    for record in records {
        match record.kind {
            BEGIN => {
                depth += 1;
                parts += usize::from(depth == 1);
                wide = u16_at(record.data, 0)? == EXCEL_97;
            }
            // The first part is the workbook's, the second is the first sheet.
            END if depth == 1 && parts == 2 => return Ok(cells),
            END => depth = depth.saturating_sub(1),
            PASSWORD => return Err(Unreadable::Binary("under a password")),
            // A chart within the sheet has cells of its own, which are none of the table.
            _ if depth == 1 && parts == 2 => cell(record, strings, wide, &mut waiting, &mut cells)?,
            _ => {}
        }
        if cells.len() > NODES_MAX {
            return Err(Broken::TooMany.into());
        }
    }
    Err(Unreadable::Binary("the first sheet does not end"))
}

fn cell<'a>(
    record: &Record<'_>,
    strings: &'a [String],
    wide: bool,
    waiting: &mut Option<(u16, u16)>,
    cells: &mut Cells<'a>,
) -> Result<(), Unreadable> {
    let data = record.data;
    let place = || -> Result<(u16, u16), Unreadable> { Ok((u16_at(data, 0)?, u16_at(data, 2)?)) };
    match record.kind {
        // A text by number, a text, a number, a short number.
        0x00fd => {
            let text = strings.get(length(u32_at(data, 6)?)?).ok_or(Unreadable::Binary("a text that is not there"))?;
            cells.insert(place()?, (Cow::Borrowed(text.as_str()), false));
        }
        0x0204 | 0x00d6 => {
            cells.insert(place()?, (text(data.get(6..).unwrap_or_default(), wide)?.into(), false));
        }
        0x0203 => {
            cells.insert(place()?, (shown(billionths(u64_at(data, 6)?)).into(), true));
        }
        0x027e => {
            cells.insert(place()?, (short_number(u32_at(data, 6)?).into(), true));
        }
        // Several short numbers, then the last column.
        0x00bd => {
            let (row, first) = place()?;
            let numbers = data.get(4..data.len().saturating_sub(2)).unwrap_or_default().as_chunks::<6>().0;
            for (column, number) in (first..=u16::MAX).zip(numbers) {
                cells.insert((row, column), (short_number(u32_at(number, 2)?).into(), true));
            }
        }
        // A formula with its last value; a text follows in a record of its own.
        0x0006 if u16_at(data, 12)? == 0xffff => *waiting = (data.get(6) == Some(&0)).then(place).transpose()?,
        0x0006 => {
            cells.insert(place()?, (shown(billionths(u64_at(data, 6)?)).into(), true));
        }
        0x0207 => {
            if let Some(place) = waiting.take() {
                cells.insert(place, (text(data, wide)?.into(), false));
            }
        }
        _ => {}
    }
    Ok(())
}

/// A text with its length before it.
fn text(data: &[u8], wide: bool) -> Result<String, Unreadable> {
    let characters = usize::from(u16_at(data, 0)?);
    if !wide {
        let bytes = data.get(2..2 + characters).ok_or(OUT_OF_BOUNDS)?;
        return Ok(bytes.iter().take(TEXT_MAX).map(|byte| char::from(*byte)).collect());
    }
    let mut pieces = Pieces { pieces: &[data], piece: 0, at: 2 };
    let flags = pieces.byte()?;
    pieces.characters(characters, flags & 1 == 1)
}

/// Bytes that lie in several records.
struct Pieces<'a> {
    pieces: &'a [&'a [u8]],
    piece: usize,
    at: usize,
}

impl Pieces<'_> {
    /// Whether all records are used up.
    fn is_used_up(&mut self) -> bool {
        self.turn();
        self.piece >= self.pieces.len()
    }

    /// Goes to the next record where this one is used up. Returns whether it did.
    fn turn(&mut self) -> bool {
        let mut turned = false;
        while self.pieces.get(self.piece).is_some_and(|piece| self.at >= piece.len()) {
            self.at -= self.pieces[self.piece].len();
            self.piece += 1;
            turned = true;
        }
        turned
    }

    fn byte(&mut self) -> Result<u8, Unreadable> {
        self.turn();
        let byte = self.pieces.get(self.piece).and_then(|piece| piece.get(self.at)).ok_or(OUT_OF_BOUNDS)?;
        self.at += 1;
        Ok(*byte)
    }

    fn number(&mut self) -> Result<u16, Unreadable> {
        Ok(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    /// Characters of one or two bytes. Where a record ends within them, the next states their width anew.
    fn characters(&mut self, count: usize, mut wide: bool) -> Result<String, Unreadable> {
        let mut units = Vec::with_capacity(count.min(TEXT_MAX));
        for _ in 0..count {
            if self.turn() {
                wide = self.byte()? & 1 == 1;
            }
            let unit = if wide { self.number()? } else { u16::from(self.byte()?) };
            if units.len() < TEXT_MAX {
                units.push(unit);
            }
        }
        Ok(String::from_utf16_lossy(&units))
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }
}

/// The texts that cells refer to by number.
fn shared_strings(pieces: &[&[u8]]) -> Result<Vec<String>, Unreadable> {
    let mut pieces = Pieces { pieces, piece: 0, at: 8 };
    let mut strings = Vec::new();
    while !pieces.is_used_up() {
        if strings.len() > NODES_MAX {
            return Err(Broken::TooMany.into());
        }
        let characters = usize::from(pieces.number()?);
        let flags = pieces.byte()?;
        let runs = if flags & 8 == 8 { usize::from(pieces.number()?) } else { 0 };
        let extra = if flags & 4 == 4 {
            let (low, high) = (pieces.number()?, pieces.number()?);
            length(u32::from(low) | (u32::from(high) << 16))?
        } else {
            0
        };
        strings.push(pieces.characters(characters, flags & 1 == 1)?);
        pieces.skip(runs * 4);
        pieces.skip(extra);
    }
    Ok(strings)
}

/// A number of 30 bits: an integer or the upper half of a long one, and whether it is in hundredths.
fn short_number(bits: u32) -> String {
    let hundredths = bits & 1 == 1;
    let billionths = if bits & 2 == 2 {
        // The sign moves down with the two flags.
        Some(i128::from(bits.cast_signed() >> 2) * 1_000_000_000)
    } else {
        billionths(u64::from(bits & !3) << 32)
    };
    shown(billionths.map(|number| if hundredths { divide_half_even(number, 100) } else { number }))
}

/// The number of 64 bits (IEEE 754) in billionths; none where it is no number or beyond all amounts.
fn billionths(bits: u64) -> Option<i128> {
    let exponent = i64::try_from((bits >> 52) & 0x7ff).ok()?;
    let fraction = i128::from(bits & 0x000f_ffff_ffff_ffff);
    // Zero, and what is too small to be seen.
    if exponent == 0 {
        return Some(0);
    }
    let mantissa = (fraction | 0x0010_0000_0000_0000) * 1_000_000_000;
    let shift = exponent - 1023 - 52;
    let number = match u32::try_from(shift) {
        // Infinity, and what is no number, are beyond this too.
        Ok(up) => mantissa.checked_mul(1_i128.checked_shl(up).filter(|_| up < 30)?)?,
        Err(_) => match u32::try_from(-shift) {
            Ok(down) if down < 120 => divide_half_even(mantissa, 1_i128 << down),
            _ => 0,
        },
    };
    Some(if bits >> 63 == 1 { -number } else { number })
}

/// Billionths as decimal text without zeros at its end; what is no number is a word.
fn shown(billionths: Option<i128>) -> String {
    let Some(billionths) = billionths else { return "not a number".to_owned() };
    let sign = if billionths < 0 { "-" } else { "" };
    let (whole, rest) = (billionths.unsigned_abs() / 1_000_000_000, billionths.unsigned_abs() % 1_000_000_000);
    let text = format!("{sign}{whole}.{rest:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        let size = u16::try_from(data.len()).expect("a short record");
        [&kind.to_le_bytes()[..], &size.to_le_bytes(), data].concat()
    }

    fn at(row: u16, column: u16, rest: &[u8]) -> Vec<u8> {
        [&row.to_le_bytes()[..], &column.to_le_bytes(), &[0, 0], rest].concat()
    }

    /// A stream with two texts, the second of them across two records, and a sheet of these cells.
    fn stream(cells: &[Vec<u8>]) -> Vec<u8> {
        let begin = record(BEGIN, &[0, 6, 5, 0]);
        let strings = [&[2, 0, 0, 0, 2, 0, 0, 0][..], &[3, 0, 0], b"Ink", &[4, 0, 0], b"pl"].concat();
        let more = [&[1][..], &[b'a', 0, 0xf1, 0]].concat();
        let globals = [begin.clone(), record(STRINGS, &strings), record(CONTINUE, &more), record(END, &[])].concat();
        [globals, begin, cells.concat(), record(END, &[])].concat()
    }

    /// A container of 512-byte sectors: table, directory, then the stream, which is filled up.
    fn container(stream: &[u8]) -> Vec<u8> {
        let mut stream = stream.to_vec();
        stream.resize(stream.len().max(SMALL_BELOW).next_multiple_of(512), 0);
        let sectors = stream.len() / 512;
        let mut header = vec![0_u8; 512];
        header[..8].copy_from_slice(SIGNATURE);
        header[30] = 9;
        header[48] = 1;
        for (place, mark) in [(60, 0xffff_fffe_u32), (68, 0xffff_fffe)] {
            header[place..place + 4].copy_from_slice(&mark.to_le_bytes());
        }
        header[76..].fill(0xff);
        header[76..80].fill(0);
        let mut table = vec![0xff_u8; 512];
        let mut chain = |sector: usize, next: u32| {
            table[4 * sector..4 * sector + 4].copy_from_slice(&next.to_le_bytes());
        };
        chain(0, 0xffff_fffd);
        chain(1, 0xffff_fffe);
        for sector in 2..sectors + 2 {
            let next = if sector == sectors + 1 { 0xffff_fffe } else { u32::try_from(sector + 1).expect("few") };
            chain(sector, next);
        }
        let mut directory = vec![0_u8; 512];
        for (entry, name) in ["Root Entry", "Workbook"].into_iter().enumerate() {
            let bytes: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            directory[entry * ENTRY..entry * ENTRY + bytes.len()].copy_from_slice(&bytes);
        }
        directory[ENTRY + 116] = 2;
        let size = u32::try_from(stream.len()).expect("short").to_le_bytes();
        directory[ENTRY + 120..ENTRY + 124].copy_from_slice(&size);
        [header, table, directory, stream].concat()
    }

    fn texts(body: &[u8]) -> Result<Vec<String>, Unreadable> {
        let table = read(body)?;
        let row = |row: &super::super::page::Row| row.texts().collect::<Vec<_>>().join("|");
        Ok(table.rows.iter().map(row).collect())
    }

    #[test]
    fn every_kind_of_cell_is_read() {
        let cells = [
            record(0x00fd, &at(0, 0, &[0, 0, 0, 0])),
            record(0x00fd, &at(0, 1, &[1, 0, 0, 0])),
            record(0x0203, &at(1, 0, &0x40d7_6377_ae14_7ae1_u64.to_le_bytes())),
            record(0x027e, &at(1, 1, &((1065_u32 << 2) | 3).to_le_bytes())),
            record(0x00bd, &[&[1, 0, 2, 0][..], &[0, 0, 6, 0, 0, 0], &[0, 0, 10, 0, 0, 0], &[3, 0]].concat()),
            record(0x0204, &at(2, 0, &[1, 0, 0, b'x'])),
            record(0x0006, &at(2, 1, &[0, 0, 0, 0, 0, 0, 0xff, 0xff])),
            record(0x0207, &[1, 0, 1, 0xb2, 0]),
        ];
        let body = container(&stream(&cells));
        assert_eq!(texts(&body), Ok(vec!["Ink|plañ".to_owned(), "23949.87|10.65|1|2".to_owned(), "x|²".to_owned()]));
    }

    #[test]
    fn numbers_come_from_their_bits() {
        let cases = [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x3ff0_0000_0000_0000, "1"),
            (0xbff8_0000_0000_0000, "-1.5"),
            (0x3fb9_9999_9999_999a, "0.1"),
            (0x4130_d440_0000_0000, "1102912"),
            (0x7ff0_0000_0000_0000, "not a number"),
            (0x7ff8_0000_0000_0000, "not a number"),
            (0x0010_0000_0000_0000, "0"),
        ];
        for (bits, text) in cases {
            assert_eq!(shown(billionths(bits)), text, "{bits:x}");
        }
        assert_eq!(short_number(0x3ff0_0000), "1");
        assert_eq!(short_number((-5_i32 << 2).cast_unsigned() | 2), "-5");
    }

    #[test]
    fn what_is_broken_is_named_and_nothing_runs_on() {
        let good = container(&stream(&[]));
        assert_eq!(texts(&good), Ok(Vec::new()));
        assert_eq!(texts(&good[..700]), Err(OUT_OF_BOUNDS));
        let mut endless = good;
        // The directory's chain leads to itself.
        endless[512 + 4..512 + 8].copy_from_slice(&1_u32.to_le_bytes());
        assert_eq!(texts(&endless), Err(ENDLESS));
        let missing = container(&stream(&[record(0x00fd, &at(0, 0, &[9, 0, 0, 0]))]));
        assert_eq!(texts(&missing), Err(Unreadable::Binary("a text that is not there")));
        assert_eq!(texts(SIGNATURE), Err(OUT_OF_BOUNDS));
        let locked = container(&[record(BEGIN, &[0, 6, 5, 0]), record(PASSWORD, &[1, 0])].concat());
        assert_eq!(texts(&locked), Err(Unreadable::Binary("under a password")));
    }

    #[test]
    fn no_changed_byte_makes_it_panic() {
        let good = container(&stream(&[record(0x027e, &at(1, 1, &[6, 0, 0, 0]))]));
        for place in (0..good.len().min(3_000)).chain([good.len() - 1]) {
            for value in [0x00, 0x01, 0x7f, 0xfe, 0xff] {
                let mut changed = good.clone();
                changed[place] = value;
                drop(read(&changed));
            }
        }
    }
}
