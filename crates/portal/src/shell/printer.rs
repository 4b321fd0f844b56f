//! What people call a printer.
//!
//! Deliberately absent: searching and sorting by these names, which SQL does.

/// The name of a printer where its serial number stands beside it: its nickname, else its product's name or
/// number; `None` where it has none of them.
pub(crate) fn name<'a>(
    nickname: Option<&'a str>,
    product_name: Option<&'a str>,
    product_number: Option<&'a str>,
) -> Option<&'a str> {
    [nickname, product_name, product_number].into_iter().flatten().find(|name| !name.is_empty())
}

/// A name and the serial number: `T930 · CN1`; the number alone where there is no other name.
pub(crate) fn with_serial(name: &str, serial: &str) -> String {
    if name.is_empty() || name == serial { serial.to_owned() } else { format!("{name} · {serial}") }
}

/// What people call a printer where nothing stands beside it: its nickname, else its product with its serial
/// number, else its serial number.
pub(crate) fn label(
    nickname: Option<&str>,
    product_name: Option<&str>,
    product_number: Option<&str>,
    serial: &str,
) -> String {
    match name(nickname, None, None) {
        Some(nickname) => nickname.to_owned(),
        None => with_serial(name(None, product_name, product_number).unwrap_or(""), serial),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printer_is_called_by_the_best_name_it_has() {
        assert_eq!(label(Some("Hall 2"), Some("T930"), None, "CN1"), "Hall 2");
        assert_eq!(label(None, Some("T930"), Some("L2Y21A"), "CN1"), "T930 · CN1");
        assert_eq!(label(None, None, Some("L2Y21A"), "CN1"), "L2Y21A · CN1");
        assert_eq!(label(Some(""), None, None, "CN1"), "CN1");
        assert_eq!(name(Some(""), None, Some("L2Y21A")), Some("L2Y21A"));
        assert_eq!(name(None, None, None), None);
    }

    #[test]
    fn a_serial_number_is_not_said_twice() {
        assert_eq!(with_serial("Hall 2", "CN1"), "Hall 2 · CN1");
        assert_eq!(with_serial("CN1", "CN1"), "CN1");
    }
}
