//! What the name or label beside a value tells of it, and the words of printers that name nobody.
//!
//! Names and labels are compared without case, blanks and signs, so that `User name:`, `user-name` and `UserName`
//! are one. Deliberately absent: other languages than English, whose labels tell nothing here; and guesses from
//! what a value looks like, which [`super::mask`] makes.

use super::values::Field;
use std::collections::BTreeSet;

/// Bytes of a label; a longer text is none.
pub(super) const LABEL_MAX: usize = 64;

/// What a text tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Serial,
    Uuid,
    Address,
    Host,
    Personal,
}

impl Kind {
    /// What it is called when somebody is told what was masked.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Serial => "serial numbers",
            Kind::Uuid => "UUIDs",
            Kind::Address => "network addresses",
            Kind::Host => "names of hosts",
            Kind::Personal => "names of people, jobs, accounts and places",
        }
    }
}

/// Names under which a value is masked whatever it is, also where it stands deeper in what has the name.
#[rustfmt::skip]
const PERSONAL_NAMES: &[&str] = &[
    "account", "accountid", "accountname", "application", "applicationid", "applicationname", "assetnumber",
    "companycontact", "companyname", "contact", "contactperson", "department", "devicelocation", "devicename",
    "documentname", "documentnamesupplied", "email", "emailaddress", "filename", "friendlyname", "jobaccountid",
    "jobaccountinguserid", "jobmessagefromoperator", "jobname", "joboriginatingusername",
    "joboriginatinguseruri", "jobowner", "owner", "phone", "phonenumber", "printergeolocation", "printerinfo",
    "printerlocation", "printermessagefromoperator", "printerorganization", "printerorganizationalunit",
    "project", "projectid", "projectname", "requestingusername", "serviceid", "submitter", "svcid", "syscontact",
    "userdefined", "userdefinedfield", "username",
];

/// The same where the name stands at the value itself.
#[rustfmt::skip]
const PERSONAL_LABELS: &[&str] = &[
    "address", "author", "building", "company", "contactinformation", "contactname", "costcenter", "costcentre",
    "creator", "customer", "document", "documenttitle", "employee", "file", "jobdocument", "jobtitle",
    "jobuser", "location", "login", "loginname", "nameofjob", "organisation", "organization", "person", "place",
    "printercontact", "recipient", "room", "sender", "site", "syslocation", "systemcontact", "systemlocation",
    "user", "userid",
];

/// What has a name of its own that is personal.
#[rustfmt::skip]
const NAMED: &[&str] = &[
    "account", "author", "company", "contact", "customer", "document", "job", "location", "owner", "person",
    "printjob", "project", "site", "user",
];

/// Names that say only that a value is one.
const NAMES_OF_NAMES: &[&str] = &["displayname", "name", "string", "text", "title", "value"];

/// The same for names of hosts.
#[rustfmt::skip]
const HOST_NAMES: &[&str] = &[
    "bonjourname", "bonjourservicename", "domainname", "fqdn", "hostname", "joboriginatinghostname", "mdnsname",
    "networkname", "printerdnssdname", "printername",
];
/// The same at the value itself.
const HOST_LABELS: &[&str] = &["dnsname", "domain", "host", "netbiosname", "servername", "systemname"];

/// Names under which a network address stands.
const ADDRESS_LABELS: &[&str] = &["gateway", "ip", "ipv4", "ipv6", "mac"];
/// Parts of such names.
const ADDRESS_NAMES: &[&str] =
    &["ipaddress", "ipv4address", "ipv6address", "macaddress", "hardwareaddress", "defaultgateway", "dnsserver"];

/// Names under which no person stands, in documents of which only known words are shown otherwise: what a printer
/// calls its media, its modes and itself, and attributes of tags.
#[rustfmt::skip]
const PLAIN_NAMES: &[&str] = &[
    "category", "charset", "class", "colspan", "costtype", "firmware", "firmwareversion", "index", "jobtype",
    "lang", "language", "media", "mediatype", "model", "modelname", "papertype", "printcategory", "printermodel",
    "printmode", "printquality", "product", "productname", "productnumber", "quality", "rel", "rowspan", "state",
    "status", "substrate", "substratetype", "type", "typeofjob", "version",
];

/// Words of printers' pages and documents. A text of these alone names nobody, as far as words can tell.
const WORDS: &str = "
    a about accounting account address administrator aborted active adhesive all altered am amount and applied
    area asset assignment at automatic available average back backlit banner best bidi bidirectional black blue bond
    both by calibrated calibration canceled canceling cancelled cancelling canvas capacity cartridge cartridges
    category chromatic cleaning closed coated code color colors colour colours company completed configuration
    connected connection contact content copied copies copy copying cost costs count current custom cut cyan
    dark data date day days default designjet device disabled document done door dpi draft driver drying dye
    economy embedded empty enabled end ended english error errors estimated events expiration expired factory fail
    failed fast fault feed film filter finished firmware fluid front ft gateway general glossy gray green grey
    group hardware head heads height held high history hold host hostname hour hours hp id idle image in inches index
    information ink inks inside installed internal internet is item job jobs jsp kind label language latex last
    lc left length letter level lg lgy lifetime light line lines lk lm loaded local location login long low ls mac
    magenta maintenance major manual manufacturer mask matte media memory message min minor mirror missing mk ml
    mm mode model mono monochrome name network new no none normal not number of off ok on online open operator
    optimizer option options order out output over owner page pages pagewide panel paper papers part parts pass
    passes path paused percent per photo pk pl plain pm pending ppm preparing preset presets preventive print
    printed printer printers printhead printheads printing printmode priority problem processing product profile
    progress protocol quality queue queued ready receiving red refilled region remaining remote replace required
    resolution resource rip roll rolls rotate rotation scan scanned scanner scanning scans second seconds selected
    sensor serial serie series server service settings setup sheet short size slot software solid source special
    speed sq stacker standard standby start started state status stopped storage subnet submitted substrate
    substrates sup supplies supply support system table temperature text textile thick thickness time title to
    tools top total totals tray type unidirectional unit units unknown up url urn usage usb use used user users
    uuid value version vertical very vinyl waiting warming warning warranty waste water web width wide
    with wrong xl yellow yes zone access accept html htm images css js webaccess top none nbsp gy dg dgy cr cg cb
    gn op letters wifi tcp udp http https ipp ipv ftp snmp enable disable ul wireless wired ethernet email
";

/// A name or label to compare: letters and digits, in lower case.
fn plain(name: &str) -> String {
    let name = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    name.to_ascii_lowercase()
}

/// The kind that a name tells wherever it stands.
fn of_name(name: &str) -> Option<Kind> {
    if name.contains("serialnumber") {
        Some(Kind::Serial)
    } else if ADDRESS_NAMES.iter().any(|part| name.contains(part)) {
        Some(Kind::Address)
    } else if HOST_NAMES.contains(&name) {
        Some(Kind::Host)
    } else {
        PERSONAL_NAMES.contains(&name).then_some(Kind::Personal)
    }
}

/// The kind that a name or label at the value itself tells.
fn of_label(label: &str) -> Option<Kind> {
    of_name(label).or_else(|| match label {
        _ if PERSONAL_LABELS.contains(&label) => Some(Kind::Personal),
        _ if HOST_LABELS.contains(&label) => Some(Kind::Host),
        _ if ADDRESS_LABELS.contains(&label) => Some(Kind::Address),
        _ => None,
    })
}

/// Whether a text is the label of a column of names.
pub(super) fn is_label_of_names(text: &str) -> bool {
    text.len() <= LABEL_MAX && of_label(&plain(text)).is_some()
}

/// The label before a value: the part before its colon.
fn label(text: &str) -> String {
    let label = text.split(':').next().unwrap_or("");
    if label.len() > LABEL_MAX { String::new() } else { plain(label) }
}

/// The kind that the names around a value tell; `None` where the value has to speak for itself. A value that
/// repeats its own name, as the head of a column does, tells nothing.
pub(super) fn kind_of(field: Field<'_>, text: &str, shown: &Shown) -> Option<Kind> {
    let own = if text.len() > LABEL_MAX { String::new() } else { plain(text) };
    let [name, parent] = [plain(field.name), plain(field.parent)];
    let own_name = |name: &str| if name == own { None } else { of_label(name) };
    let of_named = || {
        let is_named = NAMES_OF_NAMES.contains(&name.as_str()) && NAMED.contains(&parent.as_str());
        is_named.then_some(Kind::Personal)
    };
    own_name(&name)
        .or_else(|| of_name(&parent).filter(|_| parent != own))
        .or_else(of_named)
        .or_else(|| own_name(&plain(field.mark)))
        .or_else(|| own_name(&plain(field.column)))
        // Beside a label may stand another label.
        .or_else(|| own_name(&label(field.before)).filter(|_| !shown.names_nobody(text)))
}

/// The kind and the value of a text that begins with its own label: `Contact: Ada`.
pub(super) fn labelled(text: &str) -> Option<(Kind, &str)> {
    let (label, value) = text.split_once(':')?;
    let value = value.trim();
    if value.is_empty() || value.starts_with("//") || label.len() > LABEL_MAX {
        return None;
    }
    Some((of_label(&plain(label))?, value))
}

/// Whether a name or label around a value says that it is no name.
pub(super) fn is_plain(field: Field<'_>) -> bool {
    let names = [plain(field.name), plain(field.column), label(field.before)];
    names.iter().any(|name| PLAIN_NAMES.contains(&name.as_str()))
}

/// What is shown though somebody may be called so.
#[derive(Debug)]
pub(super) struct Shown {
    /// The printer's models and firmware, in lower case.
    texts: BTreeSet<String>,
    /// The words of those, and of printers, in lower case.
    words: BTreeSet<String>,
}

impl Default for Shown {
    fn default() -> Shown {
        Shown { texts: BTreeSet::new(), words: WORDS.split_whitespace().map(str::to_owned).collect() }
    }
}

impl Shown {
    /// Shows what the printer calls itself.
    pub(super) fn add(&mut self, text: &str) {
        let text = text.to_lowercase();
        self.words.extend(words(&text).map(str::to_owned));
        self.texts.insert(text);
    }

    /// Whether a text is what the printer calls itself.
    pub(super) fn contains(&self, text: &str) -> bool {
        self.texts.contains(&text.to_lowercase())
    }

    /// Whether a text has letters, and no word that could be a name.
    pub(super) fn names_nobody(&self, text: &str) -> bool {
        text.chars().any(char::is_alphabetic) && words(text).all(|word| self.knows(word))
    }

    /// Whether a word is none that could be a name: a single letter and numbers, as in `A1`, are none. Words may be
    /// joined: `CartridgeExpired`.
    pub(super) fn knows(&self, word: &str) -> bool {
        let is_known = |part: &str| {
            let lower = part.to_lowercase();
            let letters = lower.trim_matches(char::is_numeric);
            letters.chars().nth(1).is_none() || self.words.contains(letters) || self.words.contains(&lower)
        };
        is_known(word) || joined(word).into_iter().all(is_known)
    }
}

/// The words of a text.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The parts of a word that each begin with a capital letter.
fn joined(word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut after_small) = (0, false);
    for (at, c) in word.char_indices() {
        if c.is_uppercase() && after_small {
            parts.extend(word.get(start..at));
            start = at;
        }
        after_small = c.is_lowercase();
    }
    parts.extend(word.get(start..));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_known_words_names_nobody() {
        let mut shown = Shown::default();
        shown.add("HP DesignJet T930");
        for text in ["Cancelled by user", "0.68 ml", "6,5 m²", "CartridgeExpired", "HP DesignJet T930 - Setup", "A1"] {
            assert!(shown.names_nobody(text), "{text}");
        }
        for text in ["Anna", "A1 plan", "PrintedByAnna", "printed by anna", "ada4711", "4711"] {
            assert!(!shown.names_nobody(text), "{text}");
        }
    }

    #[test]
    fn a_label_tells_what_stands_beside_it() {
        let shown = Shown::default();
        let before = |before, text| kind_of(Field { before, ..Field::default() }, text, &shown);
        assert_eq!(before("Contact:", "Ada"), Some(Kind::Personal));
        assert_eq!(before("Host name", "plotter-9"), Some(Kind::Host));
        assert_eq!(before("Document", "Job type"), None, "another label");
        assert_eq!(before("Status", "Ada"), None);
        let column = |column, text| kind_of(Field { column, ..Field::default() }, text, &shown);
        assert_eq!(column("Account ID", "4711"), Some(Kind::Personal));
        assert_eq!((column("User", "user"), column("User", "admin")), (None, Some(Kind::Personal)));
        assert_eq!(kind_of(Field::of("Name", "Job"), "plan", &shown), Some(Kind::Personal));
        assert_eq!(kind_of(Field::of("Name", "Media"), "Bond", &shown), None);
        assert_eq!(kind_of(Field::of("Pages", "Document"), "3", &shown), None);
        assert_eq!(labelled("Location: Room 12"), Some((Kind::Personal, "Room 12")));
        assert_eq!(labelled("https://example"), None);
    }
}
