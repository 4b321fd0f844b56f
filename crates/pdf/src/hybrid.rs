//! Says in the metadata of a PDF that an invoice for machines is attached: the Factur-X properties, and the
//! description of them that PDF/A asks for.
//!
//! Typst attaches the file and writes PDF/A-3b, but has no place for properties of others. They come as an
//! incremental update: the metadata once more, with what was added, and a cross-reference section of one entry.
//! Every byte before stays.
//!
//! Deliberately absent: PDFs that this crate did not write; and reading the invoice, except for its profile.

use std::fmt::Write as _;

const NAMESPACE: &str = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#";
/// Where the descriptions of properties begin; PDF/A-3 metadata have them.
const SCHEMAS: &str = "<pdfaExtension:schemas><rdf:Bag>";
const RDF_END: &str = "</rdf:RDF>";
/// The specification of the profiles (BT-24), all of them or how they begin.
const CORE: &str = "urn:cen.eu:en16931:2017";
/// How far into an invoice its specification stands.
const HEAD_BYTES: usize = 8 * 1024;

/// The properties, and what they are.
const PROPERTIES: [(&str, &str); 4] = [
    ("DocumentFileName", "The name of the attached invoice"),
    ("DocumentType", "What the attached file is"),
    ("Version", "The version of these properties"),
    ("ConformanceLevel", "The profile of the attached invoice"),
];

/// What an attached invoice says, as Factur-X names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// EN 16931 itself.
    Core,
    /// XRechnung.
    XRechnung,
}

impl Profile {
    /// The profile of an invoice in CII; `None` where it is of another one, or no invoice in CII.
    pub(crate) fn of(cii: &str) -> Option<Profile> {
        let head = cii.get(..cii.floor_char_boundary(HEAD_BYTES)).unwrap_or_default();
        if !head.contains("CrossIndustryInvoice") {
            return None;
        }
        let specification = head.split(CORE).nth(1)?.split('<').next()?.trim();
        match specification {
            "" => Some(Profile::Core),
            _ if specification.contains("xrechnung") => Some(Profile::XRechnung),
            _ => None,
        }
    }

    /// The name that programs look for.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Profile::Core => "factur-x.xml",
            Profile::XRechnung => "xrechnung.xml",
        }
    }

    fn level(self) -> &'static str {
        match self {
            Profile::Core => "EN 16931",
            Profile::XRechnung => "XRECHNUNG",
        }
    }
}

/// The PDF, whose metadata name the attached invoice. `None` where it is not as this crate writes them.
pub(crate) fn declare(mut pdf: Vec<u8>, profile: Profile) -> Option<Vec<u8>> {
    let found = Found::in_pdf(&pdf)?;
    let (number, previous) = (found.number, found.previous);
    let packet = found.packet.replacen(SCHEMAS, &format!("{SCHEMAS}{}", description()), 1);
    let packet = packet.replacen(RDF_END, &format!("{}{RDF_END}", properties(profile)), 1);
    let trailer = found.trailer.to_owned();
    if !pdf.ends_with(b"\n") {
        pdf.push(b'\n');
    }
    let object_at = pdf.len();
    let mut update = String::new();
    // Writing into a text cannot fail.
    let _ = write!(update, "{number} 0 obj\n<</Length {}/Type/Metadata/Subtype/XML>>\nstream\n", packet.len());
    let _ = write!(update, "{packet}\nendstream\nendobj\n");
    let table_at = object_at + update.len();
    let _ = write!(update, "xref\n{number} 1\n{object_at:010} 00000 n \ntrailer\n{trailer}/Prev {previous}>>\n");
    let _ = write!(update, "startxref\n{table_at}\n%%EOF\n");
    pdf.extend_from_slice(update.as_bytes());
    Some(pdf)
}

/// The parts of a PDF that an update of its metadata needs.
struct Found<'a> {
    /// The number of the object that holds the metadata.
    number: u32,
    /// The metadata.
    packet: &'a str,
    /// The trailer without its end.
    trailer: &'a str,
    /// Where the cross-reference table is.
    previous: usize,
}

impl Found<'_> {
    /// The last of each counts: what is attached stands before them.
    fn in_pdf(pdf: &[u8]) -> Option<Found<'_>> {
        let begin = last(pdf, b"<?xpacket begin=")?;
        let end = last(pdf, b"\nendstream").filter(|end| *end > begin)?;
        let packet = std::str::from_utf8(pdf.get(begin..end)?).ok()?;
        if !packet.contains(SCHEMAS) || !packet.contains(RDF_END) || !packet.ends_with("?>") {
            return None;
        }
        let head = pdf.get(..last(pdf.get(..begin)?, b" 0 obj")?)?;
        let digits = head.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let number: u32 = std::str::from_utf8(head.get(head.len() - digits..)?).ok()?.parse().ok()?;
        let start = last(pdf, b"startxref")?;
        let tail = std::str::from_utf8(pdf.get(start..)?).ok()?;
        let previous: usize = tail.split_whitespace().nth(1)?.parse().ok()?;
        let trailer = pdf.get(last(pdf, b"trailer")?..start)?;
        let trailer = std::str::from_utf8(trailer).ok()?.strip_prefix("trailer")?.trim().strip_suffix(">>")?;
        // A table, not a stream, since the update has one.
        pdf.get(previous..)?.starts_with(b"xref").then_some(Found { number, packet, trailer, previous })
    }
}

/// Where the bytes stand last.
fn last(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).rposition(|window| window == wanted)
}

/// What the properties are, for programs that know PDF/A and not Factur-X.
fn description() -> String {
    let mut listed = String::new();
    for (name, meaning) in PROPERTIES {
        let _ = write!(
            listed,
            "<rdf:li rdf:parseType=\"Resource\"><pdfaProperty:category>external</pdfaProperty:category>\
             <pdfaProperty:description>{meaning}</pdfaProperty:description>\
             <pdfaProperty:name>{name}</pdfaProperty:name>\
             <pdfaProperty:valueType>Text</pdfaProperty:valueType></rdf:li>"
        );
    }
    format!(
        "<rdf:li rdf:parseType=\"Resource\"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>\
         <pdfaSchema:namespaceURI>{NAMESPACE}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>\
         <pdfaSchema:property><rdf:Seq>{listed}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
}

/// The properties of this invoice. A credit note, too, is of the type INVOICE here.
fn properties(profile: Profile) -> String {
    let (file, level) = (profile.file(), profile.level());
    format!(
        "<rdf:Description rdf:about=\"\" xmlns:fx=\"{NAMESPACE}\"><fx:DocumentType>INVOICE</fx:DocumentType>\
         <fx:DocumentFileName>{file}</fx:DocumentFileName><fx:Version>1.0</fx:Version>\
         <fx:ConformanceLevel>{level}</fx:ConformanceLevel></rdf:Description>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cii(specification: &str) -> String {
        let ids = format!("<ram:ID>\n {specification} </ram:ID><ram:ID>{CORE}</ram:ID>");
        format!("<rsm:CrossIndustryInvoice>{ids}</rsm:CrossIndustryInvoice>")
    }

    #[test]
    fn an_invoice_is_known_by_its_specification() {
        let xrechnung = format!("{CORE}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0");
        let peppol = format!("{CORE}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0");
        assert_eq!(Profile::of(&cii(CORE)), Some(Profile::Core));
        assert_eq!(Profile::of(&cii(&xrechnung)), Some(Profile::XRechnung));
        assert_eq!(Profile::of(&cii(&peppol)), None);
        assert_eq!(Profile::of(&format!("<Invoice>{CORE}</Invoice>")), None);
        assert_eq!(Profile::of(""), None);
    }

    #[test]
    fn an_update_keeps_what_was_there() {
        let packet = format!("<?xpacket begin=\"\"?><rdf:RDF>{SCHEMAS}</rdf:Bag>{RDF_END}<?xpacket end=\"r\"?>");
        let object = format!("%PDF-1.7\n7 0 obj\n<</Length 9/Type/Metadata>>\nstream\n{packet}\nendstream\nendobj\n");
        let at = object.len();
        let pdf = format!("{object}xref\n0 1\ntrailer\n<</Size 8/Root 1 0 R>>\nstartxref\n{at}\n%%EOF");
        let updated = declare(pdf.clone().into_bytes(), Profile::Core).expect("an update");
        let text = String::from_utf8(updated).expect("text");
        assert!(text.starts_with(&pdf), "{text}");
        assert!(text.contains("<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>"), "{text}");
        assert!(text.contains(&format!("<</Size 8/Root 1 0 R/Prev {at}>>")), "{text}");
        let object_at = text.rfind("7 0 obj").expect("the object");
        assert!(text.contains(&format!("xref\n7 1\n{object_at:010} 00000 n \n")), "{text}");
        let table_at = text.rfind("xref\n7 1").expect("the table");
        assert!(text.ends_with(&format!("startxref\n{table_at}\n%%EOF\n")), "{text}");
        // The length is that of what stands between.
        let stream = &text[object_at..table_at];
        let body = stream.split("stream\n").nth(1).and_then(|rest| rest.strip_suffix("\nend")).expect("a stream");
        assert!(stream.contains(&format!("/Length {}/", body.len())), "{stream}");
    }

    #[test]
    fn what_is_no_such_pdf_is_left_alone() {
        for pdf in [b"".as_slice(), b"%PDF-1.7", b"<?xpacket begin=?>\nendstream startxref\n0\n"] {
            assert_eq!(declare(pdf.to_vec(), Profile::Core), None);
        }
    }
}
