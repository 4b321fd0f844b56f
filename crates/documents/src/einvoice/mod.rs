//! A statement as an electronic invoice by EN 16931, in UBL 2.1 or UN/CEFACT CII, core or a national profile.
//!
//! What the statement says is laid into the semantic model; the crate `en16931` judges the model by the
//! profile's rules before anything is written. What is missing is said in words that name the field.
//! A credit note turns the signs: it is of type 381 and its amounts are what is given back.
//!
//! Deliberately absent: sending it to a network, attachments, and any amount that the statement does not say:
//! lines, bases and taxes are those that were rated.

mod lines;
mod parties;
mod problem;

pub use problem::{Place, Problem, Side};

use crate::words::{clean, last};
use billing::{Day, DocumentKind, Money, Statement};
use en16931::invoice::{Period, PrecedingInvoice};
use en16931::validation::profile::ProfileMarker;
use en16931::{Date, DocumentReference, Invoice, InvoiceAmount, InvoiceNote, Validated, ValidationReport, profiles};
use report::Instant;

/// The process of billing without a reply (BT-23), as Peppol names it.
const BILLING: &str = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0";

/// How the invoice is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Syntax {
    /// OASIS UBL 2.1.
    #[default]
    Ubl,
    /// UN/CEFACT Cross Industry Invoice, as Factur-X and ZUGFeRD carry it.
    Cii,
}

impl Syntax {
    /// The syntax of a word in an address: `ubl`, `cii`.
    pub fn parse(word: &str) -> Option<Syntax> {
        match word {
            "ubl" => Some(Syntax::Ubl),
            "cii" => Some(Syntax::Cii),
            _ => None,
        }
    }
}

/// The rules that the invoice keeps besides those of EN 16931.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// None: EN 16931 itself.
    #[default]
    En16931,
    /// Peppol BIS Billing 3.0.
    PeppolBis,
    /// XRechnung 3.0, for public bodies in Germany.
    XRechnung,
}

impl Profile {
    /// The profile of a word in an address: `en16931`, `peppol`, `xrechnung`.
    pub fn parse(word: &str) -> Option<Profile> {
        match word {
            "en16931" => Some(Profile::En16931),
            "peppol" => Some(Profile::PeppolBis),
            "xrechnung" => Some(Profile::XRechnung),
            _ => None,
        }
    }

    /// What the invoice says of it (BT-24).
    fn specification(self) -> &'static str {
        match self {
            Profile::En16931 => profiles::EN16931.specification_id,
            Profile::PeppolBis => profiles::PEPPOL_BIS_3.specification_id,
            Profile::XRechnung => profiles::XRECHNUNG.specification_id,
        }
    }
}

/// The issued statement or note as an electronic invoice, XML in UTF-8.
///
/// # Errors
///
/// What is missing or cannot be said, each in a sentence that names the field and where to enter it.
pub fn einvoice(statement: &Statement, syntax: Syntax, profile: Profile) -> Result<String, Vec<Problem>> {
    let invoice = invoice(statement, profile)?;
    match profile {
        Profile::En16931 => written::<en16931::En16931>(invoice, syntax),
        Profile::PeppolBis => written::<en16931::PeppolBis3>(invoice, syntax),
        Profile::XRechnung => written::<en16931::XRechnung>(invoice, syntax),
    }
}

/// Judges the invoice by its profile and writes it. Nothing that the syntax cannot carry is left out silently.
fn written<P: ProfileMarker>(invoice: Invoice, syntax: Syntax) -> Result<String, Vec<Problem>> {
    let proof: Validated<P> = Validated::new(invoice).map_err(|rejected| judged(rejected.report()))?;
    let syntax = match syntax {
        Syntax::Ubl => en16931_formats::Syntax::Ubl,
        Syntax::Cii => en16931_formats::Syntax::Cii,
    };
    let written = en16931_formats::write(&proof, syntax);
    let lost = written.entries.iter().filter(|entry| entry.is_loss());
    let lost: Vec<Problem> = lost.map(|entry| Problem::said(format!("this cannot be written: {entry}"))).collect();
    if lost.is_empty() { Ok(written.xml) } else { Err(lost) }
}

/// The rules that are broken.
fn judged(report: &ValidationReport) -> Vec<Problem> {
    report.fatal().map(Problem::of).collect()
}

/// The statement in the semantic model.
fn invoice(statement: &Statement, profile: Profile) -> Result<Invoice, Vec<Problem>> {
    let mut said = Vec::new();
    let head = head(statement, profile, &mut said);
    let billed = lines::billed(statement, &mut said);
    let mut problems: Vec<Problem> = said.into_iter().map(Problem::said).collect();
    let parties = parties::parties(statement, profile, &mut problems);
    let (Some(mut invoice), Some(billed), true) = (head, billed, problems.is_empty()) else {
        return Err(problems);
    };
    invoice.seller = parties.seller;
    invoice.buyer = parties.buyer;
    invoice.delivery = parties.delivery;
    invoice.payment = parties.payment;
    invoice.lines = billed.lines;
    invoice.vat_breakdown = billed.breakdown;
    invoice.totals = billed.totals;
    Ok(invoice)
}

/// The invoice without parties, lines and sums.
fn head(statement: &Statement, profile: Profile, problems: &mut Vec<String>) -> Option<Invoice> {
    let (Some(number), Some(issued)) = (&statement.number, statement.issued_at) else {
        problems.push("it is not issued yet: an electronic invoice has a number and a date".to_owned());
        return None;
    };
    let zone = &statement.time_zone;
    let days = [issued, statement.period.start, last(statement.period)].map(|at| date_of(at, zone));
    let [Some(issued), Some(start), Some(end)] = days else {
        problems.push("its days are out of the calendar of electronic invoices".to_owned());
        return None;
    };
    let (specification, code) = (profile.specification(), type_code(statement.kind, profile));
    let currency = statement.currency.code();
    let mut invoice = Invoice::builder(specification, clean(number), issued, code, currency).build();
    invoice.business_process = (profile != Profile::En16931).then(|| BILLING.to_owned());
    invoice.contract_reference = Some(DocumentReference::new(clean(&statement.contract.number)));
    invoice.invoicing_period = Some(Period { start: Some(start), end: Some(end) });
    invoice.notes = notes(statement);
    let buyer = statement.parties.buyer.as_ref();
    invoice.buyer_reference = buyer.map(|buyer| clean(&buyer.reference)).filter(|reference| !reference.is_empty());
    if let Some(refers) = &statement.corrects {
        let reference = DocumentReference::new(clean(&refers.number));
        invoice.preceding_invoices = vec![PrecedingInvoice { reference, issue_date: None }];
    }
    if statement.kind == DocumentKind::Credit {
        // UBL's credit note has no day by which it is to be paid.
        invoice.kind = en16931::DocumentKind::CreditNote;
        invoice.payment_terms = Some("This amount is given back.".to_owned());
    } else {
        invoice.due_date = statement.due.and_then(date);
        let terms = invoice.due_date.is_none().then(|| "To be paid on receipt.".to_owned());
        invoice.payment_terms = terms;
    }
    Some(invoice)
}

/// The code of the document (BT-3, UNTDID 1001). XRechnung does not list the debit note: there it is an
/// invoice that names the one before it.
fn type_code(kind: DocumentKind, profile: Profile) -> &'static str {
    match (kind, profile) {
        (DocumentKind::Credit, _) => "381",
        (DocumentKind::Debit, Profile::En16931 | Profile::PeppolBis) => "383",
        (DocumentKind::Statement, _) | (DocumentKind::Debit, Profile::XRechnung) => "380",
    }
}

/// All notes in one, since Peppol takes one.
fn notes(statement: &Statement) -> Vec<InvoiceNote> {
    let notes: Vec<String> = statement.notes.iter().map(|note| clean(note)).filter(|note| !note.is_empty()).collect();
    if notes.is_empty() { Vec::new() } else { vec![InvoiceNote::new(notes.join("\n"))] }
}

fn date_of(at: Instant, zone: &str) -> Option<Date> {
    Day::of(at, zone).ok().and_then(date)
}

fn date(day: Day) -> Option<Date> {
    Date::parse(&day.to_string()).ok()
}

/// Turns minor units into the hundredths of an electronic invoice, and the sign on a credit note.
#[derive(Debug, Clone, Copy)]
struct Converter {
    factor: i64,
}

impl Converter {
    fn of(statement: &Statement) -> Result<Converter, String> {
        let scale = match statement.currency.minor_digits() {
            0 => 100,
            1 => 10,
            2 => 1,
            digits => {
                let code = statement.currency.code();
                return Err(format!("amounts in {code} have {digits} decimals; an electronic invoice takes two"));
            }
        };
        let sign = if statement.kind == DocumentKind::Credit { -1 } else { 1 };
        Ok(Converter { factor: scale * sign })
    }

    /// Whether what is given back is said as a positive amount.
    fn is_turned(self) -> bool {
        self.factor < 0
    }

    fn amount(self, amount: Money) -> Result<InvoiceAmount, String> {
        let hundredths = amount.0.checked_mul(self.factor);
        hundredths.map(InvoiceAmount::from_minor_units).ok_or_else(|| "an amount does not fit an invoice".to_owned())
    }
}
