//! Who sells and who buys in the demo, as invoices name them.
//!
//! All of it is invented: VAT numbers and accounts have the right check digits and count 1, 2, 3 …, so that nobody
//! takes them for somebody's; addresses of mail end in `.example`. Deliberately absent: other payers, and sites of
//! their own beside the customer's.

use anyhow::Context;
use billing::Party;
use portal::Portal;
use portal::setup::{self, NewReseller};

/// What is known of a reseller or a customer.
struct Details {
    name: &'static str,
    street: &'static str,
    postcode: &'static str,
    city: &'static str,
    country: &'static str,
    vat_id: &'static str,
    /// What stands before `.example` in its addresses of mail.
    domain: &'static str,
    phone: &'static str,
    /// Where a reseller is paid.
    iban: &'static str,
    /// A reseller's colour.
    accent: &'static str,
    /// What a customer asks for on an invoice.
    reference: &'static str,
}

/// What is left out below.
const NONE: Details = Details {
    name: "",
    street: "",
    postcode: "",
    city: "",
    country: "",
    vat_id: "",
    domain: "",
    phone: "",
    iban: "",
    accent: "",
    reference: "",
};

const SELLERS: &[Details] = &[
    Details {
        name: "Nordplan Reprographics",
        street: "Speicherbogen 12",
        postcode: "23552",
        city: "Lübeck",
        country: "DE",
        vat_id: "DE123456788",
        domain: "nordplan",
        phone: "+49 40 66969 120",
        iban: "DE79000000001234567890",
        accent: "#0b5d8a",
        ..NONE
    },
    Details {
        name: "Meridiano Gran Formato",
        street: "Calle del Plano 8",
        postcode: "46001",
        city: "Valencia",
        country: "ES",
        vat_id: "ESB12345674",
        domain: "meridiano",
        phone: "+34 900 000 120",
        iban: "ES4400000000061234567890",
        accent: "#8a3b12",
        ..NONE
    },
];

const BUYERS: &[Details] = &[
    Details {
        name: "Architekten Hallmann",
        street: "Zeichnerweg 4",
        postcode: "20095",
        city: "Hamburg",
        country: "DE",
        domain: "hallmann",
        reference: "PO-2041",
        ..NONE
    },
    Details {
        name: "Brückner Tiefbau",
        street: "Kaikante 7",
        postcode: "24103",
        city: "Kiel",
        country: "DE",
        domain: "brueckner",
        reference: "Kostenstelle 310",
        ..NONE
    },
    Details {
        name: "Suomen Kartta",
        street: "Karttakatu 5",
        postcode: "20100",
        city: "Turku",
        country: "FI",
        vat_id: "FI12345671",
        domain: "suomenkartta",
        reference: "Tilaus 88",
        ..NONE
    },
    Details {
        name: "Taller Ribera Arquitectos",
        street: "Calle del Croquis 21",
        postcode: "28004",
        city: "Madrid",
        country: "ES",
        vat_id: "ESB76543214",
        domain: "tallerribera",
        reference: "Estudio 3",
        ..NONE
    },
    Details {
        name: "Puerto Norte Ingeniería",
        street: "Muelle Norte 3",
        postcode: "35008",
        city: "Las Palmas de Gran Canaria",
        country: "ES",
        domain: "puertonorte",
        reference: "Obra 17",
        ..NONE
    },
];

/// Enters who sells, and its colour on documents.
pub(super) fn seller(portal: &Portal, reseller: &NewReseller, name: &str) -> anyhow::Result<()> {
    let details = of(SELLERS, name)?;
    setup::seller(portal, reseller, &party(details)).with_context(|| format!("the details of {name}"))?;
    let foot = format!("{} · {} · {}", details.name, details.city, details.vat_id);
    setup::brand(portal, reseller, details.accent, &[foot.as_str(), "An invented company of the demo."])?;
    Ok(())
}

/// Enters who is charged.
pub(super) fn buyer(portal: &Portal, reseller: &NewReseller, customer_id: i64, name: &str) -> anyhow::Result<()> {
    let party = party(of(BUYERS, name)?);
    setup::buyer(portal, reseller, customer_id, &party).with_context(|| format!("the details of {name}"))?;
    Ok(())
}

fn of(known: &'static [Details], name: &str) -> anyhow::Result<&'static Details> {
    let found = known.iter().find(|details| details.name == name);
    found.with_context(|| format!("the demo has no billing details of {name}"))
}

fn party(details: &Details) -> Party {
    let mail = format!("invoices@{}.example", details.domain);
    Party {
        name: details.name.to_owned(),
        street: details.street.to_owned(),
        postcode: details.postcode.to_owned(),
        city: details.city.to_owned(),
        country: details.country.to_owned(),
        vat_id: details.vat_id.to_owned(),
        electronic: format!("EM:{mail}"),
        iban: details.iban.to_owned(),
        email: mail,
        contact: "Accounts".to_owned(),
        phone: details.phone.to_owned(),
        reference: details.reference.to_owned(),
        ..Party::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::demo::contracts::tax;
    use billing::{BaseFee, Clause, Currency, Money, Period, Statement, Terms};
    use portal::config::Settings;
    use portal::{Db, PortalKeys, Target};
    use report::{Instant, Surroundings};
    use simulator::world::fleet;
    use std::path::Path;
    use std::sync::Arc;

    /// 2026-11-22T12:00:00Z.
    const NOW: Instant = Instant(1_795_348_800_000);

    fn opened(folder: &Path) -> Portal {
        let surroundings = Surroundings { clock: Arc::new(|| NOW), entropy: clock::entropy() };
        let db = Db::open(&Target::Sqlite(folder.join("portal.sqlite"))).expect("opens");
        let keys = PortalKeys::load(&folder.join("keys.json"), &db, &surroundings).expect("keys");
        Portal::new(Settings::default(), db, keys, surroundings).expect("starts")
    }

    /// The draft of October for a contract with nothing but a fee and the customer's tax.
    fn drawn(portal: &Portal, reseller: &NewReseller, customer: (i64, &str), time_zone: &str) -> Statement {
        let mut terms = Terms::new(Currency::parse("EUR").expect("a currency"), time_zone);
        let fee = BaseFee { amount: Money(10_000), ..BaseFee::default() };
        terms.clauses = vec![Clause::BaseFee(fee), Clause::Tax(tax(time_zone))];
        let october = Period::calendar_month(2026, 10, time_zone).expect("a month");
        let contract = setup::contract(portal, reseller, customer.0, customer.1, &terms, (october.start, 1));
        let drawn = setup::statement(portal, reseller, contract.expect("a contract"), october).expect("drawn up");
        let document = setup::document(portal, reseller, drawn).expect("kept");
        serde_json::from_str(&document).expect("a document")
    }

    #[test]
    fn everybody_who_sells_or_buys_in_the_demo_is_named_and_taxed_where_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let portal = opened(folder.path());
        let mut said = Vec::new();
        for reseller in fleet(1).resellers {
            let made = setup::reseller(&portal, reseller.name).expect("a reseller");
            seller(&portal, &made, reseller.name).expect("details that fit");
            for customer in reseller.customers {
                let (name, zone) = (customer.name, customer.time_zone);
                let id = setup::customer(&portal, &made, name, customer.site, zone).expect("a customer");
                buyer(&portal, &made, id, name).expect("details that fit");
                let Statement { parties, taxes, .. } = drawn(&portal, &made, (id, name), zone);
                let (seller, buyer) = (parties.seller.expect("a seller"), parties.buyer.expect("a buyer"));
                assert_eq!((seller.name.as_str(), buyer.name.as_str()), (reseller.name, name));
                assert!(!seller.iban.is_empty() && seller.vat_id.starts_with(&seller.country), "{seller:?}");
                let rates: Vec<i64> = taxes.iter().map(|row| row.rate.0).collect();
                said.push((buyer.city, rates));
            }
        }
        let expected = [
            ("Hamburg", 190_000),
            ("Kiel", 190_000),
            ("Turku", 255_000),
            ("Madrid", 210_000),
            ("Las Palmas de Gran Canaria", 70_000),
        ];
        assert_eq!(said, expected.map(|(city, rate)| (city.to_owned(), vec![rate])));
    }
}
