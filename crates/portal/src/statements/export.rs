//! The forms in which a statement is taken away as a file, their names and their bytes. Pure.
//!
//! The forms are written by the crates `documents` and `pdf`. Parties that were not known when a document was
//! issued are filled in for its electronic invoice, and the pages around that, alone. Deliberately absent: who may
//! have a file, and how long making one may take, which is the business of `downloads`; and keeping what was filled
//! in, which is that of `invoice`.

use super::store::Stored;
use crate::shell::Error;
use crate::shell::page::{Field, Missing};
use billing::{Parties, Party, Statement};
use documents::{Around, Brand, Dialect, Logo, Place, Problem, Profile, Side, Syntax};

/// Whether this build makes PDFs.
pub(super) const HAS_PDF: bool = cfg!(feature = "pdf");
/// The looks of a PDF; the first is the usual one.
const LOOKS: [&str; 3] = ["ledger", "letter", "plain"];
/// The word for a PDF that carries the invoice of EN 16931, known as Factur-X and ZUGFeRD.
const FACTUR_X: &str = "factur-x";
/// The word for a PDF that carries an XRechnung.
const XRECHNUNG: &str = "xrechnung";

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// CSV.
    Csv(Dialect),
    /// A spreadsheet.
    Xlsx,
    /// JSON, which reads back as the statement.
    Json,
    /// An electronic invoice.
    Invoice(Syntax, Profile),
    /// A PDF of one of the [`LOOKS`]; it may carry the electronic invoice of a profile, in CII.
    Pdf(&'static str, Option<Profile>),
}

/// That a word of an address means nothing.
fn unknown(what: &str, choices: &str) -> Error {
    Error::Invalid(format!("{what}: choose {choices}."))
}

/// That this build makes no PDFs.
fn no_pdf() -> Error {
    let words = "This portal was built without PDF. The spreadsheet says the same. Who runs the portal gets PDF with \
                 a build of the feature pdf: cargo build --release --features pdf";
    Error::NotBuilt(words.to_owned())
}

impl Form {
    /// CSV in a dialect; the plain one where none is said.
    pub(super) fn csv(dialect: &str) -> Result<Form, Error> {
        let found = if dialect.is_empty() { Some(Dialect::default()) } else { Dialect::parse(dialect) };
        found.map(Form::Csv).ok_or_else(|| unknown("Dialect", "plain, excel, readings or quantities"))
    }

    /// An electronic invoice; UBL by EN 16931 itself where nothing is said.
    pub(super) fn invoice(syntax: &str, profile: &str) -> Result<Form, Error> {
        let of_word = if syntax.is_empty() { Some(Syntax::default()) } else { Syntax::parse(syntax) };
        let syntax = of_word.ok_or_else(|| unknown("Syntax", "ubl or cii"))?;
        let of_word = if profile.is_empty() { Some(Profile::default()) } else { Profile::parse(profile) };
        let profile = of_word.ok_or_else(|| unknown("Profile", "en16931, peppol or xrechnung"))?;
        Ok(Form::Invoice(syntax, profile))
    }

    /// A PDF; the usual look where none is said, and the pages alone where no invoice is.
    pub(super) fn pdf(look: &str, invoice: &str) -> Result<Form, Error> {
        if !HAS_PDF {
            return Err(no_pdf());
        }
        let wanted = if look.is_empty() { LOOKS[0] } else { look };
        let found = LOOKS.into_iter().find(|known| *known == wanted);
        let look = found.ok_or_else(|| unknown("Look", "ledger, letter or plain"))?;
        let invoice = match invoice {
            "" => None,
            FACTUR_X => Some(Profile::En16931),
            XRECHNUNG => Some(Profile::XRechnung),
            _ => return Err(unknown("Invoice", "factur-x or xrechnung")),
        };
        Ok(Form::Pdf(look, invoice))
    }

    /// The profile of the electronic invoice that it is or carries: only what was issued can be said in it.
    pub(super) fn invoice_of(self) -> Option<Profile> {
        match self {
            Form::Invoice(_, profile) => Some(profile),
            Form::Pdf(_, carried) => carried,
            _ => None,
        }
    }

    /// Whether the reseller's logo stands on it.
    pub(super) fn has_logo(self) -> bool {
        matches!(self, Form::Pdf(..))
    }

    /// Whether making it takes seconds, or much memory, for a document of many rows.
    pub(super) fn is_heavy(self) -> bool {
        matches!(self, Form::Xlsx | Form::Pdf(..))
    }

    /// The content type.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Form::Csv(_) => "text/csv; charset=utf-8",
            Form::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Form::Json => "application/json",
            Form::Invoice(..) => "application/xml",
            Form::Pdf(..) => "application/pdf",
        }
    }

    /// What the name of the file ends in. The usual choice is not said.
    pub(super) fn ending(self) -> String {
        match self {
            Form::Csv(Dialect::Plain) => ".csv".to_owned(),
            Form::Csv(dialect) => format!("-{}.csv", dialect.word()),
            Form::Xlsx => ".xlsx".to_owned(),
            Form::Json => ".json".to_owned(),
            Form::Invoice(syntax, profile) => {
                let of_syntax = if syntax == Syntax::Cii { "-cii" } else { "" };
                let of_profile = match profile {
                    Profile::En16931 => "",
                    Profile::PeppolBis => "-peppol",
                    Profile::XRechnung => "-xrechnung",
                };
                format!("{of_profile}{of_syntax}.xml")
            }
            Form::Pdf(look, invoice) => {
                let of_look = if look == LOOKS[0] { String::new() } else { format!("-{look}") };
                let of_invoice = match invoice {
                    None => String::new(),
                    Some(Profile::XRechnung) => format!("-{XRECHNUNG}"),
                    Some(_) => format!("-{FACTUR_X}"),
                };
                format!("{of_look}{of_invoice}.pdf")
            }
        }
    }
}

/// What the file of a statement is called, without its ending: by its number, before it has one by its state.
pub(super) fn name(stored: &Stored) -> String {
    if stored.is_issued() { stored.name() } else { format!("{}-{}", stored.name(), stored.statement_id) }
}

/// What a file is made from.
#[derive(Debug)]
pub(super) struct Material {
    /// The document.
    pub(super) statement: Statement,
    /// What stands around it.
    pub(super) around: Around,
    /// How the reseller shows itself.
    pub(super) brand: Brand,
    /// Its logo, for a form that shows it.
    pub(super) logo: Option<Logo>,
    /// Whether a party is called otherwise now, so that nothing was filled in from it.
    pub(super) is_renamed: bool,
    /// The profile of the electronic invoice where this one is the first, whose parties are to be kept.
    pub(super) first: Option<Profile>,
    /// The page on which details of parties are entered; `None` for a reader who enters none.
    pub(super) details: Option<String>,
}

/// The bytes of the file.
///
/// # Errors
///
/// The document cannot be said in that form; the words say why.
pub(super) fn bytes(material: &Material, form: Form) -> Result<Vec<u8>, Error> {
    let Material { statement, around, brand, logo, .. } = material;
    match form {
        Form::Csv(dialect) => documents::csv(statement, around, dialect).map_err(failed),
        Form::Xlsx => documents::xlsx(statement, brand).map_err(failed),
        Form::Json => documents::json(statement).map_err(failed),
        Form::Invoice(syntax, profile) => invoice(material, syntax, profile).map(String::into_bytes),
        Form::Pdf(look, carried) => {
            // The pages show the parties of the invoice: both say the same.
            let carried = carried.map(|profile| invoice(material, Syntax::Cii, profile)).transpose()?;
            set((statement, brand), logo.as_ref(), look, carried.as_deref())
        }
    }
}

fn invoice(material: &Material, syntax: Syntax, profile: Profile) -> Result<String, Error> {
    let written = documents::einvoice(&material.statement, syntax, profile);
    let is_payers = material.statement.payer.is_some();
    written.map_err(|problems| refused(&problems, material.is_renamed, material.details.as_deref(), is_payers))
}

/// The word of a profile in an address, and in the database.
pub(super) fn word(profile: Profile) -> &'static str {
    match profile {
        Profile::En16931 => "en16931",
        Profile::PeppolBis => "peppol",
        Profile::XRechnung => "xrechnung",
    }
}

fn failed(error: documents::Error) -> Error {
    match error {
        documents::Error::Xlsx(_) => Error::Conflict(format!("{} Take the CSV.", sentence(&error.to_string()))),
        other => Error::Internal(Box::new(other)),
    }
}

/// Everything that is missing, a sentence each, with the field where it is entered: on the page `details`.
fn refused(problems: &[Problem], is_renamed: bool, details: Option<&str>, is_payers: bool) -> Error {
    let mut words = vec!["No electronic invoice can be made of this yet."];
    let Some(details) = details else {
        words.push("Something that it needs is not entered. Ask who issued the document.");
        return Error::Conflict(words.join(" "));
    };
    if is_renamed {
        let why = "Seller or customer are called otherwise now, so that nothing was taken from today's details.";
        words.push(why);
    }
    let href = |place: Place| match place.side {
        Side::Seller => format!("{details}#{}", Field::id(&format!("seller.{}", place.field))),
        // Another payer's form has a number of its own.
        Side::Buyer if is_payers => format!("{details}#parties"),
        Side::Buyer => format!("{details}#{}", Field::id(&format!("buyer.{}", place.field))),
    };
    let missing = |problem: &Problem| Missing { text: sentence(&problem.words), href: problem.place.map(&href) };
    Error::Incomplete { words: words.join(" "), missing: problems.iter().map(missing).collect() }
}

/// The words with a capital letter and a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

/// A statement, and how its reseller shows itself.
type Of<'a> = (&'a Statement, &'a Brand);

#[cfg(feature = "pdf")]
fn set((statement, brand): Of<'_>, logo: Option<&Logo>, look: &str, carried: Option<&str>) -> Result<Vec<u8>, Error> {
    let paper = documents::paper(statement, brand);
    let look = pdf::Look::parse(look).unwrap_or_default();
    let write = |logo: Option<&Logo>| match carried {
        Some(cii) => pdf::facturx(&paper, look, logo, cii),
        None => pdf::pdf(&paper, look, logo),
    };
    let written = match write(logo) {
        Err(pdf::PdfError::Typeset(why)) if logo.is_some() => {
            // A build without PDF took it as it was. Better a document with the name in its place than none.
            tracing::warn!(why, "a logo cannot be drawn");
            write(None)
        }
        written => written,
    };
    written.map_err(|error| match error {
        pdf::PdfError::TooManyRows { .. } | pdf::PdfError::TooMuchText { .. } => {
            let words = "It says the same and stands beside the PDF under Files on the statement's page.";
            Error::Conflict(format!("{} {words}", sentence(&error.to_string())))
        }
        other => Error::Internal(Box::new(other)),
    })
}

#[cfg(not(feature = "pdf"))]
fn set(_: Of<'_>, _: Option<&Logo>, _: &str, _: Option<&str>) -> Result<Vec<u8>, Error> {
    Err(no_pdf())
}

/// Whether the logo can be drawn: a page with nothing else can be set.
#[cfg(feature = "pdf")]
pub(super) fn draws(logo: &Logo) -> bool {
    pdf::pdf(&documents::Paper::default(), pdf::Look::Ledger, Some(logo)).is_ok()
}

/// Whether the logo can be drawn, which only a build with PDF can tell.
#[cfg(not(feature = "pdf"))]
pub(super) fn draws(_: &Logo) -> bool {
    true
}

/// What was filled in of parties that were not wholly known when a document was issued.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    /// The fields, in words: `the buyer's country`.
    pub(super) fields: Vec<String>,
    /// Whether a party is called otherwise now, so that nothing was taken from it.
    pub(super) is_renamed: bool,
}

/// Fills empty fields of a document's seller and buyer with what is known now. What stands there stays, and of a
/// party that is called otherwise by now nothing is taken: it may be another one. `payer` is who pays, by the name
/// in the contract, where that is not the customer.
pub(super) fn fill(parties: &mut Parties, payer: Option<&str>, now: &Parties) -> Filled {
    let mut filled = Filled::default();
    let buyer = match payer {
        Some(payer) => now.payers.get(payer),
        None => now.buyer.as_ref(),
    };
    // A payer of whom nothing was known is called as in the contract.
    let unknown = payer.map(|payer| Party { name: payer.to_owned(), ..Party::default() });
    if buyer.is_some() && unknown.is_some() && parties.buyer == unknown {
        parties.buyer = None;
    }
    fill_party("seller", &mut parties.seller, now.seller.as_ref(), &mut filled);
    fill_party("buyer", &mut parties.buyer, buyer, &mut filled);
    filled
}

fn fill_party(who: &str, kept: &mut Option<Party>, now: Option<&Party>, filled: &mut Filled) {
    let Some(now) = now else { return };
    let kept = kept.get_or_insert_default();
    let mut now = now.clone();
    let has_name = !kept.name.trim().is_empty();
    if has_name && kept.name.trim() != now.name.trim() {
        filled.is_renamed = true;
        return;
    }
    if !is_same_place(kept, &now) {
        // Half of an address and half of another are none.
        for field in [&mut now.street, &mut now.postcode, &mut now.city, &mut now.country] {
            field.clear();
        }
    }
    for ((label, own), (_, known)) in fields(kept).into_iter().zip(fields(&mut now)) {
        if own.trim().is_empty() && !known.trim().is_empty() {
            *own = std::mem::take(known);
            filled.fields.push(format!("the {who}'s {label}"));
        }
    }
}

/// Whether what is known of where a party is, is the same of both.
fn is_same_place(kept: &Party, now: &Party) -> bool {
    let both = [
        (&kept.street, &now.street),
        (&kept.postcode, &now.postcode),
        (&kept.city, &now.city),
        (&kept.country, &now.country),
    ];
    both.iter().all(|(kept, now)| kept.trim().is_empty() || kept.trim() == now.trim())
}

/// Every field of a party with its name.
fn fields(party: &mut Party) -> [(&'static str, &mut String); 13] {
    [
        ("name", &mut party.name),
        ("street", &mut party.street),
        ("postcode", &mut party.postcode),
        ("city", &mut party.city),
        ("country", &mut party.country),
        ("VAT number", &mut party.vat_id),
        ("registration number", &mut party.registration),
        ("electronic address", &mut party.electronic),
        ("IBAN", &mut party.iban),
        ("email", &mut party.email),
        ("contact", &mut party.contact),
        ("telephone", &mut party.phone),
        ("reference", &mut party.reference),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(name: &str, country: &str) -> Party {
        Party { name: name.to_owned(), country: country.to_owned(), ..Party::default() }
    }

    fn parties(seller: Option<Party>, buyer: Option<Party>) -> Parties {
        Parties { seller, buyer, ..Parties::default() }
    }

    #[test]
    fn only_empty_fields_of_the_same_party_are_filled() {
        let now = parties(Some(party("Nordhang", "DE")), Some(party("Kessler", "BE")));
        let mut none = parties(None, None);
        let filled = fill(&mut none, None, &now);
        assert_eq!(none, now);
        assert_eq!(filled.fields.len(), 4);
        let mut kept = parties(Some(party("Nordhang", "NL")), Some(party("Kessler", "")));
        let filled = fill(&mut kept, None, &now);
        assert_eq!(filled, Filled { fields: vec!["the buyer's country".to_owned()], is_renamed: false });
        assert_eq!(kept, parties(Some(party("Nordhang", "NL")), Some(party("Kessler", "BE"))));
        let mut other = parties(Some(party("Nordhang", "DE")), Some(party("Kessler und Sohn", "")));
        let before = other.clone();
        assert_eq!(fill(&mut other, None, &now), Filled { fields: Vec::new(), is_renamed: true });
        assert_eq!(other, before);
    }

    #[test]
    fn an_address_is_filled_as_a_whole_or_not_at_all() {
        let at = |street: &str, postcode: &str, city: &str, country: &str| Party {
            street: street.to_owned(),
            postcode: postcode.to_owned(),
            city: city.to_owned(),
            ..party("Kessler", country)
        };
        let paris = || Party { vat_id: "FR1".to_owned(), ..at("Rue X 5", "75001", "Paris", "FR") };
        for (kept, expected) in [
            // They moved: what is known of another place says nothing of this one.
            (at("", "", "Berlin", "DE"), at("", "", "Berlin", "DE")),
            (at("", "", "Paris", ""), at("Rue X 5", "75001", "Paris", "FR")),
            (at("", "", "", ""), at("Rue X 5", "75001", "Paris", "FR")),
        ] {
            let mut filled = parties(None, Some(kept));
            fill(&mut filled, None, &parties(None, Some(paris())));
            assert_eq!(filled.buyer, Some(Party { vat_id: "FR1".to_owned(), ..expected }));
        }
    }

    #[test]
    fn a_payer_is_filled_from_its_own_details() {
        let mut now = parties(None, Some(party("Kessler", "BE")));
        let mut kept = parties(None, Some(party("Bank", "")));
        assert_eq!(fill(&mut kept, Some("Bank"), &now), Filled::default());
        assert_eq!(kept.buyer, Some(party("Bank", "")));
        now.payers.insert("Bank".to_owned(), party("Bank NV", "NL"));
        fill(&mut kept, Some("Bank"), &now);
        assert_eq!(kept.buyer, Some(party("Bank NV", "NL")));
    }

    #[test]
    fn words_of_addresses_choose_the_form_and_name_the_file() {
        let ending = |form: Result<Form, Error>| form.map(Form::ending).ok();
        assert_eq!(ending(Form::csv("")).as_deref(), Some(".csv"));
        assert_eq!(ending(Form::csv("readings")).as_deref(), Some("-readings.csv"));
        assert_eq!(ending(Form::csv("tab")), None);
        assert_eq!(ending(Form::invoice("", "")).as_deref(), Some(".xml"));
        assert_eq!(ending(Form::invoice("cii", "xrechnung")).as_deref(), Some("-xrechnung-cii.xml"));
        assert_eq!(ending(Form::invoice("edifact", "")), None);
        assert_eq!(ending(Form::invoice("", "core")), None);
        for (look, invoice, expected) in [
            ("letter", "", "-letter.pdf"),
            ("", "", ".pdf"),
            ("", "factur-x", "-factur-x.pdf"),
            ("plain", "xrechnung", "-plain-xrechnung.pdf"),
        ] {
            assert_eq!(ending(Form::pdf(look, invoice)).as_deref(), HAS_PDF.then_some(expected));
            if let Ok(form) = Form::pdf(look, invoice) {
                assert_eq!(form.invoice_of().is_some(), !invoice.is_empty());
            }
        }
        assert_eq!(ending(Form::pdf("comic", "")), None);
        assert_eq!(ending(Form::pdf("", "peppol")), None);
    }

    #[cfg(feature = "pdf")]
    #[test]
    fn a_document_too_long_for_a_pdf_says_what_to_take() {
        let lines = vec![billing::Line::default(); pdf::ROWS_MAX + 1];
        let of = billing::ContractRef { id: "5".to_owned(), number: "C-5".to_owned(), version: 1 };
        let statement = Statement {
            number: None,
            contract: of,
            customer: "Bau".to_owned(),
            period: billing::Period::calendar_month(2026, 10, "UTC").expect("a month"),
            period_label: "October 2026".to_owned(),
            time_zone: "UTC".to_owned(),
            currency: billing::Currency::parse("EUR").expect("known"),
            lines,
            net: billing::Money(0),
            taxes: Vec::new(),
            total: billing::Money(0),
            reconciliations: Vec::new(),
            notes: Vec::new(),
            kind: billing::DocumentKind::default(),
            corrects: None,
            payer: None,
            parties: billing::Parties::default(),
            issued_at: None,
            due: None,
        };
        let refused = set((&statement, &Brand::default()), None, LOOKS[0], None).expect_err("too many lines");
        assert!(matches!(refused, Error::Conflict(_)));
        let words = refused.to_string();
        assert!(words.contains("a PDF holds 20000; take the spreadsheet. It says the same"), "{words}");
    }

    #[test]
    fn what_is_missing_is_told_in_sentences() {
        let country = Some(Place { side: Side::Buyer, field: "country" });
        let problems = [
            Problem { words: "the buyer's country is missing: enter it".to_owned(), place: country },
            Problem { words: "no tax is said.".to_owned(), place: None },
        ];
        let told = |is_renamed: bool, details: Option<&str>, is_payers: bool| {
            let refused = refused(&problems, is_renamed, details, is_payers);
            let words = refused.to_string();
            let missing = if let Error::Incomplete { missing, .. } = refused { missing } else { Vec::new() };
            (words, missing.into_iter().map(|of| (of.text, of.href.unwrap_or_default())).collect::<Vec<_>>())
        };
        let page = Some("/customers/4/billing");
        let (words, missing) = told(false, page, false);
        assert_eq!(words, "No electronic invoice can be made of this yet.");
        let at = |href: &str| {
            let first = ("The buyer's country is missing: enter it.".to_owned(), href.to_owned());
            [first, ("No tax is said.".to_owned(), String::new())]
        };
        assert_eq!(missing, at("/customers/4/billing#f-buyer-country"));
        assert_eq!(told(false, page, true).1, at("/customers/4/billing#parties"));
        assert!(told(true, page, false).0.ends_with("from today's details."));
        // A customer enters none of it, and is told whom to ask.
        let (words, missing) = told(true, None, false);
        assert!(words.ends_with("Ask who issued the document.") && missing.is_empty(), "{words}");
    }
}
