//! Which interfaces are one printer: by serial number, else by UUID, else by the connection.
//!
//! Deliberately absent: names and addresses, which two printers can share or exchange.

use super::{Heard, Memory};
use crate::DRIVERS;
use crate::node;
use report::{Configuration, Defect, RowId};

/// What a printer is known by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Row C3, trimmed and upper case.
    pub(super) serial: Option<String>,
    /// The UUID, without `urn:uuid:` and in lower case.
    pub(super) uuid: Option<String>,
}

impl Identity {
    /// What C rows say that a printer is known by.
    pub fn of(configuration: &Configuration) -> Identity {
        let serial = configuration.serial_number.as_deref().map(|serial| serial.trim().to_uppercase());
        let uuid = configuration.uuid.as_deref().and_then(node::uuid);
        Identity { serial: serial.filter(|serial| !serial.is_empty()), uuid }
    }

    /// The serial number, trimmed and upper case.
    pub fn serial(&self) -> Option<&str> {
        self.serial.as_deref()
    }

    /// The UUID, without `urn:uuid:` and in lower case.
    pub fn uuid(&self) -> Option<&str> {
        self.uuid.as_deref()
    }

    /// The serial number, else the UUID: the name under which a memory is kept.
    pub fn key(&self) -> Option<&str> {
        self.serial().or(self.uuid())
    }

    /// Whether both are one printer; `None` when they have nothing in common to compare.
    pub fn agrees(&self, other: &Identity) -> Option<bool> {
        let serials = self.serial.as_ref().zip(other.serial.as_ref());
        let uuids = self.uuid.as_ref().zip(other.uuid.as_ref());
        serials.or(uuids).map(|(ours, theirs)| ours == theirs)
    }

    /// Takes over what is not known yet.
    pub(super) fn learn(&mut self, other: Identity) {
        self.serial = self.serial.take().or(other.serial);
        self.uuid = self.uuid.take().or(other.uuid);
    }

    fn show(&self) -> String {
        Defect::quote(self.key().unwrap_or_default())
    }
}

/// The interfaces that are one printer.
pub(super) struct OnePrinter {
    /// What they said, in probe order.
    pub(super) heard: Vec<Heard>,
    /// What the printer is known by.
    pub(super) identity: Identity,
    /// What is remembered of it.
    pub(super) memory: Memory,
    /// The printers that other interfaces named.
    pub(super) strangers: Vec<Identity>,
}

/// The interfaces that are one printer. The first in probe order that gives a serial number says which printer
/// that is; where none does, the first that gives a UUID.
pub(super) fn one_printer(
    heard: Vec<Heard>,
    recall: impl FnOnce(&Identity) -> Memory,
    defects: &mut Vec<Defect>,
) -> OnePrinter {
    let mut rest = in_probe_order(heard, defects);
    if rest.is_empty() {
        let identity = Identity::default();
        let memory = recall(&identity);
        return OnePrinter { heard: rest, identity, memory, strangers: Vec::new() };
    }
    let position = |names: fn(&Identity) -> Option<&str>| {
        rest.iter().position(|heard| names(&Identity::of(&heard.report.configuration)).is_some())
    };
    let known = position(Identity::serial).or_else(|| position(Identity::uuid));
    let first = rest.remove(known.unwrap_or(0));
    let mut identity = Identity::of(&first.report.configuration);
    let memory = recall(&identity);
    if memory.identity().agrees(&identity) == Some(true) {
        identity.learn(memory.identity().clone());
    }
    let mut one = vec![first];
    while let Some(index) = belongs(&rest, &identity, &one) {
        let heard = rest.remove(index);
        identity.learn(Identity::of(&heard.report.configuration));
        one.push(heard);
    }
    defects.extend(rest.iter().map(|heard| left_out(heard, &identity)));
    let others = rest.iter().map(|heard| Identity::of(&heard.report.configuration));
    let strangers = others.filter(|other| identity.agrees(other) == Some(false)).collect();
    one.sort_by_key(|heard| rank(heard.driver.name));
    OnePrinter { heard: one, identity, memory, strangers }
}

/// One interface a driver, in the order of [`DRIVERS`].
fn in_probe_order(mut heard: Vec<Heard>, defects: &mut Vec<Defect>) -> Vec<Heard> {
    heard.sort_by(|a, b| rank(a.driver.name).cmp(&rank(b.driver.name)).then_with(|| a.over.cmp(&b.over)));
    let mut kept: Vec<Heard> = Vec::with_capacity(heard.len());
    for heard in heard {
        let name = heard.driver.name;
        if kept.iter().any(|other| other.driver.name == name) {
            defects.push(Defect::of(format!("{name} answered over two connections: the second is left out")));
        } else {
            kept.push(heard);
        }
    }
    kept
}

fn rank(name: &str) -> usize {
    DRIVERS.iter().position(|driver| driver.name == name).unwrap_or(usize::MAX)
}

/// The next of `rest` that belongs to the printer: by what it is known by, else by its connection.
fn belongs(rest: &[Heard], identity: &Identity, one: &[Heard]) -> Option<usize> {
    let agrees = |heard: &Heard| identity.agrees(&Identity::of(&heard.report.configuration));
    let connected = |heard: &Heard| !heard.over.is_empty() && one.iter().any(|other| other.over == heard.over);
    let by_name = rest.iter().position(|heard| agrees(heard) == Some(true));
    by_name.or_else(|| rest.iter().position(|heard| agrees(heard).is_none() && connected(heard)))
}

fn left_out(heard: &Heard, printer: &Identity) -> Defect {
    let name = heard.driver.name;
    let other = Identity::of(&heard.report.configuration);
    let what = if printer.agrees(&other).is_some() {
        format!("{name} names another printer ({}, not {}): it is left out", other.show(), printer.show())
    } else if printer.key().is_some() {
        format!("{name} does not say that it is this printer ({}): it is left out", printer.show())
    } else {
        format!("{name} names neither serial number nor UUID, as the others: it is left out")
    };
    Defect::at(RowId::C3, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(serial: &str, uuid: &str) -> Identity {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let configuration = Configuration { serial_number: text(serial), uuid: text(uuid), ..Configuration::default() };
        Identity::of(&configuration)
    }

    #[test]
    fn a_serial_number_counts_before_a_uuid() {
        let cases = [
            (("A1", "u1"), ("a1 ", "u2"), Some(true)),
            (("A1", "u1"), ("A2", "u1"), Some(false)),
            (("A1", "u1"), ("", "URN:UUID:U1"), Some(true)),
            (("", "u1"), ("A2", "u2"), Some(false)),
            (("A1", ""), ("", "u1"), None),
            (("A1", "u1"), ("", ""), None),
            (("A1", "u1"), (" ", "00000000-0000-0000-0000-000000000000"), None),
        ];
        for (ours, theirs, agrees) in cases {
            let (ours, theirs) = (identity(ours.0, ours.1), identity(theirs.0, theirs.1));
            assert_eq!(ours.agrees(&theirs), agrees, "{ours:?} {theirs:?}");
            assert_eq!(theirs.agrees(&ours), agrees, "{ours:?} {theirs:?}");
        }
    }
}
