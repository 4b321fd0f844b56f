//! Sessions: a 256-bit id in a cookie, stored hashed, with idle and absolute expiry.

use super::error::Error;
use super::tenancy::{ResellerScope, Role};
use crate::Portal;
use crate::db::{DbError, Tx, params};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use protocol::{Hex, sha256};
use report::{Duration, Instant, Surroundings};

/// The session's cookie.
pub(crate) const SESSION_COOKIE: &str = "plotmeter_session";
/// Without a request for this long, a session ends.
const IDLE: Duration = Duration::hours(7 * 24);
/// A session ends after this long in any case.
const ABSOLUTE: Duration = Duration::hours(30 * 24);
/// The last use is written down at most this often.
const SEEN_STEP: Duration = Duration::minutes(10);

const OPEN: &str = "insert into session (session_hash, person_id, form_token, created_at, seen_at, expires_at)
    values ($1, $2, $3, $4, $4, $5)";
/// Across resellers: a session's cookie is how a person's reseller becomes known.
const FIND: &str = "select person.person_id, person.name, person.role, person.reseller_id, person.customer_id,
    session.form_token, session.seen_at, session.expires_at, reseller.name, customer.name
    from session join person on person.person_id = session.person_id
    left join reseller on reseller.reseller_id = person.reseller_id
    left join customer on customer.reseller_id = person.reseller_id and customer.customer_id = person.customer_id
    where session.session_hash = $1 and person.disabled_at is null";
const SEEN: &str = "update session set seen_at = $2 where session_hash = $1";

/// Somebody signed in.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    /// Their id.
    pub(crate) person_id: i64,
    /// Their name.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
    /// The token of their forms.
    pub(crate) form_token: String,
    /// Whose data they see: the reseller's name, the customer's for its own people, or the portal's.
    pub(crate) tenant: String,
    scope: Option<ResellerScope>,
}

impl Signed {
    /// Whether a form's token is this session's.
    pub(super) fn owns_token(&self, token: &str) -> bool {
        same_token(token, &self.form_token)
    }
}

/// Whether two tokens are the same. Both are hashed, so that the time it takes tells nothing about them.
pub(crate) fn same_token(one: &str, other: &str) -> bool {
    sha256(&[one.as_bytes()]) == sha256(&[other.as_bytes()])
}

/// What is kept of a session's id.
pub(crate) fn session_hash(id: &str) -> Vec<u8> {
    sha256(&[b"plotmeter/session", id.as_bytes()]).to_vec()
}

/// Opens a session and gives the cookie's value.
pub(crate) fn open_session(tx: &mut Tx<'_>, person_id: i64, surroundings: &Surroundings) -> Result<String, DbError> {
    let id = Hex(surroundings.random::<32>()).to_string();
    let token = Hex(surroundings.random::<16>()).to_string();
    let now = surroundings.now();
    tx.execute(OPEN, params![session_hash(&id), person_id, token, now, now.plus(ABSOLUTE)])?;
    Ok(id)
}

/// The value of the cookie called `wanted` that a request brought.
pub(crate) fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
}

fn find(tx: &mut Tx<'_>, hash: &[u8], now: Instant) -> Result<Option<(Signed, bool)>, DbError> {
    let found = tx.query_opt(FIND, params![hash], |row| {
        let (reseller, customer) = (row.opt_int(3)?, row.opt_int(4)?);
        let role = Role::parse(&row.text(2)?).ok_or(DbError::Shape { column: 2, wanted: "a role" })?;
        let tenant = match role {
            Role::Operator => None,
            Role::Reseller => row.opt_text(8)?,
            Role::Customer => row.opt_text(9)?,
        };
        let scope = match (role, reseller, customer) {
            (Role::Reseller, Some(reseller), _) => Some(ResellerScope::proved(reseller, None)),
            (Role::Customer, Some(reseller), Some(customer)) => Some(ResellerScope::proved(reseller, Some(customer))),
            _ => None,
        };
        let signed = Signed {
            person_id: row.int(0)?,
            name: row.text(1)?,
            role,
            form_token: row.text(5)?,
            tenant: tenant.unwrap_or_else(|| "Portal operation".to_owned()),
            scope,
        };
        Ok((signed, Instant(row.int(6)?), Instant(row.int(7)?)))
    })?;
    Ok(found.and_then(|(signed, seen, expires)| {
        let alive = now < expires && now.since(seen) < IDLE;
        alive.then(|| (signed, now.since(seen) > SEEN_STEP))
    }))
}

impl FromRequestParts<Portal> for Signed {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Signed, Error> {
        let here = if parts.method == axum::http::Method::GET { parts.uri.path() } else { "/" };
        let sign_in = || Error::SignIn(here.to_owned());
        let hash = session_hash(&cookie(&parts.headers, SESSION_COOKIE).ok_or_else(sign_in)?);
        let now = portal.surroundings().now();
        let looked_up = hash.clone();
        let found = portal.db().read(move |tx| find(tx, &looked_up, now)).await?;
        let (signed, write_seen) = found.ok_or_else(sign_in)?;
        if write_seen {
            portal.db().write(move |tx| tx.execute(SEEN, params![hash, now])).await?;
        }
        Ok(signed)
    }
}

macro_rules! user {
    ($(#[$doc:meta])* $name:ident, $role:pat) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub(crate) struct $name {
            /// Who.
            pub(crate) signed: Signed,
            /// Whose data they may see.
            pub(crate) scope: ResellerScope,
        }

        impl TryFrom<Signed> for $name {
            type Error = Error;

            /// Anybody else gets the answer that a page which does not exist gives.
            fn try_from(signed: Signed) -> Result<$name, Error> {
                match (signed.role, &signed.scope) {
                    ($role, Some(scope)) => Ok($name { scope: scope.clone(), signed }),
                    _ => Err(Error::NotFound),
                }
            }
        }

        impl FromRequestParts<Portal> for $name {
            type Rejection = Error;

            async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<$name, Error> {
                $name::try_from(Signed::from_request_parts(parts, portal).await?)
            }
        }
    };
}

user!(
    /// Somebody who works for a reseller.
    ResellerUser,
    Role::Reseller
);
user!(
    /// Somebody who works for a customer. The scope is narrowed to that customer.
    CustomerUser,
    Role::Customer
);

/// Somebody who runs the portal. There is no scope: an operator sees no reseller's data.
#[derive(Debug, Clone)]
pub(crate) struct OperatorUser {
    /// Who.
    pub(crate) signed: Signed,
}

impl TryFrom<Signed> for OperatorUser {
    type Error = Error;

    fn try_from(signed: Signed) -> Result<OperatorUser, Error> {
        if signed.role == Role::Operator { Ok(OperatorUser { signed }) } else { Err(Error::NotFound) }
    }
}

impl FromRequestParts<Portal> for OperatorUser {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<OperatorUser, Error> {
        OperatorUser::try_from(Signed::from_request_parts(parts, portal).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("x=1; plotmeter_form=abc"));
        headers.append(header::COOKIE, HeaderValue::from_static("plotmeter_session=def"));
        assert_eq!(cookie(&headers, "plotmeter_form").as_deref(), Some("abc"));
        assert_eq!(cookie(&headers, SESSION_COOKIE).as_deref(), Some("def"));
        assert_eq!(cookie(&headers, "y"), None);
    }
}
