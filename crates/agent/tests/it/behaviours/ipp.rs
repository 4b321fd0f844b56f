//! What can be wrong with an IPP answer (RFC 8010, RFC 8011).
//!
//! Deliberately absent: attributes that are merely odd, which the driver's own cases hold.

use super::{Case, Does, Ends, Named, PRODUCT, SERIAL, Script, answer, endless, only, silent};
use Ends::{AtOnce, Idle};
use Named::Defect;

const END_OF_ATTRIBUTES: u8 = 0x03;
const PRINTER_ATTRIBUTES: u8 = 0x04;
const BEGIN_COLLECTION: u8 = 0x34;
const MEMBER_NAME: u8 = 0x4a;
const TEXT: u8 = 0x41;
const KEYWORD: u8 = 0x44;
const CHARSET: u8 = 0x47;
const LANGUAGE: u8 = 0x48;

const GET_JOBS: u16 = 0x000a;
const GET_PRINTER_ATTRIBUTES: u16 = 0x000b;

/// The cases. Whoever asks hears from each who the printer is: before anything goes wrong, or at the head of what
/// goes wrong.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "hears the question for its jobs and says nothing",
        does: Does::Ipp(GET_JOBS, |_| silent("")),
        named: Defect("stopped answering"),
        ends: Idle,
    },
    Case {
        name: "answers the question for its jobs with a web page",
        does: Does::Ipp(GET_JOBS, |_| only(answer("200 OK", "text/html", b"<html>It works</html>"))),
        named: Defect("a web page"),
        ends: AtOnce,
    },
    Case {
        name: "redirects the question for its jobs",
        does: Does::Ipp(GET_JOBS, |_| {
            only("HTTP/1.1 307 Moved\r\nlocation: https://192.0.2.1/ipp/print\r\ncontent-length: 0\r\n\r\n")
        }),
        named: Defect("192.0.2.1"),
        ends: AtOnce,
    },
    Case {
        name: "answers the question for its jobs with nothing",
        does: Does::Ipp(GET_JOBS, |_| body(b"")),
        named: Defect("not an IPP answer"),
        ends: AtOnce,
    },
    Case {
        name: "cuts an IPP answer off",
        does: Does::Ipp(GET_PRINTER_ATTRIBUTES, |number| {
            let last = attribute(TEXT, "printer-firmware-string-version", b"MRY_04_11_00.1");
            let whole = [printer(SERIAL), last].concat();
            body(&message(0, number, &whole[..whole.len() - 9]))
        }),
        named: Defect("cut off"),
        ends: AtOnce,
    },
    Case {
        name: "names an attribute longer than the answer",
        does: Does::Ipp(GET_PRINTER_ATTRIBUTES, |number| {
            let long = [&printer(SERIAL)[..], &[TEXT, 0x7f, 0xff], b"x"].concat();
            body(&message(0, number, &long))
        }),
        named: Defect("cut off"),
        ends: AtOnce,
    },
    Case {
        name: "gives a value a negative length",
        does: Does::Ipp(GET_PRINTER_ATTRIBUTES, |number| {
            let negative = [&printer(SERIAL)[..], &[TEXT, 0, 1, b'x', 0xff, 0xff], b"y", &[END_OF_ATTRIBUTES]].concat();
            body(&message(0, number, &negative))
        }),
        named: Defect("cut off"),
        ends: AtOnce,
    },
    Case {
        name: "nests collections ten thousand deep",
        does: Does::Ipp(GET_PRINTER_ATTRIBUTES, |number| {
            let first = attribute(BEGIN_COLLECTION, "media-col-ready", b"");
            let deeper = [attribute(MEMBER_NAME, "", b"media-size"), attribute(BEGIN_COLLECTION, "", b"")].concat();
            body(&message(0, number, &[printer(SERIAL), first, deeper.repeat(10_000)].concat()))
        }),
        named: Defect("nested too deep"),
        ends: AtOnce,
    },
    Case {
        name: "has a million values for one attribute",
        does: Does::Ipp(GET_PRINTER_ATTRIBUTES, |number| {
            let first = attribute(KEYWORD, "media-type-supported", b"x");
            let more = attribute(KEYWORD, "", b"x").repeat(1_000_000);
            body(&message(0, number, &[printer(SERIAL), first, more, vec![END_OF_ATTRIBUTES]].concat()))
        }),
        named: Defect("too many attributes"),
        ends: AtOnce,
    },
    Case {
        name: "sends jobs without an end",
        does: Does::Ipp(GET_JOBS, |number| {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/ipp\r\nconnection: close\r\n\r\n";
            let first = [head.as_bytes(), &message(0, number, &printer(SERIAL))].concat();
            endless(first, attribute(KEYWORD, "media-type-supported", b"x").repeat(2_000))
        }),
        named: Defect("longer than"),
        ends: AtOnce,
    },
    Case {
        name: "writes texts that are not UTF-8",
        does: Does::Ipp(GET_PRINTER_ATTRIBUTES, |number| {
            let odd = attribute(TEXT, "printer-firmware-string-version", b"\xff\xfe\xfd");
            body(&message(0, number, &[printer(SERIAL), odd, vec![END_OF_ATTRIBUTES]].concat()))
        }),
        named: Defect("not UTF-8"),
        ends: AtOnce,
    },
    Case {
        name: "forbids the question for its jobs",
        // client-error-forbidden
        does: Does::Ipp(GET_JOBS, |number| body(&message(0x0401, number, &[END_OF_ATTRIBUTES]))),
        named: Defect("IPP status 0x0401"),
        ends: AtOnce,
    },
    Case {
        name: "has another serial number by IPP",
        does: Does::Ipp(GET_PRINTER_ATTRIBUTES, |number| {
            body(&message(0, number, &[printer("CN99999999"), vec![END_OF_ATTRIBUTES]].concat()))
        }),
        named: Defect("names another printer"),
        ends: AtOnce,
    },
    Case {
        name: "shows another certificate for IPP",
        does: Does::IppCertificate,
        named: Defect("certificate"),
        ends: AtOnce,
    },
];

/// What a good printer answers: who it is, and no jobs.
pub(super) fn good(operation: u16, number: [u8; 4]) -> Vec<u8> {
    let more = if operation == GET_PRINTER_ATTRIBUTES { printer(SERIAL) } else { Vec::new() };
    answer("200 OK", "application/ipp", &message(0, number, &[more, vec![END_OF_ATTRIBUTES]].concat()))
}

/// An answer to an operation.
fn body(message: &[u8]) -> Script {
    only(answer("200 OK", "application/ipp", message))
}

/// Version 2.0, the status, the request's number, the operation's attributes, and what follows.
fn message(status: u16, number: [u8; 4], more: &[u8]) -> Vec<u8> {
    let head = [&[2, 0][..], &status.to_be_bytes(), &number, &[1]].concat();
    let charset = attribute(CHARSET, "attributes-charset", b"utf-8");
    let language = attribute(LANGUAGE, "attributes-natural-language", b"en");
    [&head[..], &charset, &language, more].concat()
}

/// The group of the printer's attributes, without an end.
fn printer(serial: &str) -> Vec<u8> {
    let device = format!("MFG:HP;MDL:{PRODUCT};SN:{serial};");
    let name = attribute(TEXT, "printer-make-and-model", PRODUCT.as_bytes());
    [vec![PRINTER_ATTRIBUTES], name, attribute(TEXT, "printer-device-id", device.as_bytes())].concat()
}

/// One attribute, or another value of the one before where it has no name.
fn attribute(tag: u8, name: &str, value: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).expect("short").to_be_bytes();
    [&[tag][..], &length(name.as_bytes()), name.as_bytes(), &length(value), value].concat()
}
