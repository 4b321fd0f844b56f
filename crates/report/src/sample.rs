//! Deterministic rich sample reports: the same seed gives the same report, every row filled.

use crate::{
    Accessory, Alert, Area, Cartridge, CartridgeTypeUsage, Category, CategoryUsage, CategoryUse, Configuration,
    Duration, Ink, InkUse, Instant, Job, JobKind, JobStatus, Length, Limit, MediaSource, MediaType, MediaUsage,
    Personal, PrintJob, Printhead, Report, ScanJob, Settings, Severity, Share, Source, Sources, Status, Threshold,
    Usage, walk,
};

/// SplitMix64: a small deterministic generator for samples and the simulator, never for secrets.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// A generator; equal seeds give equal sequences.
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An integer in `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        assert!(low <= high, "an empty range");
        let span = high.abs_diff(low).saturating_add(1);
        low.saturating_add_unsigned(self.next_u64() % span)
    }

    /// True `ppm` times in a million.
    pub fn chance(&mut self, ppm: i64) -> bool {
        self.between(0, 999_999) < ppm
    }

    /// One of `items`.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let index = self.between(0, i64::try_from(items.len()).expect("a short list") - 1);
        &items[usize::try_from(index).expect("not negative")]
    }

    /// A version 4 UUID from this generator.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.next_u64(), self.next_u64());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 50),
            low & 0xffff_ffff_ffff
        )
    }
}

/// The colours of the sample printer.
pub const COLOURS: &[&str] = &["cyan", "magenta", "yellow", "matte-black", "photo-black", "gray"];
const MEDIA: &[&str] = &["Bond 80 g", "Coated 95 g", "Photo Satin 190 g", "Blueprint"];
/// 2026-10-31T12:00:00Z.
const READ_AT: Instant = Instant(1_793_448_000_000);

/// A report with every Appendix A row filled: two printheads, six cartridges, three media sources,
/// a print, a scan and a copy job, one cleared alert.
pub fn report(seed: u64) -> Report {
    let mut rng = Rng::new(seed);
    let mut report = Report {
        read_at: READ_AT,
        configuration: Configuration {
            product_number: Some("W3Z72A".to_owned()),
            product_name: Some("HP DesignJet Z9 44in".to_owned()),
            serial_number: Some(format!("CN{:08}", rng.between(0, 99_999_999))),
            firmware_version: Some(format!("JGR9_09_26_{:02}.1", rng.between(1, 30))),
            uuid: Some(rng.uuid()),
        },
        status: status(&mut rng),
        settings: settings(),
        usage: usage(&mut rng),
        jobs: [JobKind::Print, JobKind::Scan, JobKind::Copy].map(|kind| (job(&mut rng, kind), Vec::new())).into(),
        alerts: vec![Alert {
            code: "/IDS/CARTRIDGE_1/VERYLOW".to_owned(),
            severity: Severity::Warning,
            part: Some("cartridge 1".to_owned()),
            text: Some("Cyan is very low on ink".to_owned()),
            since: Some(Instant(READ_AT.0 - rng.between(1, 1_000_000))),
            cleared_at: Some(READ_AT),
        }],
        sources: Sources::new(),
    };
    for filled in walk(&report) {
        let derived = filled.row == crate::RowId::P20;
        report.sources.insert(filled.row, Source { from: "sample".to_owned(), derived });
    }
    report
}

fn status(rng: &mut Rng) -> Status {
    let printheads = (0..2).map(|index| Printhead {
        slot: format!("{}", index + 1),
        colours: vec![COLOURS[index * 2].to_owned(), COLOURS[index * 2 + 1].to_owned()],
        status: Some("OK".to_owned()),
        health: Some(Share(rng.between(600_000, 1_000_000))),
        product_number: Some("P2V27A".to_owned()),
        product_name: Some("HP 746".to_owned()),
        serial_number: Some(format!("PH{:06}", rng.between(0, 999_999))),
        foreign_ink_seen: Some(rng.chance(100_000)),
        expires_at: Some(Instant(READ_AT.0 + rng.between(1, 40_000_000_000))),
    });
    let printheads = printheads.collect();
    let cartridges = COLOURS.iter().enumerate().map(|(index, colour)| Cartridge {
        slot: format!("{}", index + 1),
        colour: Some((*colour).to_owned()),
        status: Some("OK".to_owned()),
        product_number: Some(format!("P2V{}A", 78 + index)),
        product_name: Some("HP 746".to_owned()),
        serial_number: Some(format!("{:06}-11-10", rng.between(0, 999_999))),
        manufacturer: Some("HP".to_owned()),
        capacity: Some(Ink(300_000_000)),
        consumed: Some(Ink(rng.between(0, 300) * 1_000_000)),
        consumed_foreign: Some(Ink(0)),
        expires_at: Some(Instant(READ_AT.0 + rng.between(1, 40_000_000_000))),
    });
    let cartridges = cartridges.collect();
    let source = |name: &str, media: &str, height: i64| MediaSource {
        name: name.to_owned(),
        status: Some("loaded".to_owned()),
        media: Some(media.to_owned()),
        width: Some(Length(914_400)),
        height: Some(Length(height)),
    };
    let media_sources =
        vec![source("roll 1", MEDIA[0], rng.between(1, 90) * 1_000_000), source("roll 2", MEDIA[2], 12_000_000)];
    Status { engine: Some("Ready".to_owned()), printheads, cartridges, media_sources }
}

fn settings() -> Settings {
    let media_type = |(index, name): (usize, &&str)| MediaType {
        id: format!("{}", 2001 + index),
        names: [("en", (*name).to_owned()), ("de", format!("{name} (de)"))].map(|(k, v)| (k.to_owned(), v)).into(),
    };
    let threshold =
        |ppm, category| Threshold { limit: Limit::PixelShare(Share(ppm)), category: Category::new(category) };
    Settings {
        media_types: MEDIA.iter().enumerate().map(media_type).collect(),
        thresholds: vec![
            threshold(100_000, "colour-line"),
            threshold(500_000, "low-density"),
            threshold(1_000_000, "high-density"),
            Threshold { limit: Limit::InkPerArea(Ink(500_000)), category: Category::new("A") },
        ],
        customization: [("Blueprint".to_owned(), Category::new("blueprint"))].into(),
        accessories: vec![Accessory { name: "cutter".to_owned(), installed: true, status: Some("enabled".to_owned()) }],
    }
}

fn usage(rng: &mut Rng) -> Usage {
    let cartridge_types = COLOURS.iter().enumerate().map(|(index, colour)| {
        let used = rng.between(300, 9_000) * 1_000_000;
        CartridgeTypeUsage {
            colour: (*colour).to_owned(),
            product_number: Some(format!("P2V{}A", 78 + index)),
            ink: Some(Ink(used)),
            ink_foreign: Some(Ink(0)),
            ink_genuine: Some(Ink(used)),
            insertions: Some(rng.between(1, 40)),
        }
    });
    let cartridge_types: Vec<CartridgeTypeUsage> = cartridge_types.collect();
    let media: Vec<MediaUsage> = MEDIA
        .iter()
        .map(|name| MediaUsage { name: (*name).to_owned(), area: Area(rng.between(1, 9_000_000_000)) })
        .collect();
    let categories = Category::known().map(|category| CategoryUsage {
        category,
        media_area: Some(Area(rng.between(1, 5_000_000_000))),
        media_length: Some(Length(rng.between(1, 5_000_000_000))),
    });
    let categories = categories.collect();
    let (scans, copies) = (rng.between(1, 500_000_000), rng.between(1, 500_000_000));
    Usage {
        ink: Some(Ink(cartridge_types.iter().filter_map(|usage| usage.ink).map(|ink| ink.0).sum())),
        media_area: Some(Area(media.iter().map(|usage| usage.area.0).sum())),
        cartridge_types,
        media,
        scanned: Some(Area(scans + copies)),
        scanned_scans: Some(Area(scans)),
        scanned_copies: Some(Area(copies)),
        categories,
        jobs: Some(rng.between(100, 90_000)),
        pages: Some(rng.between(90_000, 900_000)),
    }
}

/// One sample job of `kind` with every row that such a job can have.
pub fn job(rng: &mut Rng, kind: JobKind) -> Job {
    let finished = READ_AT.0 - rng.between(60_000, 9_000_000);
    let text = |rng: &mut Rng, what: &str| Some(format!("{what} {:05}", rng.between(0, 99_999)));
    Job {
        kind,
        uuid: Some(rng.uuid()),
        sequence: Some(rng.between(1, 100_000)),
        status: Some(if kind == JobKind::Scan { JobStatus::Scanned } else { JobStatus::Printed }),
        print: (kind != JobKind::Scan).then(|| print_job(rng, finished)),
        scan: (kind != JobKind::Print)
            .then(|| ScanJob { scanned_at: Some(Instant(finished)), area: Some(Area(rng.between(62_370, 1_000_000))) }),
        personal: Personal {
            name: text(rng, "plan of house"),
            project: text(rng, "project"),
            application: text(rng, "application"),
            user_defined: text(rng, "field"),
            account: text(rng, "account"),
            user: text(rng, "user"),
            submitted_at: Some(Instant(finished - 120_000)),
        },
    }
}

fn print_job(rng: &mut Rng, finished: i64) -> PrintJob {
    let time = rng.between(20_000, 400_000);
    let area = rng.between(62_370, 3_000_000);
    let (non_white, colour) = (rng.between(10_000, 900_000), rng.between(1, 9_999));
    let ink: Vec<InkUse> = COLOURS
        .iter()
        .map(|name| InkUse { colour: (*name).to_owned(), ink: Ink(rng.between(10_000, 4_000_000)) })
        .collect();
    PrintJob {
        printed_at: Some(Instant(finished - time)),
        source: Some("driver".to_owned()),
        coverage_category: Some("B".to_owned()),
        quality: Some("Normal".to_owned()),
        pages: Some(1),
        copies: Some(1),
        time_to_print: Some(Duration(time)),
        media_area: Some(Area(area + area / 20)),
        printed_area: Some(Area(area)),
        categories: vec![CategoryUse {
            category: Category::of_coverage(Share(non_white), Share(colour)),
            derived: false,
            media_area: Some(Area(area + area / 20)),
            printed_area: Some(Area(area)),
            ink: Some(Ink(ink.iter().map(|use_of| use_of.ink.0).sum())),
            media_length: Some(Length(area)),
        }],
        ink,
        non_white: Some(Share(non_white)),
        colour: Some(Share(colour)),
        media: Some((*rng.pick(MEDIA)).to_owned()),
    }
}
