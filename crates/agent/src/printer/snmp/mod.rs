//! SNMP walks of one printer: GETBULK, with version 1 GETNEXT, of everything below a root, written down as the text
//! that `drivers::snmp` reads.
//!
//! While a printer is asked there is one UDP socket, connected to the printer and to no one else, on a port that the
//! system chooses when it connects. It takes datagrams of that printer and port only and answers nothing; it is
//! closed with the reading. A walk that ends early counts as not answered, since half of a table reads as a smaller
//! printer. Deliberately absent: the form of messages, and any socket that waits for somebody.

mod ber;
mod message;

use super::Patience;
use super::access::{Access, SnmpAccess};
use ber::{arcs_of_text, dotted};
use drivers::snmp::{Value, Variable, to_text};
use drivers::{Answer, limits};
use message::{DATAGRAM_MAX, Heard, Speech};
use report::Instant;
use socket2::{Domain, Socket, Type};
use std::borrow::Cow;
use std::net::SocketAddr;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Variables of one reading.
const VARIABLES_MAX: usize = 20_000;
/// Variables asked for in one datagram. Some 20 of the printer tables fit the 1 472 bytes of an Ethernet frame.
const REPETITIONS: i32 = 20;
/// Walks that are not answered in time, one after another, before no more is asked.
const FAILURES_MAX: u32 = 3;
/// Answers to other questions while one is waited for. A late one or two are usual.
const OTHERS_MAX: u32 = 100;
/// How often a request is repeated because the printer told its engine and its time first.
const ENGINES_MAX: usize = 3;

/// Why a walk failed, in words for a defect.
type Words = Cow<'static, str>;

const SILENT: Words = Cow::Borrowed("did not answer in time");
const UNREACHED: Words = Cow::Borrowed("could not be reached");
const OTHER_QUESTION: Words = Cow::Borrowed("answered another question");

/// A printer that is asked by SNMP.
pub(super) struct Walker {
    host: String,
    port: u16,
    how: SnmpAccess,
    patience: Patience,
    open: Option<Open>,
    datagram: Vec<u8>,
    /// The number of the last request.
    number: i32,
    repetitions: i32,
    /// How many more variables are read.
    left: usize,
    /// Whether anything was ever answered.
    was_heard: bool,
    /// Walks that were not answered in time, one after another.
    failures: u32,
}

/// A connected socket, and how it is spoken over.
struct Open {
    socket: UdpSocket,
    speech: Speech,
}

impl Walker {
    /// A printer that was not asked yet; `None` where SNMP is off. Nothing is sent before the first walk.
    pub(super) fn new(host: &str, access: &Access, read_at: Instant, patience: Patience) -> Option<Walker> {
        let how = access.snmp.clone()?;
        Some(Walker {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: access.snmp_port,
            how,
            patience,
            open: None,
            datagram: vec![0; usize::from(DATAGRAM_MAX)],
            // Where the numbers begin tells an answer to this reading from a late one to another.
            number: i32::try_from(read_at.0 & 0x3fff_ffff).unwrap_or(1),
            repetitions: REPETITIONS,
            left: VARIABLES_MAX,
            was_heard: false,
            failures: 0,
        })
    }

    /// Every variable at or below `root`, in the form of a recording, within the time for one answer.
    pub(super) async fn walk(&mut self, root: &'static str) -> Answer {
        match timeout(self.patience.answer, self.variables(root)).await {
            Ok(Ok(variables)) => {
                self.failures = 0;
                let body = to_text(&variables).into_bytes();
                Answer::Body { status: 200, content_type: "text/x-snmprec".to_owned(), body }
            }
            Ok(Err(why)) => Answer::Failed(why.into_owned()),
            Err(_) => {
                self.open = None;
                self.failures = self.failures.saturating_add(1);
                Answer::Failed(SILENT.into_owned())
            }
        }
    }

    async fn variables(&mut self, root: &'static str) -> Result<Vec<Variable>, Words> {
        let below = arcs_of_text(root).ok_or("is no object identifier")?;
        // What stands at the root itself comes behind its parent, where it can stand there: instances end in 0.
        let mut last = match below.split_last() {
            Some((0, parent)) if parent.len() >= 2 => parent.to_vec(),
            _ => below.clone(),
        };
        let mut variables: Vec<Variable> = Vec::new();
        let mut bytes = 0_usize;
        loop {
            let heard = match self.next(&last).await? {
                Heard::Variables(heard) => heard,
                Heard::Error(_) if self.repetitions > 1 => {
                    self.repetitions = 1;
                    continue;
                }
                Heard::Error(number) => return Err(format!("answered with the SNMP error {number}").into()),
                Heard::End | Heard::Engine | Heard::Other => return Ok(variables),
            };
            for (arcs, variable) in heard {
                if arcs <= last {
                    return Err(format!("answered in a loop: {} is not behind {}", dotted(&arcs), dotted(&last)).into());
                }
                if !arcs.starts_with(&below) {
                    return Ok(variables);
                }
                bytes = bytes.saturating_add(size(&variable));
                if self.left == 0 || bytes > limits::BODY_MAX {
                    return Err(format!("has more than {VARIABLES_MAX} variables, or too long ones").into());
                }
                self.left -= 1;
                variables.push(variable);
                last = arcs;
            }
        }
    }

    /// Whether it is no use to ask on: nothing was ever answered, or nothing for several walks.
    fn is_dead(&self) -> bool {
        self.failures >= if self.was_heard { FAILURES_MAX } else { 1 }
    }

    /// What comes behind an object identifier. One retry, over a new port, so that no late answer is taken for it.
    async fn next(&mut self, behind: &[u32]) -> Result<Heard, Words> {
        if self.is_dead() {
            return Err(SILENT);
        }
        let mut why = SILENT;
        for _ in 0..2 {
            match self.try_next(behind).await {
                Ok(heard) => {
                    self.was_heard = true;
                    return Ok(heard);
                }
                Err(words) => why = words,
            }
            self.open = None;
        }
        self.failures = self.failures.saturating_add(1);
        Err(why)
    }

    async fn try_next(&mut self, behind: &[u32]) -> Result<Heard, Words> {
        let connect = self.patience.connect;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => timeout(connect, self.connect()).await.map_err(|_| SILENT)??,
        };
        for _ in 0..ENGINES_MAX {
            self.number = self.number.checked_add(1).unwrap_or(1);
            let request = if open.speech.needs_engine() {
                Speech::discovery(self.number)
            } else {
                open.speech.request(self.number, behind, self.repetitions)?
            };
            // A printer that was never heard is given the time for a connection.
            let patience = if self.was_heard { self.patience.idle } else { connect.min(self.patience.idle) };
            let mut others = 0_u32;
            let exchange = exchange(&mut open, &request, &mut self.datagram, self.number, &mut others);
            let came = timeout(patience, exchange).await;
            let answered = match came {
                Ok(answered) => answered?,
                Err(_) if others > 0 => return Err(OTHER_QUESTION),
                Err(_) => return Err(SILENT),
            };
            match answered {
                Heard::Engine => {}
                heard => {
                    self.open = Some(open);
                    return Ok(heard);
                }
            }
        }
        Err(Cow::Borrowed("does not come to terms about its engine's time"))
    }

    /// A socket that is connected to the printer and was never open to anybody else.
    async fn connect(&mut self) -> Result<Open, Words> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let address = found.ok().and_then(|mut found| found.next()).ok_or(UNREACHED)?;
        let socket = connected(address).map_err(|_| UNREACHED)?;
        Ok(Open { socket, speech: Speech::of(&self.how) })
    }
}

/// The system chooses the port when it connects: nothing is bound before.
fn connected(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// One request, and the answer to it; answers to other ones are passed over and counted.
async fn exchange(
    open: &mut Open,
    request: &[u8],
    datagram: &mut [u8],
    number: i32,
    others: &mut u32,
) -> Result<Heard, Words> {
    open.socket.send(request).await.map_err(|_| UNREACHED)?;
    loop {
        let length = open.socket.recv(datagram).await.map_err(|_| UNREACHED)?;
        match open.speech.heard(datagram.get(..length).unwrap_or_default(), number)? {
            Heard::Other if *others >= OTHERS_MAX => return Err(OTHER_QUESTION),
            Heard::Other => *others = others.saturating_add(1),
            heard => return Ok(heard),
        }
    }
}

/// Bytes that a variable takes in memory and as text, about.
fn size(variable: &Variable) -> usize {
    let value = match &variable.value {
        Value::Bytes(bytes) => bytes.len().saturating_mul(2),
        Value::Oid(text) => text.len(),
        Value::Integer(_) | Value::Null | Value::Ip(_) | Value::Unsigned { .. } => 20,
    };
    value.saturating_add(variable.oid.len()).saturating_add(8)
}

#[cfg(test)]
mod tests {
    use super::ber::{element, identifier, integer, octets, sequence};
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn nothing_is_bound_before_a_socket_is_connected() {
        let printer = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = printer.local_addr().expect("bound");
        let socket = connected(address).expect("connected");
        assert_eq!(socket.peer_addr().expect("connected"), address);
        assert!(socket.local_addr().expect("a port").ip().is_loopback(), "bound to the way to the printer only");
    }

    #[tokio::test]
    async fn a_printer_without_snmp_is_asked_no_further() {
        let patience =
            Patience { connect: Duration::from_millis(50), idle: Duration::from_millis(50), ..Patience::default() };
        let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let mut walker = walker_of(&silent, patience);
        for root in ["1.3.6.1.2.1.25.3.2.1", "1.3.6.1.2.1.43.5.1.1.1"] {
            assert_eq!(walker.walk(root).await, Answer::Failed("did not answer in time".to_owned()));
        }
        let mut datagram = [0; 2048];
        let mut asked = 0;
        while silent.try_recv(&mut datagram).is_ok() {
            asked += 1;
        }
        assert_eq!(asked, 2, "once, and once more");
    }

    const READ_AT: Instant = Instant(1_793_448_000_000);

    fn walker_of(printer: &UdpSocket, patience: Patience) -> Walker {
        let access = Access {
            snmp: Some(SnmpAccess::V2c { community: "public".to_owned() }),
            snmp_port: printer.local_addr().expect("bound").port(),
            ..Access::default()
        };
        Walker::new("127.0.0.1", &access, READ_AT, patience).expect("snmp is on")
    }

    /// What a printer answers to the question of this number: one variable, the one behind that of the last question.
    fn next_variable(number: i32, last: u32) -> Vec<u8> {
        let name = identifier(&[1, 3, 6, 1, 2, 1, 25, 3, 2, 1, last]).expect("valid");
        let variables = sequence(&[&sequence(&[&name, &octets(b"more")])]);
        let pdu = element(0xa2, &[integer(number), integer(0), integer(0), variables].concat());
        sequence(&[&integer(1), &octets(b"public"), &pdu])
    }

    /// Plays a printer that gives as many of these answers to each question.
    fn answering(printer: UdpSocket, answers: u32, number_of: fn(i32) -> i32) {
        tokio::spawn(async move {
            let mut number = i32::try_from(READ_AT.0 & 0x3fff_ffff).expect("small");
            let (mut last, mut datagram) = (0, [0; 2048]);
            while let Ok((_, from)) = printer.recv_from(&mut datagram).await {
                number += 1;
                last += 1;
                for _ in 0..answers {
                    // Whoever asked may be gone.
                    let _gone = printer.send_to(&next_variable(number_of(number), last), from).await;
                }
            }
        });
    }

    #[tokio::test]
    async fn a_walk_ends_at_its_deadline_however_often_a_variable_comes() {
        let answer = Duration::from_millis(30);
        let printer = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let mut walker = walker_of(&printer, Patience { answer, ..Patience::default() });
        answering(printer, 1, |number| number);
        for _ in 0..FAILURES_MAX {
            assert_eq!(walker.walk("1.3.6.1.2.1.25.3.2.1").await, Answer::Failed("did not answer in time".to_owned()));
            assert!(walker.was_heard);
        }
        let asked = walker.number;
        walker.walk("1.3.6.1.2.1.25.3.2.1").await;
        assert_eq!(walker.number, asked, "after a few such walks no more is asked");
        assert!(walker.left > 0, "the deadline ended them, and not the bound of variables");
    }

    #[tokio::test]
    async fn a_flood_of_answers_to_other_questions_is_left_before_any_deadline() {
        let printer = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let long = Duration::from_secs(60);
        let patience = Patience { connect: long, idle: long, answer: 4 * long, ..Patience::default() };
        let mut walker = walker_of(&printer, patience);
        answering(printer, OTHERS_MAX + 1, |_| 7);
        let answer = timeout(long, walker.walk("1.3.6.1.2.1.25.3.2.1")).await.expect("before any deadline");
        assert_eq!(answer, Answer::Failed("answered another question".to_owned()));
    }
}
