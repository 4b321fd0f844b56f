//! Makes texts fit for paper: what has no shape goes, what has none in our fonts becomes □, and a word that is
//! wider than a column may break.
//!
//! PDF/A allows no letter without a shape, so that one such letter would cost the whole document. Deliberately
//! absent: translation of other scripts into letters that we have; the pages and the JSON show them.

use serde_json::Value;

/// The longest text in characters, from where it is cut.
const CHARACTERS_MAX: usize = 12_000;
/// The longest text in characters at the head, in totals and at the foot, which stand on pages whole.
const HEAD_CHARACTERS_MAX: usize = 300;
/// The fields of a paper that stand there.
const HEAD: [&str; 12] = [
    "brand", "buyer", "currency", "facts", "footer", "grades", "number", "payment", "seller", "taxes", "title",
    "totals",
];
/// What ends a text that is cut.
const CUT: &str = " … (shortened)";
/// Stands for a letter that has no shape here.
const BOX: char = '□';
/// A place where a line may break, without width.
const BREAK: char = '\u{200b}';
/// Characters without a space from which on a word may break, and then after how many more.
const WORD_MAX: usize = 24;
const WORD_STEP: usize = 12;

/// Goes through texts and remembers what it met.
pub(crate) struct Pen {
    shows: fn(char) -> bool,
    /// Whether a letter could not be shown.
    pub(crate) unshown: bool,
    /// How many bytes the texts have.
    pub(crate) bytes: usize,
}

impl Pen {
    /// A pen for fonts that have a shape for the characters that `shows` says.
    pub(crate) fn new(shows: fn(char) -> bool) -> Pen {
        Pen { shows, unshown: false, bytes: 0 }
    }

    /// Every text of a paper, each as long as its place allows.
    pub(crate) fn paper(&mut self, paper: &mut Value) {
        let Value::Object(fields) = paper else { return };
        for (name, field) in fields.iter_mut() {
            let most = if HEAD.contains(&name.as_str()) { HEAD_CHARACTERS_MAX } else { CHARACTERS_MAX };
            self.texts(field, most);
        }
    }

    /// Every text in there; names of fields stay.
    fn texts(&mut self, value: &mut Value, most: usize) {
        match value {
            Value::String(text) => *text = self.text(text, most),
            Value::Array(items) => items.iter_mut().for_each(|item| self.texts(item, most)),
            Value::Object(fields) => fields.iter_mut().for_each(|(_, field)| self.texts(field, most)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str, most: usize) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut word = 0;
        let mut characters = text.chars();
        for c in characters.by_ref().take(most) {
            let Some(c) = self.character(c) else { continue };
            if c == ' ' || c == '\n' {
                word = 0;
            } else {
                if word >= WORD_MAX && (word - WORD_MAX).is_multiple_of(WORD_STEP) && !is_combining(c) {
                    shown.push(BREAK);
                }
                word += 1;
            }
            shown.push(c);
        }
        if characters.next().is_some() {
            shown.push_str(CUT);
        }
        self.bytes = self.bytes.saturating_add(shown.len());
        shown
    }

    /// What stands for a character; `None` for one that only steers how others are shown.
    fn character(&mut self, c: char) -> Option<char> {
        match c {
            '\n' | '\u{2028}' | '\u{2029}' => Some('\n'),
            _ if c.is_control() => Some(' '),
            _ if is_formless(c) => None,
            _ if (self.shows)(c) => Some(c),
            _ => {
                self.unshown = true;
                Some(BOX)
            }
        }
    }
}

/// Characters that have no shape of their own, such as those that turn the direction of a text around.
fn is_formless(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Marks that belong to the letter before them.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(text: &str) -> (String, bool) {
        let mut pen = Pen::new(crate::world::shows);
        let shown = pen.text(text, 40);
        (shown, pen.unshown)
    }

    #[test]
    fn a_text_is_shown_as_it_is_as_far_as_there_are_shapes() {
        let cases = [
            ("#panic(\"x\") $a$ *b* [c] <d> @e = f \\ g", "#panic(\"x\") $a$ *b* [c] <d> @e = f \\ g", false),
            ("a\u{202e}b\u{200d}c\u{feff}", "abc", false),
            ("a\tb\u{7}c\nd", "a b c\nd", false),
            ("漢 x", "□ x", true),
            ("e\u{301} 1\u{202f}000 €", "e\u{301} 1\u{202f}000 €", false),
        ];
        for (text, expected, unshown) in cases {
            assert_eq!(written(text), (expected.to_owned(), unshown), "{text}");
        }
    }

    #[test]
    fn a_long_word_may_break_and_a_long_text_is_cut() {
        let word = "w".repeat(30);
        assert_eq!(written(&word).0, format!("{}{BREAK}{}", "w".repeat(24), "w".repeat(6)));
        assert_eq!(written(&"w ".repeat(30)).0, format!("{}{CUT}", "w ".repeat(20)));
        let marked = format!("{}\u{301}e", "e".repeat(24));
        assert_eq!(written(&marked).0, marked);
    }

    #[test]
    fn texts_are_found_wherever_they_stand() {
        let mut paper = json!({"title": "t".repeat(400), "notes": ["漢", "n".repeat(400)], "number": null});
        let mut pen = Pen::new(crate::world::shows);
        pen.paper(&mut paper);
        let title = paper["title"].as_str().expect("a text");
        assert!(title.ends_with(CUT), "{title}");
        assert_eq!(paper["notes"][0], "□");
        let note = paper["notes"][1].as_str().expect("a text");
        assert_eq!(note.chars().filter(|c| *c == 'n').count(), 400);
        assert!(pen.unshown && paper["number"].is_null());
        assert!(pen.bytes > 700, "{}", pen.bytes);
    }
}
