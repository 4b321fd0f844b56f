//! Which part of a long list is shown: 50 rows, chosen by the query's `page`.
//!
//! Deliberately absent: the rows, which a store reads with [`ROWS`] and [`Part::skipped`].

use crate::shell::address::{Fields, address, text};
use crate::shell::page::Pager;

/// Rows of one part.
pub(crate) const ROWS: i64 = 50;
/// The last part that can be asked for.
const PAGES_MAX: i64 = 100_000;

/// A part of a list, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    page: i64,
}

impl Part {
    /// The part that a query asks for; the first one where it asks for none that can be.
    pub(crate) fn asked(query: &Fields) -> Part {
        Part::named(query, "page")
    }

    /// The same, of one of several lists on a page, which the query names by `name`.
    pub(crate) fn named(query: &Fields, name: &str) -> Part {
        let page: i64 = text(query, name).parse().unwrap_or(1);
        Part { page: page.clamp(1, PAGES_MAX) }
    }

    /// Rows before it.
    pub(crate) fn skipped(self) -> i64 {
        (self.page - 1) * ROWS
    }

    /// Where it stands in the list at `path`, of which it shows `shown` rows of `total`.
    pub(crate) fn pager(self, path: &str, shown: usize, total: i64) -> Pager {
        self.pager_at(shown, total, |page| address(path, [("page", page)]))
    }

    /// Where it stands in a list whose address says more than the part, of which it shows `shown` rows of
    /// `total`; `at` gives the address of a part by its number from 1, empty for the first.
    pub(crate) fn pager_at(self, shown: usize, total: i64, at: impl Fn(&str) -> String) -> Pager {
        let number = |count: i64| usize::try_from(count).unwrap_or(0);
        let link = |page: i64| if page == 1 { at("") } else { at(&page.to_string()) };
        let previous = (self.page > 1).then(|| link(self.page - 1));
        let next = (total > self.page * ROWS).then(|| link(self.page + 1));
        Pager::new(number(self.skipped()), shown, number(total), previous, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(page: &str) -> Part {
        Part::asked(&Fields::from([("page".to_owned(), page.to_owned())]))
    }

    #[test]
    fn a_page_that_cannot_be_is_the_first() {
        for page in ["", "0", "-3", "two", "1", "99999999999999999999999"] {
            assert_eq!(asked(page).skipped(), 0, "{page}");
        }
        assert_eq!(asked("3").skipped(), 100);
    }

    #[test]
    fn the_neighbours_are_linked_where_they_are() {
        let pager = asked("2").pager("/agents", 50, 101);
        assert_eq!(pager.words, "51–100 of 101");
        assert_eq!(pager.previous.as_deref(), Some("/agents"));
        assert_eq!(pager.next.as_deref(), Some("/agents?page=3"));
        let last = asked("3").pager("/agents", 1, 101);
        assert_eq!(last.next, None);
    }

    #[test]
    fn the_neighbours_keep_what_else_the_address_says() {
        let at = |page: &str| address("/jobs", [("media", "Bond"), ("page", page)]);
        let first = asked("").pager_at(50, 120, at);
        assert_eq!((first.previous.as_deref(), first.next.as_deref()), (None, Some("/jobs?media=Bond&page=2")));
        let second = asked("2").pager_at(50, 120, at);
        assert_eq!(second.previous.as_deref(), Some("/jobs?media=Bond"));
        let last = asked("3").pager_at(20, 120, at);
        assert_eq!((last.previous.as_deref(), last.next.as_deref()), (Some("/jobs?media=Bond&page=2"), None));
    }
}
