//! The IPP operations that are ever sent, and their bytes (RFC 8010).
//!
//! Deliberately absent: every operation that changes something, and attributes that no row wants, such as the
//! printer's place and its network. The names are asked for one by one: `all` would bring them.

use crate::limits::JOBS_MAX;

/// Version 1.1, which every printer must answer.
const VERSION: [u8; 2] = [1, 1];
/// Who asks.
const USER: &str = "plotmeter";
/// Bytes of a text or address that is sent (RFC 8011, section 5.1).
const TEXT_MAX: usize = 255;

const OPERATION_GROUP: u8 = 0x01;
const END: u8 = 0x03;
const INTEGER: u8 = 0x21;
const BOOLEAN: u8 = 0x22;
const NAME: u8 = 0x42;
const KEYWORD: u8 = 0x44;
const URI: u8 = 0x45;
const CHARSET: u8 = 0x47;
const LANGUAGE: u8 = 0x48;

/// What is asked about the printer.
const PRINTER: &[&str] = &[
    "printer-make-and-model",
    "printer-device-id",
    "printer-serial-number",
    "printer-uuid",
    "printer-firmware-name",
    "printer-firmware-string-version",
    "printer-state",
    "printer-state-reasons",
    "printer-alert",
    "printer-alert-description",
    "printer-supply",
    "printer-supply-description",
    "marker-names",
    "marker-colors",
    "marker-types",
    "marker-levels",
    "marker-low-levels",
    "marker-high-levels",
    "printer-input-tray",
    "media-ready",
    "media-col-ready",
    "media-type-supported",
    "printer-impressions-completed",
];

/// What is asked about a job.
const JOB: &[&str] = &[
    "job-id",
    "job-uuid",
    "job-name",
    "job-originating-user-name",
    "job-account-id",
    "job-account-id-actual",
    "job-state",
    "date-time-at-creation",
    "date-time-at-processing",
    "date-time-at-completed",
    "time-at-creation",
    "time-at-processing",
    "time-at-completed",
    "job-impressions-completed",
    "copies",
    "copies-actual",
    "print-quality",
    "media-col",
    "media-col-actual",
];

/// An IPP operation that only reads. There is no other. RFC 8011, sections 4.2.5, 4.2.6 and 4.3.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Get-Printer-Attributes.
    PrinterAttributes,
    /// Get-Jobs, the finished ones.
    CompletedJobs,
    /// Get-Job-Attributes of the job with this number.
    JobAttributes(i32),
}

impl Operation {
    /// Under which its answer is kept: `ipp/get-printer-attributes`, `ipp/get-jobs`,
    /// `ipp/get-job-attributes/17`.
    pub fn key(&self) -> String {
        match self {
            Operation::PrinterAttributes => "ipp/get-printer-attributes".to_owned(),
            Operation::CompletedJobs => "ipp/get-jobs".to_owned(),
            Operation::JobAttributes(job) => format!("ipp/get-job-attributes/{job}"),
        }
    }

    /// The bytes to post to `printer_uri`, such as `ipps://192.0.2.7:631/ipp/print`. An address over 255 bytes
    /// is cut, and the printer refuses it.
    pub fn encode(&self, printer_uri: &str, request_id: i32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1_024);
        bytes.extend(VERSION);
        bytes.extend(self.code().to_be_bytes());
        bytes.extend(request_id.to_be_bytes());
        bytes.push(OPERATION_GROUP);
        put(&mut bytes, CHARSET, "attributes-charset", b"utf-8");
        put(&mut bytes, LANGUAGE, "attributes-natural-language", b"en");
        put(&mut bytes, URI, "printer-uri", printer_uri.as_bytes());
        if let Operation::JobAttributes(job) = self {
            put(&mut bytes, INTEGER, "job-id", &job.to_be_bytes());
        }
        put(&mut bytes, NAME, "requesting-user-name", USER.as_bytes());
        if *self == Operation::CompletedJobs {
            let most = i32::try_from(JOBS_MAX).unwrap_or(i32::MAX);
            put(&mut bytes, INTEGER, "limit", &most.to_be_bytes());
            put(&mut bytes, KEYWORD, "which-jobs", b"completed");
            put(&mut bytes, BOOLEAN, "my-jobs", &[0]);
        }
        let wanted = if *self == Operation::PrinterAttributes { PRINTER } else { JOB };
        for (index, attribute) in wanted.iter().enumerate() {
            let name = if index == 0 { "requested-attributes" } else { "" };
            put(&mut bytes, KEYWORD, name, attribute.as_bytes());
        }
        bytes.push(END);
        bytes
    }

    fn code(self) -> u16 {
        match self {
            Operation::JobAttributes(_) => 0x0009,
            Operation::CompletedJobs => 0x000a,
            Operation::PrinterAttributes => 0x000b,
        }
    }
}

/// One value; without a name it is another value of the attribute before.
fn put(bytes: &mut Vec<u8>, tag: u8, name: &str, value: &[u8]) {
    bytes.push(tag);
    for part in [name.as_bytes(), value] {
        let part = part.get(..TEXT_MAX).unwrap_or(part);
        // At most `TEXT_MAX` bytes.
        bytes.extend(u16::try_from(part.len()).unwrap_or_default().to_be_bytes());
        bytes.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by hand after RFC 8010, section 3.
    #[test]
    fn a_request_has_the_bytes_of_the_standard() {
        let sent = Operation::JobAttributes(17).encode("ipp://192.0.2.7/ipp/print", 258);
        let mut expected: Vec<u8> = vec![1, 1, 0, 9, 0, 0, 1, 2, 0x01];
        expected.extend(b"\x47\x00\x12attributes-charset\x00\x05utf-8");
        expected.extend(b"\x48\x00\x1battributes-natural-language\x00\x02en");
        expected.extend(b"\x45\x00\x0bprinter-uri\x00\x19ipp://192.0.2.7/ipp/print");
        expected.extend(b"\x21\x00\x06job-id\x00\x04\x00\x00\x00\x11");
        expected.extend(b"\x42\x00\x14requesting-user-name\x00\x09plotmeter");
        expected.extend(b"\x44\x00\x14requested-attributes\x00\x06job-id");
        expected.extend(b"\x44\x00\x00\x00\x08job-uuid");
        assert_eq!(sent.get(..expected.len()), Some(&expected[..]));
        assert_eq!(sent.last(), Some(&0x03));
    }

    #[test]
    fn every_operation_only_reads() {
        let operations = [Operation::PrinterAttributes, Operation::CompletedJobs, Operation::JobAttributes(1)];
        let codes = operations.map(|operation| operation.encode("ipp://p/", 1)[3]);
        // Get-Printer-Attributes, Get-Jobs, Get-Job-Attributes.
        assert_eq!(codes, [0x0b, 0x0a, 0x09]);
        assert_eq!(Operation::JobAttributes(-4).key(), "ipp/get-job-attributes/-4");
    }

    #[test]
    fn an_endless_address_is_cut() {
        let sent = Operation::CompletedJobs.encode(&"a".repeat(100_000), 1);
        assert!(sent.len() < 1_024, "{} bytes", sent.len());
    }
}
