//! A fleet for demos and tests: two resellers, their customers, and the printers that stand there.
//!
//! Data only. Deliberately absent: contracts, agents and sockets; whoever shows the world wires them.

use crate::printer::{Habits, MEDIA, MODELS, Medium, Model, Printer, Quirks};
use report::sample::Rng;
use report::{Duration, Instant};

/// All resellers of the simulated world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    /// The resellers.
    pub resellers: Vec<Reseller>,
}

/// A reseller: a tenant of the portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reseller {
    /// Its name.
    pub name: &'static str,
    /// Its customers.
    pub customers: Vec<Customer>,
}

/// A customer with one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Its name.
    pub name: &'static str,
    /// The town of its site.
    pub site: &'static str,
    /// The site's time zone.
    pub time_zone: &'static str,
    /// Whether it lets job and user names leave its network.
    pub lets_names_through: bool,
    /// Its printers.
    pub printers: Vec<Placed>,
}

/// A printer at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// What people call it.
    pub nickname: &'static str,
    /// Its model.
    pub model: &'static Model,
    /// Row C3, unique in the fleet.
    pub serial: String,
    /// What its history follows from.
    pub seed: u64,
    /// How it is used.
    pub habits: Habits,
}

impl Placed {
    /// The printer itself, which prints from `start` on.
    pub fn printer(&self, start: Instant) -> Printer {
        let printer = Printer::new(self.seed, self.model, &self.serial, start, self.habits.clone());
        let quirks = Quirks { coverage_without_unit: self.nickname == WITHOUT_UNIT, ..printer.quirks() };
        printer.with_quirks(quirks)
    }
}

impl Fleet {
    /// Every printer with its reseller and customer.
    pub fn printers(&self) -> impl Iterator<Item = (&Reseller, &Customer, &Placed)> {
        self.resellers.iter().flat_map(|reseller| {
            let customers = reseller.customers.iter();
            customers.flat_map(move |customer| customer.printers.iter().map(move |placed| (reseller, customer, placed)))
        })
    }
}

/// The one printer of the fleet whose coverages have no unit: each of its readings has a defect that says so.
const WITHOUT_UNIT: &str = "Muelle 4";

/// A nickname, the model's place in [`MODELS`], and jobs on a weekday.
type Row = (&'static str, usize, i64);

/// Name, site, time zone, what the clocks there add to UTC in winter, names let through, printers.
type CustomerRow = (&'static str, &'static str, &'static str, Duration, bool, &'static [Row]);

const NORDPLAN: &[CustomerRow] = &[
    (
        "Architekten Hallmann",
        "Hamburg",
        "Europe/Berlin",
        Duration::hours(1),
        true,
        &[("Studio", 0, 18), ("Model room", 7, 12)],
    ),
    (
        "Brückner Tiefbau",
        "Kiel",
        "Europe/Berlin",
        Duration::hours(1),
        false,
        &[("Site office", 1, 25), ("Plan room", 2, 40), ("Archive", 5, 60)],
    ),
    (
        "Suomen Kartta",
        "Turku",
        "Europe/Helsinki",
        Duration::hours(2),
        false,
        &[("Map hall", 6, 120), ("Survey desk", 4, 35)],
    ),
];

const MERIDIANO: &[CustomerRow] = &[
    (
        "Taller Ribera Arquitectos",
        "Madrid",
        "Europe/Madrid",
        Duration::hours(1),
        false,
        &[("Estudio", 2, 30), ("Láminas", 3, 15)],
    ),
    (
        "Puerto Norte Ingeniería",
        "Las Palmas",
        "Atlantic/Canary",
        Duration::hours(0),
        false,
        &[("Oficina técnica", 5, 80), ("Muelle 4", 0, 10), ("Cartelería", 7, 20)],
    ),
];

/// A fleet of twelve printers; equal seeds give equal fleets.
pub fn fleet(seed: u64) -> Fleet {
    let mut rng = Rng::new(seed);
    let mut placed = 0;
    let mut reseller = |name: &'static str, rows: &[CustomerRow]| Reseller {
        name,
        customers: rows.iter().map(|row| customer(&mut rng, &mut placed, row)).collect(),
    };
    Fleet {
        resellers: vec![reseller("Nordplan Reprographics", NORDPLAN), reseller("Meridiano Gran Formato", MERIDIANO)],
    }
}

fn customer(rng: &mut Rng, placed: &mut i64, row: &CustomerRow) -> Customer {
    let (name, site, time_zone, local_offset, lets_names_through, printers) = *row;
    let printers = printers.iter().filter_map(|&(nickname, model, jobs_per_day)| {
        let model = MODELS.get(model)?;
        *placed += 1;
        Some(Placed {
            nickname,
            model,
            serial: serial(rng, *placed),
            seed: rng.next_u64(),
            // Read daily, no job falls out of the printer's memory, even on the busiest day.
            habits: Habits {
                jobs_per_day,
                queue_length: usize::try_from(jobs_per_day * 2).unwrap_or(0).max(60),
                local_offset,
                media: media(rng, model),
            },
        })
    });
    Customer { name, site, time_zone, lets_names_through, printers: printers.collect() }
}

/// A serial number such as `CN41A2207`. The last four digits grow with `placed`, so that no two
/// printers of a fleet share one.
fn serial(rng: &mut Rng, placed: i64) -> String {
    let letter = *rng.pick(&['A', 'B', 'D', 'F', 'H', 'K']);
    format!("CN{}{letter}{:04}", rng.between(30, 59), 600 * placed + rng.between(0, 599))
}

/// The media on a printer's rolls: bond first, where there is more than one roll.
fn media(rng: &mut Rng, model: &Model) -> Vec<&'static Medium> {
    let mut media: Vec<&'static Medium> = MEDIA.iter().collect();
    let first = if model.rolls == 1 { usize::from(rng.chance(300_000)) } else { 0 };
    media.rotate_left(first);
    media
}
