//! `/billing/indices`: the values of the indices that contracts follow.
//!
//! A value is entered for a day and never changed; as long as no approved or issued statement rests on its index it
//! can be taken back. Deliberately absent: fetching values from anybody, and what a contract makes of them (CL17).

use crate::Portal;
use crate::db::{DbError, Tx, params};
use crate::shell::address::Fields;
use crate::shell::format::{self, Zone};
use crate::shell::page::{Chrome, Field, FormError, Link};
use crate::shell::{Answer, Error, FormData, Posted, ResellerScope, ResellerUser, chrome, render};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use billing::{Clause, Day, Terms, UnitPrice};
use report::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Characters of an index's name.
const NAME_MAX: usize = 60;
/// Values and contracts that one page reads.
const ROWS_MAX: i64 = 5_000;

const VALUES: &str = "select known.name, known.day, known.value, known.entered_at, coalesce(person.name, '')
    from index_value as known left join person on person.person_id = known.person_id
    where known.reseller_id = $1 order by known.name, known.day desc limit $2";
const KEEP: &str = "insert into index_value (reseller_id, name, day, value, entered_at, person_id)
    values ($1, $2, $3, $4, $5, $6) on conflict (reseller_id, name, day) do nothing";
const TAKE_BACK: &str = "delete from index_value where reseller_id = $1 and name = $2 and day = $3";
/// Every standing version of contracts with an escalation, newest first, with how many statements were approved or
/// issued by it.
const FOLLOWING: &str = "select contract.contract_id, contract.number, made.terms,
    (select count(*) from statement where statement.reseller_id = made.reseller_id
        and statement.contract_id = made.contract_id and statement.version = made.version
        and statement.state <> 'draft')
    from contract_version as made
    join contract on contract.reseller_id = made.reseller_id and contract.contract_id = made.contract_id
    where made.reseller_id = $1 and made.state = 'standing' and made.terms like '%\"escalation\"%'
    order by contract.number, made.version desc limit $2";

/// `/billing/indices`. Posts to its own address.
#[derive(Debug, Clone, Template)]
#[template(path = "billing_run/indices.html")]
pub(crate) struct IndicesPage {
    /// The frame.
    pub(crate) chrome: Chrome,
    /// The indices by name: those with values, and those that contracts name.
    pub(crate) indices: Vec<IndexRow>,
    /// `name`, `day`, `value`.
    pub(crate) fields: Vec<Field>,
    /// What is wrong with the form.
    pub(crate) errors: Vec<FormError>,
}

/// An index.
#[derive(Debug, Clone)]
pub(crate) struct IndexRow {
    /// Its name, as contracts spell it.
    pub(crate) name: String,
    /// The contracts that follow it.
    pub(crate) contracts: Vec<Link>,
    /// Its values, the latest first.
    pub(crate) values: Vec<ValueRow>,
}

/// A value of an index.
#[derive(Debug, Clone)]
pub(crate) struct ValueRow {
    /// The day it is for.
    pub(crate) day: String,
    /// The value.
    pub(crate) value: String,
    /// Who entered it, and when.
    pub(crate) by: String,
    /// Whether it can be taken back.
    pub(crate) open: bool,
}

/// The page of index values.
pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/billing/indices", get(show).post(act))
}

async fn show(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let within = portal.clone();
    let read = move |tx: &mut Tx<'_>| {
        let mut form = FormData::default();
        if let Some(name) = query.get("name") {
            form.0.insert("name".to_owned(), name.clone());
        }
        page(tx, &within, &user, (&form, Vec::new()), query.get("done").map(String::as_str))
    };
    render(&portal.db().read(read).await?)
}

async fn act(State(portal): State<Portal>, Posted(user, form): Posted<ResellerUser>) -> Result<Response, Error> {
    let within = portal.clone();
    let write = move |tx: &mut Tx<'_>| -> Result<Answer<IndicesPage>, Error> {
        let done = |word: &str| Answer::Done(format!("/billing/indices?done={word}"));
        if form.text("act") == "take-back" {
            return take_back(tx, &user.scope, &form).map(|()| done("index-gone"));
        }
        let by = (user.signed.person_id, within.surroundings().now());
        let wrong = keep(tx, &user.scope, &form, by)?;
        if wrong.is_empty() {
            return Ok(done("index"));
        }
        Ok(Answer::Again(Box::new(page(tx, &within, &user, (&form, wrong), None)?)))
    };
    portal.db().write(write).await?.respond()
}

/// What a form says, or everything that is wrong with it.
fn read(form: &FormData) -> Result<(&str, Day, UnitPrice), Vec<FormError>> {
    let mut wrong = Vec::new();
    let mut say = |field: &str, text: &str| wrong.push(FormError::at(field, text));
    let name = form.text("name");
    if name.is_empty() || name.chars().nth(NAME_MAX).is_some() {
        say("name", "Index: say its name as the contract spells it, such as CPI.");
    }
    let day = Day::parse(form.text("day")).ok();
    if day.is_none() {
        say("day", "Day: say the day that the value is for, such as 2026-01-01.");
    }
    let value = UnitPrice::parse(form.text("value")).ok().filter(|value| value.millionths > 0);
    if value.is_none() {
        say("value", "Value: say a plain number above zero, such as 108.2.");
    }
    match (day, value) {
        (Some(day), Some(value)) if wrong.is_empty() => Ok((name, day, value)),
        _ => Err(wrong),
    }
}

/// Keeps a value; gives what is wrong with the form.
fn keep(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    form: &FormData,
    (person_id, now): (i64, Instant),
) -> Result<Vec<FormError>, DbError> {
    let (name, day, value) = match read(form) {
        Ok(read) => read,
        Err(wrong) => return Ok(wrong),
    };
    let params = params![scope.reseller_id(), name, day.to_string(), String::from(value), now, person_id];
    if tx.execute(KEEP, params)? > 0 {
        tracing::info!(index = name, %day, "kept a value of an index");
        return Ok(Vec::new());
    }
    let text = format!("Day: {name} has a value for {day} already. Take that one back first.");
    Ok(vec![FormError::at("day", text)])
}

/// Takes a value back, unless an approved or issued statement may rest on it.
fn take_back(tx: &mut Tx<'_>, scope: &ResellerScope, form: &FormData) -> Result<(), Error> {
    let (name, day) = (form.text("name"), form.text("day"));
    let is_used = followed(tx, scope, i64::MAX)?.get(name).is_some_and(|following| following.billed);
    if is_used {
        let words = format!(
            "Approved or issued statements rest on {name}, so that its values stay. Where one is wrong, let the \
             contract follow an index of another name."
        );
        return Err(Error::Conflict(words));
    }
    if tx.execute(TAKE_BACK, params![scope.reseller_id(), name, day])? == 0 {
        return Err(Error::NotFound);
    }
    Ok(())
}

/// Who follows an index.
#[derive(Default)]
struct Following {
    /// The contracts: id and number.
    contracts: BTreeSet<(i64, String)>,
    /// Whether a statement was approved or issued by terms that name it.
    billed: bool,
}

/// The indices that standing terms name; of so many versions at most.
fn followed(tx: &mut Tx<'_>, scope: &ResellerScope, most: i64) -> Result<BTreeMap<String, Following>, DbError> {
    let mut followed: BTreeMap<String, Following> = BTreeMap::new();
    tx.query(FOLLOWING, params![scope.reseller_id(), most], |row| {
        let terms: Terms = serde_json::from_str(&row.text(2)?)?;
        let (contract, billed) = ((row.int(0)?, row.text(1)?), row.int(3)? > 0);
        for name in names(&terms) {
            let following = followed.entry(name).or_default();
            following.contracts.insert(contract.clone());
            following.billed |= billed;
        }
        Ok(())
    })?;
    Ok(followed)
}

/// The indices that terms name.
fn names(terms: &Terms) -> BTreeSet<String> {
    let of = |clause: &Clause| match clause {
        Clause::Escalation(escalation) => Some(escalation.index.clone()),
        _ => None,
    };
    terms.clauses.iter().filter_map(of).filter(|name| !name.is_empty()).collect()
}

fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    (form, errors): (&FormData, Vec<FormError>),
    done: Option<&str>,
) -> Result<IndicesPage, DbError> {
    let followed = followed(tx, &user.scope, ROWS_MAX)?;
    let mut values: BTreeMap<String, Vec<ValueRow>> = followed.keys().map(|name| (name.clone(), Vec::new())).collect();
    tx.query(VALUES, params![user.scope.reseller_id(), ROWS_MAX], |row| {
        let (name, by) = (row.text(0)?, row.text(4)?);
        let by = format::by(&by, Instant(row.int(3)?), &Zone::utc());
        let open = followed.get(&name).is_none_or(|following| !following.billed);
        values.entry(name).or_default().push(ValueRow { day: row.text(1)?, value: row.text(2)?, by, open });
        Ok(())
    })?;
    let index = |(name, values): (String, Vec<ValueRow>)| {
        let contracts = followed.get(&name).map(|following| following.contracts.iter().map(contract_link).collect());
        IndexRow { contracts: contracts.unwrap_or_default(), values, name }
    };
    let field = |kind: &'static str, name: &str, label: &str| {
        Field::new(kind, name, label).value(form.text(name)).required().wrong(FormError::of(&errors, name))
    };
    let fields = vec![
        field("text", "name", "Index").hint("As the contract spells it."),
        field("date", "day", "Day").hint("The day that the value is for."),
        field("text", "value", "Value").hint("Such as 108.2"),
    ];
    let here = ("/billing", "Indices");
    Ok(IndicesPage {
        chrome: chrome(tx, portal, &user.signed, Some(&user.scope), here, done)?,
        indices: values.into_iter().map(index).collect(),
        fields,
        errors,
    })
}

fn contract_link((contract_id, number): &(i64, String)) -> Link {
    Link::new(number.clone(), format!("/contracts/{contract_id}"))
}

#[cfg(test)]
mod samples {
    use super::*;

    impl IndicesPage {
        pub(crate) fn sample() -> IndicesPage {
            let value = |open: bool| ValueRow {
                day: "2026-01-01".to_owned(),
                value: "108.2".to_owned(),
                by: "Ada <script>alert(1)</script>, 5 Jan 2026".to_owned(),
                open,
            };
            IndicesPage {
                chrome: Chrome::sample("Indices", "/billing"),
                indices: vec![
                    IndexRow {
                        name: "CPI <script>alert(1)</script>".to_owned(),
                        contracts: vec![Link::new("C-112", "/contracts/112")],
                        values: vec![value(true), value(false)],
                    },
                    IndexRow { name: "PPI".to_owned(), contracts: Vec::new(), values: Vec::new() },
                ],
                fields: vec![Field::text("name", "Index").value("CPI"), Field::new("date", "day", "Day")],
                errors: vec![FormError::at("day", "Day: say the day.")],
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::Currency;
    use billing::clauses::escalation::Escalation;

    #[test]
    fn each_wrong_value_is_named_at_its_field() {
        let fields = |pairs: &[(&str, &str)]| -> Vec<String> {
            let base = [("name", "CPI"), ("day", "2026-01-01"), ("value", "108.2")];
            let pairs = base.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let form = FormData(pairs.collect());
            read(&form).err().unwrap_or_default().into_iter().map(|error| error.field).collect()
        };
        assert!(fields(&[]).is_empty());
        assert_eq!(fields(&[("name", ""), ("day", "January")]), ["f-name", "f-day"]);
        assert_eq!(fields(&[("value", "0")]), ["f-value"]);
        assert_eq!(fields(&[("value", "108,2")]), ["f-value"]);
    }

    #[test]
    fn the_indices_of_terms_are_those_of_their_escalations() {
        let clause = |index: &str| Clause::Escalation(Escalation { index: index.to_owned(), ..Escalation::default() });
        let clauses = vec![clause("CPI"), clause(""), clause("PPI"), clause("CPI")];
        let terms = Terms { clauses, ..Terms::new(Currency::parse("EUR").expect("a currency"), "UTC") };
        assert_eq!(names(&terms).into_iter().collect::<Vec<_>>(), ["CPI", "PPI"]);
    }
}
