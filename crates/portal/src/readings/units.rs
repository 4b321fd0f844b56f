//! `/readings/units`: numbers that printers give without a unit, and the units that people declare for them.
//!
//! A unit is declared by comparing: what the printer's own page says has to be what the number is worth. It
//! counts when a statement is gathered, so that withdrawing it works everything out anew. Deliberately absent:
//! a guess at a unit, and any change to what the printer said.

use super::page::{DeclaredRow, ExampleRow, GroupRow, Hidden, UnitForm, UnitsPage};
use super::page_store::{self, Declared, Example, Group};
use super::{at_once, note_fits, store, zone_of};
use crate::Portal;
use crate::agents::history::Stamp;
use crate::db::{DbError, Tx};
use crate::shell::address::{Fields, address, id, text};
use crate::shell::format::{self, Zone};
use crate::shell::page::{Field, Link};
use crate::shell::{Error, FormData, Posted, ResellerScope, ResellerUser, chrome, render, see_other};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use billing::{DeclaredUnit, PricingUnit};
use report::{Area, Decimal, RowId};
use std::collections::BTreeMap;

/// The units that can be declared: the name that is kept, and what people read.
const UNITS: [(&str, &str); 5] = [("m2", "m²"), ("ft2", "ft²"), ("in2", "in²"), ("cm2", "cm²"), ("mm2", "mm²")];
/// How far what the printer's page says may lie from what the number is worth: a fiftieth of it, or half of
/// the last digit that pages show, 0.005 m².
const NEAR_PARTS: i64 = 50;
/// See [`NEAR_PARTS`]; mm².
const NEAR_LEAST: i64 = 5_000;

/// What is wrong with a form, by field.
type Wrong = BTreeMap<&'static str, String>;

/// Which numbers somebody looks at.
#[derive(Debug, Clone)]
struct Key {
    product: String,
    firmware: String,
    row: Option<RowId>,
}

impl Key {
    fn asked(get: impl Fn(&str) -> String) -> Key {
        Key { product: get("product"), firmware: get("firmware"), row: page_store::row_of(&get("row")) }
    }

    fn is(&self, group: &Group) -> bool {
        self.row == Some(group.row)
            && (self.product.as_str(), self.firmware.as_str())
                == (group.product_number.as_str(), group.firmware.as_str())
    }
}

/// The unit that holds for a group: one for its firmware, else one for the whole model.
pub(super) fn unit_for<'a>(group: &Group, declared: &'a [Declared]) -> Option<&'a Declared> {
    let fits = |unit: &&Declared| {
        let firmware = unit.firmware.is_empty() || unit.firmware == group.firmware;
        unit.product_number == group.product_number && unit.row == group.row && firmware
    };
    declared.iter().filter(fits).max_by_key(|unit| !unit.firmware.is_empty())
}

/// The numbers that wait for a unit, for every page that names them.
pub(super) fn waiting(tx: &mut Tx<'_>, scope: &ResellerScope) -> Result<Vec<GroupRow>, DbError> {
    let declared = page_store::declared(tx, scope)?;
    let groups = page_store::groups(tx, scope, 0)?;
    Ok(groups.iter().filter(|group| unit_for(group, &declared).is_none()).map(group_row).collect())
}

fn model(product: &str, firmware: &str) -> String {
    let product = if product.is_empty() { "a model without a number" } else { product };
    if firmware.is_empty() { product.to_owned() } else { format!("{product}, firmware {firmware}") }
}

pub(super) fn row_words(row: RowId) -> String {
    format!("{} ({row})", row.row().label)
}

/// `214 jobs and 3 readings`.
pub(super) fn how_many(jobs: i64, readings: i64) -> String {
    let counted = |number: i64, one: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{} {one}s", format::count(number)),
    };
    match (jobs, readings) {
        (jobs, 0) => counted(jobs, "job"),
        (0, readings) => counted(readings, "reading"),
        (jobs, readings) => format!("{} and {}", counted(jobs, "job"), counted(readings, "reading")),
    }
}

/// Where the unit of a group is declared.
pub(super) fn group_href(group: &Group) -> String {
    let query =
        [("product", group.product_number.as_str()), ("firmware", group.firmware.as_str()), ("row", group.row.word())];
    address("/readings/units", query)
}

/// What a unit is called.
pub(super) fn unit_label(unit: &str) -> &str {
    UNITS.iter().find(|(word, _)| *word == unit).map_or(unit, |(_, label)| *label)
}

fn group_row(group: &Group) -> GroupRow {
    let printers = if group.printers == 1 { "1 printer".to_owned() } else { format!("{} printers", group.printers) };
    GroupRow {
        model: model(&group.product_number, &group.firmware),
        row: row_words(group.row),
        count: format!("{} of {printers}", how_many(group.jobs, group.readings)),
        at: format::day(group.latest, &Zone::utc()),
        href: group_href(group),
    }
}

/// `GET /readings/units`.
pub(super) async fn show(
    State(portal): State<Portal>,
    user: ResellerUser,
    Query(query): Query<Fields>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let work = move |tx: &mut Tx<'_>| {
        let key = Key::asked(|name| text(&query, name).to_owned());
        let done = query.get("done").map(String::as_str);
        page(tx, &own, &user, &key, (&FormData::default(), &Wrong::new()), done)
    };
    render(&portal.db().read(work).await?)
}

fn page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    key: &Key,
    (form, wrong): (&FormData, &Wrong),
    done: Option<&str>,
) -> Result<UnitsPage, Error> {
    let scope = &user.scope;
    let (groups, declared) = (page_store::groups(tx, scope, 0)?, page_store::declared(tx, scope)?);
    let waiting: Vec<&Group> = groups.iter().filter(|group| unit_for(group, &declared).is_none()).collect();
    let chosen = groups.iter().find(|group| key.is(group)).or(waiting.first().copied());
    let chosen = match chosen {
        Some(group) => {
            let of = (group.product_number.as_str(), group.firmware.as_str());
            let examples = page_store::examples(tx, scope, of, group.row)?;
            Some(unit_form(group, &examples, form, wrong))
        }
        None => None,
    };
    Ok(UnitsPage {
        chrome: chrome(tx, portal, &user.signed, Some(scope), ("/readings", "Units"), done)?,
        chosen,
        groups: waiting.into_iter().map(group_row).collect(),
        declared: declared.iter().map(|unit| declared_row(unit, &groups, &declared)).collect(),
    })
}

fn unit_form(group: &Group, examples: &[Example], form: &FormData, wrong: &Wrong) -> UnitForm {
    let wrong = |name: &str| wrong.get(name).cloned();
    let units = [("", "Choose")].into_iter().chain(UNITS);
    let shown_in = [("m2", "m²"), ("ft2", "ft²")];
    // Numbers that came without a firmware can have no unit of their own.
    let of_firmware = (!group.firmware.is_empty()).then_some(("firmware", "this firmware"));
    let reach = of_firmware.into_iter().chain([("model", "every firmware of the model")]);
    let newest = examples.first().map(numbers_of).unwrap_or_default();
    UnitForm {
        title: format!("{} of {}", row_words(group.row), model(&group.product_number, &group.firmware)),
        units: UNITS.iter().map(|(_, label)| *label).collect(),
        examples: examples.iter().map(example_row).collect(),
        hidden: vec![
            Hidden::new("product", group.product_number.as_str()),
            Hidden::new("firmware", group.firmware.as_str()),
            Hidden::new("row", group.row.word()),
        ],
        fields: vec![
            Field::text("number", "The number you compare")
                .value(if form.text("number").is_empty() { newest } else { form.text("number").to_owned() })
                .required()
                .hint("One of the numbers above, as the printer gave it.")
                .wrong(wrong("number")),
            Field::number("value", "What the printer's own page says for it")
                .value(form.text("value"))
                .required()
                .hint("Look at the same job or counter on the printer's panel or web page.")
                .wrong(wrong("value")),
            Field::select("shown_in", "The page shows it in", shown_in, form.text("shown_in")),
            Field::select("unit", "So the number is in", units, form.text("unit")).required().wrong(wrong("unit")),
            Field::select("reach", "For", reach, form.text("reach")).wrong(wrong("reach")),
            Field::text("note", "Note")
                .value(form.text("note"))
                .hint("Where you looked, or why it holds though the two differ.")
                .wrong(wrong("note")),
        ],
    }
}

fn numbers_of(example: &Example) -> String {
    example.numbers.first().map(Decimal::to_string).unwrap_or_default()
}

fn example_row(example: &Example) -> ExampleRow {
    let worth = |unit: &str| {
        let number = example.numbers.first();
        let area = number.and_then(|number| Area::from_unit(*number, unit));
        area.map_or_else(|| format::UNKNOWN.to_owned(), |area| PricingUnit::SquareMetre.show_exact(area.0))
    };
    let numbers: Vec<String> = example.numbers.iter().map(Decimal::to_string).collect();
    ExampleRow {
        number: numbers.join(", "),
        printer: Link::new(example.machine.label.as_str(), format!("/printers/{}", example.machine.printer_id)),
        of: if example.of_job { "a job" } else { "a counter" },
        at: format::instant(example.at, &zone_of(&example.machine.zone)),
        worths: UNITS.iter().map(|(unit, _)| worth(unit)).collect(),
    }
}

fn declared_row(unit: &Declared, groups: &[Group], declared: &[Declared]) -> DeclaredRow {
    let counts =
        |group: &&Group| unit_for(group, declared).is_some_and(|best| best.declaration_id == unit.declaration_id);
    let (jobs, readings) = groups.iter().filter(counts).fold((0_i64, 0_i64), |(jobs, readings), group| {
        (jobs.saturating_add(group.jobs), readings.saturating_add(group.readings))
    });
    let model = if unit.firmware.is_empty() {
        format!("{}, every firmware", model(&unit.product_number, ""))
    } else {
        model(&unit.product_number, &unit.firmware)
    };
    let by = if unit.by.is_empty() { "set up" } else { unit.by.as_str() };
    DeclaredRow {
        model,
        row: format!("{} is in {}", row_words(unit.row), unit_label(&unit.unit)),
        touches: how_many(jobs, readings),
        by: format!("{by}, {}", format::day(unit.declared_at, &Zone::utc())),
        note: unit.note.clone(),
        action: format!("/readings/units/{}/withdraw", unit.declaration_id),
    }
}

/// The unit that a form declares; else what is wrong with it.
fn read(form: &FormData, key: &Key) -> Result<DeclaredUnit, Wrong> {
    let mut wrong = Wrong::new();
    if key.product.is_empty() {
        let words = "This printer does not say its product number, so that a unit would hold for every such printer. \
                     Sign for it on the billing run, and bill what it counted by a reading by hand.";
        wrong.insert("number", words.to_owned());
    }
    let is_of_model = form.text("reach") == "model";
    if key.firmware.is_empty() && !is_of_model {
        let words = "These numbers came without a firmware: a unit for them holds for every firmware of the model.";
        wrong.insert("reach", words.to_owned());
    }
    let unit = UNITS.iter().find(|(word, _)| *word == form.text("unit")).map(|(word, _)| *word);
    if unit.is_none() {
        wrong.insert("unit", "Choose the unit.".to_owned());
    }
    let number = Decimal::parse(form.text("number"));
    if number.is_none() {
        wrong.insert("number", format!("“{}” is not a number.", form.text("number")));
    }
    let page_unit = if form.text("shown_in") == "ft2" { PricingUnit::SquareFoot } else { PricingUnit::SquareMetre };
    let said = page_unit.parse(form.text("value")).filter(|said| *said > 0);
    if said.is_none() {
        wrong.insert("value", "Say what the printer's page shows, as a plain number such as 0.54.".to_owned());
    }
    if let Err(words) = note_fits(form.text("note")) {
        wrong.insert("note", words);
    }
    let (Some(unit), Some(number), Some(said), Some(row), true) = (unit, number, said, key.row, wrong.is_empty())
    else {
        return Err(wrong);
    };
    let worth = Area::from_unit(number, unit).map(|area| area.0);
    if !worth.is_some_and(|worth| agrees(worth, said)) && form.text("note").is_empty() {
        let shown = worth.map_or_else(|| format::UNKNOWN.to_owned(), |worth| page_unit.show_exact(worth));
        let words = format!(
            "In that unit the number is {shown}, and the printer's page says {}. Choose another unit, or say in the \
             note why it holds.",
            page_unit.show_exact(said)
        );
        return Err(Wrong::from([("unit", words)]));
    }
    let firmware = if is_of_model { String::new() } else { key.firmware.clone() };
    Ok(DeclaredUnit { product_number: key.product.clone(), firmware, row, unit: unit.to_owned() })
}

/// Whether two areas are the same, as far as a page shows them; mm².
fn agrees(worth: i64, said: i64) -> bool {
    let most = (worth.saturating_abs() / NEAR_PARTS).max(NEAR_LEAST);
    worth.saturating_sub(said).saturating_abs() <= most
}

/// `POST /readings/units`.
pub(super) async fn declare(
    State(portal): State<Portal>,
    Posted(user, form): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let own = portal.clone();
    let work = move |tx: &mut Tx<'_>| -> Result<Option<Box<UnitsPage>>, Error> {
        let key = Key::asked(|name| form.text(name).to_owned());
        let known = page_store::groups(tx, &user.scope, 0)?.iter().any(|group| key.is(group));
        let read = if known {
            read(&form, &key)
        } else {
            Err(Wrong::from([("number", "No printer of yours gave such a number.".to_owned())]))
        };
        match read {
            Ok(unit) => {
                let stamp = Stamp::of(own.surroundings());
                let note = form.text("note");
                store::declare(tx, &user.scope, &unit, note, user.signed.person_id, stamp).map_err(at_once)?;
                tracing::info!(product = %unit.product_number, row = %unit.row, unit = %unit.unit, "declared a unit");
                Ok(None)
            }
            Err(wrong) => Ok(Some(Box::new(page(tx, &own, &user, &key, (&form, &wrong), None)?))),
        }
    };
    match portal.db().write(work).await? {
        None => Ok(see_other("/readings/units?done=unit")),
        Some(page) => Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&*page)?).into_response()),
    }
}

/// `POST /readings/units/{id}/withdraw`.
pub(super) async fn withdraw(
    State(portal): State<Portal>,
    Path(declaration): Path<String>,
    Posted(user, _): Posted<ResellerUser>,
) -> Result<Response, Error> {
    let declaration = id(&declaration)?;
    let now = portal.surroundings().now();
    let work = move |tx: &mut Tx<'_>| store::withdraw_unit(tx, &user.scope, declaration, user.signed.person_id, now);
    if !portal.db().write(work).await? {
        return Err(Error::NotFound);
    }
    tracing::info!(declaration.id = declaration, "withdrew a declared unit");
    Ok(see_other("/readings/units?done=taken-back"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::Instant;

    fn key() -> Key {
        Key { product: "T7V11A".to_owned(), firmware: "F2".to_owned(), row: Some(RowId::P19) }
    }

    #[test]
    fn a_unit_is_declared_where_the_printer_s_page_agrees() {
        // The form, the unit and firmware, or the field that is wrong.
        let cases = [
            ("number=0.543&value=0.54&unit=m2", Ok(("m2", "F2"))),
            ("number=0.543&value=0.54&unit=m2&reach=model", Ok(("m2", ""))),
            ("number=1500&value=139.35&unit=ft2", Ok(("ft2", "F2"))),
            ("number=1500&value=1500&shown_in=ft2&unit=ft2", Ok(("ft2", "F2"))),
            ("number=1500&value=139.35&unit=m2", Err("unit")),
            ("number=1500&value=139.35&unit=m2&note=the+page+is+wrong", Ok(("m2", "F2"))),
            ("number=1500&value=139.35", Err("unit")),
            ("number=1500&value=0&unit=m2", Err("value")),
            ("number=many&value=1&unit=m2", Err("number")),
        ];
        for (text, expected) in cases {
            let found = read(&FormData::parse(text.as_bytes()), &key());
            let found = found.map(|unit| (unit.unit, unit.firmware)).map_err(|wrong| wrong.into_keys().next());
            let expected = expected.map(|(unit, firmware)| (unit.to_owned(), firmware.to_owned())).map_err(Some);
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_unit_for_the_firmware_wins_over_one_for_the_model() {
        let group = |firmware: &str| Group {
            product_number: "T7V11A".to_owned(),
            firmware: firmware.to_owned(),
            row: RowId::P19,
            jobs: 3,
            readings: 0,
            printers: 1,
            latest: Instant(0),
        };
        let unit = |declaration_id: i64, firmware: &str| Declared {
            declaration_id,
            product_number: "T7V11A".to_owned(),
            firmware: firmware.to_owned(),
            row: RowId::P19,
            unit: "m2".to_owned(),
            note: String::new(),
            declared_at: Instant(0),
            by: "Ada".to_owned(),
        };
        let declared = [unit(1, ""), unit(2, "F2")];
        let best = |firmware: &str| unit_for(&group(firmware), &declared).map(|unit| unit.declaration_id);
        assert_eq!((best("F1"), best("F2")), (Some(1), Some(2)));
        let nameless = Key { product: String::new(), ..key() };
        let found = read(&FormData::parse(b"number=0.543&value=0.54&unit=m2"), &nameless);
        assert_eq!(found.map_err(|wrong| wrong.into_keys().next()), Err(Some("number")));
        assert_eq!(declared_row(&declared[0], &[group("F1"), group("F2")], &declared).touches, "3 jobs");
    }

    #[test]
    fn a_unit_of_numbers_without_a_firmware_is_said_for_the_whole_model_or_not_at_all() {
        let silent = Key { firmware: String::new(), ..key() };
        let found = |text: &str| {
            let found = read(&FormData::parse(text.as_bytes()), &silent);
            found.map(|unit| unit.firmware).map_err(|wrong| wrong.into_keys().collect::<Vec<_>>())
        };
        for reach in ["", "&reach=firmware"] {
            assert_eq!(found(&format!("number=0.543&value=0.54&unit=m2{reach}")), Err(vec!["reach"]), "{reach}");
        }
        assert_eq!(found("number=0.543&value=0.54&unit=m2&reach=model"), Ok(String::new()));
    }
}
