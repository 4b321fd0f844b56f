//! Asking a printer that means harm, or is broken: the reading ends in time and memory, the rest is
//! kept, and a defect names what was wrong. The agents as a whole are in the modules.
#![cfg(feature = "net")]

mod collector;
mod direct;
mod doctor;
mod hostile;
mod portal;
mod proxies;
mod site;

use agent::{Asked, Patience, ask};
use hostile::{Behaviour, Printer};
use report::Instant;
use std::time::Duration;

const PATIENCE: Patience = Patience {
    pause: Duration::ZERO,
    connect: Duration::from_secs(4),
    idle: Duration::from_millis(800),
    answer: Duration::from_secs(4),
    reading: Duration::from_secs(20),
};

async fn read(resource: &str, behaviour: Behaviour) -> (Asked, Printer) {
    let printer = Printer::start(resource, behaviour).await;
    let asked = ask(&printer.address, Instant(1_793_448_000_000), PATIENCE).await.expect("the rest is read");
    (asked, printer)
}

/// Reads with one hostile resource, and expects identity to be there and a defect to name the rest.
async fn expect_defect(behaviour: Behaviour, words: &str) -> Printer {
    let (asked, printer) = read("InkSystem.json", behaviour).await;
    assert_eq!(asked.report.configuration.serial_number.as_deref(), Some("CN12345678"));
    assert!(asked.report.status.cartridges.is_empty());
    let named = asked.defects.iter().find(|defect| defect.what.contains("InkSystem"));
    let named = named.unwrap_or_else(|| panic!("no defect names it: {:?}", asked.defects));
    assert!(named.what.contains(words), "{}", named.what);
    printer
}

fn document(body: &str) -> Behaviour {
    Behaviour::Bytes(hostile::response("200 OK", "application/json", body.as_bytes()))
}

#[tokio::test]
async fn what_is_neither_json_nor_xml_is_named() {
    expect_defect(document("It works!"), "InkSystem.json").await;
}

#[tokio::test]
async fn a_document_of_a_hundred_megabytes_is_cut_off_at_the_cap() {
    let printer = expect_defect(Behaviour::Sized { stated: 100_000_000, sent: 100_000_000 }, "longer than").await;
    // Only socket buffers' worth beyond the cap was ever sent.
    assert!(printer.sent_bytes() < 40_000_000, "{} bytes were read", printer.sent_bytes());
}

#[tokio::test]
async fn a_document_that_never_ends_is_cut_off_at_the_cap() {
    let printer = expect_defect(Behaviour::Endless, "longer than").await;
    assert!(printer.sent_bytes() < 40_000_000, "{} bytes were read", printer.sent_bytes());
}

#[tokio::test]
async fn a_document_nested_ten_thousand_deep_is_named() {
    expect_defect(document(&("[".repeat(10_000) + &"]".repeat(10_000))), "deep").await;
    expect_defect(document(&("<a>".repeat(10_000) + &"</a>".repeat(10_000))), "deep").await;
}

#[tokio::test]
async fn a_length_that_is_too_long_is_named() {
    expect_defect(Behaviour::Sized { stated: 5_000, sent: 100 }, "ended before its stated length").await;
}

#[tokio::test]
async fn a_length_that_is_too_short_is_named() {
    let mut bytes = hostile::response("200 OK", "application/json", b"{}");
    bytes.extend_from_slice(b"{\"InkSystem\":{}}");
    let (asked, _) = read("InkSystem.json", Behaviour::Bytes(bytes)).await;
    assert_eq!(asked.report.configuration.serial_number.as_deref(), Some("CN12345678"));
}

#[tokio::test]
async fn a_printer_that_stalls_is_left_after_the_idle_time() {
    expect_defect(Behaviour::Stall, "did not answer in time").await;
}

#[tokio::test]
async fn a_printer_that_drips_is_left_after_the_answer_s_time() {
    expect_defect(Behaviour::Drip, "in time").await;
}

#[tokio::test]
async fn a_flood_of_headers_is_no_valid_answer() {
    let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
    for number in 0..100_000 {
        bytes.extend_from_slice(format!("x-{number}: y\r\n").as_bytes());
    }
    expect_defect(Behaviour::Bytes(bytes), "valid HTTP").await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Printer::start("nothing", Behaviour::Stall).await;
    let location =
        format!("HTTP/1.1 302 Found\r\nlocation: https://{}/secret\r\ncontent-length: 0\r\n\r\n", elsewhere.address);
    expect_defect(Behaviour::Bytes(location.into_bytes()), "302").await;
    assert_eq!(elsewhere.requests(), 0);
}

#[tokio::test]
async fn only_reading_requests_are_made() {
    let (_, printer) = read("nothing", Behaviour::Stall).await;
    assert!(printer.requests() > 5);
    assert!(printer.methods().iter().all(|method| method == "GET"), "{:?}", printer.methods());
}

#[tokio::test]
async fn what_is_no_printer_gets_one_request() {
    let printer = Printer::start("Identification.json", document("<html>router</html>")).await;
    let why = ask(&printer.address, Instant(0), PATIENCE).await.expect_err("no printer");
    assert!(why.contains("no driver recognises"), "{why}");
    assert_eq!(printer.requests(), 1);
}

#[tokio::test]
async fn a_closed_port_is_said_in_words() {
    let why = ask("127.0.0.1:1", Instant(0), PATIENCE).await.expect_err("closed");
    assert!(why.contains("could not be reached over HTTPS"), "{why}");
}
