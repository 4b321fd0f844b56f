//! LEDM: documents of our own, and recorded ones with values read from them by hand.

use crate::common::{self, READ_AT, body, case_answers, check_cases, instant, recording, rows, whats};
use drivers::{Accept, Answer, Answers, Ask, ledm::DRIVER, limits};
use report::{Defect, Ink, Length, Report, RowId, Severity, walk};
use std::collections::BTreeSet;

const TREE: &str = "/DevMgmt/DiscoveryTree.xml";
const CONFIGURATION: &str = "/DevMgmt/ProductConfigDyn.xml";
const STATUS: &str = "/DevMgmt/ProductStatusDyn.xml";
const CONSUMABLES: &str = "/DevMgmt/ConsumableConfigDyn.xml";
const USAGE: &str = "/DevMgmt/ProductUsageDyn.xml";
const MEDIA: &str = "/DevMgmt/MediaHandlingDyn.xml";
const MEDIA_TYPES: &str = "/DevMgmt/MediaCap.xml";
const EVENTS: &str = "/EventMgmt/EventTable";
const JOBS: &str = "/Jobs/JobList";
/// What the full case leaves to say: its two finished jobs.
const JOBS_LEFT_OUT: &str = "P10 JobList: finished jobs without a time or a quantity are not reported: 2";

fn key(file: &str) -> String {
    match file {
        "EventTable.xml" => EVENTS.to_owned(),
        "JobList.xml" => JOBS.to_owned(),
        _ if file.ends_with(".xml") => format!("/DevMgmt/{file}"),
        _ => String::new(),
    }
}

pub(crate) fn documents(case: &str) -> Answers {
    case_answers(DRIVER.name, case, key)
}

fn status(status: u16) -> Answer {
    Answer::Body { status, content_type: String::new(), body: Vec::new() }
}

fn xml(text: &str) -> Answer {
    body("text/xml", text.as_bytes())
}

/// Asks until nothing is left, as an agent does.
fn ask(serve: impl Fn(&str) -> Answer) -> Answers {
    common::ask(&DRIVER, |request| {
        assert_eq!(request.ask, Ask::Get(Accept::Xml));
        serve(&request.key)
    })
}

/// Asks a printer that has these documents and no others.
fn ask_for(documents: &Answers) -> Answers {
    ask(|path| documents.get(path).cloned().unwrap_or_else(|| status(404)))
}

pub(crate) fn read(documents: &Answers) -> (Report, Vec<Defect>) {
    (DRIVER.read)(&ask_for(documents), READ_AT)
}

/// The full case with another document at one place.
fn full_with(path: &str, answer: Answer) -> (Report, Vec<Defect>) {
    let mut documents = documents("full");
    documents.insert(path.to_owned(), answer);
    let (report, mut defects) = read(&documents);
    defects.retain(|defect| defect.row != Some(RowId::P10));
    (report, defects)
}

/// A document of the family around `inner`, all in one namespace.
fn document(root: &str, inner: &str) -> Answer {
    xml(&format!("<{root} xmlns='http://www.hp.com/schemas/imaging/con/test'>{inner}</{root}>"))
}

/// The colour of a cartridge of which the printer says it so.
pub(crate) fn colour_of(spelling: &str) -> Option<String> {
    let info = format!(
        "<ConsumableInfo><ConsumableTypeEnum>ink</ConsumableTypeEnum><MarkerColor>{spelling}</MarkerColor>\
         </ConsumableInfo>"
    );
    let (report, _) = full_with(CONSUMABLES, document("ConsumableConfigDyn", &info));
    report.status.cartridges[0].colour.clone()
}

// The rows.

#[test]
fn every_ledm_case_with_expected_rows_gives_exactly_those() {
    check_cases(&DRIVER, key);
}

#[test]
fn filled_rows_name_their_ledm_document() {
    let (report, _) = read(&documents("full"));
    let from = |row: RowId| (report.sources[&row].from.as_str(), report.sources[&row].derived);
    assert_eq!(from(RowId::C3), ("ledm ProductConfigDyn", false));
    assert_eq!(from(RowId::S16), ("ledm ConsumableConfigDyn", false));
    assert_eq!(from(RowId::S17), ("ledm ConsumableConfigDyn", true));
    assert_eq!(from(RowId::S23), ("ledm MediaCap", false));
    assert_eq!(from(RowId::U2), ("ledm ProductUsageDyn", false));
    assert_eq!(from(RowId::U3), ("ledm ProductUsageDyn", true));
    assert_eq!(from(RowId::E1), ("ledm ProductStatusDyn", false));
    assert_eq!(report.read_at, READ_AT);
}

#[test]
fn a_roll_printer_with_six_colours_fills_identity_and_parts() {
    let (report, defects) = read(&documents("full"));
    assert_eq!(whats(&defects), [JOBS_LEFT_OUT]);
    let configuration = &report.configuration;
    assert_eq!(configuration.product_number.as_deref(), Some("X3A60A"));
    assert_eq!(configuration.product_name.as_deref(), Some("Testplotter 36 dr"));
    assert_eq!(configuration.serial_number.as_deref(), Some("TST3600001"));
    assert_eq!(configuration.firmware_version.as_deref(), Some("PLOT_07_26_01.4"), "not the document's own version");
    assert_eq!(configuration.uuid.as_deref(), Some("0b8f4597-adbc-4b14-8637-000000000036"));
    assert_eq!(report.status.engine.as_deref(), Some("processing, cartridgeLow"));
    let heads = &report.status.printheads;
    assert_eq!(heads[0].colours, ["cyan", "magenta", "yellow"]);
    assert_eq!((heads[0].status.as_deref(), heads[0].health), (Some("ok"), None));
    assert_eq!(heads[0].product_number.as_deref(), Some("X0H20A"));
    assert_eq!((heads[0].product_name.as_deref(), heads[0].serial_number.as_deref()), (Some("731"), Some("HEAD-1")));
    assert_eq!(heads[0].expires_at, instant("2027-05-01T00:00:00Z"));
    assert_eq!(heads[1].colours, ["matte-black", "photo-black"]);
    assert_eq!((heads[1].status.as_deref(), heads[1].expires_at), (None, None), "unknown and 1970 are not known");
}

#[test]
fn cartridges_have_capacity_level_and_what_kind_they_are() {
    let (report, _) = read(&documents("full"));
    let cartridges = &report.status.cartridges;
    let shown: Vec<_> = cartridges
        .iter()
        .map(|part| (part.slot.as_str(), part.colour.as_deref(), part.status.as_deref(), part.consumed))
        .collect();
    let expected = [
        ("1", Some("cyan"), Some("used, ok"), Some(Ink(26_000_000))),
        ("2", Some("magenta"), Some("used, ok, trial"), Some(Ink(32_500_000))),
        ("3", Some("yellow"), Some("used, ok, setup"), Some(Ink(0))),
        ("4", Some("matte-black"), Some("used, low"), Some(Ink(114_400_000))),
        // Its level is unknown to the printer, whatever percentage it still shows.
        ("5", Some("photo-black"), Some("used, ok, refilled"), None),
        ("6", Some("gray"), Some("used, out"), Some(Ink(130_000_000))),
    ];
    assert_eq!(shown, expected, "a maintenance cartridge is no ink cartridge");
    assert_eq!(cartridges[0].capacity, Some(Ink(130_000_000)));
    assert_eq!(cartridges[0].product_name.as_deref(), Some("730C"));
    assert_eq!(cartridges[0].serial_number.as_deref(), Some("INK-1"));
    assert_eq!(cartridges[0].manufacturer.as_deref(), Some("HP"));
    assert_eq!(cartridges[4].manufacturer.as_deref(), Some("clone"), "the brand says more than the chip's name");
    assert_eq!(cartridges[0].expires_at, instant("2027-02-26T00:00:00Z"));
}

#[test]
fn lifetime_ink_is_read_in_the_unit_that_each_amount_states() {
    let (report, _) = read(&documents("full"));
    let usage = &report.usage;
    assert_eq!((usage.pages, usage.ink), (Some(4711), Some(Ink(3_210_500_000))));
    assert_eq!((usage.jobs, usage.media_area, usage.scanned), (None, None, None), "a histogram and images are neither");
    assert!(usage.media.is_empty(), "impressions are no area");
    let shown: Vec<_> = usage
        .cartridge_types
        .iter()
        .map(|part| (part.colour.as_str(), part.product_number.as_deref(), part.ink, part.ink_foreign, part.insertions))
        .collect();
    let ml = |amount: i64| Some(Ink(amount * 1_000_000));
    let expected = [
        ("cyan", Some("X0C13A"), ml(500), ml(0), Some(4)),
        ("magenta", Some("X0C14A"), Some(Ink(610_500_000)), Some(Ink(10_500_000)), Some(5)),
        // More genuine ink than ink: rounding, and no foreign ink.
        ("yellow", Some("X0C15A"), ml(400), ml(0), Some(3)),
        ("matte-black", Some("X0C16A"), ml(900), ml(0), Some(7)),
        ("photo-black", Some("X0C17A"), ml(300), ml(200), Some(2)),
        ("gray", Some("X0C18A"), ml(480), ml(0), Some(4)),
    ];
    assert_eq!(shown, expected);
    assert_eq!(usage.cartridge_types[2].ink_genuine, Some(Ink(400_001_000)));
}

#[test]
fn media_sources_say_what_is_loaded_and_nothing_where_nothing_is() {
    let (report, _) = read(&documents("full"));
    let sources = &report.status.media_sources;
    assert_eq!((sources[0].name.as_str(), sources[0].status.as_deref()), ("Roll1", Some("installed, present")));
    assert_eq!(sources[0].media.as_deref(), Some("coated"));
    assert_eq!((sources[0].width, sources[0].height), (Some(Length(914_400)), Some(Length(30_480_000))));
    assert_eq!((sources[1].name.as_str(), sources[1].status.as_deref()), ("Roll2", Some("installed, missing")));
    assert_eq!((sources[1].media.as_deref(), sources[1].width, sources[1].height), (None, None, None));
    assert_eq!(sources[2].media.as_deref(), None, "unknown is not known");
    assert_eq!((sources[2].width, sources[2].height), (Some(Length(594_000)), Some(Length(841_000))));
    let accessories: Vec<_> = report.settings.accessories.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(accessories, ["cutter", "folder"], "an output bin is no accessory");
    let types: Vec<_> = report.settings.media_types.iter().map(|media| media.name()).collect();
    assert_eq!(types, ["coated", "plain"]);
}

#[test]
fn alerts_name_their_part_and_what_to_do() {
    let (report, _) = read(&documents("full"));
    let shown: Vec<_> = report
        .alerts
        .iter()
        .map(|alert| (alert.code.as_str(), alert.severity, alert.part.as_deref(), alert.text.as_deref()))
        .collect();
    let expected = [
        ("cartridgeLow", Severity::Warning, Some("ink, Cyan"), Some("replaceSoon")),
        ("mediaJam", Severity::Severe, Some("Roll1"), None),
        ("65800", Severity::Info, None, None),
    ];
    assert_eq!(shown, expected);
    let (report, defects) = full_with(
        STATUS,
        document(
            "ProductStatusDyn",
            "<AlertTable><Alert/><Alert><Severity>Error\
        </Severity></Alert></AlertTable><Status><StatusCategory>dreaming</StatusCategory></Status>",
        ),
    );
    assert_eq!(report.status.engine.as_deref(), Some("dreaming"), "an unknown state is kept in the printer's words");
    assert_eq!(whats(&defects), ["E1 ProductStatusDyn: alert 1 has no code"]);
}

#[test]
fn a_latex_printer_gives_millimetres_and_two_colours_a_printhead() {
    let (report, defects) = read(&documents("latex"));
    assert_eq!(defects, Vec::new());
    assert_eq!(report.configuration.firmware_version.as_deref(), Some("2025-11-30"), "a date where no revision is");
    assert_eq!(report.status.printheads[0].colours, ["magenta", "yellow"]);
    assert_eq!(report.status.printheads[1].colours, ["optimizer"]);
    let cartridge = &report.status.cartridges[0];
    assert_eq!((cartridge.slot.as_str(), cartridge.colour.as_deref()), ("1", Some("light-cyan")));
    assert_eq!((cartridge.capacity, cartridge.consumed), (Some(Ink(775_000_000)), Some(Ink(519_250_000))));
    let roll = &report.status.media_sources[0];
    assert_eq!(roll.media.as_deref(), Some("Self-adhesive vinyl"));
    assert_eq!((roll.width, roll.height), (Some(Length(1_370_000)), None), "a length of zero is not known");
}

#[test]
fn toner_never_becomes_ink() {
    let (report, defects) = read(&documents("laser"));
    let cartridge = &report.status.cartridges[0];
    assert_eq!((cartridge.colour.as_deref(), cartridge.product_number.as_deref()), (Some("black"), Some("X1T00A")));
    assert_eq!((cartridge.capacity, cartridge.consumed), (None, None));
    assert_eq!((report.status.cartridges.len(), report.status.printheads.len()), (1, 0), "a drum is neither");
    assert_eq!((report.usage.ink, report.usage.cartridge_types.len()), (None, 0));
    assert_eq!(report.usage.pages, Some(90_210));
    let what = "U16 ProductUsageDyn: CumulativeMarkingAgentUsed cannot be read: 412 grams";
    assert_eq!(whats(&defects), [what]);
}

#[test]
fn what_is_missing_is_absent() {
    let (report, defects) = read(&documents("sparse"));
    assert_eq!(rows(&report), "C2 Testplotter 24\n");
    assert_eq!(whats(&defects), ["C3 ProductConfigDyn: the printer gives no serial number"]);
}

#[test]
fn prefixes_do_not_matter() {
    let (plain, _) = read(&documents("full"));
    let mut renamed = documents("full");
    for answer in renamed.values_mut() {
        if let Answer::Body { body, .. } = answer {
            let text = String::from_utf8(body.clone()).expect("UTF-8");
            let text = text.replace("xmlns:dd=", "xmlns:zz=").replace("<dd:", "<zz:").replace("</dd:", "</zz:");
            *body = text.into_bytes();
        }
    }
    let (other, _) = read(&renamed);
    assert_eq!(rows(&other), rows(&plain));
    assert_ne!(renamed, documents("full"));
}

// Numbers that do not fit together.

fn usage_of(total: &str, consumables: &str) -> Answer {
    let agent = |amount: &str| format!("<CumulativeMarkingAgentUsed>{amount}</CumulativeMarkingAgentUsed>");
    document(
        "ProductUsageDyn",
        &format!(
            "<PrinterSubunit><UsageByMarkingAgent>{}</UsageByMarkingAgent></PrinterSubunit>\
             <ConsumableSubunit>{consumables}</ConsumableSubunit>",
            agent(total)
        ),
    )
}

fn consumable(colour: &str, number: &str, unit: &str) -> String {
    format!(
        "<Consumable><ConsumableTypeEnum>ink</ConsumableTypeEnum><MarkerColor>{colour}</MarkerColor>\
         <CumulativeConsumableCount>2</CumulativeConsumableCount><CumulativeMarkingAgentUsed>\
         <ValueFloat>{number}</ValueFloat><Unit>{unit}</Unit></CumulativeMarkingAgentUsed></Consumable>"
    )
}

#[test]
fn colours_that_contradict_the_total_are_left_out_and_said() {
    let total = "<ValueFloat>100</ValueFloat><Unit>milliliters</Unit>";
    let two = |number: &str, unit: &str| {
        let both = consumable("Cyan", number, unit) + &consumable("Black", number, unit);
        let (report, defects) = full_with(USAGE, usage_of(total, &both));
        assert_eq!(report.usage.ink, Some(Ink(100_000_000)), "the total stays");
        assert_eq!(report.usage.cartridge_types[0].insertions, Some(2), "what is not ink stays");
        (report.usage.cartridge_types[0].ink, whats(&defects))
    };
    assert_eq!(two("50", "milliliters"), (Some(Ink(50_000_000)), Vec::new()));
    assert_eq!(two("30000", "microliters"), (Some(Ink(30_000_000)), Vec::new()), "some ink is spent otherwise");
    assert_eq!(two("101", "milliliters"), (Some(Ink(101_000_000)), Vec::new()), "rounded");
    let what = "U2 ProductUsageDyn: all cartridges used 100000 nl together, the printer 100000000 nl, \
                no ink by colour is given";
    assert_eq!(two("50", "microliters"), (None, vec![what.to_owned()]));
    let what = "U2 ProductUsageDyn: all cartridges used 1000000000 nl together, the printer 100000000 nl, \
                no ink by colour is given";
    assert_eq!(two("500", "milliliters"), (None, vec![what.to_owned()]));
}

#[test]
fn without_a_total_the_colours_stand_alone() {
    let both = consumable("Cyan", "5", "microliters") + &consumable("Cyan", "7", "microliters");
    let (report, defects) = full_with(USAGE, usage_of("", &both));
    assert_eq!(defects, Vec::new());
    assert_eq!(report.usage.cartridge_types.len(), 1, "two stations of one colour are one type");
    assert_eq!(report.usage.cartridge_types[0].ink, Some(Ink(12_000)));
    assert_eq!((report.usage.ink, report.usage.pages), (None, None));
}

#[test]
fn odd_amounts_are_named_and_absent() {
    let inner = consumable("Cyan", "-28", "milliliters")
        + &consumable("Black", "many", "milliliters")
        + &consumable("Yellow", "12", "")
        + &consumable("Magenta", "-1", "milliliters")
        + "<Consumable><ConsumableTypeEnum>ink</ConsumableTypeEnum></Consumable>"
        + "<Consumable><ConsumableTypeEnum>moonlight</ConsumableTypeEnum></Consumable><Consumable><a/></Consumable>";
    let (report, defects) = full_with(USAGE, usage_of("<ValueFloat>1e99</ValueFloat>", &inner));
    let expected = [
        "U16 ProductUsageDyn: CumulativeMarkingAgentUsed is not a number: '1e99'",
        "U2 ProductUsageDyn, station 1: CumulativeMarkingAgentUsed is negative: -28",
        "U2 ProductUsageDyn, station 2: CumulativeMarkingAgentUsed is not a number: 'many'",
        "U2 ProductUsageDyn, station 3: CumulativeMarkingAgentUsed 12 without a unit, kept and never billed",
        "U2 ProductUsageDyn, station 5: a cartridge without a colour is in no colour's ink",
        "ProductUsageDyn, station 6: a consumable of the type 'moonlight' is left out",
        "ProductUsageDyn, station 7: a consumable without a type is left out",
    ];
    assert_eq!(whats(&defects), expected);
    assert!(report.usage.cartridge_types.iter().all(|part| part.ink.is_none()));
    assert_eq!(report.usage.cartridge_types.len(), 4);
}

#[test]
fn odd_levels_and_dates_are_named_and_absent() {
    let ink = |level: &str, rest: &str| {
        format!(
            "<ConsumableInfo><ConsumableTypeEnum>ink</ConsumableTypeEnum><ConsumableStation>1</ConsumableStation>\
             <Capacity><MaxCapacity>100</MaxCapacity><Unit>milliliters</Unit></Capacity>\
             <ConsumablePercentageLevelRemaining>{level}</ConsumablePercentageLevelRemaining>{rest}</ConsumableInfo>"
        )
    };
    let inner = ink("101", "<ExpirationDate>soon</ExpirationDate>")
        + &ink("-2", "<ConsumableLifeState><IsTrial>perhaps</IsTrial></ConsumableLifeState>")
        + &ink("-20", "")
        + &ink("", "<Warranty><ExpirationDate>2027-02-30</ExpirationDate></Warranty>");
    let (report, defects) = full_with(CONSUMABLES, document("ConsumableConfigDyn", &inner));
    let place = "ConsumableConfigDyn, station 1:";
    let level = "ConsumablePercentageLevelRemaining";
    let expected = [
        format!("S17 {place} {level} is more than the whole: 101"),
        format!("S19 {place} ExpirationDate is not a timestamp: 'soon'"),
        format!("S11 {place} IsTrial is neither true nor false: 'perhaps'"),
        format!("S17 {place} {level} is negative: -20"),
        format!("S19 {place} Warranty ExpirationDate is not a timestamp: '2027-02-30'"),
    ];
    assert_eq!(BTreeSet::from_iter(whats(&defects)), BTreeSet::from(expected));
    let slots: Vec<_> = report.status.cartridges.iter().map(|part| part.slot.as_str()).collect();
    assert_eq!(slots, ["1", "1 (2)", "1 (3)", "1 (4)"], "one station named four times is four cartridges");
    assert!(report.status.cartridges.iter().all(|part| part.capacity == Some(Ink(100_000_000))));
    assert!(report.status.cartridges.iter().all(|part| part.consumed.is_none() && part.expires_at.is_none()));
}

#[test]
fn a_list_of_one_repeated_cartridge_ends_at_the_limit() {
    let info = "<ConsumableInfo><ConsumableTypeEnum>ink</ConsumableTypeEnum>\
                <ConsumableStation>1</ConsumableStation></ConsumableInfo>";
    let (report, defects) = full_with(CONSUMABLES, document("ConsumableConfigDyn", &info.repeat(limits::LIST_MAX + 5)));
    assert_eq!(report.status.cartridges.len(), limits::LIST_MAX);
    let what = "ConsumableConfigDyn: ConsumableInfo has 2005 entries, only the first 2000 are read";
    assert_eq!(whats(&defects), [what]);
}

#[test]
fn an_identity_of_zeros_is_none() {
    let inner = "<ProductInformation><MakeAndModel>Testplotter</MakeAndModel>\
                 <UUID>00000000-0000-0000-0000-000000000000</UUID></ProductInformation>";
    let (report, _) = full_with(CONFIGURATION, document("ProductConfigDyn", inner));
    assert_eq!((report.configuration.uuid, report.configuration.serial_number), (None, None));
}

#[test]
fn many_states_are_one_bounded_text() {
    let states: String = (0..limits::LIST_MAX)
        .map(|n| format!("<Status><StatusCategory>{n}{}</StatusCategory></Status>", "x".repeat(200)))
        .collect();
    let (report, _) = full_with(STATUS, document("ProductStatusDyn", &states));
    assert_eq!(report.status.engine.map(|engine| engine.chars().count()), Some(limits::TEXT_MAX));
}

// Asking.

#[test]
fn anything_that_is_no_such_printer_gets_one_ledm_request() {
    let failures = [
        status(404),
        status(401),
        Answer::Failed("timeout after 10 s".to_owned()),
        Answer::NotAsked("the file forbids it".to_owned()),
        Answer::Elsewhere { status: 302, location: "https://elsewhere.example/".to_owned() },
        xml("<!DOCTYPE html><html><body>router</body></html>"),
        xml("{}"),
        document("DiscoveryTree", ""),
        document("Manifest", "<SupportedTree/>"),
        xml("<DiscoveryTree><SupportedTree><ResourceType>ledm:hpLedmProductStatusDyn</ResourceType></SupportedTree>\
             </DiscoveryTree>"),
    ];
    for failure in failures {
        let answers = ask(|_| failure.clone());
        assert_eq!(answers.len(), 1, "{failure:?}");
        assert!(!(DRIVER.identify)(&answers));
        let (report, defects) = (DRIVER.read)(&answers, READ_AT);
        assert!(walk(&report).is_empty());
        assert_eq!(defects.len(), 1);
        assert!(defects[0].what.starts_with("DiscoveryTree: "), "{defects:?}");
    }
}

#[test]
fn a_device_that_does_not_say_who_it_is_gets_two_requests() {
    let nobody = document("ProductConfigDyn", "<ProductInformation><Version/></ProductInformation>");
    for answer in [status(404), status(500), nobody] {
        let mut documents = documents("full");
        documents.insert(CONFIGURATION.to_owned(), answer);
        let answers = ask_for(&documents);
        assert_eq!(answers.keys().collect::<Vec<_>>(), [TREE, CONFIGURATION]);
        assert!(!(DRIVER.identify)(&answers));
        let (report, defects) = (DRIVER.read)(&answers, READ_AT);
        assert!(walk(&report).is_empty());
        assert_eq!(defects.len(), 1);
        assert!(defects[0].what.starts_with("ProductConfigDyn: "), "{defects:?}");
    }
}

#[test]
fn a_printer_is_known_before_anything_else_is_asked() {
    let all = documents("full");
    let first = Answers::from([(TREE.to_owned(), all[TREE].clone())]);
    assert!(!(DRIVER.identify)(&first));
    let requests = (DRIVER.next)(&first);
    assert_eq!(requests.iter().map(|request| request.key.as_str()).collect::<Vec<_>>(), [CONFIGURATION]);
    let mut second = first;
    second.insert(CONFIGURATION.to_owned(), all[CONFIGURATION].clone());
    assert!((DRIVER.identify)(&second));
    let (report, _) = (DRIVER.read)(&second, READ_AT);
    assert_eq!(report.configuration.serial_number.as_deref(), Some("TST3600001"));
}

/// The paths asked of a printer with this tree, beyond tree and identity.
fn asked(tree: Answer, events: Option<Answer>) -> Vec<String> {
    let mut documents = documents("full");
    documents.insert(TREE.to_owned(), tree);
    match events {
        Some(events) => documents.insert(EVENTS.to_owned(), events),
        None => documents.remove(EVENTS),
    };
    let answers = ask_for(&documents);
    answers.into_keys().filter(|path| path != TREE && path != CONFIGURATION).collect()
}

fn tree_entry(uri: &str, kind: &str) -> String {
    format!("<SupportedTree><ResourceURI>{uri}</ResourceURI><ResourceType>ledm:{kind}</ResourceType></SupportedTree>")
}

#[test]
fn only_what_the_tree_names_is_asked_where_it_says() {
    let inner = tree_entry("/DevMgmt/Other/Status-2.xml", "hpLedmProductStatusDyn")
        + &tree_entry(USAGE, "hpLedmProductUsageDyn")
        + &tree_entry("/DevMgmt/InternalPrintDyn.xml", "hpLedmInternalPrintDyn");
    assert_eq!(asked(document("DiscoveryTree", &inner), None), ["/DevMgmt/Other/Status-2.xml", USAGE]);
}

#[test]
fn a_tree_that_names_nothing_we_know_leaves_the_usual_places() {
    let tree = document("DiscoveryTree", &tree_entry("/DevMgmt/NetAppsDyn.xml", "hpLedmNetAppsDyn"));
    assert_eq!(asked(tree, None), [CONSUMABLES, MEDIA_TYPES, MEDIA, STATUS, USAGE, EVENTS, JOBS]);
}

#[test]
fn a_place_elsewhere_is_named_and_not_asked() {
    for uri in [
        "https://elsewhere.example/DevMgmt/ProductUsageDyn.xml",
        "/DevMgmt/../Calibration/Session",
        "/Calibration/State",
        "/DevMgmt/ProductUsageDyn.xml?clear=1",
    ] {
        let tree = document("DiscoveryTree", &tree_entry(uri, "hpLedmProductUsageDyn"));
        assert_eq!(asked(tree.clone(), None), [USAGE], "{uri}");
        let (report, defects) = full_with(TREE, tree);
        assert_eq!(whats(&defects), [format!("DiscoveryTree: ProductUsageDyn at '{uri}' is not asked there")]);
        assert_eq!(report.usage.pages, Some(4711));
    }
}

#[test]
fn one_place_for_two_documents_is_asked_once() {
    let inner = tree_entry(STATUS, "hpLedmProductStatusDyn") + &tree_entry(STATUS, "hpLedmConsumableConfigDyn");
    let tree = document("DiscoveryTree", &inner);
    assert_eq!(asked(tree.clone(), None), [STATUS]);
    let (_, defects) = full_with(TREE, tree);
    assert_eq!(whats(&defects), ["ConsumableConfigDyn: has no ConsumableConfigDyn"]);
}

#[test]
fn the_job_list_is_asked_only_where_a_job_may_be() {
    let tree = documents("full").remove(TREE).expect("the tree");
    let events = |inner: &str| Some(document("EventTable", inner));
    let of = |category: &str| format!("<Event><UnqualifiedEventCategory>{category}</UnqualifiedEventCategory></Event>");
    let is_asked = |events: Option<Answer>| asked(tree.clone(), events).contains(&JOBS.to_owned());
    assert!(is_asked(events(&of("JobEvent"))));
    assert!(is_asked(None), "a printer without the table");
    assert!(is_asked(Some(status(503))));
    assert!(!is_asked(events(&of("PowerUpEvent"))));
    assert!(!is_asked(events("")));
    let (_, defects) = full_with(EVENTS, document("EventTable", "<Event><AgingStamp>1-1</AgingStamp></Event>"));
    assert_eq!(whats(&defects), ["EventTable: 1 events without a category"]);
}

// What comes from outside is never trusted.

#[test]
fn a_hostile_ledm_document_is_named_and_the_rest_is_read() {
    let deep = "<a>".repeat(10_000) + &"</a>".repeat(10_000);
    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;\">]><l>&b;</l>";
    let many = format!("<a>{}</a>", "<b/>".repeat(limits::NODES_MAX));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"asleep".to_vec(), "neither JSON nor XML"),
        (b"".to_vec(), "empty"),
        (deep.into_bytes(), "nested deeper than 64"),
        (laughs.as_bytes().to_vec(), "has a document type, which is not accepted"),
        (many.into_bytes(), "more than 200000 elements"),
        (b"<html><body>Waking up</body></html>".to_vec(), "a web page instead of a document"),
        (b"<ProductUsageDyn><".to_vec(), "not XML: "),
        (b"<ProductUsageDyn>\xff</ProductUsageDyn>".to_vec(), "not UTF-8"),
        (vec![b' '; limits::BODY_MAX + 1], "longer than 8388608 bytes"),
        (b"<ProductStatusDyn/>".to_vec(), "has no ProductUsageDyn"),
        (b"[1,2]".to_vec(), "has no ProductUsageDyn"),
        (b"<ProductUsageDyn/>".to_vec(), "has a ProductUsageDyn of another vocabulary"),
    ];
    for (bytes, reason) in cases {
        let (report, defects) = full_with(USAGE, body("text/xml", &bytes));
        assert_eq!(defects.len(), 1, "{reason}: {defects:?}");
        let what = &defects[0].what;
        assert!(what.starts_with(&format!("ProductUsageDyn: {reason}")), "{what}");
        assert_eq!((report.usage.pages, report.usage.ink), (None, None));
        assert_eq!((report.status.cartridges.len(), report.alerts.len()), (6, 3));
    }
}

#[test]
fn what_a_ledm_printer_does_not_have_is_absent_and_what_fails_is_a_defect() {
    let elsewhere = Answer::Elsewhere { status: 302, location: "/wakeup.htm".to_owned() };
    let cases = [
        (status(404), Vec::new()),
        (status(503), vec!["ProductUsageDyn: answered with status 503"]),
        (elsewhere, vec!["ProductUsageDyn: answered with another place: '/wakeup.htm'"]),
        (Answer::NotAsked("forbidden".to_owned()), vec!["ProductUsageDyn: forbidden"]),
        (Answer::Failed("timeout\nafter 10 s".to_owned()), vec!["ProductUsageDyn: timeout after 10 s"]),
    ];
    for (answer, expected) in cases {
        let (report, defects) = full_with(USAGE, answer);
        assert_eq!(whats(&defects), expected);
        assert_eq!((report.usage.pages, report.configuration.serial_number.as_deref()), (None, Some("TST3600001")));
    }
}

#[test]
fn a_ledm_list_without_end_is_cut_and_said() {
    let trays = "<InputTray><InputBin>T</InputBin></InputTray>".repeat(limits::LIST_MAX + 5);
    let (report, defects) = full_with(MEDIA, document("MediaHandlingDyn", &trays));
    assert_eq!(report.status.media_sources.len(), limits::LIST_MAX);
    let what = "MediaHandlingDyn: InputTray has 2005 entries, only the first 2000 are read";
    assert_eq!(whats(&defects), [what]);
    let types: String = (0..limits::LIST_MAX + 5).map(|id| format!("<MediaType>m{id}</MediaType>")).collect();
    let (report, defects) = full_with(MEDIA_TYPES, document("MediaCap", &types));
    assert_eq!(report.settings.media_types.len(), limits::LIST_MAX);
    assert_eq!(whats(&defects), ["S23 MediaCap: more than 2000 media types, the rest is not read"]);
}

// Recordings of real printers, which are not part of the project. The values are read by hand from them.

/// Answers of the full case at tree and identity, so that one recorded document can be read alone.
fn known_printer() -> Answers {
    let mut documents = documents("full");
    documents.retain(|path, _| path == TREE || path == CONFIGURATION);
    documents
}

#[test]
fn a_recorded_officejet_gives_its_parts() {
    let folder = "aiohpprinter/officejet-pro-9022e";
    let files = [
        (TREE, "node-hp-scan-to/discoveryTree.xml".to_owned()),
        (CONFIGURATION, format!("{folder}/ProductConfigDyn.excerpt.xml")),
        (STATUS, format!("{folder}/ProductStatusDyn.xml")),
        (CONSUMABLES, format!("{folder}/ConsumableConfigDyn.xml")),
        (MEDIA, format!("{folder}/MediaHandlingDyn.xml")),
    ];
    let mut documents = Answers::new();
    for (path, file) in files {
        let Some(bytes) = recording(&file) else { return };
        documents.insert(path.to_owned(), body("text/xml", &bytes));
    }
    let (report, defects) = read(&documents);
    assert_eq!(defects, Vec::new());
    let configuration = &report.configuration;
    assert_eq!(configuration.product_number.as_deref(), Some("226Y0B"));
    assert_eq!(configuration.product_name.as_deref(), Some("HP OfficeJet Pro 9020 series"));
    assert_eq!(configuration.firmware_version.as_deref(), Some("MANHHIPP1N005.2623A.00"));
    assert_eq!(configuration.serial_number.as_deref(), Some("REDACTED"));
    assert_eq!((report.status.engine.as_deref(), report.alerts.len()), (Some("inPowerSave"), 0));
    let head = &report.status.printheads[0];
    assert_eq!(head.colours, ["cyan", "magenta", "yellow", "black"]);
    assert_eq!((head.slot.as_str(), head.status.as_deref(), head.expires_at), ("0", Some("ok"), None));
    let shown: Vec<_> = report
        .status
        .cartridges
        .iter()
        .map(|part| (part.colour.as_deref(), part.product_number.as_deref(), part.capacity, part.consumed))
        .collect();
    let expected = [
        (Some("cyan"), Some("3JA86A"), Some(Ink(29_800_000)), Some(Ink(17_880_000))),
        (Some("magenta"), Some("3JA87A"), Some(Ink(29_900_000)), Some(Ink(17_940_000))),
        (Some("yellow"), Some("3JA88A"), Some(Ink(29_900_000)), Some(Ink(17_940_000))),
        (Some("black"), Some("3JA89A"), Some(Ink(84_500_000)), Some(Ink(16_900_000))),
    ];
    assert_eq!(shown, expected);
    let black = &report.status.cartridges[3];
    assert_eq!((black.slot.as_str(), black.status.as_deref()), ("4", Some("used, ok")));
    assert_eq!((black.product_name.as_deref(), black.manufacturer.as_deref()), (Some("INSTANT INK"), Some("HP")));
    assert_eq!(black.expires_at, instant("2025-04-30T00:00:00Z"));
    check_recorded_trays(&report);
}

fn check_recorded_trays(report: &Report) {
    let trays = &report.status.media_sources;
    assert_eq!((trays[0].name.as_str(), trays[0].status.as_deref()), ("Tray1", Some("installed, present")));
    assert_eq!((trays[0].width, trays[0].height), (Some(Length(210_000)), Some(Length(297_000))));
    assert_eq!(trays[0].media.as_deref(), Some("plain"));
    assert_eq!((trays[1].name.as_str(), trays[1].status.as_deref()), ("Tray2", Some("installed, missing")));
    assert_eq!((trays[1].media.as_deref(), trays[1].width), (None, None), "the second tray was empty");
    let accessories: Vec<_> = report.settings.accessories.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(accessories, ["autoDuplexor", "adf"]);
}

#[test]
fn a_recorded_envy_contradicts_its_own_units() {
    let Some(bytes) = recording("leshk0de-HPEnvy6000/envy-6000/ProductUsageDyn.xml") else { return };
    let mut documents = known_printer();
    documents.insert(USAGE.to_owned(), body("text/xml", &bytes));
    let (report, defects) = read(&documents);
    // 5 and 23 "microliters" are the printer's 28 millilitres.
    let what = "U2 ProductUsageDyn: all cartridges used 28000 nl together, the printer 28000000 nl, \
                no ink by colour is given";
    assert_eq!(whats(&defects), [what]);
    assert_eq!((report.usage.pages, report.usage.ink), (Some(931), Some(Ink(28_000_000))));
    let shown: Vec<_> = report
        .usage
        .cartridge_types
        .iter()
        .map(|part| (part.colour.as_str(), part.ink, part.ink_foreign, part.ink_genuine, part.insertions))
        .collect();
    let no_ink: Option<Ink> = None;
    let expected =
        [("cyan, magenta, yellow", no_ink, no_ink, no_ink, Some(3)), ("black", no_ink, no_ink, no_ink, Some(6))];
    assert_eq!(shown, expected);
    assert_eq!((report.usage.jobs, report.usage.scanned), (None, None));
}

#[test]
fn recorded_trees_say_what_to_ask() {
    let Some(long) = recording("node-hp-scan-to/discoveryTree.xml") else { return };
    let Some(short) = recording("node-hp-scan-to/discoveryTree3.xml") else { return };
    let Some(events) = recording("node-hp-scan-to/eventTable.xml") else { return };
    let events = body("text/xml", &events);
    let found = asked(body("text/xml", &long), Some(events.clone()));
    assert_eq!(found, [CONSUMABLES, MEDIA_TYPES, MEDIA, STATUS, USAGE, EVENTS, JOBS], "its events name a job");
    assert_eq!(asked(body("text/xml", &short), Some(events)), [STATUS, USAGE, EVENTS], "it names no list of jobs");
}

#[test]
fn of_two_recorded_jobs_the_finished_one_is_said() {
    let mut inner = String::new();
    for file in ["job_completed.xml", "job_processing.xml"] {
        let Some(bytes) = recording(&format!("node-hp-scan-to/{file}")) else { return };
        let text = String::from_utf8(bytes).expect("UTF-8");
        let start = text.find("<j:Job").expect("a job");
        inner.push_str(&text[start..]);
    }
    let mut documents = known_printer();
    documents.insert(JOBS.to_owned(), document("JobList", &inner));
    let (report, defects) = read(&documents);
    assert!(report.jobs.is_empty());
    assert_eq!(whats(&defects), ["P10 JobList: finished jobs without a time or a quantity are not reported: 1"]);
}
