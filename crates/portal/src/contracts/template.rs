//! `/contracts/templates`: terms that are kept by a name, to start contracts from.
//!
//! A template is a copy: neither the contract it was taken from nor those that start from it change with it.
//! Deliberately absent: editing a template; a contract is made of it, changed there, and kept as another one.

use crate::Portal;
use crate::db::{DbError, Tx, params};
use crate::shell::address::Fields;
use crate::shell::format::{self, Zone};
use crate::shell::page::{Chrome, Field, FormError};
use crate::shell::{Answer, Error, FormData, Posted, ResellerScope, ResellerUser, chrome, render};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use billing::{Clause, Terms};
use report::Instant;

/// Templates that one reseller keeps.
const TEMPLATES_MAX: i64 = 500;
/// Contracts to choose from.
const CONTRACTS_MAX: i64 = 5_000;
/// Characters of a name.
const NAME_MAX: usize = 120;

const LIST: &str = "select kept.template_id, kept.name, kept.terms, kept.created_at, coalesce(person.name, '')
    from contract_template as kept left join person on person.person_id = kept.person_id
    where kept.reseller_id = $1 order by lower(kept.name), kept.template_id limit $2";
const COUNT: &str = "select count(*) from contract_template where reseller_id = $1";
const ONE: &str = "select name, terms from contract_template where reseller_id = $1 and template_id = $2";
const NAMED: &str = "select count(*) from contract_template where reseller_id = $1 and name = $2";
const INSERT: &str = "insert into contract_template (reseller_id, template_id, name, terms, created_at, person_id)
    values ($1, $2, $3, $4, $5, $6)";
const REMOVE: &str = "delete from contract_template where reseller_id = $1 and template_id = $2";
const CONTRACTS: &str = "select contract.contract_id, contract.number, customer.name from contract
    join customer on customer.reseller_id = contract.reseller_id and customer.customer_id = contract.customer_id
    where contract.reseller_id = $1 order by contract.number, contract.contract_id limit $2";
const TERMS: &str = "select made.terms from contract_version as made
    where made.reseller_id = $1 and made.contract_id = $2 and made.state = 'standing'
    order by made.valid_from desc, made.version desc limit 1";

/// `/contracts/templates`.
#[derive(Debug, Clone, Template)]
#[template(path = "contracts/templates.html")]
pub(crate) struct TemplatesPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// The templates by name.
    pub(crate) rows: Vec<TemplateRow>,
    /// What is wrong with the form.
    pub(crate) errors: Vec<FormError>,
    /// `contract` and `name`, posting to the page's own address; empty while there is no contract.
    pub(crate) fields: Vec<Field>,
}

/// A template.
#[derive(Debug, Clone)]
pub(crate) struct TemplateRow {
    /// Its id, as the form that removes it sends it.
    pub(crate) template_id: i64,
    /// Its name.
    pub(crate) name: String,
    /// Where a contract starts from it.
    pub(crate) start: String,
    /// Its terms, a sentence each.
    pub(crate) terms: Vec<String>,
    /// Who kept it, and when.
    pub(crate) by: String,
}

/// The pages of templates.
pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/contracts/templates", get(show).post(act))
}

/// The name and the terms of a template, for a contract that starts from it.
pub(super) fn terms(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    template_id: i64,
) -> Result<Option<(String, Terms)>, DbError> {
    tx.query_opt(ONE, params![scope.reseller_id(), template_id], |row| {
        Ok((row.text(0)?, serde_json::from_str(&row.text(1)?)?))
    })
}

/// That terms name printers, which are those of the contract that they were kept from.
pub(super) fn names_printers(terms: &Terms) -> Option<String> {
    let names = |clause: &Clause| match clause {
        Clause::BaseFee(fee) => !fee.printers.is_empty(),
        Clause::Pool(pool) => !pool.printers.is_empty(),
        _ => false,
    };
    let words = "This template names printers of the contract that it was kept from. Name those of this contract \
                 instead, once they are in it: nothing is charged for the others.";
    terms.clauses.iter().any(names).then(|| words.to_owned())
}

async fn show(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let within = portal.clone();
    let read = move |tx: &mut Tx<'_>| {
        let mut form = FormData::default();
        if let Some(contract) = query.get("contract") {
            form.0.insert("contract".to_owned(), contract.clone());
        }
        page(tx, &within, &user, (&form, Vec::new()), query.get("done").map(String::as_str))
    };
    render(&portal.db().read(read).await?)
}

async fn act(State(portal): State<Portal>, Posted(user, form): Posted<ResellerUser>) -> Result<Response, Error> {
    let within = portal.clone();
    let write = move |tx: &mut Tx<'_>| -> Result<Answer<TemplatesPage>, Error> {
        let done = |word: &str| Answer::Done(format!("/contracts/templates?done={word}"));
        if !form.text("remove").is_empty() {
            return remove(tx, &user.scope, &form).map(|()| done("template-gone"));
        }
        let wrong = keep(tx, &within, &user, &form)?;
        if wrong.is_empty() {
            return Ok(done("template"));
        }
        Ok(Answer::Again(Box::new(page(tx, &within, &user, (&form, wrong), None)?)))
    };
    portal.db().write(write).await?.respond()
}

fn remove(tx: &mut Tx<'_>, scope: &ResellerScope, form: &FormData) -> Result<(), Error> {
    let template_id = form.int("remove").ok_or(Error::NotFound)?;
    if tx.execute(REMOVE, params![scope.reseller_id(), template_id])? == 0 {
        return Err(Error::NotFound);
    }
    Ok(())
}

/// Keeps the terms of a contract by a name, or says what is wrong with the form.
fn keep(tx: &mut Tx<'_>, portal: &Portal, user: &ResellerUser, form: &FormData) -> Result<Vec<FormError>, DbError> {
    let reseller = user.scope.reseller_id();
    let mut wrong = Vec::new();
    let mut say = |field: &str, text: &str| wrong.push(FormError::at(field, text));
    let name = form.text("name");
    if name.is_empty() {
        say("name", "Name: say what the template is for.");
    } else if name.chars().nth(NAME_MAX).is_some() {
        say("name", "Name: this is too long.");
    } else if tx.count(NAMED, params![reseller, name])? > 0 {
        say("name", "Name: another template has it.");
    } else if tx.count(COUNT, params![reseller])? >= TEMPLATES_MAX {
        say("name", "There are as many templates as there can be. Remove one first.");
    }
    let terms = match form.int("contract") {
        Some(contract) => tx.query_opt(TERMS, params![reseller, contract], |row| row.text(0))?,
        None => None,
    };
    let Some(terms) = terms else {
        say("contract", "Contract: choose one of yours.");
        return Ok(wrong);
    };
    if wrong.is_empty() {
        let (template_id, now) = (crate::new_id(portal.surroundings()), portal.surroundings().now());
        tx.execute(INSERT, params![reseller, template_id, name, terms, now, user.signed.person_id])?;
        tracing::info!(template.id = template_id, "kept a template");
    }
    Ok(wrong)
}

fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    (form, errors): (&FormData, Vec<FormError>),
    done: Option<&str>,
) -> Result<TemplatesPage, DbError> {
    let reseller = user.scope.reseller_id();
    let rows = tx.query(LIST, params![reseller, TEMPLATES_MAX], |row| {
        let terms: Terms = serde_json::from_str(&row.text(2)?)?;
        Ok(row_of((row.int(0)?, row.text(1)?), &terms, (Instant(row.int(3)?), &row.text(4)?)))
    })?;
    let contracts = tx.query(CONTRACTS, params![reseller, CONTRACTS_MAX], |row| {
        Ok((row.int(0)?.to_string(), format!("{}, {}", row.text(1)?, row.text(2)?)))
    })?;
    let wrong = |name: &str| FormError::of(&errors, name);
    let fields = if contracts.is_empty() {
        Vec::new()
    } else {
        let contract = Field::select("contract", "Contract", contracts, form.text("contract"));
        vec![
            contract.hint("Its newest terms are kept.").wrong(wrong("contract")),
            Field::text("name", "Name").value(form.text("name")).required().wrong(wrong("name")),
        ]
    };
    let here = ("/contracts", "Templates");
    let chrome = chrome(tx, portal, &user.signed, Some(&user.scope), here, done)?;
    Ok(TemplatesPage { chrome, rows, errors, fields })
}

fn row_of((template_id, name): (i64, String), terms: &Terms, (at, by): (Instant, &str)) -> TemplateRow {
    TemplateRow {
        template_id,
        name,
        start: format!("/contracts/new?template={template_id}"),
        terms: terms.in_words(),
        by: format::by(by, at, &Zone::utc()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::clauses::pool::Pool;
    use billing::{BaseFee, Currency};

    #[test]
    fn a_template_that_names_printers_says_so() {
        let named = |fees: &[&str], pooled: &[&str]| {
            let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
            let mut terms = Terms::new(Currency::parse("EUR").expect("a currency"), "UTC");
            terms.clauses = vec![
                Clause::BaseFee(BaseFee { printers: texts(fees), ..BaseFee::default() }),
                Clause::Pool(Pool { printers: texts(pooled), ..Pool::default() }),
            ];
            names_printers(&terms).is_some()
        };
        assert_eq!([named(&[], &[]), named(&["7"], &[]), named(&[], &["7"])], [false, true, true]);
    }
}

#[cfg(test)]
mod samples {
    use super::*;

    impl TemplatesPage {
        pub(crate) fn sample() -> TemplatesPage {
            TemplatesPage {
                chrome: Chrome::sample("Templates", "/contracts"),
                rows: vec![TemplateRow {
                    template_id: 7,
                    name: "Plans <script>alert(1)</script>".to_owned(),
                    start: "/contracts/new?template=7".to_owned(),
                    terms: vec!["Base fee: 180.00 EUR each period.".to_owned()],
                    by: "Ada, 1 Nov 2026".to_owned(),
                }],
                errors: vec![FormError::at("name", "Name: another template has it.")],
                fields: vec![
                    Field::select("contract", "Contract", [("112", "C-112, Kessel Bau")], "112"),
                    Field::text("name", "Name").value("Plans").wrong(Some("Name: another template has it.".to_owned())),
                ],
            }
        }
    }
}
