//! Seller and buyer on the electronic invoice of an issued document, also where they were not known at its issue.
//!
//! They are those of the document. A field that was empty then is taken from the details of the day on which the first
//! invoice of a profile is made, and kept: the same document gives the same invoice ever after. One of another profile
//! names the parties of the first, and takes only what that one lacks; that of a note begins with those that the
//! invoice of the document that it corrects names. Deliberately absent: changing what was kept, and the invoice itself.

use super::export::{self, Filled};
use super::gather;
use super::store::Stored;
use crate::db::{DbError, Tx, params};
use crate::shell::format::{self, Zone};
use crate::shell::{Error, ResellerScope};
use billing::Parties;
use documents::Profile;
use report::Instant;

const KEPT: &str = "select profile, parties, made_at from invoice_party
    where reseller_id = $1 and statement_id = $2 order by made_at, profile";
const KEEP: &str = "insert into invoice_party (reseller_id, statement_id, profile, parties, made_at)
    values ($1, $2, $3, $4, $5) on conflict (reseller_id, statement_id, profile) do nothing";

/// Who stands on an electronic invoice.
pub(super) struct Named {
    pub(super) parties: Parties,
    /// Whether a party is called otherwise now, so that nothing was filled in from it.
    pub(super) is_renamed: bool,
    /// Whether an invoice of the profile was made before, so that they stay as they are.
    pub(super) is_kept: bool,
}

/// What an invoice was made with first.
struct Kept {
    profile: String,
    parties: Parties,
    made_at: Instant,
}

/// What is kept of a document's invoices, the first one first.
fn kept(tx: &mut Tx<'_>, scope: &ResellerScope, statement_id: i64) -> Result<Vec<Kept>, DbError> {
    tx.query(KEPT, params![scope.reseller_id(), statement_id], |row| {
        let parties = serde_json::from_str(&row.text(1)?)?;
        Ok(Kept { profile: row.text(0)?, parties, made_at: Instant(row.int(2)?) })
    })
}

/// Who stands on the invoice of an issued document by the rules of `profile`.
pub(super) fn parties(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    stored: &Stored,
    profile: Profile,
) -> Result<Named, DbError> {
    let mut kept = kept(tx, scope, stored.statement_id)?;
    if let Some(place) = kept.iter().position(|kept| kept.profile == export::word(profile)) {
        return Ok(Named { parties: kept.swap_remove(place).parties, is_renamed: false, is_kept: true });
    }
    let mut parties = match kept.into_iter().next() {
        Some(first) => first.parties,
        None => own(tx, scope, stored)?,
    };
    let now = gather::parties(tx, scope, stored.customer_id)?;
    let Filled { is_renamed, .. } = export::fill(&mut parties, stored.statement.payer.as_deref(), &now);
    Ok(Named { parties, is_renamed, is_kept: false })
}

/// Who stands on a document; of a note, what it lacks is as the invoice of the document that it corrects says it, so
/// that both name the same.
fn own(tx: &mut Tx<'_>, scope: &ResellerScope, stored: &Stored) -> Result<Parties, DbError> {
    let (mut own, payer) = (stored.statement.parties.clone(), stored.statement.payer.as_deref());
    let Some(corrects) = stored.corrects else { return Ok(own) };
    if let Some(first) = kept(tx, scope, corrects)?.into_iter().next() {
        export::fill(&mut own, payer, &of_payer(first.parties, payer));
    }
    Ok(own)
}

/// Keeps whom the first invoice of a profile names.
///
/// # Errors
///
/// Another one was made at the same moment, with other details.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    (statement_id, profile): (i64, Profile),
    parties: &Parties,
    now: Instant,
) -> Result<(), Error> {
    let (word, text) = (export::word(profile), serde_json::to_string(parties).map_err(DbError::from)?);
    tx.execute(KEEP, params![scope.reseller_id(), statement_id, word, text, now])?;
    let all = kept(tx, scope, statement_id)?;
    if all.iter().any(|kept| kept.profile == word && kept.parties == *parties) {
        return Ok(());
    }
    let words = "Somebody made this electronic invoice at the same moment. Take it again.";
    Err(Error::Conflict(words.to_owned()))
}

/// What the electronic invoice of an issued document says beyond it, for its page; `None` where it says nothing
/// else.
pub(super) fn filled(tx: &mut Tx<'_>, scope: &ResellerScope, stored: &Stored) -> Result<Option<String>, DbError> {
    if !stored.is_issued() {
        return Ok(None);
    }
    let payer = stored.statement.payer.as_deref();
    let mut own = stored.statement.parties.clone();
    let zone = Zone::new(&stored.statement.time_zone).unwrap_or_else(Zone::utc);
    // One of another profile may have taken more than the first.
    let mut known: Vec<(String, Parties)> = Vec::new();
    for Kept { parties, made_at, .. } in kept(tx, scope, stored.statement_id)? {
        let day = format::day(made_at, &zone);
        let words = format!("stands in its electronic invoice as it was known on {day}, when that was first made");
        known.push((words, of_payer(parties, payer)));
    }
    if known.is_empty() {
        own = self::own(tx, scope, stored)?;
        let words = "is taken from today's details when its electronic invoice is first made, and stays so then";
        known.push((words.to_owned(), gather::parties(tx, scope, stored.customer_id)?));
    }
    let mut told = Vec::new();
    for (words, known) in known {
        let Filled { fields, .. } = export::fill(&mut own, payer, &known);
        if !fields.is_empty() {
            told.push(format!("What was not known when this was issued {words}: {}.", fields.join(", ")));
        }
    }
    Ok((!told.is_empty()).then(|| told.join(" ")))
}

/// The parties of a payer's document as a customer's are known: its buyer is the payer.
fn of_payer(mut parties: Parties, payer: Option<&str>) -> Parties {
    if let (Some(payer), Some(buyer)) = (payer, parties.buyer.clone()) {
        parties.payers.insert(payer.to_owned(), buyer);
    }
    parties
}
