//! `/customers/{id}/billing`: who is charged, who else pays, who sells, and the sites with their tax areas.
//!
//! Nothing is overwritten: the details that were entered last count for the next statement, what was issued keeps
//! those that it was billed with unless a person says since when they had been wrong, and a site stays as it was
//! added, since statements rest on it. Deliberately absent: checking an address or a tax number against
//! somebody else's register, and moving a printer, which its own page does.

use super::{store, vat};
use crate::Portal;
use crate::db::{DbError, Tx, params};
use crate::shell::address::{Fields, id};
use crate::shell::format::{self, Zone};
use crate::shell::page::{Chrome, Field, FormError, Link};
use crate::shell::{Error, FormData, Posted, ResellerScope, ResellerUser, chrome, printer, render, see_other};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use billing::{Clause, Day, Party, Site, Terms};
use report::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Characters of one detail.
const TEXT_MAX: usize = 200;
/// Printers, sites and contracts that one page reads.
const ROWS_MAX: i64 = 2_000;
/// Other payers that one page shows.
const PAYERS_MAX: usize = 20;
/// The customer under which the reseller's own details stand.
const OWN: i64 = 0;

/// The reseller itself stands under no customer. Of several rows of one party the newest counts.
const PARTIES: &str = "select party.role, party.name, party.details from party
    where party.reseller_id = $1 and (party.customer_id = $2 or party.customer_id = 0)
    order by party.created_at, party.party_id";
const KEEP: &str = "insert into party
    (reseller_id, party_id, customer_id, role, name, details, created_at, since_day)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const SITES: &str = "select site.site_id, site.name, site.details from site
    where site.reseller_id = $1 and site.customer_id = $2 order by lower(site.name), site.site_id limit $3";
const ADD_SITE: &str = "insert into site (reseller_id, site_id, customer_id, name, details, created_at)
    values ($1, $2, $3, $4, $5, $6)";
const STANDS: &str = "select printer.printer_id, printer.serial, printer.product_name, printer.nickname,
    moved.site_id, moved.from_at
    from printer left join printer_site as moved on moved.reseller_id = printer.reseller_id
        and moved.printer_id = printer.printer_id
    where printer.reseller_id = $1 and printer.customer_id = $2
    order by printer.serial, printer.printer_id, moved.from_at limit $3";
const TERMS: &str = "select made.terms from contract
    join contract_version as made on made.reseller_id = contract.reseller_id
        and made.contract_id = contract.contract_id
        and made.version = (select standing.version from contract_version as standing
            where standing.reseller_id = contract.reseller_id and standing.contract_id = contract.contract_id
            and standing.state = 'standing' order by standing.valid_from desc, standing.version desc limit 1)
    where contract.reseller_id = $1 and contract.customer_id = $2 limit $3";

/// `/customers/{id}/billing`. Its forms post to its own address.
#[derive(Debug, Clone, Template)]
#[template(path = "customers/billing.html")]
pub(crate) struct CustomerBillingPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// The customer.
    pub(crate) customer: Link,
    /// `/customers/{id}/billing`.
    pub(crate) href: String,
    /// What is wrong with the form that was sent.
    pub(crate) errors: Vec<FormError>,
    /// The customer, other payers, the seller.
    pub(crate) parties: Vec<PartyForm>,
    /// The sites by name.
    pub(crate) sites: Vec<SiteRow>,
    /// Where each printer stands.
    pub(crate) printers: Vec<StandRow>,
    /// `site.name`, `site.country`, `site.area`.
    pub(crate) site: Vec<Field>,
}

/// The details of one party.
#[derive(Debug, Clone)]
pub(crate) struct PartyForm {
    /// What the form sends as `form`.
    pub(crate) form: String,
    /// Who it is.
    pub(crate) title: String,
    /// What it is for, a sentence.
    pub(crate) about: &'static str,
    /// Whether anything is known.
    pub(crate) known: bool,
    /// Its fields.
    pub(crate) fields: Vec<Field>,
    /// Whether it stands open when the page arrives.
    pub(crate) open: bool,
}

/// A site.
#[derive(Debug, Clone)]
pub(crate) struct SiteRow {
    /// Its name.
    pub(crate) name: String,
    /// Its country, or empty.
    pub(crate) country: String,
    /// Its tax area: its own, else its country.
    pub(crate) area: String,
    /// How many printers stand there now.
    pub(crate) printers: i64,
}

/// A printer, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct StandRow {
    /// The printer.
    pub(crate) printer: Link,
    /// The site where it stands now, or that none was said.
    pub(crate) site: String,
    /// Since when, and where it goes next.
    pub(crate) when: String,
    /// Where it is moved.
    pub(crate) href: String,
}

/// The page of a customer's billing details.
pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/customers/{id}/billing", get(show).post(save))
}

async fn show(
    State(portal): State<Portal>,
    Path(customer): Path<String>,
    user: ResellerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let (customer_id, within) = (id(&customer)?, portal.clone());
    let read = move |tx: &mut Tx<'_>| -> Result<CustomerBillingPage, Error> {
        let known = Known::read(tx, &user.scope, customer_id)?.ok_or(Error::NotFound)?;
        let done = query.get("done").map(String::as_str);
        Ok(page(tx, &within, &user, &known, (&FormData::default(), Vec::new()), done)?)
    };
    render(&portal.db().read(read).await?)
}

async fn save(
    State(portal): State<Portal>,
    Path(customer): Path<String>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let (customer_id, within) = (id(&customer)?, portal.clone());
    let write = move |tx: &mut Tx<'_>| -> Result<Result<&'static str, Box<CustomerBillingPage>>, Error> {
        let known = Known::read(tx, &user.scope, customer_id)?.ok_or(Error::NotFound)?;
        match keep(tx, &within, &user.scope, &known, &form)? {
            Ok(done) => Ok(Ok(done)),
            Err(wrong) => Ok(Err(Box::new(page(tx, &within, &user, &known, (&form, wrong), None)?))),
        }
    };
    match portal.db().write(write).await? {
        Ok(done) => Ok(see_other(&format!("/customers/{customer_id}/billing?done={done}"))),
        Err(page) => Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&*page)?).into_response()),
    }
}

/// What a party is to the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// The customer itself.
    Buyer,
    /// Somebody else who pays, by the name that contracts use.
    Payer(String),
    /// The reseller.
    Seller,
}

impl Role {
    /// The word in the database.
    fn word(&self) -> &'static str {
        match self {
            Role::Buyer => "buyer",
            Role::Payer(_) => "payer",
            Role::Seller => "seller",
        }
    }
}

/// What is known of a customer's billing.
struct Known {
    customer_id: i64,
    name: String,
    zone: Zone,
    /// Each party with the start of its fields' names: `buyer`, `payer-1`, `seller`.
    parties: Vec<(String, Role, Option<Party>)>,
    sites: BTreeMap<i64, Site>,
}

impl Known {
    /// Reads it; `None` where the customer is not the reseller's.
    fn read(tx: &mut Tx<'_>, scope: &ResellerScope, customer_id: i64) -> Result<Option<Known>, DbError> {
        let Some(customer) = store::customer(tx, scope, customer_id)? else { return Ok(None) };
        let reseller = scope.reseller_id();
        let (mut buyer, mut seller, mut payers) = (None, None, BTreeMap::new());
        tx.query(PARTIES, params![reseller, customer_id], |row| {
            let party: Party = serde_json::from_str(&row.text(2)?)?;
            match row.text(0)?.as_str() {
                "buyer" => buyer = Some(party),
                "seller" => seller = Some(party),
                _ => {
                    payers.insert(row.text(1)?, party);
                }
            }
            Ok(())
        })?;
        let mut names: BTreeSet<String> = payers.keys().cloned().collect();
        tx.query(TERMS, params![reseller, customer_id, ROWS_MAX], |row| {
            let terms: Terms = serde_json::from_str(&row.text(0)?)?;
            names.extend(payer_names(&terms));
            Ok(())
        })?;
        let mut parties = vec![("buyer".to_owned(), Role::Buyer, buyer)];
        for (place, name) in names.into_iter().take(PAYERS_MAX).enumerate() {
            let party = payers.remove(&name);
            parties.push((format!("payer-{}", place + 1), Role::Payer(name), party));
        }
        parties.push(("seller".to_owned(), Role::Seller, seller));
        let sites = tx.query(SITES, params![reseller, customer_id, ROWS_MAX], |row| {
            let (name, details) = (row.text(1)?, row.text(2)?);
            let site: Site = if details.is_empty() { Site::default() } else { serde_json::from_str(&details)? };
            Ok((row.int(0)?, if site.name.is_empty() { Site { name, ..site } } else { site }))
        })?;
        let zone = Zone::new(&customer.time_zone).unwrap_or_else(Zone::utc);
        let sites = sites.into_iter().collect();
        Ok(Some(Known { customer_id, name: customer.name, zone, parties, sites }))
    }
}

/// The payers that terms name.
fn payer_names(terms: &Terms) -> Vec<String> {
    let of = |clause: &Clause| -> Vec<String> {
        match clause {
            Clause::Payers(payers) => payers.rows.iter().map(|row| row.party.clone()).collect(),
            Clause::Lease(lease) => vec![lease.payer.clone()],
            _ => Vec::new(),
        }
    };
    terms.clauses.iter().flat_map(of).filter(|name| !name.is_empty()).collect()
}

/// A field of a party: the end of its name, its label, a hint.
const DETAILS: [(&str, &str, &str); 13] = [
    ("name", "Name", ""),
    ("street", "Street", ""),
    ("postcode", "Postcode", ""),
    ("city", "City", ""),
    ("country", "Country", "Two letters, such as NL."),
    ("vat_id", "VAT number", "With its country, such as NL001234567B01."),
    ("registration", "Registration number", ""),
    ("electronic", "Electronic address", "Scheme and number, such as 9925:BE0123456789."),
    ("iban", "IBAN", ""),
    ("email", "Email", ""),
    ("contact", "Contact", "Whom to ask about invoices."),
    ("phone", "Telephone", ""),
    ("reference", "Reference", "What the buyer asks for on an invoice."),
];

/// The end of the name of the field that says since when details were wrong.
const SINCE: &str = "since";

/// The details of a party, in the order of [`DETAILS`].
fn details(party: &Party) -> [&str; 13] {
    [
        &party.name,
        &party.street,
        &party.postcode,
        &party.city,
        &party.country,
        &party.vat_id,
        &party.registration,
        &party.electronic,
        &party.iban,
        &party.email,
        &party.contact,
        &party.phone,
        &party.reference,
    ]
}

/// Keeps what a form says, and gives the word of what was done; else what is wrong with it.
fn keep(
    tx: &mut Tx<'_>,
    portal: &Portal,
    scope: &ResellerScope,
    known: &Known,
    form: &FormData,
) -> Result<Result<&'static str, Vec<FormError>>, DbError> {
    let (new_id, now) = (crate::new_id(portal.surroundings()), portal.surroundings().now());
    let reseller = scope.reseller_id();
    let sent = form.text("form");
    if sent == "site" {
        let site = match read_site(form, known) {
            Ok(site) => site,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let details = serde_json::to_string(&site)?;
        tx.execute(ADD_SITE, params![reseller, new_id, known.customer_id, &site.name, details, now])?;
        tracing::info!(site.id = new_id, "added a site");
        return Ok(Ok("site"));
    }
    let Some((prefix, role, _)) = known.parties.iter().find(|(prefix, _, _)| prefix == sent) else {
        let text = "Say whose details these are: send one of the forms below.".to_owned();
        return Ok(Err(vec![FormError { field: "parties".to_owned(), text }]));
    };
    let (party, since) = match (read_party(form, prefix), read_since(form, prefix, &known.zone, now)) {
        (Ok(party), Ok(since)) => (party, since),
        (party, since) => {
            let wrong = party.err().unwrap_or_default();
            return Ok(Err(wrong.into_iter().chain(since.err()).collect()));
        }
    };
    insert(tx, scope, (known.customer_id, role), (&party, since), (new_id, now))?;
    tracing::info!(customer.id = known.customer_id, role = role.word(), "kept billing details");
    Ok(Ok(if since.is_some() { "party-since" } else { "party" }))
}

/// Keeps the details of a party that were checked.
fn insert(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (customer_id, role): (i64, &Role),
    (party, since): (&Party, Option<Day>),
    (new_id, now): (i64, Instant),
) -> Result<(), DbError> {
    let customer = if *role == Role::Seller { OWN } else { customer_id };
    // A payer is found by the name that contracts use, whatever the invoice says.
    let name = if let Role::Payer(name) = role { name } else { &party.name };
    let details = serde_json::to_string(party)?;
    let since = since.map(|day| day.to_string());
    tx.execute(KEEP, params![scope.reseller_id(), new_id, customer, role.word(), name, details, now, since])?;
    Ok(())
}

/// Keeps the details of a party as if somebody had typed them on the page of a customer; of the seller that is any
/// customer. Else what is wrong with them, in words.
pub(crate) fn enter(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (customer_id, role): (i64, &Role),
    party: &Party,
    stamp: (i64, Instant),
) -> Result<Result<(), String>, DbError> {
    if *role != Role::Seller && store::customer(tx, scope, customer_id)?.is_none() {
        return Ok(Err(format!("customer {customer_id} is not this reseller's")));
    }
    let prefix = role.word();
    let typed = DETAILS.iter().zip(details(party));
    let typed = typed.map(|((end, ..), text)| (format!("{prefix}.{end}"), text.to_owned()));
    match read_party(&FormData(typed.collect()), prefix) {
        Ok(party) => {
            insert(tx, scope, (customer_id, role), (&party, None), stamp)?;
            Ok(Ok(()))
        }
        Err(wrong) => {
            let words: Vec<String> = wrong.into_iter().map(|error| error.text).collect();
            Ok(Err(words.join(" ")))
        }
    }
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// ISO 13616: country and check digits go to the end, letters count from 10, and the whole is 1 modulo 97.
fn is_iban(text: &str) -> bool {
    let (Some(head), Some(tail)) = (text.get(..4), text.get(4..)) else { return false };
    let is_long_enough = (15..=34).contains(&text.len());
    let mut digits = tail.chars().chain(head.chars()).map(|c| c.to_digit(36).filter(|_| !c.is_ascii_lowercase()));
    let rest = digits.try_fold(0_u32, |rest, digit| {
        let digit = digit?;
        let base = if digit < 10 { 10 } else { 100 };
        Some((rest * base + digit) % 97)
    });
    is_long_enough && rest == Some(1)
}

/// Three digits at least (BR-DE-27).
fn is_phone(text: &str) -> bool {
    text.chars().filter(char::is_ascii_digit).count() >= 3
}

/// A scheme of four digits and a number, `9925:BE0123456789`, or a mail address, `EM:office@example.com`.
fn is_electronic(text: &str) -> bool {
    let parts = text.split_once(':');
    parts.is_some_and(|(scheme, number)| {
        let is_number = scheme.len() == 4 && scheme.bytes().all(|byte| byte.is_ascii_digit());
        (is_number || scheme == "EM") && !number.trim().is_empty()
    })
}

/// A party as a form says it, or everything that is wrong with it.
fn read_party(form: &FormData, prefix: &str) -> Result<Party, Vec<FormError>> {
    let mut wrong = Vec::new();
    let mut text = |end: &str, label: &str, fits: fn(&str) -> bool, words: &str| {
        let name = format!("{prefix}.{end}");
        let text = form.text(&name).to_owned();
        if text.chars().nth(TEXT_MAX).is_some() {
            wrong.push(FormError { field: Field::id(&name), text: format!("{label}: this is too long.") });
        } else if !fits(&text) {
            wrong.push(FormError { field: Field::id(&name), text: format!("{label}: {words}.") });
        }
        text
    };
    let any = |_: &str| true;
    let party = Party {
        name: text("name", "Name", |text| !text.is_empty(), "say who it is"),
        street: text("street", "Street", any, ""),
        postcode: text("postcode", "Postcode", any, ""),
        city: text("city", "City", any, ""),
        country: text("country", "Country", |text| text.is_empty() || is_country(text), "say two letters, such as NL"),
        vat_id: vat::plain(&text("vat_id", "VAT number", any, "")),
        registration: text("registration", "Registration number", any, ""),
        electronic: text(
            "electronic",
            "Electronic address",
            |text| text.is_empty() || is_electronic(text),
            "say scheme and number, such as 9925:BE0123456789",
        ),
        iban: text(
            "iban",
            "IBAN",
            |text| text.is_empty() || is_iban(&text.replace(' ', "")),
            "its check digits do not fit; look at it again",
        ),
        email: text(
            "email",
            "Email",
            |text| text.is_empty() || text.contains('@'),
            "say an address such as a@b.example",
        ),
        contact: text("contact", "Contact", any, ""),
        phone: text(
            "phone",
            "Telephone",
            |text| text.is_empty() || is_phone(text),
            "say a number such as +32 3 555 01 02",
        ),
        reference: text("reference", "Reference", any, ""),
    };
    if !party.vat_id.is_empty()
        && let Some(why) = vat::wrong(&party.vat_id)
    {
        let field = Field::id(&format!("{prefix}.vat_id"));
        wrong.push(FormError { field, text: format!("VAT number: {why}.") });
    }
    if wrong.is_empty() { Ok(Party { iban: party.iban.replace(' ', ""), ..party }) } else { Err(wrong) }
}

/// Since when the details before these were wrong, as a form says it: a day that has come, or none.
fn read_since(form: &FormData, prefix: &str, zone: &Zone, now: Instant) -> Result<Option<Day>, FormError> {
    let name = format!("{prefix}.{SINCE}");
    let typed = form.text(&name);
    if typed.is_empty() {
        return Ok(None);
    }
    let has_come = |day: Day| Day::of(now, zone.name()).is_ok_and(|today| day <= today);
    let words = match Day::parse(typed) {
        Ok(day) if has_come(day) => return Ok(Some(day)),
        Ok(_) => "this day has not come; leave it empty",
        Err(_) => "say a day such as 2026-10-01, or leave it empty",
    };
    Err(FormError { field: Field::id(&name), text: format!("Wrong since: {words}.") })
}

/// A new site as a form says it, or everything that is wrong with it.
fn read_site(form: &FormData, known: &Known) -> Result<Site, Vec<FormError>> {
    let (name, country, area) = (form.text("site.name"), form.text("site.country"), form.text("site.area"));
    let country = country.to_uppercase();
    let mut wrong = Vec::new();
    let mut say = |field: &str, text: &str| wrong.push(FormError { field: Field::id(field), text: text.to_owned() });
    if name.is_empty() || name.chars().nth(TEXT_MAX).is_some() {
        say("site.name", "Name: give the site a short name.");
    } else if known.sites.values().any(|site| site.name == name) {
        say("site.name", "Name: another site of this customer has it.");
    }
    if !is_country(&country) {
        say("site.country", "Country: say two letters, such as NL.");
    }
    if area.chars().nth(TEXT_MAX).is_some() {
        say("site.area", "Tax area: this is too long.");
    }
    if wrong.is_empty() { Ok(Site { name: name.to_owned(), country, area: area.to_owned() }) } else { Err(wrong) }
}

fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    known: &Known,
    (form, errors): (&FormData, Vec<FormError>),
    done: Option<&str>,
) -> Result<CustomerBillingPage, DbError> {
    let stands = stands(tx, &user.scope, known, portal.surroundings().now())?;
    let title = format!("Billing, {}", known.name);
    let chrome = chrome(tx, portal, &user.signed, Some(&user.scope), ("/customers", &title), done)?;
    let typed = Typed { form, errors: &errors };
    let parties = known.parties.iter().map(|(prefix, role, party)| typed.party(prefix, role, party.as_ref()));
    let there = |site_id: i64| stands.iter().filter(|stand| stand.site_id == Some(site_id)).count();
    let site_row = |(site_id, site): (&i64, &Site)| SiteRow {
        name: site.name.clone(),
        country: site.country.clone(),
        area: site.tax_area().to_owned(),
        printers: i64::try_from(there(*site_id)).unwrap_or(i64::MAX),
    };
    Ok(CustomerBillingPage {
        chrome,
        customer: Link::new(known.name.clone(), format!("/customers/{}", known.customer_id)),
        href: format!("/customers/{}/billing", known.customer_id),
        parties: parties.collect(),
        sites: known.sites.iter().map(site_row).collect(),
        site: typed.site(),
        printers: stands.into_iter().map(|stand| stand.row).collect(),
        errors,
    })
}

/// What was typed, and what is wrong with it.
struct Typed<'a> {
    form: &'a FormData,
    errors: &'a [FormError],
}

impl Typed<'_> {
    fn wrong(&self, name: &str) -> Option<String> {
        let element = Field::id(name);
        self.errors.iter().find(|error| error.field == element).map(|error| error.text.clone())
    }

    fn party(&self, prefix: &str, role: &Role, party: Option<&Party>) -> PartyForm {
        let is_sent = self.form.text("form") == prefix;
        let known = party.map(details).unwrap_or_default();
        let field = |((end, label, hint), known): ((&str, &str, &str), &str)| {
            let name = format!("{prefix}.{end}");
            let value = if is_sent { self.form.text(&name) } else { known };
            let field = Field::text(name.clone(), label).value(value).wrong(self.wrong(&name));
            if hint.is_empty() { field } else { field.hint(hint) }
        };
        let (title, about) = match role {
            Role::Buyer => {
                ("The customer".to_owned(), "Who is charged: it stands on statements and electronic invoices.")
            }
            Role::Payer(name) => (format!("Payer: {name}"), "Who pays the lines that a contract gives to this name."),
            Role::Seller => ("You, the seller".to_owned(), "Your own company, the same for all customers."),
        };
        // Taxes follow where the buyer is: nothing else of a party changes what was billed.
        let since = (*role == Role::Buyer).then(|| self.since(prefix));
        PartyForm {
            form: prefix.to_owned(),
            title,
            about,
            known: party.is_some(),
            fields: DETAILS.into_iter().zip(known).map(field).chain(since).collect(),
            open: is_sent || (party.is_none() && *role == Role::Buyer),
        }
    }

    fn since(&self, prefix: &str) -> Field {
        let name = format!("{prefix}.{SINCE}");
        let hint = "Usually empty: these details count from the next statement on. A day says that those before were \
                    wrong from it on; issued periods that end on that day or later are then looked at again.";
        let (typed, wrong) = (self.form.text(&name), self.wrong(&name));
        Field::new("date", name, "Wrong since").value(typed).hint(hint).wrong(wrong)
    }

    fn site(&self) -> Vec<Field> {
        let field =
            |name: &str, label: &str| Field::text(name, label).value(self.form.text(name)).wrong(self.wrong(name));
        vec![
            field("site.name", "Name").required(),
            field("site.country", "Country").required().hint("Two letters, such as NL."),
            field("site.area", "Tax area").hint("Only where taxes or prices differ within the country."),
        ]
    }
}

/// A printer with the site where it stands now.
struct Stand {
    site_id: Option<i64>,
    row: StandRow,
}

/// Where the customer's printers stand now, and where they go next.
fn stands(tx: &mut Tx<'_>, scope: &ResellerScope, known: &Known, now: Instant) -> Result<Vec<Stand>, DbError> {
    let mut stands: Vec<Stand> = Vec::new();
    let mut last = None;
    tx.query(STANDS, params![scope.reseller_id(), known.customer_id, ROWS_MAX], |row| {
        let (printer_id, serial) = (row.int(0)?, row.text(1)?);
        if last != Some(printer_id) {
            last = Some(printer_id);
            let (product, nickname) = (row.opt_text(2)?, row.opt_text(3)?);
            let label = printer::label(nickname.as_deref(), product.as_deref(), None, &serial);
            stands.push(Stand {
                site_id: None,
                row: StandRow {
                    printer: Link::new(label, format!("/printers/{printer_id}")),
                    site: "not said".to_owned(),
                    when: String::new(),
                    href: format!("/printers/{printer_id}/swap"),
                },
            });
        }
        let (Some(site_id), Some(from)) = (row.opt_int(4)?, row.opt_int(5)?) else { return Ok(()) };
        let Some(stand) = stands.last_mut() else { return Ok(()) };
        let from = Instant(from);
        let name = known.sites.get(&site_id).map_or("another site", |site| site.name.as_str());
        if from <= now {
            stand.site_id = Some(site_id);
            name.clone_into(&mut stand.row.site);
            stand.row.when = format!("since {}", format::day(from, &known.zone));
        } else {
            let next = format!("{name} from {}", format::day(from, &known.zone));
            let before = std::mem::take(&mut stand.row.when);
            stand.row.when = if before.is_empty() { next } else { format!("{before}, {next}") };
        }
        Ok(())
    })?;
    Ok(stands)
}

#[cfg(test)]
mod samples {
    use super::*;

    impl CustomerBillingPage {
        pub(crate) fn sample() -> CustomerBillingPage {
            let field = |name: &str, label: &str| Field::text(name, label).value("<script>alert(1)</script>");
            let party = |form: &str, open: bool| PartyForm {
                form: form.to_owned(),
                title: "The customer".to_owned(),
                about: "Who is charged.",
                known: !open,
                fields: vec![field(&format!("{form}.name"), "Name"), field(&format!("{form}.city"), "City")],
                open,
            };
            CustomerBillingPage {
                chrome: Chrome::sample("Billing, Kessel Bau", "/customers"),
                customer: Link::new("Kessel <script>alert(1)</script> Bau", "/customers/4"),
                href: "/customers/4/billing".to_owned(),
                errors: vec![FormError { field: "f-buyer-name".to_owned(), text: "Name: say who it is.".to_owned() }],
                parties: vec![party("buyer", true), party("seller", false)],
                sites: vec![SiteRow {
                    name: "Hall <script>alert(1)</script>".to_owned(),
                    country: "NL".to_owned(),
                    area: "NL".to_owned(),
                    printers: 2,
                }],
                printers: vec![StandRow {
                    printer: Link::new("T930", "/printers/7"),
                    site: "Hall".to_owned(),
                    when: "since 1 Oct 2026".to_owned(),
                    href: "/printers/7/swap".to_owned(),
                }],
                site: vec![field("site.name", "Name").required()],
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> FormData {
        FormData(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn an_account_number_is_held_against_its_check_digits() {
        for right in ["NL91ABNA0417164300", "BE68539007547034", "DE89370400440532013000", "GB29NWBK60161331926819"] {
            assert!(is_iban(right), "{right}");
        }
        for odd in ["NL91ABNA0417164301", "nl91abna0417164300", "NL91", "", "NL91 ABNA", "ÄÖ91ABNA0417164300"] {
            assert!(!is_iban(odd), "{odd}");
        }
    }

    #[test]
    fn each_wrong_detail_is_named_at_its_field() {
        let fields = |pairs: &[(&str, &str)]| -> Vec<String> {
            let base = [("buyer.name", "Bau")];
            let all: Vec<(&str, &str)> = base.iter().chain(pairs).copied().collect();
            let wrong = read_party(&form(&all), "buyer").err().unwrap_or_default();
            wrong.into_iter().map(|error| error.field).collect()
        };
        let long = "x".repeat(TEXT_MAX + 1);
        let cases: [(&[(&str, &str)], &[&str]); 8] = [
            (&[], &[]),
            (&[("buyer.iban", "NL91 ABNA 0417 1643 00"), ("buyer.country", "NL")], &[]),
            (&[("buyer.name", "")], &["f-buyer-name"]),
            (&[("buyer.country", "nl"), ("buyer.electronic", "BE0123")], &["f-buyer-country", "f-buyer-electronic"]),
            (&[("buyer.electronic", "9925:BE0123456789"), ("buyer.email", "x")], &["f-buyer-email"]),
            (&[("buyer.iban", "NL00ABNA0417164300")], &["f-buyer-iban"]),
            (&[("buyer.street", long.as_str())], &["f-buyer-street"]),
            (&[("buyer.vat_id", "DE1"), ("buyer.email", "x")], &["f-buyer-email", "f-buyer-vat_id"]),
        ];
        for (pairs, expected) in cases {
            assert_eq!(fields(pairs), expected, "{pairs:?}");
        }
        let numbers = [("buyer.iban", "NL91 ABNA 0417 1643 00"), ("buyer.vat_id", "nl 0012.345.67.B01")];
        let typed = [("buyer.name", "Bau"), numbers[0], numbers[1]];
        let kept = read_party(&form(&typed), "buyer").expect("a party");
        assert_eq!((kept.iban.as_str(), kept.vat_id.as_str()), ("NL91ABNA0417164300", "NL001234567B01"));
    }

    #[test]
    fn details_may_be_wrong_since_a_day_that_has_come() {
        let now = Instant::parse("2026-11-22T23:30:00Z").expect("a timestamp");
        let since = |typed: &str| read_since(&form(&[("buyer.since", typed)]), "buyer", &Zone::utc(), now).ok();
        assert_eq!(since(""), Some(None));
        assert_eq!(since("2026-11-22"), Some(Day::parse("2026-11-22").ok()));
        assert_eq!((since("2026-11-23"), since("22.11.2026")), (None, None));
    }

    #[test]
    fn a_site_has_a_name_of_its_own_and_a_country() {
        let sites = BTreeMap::from([(1, Site { name: "Hall".to_owned(), ..Site::default() })]);
        let (name, zone) = ("Bau".to_owned(), Zone::utc());
        let known = Known { customer_id: 4, name, zone, parties: Vec::new(), sites };
        let site = |name: &str, country: &str| {
            let read = read_site(&form(&[("site.name", name), ("site.country", country)]), &known);
            read.map(|site| site.tax_area().to_owned()).map_err(|wrong| wrong.len())
        };
        assert_eq!(site("Plant", "nl"), Ok("NL".to_owned()));
        assert_eq!(site("Hall", "NL"), Err(1));
        assert_eq!(site("", "Holland"), Err(2));
    }
}
