//! Facts that people know and printers do not, and the tables that rating reads: outages, credits,
//! supplies, purchases, sites, index values, parties.
//!
//! Deliberately absent: who entered them and when, which the ledger keeps beside them, and what they
//! cost, which the clauses say.

use crate::meter::Meter;
use crate::money::UnitPrice;
use crate::period::Day;
use report::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long the contract itself runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// Its first instant.
    pub from: Instant,
    /// The first instant after it; `None` while no end is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Instant>,
}

/// A place where printers stand. CL21, CL27.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its country by ISO 3166 code: `NL`.
    pub country: String,
    /// Its tax area; empty: the country.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub area: String,
}

impl Site {
    /// The tax area: its own, else the country.
    pub fn tax_area(&self) -> &str {
        if self.area.is_empty() { &self.country } else { &self.area }
    }
}

/// Tables that clauses look values up in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    /// The values of each index by its name, in the order of their days. CL17.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub indices: BTreeMap<String, Vec<IndexValue>>,
}

/// The value of an index from a day on. CL17.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexValue {
    /// The day it is for.
    pub day: Day,
    /// The value, in millionths: 108.2.
    pub value: UnitPrice,
}

/// What happened that no printer says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Times when a printer was out of service. CL26.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Outage>,
    /// Prints to be credited. CL22.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credits: Vec<CreditFact>,
    /// Supplies delivered. CL12.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supplies: Vec<SupplyFact>,
    /// Sites whose readings came late. CL13.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<LateFact>,
    /// Times when nothing reported. CL31.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<Silence>,
    /// Prepaid blocks bought by hand. CL24.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purchases: Vec<Purchase>,
    /// That the customer leaves. CL25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<ExitFact>,
}

/// A time when a printer was out of service. CL26.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// The printer's id.
    pub printer: String,
    /// When it failed.
    pub from: Instant,
    /// When it was in service again.
    pub to: Instant,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Prints that are not the customer's to pay. CL22.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditFact {
    /// The printer's id.
    pub printer: String,
    /// The meter that counted them.
    pub meter: Meter,
    /// The media type, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// How much, in the meter's base unit; above zero.
    pub quantity: i64,
    /// When they were printed.
    pub at: Instant,
    /// Why they are credited.
    pub reason: CreditReason,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Why prints are credited. CL22.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CreditReason {
    /// Test prints.
    #[default]
    Test,
    /// Prints of a service visit.
    Service,
    /// Prints spoilt by the printer.
    Fault,
    /// Given without a duty to.
    Goodwill,
}

impl CreditReason {
    /// The words a statement shows.
    pub fn words(self) -> &'static str {
        match self {
            CreditReason::Test => "test prints",
            CreditReason::Service => "service prints",
            CreditReason::Fault => "spoilt prints",
            CreditReason::Goodwill => "goodwill",
        }
    }
}

/// Supplies that were delivered. CL12.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupplyFact {
    /// The id of the printer they are for, where one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printer: Option<String>,
    /// The product, by its number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub product: String,
    /// The colour.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub colour: String,
    /// How many.
    pub count: u32,
    /// When they were delivered.
    pub at: Instant,
}

/// A site without a reading for `days` days after the period's end. CL13.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LateFact {
    /// The site's id; empty where the printers have none.
    pub site: String,
    /// The ids of the printers that were not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub printers: Vec<String>,
    /// How many meters were not read.
    pub meters: u32,
    /// Days since the period's end.
    pub days: u32,
}

/// A time when a printer's collector was off. CL31.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// The printer's id.
    pub printer: String,
    /// The last reading before it.
    pub from: Instant,
    /// The first reading after it, or as far as is known.
    pub to: Instant,
}

/// Prepaid blocks that a person bought. CL24.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purchase {
    /// The key of the prepaid clause.
    pub clause: String,
    /// How many blocks.
    pub blocks: u32,
    /// When.
    pub at: Instant,
}

/// That the customer leaves the contract. CL25.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExitFact {
    /// The last day of the contract.
    pub on: Day,
    /// The day that notice was given; `None`: no notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed: Option<Day>,
    /// Whether it ends by a breach of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub breach: bool,
}

/// Who sells, who buys, and who else pays. CL29.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parties {
    /// Who sells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seller: Option<Party>,
    /// Who buys: the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<Party>,
    /// Others who pay, by the name that the payers clause and a lease use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub payers: BTreeMap<String, Party>,
}

/// A party as an invoice names it (EN 16931 BG-4 and BG-7); what is not known is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Its name.
    pub name: String,
    /// Street and number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub street: String,
    /// The postcode.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub postcode: String,
    /// The city.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub city: String,
    /// The country by ISO 3166 code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub country: String,
    /// The VAT identifier, with its country: `NL123456789B01`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vat_id: String,
    /// The number in the register of companies.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub registration: String,
    /// The address for electronic invoices, with its scheme: `9925:BE0123456789`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub electronic: String,
    /// The account to pay to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub iban: String,
    /// The address for mail about invoices.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Whom to ask about invoices, a name or a department (BT-41, BT-56).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub contact: String,
    /// Where to call them (BT-42, BT-57).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phone: String,
    /// What the buyer wants to be quoted (BT-10).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_stored() {
        let party = Party { name: "Bureau Noord".to_owned(), ..Party::default() };
        assert_eq!(serde_json::to_string(&party).expect("a party as JSON"), r#"{"name":"Bureau Noord"}"#);
        assert_eq!(serde_json::to_string(&Events::default()).expect("events as JSON"), "{}");
        let exit: ExitFact = serde_json::from_str(r#"{"on":"2026-12-31"}"#).expect("an exit from JSON");
        assert_eq!((exit.on.to_string().as_str(), exit.noticed, exit.breach), ("2026-12-31", None, false));
    }

    #[test]
    fn a_sites_tax_area_is_its_own_or_its_country() {
        let mut site = Site { country: "ES".to_owned(), ..Site::default() };
        assert_eq!(site.tax_area(), "ES");
        site.area = "ES-CN".to_owned();
        assert_eq!(site.tax_area(), "ES-CN");
    }
}
