//! Builds the frame around a page.

use super::page::{
    Assets, Chrome, Flash, Frame, NavCounts, Tone, customer_navigation, navigation, operator_navigation,
};
use super::{ResellerScope, Role, Signed};
use crate::Portal;
use crate::db::{DbError, Tx, params};

const COUNTS: &str = "select
    (select count(*) from printer where reseller_id = $1),
    (select count(*) from statement where reseller_id = $1 and state in ('draft', 'approved')),
    (select count(*) from contract where reseller_id = $1),
    (select count(*) from customer where reseller_id = $1),
    (select count(*) from agent where reseller_id = $1)";

/// What an act did, by the word that its redirect carries as `?done=`.
const DONE: &[(&str, &str)] = &[
    ("customer", "The customer was added."),
    ("contract", "The contract was saved."),
    ("version", "The new version was saved."),
    ("version-back", "The new version was saved. Correct the statements that were issued before it."),
    ("proposed", "It changes prices, so it waits: it counts once another person approves it."),
    ("approved-version", "The version was approved. It counts from its first day."),
    ("refused", "The version was refused. It never counts."),
    ("settings", "The settings were saved."),
    ("eyes-asked", "The settings were saved. A second person stays needed until another person agrees to do without."),
    ("eyes-kept", "New versions that change a price still need a second person."),
    ("eyes-off", "From now on one person is enough for a new version."),
    ("logo", "The logo was kept. It stands on what is issued from now on."),
    ("logo-gone", "The logo was removed. What was issued with it keeps it."),
    ("template", "The template was kept."),
    ("template-gone", "The template was removed. Contracts that were started from it stay as they are."),
    ("prices", "The prices were changed: each contract has a new version."),
    ("prices-proposed", "The new prices wait: each version counts once another person approves it."),
    ("cost", "The cost was kept."),
    ("assigned", "The printer was assigned; its usage counts from the date given."),
    ("unassigned", "The printer was taken out of the contract."),
    ("statement", "The statement was drawn up."),
    ("approved", "The statement was approved."),
    ("issued", "The statement was issued."),
    ("reopened", "The statement is a draft again."),
    ("discarded", "The draft was thrown away. Who did it and why stands on its contract's page."),
    ("corrected", "The correction was drawn up. It counts when it is issued."),
    ("objected", "Your objection was kept. Your reseller reads it and answers here."),
    ("objection-agreed", "Your answer was kept. Enter what was wrong, then correct this statement below."),
    ("objection-declined", "Your answer was kept. The customer reads it here."),
    ("run", "The billing run has started. Load this page again to see how far it is."),
    ("estimated", "The estimate was made by the contract's rule. A reading that arrives later replaces it."),
    ("signed", "Your reason was kept. It holds for what stands there now."),
    ("decided", "The decision was kept. The next statement counts by it."),
    ("entered", "The readings were entered."),
    ("unit", "The unit was declared."),
    ("party", "The details were kept. They stand on the next statement."),
    (
        "party-since",
        "The details were kept. Issued periods from that day on are looked at again with the next statement, as far \
         back as the contract says.",
    ),
    ("site", "The site was added. Say of each printer since when it stands there."),
    ("index", "The value was kept."),
    ("index-gone", "The value was taken back."),
    ("taken-back", "It was withdrawn. What rested on it is worked out anew."),
    ("imported", "The readings were imported."),
    ("swapped", "The new printer takes the old one's place."),
    ("moved", "The printer belongs to the other site from that day on."),
    ("event", "The event was kept. The next statement counts it."),
    ("person", "The person can sign in now."),
    ("closed", "The person cannot sign in any more."),
    ("reseller", "The reseller was added."),
    ("interval", "The agent gets the new interval at its next contact."),
    ("ranges", "The agent gets the new addresses at its next contact; what its own side has not allowed waits there."),
    ("collect", "The agent reads its printers at its next contact."),
    ("lease", "The agents get the new name at their next contact."),
    ("personal", "The agent gets the change at its next contact."),
    ("suspended", "The agent was suspended. What it sends is kept apart until you let it go on."),
    ("resumed", "The agent goes on. What was kept apart counts now."),
    ("released", "What was kept apart of the agent counts now."),
    ("revoked", "The agent was revoked. Nothing it sends is taken any more."),
    ("cancelled", "Enrolment files that nobody used yet work no more."),
    ("announced", "Start the enrolment at the printer's panel within 24 hours, then type its digits here."),
    ("panel", "The printer was enrolled. It confirms by itself within two minutes."),
    ("withdrawn", "The claim was withdrawn. Whoever has serial number and label can claim the printer."),
    ("factory", "The printer belongs to this customer now. It enrols itself at its next start."),
    ("everything", "Every supported printer that an agent finds takes part from its next contact on."),
    ("listed", "Only printers that you mark take part from the next contact on."),
    ("participating", "The printer takes part. It is read from its agent's next contact on."),
    ("stopped", "The capture of this printer stops at its agent's next contact. What was read is kept."),
];

/// The frame of a page without a session.
pub(crate) fn frame(portal: &Portal, title: &str) -> Frame {
    Frame { assets: Assets::current(), title: title.to_owned(), demo: portal.config().demo.clone() }
}

/// The frame of a page of `signed` at the list `here`. `done` is the word of the last act, from the query.
pub(crate) fn chrome(
    tx: &mut Tx<'_>,
    portal: &Portal,
    signed: &Signed,
    scope: Option<&ResellerScope>,
    (here, title): (&'static str, &str),
    done: Option<&str>,
) -> Result<Chrome, DbError> {
    let groups = match (signed.role, scope) {
        (Role::Reseller, Some(scope)) => navigation(here, &counts(tx, scope)?),
        (Role::Customer, _) => customer_navigation(here),
        _ => operator_navigation(),
    };
    let home = match signed.role {
        Role::Operator => "/operator",
        Role::Reseller => "/",
        Role::Customer => "/my",
    };
    let sentence = DONE.iter().find(|(word, _)| Some(*word) == done).map(|(_, sentence)| (*sentence).to_owned());
    Ok(Chrome {
        assets: Assets::current(),
        title: title.to_owned(),
        home,
        groups,
        search: signed.role == Role::Reseller,
        tenant: signed.tenant.clone(),
        who: signed.name.clone(),
        role: signed.role.word().to_owned(),
        csrf: signed.form_token.clone(),
        flash: sentence.map(|text| Flash { tone: Tone::Good, text }),
        demo: portal.config().demo.clone(),
    })
}

fn counts(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<NavCounts, DbError> {
    let counts = tx.query_opt(COUNTS, params![scope.reseller_id()], |row| {
        Ok(NavCounts {
            home: None,
            printers: Some(row.int(0)?),
            statements: Some(row.int(1)?),
            contracts: Some(row.int(2)?),
            customers: Some(row.int(3)?),
            agents: Some(row.int(4)?),
        })
    })?;
    Ok(counts.unwrap_or_default())
}
