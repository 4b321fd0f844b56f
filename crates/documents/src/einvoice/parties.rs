//! Seller, buyer, delivery and payment of an electronic invoice, and what of them is missing.
//!
//! Deliberately absent: guesses. A field that a profile asks for and nobody entered is named in a sentence,
//! with the place where it is entered.

use super::{Place, Problem, Profile, Side};
use crate::words::clean;
use billing::{Party, Statement, TaxCategory};
use en16931::Identifier;
use en16931::invoice::{
    Code, Contact, CreditTransfer, Delivery, Party as Named, PaymentInstructions, PaymentMeans, PostalAddress,
};
use std::collections::BTreeSet;

/// Digits of the number of an identifier's scheme.
const SCHEME: usize = 4;

/// Who sells, who buys, where it goes and how it is paid.
pub(super) struct Parties {
    pub(super) seller: Named,
    pub(super) buyer: Named,
    pub(super) delivery: Option<Delivery>,
    pub(super) payment: Option<PaymentInstructions>,
}

/// A field in words, and its name in [`Party`].
type Field = (&'static str, &'static str);

const NAME: Field = ("name", "name");
const CITY: Field = ("city", "city");
const POSTCODE: Field = ("postcode", "postcode");
const COUNTRY: Field = ("country", "country");
const VAT: Field = ("VAT number", "vat_id");
const REGISTRATION: Field = ("registration number", "registration");
const ELECTRONIC: Field = ("electronic address", "electronic");
const IBAN: Field = ("IBAN", "iban");
const EMAIL: Field = ("email", "email");
const PHONE: Field = ("telephone", "phone");
const REFERENCE: Field = ("reference", "reference");

/// Who it is, and where its fields are entered.
fn words(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::Seller => ("seller", "your own details, on the customer's billing page"),
        Side::Buyer => ("buyer", "the customer's billing details"),
    }
}

/// The parties; what is missing is added to the problems.
pub(super) fn parties(statement: &Statement, profile: Profile, problems: &mut Vec<Problem>) -> Parties {
    let categories: BTreeSet<TaxCategory> = statement.taxes.iter().map(|row| row.category).collect();
    let known = &statement.parties;
    let none = Party::default();
    let mut asked = Asked { profile, categories, problems };
    let (seller, buyer) = (known.seller.as_ref().unwrap_or(&none), known.buyer.as_ref().unwrap_or(&none));
    let (named_seller, named_buyer) = (asked.party(Side::Seller, seller), asked.party(Side::Buyer, buyer));
    let payment = asked.payment(statement, seller);
    // An intra-community supply names the country it goes to (BR-IC-12).
    let is_supply = asked.categories.contains(&TaxCategory::IntraCommunity);
    let delivery = is_supply.then(|| Delivery { address: Some(named_buyer.address.clone()), ..Delivery::default() });
    Parties { seller: named_seller, buyer: named_buyer, delivery, payment }
}

/// What is asked of the parties, and what was found missing.
struct Asked<'a> {
    profile: Profile,
    categories: BTreeSet<TaxCategory>,
    problems: &'a mut Vec<Problem>,
}

/// A text; `None` where nothing was entered.
fn entered(text: &str) -> Option<String> {
    Some(clean(text)).filter(|text| !text.is_empty())
}

impl Asked<'_> {
    fn missing(&mut self, side: Side, (label, field): Field) {
        let (word, under) = words(side);
        let words = format!("the {word}'s {label} is missing: enter it under {under}");
        self.problems.push(Problem { words, place: Some(Place { side, field }) });
    }

    fn wrong(&mut self, side: Side, (label, field): Field, why: &str) {
        let (word, under) = words(side);
        let words = format!("the {word}'s {label} cannot be used: {why}; correct it under {under}");
        self.problems.push(Problem { words, place: Some(Place { side, field }) });
    }

    /// A field that must be there.
    fn need(&mut self, side: Side, field: Field, text: &str) -> Option<String> {
        let text = entered(text);
        if text.is_none() {
            self.missing(side, field);
        }
        text
    }

    /// A field that must be there where `is_needed`.
    fn need_if(&mut self, is_needed: bool, side: Side, field: Field, text: &str) -> Option<String> {
        if is_needed { self.need(side, field, text) } else { entered(text) }
    }

    /// Whether nothing on the invoice is in the scope of the tax; then no VAT identifier may stand on it.
    fn is_out_of_scope(&self) -> bool {
        !self.categories.is_empty() && self.categories.iter().all(|category| *category == TaxCategory::OutOfScope)
    }

    fn party(&mut self, side: Side, party: &Party) -> Named {
        let is_german = self.profile == Profile::XRechnung;
        let name = self.need(side, NAME, &party.name);
        let address = PostalAddress {
            line1: entered(&party.street),
            city: self.need_if(is_german, side, CITY, &party.city),
            post_code: self.need_if(is_german, side, POSTCODE, &party.postcode),
            country: self.country(side, &party.country),
            ..PostalAddress::default()
        };
        if side == Side::Buyer && self.profile != Profile::En16931 {
            self.need(side, REFERENCE, &party.reference);
        }
        Named {
            name,
            vat_identifier: self.vat(side, party),
            legal_registration: entered(&party.registration).map(|text| registration(&text)),
            electronic_address: self.electronic(side, &party.electronic),
            address,
            contact: self.contact(side, party),
            ..Named::default()
        }
    }

    fn country(&mut self, side: Side, text: &str) -> Option<Code> {
        let text = self.need(side, COUNTRY, text)?.to_ascii_uppercase();
        match en16931::codes::guard::country(&text) {
            Ok(code) => Some(code),
            Err(_) => {
                self.wrong(side, COUNTRY, &format!("'{text}' is no ISO 3166 code such as BE"));
                None
            }
        }
    }

    /// The VAT identifier; who must have one depends on the taxes.
    fn vat(&mut self, side: Side, party: &Party) -> Option<String> {
        if self.is_out_of_scope() {
            if side == Side::Seller && entered(&party.registration).is_none() {
                self.missing(side, REGISTRATION);
            }
            return None;
        }
        let has = |category: TaxCategory| self.categories.contains(&category);
        let is_registered = entered(&party.registration).is_some();
        let is_needed = match side {
            Side::Seller => true,
            Side::Buyer => has(TaxCategory::IntraCommunity) || (has(TaxCategory::ReverseCharge) && !is_registered),
        };
        let text = self.need_if(is_needed, side, VAT, &party.vat_id)?;
        Some(text.chars().filter(|c| !c.is_whitespace()).collect())
    }

    /// The address for electronic invoices, written as its scheme, a colon and its value.
    fn electronic(&mut self, side: Side, text: &str) -> Option<Identifier> {
        let field = ELECTRONIC;
        let text = self.need_if(self.profile != Profile::En16931, side, field, text)?;
        let Some((scheme, value)) = text.split_once(':') else {
            self.wrong(side, field, &format!("'{text}' has no scheme, such as 9925:BE0123456789"));
            return None;
        };
        if self.profile == Profile::PeppolBis && !is_scheme(scheme.trim()) {
            let why = format!("'{text}' is none of Peppol: say a scheme of four digits, such as 9925:BE0123456789");
            self.wrong(side, field, &why);
            return None;
        }
        match Identifier::eas(value.trim(), scheme.trim()) {
            Ok(address) => Some(address),
            Err(error) => {
                self.wrong(side, field, &error.to_string());
                None
            }
        }
    }

    fn contact(&mut self, side: Side, party: &Party) -> Contact {
        let is_needed = side == Side::Seller && self.profile == Profile::XRechnung;
        // Without a person, the company is the contact.
        let name = entered(&party.contact).or_else(|| entered(&party.name).filter(|_| is_needed));
        Contact {
            name,
            phone: self.need_if(is_needed, side, PHONE, &party.phone),
            email: self.need_if(is_needed, side, EMAIL, &party.email),
        }
    }

    /// A credit transfer to the seller's account.
    fn payment(&mut self, statement: &Statement, seller: &Party) -> Option<PaymentInstructions> {
        let iban = self.need_if(self.profile == Profile::XRechnung, Side::Seller, IBAN, &seller.iban)?;
        let transfer = CreditTransfer {
            account_identifier: Some(iban.chars().filter(|c| !c.is_whitespace()).collect()),
            account_name: entered(&seller.name),
            provider_identifier: None,
        };
        // SEPA transfers are in euros; 30 is any other (UNTDID 4461).
        let code = if statement.currency.code() == "EUR" { "58" } else { "30" };
        Some(PaymentInstructions {
            means_code: Some(Code::new(code)),
            remittance_information: statement.number.as_deref().and_then(entered),
            means: Some(PaymentMeans::CreditTransfer(vec![transfer])),
            ..PaymentInstructions::default()
        })
    }
}

/// A number in a register, with the scheme where one is written before it: `0106:12345678`.
fn registration(text: &str) -> Identifier {
    match text.split_once(':') {
        Some((scheme, value)) if is_scheme(scheme.trim()) => Identifier::schemed(value.trim(), scheme.trim()),
        _ => Identifier::new(text),
    }
}

fn is_scheme(text: &str) -> bool {
    text.len() == SCHEME && text.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_register_may_be_named_by_its_scheme() {
        assert_eq!(registration("0106:12345678").to_string(), "0106:12345678");
        assert_eq!(registration("0106:12345678").scheme(), Some("0106"));
        assert_eq!(registration("HRB 1234: Berlin").scheme(), None);
    }
}
