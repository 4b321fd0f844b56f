//! The IEEE 1284 device identifier, `MFG:HP;MDL:DesignJet;SN:…;`, which SNMP and IPP both give, and the
//! similar tail of HP's sysDescr.
//!
//! Deliberately absent: the command sets and the status string `S:`, whose meaning differs by model.

use super::mib;
use std::collections::BTreeMap;

/// The keys that makers keep the serial number under.
const SERIAL: &[&str] = &["SN", "SERN", "SER", "SERIALNUMBER"];

/// The fields of an identifier. Of a key that stands twice the first is kept.
#[derive(Debug, Default)]
pub(crate) struct DeviceId(BTreeMap<String, String>);

impl DeviceId {
    /// Reads `KEY:value` fields that `;` separates.
    pub(crate) fn parse(text: &str) -> DeviceId {
        DeviceId::split(text, ';')
    }

    /// Reads the fields of a sysDescr: `HP ETHERNET MULTI-ENVIRONMENT,SN:…,PID:HP DesignJet`.
    pub(crate) fn of_description(text: &str) -> DeviceId {
        DeviceId::split(text, ',')
    }

    fn split(text: &str, at: char) -> DeviceId {
        let mut fields = BTreeMap::new();
        for (key, value) in text.split(at).filter_map(|field| field.split_once(':')) {
            fields.entry(key.trim().to_ascii_uppercase()).or_insert_with(|| value.trim().to_owned());
        }
        DeviceId(fields)
    }

    fn field(&self, key: &str) -> Option<String> {
        self.0.get(key).and_then(|value| mib::plain(value))
    }

    /// Row C3.
    pub(crate) fn serial(&self) -> Option<String> {
        SERIAL.iter().find_map(|key| self.field(key)).and_then(|serial| mib::serial(&serial))
    }

    /// Row C2: the model, or the product of a sysDescr.
    pub(crate) fn model(&self) -> Option<String> {
        self.field("MDL").or_else(|| self.field("PID"))
    }

    /// Row C1, where the description is one: some firmware describes itself by its product number alone.
    pub(crate) fn product_number(&self) -> Option<String> {
        let description = self.field("DES")?;
        mib::product_number(&description).filter(|number| *number == description)
    }

    /// Row C4.
    pub(crate) fn firmware(&self) -> Option<String> {
        self.field("FWVER")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_keys() {
        let id = DeviceId::parse("MFG:HP; mdl:DesignJet T1530;CMD:PDF;DES:X1A23A;FWVER:AB_1;SN:cn00test01;SN:other;");
        assert_eq!(id.serial().as_deref(), Some("CN00TEST01"));
        assert_eq!(id.model().as_deref(), Some("DesignJet T1530"));
        assert_eq!(id.product_number().as_deref(), Some("X1A23A"));
        assert_eq!(id.firmware().as_deref(), Some("AB_1"));
    }

    #[test]
    fn a_description_in_words_is_no_product_number() {
        let id = DeviceId::parse("DES:Hewlett-Packard Color LaserJet MFP M477fdw;SER:VCF9192281");
        assert_eq!(id.product_number(), None);
        assert_eq!(id.serial().as_deref(), Some("VCF9192281"));
        assert_eq!(DeviceId::parse("DES:HP T1530 X1A23A").product_number(), None);
        assert_eq!(DeviceId::parse(";;:;SN").serial(), None);
    }

    #[test]
    fn the_tail_of_a_system_description_is_read_alike() {
        let id = DeviceId::of_description("HP ETHERNET MULTI-ENVIRONMENT,SN:cn01,FN:1,PID:HP DesignJet T1500");
        assert_eq!((id.serial().as_deref(), id.model().as_deref()), (Some("CN01"), Some("HP DesignJet T1500")));
        assert_eq!(DeviceId::of_description("HP ETHERNET MULTI-ENVIRONMENT").model(), None);
    }
}
