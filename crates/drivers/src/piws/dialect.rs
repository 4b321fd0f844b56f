//! Names that no recording of a real printer shows: a form of our own, which the simulator writes, too.
//!
//! Everything in this file is unproved until a recording of a `DeviceCounters` document, of the settings
//! behind the login, of a scan or copy job and of a job with real consumption exists. Deliberately absent: any
//! name that a recording shows.

/// The document of lifetime counters, rows U6 to U15 and U17.
pub(crate) const COUNTERS: &str = "DeviceCounters";
/// Row U14.
pub(crate) const JOBS: &str = "PrintCounters.NumberOfJobs";
/// Row U15.
pub(crate) const PAGES: &str = "PrintCounters.NumberOfPages";
/// Row U17.
pub(crate) const MEDIA_USED: &str = "PrintCounters.MediaUsed";
/// Rows U6 and U7: entries with [`NAME`] and `SquareAmount`.
pub(crate) const MEDIA_TYPES: &str = "PrintCounters.MediaTypeCollection.MediaType";
/// Rows U11 to U13: entries with [`ID`], `SquareAmount` and `LinearAmount`.
pub(crate) const CATEGORIES: &str = "PrintCounters.PrintCategoryCollection.PrintCategory";
/// The name of a media type in the counters.
pub(crate) const NAME: &str = "Name";
/// The identifier of a print category in the counters.
pub(crate) const ID: &str = "Id";
/// Row U8.
pub(crate) const SCANNED: &str = "ScanCounters.TotalArea";
/// Row U9.
pub(crate) const SCANNED_SCANS: &str = "ScanCounters.ScanArea";
/// Row U10.
pub(crate) const SCANNED_COPIES: &str = "ScanCounters.CopyArea";

/// Row S24, in `Settings`: the list of thresholds, with [`CATEGORY`] and one of [`NON_WHITE`] and
/// [`INK_PER_AREA`].
pub(crate) const THRESHOLDS: &str = "JobCategoryThresholds";
/// Row S24: an entry of [`THRESHOLDS`].
pub(crate) const THRESHOLD: &str = "Threshold";
/// Row S24: up to this much of the pixels is not white, in percent.
pub(crate) const NON_WHITE: &str = "NonWhitePixels";
/// Row S24: up to this much ink lies on a square metre, with a unit of volume.
pub(crate) const INK_PER_AREA: &str = "InkPerSquareMeter";
/// Rows S24 and S25: the category of an entry.
pub(crate) const CATEGORY: &str = "Category";
/// Row S25, in `PrinterSettings`: the media types that have a category of their own.
pub(crate) const MEDIA_CATEGORIES: &str = "PrintCategoryCustomization";
/// Row S25: an entry of [`MEDIA_CATEGORIES`], with [`MEDIA_ID`] and [`CATEGORY`].
pub(crate) const MEDIA_CATEGORY: &str = "MediaType";
/// Row S25: the identifier of the media type of an entry.
pub(crate) const MEDIA_ID: &str = "MediaTypeID";
/// Row E5, in an alert.
pub(crate) const SINCE: &str = "Timestamp";

/// A scan job's member in the queue.
pub(crate) const SCAN_JOB: &str = "JobScan";
/// A copy job's member in the queue.
pub(crate) const COPY_JOB: &str = "JobCopy";
/// Row N11, in a job's `Accounting`.
pub(crate) const SCANNED_AREA: &str = "ScannedArea";
/// Rows P3 and N3, in a job's `Settings`.
pub(crate) const SEQUENCE: &str = "JobSequenceNumber";
/// Rows P4 and N4, in a job's `Settings`.
pub(crate) const PROJECT: &str = "ProjectID";
/// Rows P6 and N6, in a job's `Settings`.
pub(crate) const USER_DEFINED: &str = "UserDefined";
/// Row P13, in a job's `Accounting`.
pub(crate) const COVERAGE_CATEGORY: &str = "InkCoverageCategory";
/// The category of a page, in its `Accounting`: rows P21 to P24.
pub(crate) const PRINT_CATEGORY: &str = "PrintCategory";
/// The unit of a page's coverages, rows P25 and P26.
pub(crate) const PERCENT: &str = "%";
/// The printhead flag behind row S8.
pub(crate) const FOREIGN_INK_FLAG: &str = "UsedWithNonHPInk";

/// Row P12: the words for the sources a printer names. `Application` is recorded, the others are not.
const SOURCES: &[(&str, &str)] = &[
    ("application", "application"),
    ("driver", "driver"),
    ("rip", "rip"),
    ("ews", "web page"),
    ("frontpanel", "panel"),
    ("usb", "usb"),
];

/// Row P12: the word for a source; one not in the list is kept, in lower case.
pub(crate) fn source(name: &str) -> String {
    let name = name.trim().to_lowercase();
    let known = SOURCES.iter().find(|(printer, _)| *printer == name);
    known.map_or(name, |(_, word)| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn a_source_is_one_of_our_words_or_the_printers_own() {
        let cases = [
            ("Application", "application"),
            ("EWS", "web page"),
            ("FrontPanel", "panel"),
            (" Hot Folder ", "hot folder"),
        ];
        for (name, word) in cases {
            assert_eq!(source(name), word);
        }
    }
}
