//! Fills the page of a contract's form: every clause by the list of its fields, with what is wrong and what is odd
//! at the field itself.
//!
//! Deliberately absent: reading a form, and judging terms.

use super::form::{self, Draft, LENGTHS, Piece, ROUNDINGS, Traits, Wrong, lists};
use super::page::{Cell, ClauseCard, Comparison, ContractFormPage, PreviewPart, Remark, RowTable, Word};
use super::store::{self, Contract};
use super::words;
use crate::Portal;
use crate::db::{DbError, Tx};
use crate::shell::page::{Check, Field, FormError, Status, Tone};
use crate::shell::{ResellerUser, chrome};
use billing::form::{Field as Asked, Kind};
use billing::{Clause, Currency, Level, Lint, Meter, MeterKind, Pattern, Step};
use report::{Category, JobStatus};
use std::collections::{BTreeMap, BTreeSet};

/// Blank rows of a list without rows.
const BLANK: usize = 3;
/// Blank rows after "more rows".
const MORE: usize = 5;
/// The id of the list of meters that fields of patterns suggest.
const METERS: &str = "meters";
/// The months, from which quarters and years are counted.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A form of a contract or of a further version, as it is to be shown.
pub(super) struct Shown<'a> {
    /// The contract that gets a version; `None` for a new contract.
    pub(super) contract: Option<&'a Contract>,
    /// What stands in the fields.
    pub(super) draft: &'a Draft,
    /// What is wrong with it.
    pub(super) wrong: &'a [Wrong],
    /// What it means, where somebody asked.
    pub(super) preview: Option<Preview>,
    /// That another version waits, or what to look at in a template.
    pub(super) waiting: Option<String>,
}

/// What terms mean that were read from the form.
pub(super) struct Preview {
    /// The terms in words.
    pub(super) terms: Vec<String>,
    /// What is odd about them.
    pub(super) lints: Vec<Lint>,
    /// What it puts right of what was issued, in words.
    pub(super) puts_right: Option<String>,
    /// Those periods, else the last ones, side by side.
    pub(super) comparison: Option<Comparison>,
    /// Whether the version will wait for another person.
    pub(super) waits: bool,
}

/// `/contracts/new` and `/contracts/{id}/versions/new`.
pub(super) fn form_page(
    tx: &mut Tx<'_>,
    portal: &Portal,
    user: &ResellerUser,
    shown: Shown<'_>,
) -> Result<ContractFormPage, DbError> {
    let scope = &user.scope;
    let (heading, action, cancel) = match shown.contract {
        Some(contract) => {
            let href = format!("/contracts/{}", contract.contract_id);
            (format!("New version of {}", contract.number), format!("{href}/versions/new"), href)
        }
        None => ("New contract".to_owned(), "/contracts/new".to_owned(), "/contracts".to_owned()),
    };
    let customers = match shown.contract {
        Some(_) => Vec::new(),
        None => store::customers(tx, scope)?,
    };
    let customers = customers.into_iter().map(|customer| (customer.customer_id.to_string(), customer.name)).collect();
    let printers = match shown.contract {
        Some(contract) => printers(store::stays(tx, scope, contract.contract_id, store::ROWS_MAX)?),
        None => Vec::new(),
    };
    let meters = meters(&store::meters(tx, scope)?);
    let chrome = chrome(tx, portal, &user.signed, Some(scope), ("/contracts", &heading), None)?;
    let errors = shown.wrong.iter().map(|wrong| FormError { field: anchor(&wrong.field), text: wrong.text.clone() });
    let mut drawn = Drawn::of(&shown);
    Ok(ContractFormPage {
        chrome,
        heading,
        action,
        cancel,
        errors: errors.collect(),
        parties: drawn.parties(shown.contract.is_some(), customers),
        money: drawn.money(),
        statuses: statuses(shown.draft),
        clauses: drawn.clauses(),
        kind: drawn.kind(),
        evidence: MeterKind::all().map(|kind| drawn.evidence(kind)).collect(),
        order: Step::USUAL.iter().map(|step| drawn.step(*step)).collect(),
        order_open: drawn.order_is_said(),
        order_kept: shown.draft.head.text("steps.kept") == "yes",
        meters,
        printers,
        preview: drawn.rest(shown.preview),
        waiting: shown.waiting,
    })
}

/// The element that a wrong field's link leads to.
fn anchor(field: &str) -> String {
    match field.strip_prefix("clauses.") {
        Some(number) if !number.contains('.') => format!("clause-{number}"),
        None if field == "steps" => "order".to_owned(),
        None if field == "statuses" => field.to_owned(),
        _ => Field::id(field),
    }
}

/// How much a remark weighs, as a word and a shape.
pub(super) fn remark(lint: &Lint) -> Remark {
    let status = match lint.level {
        Level::Look => Status::new(Tone::Warn, "look"),
        Level::Wrong => Status::new(Tone::Bad, "wrong"),
    };
    Remark { status, text: lint.text.clone() }
}

fn printers(stays: Vec<store::Stay>) -> Vec<Word> {
    let mut seen = BTreeSet::new();
    let printers = stays.into_iter().map(|stay| stay.printer).filter(|printer| seen.insert(printer.printer_id));
    let word = |printer: store::Printer| Word {
        word: printer.printer_id.to_string(),
        label: format!("{} · {}", printer.label, printer.serial),
    };
    printers.map(word).collect()
}

/// What can be typed as a meter: every kind, the categories that all printers know, and what the reseller's own
/// printers count beside.
fn meters(counted: &[String]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut add = |pattern: &Pattern| {
        let word = pattern.to_string();
        if words.iter().all(|known| known.word != word) {
            words.push(Word { word, label: pattern.label() });
        }
    };
    for kind in MeterKind::all() {
        add(&Pattern::every(kind));
        for category in Category::known().filter(|_| kind.has_category()) {
            add(&Pattern { category: Some(category), ..Pattern::every(kind) });
        }
    }
    for meter in counted.iter().filter_map(|name| Meter::parse(name).ok()) {
        let colour = meter.colour().map(str::to_owned);
        add(&Pattern { category: meter.category(), colour, ..Pattern::every(meter.kind()) });
    }
    words
}

fn statuses(draft: &Draft) -> Vec<Check> {
    let check = |status: JobStatus| {
        let name = format!("statuses.{}", status.word());
        let checked = draft.head.text(&name) == "yes";
        Check { name, value: "yes".to_owned(), label: status.word().to_owned(), checked }
    };
    JobStatus::ALL.into_iter().map(check).collect()
}

/// What is drawn, with the remarks that have found no field yet.
struct Drawn<'a> {
    draft: &'a Draft,
    wrong: &'a [Wrong],
    currency: Option<Currency>,
    remarks: BTreeMap<String, Vec<Remark>>,
}

impl<'a> Drawn<'a> {
    fn of(shown: &Shown<'a>) -> Drawn<'a> {
        let mut remarks: BTreeMap<String, Vec<Remark>> = BTreeMap::new();
        for lint in shown.preview.iter().flat_map(|preview| &preview.lints) {
            let field = form::of_terms(&shown.draft.pieces, &lint.field);
            remarks.entry(field).or_default().push(remark(lint));
        }
        let currency = Currency::parse(shown.draft.head.text("currency")).ok();
        Drawn { draft: shown.draft, wrong: shown.wrong, currency, remarks }
    }

    /// A field with what is wrong with it and what is odd about it.
    fn cell(&mut self, name: &str, field: Field) -> Cell {
        let wrong = self.wrong.iter().find(|wrong| wrong.field == name).map(|wrong| wrong.text.clone());
        Cell { field: field.wrong(wrong), remarks: self.remarks.remove(name).unwrap_or_default() }
    }

    fn text(&mut self, name: &str, field: Field) -> Cell {
        let typed = self.draft.head.text(name);
        self.cell(name, field.value(typed))
    }

    fn select(&mut self, name: &str, label: &str, choices: Vec<(String, String)>) -> Cell {
        let field = Field::select(name, label, choices, self.draft.head.text(name));
        self.cell(name, field)
    }

    fn parties(&mut self, is_version: bool, customers: Vec<(String, String)>) -> Vec<Cell> {
        let mut cells = Vec::new();
        let starts = Field::new("date", "starts", "From").required();
        if is_version {
            let hint = "The first day of a period. One that was issued is put right by a note.";
            cells.push(self.text("starts", starts.hint(hint)));
        } else {
            let customer = Field::select("customer", "Customer", customers, self.draft.head.text("customer"));
            cells.push(self.cell("customer", customer.required()));
            let number = Field::text("name", "Number").required().hint("As it stands on your contract, such as C-112.");
            cells.push(self.text("name", number));
            cells.push(self.text("starts", starts));
        }
        let note = Field::text("note", "Why").hint("Stands in the list of versions; may stay empty.");
        cells.push(self.text("note", note));
        cells
    }

    fn money(&mut self) -> Vec<Cell> {
        let same = |word: &str| (word.to_owned(), word.to_owned());
        let currencies = Currency::all().map(|currency| same(currency.code())).collect();
        let lengths = LENGTHS.iter().map(|every| same(every.word())).collect();
        let months = (1_usize..).zip(MONTHS).map(|(number, name)| (number.to_string(), name.to_owned())).collect();
        let rounding = |(word, rounding): &(&str, billing::Rounding)| ((*word).to_owned(), rounding.words().to_owned());
        let zone = Field::text("zone", "Time zone of the periods");
        let day = Field::number("day", "Periods begin on day").hint("1 to 28; empty: 1");
        vec![
            self.select("currency", "Currency", currencies),
            self.text("zone", zone.hint("Such as Europe/Berlin; empty: the customer's.")),
            self.select("every", "A period is a", lengths),
            self.text("day", day),
            self.select("first_month", "Quarters and years are counted from", months),
            self.select("rounding", "Amounts are rounded", ROUNDINGS.iter().map(rounding).collect()),
        ]
    }

    fn evidence(&mut self, kind: MeterKind) -> Cell {
        let name = format!("evidence.{}", kind.word());
        let mut choices = vec![("", "the job log"), ("counter", "the lifetime counters")];
        // Terms that say what is usual keep saying it.
        if self.draft.head.text(&name) == "jobs" {
            choices.insert(1, ("jobs", "the job log, as agreed"));
        }
        let choices = choices.into_iter().map(|(word, label)| (word.to_owned(), label.to_owned())).collect();
        self.select(&name, &words::kind_label(kind), choices)
    }

    fn step(&mut self, step: Step) -> Field {
        let name = format!("steps.{}", step.word());
        let usual = (1_usize..).zip(Step::USUAL).find(|(_, known)| *known == step);
        let typed = match self.draft.head.text(&name) {
            "" => usual.map(|(number, _)| number.to_string()).unwrap_or_default(),
            typed => typed.to_owned(),
        };
        self.cell(&name, Field::number(name.as_str(), words::capital(step.label())).value(typed)).field
    }

    /// Whether the order is to be seen: it is not the usual one, or something is wrong with it.
    fn order_is_said(&self) -> bool {
        let places = Step::USUAL.iter().map(|step| self.draft.head.text(&format!("steps.{}", step.word())));
        let is_usual = (1_usize..).zip(places).all(|(usual, typed)| typed.is_empty() || typed == usual.to_string());
        !is_usual || self.wrong.iter().any(|wrong| wrong.field.starts_with("steps"))
    }

    fn kind(&mut self) -> Field {
        let kinds = Clause::kinds().map(|kind| (kind.word.to_owned(), words::heading(kind.about)));
        let choices = [(String::new(), "choose".to_owned())].into_iter().chain(kinds).collect();
        self.select("kind", "Clause", choices).field
    }

    fn clauses(&mut self) -> Vec<ClauseCard> {
        let draft = self.draft;
        let names = draft.names();
        let last = draft.pieces.len();
        let cards = (1_usize..).zip(draft.pieces.iter().zip(names));
        cards.map(|(number, (piece, name))| self.clause((number, last), piece, name)).collect()
    }

    fn clause(&mut self, (number, last): (usize, usize), piece: &Piece, name: String) -> ClauseCard {
        let traits = Traits::of(piece.kind);
        let mut fields = Vec::new();
        if traits.has_title {
            let title = Field::text(format!("clauses.{number}.title"), "Called");
            let title = title.value(piece.text("title")).hint("on a statement; empty: as usual");
            fields.push(self.cell(&format!("clauses.{number}.title"), title));
        }
        for asked in piece.kind.form.iter().filter(|asked| !matches!(asked.kind, Kind::Rows(_))) {
            let field = self.field(piece, &traits, (number, asked.path), asked, asked.path);
            let field = if asked.required { field.required() } else { field };
            fields.push(self.cell(&format!("clauses.{number}.{}", asked.path), field));
        }
        let clause = self.currency.and_then(|currency| Some(piece.clause(currency)?.in_words(currency)));
        ClauseCard {
            number,
            heading: words::heading(piece.kind.about),
            word: piece.kind.word,
            name,
            key: piece.text("key").to_owned(),
            words: clause.unwrap_or_default(),
            remarks: self.remarks.remove(&format!("clauses.{number}")).unwrap_or_default(),
            fields,
            lists: lists(piece.kind).map(|list| self.list(piece, &traits, number, list)).collect(),
            can_rise: number > 1,
            can_sink: number < last,
        }
    }

    fn list(
        &mut self,
        piece: &Piece,
        traits: &Traits,
        number: usize,
        (list, columns): (&'static str, &'static [Asked]),
    ) -> RowTable {
        let filled = piece.rows(list);
        let blank = match filled {
            _ if piece.more == Some(list) => MORE,
            0 => BLANK,
            _ => 1,
        };
        let mut rows = Vec::with_capacity(filled + blank);
        for row in 1..=filled + blank {
            let mut cells = Vec::with_capacity(columns.len());
            for column in columns {
                let path = format!("{list}.{row}.{}", column.path);
                let usual = format!("{list}.{}", column.path);
                let field = self.field(piece, traits, (number, &path), column, &usual);
                cells.push(self.cell(&format!("clauses.{number}.{path}"), field));
            }
            rows.push(cells);
        }
        let asked = piece.kind.form.iter().find(|asked| asked.path == list);
        let caption = match asked {
            Some(asked) if asked.hint.is_empty() => asked.label.to_owned(),
            Some(asked) => format!("{}: {}", asked.label, asked.hint),
            None => list.to_owned(),
        };
        let columns = columns.iter().map(|column| (column.label, column.hint)).collect();
        RowTable { path: list, caption, columns, rows }
    }

    /// One field of a clause; `usual` is the path by which what is usual is known.
    fn field(
        &self,
        piece: &Piece,
        traits: &Traits,
        (number, path): (usize, &str),
        asked: &Asked,
        usual: &str,
    ) -> Field {
        let (name, typed) = (format!("clauses.{number}.{path}"), piece.text(path));
        let money = || match self.currency {
            Some(currency) => format!("{}, {currency}", asked.label),
            None => asked.label.to_owned(),
        };
        let field = match asked.kind {
            Kind::Flag => choice(name, asked.label, &[("no", "no"), ("yes", "yes")], typed, traits.usual(usual)),
            Kind::Choice(options) => choice(name, asked.label, options, typed, traits.usual(usual)),
            Kind::Meter => {
                let kinds = MeterKind::all().map(|kind| (kind.word(), words::kind_label(kind)));
                Field::select(name, asked.label, kinds, typed)
            }
            Kind::Day => Field::new("date", name, asked.label).value(typed),
            Kind::Pattern => Field::text(name, asked.label).value(typed).suggest(METERS),
            Kind::Patterns | Kind::Printers => Field::lines(name, asked.label).value(typed),
            Kind::Money => Field::number(name, money()).value(typed),
            Kind::Percent => Field::number(name, format!("{}, %", asked.label)).value(typed),
            Kind::Count | Kind::Price | Kind::Quantity(_) | Kind::Raw => Field::number(name, asked.label).value(typed),
            Kind::Text | Kind::Rows(_) => Field::text(name, asked.label).value(typed),
        };
        if asked.hint.is_empty() { field } else { field.hint(asked.hint) }
    }

    /// The preview, with the remarks that belong to no field.
    fn rest(self, preview: Option<Preview>) -> Option<PreviewPart> {
        let preview = preview?;
        let count = preview.lints.len();
        let summary = if count == 0 {
            Status::new(Tone::Good, "nothing odd")
        } else {
            let is_wrong = preview.lints.iter().any(|lint| lint.level == Level::Wrong);
            let noun = if count == 1 { "remark" } else { "remarks" };
            Status::new(if is_wrong { Tone::Bad } else { Tone::Warn }, format!("{count} {noun}"))
        };
        Some(PreviewPart {
            terms: preview.terms,
            summary,
            remarks: self.remarks.into_values().flatten().collect(),
            puts_right: preview.puts_right,
            comparison: preview.comparison,
            waits: preview.waits,
        })
    }
}

/// A choice. What is usual stands there where nothing was said; where nothing usual says the same as saying
/// nothing, that is a choice of its own.
fn choice(
    name: String,
    label: &str,
    options: &[(&'static str, &'static str)],
    typed: &str,
    usual: Option<&'static str>,
) -> Field {
    let nothing = usual.is_none().then_some(("", "—"));
    let chosen = if typed.is_empty() { usual.unwrap_or("") } else { typed };
    Field::select(name, label, nothing.into_iter().chain(options.iter().copied()), chosen)
}
