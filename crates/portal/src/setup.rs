//! Setting up without a browser: what `plotmeter portal user`, the demo and tests use.
//!
//! These calls go through the same store functions as the pages. Deliberately absent: any way to
//! reach the data of a reseller that the caller did not make.

use crate::agents::change::{self, StateChange, Wish};
use crate::agents::history::Stamp;
use crate::contracts::{brand, store as contracts};
use crate::customers::billing::Role as PartyRole;
use crate::db::{DbError, Tx, params};
use crate::ingest::{Approval, Claim};
use crate::people::store::NewPerson;
use crate::readings::store as readings;
use crate::shell::ResellerScope;
use crate::statements::{Act, Happened, NewEvent, Sign};
use crate::{Portal, customers, ingest, new_id, operator, people, statements};
use billing::{Decision, EstimateFact, Events, Party, Period, ReadingFact, Terms};
use protocol::Hex;
use protocol::enrol::EnrolmentFile;
use report::Instant;
use std::collections::BTreeSet;

pub use crate::billing_run::run::{Outcome, Progress, RunError, Summary, run as bill};

/// What a person may do, and where.
#[derive(Clone, Copy)]
pub enum Role<'a> {
    /// Runs the portal.
    Operator,
    /// Works for a reseller.
    Reseller(&'a NewReseller),
    /// Works for a customer of a reseller.
    Customer(&'a NewReseller, i64),
}

/// A reseller made by this set-up: the right to act for it.
pub struct NewReseller(ResellerScope);

/// A set-up step failed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The database.
    #[error("the database")]
    Db(#[from] DbError),
    /// What was asked makes no sense.
    #[error("{0}")]
    Unfit(String),
}

impl From<crate::shell::Error> for SetupError {
    fn from(error: crate::shell::Error) -> SetupError {
        SetupError::Unfit(error.to_string())
    }
}

/// A random password.
pub fn password(portal: &Portal) -> String {
    Hex(portal.surroundings().random::<10>()).to_string()
}

/// Adds somebody who can sign in. Slow on purpose: the password is hashed.
pub fn person(portal: &Portal, role: Role<'_>, email: &str, name: &str, password: &str) -> Result<i64, SetupError> {
    let surroundings = portal.surroundings();
    let hash = people::hash_password(password, surroundings.random());
    let password_hash = hash.map_err(|error| SetupError::Unfit(error.to_string()))?;
    let (role, reseller_id, customer_id) = match role {
        Role::Operator => (crate::shell::Role::Operator, None, None),
        Role::Reseller(reseller) => (crate::shell::Role::Reseller, Some(reseller.0.reseller_id()), None),
        Role::Customer(reseller, customer) => {
            (crate::shell::Role::Customer, Some(reseller.0.reseller_id()), Some(customer))
        }
    };
    let person_id = new_id(surroundings);
    let (email, name) = (email.to_owned(), name.to_owned());
    let person = NewPerson { person_id, email, name, role, reseller_id, customer_id, password_hash };
    let added: Result<(), DbError> =
        portal.db().write_now(|tx| people::store::insert_person(tx, &person, surroundings.now()));
    match added {
        Err(error) if error.is_conflict() => {
            Err(SetupError::Unfit("there is an account of this address already".to_owned()))
        }
        added => Ok(added.map(|()| person_id)?),
    }
}

/// Adds a reseller.
pub fn reseller(portal: &Portal, name: &str) -> Result<NewReseller, SetupError> {
    let surroundings = portal.surroundings();
    let id = new_id(surroundings);
    portal.db().write_now(|tx| operator::store::insert_reseller(tx, id, name, surroundings.now()))?;
    Ok(NewReseller(ResellerScope::of_new_reseller(id)))
}

/// Adds a customer with one site.
pub fn customer(
    portal: &Portal,
    reseller: &NewReseller,
    name: &str,
    site: &str,
    time_zone: &str,
) -> Result<i64, SetupError> {
    let surroundings = portal.surroundings();
    let customer_id = new_id(surroundings);
    let (name, site, time_zone) = (name.to_owned(), site.to_owned(), time_zone.to_owned());
    let customer = customers::store::NewCustomer { customer_id, name, site, time_zone };
    portal.db().write_now(|tx| customers::store::insert_customer(tx, &reseller.0, &customer, surroundings.now()))?;
    Ok(customer_id)
}

/// Enters who sells, as the page of billing details does. The error says what is wrong with them.
pub fn seller(portal: &Portal, reseller: &NewReseller, party: &Party) -> Result<(), SetupError> {
    entered(portal, reseller, (0, &PartyRole::Seller), party)
}

/// Enters who is charged: a customer's own details. The error says what is wrong with them.
pub fn buyer(portal: &Portal, reseller: &NewReseller, customer_id: i64, party: &Party) -> Result<(), SetupError> {
    entered(portal, reseller, (customer_id, &PartyRole::Buyer), party)
}

fn entered(portal: &Portal, reseller: &NewReseller, of: (i64, &PartyRole), party: &Party) -> Result<(), SetupError> {
    let stamp = Stamp::of(portal.surroundings());
    let entered =
        portal.db().write_now(|tx| customers::billing::enter(tx, &reseller.0, of, party, (stamp.id, stamp.at)))?;
    entered.map_err(SetupError::Unfit)
}

/// Says how a reseller shows itself on documents from now on: its colour, `#rrggbb`, and the foot of each page, line by
/// line.
pub fn brand(portal: &Portal, reseller: &NewReseller, accent: &str, footer: &[&str]) -> Result<(), SetupError> {
    let now = portal.surroundings().now();
    let change = |words: &mut brand::Branding, _: &mut Vec<u8>| {
        words.accent = accent.to_owned();
        words.footer = footer.iter().map(|line| (*line).to_owned()).collect();
    };
    Ok(portal.db().write_now(|tx| brand::change(tx, &reseller.0, now, change))?)
}

/// Makes a one-time enrolment file for a customer.
pub fn enrolment(portal: &Portal, reseller: &NewReseller, customer_id: i64) -> Result<EnrolmentFile, SetupError> {
    let made = portal.db().write_now(|tx| ingest::enrolment_file(tx, &reseller.0, customer_id, portal))?;
    made.ok_or_else(|| SetupError::Unfit(format!("customer {customer_id} is not this reseller's")))
}

const PRINTERS: &str =
    "select printer_id, serial from printer where reseller_id = $1 and customer_id = $2 order by serial";
const NAME: &str = "update printer set nickname = $3, asset_id = $4 where reseller_id = $1 and printer_id = $2";
const INTERVAL: &str =
    "update agent set interval_minutes = $2, settings_version = settings_version + 1 where reseller_id = $1";
const AGENTS: &str = "select agent_id from agent where reseller_id = $1 order by created_at, agent_id";

/// The printers of a customer: id and serial number.
pub fn printers(portal: &Portal, reseller: &NewReseller, customer_id: i64) -> Result<Vec<(i64, String)>, SetupError> {
    let params = params![reseller.0.reseller_id(), customer_id];
    Ok(portal.db().read_now(|tx| tx.query(PRINTERS, params, |row| Ok((row.int(0)?, row.text(1)?))))?)
}

/// Gives a printer the name and the asset id that people know it by.
pub fn name_printer(
    portal: &Portal,
    reseller: &NewReseller,
    printer_id: i64,
    nickname: &str,
    asset_id: &str,
) -> Result<(), SetupError> {
    let params = params![reseller.0.reseller_id(), printer_id, nickname, asset_id];
    portal.db().write_now(|tx| tx.execute(NAME, params))?;
    Ok(())
}

/// Asks all agents of a reseller for another interval.
pub fn interval(portal: &Portal, reseller: &NewReseller, minutes: u32) -> Result<(), SetupError> {
    let params = params![reseller.0.reseller_id(), i64::from(minutes)];
    portal.db().write_now(|tx| tx.execute(INTERVAL, params))?;
    Ok(())
}

/// The ids of a reseller's agents, the oldest first.
pub fn agents(portal: &Portal, reseller: &NewReseller) -> Result<Vec<String>, SetupError> {
    Ok(portal.db().read_now(|tx| tx.query(AGENTS, params![reseller.0.reseller_id()], |row| row.text(0)))?)
}

/// The set-up is no person: what it changes is noted without one.
const NOBODY: Option<i64> = None;

/// Runs a change that says whether there is what it should change.
fn changed(
    portal: &Portal,
    what: &str,
    work: impl FnOnce(&mut Tx<'_>, Stamp) -> Result<bool, DbError>,
) -> Result<(), SetupError> {
    let stamp = Stamp::of(portal.surroundings());
    if portal.db().write_now(|tx| work(tx, stamp))? {
        return Ok(());
    }
    Err(SetupError::Unfit(format!("{what} is not there, or not in a state for this")))
}

/// Says whether every supported printer that is found at a customer takes part, or only those marked.
pub fn participation(portal: &Portal, reseller: &NewReseller, customer_id: i64, all: bool) -> Result<(), SetupError> {
    changed(portal, "the customer", |tx, stamp| {
        change::set_participation_of_customer(tx, &reseller.0, customer_id, all, NOBODY, stamp)
    })
}

/// Says whether a printer takes part.
pub fn participate(portal: &Portal, reseller: &NewReseller, printer_id: i64, takes: bool) -> Result<(), SetupError> {
    changed(portal, "the printer", |tx, stamp| change::participate(tx, &reseller.0, printer_id, takes, NOBODY, stamp))
}

fn change_state(
    portal: &Portal,
    reseller: &NewReseller,
    agent_id: &str,
    change: StateChange,
) -> Result<(), SetupError> {
    changed(portal, "the agent", |tx, stamp| change::change_state(tx, &reseller.0, agent_id, change, NOBODY, stamp))
}

/// Suspends an agent: what it sends is held.
pub fn suspend(portal: &Portal, reseller: &NewReseller, agent_id: &str) -> Result<(), SetupError> {
    change_state(portal, reseller, agent_id, StateChange::Suspend)
}

/// Resumes an agent and releases what was held; gives how many packages.
pub fn resume(portal: &Portal, reseller: &NewReseller, agent_id: &str) -> Result<u64, SetupError> {
    change_state(portal, reseller, agent_id, StateChange::Resume)?;
    Ok(ingest::release_now(portal, &reseller.0, agent_id, NOBODY)?)
}

/// Revokes an agent, for good.
pub fn revoke(portal: &Portal, reseller: &NewReseller, agent_id: &str) -> Result<(), SetupError> {
    change_state(portal, reseller, agent_id, StateChange::Revoke)
}

fn ask(portal: &Portal, reseller: &NewReseller, agent_id: &str, wish: &Wish) -> Result<(), SetupError> {
    changed(portal, "the agent", |tx, stamp| change::ask(tx, &reseller.0, agent_id, wish, NOBODY, stamp))
}

/// Sets which addresses an agent is asked to search, and which it leaves alone.
pub fn ranges(
    portal: &Portal,
    reseller: &NewReseller,
    agent_id: &str,
    ranges: &[String],
    excluded: &[String],
) -> Result<(), SetupError> {
    ask(portal, reseller, agent_id, &Wish::Ranges { ranges: ranges.to_vec(), excluded: excluded.to_vec() })
}

/// Asks an agent to read at its next contact.
pub fn collect_now(portal: &Portal, reseller: &NewReseller, agent_id: &str) -> Result<(), SetupError> {
    ask(portal, reseller, agent_id, &Wish::Collect)
}

/// Sets the lease that an agent shares with others of its customer; empty for none.
pub fn lease(portal: &Portal, reseller: &NewReseller, agent_id: &str, name: &str) -> Result<(), SetupError> {
    ask(portal, reseller, agent_id, &Wish::Lease(name.to_owned()))
}

/// Asks an agent to send no personal data, or leaves that to the customer's own policy.
pub fn drop_personal(portal: &Portal, reseller: &NewReseller, agent_id: &str, drop: bool) -> Result<(), SetupError> {
    ask(portal, reseller, agent_id, &Wish::DropPersonal(drop))
}

/// Waits for the six digits of an agent under a name: its printer's serial number, else its host. Announcing
/// it again ends what came of it before.
pub fn announce(portal: &Portal, reseller: &NewReseller, customer_id: i64, name: &str) -> Result<(), SetupError> {
    changed(portal, "the customer", |tx, stamp| {
        ingest::announce_comparison(tx, &reseller.0, customer_id, name, stamp.at)
    })
}

/// Approves the agent that shows these six digits; gives its id. The error is one of the words `unknown`,
/// `waiting`, `wrong` and `expired`.
pub fn approve_comparison(
    portal: &Portal,
    reseller: &NewReseller,
    customer_id: i64,
    serial: &str,
    digits: &str,
) -> Result<String, SetupError> {
    let around = (portal.keys(), portal.surroundings());
    let approval = portal.db().write_now(|tx| {
        ingest::approve_comparison_now(tx, around, &reseller.0, customer_id, (serial, digits), NOBODY)
    })?;
    match approval {
        Approval::Done { agent_id } => Ok(agent_id),
        Approval::Unknown => Err(SetupError::Unfit("unknown".to_owned())),
        Approval::Waiting => Err(SetupError::Unfit("waiting".to_owned())),
        Approval::Wrong => Err(SetupError::Unfit("wrong".to_owned())),
        Approval::Expired => Err(SetupError::Unfit("expired".to_owned())),
    }
}

/// Takes a manufacturer's list of serial numbers and secrets; gives how many printers were new.
pub fn import_factory(portal: &Portal, printers: Vec<(String, Hex<32>)>) -> Result<usize, SetupError> {
    let (keys, surroundings) = (portal.keys(), portal.surroundings());
    Ok(portal.db().write_now(|tx| ingest::import_factory(tx, keys, surroundings, printers))?)
}

/// Claims a printer from a manufacturer's list for a customer. The error is one of the words `unknown` and
/// `taken`.
pub fn claim_factory(
    portal: &Portal,
    reseller: &NewReseller,
    customer_id: i64,
    serial: &str,
    label: &str,
) -> Result<(), SetupError> {
    let (now, label) = (portal.surroundings().now(), (serial, label));
    let claim =
        portal.db().write_now(|tx| ingest::claim_factory_now(tx, &reseller.0, customer_id, label, (NOBODY, now)))?;
    match claim {
        Claim::Done => Ok(()),
        Claim::Unknown => Err(SetupError::Unfit("unknown".to_owned())),
        Claim::Taken => Err(SetupError::Unfit("taken".to_owned())),
    }
}

/// Withdraws the claim of a printer that did not use it yet, or whose agent was revoked or left.
pub fn withdraw_factory(
    portal: &Portal,
    reseller: &NewReseller,
    customer_id: i64,
    serial: &str,
    label: &str,
) -> Result<(), SetupError> {
    changed(portal, "the claim", |tx, _| ingest::withdraw_factory_now(tx, &reseller.0, customer_id, (serial, label)))
}

/// Adds a contract of a customer, its first version in force from `valid_from`.
pub fn contract(
    portal: &Portal,
    reseller: &NewReseller,
    customer_id: i64,
    number: &str,
    terms: &Terms,
    (valid_from, person_id): (Instant, i64),
) -> Result<i64, SetupError> {
    let surroundings = portal.surroundings();
    let contract_id = new_id(surroundings);
    let number = number.to_owned();
    let contract = contracts::NewContract { contract_id, customer_id, number, terms, valid_from, person_id };
    portal.db().write_now(|tx| contracts::insert_contract(tx, &reseller.0, &contract, surroundings.now()))?;
    Ok(contract_id)
}

/// Puts a printer into a contract from `from_at` on; it takes part from then on.
pub fn assign(
    portal: &Portal,
    reseller: &NewReseller,
    contract_id: i64,
    printer_id: i64,
    from_at: Instant,
) -> Result<(), SetupError> {
    let stamp = Stamp::of(portal.surroundings());
    portal.db().write_now(|tx| -> Result<(), DbError> {
        contracts::hold_stays(tx, &reseller.0)?;
        contracts::assign_printer(tx, &reseller.0, contract_id, printer_id, from_at, None)?;
        contracts::stay_changed(tx, &reseller.0, (contract_id, printer_id), from_at, stamp.at)?;
        change::participate(tx, &reseller.0, printer_id, true, NOBODY, stamp)?;
        Ok(())
    })?;
    Ok(())
}

/// Draws up the statement of a period; gives the draft's id.
pub fn statement(portal: &Portal, reseller: &NewReseller, contract_id: i64, period: Period) -> Result<i64, SetupError> {
    Ok(statements::draw(portal, &reseller.0, contract_id, period, NOBODY)?.statement_id)
}

/// What is signed for red printers where nobody is there to look.
const SET_UP: &str = "Set up without anybody to look at it.";

/// Approves and issues a statement that was drawn up. Red printers are signed for.
pub fn approve(portal: &Portal, reseller: &NewReseller, statement_id: i64, person_id: i64) -> Result<(), SetupError> {
    let (scope, act) = (&reseller.0, Act::of(portal, Some(person_id)));
    portal.db().write_now(|tx| -> Result<(), crate::shell::Error> {
        sign_red(tx, scope, statement_id, act)?;
        statements::approve(tx, scope, statement_id, act)?;
        statements::issue(tx, scope, statement_id, act)?;
        Ok(())
    })?;
    Ok(())
}

fn sign_red(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    statement_id: i64,
    act: Act<'_>,
) -> Result<(), crate::shell::Error> {
    use statements::store;
    let stored = store::statement(tx, scope, statement_id)?.ok_or(crate::shell::Error::NotFound)?;
    let (contract_id, period_start) = (stored.contract_id, stored.statement.period.start);
    let signs = store::signs(tx, scope, contract_id, period_start, stored.revision)?;
    let mut open: BTreeSet<i64> = BTreeSet::new();
    for of in store::readiness(tx, scope, contract_id, period_start, stored.revision)? {
        let printer_id: i64 = of.printer.parse().unwrap_or(0);
        let is_signed = signs.iter().any(|sign| sign.is_for(printer_id, store::cause(&of)));
        if of.state.is_red() && !is_signed {
            open.insert(printer_id);
        }
    }
    for printer_id in open {
        let sign = Sign { statement_id, printer_id, cause: None, reason: SET_UP };
        statements::sign(tx, scope, &sign, act)?;
    }
    Ok(())
}

/// Approves a draft as a person does it, who has signed nothing.
pub fn approve_only(
    portal: &Portal,
    reseller: &NewReseller,
    statement_id: i64,
    person_id: i64,
) -> Result<(), SetupError> {
    let act = Act::of(portal, Some(person_id));
    Ok(portal.db().write_now(|tx| statements::approve(tx, &reseller.0, statement_id, act))?)
}

/// Makes an approved statement a draft again.
pub fn reopen(
    portal: &Portal,
    reseller: &NewReseller,
    statement_id: i64,
    person_id: i64,
    reason: &str,
) -> Result<(), SetupError> {
    let act = Act::of(portal, Some(person_id));
    Ok(portal.db().write_now(|tx| statements::reopen(tx, &reseller.0, statement_id, reason, act))?)
}

/// Issues an approved statement; gives its number as people know it.
pub fn issue(portal: &Portal, reseller: &NewReseller, statement_id: i64, person_id: i64) -> Result<String, SetupError> {
    let act = Act::of(portal, Some(person_id));
    Ok(portal.db().write_now(|tx| statements::issue(tx, &reseller.0, statement_id, act))?)
}

/// Signs a person's reason for a printer that holds a draft up, for what is wrong with it now.
pub fn sign(
    portal: &Portal,
    reseller: &NewReseller,
    statement_id: i64,
    printer_id: i64,
    person_id: i64,
    reason: &str,
) -> Result<(), SetupError> {
    let act = Act::of(portal, Some(person_id));
    let sign = Sign { statement_id, printer_id, cause: None, reason };
    Ok(portal.db().write_now(|tx| statements::sign(tx, &reseller.0, &sign, act))?)
}

/// Draws up corrections from an issued statement on; gives the ids of the drafts.
pub fn correct(
    portal: &Portal,
    reseller: &NewReseller,
    statement_id: i64,
    person_id: i64,
    reason: &str,
) -> Result<Vec<i64>, SetupError> {
    Ok(statements::correct(portal, &reseller.0, statement_id, Some(person_id), reason)?)
}

/// The evidence file of an issued statement.
pub fn bundle(portal: &Portal, reseller: &NewReseller, statement_id: i64) -> Result<Option<Vec<u8>>, SetupError> {
    Ok(portal.db().read_now(|tx| statements::bundle(tx, &reseller.0, portal.keys(), statement_id))?)
}

/// Across resellers: the machine's operator names one of them.
const NAMED: &str = "select reseller_id from reseller where name = $1 order by reseller_id limit 2";

/// Lets the next document of the reseller of this name have the number `next`, above every one that was given. Gives
/// what the next document was called before, and what it is called now.
///
/// # Errors
///
/// No reseller, or more than one, is called so, or the number is not above all others.
pub fn number_from(portal: &Portal, reseller: &str, next: i64) -> Result<(String, String), SetupError> {
    let named = portal.db().read_now(|tx| tx.query(NAMED, params![reseller], |row| row.int(0)))?;
    let [reseller_id] = named.as_slice() else {
        let how = if named.is_empty() { "no reseller is" } else { "more than one reseller is" };
        let words = format!("{how} called '{reseller}'; the name is taken exactly as it is written");
        return Err(SetupError::Unfit(words));
    };
    let scope = ResellerScope::of_run(*reseller_id);
    let names = portal.db().write_now(|tx| statements::number_from(tx, &scope, next))?;
    tracing::info!(next, "documents of a reseller go on from a later number");
    Ok(names)
}

const DOCUMENT: &str = "select document from statement where reseller_id = $1 and statement_id = $2";

/// The document of a statement, exactly as it is kept.
pub fn document(portal: &Portal, reseller: &NewReseller, statement_id: i64) -> Result<String, SetupError> {
    let params = params![reseller.0.reseller_id(), statement_id];
    let found = portal.db().read_now(|tx| tx.query_opt(DOCUMENT, params, |row| row.text(0)))?;
    found.ok_or_else(|| SetupError::Unfit(format!("statement {statement_id} is not this reseller's")))
}

/// Says why a counter of a printer broke; with nobody's name where `person_id` is none.
pub fn decide(
    portal: &Portal,
    reseller: &NewReseller,
    printer_id: i64,
    decision: &Decision,
    note: &str,
    person_id: Option<i64>,
) -> Result<(), SetupError> {
    changed(portal, "the printer", |tx, stamp| {
        readings::decide(tx, &reseller.0, printer_id, decision, note, person_id, stamp)
    })
}

/// Enters a reading by hand; its grade is that of a person's word, whatever `fact` says.
pub fn hand_reading(
    portal: &Portal,
    reseller: &NewReseller,
    printer_id: i64,
    fact: &ReadingFact,
    note: &str,
    person_id: i64,
) -> Result<(), SetupError> {
    let ReadingFact { meter, media, value, read_at, source, .. } = fact.clone();
    let (note, odd) = (note.to_owned(), String::new());
    let reading = readings::HandReading { printer_id, meter, media, value, read_at, source, note, odd };
    changed(portal, "the printer", |tx, stamp| {
        readings::enter(tx, &reseller.0, &[(reading, stamp.id)], person_id, stamp.at)
    })
}

/// Keeps an estimate as a fact.
pub fn estimate(
    portal: &Portal,
    reseller: &NewReseller,
    printer_id: i64,
    fact: &EstimateFact,
    person_id: Option<i64>,
) -> Result<(), SetupError> {
    let stamp = Stamp::of(portal.surroundings());
    portal.db().write_now(|tx| readings::keep_estimate(tx, &reseller.0, printer_id, fact, person_id, stamp))?;
    Ok(())
}

/// Keeps what happened to a contract. What rating works out itself, late readings and silences, is passed over.
pub fn event(
    portal: &Portal,
    reseller: &NewReseller,
    contract_id: i64,
    events: &Events,
    person_id: Option<i64>,
) -> Result<(), SetupError> {
    let (outages, credits) = (events.outages.iter().cloned(), events.credits.iter().cloned());
    let (supplies, purchases) = (events.supplies.iter().cloned(), events.purchases.iter().cloned());
    let all: Vec<Happened> = outages
        .map(Happened::Outage)
        .chain(credits.map(Happened::Credit))
        .chain(supplies.map(Happened::Supply))
        .chain(purchases.map(Happened::Purchase))
        .chain(events.exit.map(Happened::Exit))
        .collect();
    portal.db().write_now(|tx| -> Result<(), crate::shell::Error> {
        let contract = statements::store::contract(tx, &reseller.0, contract_id, Instant(i64::MAX))?;
        for happened in &all {
            let Stamp { id, at } = Stamp::of(portal.surroundings());
            let zone = contract.terms.time_zone.as_str();
            let new = NewEvent { event_id: id, contract_id, happened, zone, person_id, entered_at: at };
            statements::insert_event(tx, &reseller.0, &new)?;
        }
        Ok(())
    })?;
    Ok(())
}
