//! Templates escape always, and hold no style and no script of their own.
//!
//! The content policy that the portal sends forbids the same, so that a slip here is a broken page
//! there. Deliberately absent: whether the markup is good, which the browser tests look at.

use super::{Finding, line_of, words};

/// Templates whose markup comes from our own chart writer may pass it on as it is.
const MAY_PASS_MARKUP: &str = "chart";

/// Findings in a template.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !path.contains(MAY_PASS_MARKUP) {
        findings.extend(unescaped(text).map(|offset| {
            Finding::at(path, line_of(text, offset), "|safe lets outside text become markup; remove it")
        }));
    }
    for tag in tags(text) {
        for what in judge(&text[tag.0..tag.1]) {
            findings.push(Finding::at(path, line_of(text, tag.0), what));
        }
    }
    findings
}

/// Where the filter that switches escaping off is applied.
fn unescaped(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices('|').map(|(offset, _)| offset).filter(move |offset| {
        let rest = text[offset + 1..].trim_start();
        words(rest).first().is_some_and(|(start, word)| *start == 0 && *word == "safe")
    })
}

/// The opening tags, each as its first byte and the byte after its end.
fn tags(text: &str) -> Vec<(usize, usize)> {
    let mut tags = Vec::new();
    for (start, _) in text.match_indices('<') {
        let named = text[start + 1..].starts_with(|c: char| c.is_ascii_alphabetic());
        if named {
            let length = text[start..].find('>').unwrap_or(text.len() - start);
            tags.push((start, start + length));
        }
    }
    tags
}

/// What is wrong with one opening tag.
fn judge(tag: &str) -> Vec<String> {
    let lower = tag.to_ascii_lowercase();
    let name = words(&lower).first().map_or("", |(_, word)| *word);
    let has = |attribute: &str| attributes(&lower).any(|found| found == attribute);
    let mut found = Vec::new();
    if has("style") {
        found.push("an inline style; give it a class".to_owned());
    }
    if name == "style" {
        found.push("a style element; put it into the style sheet".to_owned());
    }
    if name == "script" && !has("src") {
        found.push("an inline script; put it into the script file".to_owned());
    }
    if let Some(handler) = attributes(&lower).find(|attribute| attribute.starts_with("on")) {
        found.push(format!("the handler {handler} in markup; bind it in the script file"));
    }
    let outside = ["src=\"http", "src=\"//"].iter().any(|start| lower.contains(start));
    if outside || (name == "link" && ["href=\"http", "href=\"//"].iter().any(|start| lower.contains(start))) {
        found.push("a resource of another host; the portal serves everything itself".to_owned());
    }
    found
}

/// The names of a tag's attributes that have a value.
fn attributes(tag: &str) -> impl Iterator<Item = &str> {
    tag.match_indices("=\"").filter_map(move |(offset, _)| {
        let before = &tag[..offset];
        let start = before.rfind(|c: char| c.is_whitespace()).map_or(0, |index| index + 1);
        let name = &before[start..];
        (!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        check("crates/portal/src/jobs/list.html", text).len()
    }

    #[test]
    fn what_breaks_escaping_or_the_content_policy_is_found() {
        for text in [
            "<p>{{ name|safe }}</p>",
            "<p>{{ name | safe }}</p>",
            "<p style=\"color: red\">x</p>",
            "<style>p {}</style>",
            "<script>go()</script>",
            "<button\n  onclick=\"go()\">x</button>",
            "<img src=\"https://cdn.test/x.png\" alt=\"\">",
            "<link rel=\"stylesheet\" href=\"//cdn.test/x.css\">",
        ] {
            assert_eq!(found(text), 1, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_no_finding() {
        for text in [
            "<p class=\"style\" data-on=\"x\">safe | and sound || safely</p>",
            "<script src=\"/static/app.js\" type=\"module\"></script>",
            "<a href=\"https://www.example.org/\">x</a>",
            "{{ area|show }} {{ name|safer }}",
            "a < b",
        ] {
            assert_eq!(found(text), 0, "{text}");
        }
    }

    #[test]
    fn our_own_charts_are_markup() {
        assert_eq!(check("crates/portal/src/shell/chart.html", "{{ svg|safe }}"), Vec::new());
    }

    #[test]
    fn a_finding_has_its_line() {
        assert_eq!(check("a.html", "<p>\n{{ name|safe }}")[0].line, 2);
    }
}
