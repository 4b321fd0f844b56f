//! What can be wrong with an SNMP answer (RFC 1157, RFC 3416), and the few variables of a good one.
//!
//! Deliberately absent: version 3, whose good answers need its keys; a real peer speaks it in `peers`.

use super::{Case, Does, Ends, Named, PRODUCT, SERIAL};
use Ends::{Answer, AtOnce, Unheard};
use Named::Defect;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const NULL: u8 = 0x05;
const NAME: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const COUNTER: u8 = 0x41;
const END_OF_VIEW: u8 = 0x82;
const GET_NEXT: u8 = 0xa1;
const RESPONSE: u8 = 0xa2;
const GET_BULK: u8 = 0xa5;

const GENERIC_ERROR: u8 = 5;

/// What says who the printer is, and is answered rightly: system, Host Resources, prtGeneral.
const WHO: &[&[u32]] = &[&[1, 3, 6, 1, 2, 1, 1], &[1, 3, 6, 1, 2, 1, 25], &[1, 3, 6, 1, 2, 1, 43, 5]];
/// The table of supplies: prtMarkerSupplies.
const SUPPLIES: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 11, 1, 1];
/// The type of a device that is a printer.
const PRINTER: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 1, 5];

/// The cases. Whoever asks has heard who the printer is before anything goes wrong.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "answers no question",
        does: Does::Snmp(|_| Vec::new()),
        named: Defect("did not answer in time"),
        ends: Unheard,
    },
    Case {
        name: "answers with the same variable for ever",
        does: Does::Snmp(|question| {
            vec![question.reply(0, &question.names.iter().map(|name| octets(name, b"again")).collect::<Vec<_>>())]
        }),
        named: Defect("in a loop"),
        ends: AtOnce,
    },
    Case {
        name: "goes back and forth between two variables",
        does: Does::Snmp(|question| {
            let turn = |name: &Vec<u32>| match name.as_slice() {
                [before @ .., 7, 2] => octets(&[before, &[7, 1]].concat(), b"back"),
                [before @ .., 7, 1] => octets(&[before, &[7, 2]].concat(), b"forth"),
                name => octets(&[name, &[7, 2]].concat(), b"there"),
            };
            vec![question.reply(0, &question.names.iter().map(turn).collect::<Vec<_>>())]
        }),
        named: Defect("in a loop"),
        ends: AtOnce,
    },
    Case {
        name: "has variables without an end",
        does: Does::Snmp(|question| vec![question.more(question.repetitions.clamp(1, 60))]),
        named: Defect("more than"),
        ends: AtOnce,
    },
    Case {
        name: "has supplies without an end, one a second",
        does: Does::SnmpDrips,
        named: Defect("did not answer in time"),
        ends: Answer,
    },
    Case {
        name: "answers another question than it was asked",
        does: Does::Snmp(|question| {
            let mut other = question.clone();
            other.number = vec![0x11, 0x22, 0x33];
            vec![other.good(SERIAL)]
        }),
        named: Defect("answered another question"),
        ends: Unheard,
    },
    Case {
        name: "answers in the name of another community",
        does: Does::Snmp(|question| {
            let mut other = question.clone();
            other.community = b"private".to_vec();
            vec![other.good(SERIAL)]
        }),
        named: Defect("another community"),
        ends: AtOnce,
    },
    Case {
        name: "cuts its datagrams off",
        does: Does::Snmp(|question| {
            let whole = question.good(SERIAL);
            vec![whole[..whole.len() / 2].to_vec()]
        }),
        named: Defect("valid SNMP"),
        ends: AtOnce,
    },
    Case {
        name: "states lengths longer than its datagram",
        does: Does::Snmp(|question| {
            let mut long = question.good(SERIAL);
            drop(long.splice(1..2, [0x84, 0x7f, 0xff, 0xff, 0xff]));
            vec![long]
        }),
        named: Defect("valid SNMP"),
        ends: AtOnce,
    },
    Case {
        name: "states lengths longer than any number",
        does: Does::Snmp(|_| vec![[&[SEQUENCE, 0x89][..], &[0xff; 9]].concat(), vec![SEQUENCE, 0x80]]),
        named: Defect("valid SNMP"),
        ends: AtOnce,
    },
    Case {
        name: "answers in another language than SNMP",
        does: Does::Snmp(|_| vec![b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), Vec::new(), vec![0xff; 1_400]]),
        named: Defect("valid SNMP"),
        ends: AtOnce,
    },
    Case {
        name: "nests sequences ten thousand deep",
        does: Does::Snmp(|question| {
            let mut value = ber(NULL, b"");
            while value.len() < 50_000 {
                value = ber(SEQUENCE, &value);
            }
            let name = question.names.first().cloned().unwrap_or_default();
            let variable = Variable { name: [&name[..], &[1]].concat(), tag: SEQUENCE, value };
            vec![question.reply(0, &[variable])]
        }),
        named: Defect("malformed value"),
        ends: AtOnce,
    },
    Case {
        name: "fails at every question",
        does: Does::Snmp(|question| {
            vec![question.reply(GENERIC_ERROR, &question.names.iter().map(|name| null(name)).collect::<Vec<_>>())]
        }),
        named: Defect("SNMP error 5"),
        ends: AtOnce,
    },
    Case {
        name: "answers from another port than the one that was asked",
        does: Does::SnmpFromElsewhere,
        named: Defect("did not answer in time"),
        ends: Unheard,
    },
    Case {
        name: "has another serial number by SNMP",
        does: Does::SnmpSerial("CN99999999"),
        named: Defect("names another printer"),
        ends: AtOnce,
    },
];

/// What a datagram asks.
#[derive(Clone)]
pub(crate) struct Question {
    version: u8,
    community: Vec<u8>,
    /// The request's number, as it was written.
    number: Vec<u8>,
    names: Vec<Vec<u32>>,
    /// How many variables after each name are wanted.
    repetitions: usize,
}

/// A variable: its name, and its value with the tag in front of it.
#[derive(Clone)]
struct Variable {
    name: Vec<u32>,
    tag: u8,
    value: Vec<u8>,
}

impl Question {
    /// Reads a question of version 1 or 2c; `None` of anything else.
    pub(crate) fn read(datagram: &[u8]) -> Option<Question> {
        let (_, message, _) = element(datagram).filter(|(tag, ..)| *tag == SEQUENCE)?;
        let (_, version, rest) = element(message)?;
        let (_, community, rest) = element(rest).filter(|(tag, ..)| *tag == OCTETS)?;
        let (kind, asked, _) = element(rest).filter(|(kind, ..)| [GET_NEXT, GET_BULK].contains(kind))?;
        let (_, number, rest) = element(asked)?;
        let (_, _, rest) = element(rest)?;
        let (_, repetitions, rest) = element(rest)?;
        let (_, mut list, _) = element(rest)?;
        let mut names = Vec::new();
        while let Some((_, variable, after)) = element(list) {
            names.push(name(element(variable)?.1));
            list = after;
        }
        let repetitions = if kind == GET_BULK { whole(repetitions) } else { 1 };
        let (community, number) = (community.to_vec(), number.to_vec());
        Some(Question { version: *version.last()?, community, number, names, repetitions })
    }

    /// Whether it asks who the printer is.
    pub(crate) fn asks_who(&self) -> bool {
        self.names.iter().all(|name| WHO.iter().any(|who| name.starts_with(who)))
    }

    /// Whether it asks for the table of supplies.
    pub(crate) fn asks_for_supplies(&self) -> bool {
        self.names.iter().all(|name| name.starts_with(SUPPLIES))
    }

    /// So many variables behind the name that it asks for, of a table without an end.
    pub(crate) fn more(&self, number: usize) -> Vec<u8> {
        let mut name = self.names.first().cloned().unwrap_or_default();
        let mut variables = Vec::new();
        for _ in 0..number {
            match name.as_mut_slice() {
                [.., 7, last] => *last += 1,
                _ => name.extend([7, 1]),
            }
            variables.push(octets(&name, b"more"));
        }
        self.reply(0, &variables)
    }

    /// What a good printer with this serial number answers.
    pub(crate) fn good(&self, serial: &str) -> Vec<u8> {
        self.reply_from(&variables(serial))
    }

    /// An answer with these variables.
    fn reply(&self, status: u8, variables: &[Variable]) -> Vec<u8> {
        let list: Vec<u8> = variables.iter().flat_map(Variable::bytes).collect();
        let number = ber(INTEGER, &self.number);
        let failure = [ber(INTEGER, &[status]), ber(INTEGER, &[u8::from(status > 0)])].concat();
        let response = ber(RESPONSE, &[number, failure, ber(SEQUENCE, &list)].concat());
        let sender = [ber(INTEGER, &[self.version]), ber(OCTETS, &self.community)].concat();
        ber(SEQUENCE, &[sender, response].concat())
    }

    /// An answer out of a table: what follows each name, and what follows that.
    fn reply_from(&self, table: &[Variable]) -> Vec<u8> {
        const NO_SUCH_NAME: u8 = 2;
        const VERSION_1: u8 = 0;
        let mut found = Vec::new();
        for name in &self.names {
            let mut name = name.clone();
            for _ in 0..self.repetitions.min(table.len() + 1) {
                match table.iter().find(|variable| variable.name > name) {
                    Some(variable) => {
                        name.clone_from(&variable.name);
                        found.push(variable.clone());
                    }
                    None if self.version == VERSION_1 => return self.reply(NO_SUCH_NAME, &[null(&name)]),
                    None => found.push(Variable { name: name.clone(), tag: END_OF_VIEW, value: Vec::new() }),
                }
            }
        }
        self.reply(0, &found)
    }
}

impl Variable {
    fn bytes(&self) -> Vec<u8> {
        ber(SEQUENCE, &[ber(NAME, &name_bytes(&self.name)), ber(self.tag, &self.value)].concat())
    }
}

/// The variables of a printer that says who it is: MIB-2, Host-Resources, Printer-MIB.
fn variables(serial: &str) -> Vec<Variable> {
    let what = format!("HP ETHERNET MULTI-ENVIRONMENT,SN:{serial},FN:T930,SVCID:1,PID:{PRODUCT}");
    let kind = [1, 3, 6, 1, 4, 1, 11, 2, 3, 9, 1];
    vec![
        octets(&[1, 3, 6, 1, 2, 1, 1, 1, 0], what.as_bytes()),
        Variable { name: vec![1, 3, 6, 1, 2, 1, 1, 2, 0], tag: NAME, value: name_bytes(&kind) },
        Variable { name: vec![1, 3, 6, 1, 2, 1, 25, 3, 2, 1, 2, 1], tag: NAME, value: name_bytes(PRINTER) },
        octets(&[1, 3, 6, 1, 2, 1, 25, 3, 2, 1, 3, 1], PRODUCT.as_bytes()),
        Variable { name: vec![1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 1, 1], tag: COUNTER, value: vec![0] },
        octets(&[1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 16, 1], b"plotter"),
        octets(&[1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 17, 1], serial.as_bytes()),
    ]
}

fn octets(name: &[u32], value: &[u8]) -> Variable {
    Variable { name: name.to_vec(), tag: OCTETS, value: value.to_vec() }
}

fn null(name: &[u32]) -> Variable {
    Variable { name: name.to_vec(), tag: NULL, value: Vec::new() }
}

/// Tag, content and what follows, of one element.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(*first & 0x7f).min(4))?;
        (whole(digits), rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((*tag, content, after))
}

/// A number of a few bytes, not negative.
fn whole(digits: &[u8]) -> usize {
    digits.iter().fold(0, |number, digit| (number << 8) | usize::from(*digit))
}

/// One element.
fn ber(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("fits a datagram").to_be_bytes();
    let head = match (length, content.len()) {
        ([_, short], 0..=0x7f) => vec![tag, short],
        ([high, low], _) => vec![tag, 0x82, high, low],
    };
    [&head[..], content].concat()
}

/// A name as its bytes: the first two numbers share one.
fn name_bytes(numbers: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (first, rest) = match numbers {
        [first, second, rest @ ..] => (first * 40 + second, rest),
        _ => (0, &[][..]),
    };
    for number in [first].iter().chain(rest) {
        let groups = [28, 21, 14, 7, 0].map(|shift| u8::try_from((number >> shift) & 0x7f).expect("seven bits"));
        let start = groups.iter().position(|group| *group > 0).unwrap_or(4);
        for (index, group) in groups.iter().enumerate().skip(start) {
            bytes.push(if index < 4 { group | 0x80 } else { *group });
        }
    }
    bytes
}

/// The name that bytes stand for.
fn name(bytes: &[u8]) -> Vec<u32> {
    let mut numbers = Vec::new();
    let mut number = 0_u32;
    for byte in bytes {
        number = (number << 7) | u32::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                numbers.extend([number / 40, number % 40]);
            } else {
                numbers.push(number);
            }
            number = 0;
        }
    }
    numbers
}
