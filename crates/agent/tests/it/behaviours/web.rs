//! What can go wrong on the way of a web answer, from the connection to the document.
//!
//! Deliberately absent: documents that are merely odd, such as a missing unit, which the drivers' own cases
//! hold.

use super::{Case, Does, Ends, Named, Script, Then, document, dripping, endless, only, silent};
use Ends::{Answer, AtOnce, Connect, Idle, Reading};
use Named::{Defect, Error};

/// The document at which most of them happen: a driver asks for it after it knows the printer.
const INK: &str = "/InkSystem.json";
/// The list of job queues, which names what is asked next.
const QUEUES: &str = "/JobQueueCollection";
/// Every path.
const ALL: &str = "";

/// The connection itself.
pub(super) const TRANSPORT: &[Case] = &[
    Case {
        name: "takes the connection and says nothing",
        does: Does::Socket(|| silent("")),
        named: Error("could not be reached over HTTPS"),
        ends: Connect,
    },
    Case {
        name: "drips its handshake",
        // The head of a record of 16 kB, and its bytes one by one.
        does: Does::Socket(|| dripping([0x16_u8, 3, 3, 0x40, 0], [0_u8])),
        named: Error("could not be reached over HTTPS"),
        ends: Connect,
    },
    Case {
        name: "closes within the handshake",
        does: Does::Socket(|| only("")),
        named: Error("could not be reached over HTTPS"),
        ends: AtOnce,
    },
    Case {
        name: "speaks plain HTTP where TLS belongs",
        does: Does::Socket(|| only("HTTP/1.1 400 Bad Request\r\n\r\n")),
        named: Error("could not be reached over HTTPS"),
        ends: AtOnce,
    },
    Case {
        name: "sends a handshake of another length than it states",
        does: Does::Socket(|| only([0x16_u8, 3, 3, 0, 6, 2, 0xff, 0xff, 0xff, 3, 3])),
        named: Error("could not be reached over HTTPS"),
        ends: AtOnce,
    },
    Case {
        name: "refuses every cipher",
        // A fatal alert: handshake_failure.
        does: Does::Socket(|| only([0x15_u8, 3, 3, 0, 2, 2, 40])),
        named: Error(if cfg!(feature = "legacy-tls") { "could not be reached over HTTPS" } else { "legacy-tls" }),
        ends: AtOnce,
    },
    Case {
        name: "shows another certificate within one reading",
        does: Does::TwoCertificates,
        named: Error("another certificate"),
        ends: AtOnce,
    },
];

/// The head of an answer.
pub(super) const HEADS: &[Case] = &[
    Case {
        name: "hears the request and says nothing",
        does: Does::Web(INK, || silent("")),
        named: Defect("stopped answering"),
        ends: Idle,
    },
    Case {
        name: "drips the head of its answer",
        does: Does::Web(INK, || dripping("HTTP/1.1 200 OK\r\nx-slow: ", "y")),
        named: Defect("stopped answering"),
        ends: Idle,
    },
    Case {
        name: "sends a hundred thousand headers",
        does: Does::Web(INK, || {
            let headers: String = (0..100_000).map(|number| format!("x-{number}: y\r\n")).collect();
            only(format!("HTTP/1.1 200 OK\r\n{headers}\r\n"))
        }),
        named: Defect("valid HTTP"),
        ends: AtOnce,
    },
    Case {
        name: "sends a header without an end",
        does: Does::Web(INK, || endless("HTTP/1.1 200 OK\r\nx-long: ", "y".repeat(64 * 1024))),
        named: Defect("valid HTTP"),
        ends: AtOnce,
    },
    Case {
        name: "sends a status line without an end",
        does: Does::Web(INK, || endless("HTTP/1.1 200 ", "OK ".repeat(20_000))),
        named: Defect("valid HTTP"),
        ends: AtOnce,
    },
    Case {
        name: "answers in another language than HTTP",
        does: Does::Web(INK, || only((0..=255_u8).collect::<Vec<u8>>())),
        named: Defect("valid HTTP"),
        ends: AtOnce,
    },
    Case {
        name: "answers a page without a head",
        does: Does::Web(INK, || only("<html>It works</html>\r\n\r\n")),
        named: Defect("valid HTTP"),
        ends: AtOnce,
    },
    Case {
        name: "asks for patience without an end",
        does: Does::Web(INK, || dripping("", "HTTP/1.1 100 Continue\r\n\r\n")),
        named: Defect("stopped answering"),
        ends: Idle,
    },
    Case {
        name: "changes to another protocol",
        does: Does::Web(INK, || {
            only("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: reset\r\n\r\n")
        }),
        named: Defect("InkSystem.json: answered with status 101"),
        ends: AtOnce,
    },
    Case {
        name: "sends a status that is no number",
        does: Does::Web(INK, || only("HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n")),
        named: Defect("valid HTTP"),
        ends: AtOnce,
    },
    Case {
        name: "redirects to itself for ever",
        does: Does::Web(INK, || redirect("/LFPWebServices/PI/InkSystem.json")),
        named: Defect("sends to '/LFPWebServices/PI/InkSystem.json'"),
        ends: AtOnce,
    },
    Case {
        name: "redirects to another host",
        does: Does::Web(INK, || redirect("https://192.0.2.1/secret")),
        named: Defect("sends to 'https://192.0.2.1/secret'"),
        ends: AtOnce,
    },
    Case { name: "is asleep", does: Does::Web(ALL, || redirect("/wakeup.htm")), named: Error("asleep"), ends: AtOnce },
    Case {
        name: "asks for a login",
        does: Does::Web(INK, || status("401 Unauthorized\r\nwww-authenticate: Basic realm=\"printer\"")),
        named: Defect("asks for"),
        ends: AtOnce,
    },
    Case {
        name: "has no time for an answer",
        does: Does::Web(INK, || status("503 Service Unavailable")),
        named: Defect("503"),
        ends: AtOnce,
    },
];

/// The body of an answer.
pub(super) const BODIES: &[Case] = &[
    Case {
        name: "states two lengths",
        does: Does::Web(INK, || only("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 20\r\n\r\n{}")),
        named: Defect("valid HTTP"),
        ends: AtOnce,
    },
    Case {
        name: "states a negative length",
        does: Does::Web(INK, || only("HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}")),
        named: Defect("valid HTTP"),
        ends: AtOnce,
    },
    Case {
        name: "states the longest length there is, and sends on",
        does: Does::Web(INK, || endless(head("content-length: 18446744073709551610"), spaces())),
        named: Defect("longer than"),
        ends: AtOnce,
    },
    Case {
        name: "sends a hundred megabytes",
        does: Does::Web(INK, || endless(head("content-length: 100000000"), spaces())),
        named: Defect("longer than"),
        ends: AtOnce,
    },
    Case {
        name: "sends until it closes, and never closes",
        does: Does::Web(INK, || endless(head("connection: close"), spaces())),
        named: Defect("longer than"),
        ends: AtOnce,
    },
    Case {
        name: "sends chunks without an end",
        does: Does::Web(INK, || endless(head("transfer-encoding: chunked"), chunk(&spaces()))),
        named: Defect("longer than"),
        ends: AtOnce,
    },
    Case {
        name: "sends the end of its chunks without an end",
        // Fields after the last chunk: a flood of headers by another name.
        does: Does::Web(INK, || endless(head("transfer-encoding: chunked") + "0\r\n", "x-more: y\r\n".repeat(6_000))),
        named: Defect("InkSystem.json: ended before its stated length"),
        ends: AtOnce,
    },
    Case {
        name: "sends a chunk whose length is no number",
        does: Does::Web(INK, || only(head("transfer-encoding: chunked") + "zz\r\n{}\r\n0\r\n\r\n")),
        named: Defect("InkSystem.json: ended before its stated length"),
        ends: AtOnce,
    },
    Case {
        name: "sends a chunk longer than any number",
        does: Does::Web(INK, || only(head("transfer-encoding: chunked") + "fffffffffffffffff\r\n{}")),
        named: Defect("InkSystem.json: ended before its stated length"),
        ends: AtOnce,
    },
    Case {
        name: "ends before its stated length",
        does: Does::Web(INK, || only(head("content-length: 5000") + "{\"InkSystem\":")),
        named: Defect("ended before its stated length"),
        ends: AtOnce,
    },
    Case {
        name: "sends more than its stated length",
        does: Does::Web(INK, || document_and("[1]", "HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n")),
        named: Defect("is no object"),
        ends: AtOnce,
    },
    Case {
        name: "stops in the middle of a body",
        does: Does::Web(INK, || silent(head("content-length: 5000") + "{\"InkSystem\":")),
        named: Defect("stopped answering"),
        ends: Idle,
    },
    Case {
        name: "drips its body",
        does: Does::Web(INK, || dripping(head("content-length: 100000"), " ")),
        named: Defect("did not answer in time"),
        ends: Answer,
    },
    Case {
        name: "packs a bomb",
        // The head of a gzip stream: what nobody asked for is not unpacked.
        does: Does::Web(INK, || {
            let packed = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0x4b; 4_000]].concat();
            let head = head(&format!("content-encoding: gzip\r\ncontent-length: {}", packed.len()));
            only([head.as_bytes(), &packed].concat())
        }),
        named: Defect("not UTF-8"),
        ends: AtOnce,
    },
    Case { name: "is late with every answer", does: Does::Late(900), named: Defect("the time for"), ends: Reading },
];

/// The document in the body.
pub(super) const DOCUMENTS: &[Case] = &[
    Case {
        name: "answers in plain words",
        does: Does::Web(INK, || document("It works!")),
        named: Defect("neither JSON nor XML"),
        ends: AtOnce,
    },
    Case {
        name: "answers with a web page",
        does: Does::Web(INK, || document("<!DOCTYPE html><html><body>Sign in</body></html>")),
        named: Defect("a web page"),
        ends: AtOnce,
    },
    Case {
        name: "nests JSON ten thousand deep",
        does: Does::Web(INK, || document("[".repeat(10_000) + &"]".repeat(10_000))),
        named: Defect("nested deeper"),
        ends: AtOnce,
    },
    Case {
        name: "nests XML ten thousand deep",
        does: Does::Web(INK, || document("<a>".repeat(10_000) + &"</a>".repeat(10_000))),
        named: Defect("nested deeper"),
        ends: AtOnce,
    },
    Case {
        name: "defines entities that grow a billionfold",
        does: Does::Web(INK, || document(billion_laughs())),
        named: Defect("document type"),
        ends: AtOnce,
    },
    Case {
        name: "defines an entity from a file",
        does: Does::Web(INK, || {
            document("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><InkSystem>&x;</InkSystem>")
        }),
        named: Defect("document type"),
        ends: AtOnce,
    },
    Case {
        name: "sends bytes that are not UTF-8",
        does: Does::Web(INK, || document(b"{\"InkSystem\":\"\xff\xfe\"}")),
        named: Defect("not UTF-8"),
        ends: AtOnce,
    },
    Case {
        name: "sends UTF-16",
        does: Does::Web(INK, || document(b"\xff\xfe{\0}\0")),
        named: Defect("not UTF-8"),
        ends: AtOnce,
    },
    Case {
        name: "sends four million values",
        does: Does::Web(INK, || document(format!("[{}0]", "0,".repeat(4_000_000)))),
        named: Defect("more than"),
        ends: AtOnce,
    },
    Case {
        name: "sends two million elements",
        does: Does::Web(INK, || document(format!("<a>{}</a>", "<b/>".repeat(2_000_000)))),
        named: Defect("more than"),
        ends: AtOnce,
    },
    Case {
        name: "puts forty thousand attributes on one element",
        does: Does::Web(INK, || {
            let attributes: String = (0..40_000).map(|number| format!(" a{number:x}=''")).collect();
            document(format!("<InkSystem{attributes}/>"))
        }),
        named: Defect("more than"),
        ends: AtOnce,
    },
    Case {
        name: "declares thousands of namespaces over thousands of elements",
        does: Does::Web(INK, || {
            let declared: String = (0..4_000).map(|number| format!(" xmlns:n{number}='u{number}'")).collect();
            let children: String = (0..20_000).map(|number| format!("<b xmlns:m{number}='v{number}'/>")).collect();
            document(format!("<InkSystem{declared}>{children}</InkSystem>"))
        }),
        named: Defect("more than"),
        ends: AtOnce,
    },
    Case {
        name: "cuts JSON off",
        does: Does::Web(INK, || document("{\"InkSystem\":{\"InkSlotGroupCollection\":[1,")),
        named: Defect("not JSON"),
        ends: AtOnce,
    },
    Case {
        name: "goes on after JSON",
        does: Does::Web(INK, || document("{\"InkSystem\":{}} and more")),
        named: Defect("not JSON"),
        ends: AtOnce,
    },
    Case {
        name: "goes on after XML",
        does: Does::Web(INK, || document("<InkSystem/><InkSystem/>")),
        named: Defect("not XML"),
        ends: AtOnce,
    },
    Case {
        name: "counts with a hundred thousand digits",
        does: Does::Web(INK, || ink_used(&"9".repeat(100_000))),
        named: Defect("InkUsed"),
        ends: AtOnce,
    },
    Case {
        name: "counts below nothing",
        does: Does::Web(INK, || ink_used("-433")),
        named: Defect("InkUsed is negative"),
        ends: AtOnce,
    },
    Case {
        name: "has sixty thousand colours",
        does: Does::Web(INK, || {
            let groups = "{\"Color\":\"x\"},".repeat(60_000);
            let groups = format!("{{\"InkSlotGroup\":[{groups}{{}}]}}");
            document(format!("{{\"InkSystem\":{{\"InkSlotGroupCollection\":{groups}}}}}"))
        }),
        named: Defect("only the first"),
        ends: AtOnce,
    },
    Case {
        name: "keeps its jobs on another host",
        does: Does::Web(QUEUES, || queues(&["https://192.0.2.1/LFPWebServices/PI/JQ/JobQueue/1"])),
        named: Defect("is not asked"),
        ends: AtOnce,
    },
    Case {
        name: "hides a second request in the name of a queue",
        does: Does::Web(QUEUES, || queues(&["/LFPWebServices/PI/JQ/JobQueue/1 HTTP/1.1\\r\\nPOST /reset"])),
        named: Defect("is not asked"),
        ends: AtOnce,
    },
    Case {
        name: "has ten thousand job queues",
        does: Does::Web(QUEUES, || queues(&["/LFPWebServices/PI/JQ/JobQueue/1"; 10_000])),
        named: Defect("only the first"),
        ends: AtOnce,
    },
];

/// An answer with nothing but a status, and perhaps a header after it.
fn status(words: &str) -> Script {
    Script { first: format!("HTTP/1.1 {words}\r\ncontent-length: 0\r\n\r\n").into_bytes(), then: Then::GoOn }
}

fn redirect(location: &str) -> Script {
    status(&format!("302 Found\r\nlocation: {location}"))
}

/// The head of a good answer with these headers.
fn head(headers: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}\r\n\r\n")
}

/// Enough white space that a part of it fills the buffers on the way.
fn spaces() -> String {
    " ".repeat(64 * 1024)
}

fn chunk(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n", body.len())
}

/// A document, and bytes after it that belong to no answer.
fn document_and(body: &str, more: &str) -> Script {
    let mut script = document(body);
    script.first.extend_from_slice(more.as_bytes());
    script
}

/// Ten entities, each ten times the one before.
fn billion_laughs() -> String {
    let entity = |number: usize| {
        let parts = if number == 0 { "ha".to_owned() } else { format!("&e{};", number - 1).repeat(10) };
        format!("<!ENTITY e{number} \"{parts}\">")
    };
    let entities: String = (0..10).map(entity).collect();
    format!("<?xml version=\"1.0\"?><!DOCTYPE a [{entities}]><InkSystem>&e9;</InkSystem>")
}

/// One colour whose lifetime use is this many millilitres, as text.
fn ink_used(digits: &str) -> Script {
    let used = format!("{{\"InkUsed\":{{\"Value\":\"{digits}\",\"Unit\":\"cc\"}}}}");
    let group = format!("{{\"Color\":\"cyan\",\"InkSlotGroupInfo\":{used}}}");
    document(format!("{{\"InkSystem\":{{\"InkSlotGroupCollection\":{{\"InkSlotGroup\":[{group}]}}}}}}"))
}

fn queues(uris: &[&str]) -> Script {
    let entries: Vec<String> = uris.iter().map(|uri| format!("{{\"URI\":\"{uri}\"}}")).collect();
    document(format!("{{\"JobQueueCollection\":{{\"Queue\":[{}]}}}}", entries.join(",")))
}
