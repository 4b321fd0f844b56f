//! Rust text taken apart just enough to judge it: code without comments and texts, the texts, the tests.
//!
//! Deliberately not a parser: it knows comments, literals and braces, and nothing of the grammar.

/// A text literal of a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    /// The line on which it starts, from 1.
    pub(crate) line: usize,
    /// What stands between its quotes, escapes as written.
    pub(crate) text: String,
}

/// A Rust source file, taken apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    /// The text with comments, texts and characters blanked; lines stand where they stood.
    pub(crate) code: String,
    /// The text literals, in order.
    pub(crate) literals: Vec<Literal>,
    /// For each line, whether it stands in a `cfg(test)` item.
    test: Vec<bool>,
}

impl Source {
    /// Takes `text` apart.
    pub(crate) fn read(text: &str) -> Source {
        let mut reader = Reader { chars: text.chars().collect(), at: 0, line: 1, source: Source::default() };
        while reader.at < reader.chars.len() {
            reader.step();
        }
        let mut source = reader.source;
        source.test = test_lines(&source.code);
        source
    }

    /// Whether the line, counted from 1, stands in a `cfg(test)` item.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        line.checked_sub(1).and_then(|index| self.test.get(index)).copied().unwrap_or(false)
    }

    /// The lines of code, each with its number from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The lines of code that stand in no test.
    pub(crate) fn program_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(move |(line, _)| !self.is_test(*line))
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    source: Source,
}

impl Reader {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    /// Reads one comment, literal or character of code.
    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.blank_while(|reader| reader.peek(0) != '\n'),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.text(),
            ('r', '"' | '#') if !self.after_word() && self.raw_hashes().is_some() => self.raw_text(),
            // A byte or C text: the letter belongs to the code, its text is read by the next step.
            ('\'', '\\') => self.character(),
            ('\'', _) if self.peek(2) == '\'' => self.character(),
            _ => self.keep(),
        }
    }

    /// Keeps one character as code.
    fn keep(&mut self) {
        let c = self.peek(0);
        self.source.code.push(c);
        self.pass(c);
    }

    /// Blanks one character.
    fn blank(&mut self) {
        let c = self.peek(0);
        self.source.code.push(if c == '\n' { '\n' } else { ' ' });
        self.pass(c);
    }

    fn pass(&mut self, c: char) {
        self.at += 1;
        self.line += usize::from(c == '\n');
    }

    fn blank_while(&mut self, more: impl Fn(&Reader) -> bool) {
        while self.at < self.chars.len() && more(self) {
            self.blank();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    self.blank();
                    continue;
                }
            }
            self.blank();
            self.blank();
            if depth == 0 {
                return;
            }
        }
    }

    fn text(&mut self) {
        let mut literal = Literal { line: self.line, text: String::new() };
        self.keep();
        while self.at < self.chars.len() && self.peek(0) != '"' {
            if self.peek(0) == '\\' {
                literal.text.push('\\');
                self.blank();
            }
            literal.text.push(self.peek(0));
            self.blank();
        }
        self.keep_if_any();
        self.source.literals.push(literal);
    }

    /// The number of `#` of a raw text that starts here; `None` for a raw identifier.
    fn raw_hashes(&self) -> Option<usize> {
        let hashes = (1..).take_while(|ahead| self.peek(*ahead) == '#').count();
        (self.peek(hashes + 1) == '"').then_some(hashes)
    }

    fn raw_text(&mut self) {
        let hashes = self.raw_hashes().unwrap_or(0);
        let mut literal = Literal { line: self.line, text: String::new() };
        for _ in 0..hashes + 2 {
            self.blank();
        }
        while self.at < self.chars.len() {
            let ends = self.peek(0) == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == '#');
            if ends {
                break;
            }
            literal.text.push(self.peek(0));
            self.blank();
        }
        for _ in 0..hashes + 1 {
            if self.at < self.chars.len() {
                self.blank();
            }
        }
        self.source.literals.push(literal);
    }

    fn character(&mut self) {
        self.keep();
        if self.peek(0) == '\\' {
            self.blank();
        }
        self.blank();
        // The rest of an escape such as '\u{1F}'.
        self.blank_while(|reader| reader.peek(0) != '\'' && reader.peek(0) != '\n');
        self.keep_if_any();
    }

    fn keep_if_any(&mut self) {
        if self.at < self.chars.len() {
            self.keep();
        }
    }

    /// Whether the character before is part of an identifier, other than the `b` or `c` of a raw text.
    fn after_word(&self) -> bool {
        let word = |c: &char| c.is_alphanumeric() || *c == '_';
        let before = |back: usize| self.at.checked_sub(back).and_then(|index| self.chars.get(index));
        match before(1) {
            Some('b' | 'c') => before(2).is_some_and(word),
            Some(c) => word(c),
            None => false,
        }
    }
}

/// For each line of code, whether it stands in an item under `#[cfg(test)]`.
fn test_lines(code: &str) -> Vec<bool> {
    const MARK: &str = "#[cfg(test)]";
    let mut test = vec![false; code.lines().count()];
    let mut from = 0;
    while let Some(found) = code.get(from..).and_then(|rest| rest.find(MARK)) {
        let start = from + found;
        let end = item_end(code, start + MARK.len());
        let lines = super::line_of(code, start)..=super::line_of(code, end);
        for line in lines {
            if let Some(mark) = test.get_mut(line - 1) {
                *mark = true;
            }
        }
        from = end.max(start + MARK.len());
    }
    test
}

/// The byte at which the item that starts after `from` ends: its `;`, or the brace that closes it.
fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    for (index, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && byte == b'}' {
                    return index;
                }
            }
            b';' if depth == 0 => return index,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Source::read(text).code
    }

    fn texts(text: &str) -> Vec<String> {
        Source::read(text).literals.into_iter().map(|literal| literal.text).collect()
    }

    #[test]
    fn comments_are_no_code() {
        assert_eq!(code("a // f64\nb"), "a       \nb");
        assert_eq!(code("a /* x /* y */ z */ b").split_whitespace().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn texts_are_no_code_and_are_kept_apart() {
        assert_eq!(code(r#"f("f64") + 1"#), r#"f("   ") + 1"#);
        assert_eq!(texts(r#"f("a", "b\"c")"#), ["a", r#"b\"c"#]);
        assert_eq!(texts("r#\"x \" y\"# + br\"z\""), ["x \" y", "z"]);
    }

    #[test]
    fn a_raw_identifier_is_code() {
        assert_eq!(code("r#type + for"), "r#type + for");
    }

    #[test]
    fn a_lifetime_is_not_a_character() {
        assert_eq!(code("fn f<'a>(x: &'a str) { g('\"', '\\'', 'x') }"), "fn f<'a>(x: &'a str) { g(' ', '  ', ' ') }");
    }

    #[test]
    fn an_unfinished_text_ends_with_the_file() {
        assert_eq!(texts("f(\"abc"), ["abc"]);
        assert_eq!(code("/* abc").trim(), "");
    }

    #[test]
    fn lines_stand_where_they_stood() {
        let source = Source::read("a\n\"x\ny\"\nb \"z\"");
        assert_eq!(source.code.lines().count(), 4);
        assert_eq!(source.literals.iter().map(|literal| literal.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn a_test_module_is_told_from_the_program() {
        let source = Source::read("fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n");
        let program: Vec<usize> = source.program_lines().map(|(line, _)| line).collect();
        assert_eq!(program, [1, 6]);
    }

    #[test]
    fn a_test_declaration_ends_at_its_semicolon() {
        let source = Source::read("#[cfg(test)]\nmod tests;\nfn c() {}\n");
        assert!(source.is_test(1) && source.is_test(2) && !source.is_test(3));
    }
}
