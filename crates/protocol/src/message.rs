//! Messages: what an agent says beside its packages, sealed like them and not signed as evidence.
//!
//! A beat tells how the agent does, alerts are told at once, a rotation introduces the next evidence
//! key, and an agent that goes says so. Deliberately absent: anything that counts for a bill, which
//! records carry; and any address of the customer's network.

use crate::hex::Hex;
use crate::jwe;
use crate::keys::{Keys, sign, verify};
use crate::limits::{ALERTS_MAX, CONSENTS_MAX, MESSAGE_BYTES_MAX, MESSAGE_CHARS_MAX, PRIVACY_FIELDS_MAX, TROUBLES_MAX};
use crate::record::PrinterIdentity;
use ed25519_dalek::{SigningKey, VerifyingKey};
use report::{Alert, Instant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The `typ` of a sealed message.
const KIND: &str = "plotmeter.message";
/// The content type of a sealed message.
pub const CONTENT_TYPE: &str = "application/vnd.plotmeter.message+jwe";
/// What sealing adds at most, for a key id of usual length: header, IV, padding and tag.
const SEAL_BYTES: usize = 512;

/// One message of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Rises from message to message; one that is not above the last changes nothing.
    pub number: u64,
    /// What it says.
    pub said: Said,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Said {
    /// How the agent does.
    Beat(Box<Beat>),
    /// Alerts that do not wait for a package; at most [`ALERTS_MAX`].
    Alerts(Vec<AlertNotice>),
    /// The next evidence key.
    Rotation(Rotation),
    /// The agent was told to leave; it says nothing after this.
    Leave {
        /// When, by the agent's clock.
        at: Instant,
    },
}

/// How an agent does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    /// The time by the agent's clock.
    pub at: Instant,
    /// The agent's version.
    pub version: String,
    /// The host's name.
    pub host: String,
    /// What sort of agent it is.
    #[serde(default)]
    pub kind: AgentKind,
    /// The version of the settings that it has.
    pub settings_version: u64,
    /// The interval that it holds, in minutes.
    pub interval_minutes: u32,
    /// Records that are not in a package yet.
    pub records_waiting: u64,
    /// Packages without a receipt.
    pub packages_waiting: u64,
    /// When the oldest of both was read, by the agent's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_waiting: Option<Instant>,
    /// What the spool takes on disk, in bytes.
    pub spool_bytes: u64,
    /// Addresses that it looks at.
    pub addresses: u64,
    /// Printers that it found there.
    pub printers: u64,
    /// Printers whose last reading failed.
    pub failed: u64,
    /// Whether the customer's side paused it.
    pub paused: bool,
    /// What of the settings waits for local approval, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<String>,
    /// What needs somebody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<Trouble>,
    /// The privacy policy in force: field to `drop`, `pseudonym` or `keep`, and `timestamps` to
    /// `minute` or `second`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub privacy: BTreeMap<String, String>,
}

/// Something that needs somebody. It never names an address of the customer's network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trouble {
    /// The serial number of the printer that it concerns, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printer: Option<String>,
    /// What it is, in words.
    pub what: String,
}

/// What sort of agent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentKind {
    /// A program that reads the printers of a network.
    #[default]
    Collector,
    /// A program beside one printer.
    Direct,
    /// Inside a printer.
    Firmware,
}

impl AgentKind {
    /// Every kind.
    pub const ALL: [AgentKind; 3] = [AgentKind::Collector, AgentKind::Direct, AgentKind::Firmware];

    /// The word for the wire, pages and SQL.
    pub fn word(self) -> &'static str {
        match self {
            AgentKind::Collector => "collector",
            AgentKind::Direct => "direct",
            AgentKind::Firmware => "firmware",
        }
    }

    /// The kind of a word; `None` where it is the word of none.
    pub fn parse(word: &str) -> Option<AgentKind> {
        AgentKind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// An alert that does not wait for a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertNotice {
    /// Which printer.
    pub printer: PrinterIdentity,
    /// When it was read, by the agent's clock.
    pub read_at: Instant,
    /// The alert.
    pub alert: Alert,
}

/// The next evidence key of an agent, introduced by the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// The next Ed25519 public key.
    pub key: Hex<32>,
    /// The first package that is signed with it.
    pub from: u64,
    /// [`Rotation::statement`] signed with the key before.
    pub by_old: Hex<64>,
    /// The same, signed with the next key: it is in the agent's hands.
    pub by_new: Hex<64>,
}

impl Rotation {
    /// The text that both keys sign.
    pub fn statement(agent: &str, from: u64, key: &Hex<32>) -> String {
        format!("plotmeter/rotate/v1\n{agent}\n{from}\n{key}")
    }

    /// Introduces `new` as the key of packages from `from` on.
    pub fn signed(agent: &str, from: u64, old: &SigningKey, new: &SigningKey) -> Rotation {
        let key = Hex(*new.verifying_key().as_bytes());
        let statement = Rotation::statement(agent, from, &key);
        let by = |signer: &SigningKey| Hex(sign(signer, statement.as_bytes()));
        Rotation { key, from, by_old: by(old), by_new: by(new) }
    }

    /// Whether both keys signed it, `old` being the key before.
    pub fn is_authentic(&self, agent: &str, old: &VerifyingKey) -> bool {
        let Ok(new) = VerifyingKey::from_bytes(&self.key.0) else { return false };
        let statement = Rotation::statement(agent, self.from, &self.key);
        verify(old, statement.as_bytes(), &self.by_old) && verify(&new, statement.as_bytes(), &self.by_new)
    }
}

/// Why a message was refused.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Longer than [`MESSAGE_BYTES_MAX`].
    #[error("the message is larger than {MESSAGE_BYTES_MAX} bytes")]
    TooLarge,
    /// It does not open with the agent's keys.
    #[error("the message does not open")]
    Sealed(#[from] jwe::JweError),
    /// It is not of the documented form.
    #[error("the message is not of the documented form")]
    Form(#[from] serde_json::Error),
    /// A list or a text is longer than its limit, or a text has control characters.
    #[error("the message is beyond its limits: {0}")]
    Limit(&'static str),
}

/// Encrypts a message for the portal. Texts and the lists of a beat that exceed their limits are cut
/// first, so that one odd word of a printer cannot hold up all that the agent has to say; alerts are
/// never left out, so that the caller brings at most [`ALERTS_MAX`].
pub fn seal(keys: &Keys, message: &Message, random: [u8; 16]) -> Vec<u8> {
    let json = bounded(message);
    jwe::seal(&keys.up, KIND, &keys.id, jwe::hedged_iv(&keys.iv, random, &json), &json)
}

/// Opens a message of an agent and holds it to its limits.
pub fn open(keys: &Keys, sealed: &[u8]) -> Result<Message, MessageError> {
    if sealed.len() > MESSAGE_BYTES_MAX {
        return Err(MessageError::TooLarge);
    }
    let message: Message = serde_json::from_slice(&jwe::open(&keys.up, KIND, &keys.id, sealed)?)?;
    match beyond(&message) {
        Some(limit) => Err(MessageError::Limit(limit)),
        None => Ok(message),
    }
}

/// What of a message is beyond its limit.
fn beyond(message: &Message) -> Option<&'static str> {
    let mut counted = message.clone();
    let too_many = match &counted.said {
        Said::Beat(beat) if beat.consents.len() > CONSENTS_MAX => Some("too many consents"),
        Said::Beat(beat) if beat.troubles.len() > TROUBLES_MAX => Some("too many troubles"),
        Said::Beat(beat) if beat.privacy.len() > PRIVACY_FIELDS_MAX => Some("too many privacy fields"),
        Said::Alerts(notices) if notices.len() > ALERTS_MAX => Some("too many alerts"),
        _ => None,
    };
    cut_texts(&mut counted.said, MESSAGE_CHARS_MAX);
    too_many.or((counted != *message).then_some("a text is too long or has control characters"))
}

/// The JSON of a message, cut until it is within all limits.
fn bounded(message: &Message) -> Vec<u8> {
    let json = |message: &Message| serde_json::to_vec(message).expect("integers and texts serialise");
    let mut message = message.clone();
    if let Said::Beat(beat) = &mut message.said {
        cut_list(&mut beat.consents, CONSENTS_MAX, |more| more);
        cut_list(&mut beat.troubles, TROUBLES_MAX, |what| Trouble { printer: None, what });
        while beat.privacy.len() > PRIVACY_FIELDS_MAX {
            beat.privacy.pop_last();
        }
    }
    // The last is short enough for full lists of four-byte characters.
    for chars in [MESSAGE_CHARS_MAX, 60, 20] {
        cut_texts(&mut message.said, chars);
        if json(&message).len() + SEAL_BYTES <= MESSAGE_BYTES_MAX {
            break;
        }
    }
    json(&message)
}

/// Cuts a list to `most` entries; the last one then says how many are left out.
fn cut_list<T>(list: &mut Vec<T>, most: usize, entry: impl Fn(String) -> T) {
    if list.len() > most {
        let more = list.len() - (most - 1);
        list.truncate(most - 1);
        list.push(entry(format!("{more} more")));
    }
}

/// Cuts a text to `most` characters; control characters become spaces.
fn cut(text: &mut String, most: usize) {
    if text.chars().any(char::is_control) {
        *text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    }
    if text.chars().nth(most).is_some() {
        *text = text.chars().take(most - 1).chain(['…']).collect();
    }
}

fn cut_texts(said: &mut Said, most: usize) {
    match said {
        Said::Beat(beat) => {
            cut(&mut beat.version, most);
            cut(&mut beat.host, most);
            beat.consents.iter_mut().for_each(|consent| cut(consent, most));
            for trouble in &mut beat.troubles {
                trouble.printer.iter_mut().for_each(|printer| cut(printer, most));
                cut(&mut trouble.what, most);
            }
            let privacy = std::mem::take(&mut beat.privacy).into_iter().map(|(mut field, mut mode)| {
                cut(&mut field, most);
                cut(&mut mode, most);
                (field, mode)
            });
            beat.privacy = privacy.collect();
        }
        Said::Alerts(notices) => {
            for AlertNotice { printer, alert, .. } in notices {
                let named = [&mut printer.product_number, &mut printer.product_name, &mut alert.part, &mut alert.text];
                named.into_iter().flatten().for_each(|text| cut(text, most));
                cut(&mut printer.serial, most);
                cut(&mut alert.code, most);
            }
        }
        Said::Rotation(_) | Said::Leave { .. } => {}
    }
}
