//! The SQL of people.
//!
//! Deliberately absent: reading a session, which the shell does for every page.

use crate::db::{DbError, Tx, params};
use crate::shell::part::{Part, ROWS};
use crate::shell::{ResellerScope, Role};
use report::{Duration, Instant};

/// Customers that the form of an invitation offers.
const CUSTOMERS_MAX: i64 = 500;
/// Sessions are kept this long, so that a person's last visit is known: the longest that one lasts.
const SESSION_KEPT: Duration = Duration::hours(-30 * 24);

const INSERT: &str = "insert into person (person_id, email, name, role, reseller_id, customer_id, password_hash,
    created_at) values ($1, $2, $3, $4, $5, $6, $7, $8)";
/// Across resellers: an address is how somebody who signs in becomes known.
const FIND: &str = "select person_id, role, password_hash from person where email = $1 and disabled_at is null";
/// Across resellers: it touches only the sessions of the person who just signed in.
const FORGET: &str = "delete from session where person_id = $1 and created_at < $2";
/// Across resellers: whoever holds the session's id may end it.
const END: &str = "update session set expires_at = $2, seen_at = $2 where session_hash = $1 and expires_at > $2";
const COUNT: &str = "select count(*) from person where reseller_id = $1";
const LIST: &str = "select person.person_id, person.name, person.email, person.role, customer.name, person.disabled_at,
    (select max(session.seen_at) from session where session.person_id = person.person_id)
    from person
    left join customer on customer.reseller_id = person.reseller_id and customer.customer_id = person.customer_id
    where person.reseller_id = $1
    order by case when person.disabled_at is null then 0 else 1 end, lower(person.name), person.person_id
    limit $2 offset $3";
const CLOSE: &str =
    "update person set disabled_at = coalesce(disabled_at, $3) where reseller_id = $1 and person_id = $2";
const CUSTOMERS: &str = "select customer_id, name from customer where reseller_id = $1
    order by case when customer_id = $2 then 0 else 1 end, lower(name), customer_id limit $3";
const CUSTOMER: &str = "select count(*) from customer where reseller_id = $1 and customer_id = $2";

/// Somebody who is to be able to sign in.
pub(crate) struct NewPerson {
    /// Their id.
    pub(crate) person_id: i64,
    /// Their address, by which they sign in; capital letters make no difference.
    pub(crate) email: String,
    /// Their name.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
    /// The reseller they work for, or whose customer they work for.
    pub(crate) reseller_id: Option<i64>,
    /// The customer they work for.
    pub(crate) customer_id: Option<i64>,
    /// The PHC string of `hash_password`.
    pub(crate) password_hash: String,
}

/// Lets somebody sign in. An address that is taken is a conflict.
pub(crate) fn insert_person(tx: &mut Tx<'_>, person: &NewPerson, now: Instant) -> Result<(), DbError> {
    let NewPerson { person_id, email, name, role, reseller_id, customer_id, password_hash } = person;
    let email = email.to_lowercase();
    let role = role.word();
    tx.execute(INSERT, params![*person_id, email, name, role, *reseller_id, *customer_id, password_hash, now])?;
    Ok(())
}

/// Somebody who may sign in.
pub(super) struct Known {
    pub(super) person_id: i64,
    pub(super) role: String,
    pub(super) password_hash: String,
}

/// Who signs in with `email`, which is in small letters.
pub(super) fn find(tx: &mut Tx<'_>, email: &str) -> Result<Option<Known>, DbError> {
    tx.query_opt(FIND, params![email], |row| {
        Ok(Known { person_id: row.int(0)?, role: row.text(1)?, password_hash: row.text(2)? })
    })
}

/// Forgets the sessions of a person that ended long ago.
pub(super) fn forget_sessions(tx: &mut Tx<'_>, person_id: i64, now: Instant) -> Result<(), DbError> {
    tx.execute(FORGET, params![person_id, now.plus(SESSION_KEPT)])?;
    Ok(())
}

/// Ends a session.
pub(super) fn end_session(tx: &mut Tx<'_>, session_hash: &[u8], now: Instant) -> Result<(), DbError> {
    tx.execute(END, params![session_hash, now])?;
    Ok(())
}

/// Somebody in the list.
pub(super) struct Listed {
    pub(super) person_id: i64,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) role: String,
    pub(super) customer: Option<String>,
    pub(super) disabled_at: Option<Instant>,
    pub(super) seen_at: Option<Instant>,
}

/// How many people the reseller and its customers have here, closed ones among them.
pub(super) fn count(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<i64, DbError> {
    tx.count(COUNT, params![scope.reseller_id()])
}

/// One part of those people, closed ones last.
pub(super) fn list(tx: &mut Tx<'_>, scope: &ResellerScope, part: Part) -> Result<Vec<Listed>, DbError> {
    tx.query(LIST, params![scope.reseller_id(), ROWS, part.skipped()], |row| {
        Ok(Listed {
            person_id: row.int(0)?,
            name: row.text(1)?,
            email: row.text(2)?,
            role: row.text(3)?,
            customer: row.opt_text(4)?,
            disabled_at: row.opt_int(5)?.map(Instant),
            seen_at: row.opt_int(6)?.map(Instant),
        })
    })
}

/// Lets a person sign in no more; says whether there is such a person.
pub(super) fn close(tx: &mut Tx<'_>, scope: &ResellerScope, person_id: i64, now: Instant) -> Result<bool, DbError> {
    Ok(tx.execute(CLOSE, params![scope.reseller_id(), person_id, now])? > 0)
}

/// Id and name of customers, `first` before the others.
pub(super) fn customers(tx: &mut Tx<'_>, scope: &ResellerScope, first: i64) -> Result<Vec<(i64, String)>, DbError> {
    let params = params![scope.reseller_id(), first, CUSTOMERS_MAX];
    tx.query(CUSTOMERS, params, |row| Ok((row.int(0)?, row.text(1)?)))
}

/// Whether the reseller has this customer.
pub(super) fn has_customer(tx: &mut Tx<'_>, scope: &ResellerScope, customer_id: i64) -> Result<bool, DbError> {
    Ok(tx.count(CUSTOMER, params![scope.reseller_id(), customer_id])? > 0)
}
