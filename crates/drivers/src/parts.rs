//! A document with one list that may be longer than what is read at once: the list in pieces, each of which is a
//! document of its own.
//!
//! An entry is read whole or not at all: where a document is cut off, or its middle is absent, the entries that are cut
//! are left out. Deliberately absent: what the entries mean, and lists within them, which stay with their entry.

use crate::GAP;
use crate::document::{self, Unreadable};
use crate::limits::{BODY_MAX, DEPTH_MAX, NODES_MAX};
use serde_json::Value;

/// Bytes before the first entry, which every piece repeats.
const HEAD_MAX: usize = 64 * 1024;

/// The longest text by which one construct of XML is told from another.
const LONGEST_START: &str = "<![CDATA[";

/// A list that may be long.
#[derive(Clone, Copy)]
pub(crate) struct List<'n> {
    /// The name of the member that it is.
    pub(crate) name: &'n str,
    /// The names of the first member of an entry, by which one is found in the middle of the list.
    pub(crate) firsts: &'n [&'n str],
}

/// A document, at once or in pieces.
pub(crate) enum Parts<'a> {
    /// All of it.
    Whole(Value),
    /// Its list in pieces.
    Pieces(Pieces<'a>),
}

/// A list in pieces.
pub(crate) struct Pieces<'a> {
    /// What stands before the first entry.
    head: &'a str,
    pieces: Vec<&'a str>,
    /// What closes everything that the head opens.
    close: String,
    /// Entries in the pieces.
    pub(crate) entries: usize,
    /// Entries of which each is over [`NODES_MAX`]; they are in no piece.
    pub(crate) too_large: usize,
    /// Whether the list goes on where the document was cut off.
    pub(crate) is_cut: bool,
    /// Whether entries between its start and its end are absent.
    pub(crate) has_gap: bool,
}

impl Parts<'_> {
    /// Looks at each part, one after another: no two are held at the same time.
    ///
    /// # Errors
    /// Where a piece does not read.
    pub(crate) fn each(&self, mut look: impl FnMut(&Value)) -> Result<(), Unreadable> {
        match self {
            Parts::Whole(document) => look(document),
            Parts::Pieces(pieces) => {
                for piece in &pieces.pieces {
                    look(&document::decode("", &format!("{}{piece}{}", pieces.head, pieces.close))?);
                }
            }
        }
        Ok(())
    }
}

/// Reads a body with such a list. It is read in pieces where it is over [`NODES_MAX`], or over [`BODY_MAX`]: then it is
/// the start of the document or, as JSON, its start and its end with a [`GAP`] between them.
///
/// # Errors
/// As [`document::read`], where the body is over a limit and has no such list.
pub(crate) fn read<'a>(content_type: &str, body: &'a [u8], list: List<'_>) -> Result<Parts<'a>, Unreadable> {
    let is_cut = body.len() > BODY_MAX;
    if !is_cut {
        match document::read(content_type, body) {
            Err(Unreadable::TooMany) => {}
            read => return read.map(Parts::Whole),
        }
    }
    let gap = || body.windows(GAP.len()).position(|bytes| bytes == GAP);
    let gap = is_cut.then(gap).flatten();
    let (start, end) = match gap {
        Some(at) => (&body[..at], &body[at + GAP.len()..]),
        None => (&body[..body.len().min(BODY_MAX)], &body[..0]),
    };
    let text = received(start, is_cut)?;
    let pieces = match text.bytes().next() {
        Some(b'{' | b'[') => json((text, received(end, is_cut)?), list, is_cut)?,
        Some(b'<') => xml(text, list.name, is_cut)?,
        Some(_) | None => None,
    };
    let over = if is_cut { Unreadable::TooLong } else { Unreadable::TooMany };
    pieces.map(Parts::Pieces).ok_or(over)
}

/// The text that came; a character that was cut in two is none of it.
fn received(body: &[u8], is_cut: bool) -> Result<&str, Unreadable> {
    // The bytes of a character after its first one begin with the bits 10.
    let first = body.iter().position(|byte| !is_cut || byte & 0xc0 != 0x80).unwrap_or(body.len());
    let body = &body[first..];
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        Err(error) if is_cut && error.error_len().is_none() => {
            std::str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return Err(Unreadable::NotUtf8),
    };
    Ok(document::trimmed(text))
}

/// Entries that become pieces.
struct Gathering<'a> {
    /// What stands before the first entry.
    head: &'a str,
    /// Where the entries stand that come now.
    text: &'a str,
    /// Elements that a piece may have beside the head's.
    room: usize,
    pieces: Vec<&'a str>,
    /// The piece at work: where it starts and ends, and its elements.
    open: Option<(usize, usize, usize)>,
    entries: usize,
    too_large: usize,
}

impl<'a> Gathering<'a> {
    /// Begins where the list starts, after so many elements; `None` where too much stands before it.
    fn new(text: &'a str, start: usize, nodes: usize) -> Option<Gathering<'a>> {
        let fits = start <= HEAD_MAX && nodes <= NODES_MAX / 2;
        let (head, room) = (&text[..start], NODES_MAX.saturating_sub(nodes));
        let (pieces, open, entries, too_large) = (Vec::new(), None, 0, 0);
        fits.then_some(Gathering { head, text, room, pieces, open, entries, too_large })
    }

    /// The entries that come from now on stand in this text.
    fn go_on_in(&mut self, text: &'a str) {
        self.flush();
        self.text = text;
    }

    /// Takes the entry at this place with its elements.
    fn take(&mut self, start: usize, end: usize, nodes: usize) {
        if nodes > self.room {
            self.too_large += 1;
            self.flush();
            return;
        }
        self.entries += 1;
        match self.open {
            Some((first, _, sum)) if sum + nodes <= self.room => self.open = Some((first, end, sum + nodes)),
            _ => {
                self.flush();
                self.open = Some((start, end, nodes));
            }
        }
    }

    /// Ends the piece at work.
    fn flush(&mut self) {
        if let Some((start, end, _)) = self.open.take() {
            self.pieces.push(&self.text[start..end]);
        }
    }

    /// The pieces; a list that does not end is one only where the document was cut off.
    fn finish(mut self, close: String, has_end: bool, is_cut: bool) -> Option<Pieces<'a>> {
        self.flush();
        let Gathering { head, pieces, entries, too_large, .. } = self;
        let (is_cut, has_gap) = (is_cut && !has_end, false);
        (has_end || is_cut).then_some(Pieces { head, pieces, close, entries, too_large, is_cut, has_gap })
    }
}

/// The bytes of JSON outside of its texts, with their places; of a text both quotes.
fn outside_texts(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let (mut in_text, mut escaped) = (false, false);
    text.bytes().enumerate().filter(move |(_, byte)| {
        if !in_text {
            in_text = *byte == b'"';
            return true;
        }
        match *byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => {
                in_text = false;
                return true;
            }
            _ => {}
        }
        false
    })
}

/// Goes to the list of this name, the first that stands in no other list: where its first entry starts, how deep,
/// and after how many elements.
fn json_list(
    text: &str,
    list: &str,
    marks: &mut impl Iterator<Item = (usize, u8)>,
) -> Result<Option<(usize, usize, usize)>, Unreadable> {
    let (mut depth, mut lists, mut nodes) = (0_usize, 0_usize, 0_usize);
    let (mut quote, mut word, mut key) = (None, "", "");
    for (at, byte) in marks {
        match byte {
            b'"' => match quote.take() {
                Some(open) => word = &text[open + 1..at],
                None => quote = Some(at),
            },
            b':' => key = word,
            b',' => nodes += 1,
            b'{' | b'[' => {
                nodes += 1;
                if byte == b'[' && lists == 0 && key == list {
                    return Ok(Some((at + 1, depth, nodes)));
                }
                depth += 1;
                lists += usize::from(byte == b'[');
                if depth > DEPTH_MAX {
                    return Err(Unreadable::TooDeep);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                lists = lists.saturating_sub(usize::from(byte == b']'));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Where the first entry starts in a text that begins somewhere in the list: an object whose first member has one of
/// these names. Nothing else reads so: within a text a quote has a backslash before it.
fn json_entry(text: &str, firsts: &[&str]) -> Option<usize> {
    let start = |first: &&str| {
        text.match_indices(&format!("\"{first}\"")).find_map(|(at, _)| {
            let before = text[..at].trim_end();
            before.ends_with('{').then(|| before.len() - 1)
        })
    };
    firsts.iter().filter_map(start).min()
}

/// Takes the entries of a text that begins with one, so deep in the document; whether the list ends there.
fn json_entries<'a>(gathering: &mut Gathering<'a>, text: &'a str, outside: usize) -> Result<bool, Unreadable> {
    gathering.go_on_in(text);
    // The comma after an entry counts with it.
    let (mut entry, mut depth, mut nodes) = (0_usize, 0_usize, 1_usize);
    for (at, byte) in outside_texts(text) {
        match byte {
            b',' | b'}' | b']' if depth == 0 => {
                if !text[entry..at].trim().is_empty() {
                    gathering.take(entry, at, nodes);
                }
                if byte != b',' {
                    return Ok(true);
                }
                (entry, nodes) = (at + 1, 1);
            }
            b'{' | b'[' => {
                (depth, nodes) = (depth + 1, nodes + 1);
                if outside + depth > DEPTH_MAX {
                    return Err(Unreadable::TooDeep);
                }
            }
            b'}' | b']' => depth -= 1,
            b',' => nodes += 1,
            _ => {}
        }
    }
    Ok(false)
}

/// The pieces of a list whose document is this text, or begins and ends with these.
fn json<'a>((text, end): (&'a str, &'a str), list: List<'_>, is_cut: bool) -> Result<Option<Pieces<'a>>, Unreadable> {
    let found = json_list(text, list.name, &mut outside_texts(text))?;
    let Some((start, outside, before)) = found else { return Ok(None) };
    let Some(mut gathering) = Gathering::new(text, start, before) else { return Ok(None) };
    let mut has_end = json_entries(&mut gathering, &text[start..], outside)?;
    let again = json_entry(end, list.firsts).filter(|_| !has_end);
    if let Some(at) = again {
        has_end = json_entries(&mut gathering, &end[at..], outside)?;
    }
    // The list stands in no other one, so that only objects are open around it.
    let pieces = gathering.finish(format!("]{}", "}".repeat(outside)), has_end, is_cut);
    Ok(pieces.map(|pieces| Pieces { has_gap: again.is_some(), ..pieces }))
}

/// The name of the element that a tag opens, with its prefix.
fn name_of(tag: &str) -> &str {
    let name = tag.trim_start_matches('<');
    name.split(|c: char| c.is_whitespace() || c == '/' || c == '>').next().unwrap_or_default()
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or_default()
}

/// XML while it is cut into pieces.
#[derive(Default)]
struct Elements<'a> {
    /// The names of the elements that are open.
    open: Vec<&'a str>,
    nodes: usize,
    /// The list, and in how many elements it stands.
    found: Option<(Gathering<'a>, usize)>,
    /// What closes everything around the list.
    close: String,
    /// Where the entry at work starts.
    entry: Option<usize>,
    /// The elements up to the end of the last entry: what stands between two entries counts with the second.
    counted: usize,
}

impl<'a> Elements<'a> {
    /// Takes a tag that stands from `start` to `end`; `false` where no more are wanted: the list has ended, or too
    /// much stands before it.
    fn take(&mut self, text: &'a str, (start, end): (usize, usize), list: &str) -> Result<bool, Unreadable> {
        let tag = &text[start..end];
        if tag.starts_with("</") {
            self.open.pop();
        } else if !tag.starts_with("<!") && !tag.starts_with("<?") {
            let name = name_of(tag);
            if self.found.is_none() && local(name) == list {
                let Some(gathering) = Gathering::new(text, start, self.nodes) else { return Ok(false) };
                self.found = Some((gathering, self.open.len()));
                self.counted = self.nodes;
                self.close = self.open.iter().rev().map(|name| format!("</{name}>")).collect();
            }
            let is_entry = self.found.as_ref().is_some_and(|(_, level)| *level == self.open.len());
            if is_entry && local(name) == list {
                self.entry = Some(start);
            }
            self.nodes += 1;
            if !tag.ends_with("/>") {
                self.open.push(name);
            }
            if self.open.len() > DEPTH_MAX {
                return Err(Unreadable::TooDeep);
            }
        }
        let Some((gathering, level)) = &mut self.found else { return Ok(true) };
        if self.open.len() == *level
            && let Some(start) = self.entry.take()
        {
            gathering.take(start, end, self.nodes - self.counted);
            self.counted = self.nodes;
        }
        Ok(self.open.len() >= *level)
    }
}

fn xml<'a>(text: &'a str, list: &str, is_cut: bool) -> Result<Option<Pieces<'a>>, Unreadable> {
    let (mut elements, mut at, mut goes_on) = (Elements::default(), 0, true);
    while let Some(next) = text[at..].find('<').filter(|_| goes_on) {
        let start = at + next;
        at = match document::construct(&text[start..]) {
            Ok(length) => start + length,
            // The rest of it did not come.
            Err(Unreadable::Xml(_)) if is_cut => break,
            Err(_) if is_cut && text.len() - start < LONGEST_START.len() => break,
            Err(error) => return Err(error),
        };
        goes_on = elements.take(text, (start, at), list)?;
    }
    let Elements { found, close, .. } = elements;
    Ok(found.and_then(|(gathering, _)| gathering.finish(close, !goes_on, is_cut)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: List<'static> = List { name: "e", firsts: &["n", "m"] };

    /// Each part as a text.
    fn texts(parts: &Parts<'_>) -> Vec<String> {
        let mut texts = Vec::new();
        parts.each(|part| texts.push(part.to_string())).expect("reads");
        texts
    }

    fn pieces(parts: &Parts<'_>) -> (usize, usize, bool) {
        let Parts::Pieces(pieces) = parts else { panic!("read at once") };
        (pieces.entries, pieces.too_large, pieces.is_cut)
    }

    /// The entries of all parts below `a.e`.
    fn entries(parts: &Parts<'_>) -> Vec<Value> {
        let mut entries = Vec::new();
        parts
            .each(|part| match &part["a"]["e"] {
                Value::Array(found) => entries.extend(found.iter().cloned()),
                one => entries.push(one.clone()),
            })
            .expect("reads");
        entries
    }

    #[test]
    fn what_is_within_the_limits_is_read_at_once() {
        let parts = read("", br#"{"a":{"e":[1,2]},"b":3}"#, LIST).expect("a document");
        assert!(matches!(parts, Parts::Whole(_)));
        assert_eq!(texts(&parts), [r#"{"a":{"e":[1,2]},"b":3}"#]);
        assert!(matches!(read("", b"asleep", LIST), Err(Unreadable::Neither(_))));
    }

    #[test]
    fn a_long_list_is_read_in_pieces_and_every_entry_once() {
        let json = |number: usize| format!(r#"{{"n":"[{{,\"{number}","of":[1,{{"e":[2]}}]}}"#);
        let xml = |number: usize| format!("<p:e><n>{number}</n><of><e/><e/></of></p:e> <!-- <e> -->");
        let count = NODES_MAX / 4;
        let jsons: Vec<String> = (0..count).map(json).collect();
        let xmls: String = (0..count).map(xml).collect();
        let head = "<?xml version='1.0'?><p:a xmlns:p='urn:p'><s/>";
        for text in [
            format!(r#"{{"s":["e",{{"e":[7]}}],"a":{{"x":"e","e":[{}]}},"t":1}}"#, jsons.join(", ")),
            format!("{head}{xmls}<t/></p:a>"),
        ] {
            let parts = read("", text.as_bytes(), LIST).expect("a document");
            assert_eq!(pieces(&parts), (count, 0, false));
            let found = entries(&parts);
            assert!((2..10).contains(&texts(&parts).len()));
            assert_eq!(found.len(), count);
            for (number, entry) in found.iter().enumerate() {
                let text = entry["n"].as_str().expect("a text");
                assert_eq!(text.trim_start_matches("[{,\""), number.to_string());
            }
        }
    }

    #[test]
    fn of_a_list_that_is_cut_off_every_whole_entry_is_read() {
        let long = "x".repeat(100_000);
        let json = format!(r#"{{"a":{{"e":[{}"#, format!(r#"{{"n":"ü{long}"}},"#).repeat(100));
        let xml = format!("<a>{}", format!("<e n='>'><n>ü{long}</n></e>").repeat(100));
        for text in [json, xml] {
            assert!(text.len() > BODY_MAX);
            let parts = read("", text.as_bytes(), LIST).expect("a document");
            let expected = BODY_MAX / (long.len() + 4);
            let (found, too_large, is_cut) = pieces(&parts);
            assert!((expected - 1..=expected).contains(&found), "{found} of {expected}");
            assert_eq!((too_large, is_cut, entries(&parts).len()), (0, true, found));
        }
    }

    #[test]
    fn of_a_list_without_its_middle_the_entries_of_both_ends_are_read() {
        // A text may look like the start of an entry, and like its end.
        let odd = r#"{\"n\": 1},{"#;
        let entry = |number: usize| format!(r#"{{ "m" : {number}, "of": {{"x": "ü{odd}"}}, "y": [{{"n2": 1}}]}}"#);
        let count = BODY_MAX / 50;
        let all: Vec<String> = (0..count).map(entry).collect();
        let text = format!(r#"{{"a": {{"e": [{}]}}, "t": 1}}"#, all.join(", "));
        assert!(text.len() > BODY_MAX);
        for moved in 0..200 {
            let (start, end) = (&text.as_bytes()[..50_000 + moved], &text.as_bytes()[text.len() - 60_000 + moved..]);
            let body = [start, GAP, end].concat();
            let parts = json((received(start, true).expect("text"), received(end, true).expect("text")), LIST, true);
            let parts = Parts::Pieces(parts.expect("scanned").expect("a list"));
            let found = entries(&parts);
            let numbers: Vec<u64> = found.iter().map(|entry| entry["m"].as_u64().expect("a number")).collect();
            let split = numbers.windows(2).position(|pair| pair[1] != pair[0] + 1).expect("a gap");
            let (first, last) = numbers.split_at(split + 1);
            assert!(first[0] == 0 && last.last() == u64::try_from(count - 1).ok().as_ref(), "both ends, from {moved}");
            assert_eq!(last.windows(2).find(|pair| pair[1] != pair[0] + 1), None, "and one gap");
            let whole = |text: &str| text.matches("\"m\" : ").count();
            let came = whole(&String::from_utf8_lossy(&body));
            assert!((came - 2..=came).contains(&numbers.len()), "{} of {came} from {moved}", numbers.len());
            let Parts::Pieces(pieces) = parts else { panic!("pieces") };
            assert_eq!((pieces.entries, pieces.is_cut, pieces.has_gap), (numbers.len(), false, true));
        }
        let half = BODY_MAX / 2;
        let body = [&text.as_bytes()[..half], GAP, &text.as_bytes()[text.len() - half..]].concat();
        let parts = read("", &body, LIST).expect("a document");
        let Parts::Pieces(pieces) = parts else { panic!("read at once") };
        assert!(pieces.has_gap && !pieces.is_cut && pieces.entries > count / 2);
    }

    #[test]
    fn an_entry_that_is_too_large_by_itself_is_left_out_and_counted() {
        let large = format!(r#"{{"n":[{}1]}}"#, "1,".repeat(NODES_MAX));
        let json = format!(r#"{{"a":{{"e":[{{"n":1}},{large},{{"n":2}}]}}}}"#);
        let xml = format!("<a><e><n>1</n></e><e>{}</e><e><n>2</n></e></a>", "<n/>".repeat(NODES_MAX));
        for text in [json, xml] {
            let parts = read("", text.as_bytes(), LIST).expect("a document");
            assert_eq!((pieces(&parts), entries(&parts).len()), ((2, 1, false), 2));
        }
    }

    #[test]
    fn what_has_no_such_list_or_is_broken_is_named() {
        let ones = "1,".repeat(NODES_MAX);
        let tags = "<b/>".repeat(NODES_MAX);
        let deep = "[".repeat(DEPTH_MAX + 1);
        let cut_off = || Unreadable::Xml("cut off within a tag".to_owned());
        for (text, error) in [
            (format!(r#"{{"b":[{ones}1]}}"#), Unreadable::TooMany),
            (format!(r#"{{"b":[{ones}{{"e":[1]}}]}}"#), Unreadable::TooMany),
            (format!(r#"{{"e":[{ones}1"#), Unreadable::TooMany),
            (format!(r#"{{"e":[{ones}{deep}"#), Unreadable::TooDeep),
            (format!("<a>{tags}<b/></a>"), Unreadable::TooMany),
            (format!("<a><e>{tags}"), Unreadable::TooMany),
            (format!("<a><e/>{tags}<e"), cut_off()),
        ] {
            assert_eq!(read("", text.as_bytes(), LIST).err(), Some(error), "{text:.20}");
        }
        let broken = format!(r#"{{"e":[{ones}1,]}}"#);
        let parts = read("", broken.as_bytes(), LIST).expect("a list");
        assert!(matches!(parts.each(|_| {}), Ok(())), "an empty entry at the end is none");
        let broken = format!(r#"{{"e":[{ones}x]}}"#);
        let parts = read("", broken.as_bytes(), LIST).expect("a list");
        assert!(matches!(parts.each(|_| {}), Err(Unreadable::Json(_))));
        assert_eq!(read("", &vec![b' '; BODY_MAX + 1], LIST).err(), Some(Unreadable::TooLong));
        assert_eq!(read("", &[b'{', 0xff, b'}'], LIST).err(), Some(Unreadable::NotUtf8));
    }
}
