//! Text cells of CSV files.
//!
//! A text that a spreadsheet would take for a formula gets an apostrophe before it. Deliberately absent:
//! numbers, which are written plainly, and commas and quotes, which the writer of a file escapes.

/// A text that no spreadsheet takes for a formula.
pub(crate) fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_formula_becomes_a_text() {
        for (text, expected) in
            [("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("-plan.pdf", "'-plan.pdf"), ("plan=1", "plan=1"), ("", "")]
        {
            assert_eq!(cell(text), expected);
        }
    }
}
