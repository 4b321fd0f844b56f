//! What the web service says, compared with the truth.

use super::{START, after, busy, month};
use report::{Area, Category, Decimal, Instant};
use serde_json::{Map, Value};
use simulator::faces::piws::answer;
use simulator::printer::{Habits, Printer, Quirks, TruthJob};
use std::collections::BTreeMap;

const MFP: &str = "XL 5000";
const ROOT: &str = "/LFPWebServices/PI";
const DOCUMENTS: &[&str] =
    &["Identification", "DeviceStatus", "InkSystem", "PrintheadsStatus", "MediaSystem", "Paper/List", "DeviceCounters"];

fn get(printer: &Printer, path: &str, accept_json: bool) -> String {
    let response = answer(printer, path, accept_json);
    assert_eq!(response.status, 200, "{path}");
    String::from_utf8(response.body).expect("UTF-8")
}

fn json(printer: &Printer, path: &str) -> Value {
    serde_json::from_str(&get(printer, path, true)).expect("JSON")
}

fn jobs_path(printer: &Printer) -> String {
    let collection = json(printer, &format!("{ROOT}/JQ/JobQueueCollection"));
    let uri = collection["JobQueueCollection"]["Queue"]["URI"].as_str().expect("a URI");
    format!("{uri}/jobs/all")
}

/// A list that may stand as its only element or be nothing.
fn many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        one => vec![one],
    }
}

/// A number's text, however it is written.
fn number(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The jobs of a snapshot, without the element that names their kind.
fn jobs(printer: &Printer) -> Vec<Value> {
    let snapshot = json(printer, &jobs_path(printer));
    let listed = many(&snapshot["JobQueueSnapshot"]["Jobs"]["Job"]);
    listed.into_iter().flat_map(|job| job.as_object().expect("a job").values().cloned()).collect()
}

fn completion(job: &Value) -> &str {
    job["Accounting"]["CompletionTimestamp"].as_str().unwrap_or("")
}

#[test]
fn the_area_text_of_every_page_parses_back_to_the_truth() {
    for quirks in [Quirks::default(), Quirks { numbers_as_text: true, uuids_upper: true, ..Quirks::default() }] {
        let habits = Habits { jobs_per_day: 80, queue_length: 5_000, ..Habits::default() };
        let mut printer = Printer::new(21, super::model(MFP), "CN1", START, habits).with_quirks(quirks);
        printer.advance(after(31));
        let truth: BTreeMap<&str, &TruthJob> = printer.truth().iter().map(|job| (job.uuid.as_str(), job)).collect();
        let seen = jobs(&printer);
        assert!(seen.len() >= truth.len());
        for job in seen.iter().filter(|job| completion(job) > "1971") {
            let uuid = job["Settings"]["JobUUID"].as_str().expect("a UUID").to_lowercase();
            let expected = truth.get(uuid.as_str()).expect("a true job");
            assert_eq!(Instant::parse(completion(job)), Some(expected.finished_at));
            let mut areas: BTreeMap<Category, Area> = BTreeMap::new();
            for page in many(&job["Pages"]["Page"]) {
                let side = |name: &str| {
                    Decimal::parse(&number(&page["Settings"]["PageSize"][name]["Value"])).expect("a number")
                };
                let copies = number(&page["Progress"]["NumberOfPrintedCopies"]).parse().expect("a count");
                let area = Area::from_sides((side("Width"), "in"), (side("Height"), "in"), copies).expect("an area");
                let category = Category::new(page["Accounting"]["PrintCategory"].as_str().expect("a category"));
                areas.entry(category).or_default().0 += area.0;
            }
            areas.retain(|_, area| area.0 > 0);
            let truly: BTreeMap<Category, Area> =
                expected.categories.iter().map(|(category, used)| (category.clone(), used.printed_area)).collect();
            assert_eq!(areas, truly, "{uuid}");
        }
    }
}

#[test]
fn coverage_gives_the_category_where_the_page_names_none() {
    // With its unit it is percent, whatever it would be without.
    let cases = [(true, false, false), (true, true, true), (false, false, true)];
    for (without_unit, coverage_in_percent, in_percent) in cases {
        let quirks = Quirks {
            categories_unnamed: true,
            coverage_without_unit: without_unit,
            coverage_in_percent,
            ..Quirks::default()
        };
        let mut printer = busy(22, MFP).with_quirks(quirks);
        printer.advance(after(10));
        let truth: BTreeMap<&str, &TruthJob> = printer.truth().iter().map(|job| (job.uuid.as_str(), job)).collect();
        let scale = if in_percent { 10_000 } else { 1_000_000 };
        for job in jobs(&printer).iter().filter(|job| completion(job) > "1971") {
            let expected = truth[job["Settings"]["JobUUID"].as_str().expect("a UUID")];
            for page in many(&job["Pages"]["Page"]) {
                assert!(page["Accounting"].get("PrintCategory").is_none());
                let share = |name: &str| {
                    let coverage = &page["Accounting"][name];
                    assert_eq!(coverage["Unit"].as_str(), (!without_unit).then_some("%"));
                    let text = number(if without_unit { coverage } else { &coverage["Value"] });
                    Decimal::parse(&text).and_then(|share| share.times(scale, 1)).expect("a share")
                };
                let (gray, colour) = (share("GrayPixelCoverage"), share("ColorPixelCoverage"));
                assert!(!in_percent || gray > 10_000, "no page in percent can be taken for fractions");
                let category = Category::of_coverage(report::Share(gray + colour), report::Share(colour));
                let printed = number(&page["Progress"]["NumberOfPrintedCopies"]) != "0";
                assert!(!printed || expected.categories.contains_key(&category), "{category:?}");
            }
        }
    }
}

/// The tree of an XML document by the mechanical mapping: text, `null` or elements by name.
fn tree(node: roxmltree::Node<'_, '_>) -> Value {
    let mut elements: Map<String, Value> = Map::new();
    for child in node.children().filter(roxmltree::Node::is_element) {
        let name = child.tag_name().name().to_owned();
        let value = tree(child);
        match elements.get_mut(&name) {
            None => {
                elements.insert(name, value);
            }
            Some(Value::Array(items)) => items.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    match (elements.is_empty(), node.text()) {
        (false, _) => Value::Object(elements),
        (true, Some(text)) => Value::String(text.to_owned()),
        (true, None) => Value::Null,
    }
}

/// The same value whether a number is a number or text, and whatever its last zeros.
fn plain(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        Value::Object(entries) => entries.iter().map(|(name, entry)| (name.clone(), plain(entry))).collect(),
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Null => Value::Null,
        other => {
            let text = number(other);
            let millionths = Decimal::parse(&text).and_then(|decimal| decimal.times(1_000_000, 1));
            Value::String(millionths.map_or(text, |millionths| millionths.to_string()))
        }
    }
}

#[test]
fn xml_and_json_of_a_document_carry_the_same_values() {
    for seed in 30..36 {
        // Quirks as the seed gives them.
        let mut printer = Printer::new(seed, super::model(MFP), "CN1", START, Habits::default());
        printer.advance(after(3).plus(report::Duration::hours(11)));
        let mut pairs: Vec<(String, String)> =
            DOCUMENTS.iter().map(|name| (format!("{ROOT}/{name}.json"), format!("{ROOT}/{name}.xml"))).collect();
        pairs.push((format!("{ROOT}/Alerts.json/ActiveAlerts"), format!("{ROOT}/Alerts.xml/ActiveAlerts")));
        pairs.push((jobs_path(&printer), jobs_path(&printer)));
        for (as_json, as_xml) in pairs {
            let document = json(&printer, &as_json);
            let (name, root) = document.as_object().expect("a root").iter().next().expect("a root");
            let text = get(&printer, &as_xml, false);
            let parsed = roxmltree::Document::parse(&text).expect("XML");
            let element = parsed.root_element();
            assert_eq!(element.tag_name().name(), name, "{as_xml}");
            assert_eq!(element.tag_name().namespace(), Some("http://www.hp.com/schemas/piws/v2_0"), "{as_xml}");
            assert_eq!(plain(&tree(element)), plain(root), "{as_xml}, seed {seed}");
        }
    }
}

#[test]
fn counters_are_told_to_the_unit() {
    let printer = month(40, MFP);
    let document = json(&printer, &format!("{ROOT}/DeviceCounters.json"));
    let area = |value: &Value| {
        let text = number(&value["Value"]);
        Area::from_unit(Decimal::parse(&text).expect("a number"), value["Unit"].as_str().expect("a unit"))
    };
    let prints = &document["DeviceCounters"]["PrintCounters"];
    assert_eq!(number(&prints["NumberOfJobs"]), printer.counters().jobs.to_string());
    assert_eq!(area(&prints["MediaUsed"]), Some(printer.counters().media_area));
    let categories = many(&prints["PrintCategoryCollection"]["PrintCategory"]);
    assert_eq!(categories.len(), printer.counters().categories.len());
    for told in categories {
        let counted = printer.counters().categories[&Category::new(told["Id"].as_str().expect("an id"))];
        assert_eq!(area(&told["SquareAmount"]), Some(counted.media_area));
    }
    let scans = &document["DeviceCounters"]["ScanCounters"];
    assert_eq!(area(&scans["TotalArea"]), Some(printer.counters().scanned()));
}

#[test]
fn a_printing_job_has_no_completion_and_consumed_nothing() {
    let mut found = 0;
    let habits = Habits { jobs_per_day: 80, queue_length: 2, ..Habits::default() };
    let mut printer = Printer::new(41, super::model("Z9"), "CN1", START, habits).with_quirks(Quirks::default());
    for step in 0..100 {
        printer.advance(after(4).plus(report::Duration::minutes(8 * 60 + 6 * step)));
        for job in jobs(&printer).iter().filter(|job| completion(job) < "1971") {
            let status = job["Status"]["JobStatus"].as_str();
            assert!(matches!(status, Some("Printing" | "Processing")), "{status:?}");
            for page in many(&job["Pages"]["Page"]) {
                assert!(many(&page["Accounting"]["InkCollectionConsumption"]).is_empty());
                assert_eq!(number(&page["Progress"]["NumberOfPrintedCopies"]), "0");
            }
            found += i64::from(status == Some("Printing"));
        }
    }
    assert!(found > 0, "some job was being printed");
}

#[test]
fn the_queue_remembers_only_the_last_jobs() {
    let habits = Habits { jobs_per_day: 80, queue_length: 25, ..Habits::default() };
    let mut printer = Printer::new(42, super::model(MFP), "CN1", START, habits).with_quirks(Quirks::default());
    printer.advance(after(10));
    let seen: Vec<String> = jobs(&printer)
        .iter()
        .filter(|job| completion(job) > "1971")
        .map(|job| job["Settings"]["JobUUID"].as_str().expect("a UUID").to_owned())
        .collect();
    let last: Vec<String> = printer.truth().iter().rev().take(25).rev().map(|job| job.uuid.clone()).collect();
    assert_eq!(seen, last);
}

#[test]
fn a_reboot_hides_the_queue_behind_a_new_uuid() {
    let mut printer = busy(43, MFP);
    printer.advance(after(5));
    let (path, before) = (jobs_path(&printer), jobs(&printer).len());
    printer.reboot();
    let response = answer(&printer, &path, true);
    assert_eq!(response.status, 404);
    assert!(String::from_utf8_lossy(&response.body).contains("Unkownw QueueID"));
    assert_ne!(jobs_path(&printer), path);
    assert_eq!(jobs(&printer).len(), before);
}

#[test]
fn what_is_not_there_is_a_small_page() {
    let printer = busy(44, MFP);
    let cases = [
        ("/", 404),
        ("/LFPWebServices/PI/Identification", 404),
        ("/LFPWebServices/PI/Nothing.json", 404),
        ("/LFPWebServices/PI/JQ/JobQueue", 404),
        ("/LFPWebServices/PI/JQ/JobQueue/x/jobs/all", 404),
        ("/LFPWebServices/PI/Settings/PrinterSettings.json", 401),
        ("/LFPWebServices/PI/Settings.json", 401),
        ("/hp/device/webAccess/open_status.xml", 404),
        ("/LFPWebServices/PI/Identification.json?units=imperial", 200),
        ("", 404),
    ];
    for (path, status) in cases {
        let response = answer(&printer, path, true);
        assert_eq!(response.status, status, "{path}");
        assert_eq!(response.content_type == "text/html", status != 200, "{path}");
    }
}

#[test]
fn jobs_say_what_their_source_gives() {
    let printer = month(45, MFP);
    let (mut drivers, mut pages) = (0, 0);
    for job in jobs(&printer) {
        let settings = &job["Settings"];
        match settings["Source"].as_str() {
            Some("Driver") => {
                drivers += 1;
                assert!(settings["UserName"].is_string() && settings["JobName"].is_string());
                let at = |name: &str| Instant::parse(job["Accounting"][name].as_str().unwrap_or(""));
                // Local time that calls itself UTC: later than the arrival.
                assert!(at("SubmissionTimestamp") > at("ArrivalTimestamp"));
            }
            Some("EWS") => {
                pages += 1;
                assert!(settings["UserName"].is_null() && settings["Account"].is_null());
                assert_eq!(job["Accounting"]["SubmissionTimestamp"], "1970-01-01T00:00:00Z");
            }
            _ => {}
        }
    }
    assert!(drivers > 0 && pages > 0);
}
