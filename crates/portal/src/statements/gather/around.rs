//! What a statement is made from beside its printers: sites, parties, index values, and what people or long
//! silences say happened.
//!
//! Deliberately absent: what any of it costs, which the clauses say, and events of other periods.

use super::super::draw::SLACK;
use super::super::events_store::Happened;
use super::super::facts::{self, Asked, DAY, Sets};
use super::super::store::{Contract, Past};
use super::People;
use crate::db::{DbError, Tx, params};
use crate::shell::{Error, ResellerScope};
use billing::clauses::{late_reading::LateReading, monitoring::Monitoring};
use billing::{
    Clause, Day, Events, Evidence, IndexValue, LateFact, Parties, Party, Period, PrinterFacts, Silence, Site, Tables,
    Terms, UnitPrice,
};
use report::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};

const SITES: &str = "select site.site_id, site.name, site.details from site
    where site.reseller_id = $1 and site.customer_id = $2";
/// The reseller itself stands under no customer. Of several rows of one party the newest counts.
const PARTIES: &str = "select party.role, party.name, party.details, party.created_at, party.since_day from party
    where party.reseller_id = $1 and (party.customer_id = $2 or party.customer_id = 0)
    order by party.created_at, party.party_id";
const AUTHOR: &str = "select coalesce(person.name, '')
    from contract_version as made left join person on person.person_id = made.person_id
    where made.reseller_id = $1 and made.contract_id = $2 and made.version = $3";
const INDICES: &str = "select index_value.name, index_value.day, index_value.value from index_value
    where index_value.reseller_id = $1 order by index_value.name, index_value.day";
const EVENTS: &str = "select happened.kind, happened.details, coalesce(person.name, '')
    from billing_event as happened left join person on person.person_id = happened.person_id
    where happened.reseller_id = $1 and happened.contract_id = $2 and happened.withdrawn_at is null
    and happened.end_at >= $3 and (happened.start_at < $4 or happened.kind = 'exit')
    order by happened.start_at, happened.event_id";

/// The first clause about silence.
fn monitoring(terms: &Terms) -> Option<&Monitoring> {
    terms.clauses.iter().find_map(|clause| match clause {
        Clause::Monitoring(monitoring) => Some(monitoring),
        _ => None,
    })
}

/// The first clause about late readings.
fn late_reading(terms: &Terms) -> Option<&LateReading> {
    terms.clauses.iter().find_map(|clause| match clause {
        Clause::LateReading(late) => Some(late),
        _ => None,
    })
}

/// The sites that `facts` name.
pub(super) fn sites(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
    facts: &[PrinterFacts],
) -> Result<BTreeMap<String, Site>, DbError> {
    let named: BTreeSet<&str> =
        facts.iter().flat_map(|facts| &facts.stays).filter_map(|stay| stay.site.as_deref()).collect();
    let all = tx.query(SITES, params![scope.reseller_id(), customer_id], |row| {
        let (name, details) = (row.text(1)?, row.text(2)?);
        let site: Site = if details.is_empty() { Site::default() } else { serde_json::from_str(&details)? };
        let site = if site.name.is_empty() { Site { name, ..site } } else { site };
        Ok((row.int(0)?.to_string(), site))
    })?;
    Ok(all.into_iter().filter(|(id, _)| named.contains(id.as_str())).collect())
}

/// What somebody is to a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Seller,
    Buyer,
    /// Somebody else who pays, by the name that contracts use.
    Payer(String),
}

impl Role {
    fn of<'a>(&self, parties: &'a Parties) -> Option<&'a Party> {
        match self {
            Role::Seller => parties.seller.as_ref(),
            Role::Buyer => parties.buyer.as_ref(),
            Role::Payer(name) => parties.payers.get(name),
        }
    }

    fn set(&self, parties: &mut Parties, party: Option<Party>) {
        match (self, party) {
            (Role::Seller, party) => parties.seller = party,
            (Role::Buyer, party) => parties.buyer = party,
            (Role::Payer(name), Some(party)) => {
                parties.payers.insert(name.clone(), party);
            }
            (Role::Payer(name), None) => {
                parties.payers.remove(name);
            }
        }
    }
}

/// Details of a party as somebody entered them.
#[derive(Debug, Clone)]
struct Details {
    role: Role,
    party: Party,
    at: Instant,
    /// Since when those before were wrong; `None`: they were right until these came.
    since: Option<Day>,
}

/// All details, in the order in which they were entered.
fn details(tx: &mut Tx<'_>, scope: &ResellerScope, customer_id: i64) -> Result<Vec<Details>, DbError> {
    tx.query(PARTIES, params![scope.reseller_id(), customer_id], |row| {
        let role = match row.text(0)?.as_str() {
            "seller" => Role::Seller,
            "buyer" => Role::Buyer,
            "payer" => Role::Payer(row.text(1)?),
            _ => return Err(DbError::Shape { column: 0, wanted: "seller, buyer or payer" }),
        };
        let since = row.opt_text(4)?.map(|day| Day::parse(&day)).transpose();
        Ok(Details {
            role,
            party: serde_json::from_str(&row.text(2)?)?,
            at: Instant(row.int(3)?),
            since: since.map_err(|_| DbError::Shape { column: 4, wanted: "a day" })?,
        })
    })
}

/// Who sells, who buys, and who else pays, as it is known now.
pub(in crate::statements) fn parties(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
) -> Result<Parties, DbError> {
    let mut parties = Parties::default();
    for Details { role, party, .. } in details(tx, scope, customer_id)? {
        role.set(&mut parties, Some(party));
    }
    Ok(parties)
}

/// What was entered of the parties of a customer, all of it.
pub(in crate::statements) struct EnteredParties(Vec<Details>);

/// Reads it.
pub(in crate::statements) fn entered_parties(
    tx: &mut Tx<'_>,
    scope: &ResellerScope,
    customer_id: i64,
) -> Result<EnteredParties, DbError> {
    Ok(EnteredParties(details(tx, scope, customer_id)?))
}

/// The parties that a billed period is rated with again: those that were billed, but where a person said since that
/// they had been wrong in it; and whether somebody did. `past` is what bills it, in the order of issue.
pub(in crate::statements) fn billed_parties(
    entered: &EnteredParties,
    zone: &str,
    (period, past): (Period, &[Past]),
) -> Result<(Parties, bool), DbError> {
    let last = Day::of(Instant(period.end.0.saturating_sub(1)), zone);
    let last = last.map_err(|error| DbError::Unfit(error.to_string()))?;
    let of_period = past.iter().filter(|of| of.statement.period == period);
    let documents = of_period.map(|of| (of.statement.payer.as_deref(), &of.statement.parties, of.rated_at));
    Ok(put_right(&entered.0, documents, last))
}

/// A party as the last of a period's documents names it, and when that was rated.
struct Named {
    party: Option<Party>,
    rated: Option<Instant>,
}

impl Named {
    /// What details that were entered then make of the party; `None` where they change nothing.
    ///
    /// What was entered shortly before the document was rated may not be on it. Of such details the last are: either
    /// they count from an earlier day on, or the document names them.
    fn after(&self, told: &Details, last: Day) -> Option<Option<Party>> {
        let since = |rated: Instant, slack: i64| told.at.0 >= rated.0.saturating_sub(slack);
        let is_said = told.since.is_some_and(|since| since <= last);
        let is_later = self.rated.is_none_or(|rated| since(rated, 0));
        let is_close = self.rated.is_none_or(|rated| since(rated, SLACK.0));
        match (is_said, is_later, is_close) {
            (true, _, true) => Some(Some(told.party.clone())),
            (false, false, true) => Some(self.party.clone()),
            _ => None,
        }
    }
}

/// The parties of documents of a period (each with its payer and when it was rated), and what was said of its `last`
/// day since. What a document did not know, it was rated without. A party that none could name, since others paid for
/// everything, is as it was known when the first of them was rated.
fn put_right<'a>(
    details: &[Details],
    documents: impl Iterator<Item = (Option<&'a str>, &'a Parties, Option<Instant>)>,
    last: Day,
) -> (Parties, bool) {
    let (mut parties, mut billed) = (Parties::default(), BTreeMap::new());
    let (mut first, mut newest): (Option<Instant>, Option<Instant>) = (None, None);
    for (payer, known, rated) in documents {
        let buyer = payer.map_or(Role::Buyer, |payer| Role::Payer(payer.to_owned()));
        let named = [(Role::Seller, known.seller.clone()), (buyer, known.buyer.clone())];
        let payers = known.payers.iter().map(|(name, party)| (Role::Payer(name.clone()), Some(party.clone())));
        for (role, party) in named.into_iter().chain(payers) {
            role.set(&mut parties, party.clone());
            billed.insert(role, Named { party, rated });
        }
        first = first.into_iter().chain(rated).min();
        newest = newest.max(rated);
    }
    let (before, mut is_changed) = (parties.clone(), false);
    for told in details {
        let Some(named) = billed.get(&told.role) else {
            let is_said = told.since.is_some_and(|since| since <= last);
            if is_said || first.is_none_or(|first| told.at <= first) {
                told.role.set(&mut parties, Some(told.party.clone()));
            }
            // What was said before the newest document was rated is settled by that.
            is_changed |= is_said && newest.is_some_and(|newest| told.at > newest);
            continue;
        };
        if let Some(party) = named.after(told, last) {
            told.role.set(&mut parties, party);
        }
    }
    let differs = |role: &Role| role.of(&parties) != role.of(&before);
    let is_changed = is_changed || billed.keys().any(differs);
    (parties, is_changed)
}

/// Who wrote the terms; empty where nobody is known.
pub(super) fn author(tx: &mut Tx<'_>, scope: &ResellerScope, contract: &Contract) -> Result<String, DbError> {
    let params = params![scope.reseller_id(), contract.contract_id, contract.version];
    Ok(tx.query_opt(AUTHOR, params, |row| row.text(0))?.unwrap_or_default())
}

/// The values of the indices that the terms name, until the period's end. No query where they name none.
pub(super) fn tables(tx: &mut Tx<'_>, scope: &ResellerScope, terms: &Terms, period: Period) -> Result<Tables, Error> {
    let index = |clause: &Clause| match clause {
        Clause::Escalation(escalation) => Some(escalation.index.clone()),
        _ => None,
    };
    let named: BTreeSet<String> = terms.clauses.iter().filter_map(index).filter(|name| !name.is_empty()).collect();
    if named.is_empty() {
        return Ok(Tables::default());
    }
    let odd = |what: String| DbError::Unfit(format!("an index value cannot be read: {what}"));
    let last = Day::of(period.end, &terms.time_zone).map_err(|error| Error::Conflict(format!("{error}.")))?;
    let mut tables = Tables::default();
    tx.query(INDICES, params![scope.reseller_id()], |row| {
        let name = row.text(0)?;
        if !named.contains(&name) {
            return Ok(());
        }
        let day = Day::parse(&row.text(1)?).map_err(|error| odd(error.to_string()))?;
        let value = UnitPrice::parse(&row.text(2)?).map_err(|error| odd(error.to_string()))?;
        if day <= last {
            tables.indices.entry(name).or_default().push(IndexValue { day, value });
        }
        Ok(())
    })?;
    Ok(tables)
}

/// What people said happened in the period, and who said it.
pub(super) fn events(tx: &mut Tx<'_>, asked: &Asked, people: &mut People) -> Result<Events, DbError> {
    let mut events = Events::default();
    tx.query(EVENTS, &asked.params(), |row| {
        let happened = Happened::read(&row.text(0)?, &row.text(1)?)?;
        let (printer, at) = match &happened {
            Happened::Outage(outage) => (Some(outage.printer.clone()), outage.from),
            Happened::Credit(credit) => (Some(credit.printer.clone()), credit.at),
            Happened::Supply(supply) => (supply.printer.clone(), supply.at),
            Happened::Purchase(purchase) => (None, purchase.at),
            Happened::Exit(_) => (None, Instant(0)),
        };
        people.add(happened.kind(), printer, at, &row.text(2)?);
        match happened {
            Happened::Outage(outage) => events.outages.push(outage),
            Happened::Credit(credit) => events.credits.push(credit),
            Happened::Supply(supply) => events.supplies.push(supply),
            Happened::Purchase(purchase) => events.purchases.push(purchase),
            // Of several that were not withdrawn the one that leaves last.
            Happened::Exit(exit) => events.exit = Some(exit),
        }
        Ok(())
    })?;
    Ok(events)
}

/// Which printers were not heard of for longer than the terms allow. No query where they allow everything.
pub(super) fn silences(
    tx: &mut Tx<'_>,
    asked: &Asked,
    terms: &Terms,
    (facts, edges): (&[PrinterFacts], &Sets),
    now: Instant,
) -> Result<Vec<Silence>, DbError> {
    let Some(Monitoring { days, .. }) = monitoring(terms) else { return Ok(Vec::new()) };
    let most = Duration::hours(24 * i64::from(*days));
    let mut found: BTreeSet<(String, Instant, Instant)> = BTreeSet::new();
    for (printer, from, to) in facts::silences(tx, asked, most)? {
        found.insert((printer.to_string(), from, to));
    }
    for facts in facts {
        let Some(seen) = facts.id.parse().ok().and_then(|id: i64| edges.get(&id)) else { continue };
        let ats: Vec<Instant> = seen.keys().copied().collect();
        for stay in &facts.stays {
            let Some(part) = asked.period.cut(stay.from, stay.to) else { continue };
            let gaps = at_edges(&ats, part, now).into_iter().filter(|(from, to)| to.since(*from) > most);
            found.extend(gaps.map(|(from, to)| (facts.id.clone(), from, to)));
        }
    }
    Ok(found.into_iter().map(|(printer, from, to)| Silence { printer, from, to }).collect())
}

/// The times without a reading around the edges of a part of the period, by when the printer was read there.
fn at_edges(ats: &[Instant], part: Period, now: Instant) -> Vec<(Instant, Instant)> {
    let last = |edge: Instant| ats.iter().rev().find(|at| **at <= edge).copied();
    let next = |edge: Instant| ats.iter().find(|at| **at >= edge).copied();
    let gap = |edge: Instant| {
        // Before its first reading nobody waited for it.
        let from = last(edge)?;
        // What is not known yet is no silence.
        let to = next(edge).unwrap_or(now);
        (from < to).then_some((from, to))
    };
    [gap(part.start), gap(part.end)].into_iter().flatten().collect()
}

/// The sites whose readings came after the days of grace, where the terms charge for it: a printer's comes with
/// the first one at the period's end or after it.
pub(super) fn late(
    terms: &Terms,
    period: Period,
    (facts, edges): (&[PrinterFacts], &Sets),
    now: Instant,
) -> Vec<LateFact> {
    let Some(LateReading { grace_days, .. }) = late_reading(terms) else { return Vec::new() };
    // The first days of a period that is billed in parts end without a reading that anybody owes.
    let whole = terms.period.containing(period.start, &terms.time_zone);
    if whole.is_ok_and(|whole| period.end < whole.end) {
        return Vec::new();
    }
    let is_counted = |kind: &billing::MeterKind| terms.evidence_of(*kind) == Evidence::Counter;
    let of_each = u32::try_from(terms.kinds().into_iter().filter(is_counted).count()).unwrap_or(u32::MAX).max(1);
    let mut sites: BTreeMap<String, LateFact> = BTreeMap::new();
    for facts in facts {
        let stays_on = |stay: &&billing::StayFact| stay.from < period.end && stay.to.is_none_or(|to| to >= period.end);
        let Some(stay) = facts.stays.iter().find(stays_on) else { continue };
        let seen = facts.id.parse().ok().and_then(|id: i64| edges.get(&id));
        let own = seen.and_then(|seen| seen.range(period.end..).next()).map(|(at, _)| *at);
        let by_hand = facts.readings.iter().map(|reading| reading.read_at).filter(|at| *at >= period.end).min();
        let came = own.into_iter().chain(by_hand).min().unwrap_or(now);
        let days = u32::try_from((came.since(period.end).0 / DAY).max(0)).unwrap_or(u32::MAX);
        if days <= *grace_days {
            continue;
        }
        let site = stay.site.clone().unwrap_or_default();
        let fact =
            sites.entry(site.clone()).or_insert_with(|| LateFact { site, printers: Vec::new(), meters: 0, days: 0 });
        fact.printers.push(facts.id.clone());
        fact.meters = fact.meters.saturating_add(of_each);
        fact.days = fact.days.max(days);
    }
    sites.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::facts::Seen;
    use super::*;
    use billing::{Currency, MeterKind, Money, StayFact};
    use report::Grade;

    fn day(day: i64) -> Instant {
        Instant(day * DAY)
    }

    fn printer(id: &str, site: &str) -> PrinterFacts {
        let stay = StayFact { from: day(0), to: None, position: None, site: Some(site.to_owned()) };
        PrinterFacts { id: id.to_owned(), stays: vec![stay], ..PrinterFacts::default() }
    }

    fn read(printers: &[(i64, &[i64])]) -> Sets {
        let one = |at: &i64| {
            let seen = Seen { at: day(*at), grade: Grade::B, agent: "a".to_owned(), sequence: 1 };
            (day(*at), seen)
        };
        printers.iter().map(|(printer, ats)| (*printer, ats.iter().map(one).collect())).collect()
    }

    #[test]
    fn a_billed_period_keeps_its_parties_unless_a_person_says_since_when_they_were_wrong() {
        let party = |name: &str| Party { name: name.to_owned(), ..Party::default() };
        let told = |role: &Role, name: &str, at: i64, since: Option<&str>| Details {
            role: role.clone(),
            party: party(name),
            at: Instant(at),
            since: since.map(|day| Day::parse(day).expect("a day")),
        };
        let of = |buyer: Option<&str>| Parties {
            seller: Some(party("Us")),
            buyer: buyer.map(party),
            payers: BTreeMap::default(),
        };
        let bank = Role::Payer("Bank".to_owned());
        let (own, other) = (of(None), of(Some("Bank NV")));
        let last = Day::parse("2026-10-31").expect("a day");
        let names = |details: &[Details]| {
            let documents = [(None, &own, Some(Instant(100))), (Some("Bank"), &other, Some(Instant(100)))];
            let (parties, is_changed) = put_right(details, documents.into_iter(), last);
            let name = |party: Option<&Party>| party.map(|party| party.name.clone()).unwrap_or_default();
            let payer = name(parties.payers.get("Bank"));
            (name(parties.seller.as_ref()), name(parties.buyer.as_ref()), payer, is_changed)
        };
        let is = |seller: &str, buyer: &str, payer: &str, is_changed| {
            (seller.to_owned(), buyer.to_owned(), payer.to_owned(), is_changed)
        };
        let later = [
            told(&Role::Seller, "Others", 200, None),
            told(&Role::Buyer, "Bau", 200, None),
            told(&bank, "Bank SA", 200, None),
        ];
        assert_eq!(names(&later), is("Us", "", "Bank NV", false));
        // The day counts with the period that it lies in; what was said before the document was rated is on it.
        let long_before = 100 - SLACK.0 - 1;
        let cases = [
            ("2026-11-01", 200, ""),
            ("2026-10-31", 200, "Bau"),
            ("2026-10-01", 99, "Bau"),
            ("2026-10-01", long_before, ""),
        ];
        for (since, at, buyer) in cases {
            let said = [told(&Role::Buyer, "Bau", at, Some(since))];
            assert_eq!(names(&said), is("Us", buyer, "Bank NV", !buyer.is_empty()), "{since} at {at}");
        }
        let two = [told(&Role::Buyer, "Bau", 200, Some("2026-10-01")), told(&Role::Buyer, "Bau Nord", 300, None)];
        assert_eq!(names(&two), is("Us", "Bau", "Bank NV", true));
        // Of what was entered shortly before, the last stands on the document, or was to.
        let close = [told(&Role::Buyer, "Bau", 98, Some("2026-10-01")), told(&Role::Buyer, "Bau Nord", 99, None)];
        assert_eq!(names(&close), is("Us", "", "Bank NV", false));
        assert_eq!(names(&[told(&bank, "Bank NV", 99, Some("2026-10-01"))]), is("Us", "", "Bank NV", false));
        // Where the bank pays for everything no document names the buyer, who decides the tax.
        let alone = |details: &[Details]| {
            let documents = [(Some("Bank"), &other, Some(Instant(100)))];
            let (parties, is_changed) = put_right(details, documents.into_iter(), last);
            (parties.buyer.map(|buyer| buyer.name), is_changed)
        };
        assert_eq!(alone(&later), (None, false));
        let buyer = |name: &str, at: i64, since: Option<&str>| told(&Role::Buyer, name, at, since);
        let known = [buyer("Bau", 50, None), buyer("Bau Nord", 200, None)];
        assert_eq!(alone(&known), (Some("Bau".to_owned()), false));
        let said = [buyer("Bau", 50, None), buyer("Bau Nord", 200, Some("2026-10-01"))];
        assert_eq!(alone(&said), (Some("Bau Nord".to_owned()), true));
    }

    #[test]
    fn a_site_is_late_by_its_printers_that_came_after_the_days_of_grace() {
        let mut terms = Terms::new(Currency::parse("EUR").expect("a currency"), "UTC");
        let rule =
            LateReading { grace_days: 5, site_fee: Money(5_000), meter_fee: Money(600), ..LateReading::default() };
        // April 1970.
        let period = Period { start: day(90), end: day(120) };
        let facts = [printer("1", "north"), printer("2", "north"), printer("3", "south"), printer("4", "south")];
        let edges = read(&[(1, &[89, 118, 121]), (2, &[89, 118]), (3, &[89, 126]), (4, &[110, 125])]);
        let found = |terms: &Terms, now: i64| {
            let late = late(terms, period, (&facts, &edges), day(now));
            late.into_iter().map(|fact| (fact.site, fact.printers, fact.meters, fact.days)).collect::<Vec<_>>()
        };
        assert!(found(&terms, 130).is_empty());
        terms.clauses.push(Clause::LateReading(rule));
        let one = |site: &str, printer: &str, days| (site.to_owned(), vec![printer.to_owned()], 1, days);
        assert_eq!(found(&terms, 122), [one("south", "3", 6)]);
        assert_eq!(found(&terms, 130), [one("north", "2", 10), one("south", "3", 6)]);
        terms.evidence.insert(MeterKind::Pages, Evidence::Counter);
        assert_eq!(found(&terms, 130).len(), 2);
        // Nobody owes a reading at the end of days of the month; at the month's end it is owed, once.
        let part = |from: i64, to: i64| {
            late(&terms, Period { start: day(from), end: day(to) }, (&facts, &edges), day(130)).len()
        };
        assert_eq!((part(90, 100), part(100, 120)), (0, 2));
    }

    #[test]
    fn the_time_around_an_edge_ends_with_the_next_reading_or_now() {
        let part = Period { start: day(100), end: day(130) };
        let gaps = |ats: &[i64], now: i64| {
            let ats: Vec<Instant> = ats.iter().map(|at| day(*at)).collect();
            let found = at_edges(&ats, part, day(now));
            found.into_iter().map(|(from, to)| (from.0 / DAY, to.0 / DAY)).collect::<Vec<_>>()
        };
        assert_eq!(gaps(&[95, 101, 129, 131], 140), [(95, 101), (129, 131)]);
        assert_eq!(gaps(&[95, 140], 150), [(95, 140), (95, 140)]);
        assert_eq!(gaps(&[101, 120], 125), [(120, 125)]);
        assert!(gaps(&[100, 130], 140).is_empty());
        assert!(gaps(&[], 140).is_empty());
    }
}
