//! Suggestions: printers that announce themselves, for a person who looks for addresses to put into a file.
//!
//! One question goes out to the multicast group from a port of the moment, which only hears what is sent to it,
//! and is closed when the time is over (RFC 6762 §5.1). Answers may come from anybody: what does not read is
//! ignored, what reads is bounded. Deliberately absent: joining the group, IPv6's group, remembering anything,
//! and any effect on what is asked; a suggestion that the file does not allow stays a line of text.

use protocol::ranges::Span;
use report::Defect;
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, ResourceRecord, TYPE};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;

/// The multicast group of IPv4 and its port (RFC 6762 §3).
const GROUP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)), 5353);
/// The longest time that is listened.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Bytes of a packet (RFC 6762 §17).
const PACKET_MAX: usize = 9000;
/// Packets that are looked at.
const PACKETS_MAX: usize = 1000;
/// Questions and records of a packet.
const RECORDS_MAX: u32 = 256;
/// Suggestions of one look.
const SUGGESTIONS_MAX: usize = 1000;

/// Services that are asked for, as they are announced, with the port that they have where none is said. A web
/// server may be anything; the others are printers.
const SERVICES: &[(&str, u16)] =
    &[("_ipps._tcp.local", 631), ("_ipp._tcp.local", 631), ("_pdl-datastream._tcp.local", 9100), (WEB, 80)];
/// The service of web servers.
const WEB: &str = "_http._tcp.local";
/// Words by which the name of a web server tells a printer.
const PRINTER_WORDS: &[&str] = &["print", "plotter", "jet", "pagewide", "latex", "stitch", "plotwave", "colorwave"];

/// A printer that announced itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suggestion {
    /// Where it says it is.
    pub address: IpAddr,
    /// How it is announced: `_ipps._tcp`.
    pub service: String,
    /// At which port.
    pub port: u16,
    /// The name it goes by.
    pub name: String,
}

/// Asks the network once which printers announce themselves, and listens for `wait`, at most half a minute.
///
/// # Errors
/// Where no socket can be opened or nothing can be sent, as on a machine without a network.
pub async fn suggestions(wait: Duration) -> std::io::Result<Vec<Suggestion>> {
    query(GROUP, wait).await
}

async fn query(group: SocketAddr, wait: Duration) -> std::io::Result<Vec<Suggestion>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    socket.set_multicast_ttl_v4(255)?;
    let mut found = BTreeSet::new();
    let wait = wait.min(WAIT_MAX);
    // A datagram may be lost: asked again after a third of the time.
    for part in [wait / 3, wait - wait / 3] {
        socket.send_to(&question(), group).await?;
        // The end of the time is how this ends.
        let _over = tokio::time::timeout(part, listen(&socket, &mut found)).await;
    }
    Ok(likely(found))
}

/// Takes answers until enough came.
async fn listen(socket: &UdpSocket, found: &mut BTreeSet<Suggestion>) {
    let mut packet = vec![0; PACKET_MAX];
    for _ in 0..PACKETS_MAX {
        let Ok((length, from)) = socket.recv_from(&mut packet).await else { continue };
        let new = packet.get(..length).map(|bytes| read(bytes, from.ip())).unwrap_or_default();
        found.extend(new);
        if found.len() >= SUGGESTIONS_MAX {
            return;
        }
    }
}

/// Who offers one of the services?
fn question() -> Vec<u8> {
    let mut packet = Packet::new_query(0);
    for (service, _) in SERVICES {
        let name = Name::new_unchecked(service);
        packet.questions.push(Question::new(name, TYPE::PTR.into(), CLASS::IN.into(), false));
    }
    // Four short names always fit; without them nobody would answer.
    packet.build_bytes_vec().unwrap_or_default()
}

/// What one packet suggests. Whatever its bytes are, its cost is bounded by its length.
fn read(bytes: &[u8], from: IpAddr) -> Vec<Suggestion> {
    // Room for as many records as the head promises is taken before the first is read.
    let counts = bytes.get(4..12).unwrap_or_default().chunks_exact(2);
    let promised: u32 = counts.map(|count| count.iter().fold(0, |sum, byte| sum * 256 + u32::from(*byte))).sum();
    if promised == 0 || promised > RECORDS_MAX {
        return Vec::new();
    }
    let Ok(packet) = Packet::parse(bytes) else { return Vec::new() };
    if !packet.has_flags(PacketFlag::RESPONSE) {
        return Vec::new();
    }
    let records: Vec<&ResourceRecord<'_>> = packet.answers.iter().chain(&packet.additional_records).collect();
    let places = Places::of(&records);
    let mut found = Vec::new();
    for record in records {
        let RData::PTR(instance) = &record.rdata else { continue };
        let service = record.name.to_string().to_ascii_lowercase();
        let Some((service, usual)) = SERVICES.iter().find(|(known, _)| *known == service) else { continue };
        let (address, port) = places.of_instance(&instance.0.to_string(), from);
        let label = instance.0.get_labels().first().map(ToString::to_string).unwrap_or_default();
        // Nobody is at an address that is never a printer's, whoever says so.
        if label.is_empty() || Span::one(address).check().is_err() {
            continue;
        }
        found.push(Suggestion {
            address,
            service: service.trim_end_matches(".local").to_owned(),
            port: port.unwrap_or(*usual),
            name: Defect::quote(&label),
        });
    }
    found
}

/// Where the instances of a packet are, by names in lower case.
#[derive(Default)]
struct Places {
    instances: BTreeMap<String, (String, u16)>,
    hosts: BTreeMap<String, IpAddr>,
}

impl Places {
    fn of(records: &[&ResourceRecord<'_>]) -> Places {
        let mut places = Places::default();
        for record in records {
            let name = record.name.to_string().to_ascii_lowercase();
            match &record.rdata {
                RData::SRV(service) => {
                    places.instances.insert(name, (service.target.to_string().to_ascii_lowercase(), service.port));
                }
                RData::A(host) => {
                    places.hosts.insert(name, IpAddr::V4(Ipv4Addr::from(host.address)));
                }
                // An address of the older family is easier to write down; one of them is enough.
                RData::AAAA(host) => {
                    let address = IpAddr::V6(Ipv6Addr::from(host.address));
                    if Span::one(address).check().is_ok() {
                        places.hosts.entry(name).or_insert(address);
                    }
                }
                _ => {}
            }
        }
        places
    }

    /// Address and port of an instance; where no record says its address, it is the sender's.
    fn of_instance(&self, instance: &str, from: IpAddr) -> (IpAddr, Option<u16>) {
        let Some((host, port)) = self.instances.get(&instance.to_ascii_lowercase()) else { return (from, None) };
        (self.hosts.get(host).copied().unwrap_or(from), Some(*port))
    }
}

/// The suggestions that look like printers: a web server does by its name, or beside another service.
fn likely(found: BTreeSet<Suggestion>) -> Vec<Suggestion> {
    let web = WEB.trim_end_matches(".local");
    let printers: BTreeSet<IpAddr> = found.iter().filter(|one| one.service != web).map(|one| one.address).collect();
    let is_likely = |one: &Suggestion| {
        let name = one.name.to_lowercase();
        one.service != web || printers.contains(&one.address) || PRINTER_WORDS.iter().any(|word| name.contains(word))
    };
    found.into_iter().filter(is_likely).take(SUGGESTIONS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::sample::Rng;
    use simple_dns::Label;
    use simple_dns::rdata::{A, PTR, SRV};

    const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    /// An announcement as printers send it: the instance, its place, its address.
    fn announced(service: &str, instance: &str, address: Option<Ipv4Addr>) -> Vec<u8> {
        let mut labels = vec![Label::new_unchecked(instance.as_bytes())];
        labels.extend(service.split('.').map(|label| Label::new_unchecked(label.as_bytes())));
        let name = Name::new_with_labels(&labels);
        let host = Name::new_unchecked("HP1A2B3C.local");
        let mut packet = Packet::new_reply(0);
        let record = |name: &Name<'_>, data| ResourceRecord::new(name.clone().into_owned(), CLASS::IN, 120, data);
        packet.answers.push(record(&Name::new_unchecked(service).into_owned(), RData::PTR(PTR(name.clone()))));
        let place = SRV { priority: 0, weight: 0, port: 443, target: host.clone() };
        packet.additional_records.push(record(&name, RData::SRV(place)));
        if let Some(address) = address {
            packet.additional_records.push(record(&host, RData::A(A::from(address))));
        }
        packet.build_bytes_vec().expect("a packet")
    }

    fn shown(found: &[Suggestion]) -> Vec<String> {
        found.iter().map(|one| format!("{} {} {} {}", one.address, one.port, one.service, one.name)).collect()
    }

    #[test]
    fn an_announced_printer_is_suggested_with_its_address_port_and_name() {
        let address = Some(Ipv4Addr::new(192, 0, 2, 10));
        let found = read(&announced("_ipps._tcp.local", "HP DesignJet T930 [1A2B3C]", address), FROM);
        assert_eq!(shown(&found), ["192.0.2.10 443 _ipps._tcp HP DesignJet T930 [1A2B3C]"]);
        let found = read(&announced("_ipp._tcp.local", "Plot\n1", None), FROM);
        assert_eq!(shown(&found), ["192.0.2.7 443 _ipp._tcp Plot 1"], "without an address it is the sender's");
    }

    #[test]
    fn an_address_that_is_never_a_printer_s_is_not_suggested() {
        for address in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(169, 254, 169, 254), Ipv4Addr::BROADCAST] {
            assert!(read(&announced("_ipps._tcp.local", "x", Some(address)), FROM).is_empty(), "{address}");
        }
        let link_local: IpAddr = "fe80::1".parse().expect("an address");
        assert!(read(&announced("_ipps._tcp.local", "x", None), link_local).is_empty());
        assert!(read(&announced("_ssh._tcp.local", "x", None), FROM).is_empty());
    }

    #[test]
    fn a_web_server_is_suggested_where_it_looks_like_a_printer() {
        let one = |address: u8, service: &str, name: &str| Suggestion {
            address: IpAddr::from([192, 0, 2, address]),
            service: service.to_owned(),
            port: 80,
            name: name.to_owned(),
        };
        let found = BTreeSet::from([
            one(1, "_http._tcp", "Router"),
            one(2, "_http._tcp", "HP DesignJet Z9"),
            one(3, "_http._tcp", "office"),
            one(3, "_pdl-datastream._tcp", "office"),
        ]);
        let likely: Vec<u8> = likely(found)
            .iter()
            .map(|one| match one.address {
                IpAddr::V4(address) => address.octets()[3],
                IpAddr::V6(_) => 0,
            })
            .collect();
        assert_eq!(likely, [2, 3, 3]);
    }

    #[test]
    fn ten_thousand_altered_and_cut_packets_are_ignored_or_read() {
        let whole = announced("_ipps._tcp.local", "HP DesignJet", Some(Ipv4Addr::new(192, 0, 2, 10)));
        let mut rng = Rng::new(9);
        let place = |rng: &mut Rng, most: usize| {
            usize::try_from(rng.between(0, i64::try_from(most).expect("small"))).expect("positive")
        };
        for _ in 0..10_000 {
            let mut bytes = whole.clone();
            bytes.truncate(place(&mut rng, whole.len()));
            for _ in 0..place(&mut rng, 4) {
                let index = place(&mut rng, bytes.len());
                if let Some(byte) = bytes.get_mut(index) {
                    *byte = u8::try_from(rng.next_u64() & 0xff).expect("a byte");
                }
            }
            assert!(read(&bytes, FROM).len() <= 256);
        }
        let promises = [[0; 4], [0xff; 4], [0xff; 4]].concat();
        assert!(read(&promises, FROM).is_empty());
    }

    #[test]
    fn the_question_names_each_service_once() {
        let question = question();
        let packet = Packet::parse(&question).expect("reads");
        let names: Vec<String> = packet.questions.iter().map(|one| one.qname.to_string()).collect();
        let services: Vec<&str> = SERVICES.iter().map(|(service, _)| *service).collect();
        assert_eq!(names, services);
    }

    #[tokio::test]
    async fn answers_to_the_question_come_back_to_the_port_that_asked() {
        let responder = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let group = responder.local_addr().expect("bound");
        let answer = announced("_ipps._tcp.local", "HP DesignJet", Some(Ipv4Addr::new(192, 0, 2, 10)));
        let answering = tokio::spawn(async move {
            let mut asked = [0; 512];
            let (_, from) = responder.recv_from(&mut asked).await.expect("asked");
            responder.send_to(b"noise", from).await.expect("sent");
            responder.send_to(&answer, from).await.expect("sent");
        });
        let found = query(group, Duration::from_millis(600)).await.expect("asked");
        answering.await.expect("answered");
        assert_eq!(shown(&found), ["192.0.2.10 443 _ipps._tcp HP DesignJet"]);
    }
}
