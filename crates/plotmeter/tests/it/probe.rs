//! `plotmeter probe` on a simulated printer and on recorded documents, each over HTTPS; and recordings of its own.

use crate::needles::{Needle, Needles};
use crate::processes::{EXECUTABLE, Said, quiet, said};
use crate::world::{Device, START, TestClock, acceptor, certificate, device, planted};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use report::{Duration, ROWS};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

async fn probe(arguments: &[&str]) -> Said {
    said(quiet(EXECUTABLE, &["probe", "--pause-ms", "0"]).args(arguments)).await
}

/// A printer with three weeks of jobs.
async fn printer(model: usize, seed: u64) -> Device {
    let clock = TestClock::at(START);
    let device = device(model, seed, &clock).await;
    clock.forward(Duration::hours(24 * 20));
    device
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_printer_fills_nearly_every_row() {
    let device = printer(2, 21).await;
    let address = device.server.address().to_string();
    let Said { success, out: text, err: words } = probe(&[&address]).await;
    assert!(success, "{words}");
    let absent: Vec<&str> =
        text.lines().filter(|line| line.contains(" absent: ")).filter_map(|line| line.split(' ').next()).collect();
    // No interface of these printers shows these without a login, or at all.
    for row in &absent {
        assert!(["S18", "S24", "S25", "S26", "E1", "E2", "E3", "E4", "E5", "E6"].contains(row), "{row} is absent");
    }
    assert!(text.contains("[piws "), "sources are named");
    let json: Value = serde_json::from_str(&probe(&[&address, "--json"]).await.out).expect("JSON");
    assert_eq!((&json["interfaces"][0]["name"], &json["grade"]), (&Value::from("piws"), &Value::from("B")));
    let told = |name: &str| json[name].as_array().expect("a list").len();
    let rows: BTreeSet<&str> = json["rows"].as_array().expect("rows").iter().filter_map(row_of).collect();
    assert_eq!(rows.len() + told("absent"), ROWS.len(), "each row is there, or absent with a reason");
    assert!(text.contains("answered: piws over the web"), "{text}");
    assert!(!text.contains("coverage has no unit"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_a_job_stand_together_under_its_name() {
    let device = printer(2, 26).await;
    let address = device.server.address().to_string();
    let via = [address.as_str(), "--via", "piws"];
    let json: Value = serde_json::from_str(&probe(&[&via[..], &["--json"]].concat()).await.out).expect("JSON");
    let is_of_job = |row: &&Value| row_of(row).is_some_and(|row| row.starts_with(['P', 'N']));
    let rows: Vec<Value> = json["rows"].as_array().expect("rows").iter().filter(is_of_job).cloned().collect();
    let names: Vec<&str> = rows.iter().map(|row| row["item"].as_str().expect("an item")).collect();
    let mut names: Vec<&str> = names.into_iter().map(|item| item.split(", ").next().unwrap_or(item)).collect();
    names.dedup();
    let jobs = json["jobs"].as_u64().expect("a count");
    assert!(jobs > 20, "{jobs}");
    assert_eq!(names.len() as u64, jobs, "one after another: {names:?}");
    assert_eq!(names.iter().copied().collect::<BTreeSet<&str>>().len() as u64, jobs, "each its own: {names:?}");
    assert!(names.iter().all(|name| name.starts_with("job ")), "{names:?}");
    let items = |id: &str| -> Vec<&str> {
        rows.iter().filter(|row| row_of(row) == Some(id)).filter_map(|row| row["item"].as_str()).collect()
    };
    assert!(items("P18").iter().any(|item| item.ends_with(", cyan")), "by colour too: {:?}", items("P18"));

    let text = probe(&via).await.out;
    for item in items("P2") {
        assert!(text.contains(&format!("P2   Job UUID ({item})")), "{item}: {text}");
    }
    let text = probe(&[&via[..], &["--no-jobs"]].concat()).await.out;
    assert!(text.contains(&format!("left out: the rows of {jobs} jobs")) && !text.contains("(job "), "{text}");
    assert!(!text.contains("P2   Job UUID  "), "a row that is left out is not absent: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_and_gave_nothing_is_said() {
    let device = printer(0, 27).await;
    let address = device.server.address().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let login = folder.path().join("login").display().to_string();
    std::fs::write(&login, "reader:sesame\n").expect("written");
    #[cfg(unix)]
    std::fs::set_permissions(&login, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set");
    // Nobody listens on the port of IPP, and the printer takes no login.
    let said = probe(&[&address, "--ipp-port", "9", "--login", &login]).await;
    assert!(said.success, "{}", said.err);
    let refused = "absent: it stands behind the printer's login: the printer refused the login (status 401)";
    for words in [
        "failed: ipp: ipp/get-printer-attributes could not be reached over HTTPS: nothing listens on that port",
        "failed: piws: /LFPWebServices/PI/Settings.json the printer refused the login (status 401)",
        refused,
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    assert!(!said.all().contains("sesame"));
}

fn row_of(row: &Value) -> Option<&str> {
    row["row"].as_str()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_interfaces_that_are_named_are_asked() {
    let device = printer(0, 24).await;
    let address = device.server.address().to_string();
    let asked = || device.printer.lock().expect("not poisoned").requests().asked;
    let other = probe(&[&address, "--via", "ledm"]).await;
    assert!(!other.success && other.err.contains("ledm: "), "{}", other.err);
    assert_eq!(asked(), 1, "one document tells whether an interface is there");
    for (arguments, words) in [
        (["--via", "telnet"], "piws"),
        (["--via", "snmp"], "--snmp-community"),
        (["--login", "/absent/login"], "/absent/login"),
        (["--replay", "/absent/recording"], "--replay"),
        (["--snmp-community", ""], "--snmp-community"),
        (["--ipp-port", "0"], "--ipp-port"),
    ] {
        let refused = probe(&[&[address.as_str()][..], arguments.as_slice()].concat()).await;
        assert!(!refused.success && refused.err.contains(words), "{arguments:?}: {}", refused.err);
    }
    assert_eq!(asked(), 1);
    for option in [["--via", "ipp"], ["--login", "f"], ["--ipp-port", "443"], ["--snmp-community", "c"]] {
        let refused = probe(&[&["--replay", "/absent/recording"][..], option.as_slice()].concat()).await;
        assert!(!refused.success && refused.err.contains("cannot be used with"), "{option:?}: {}", refused.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_recognised_is_recorded_and_what_is_not_there_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let address = serve(BTreeMap::new()).await;
    let said = probe(&[&address, "--ipp-port", "9", "--record", &path("unknown")]).await;
    assert!(!said.success, "{}", said.out);
    for words in ["Identification.json answered 404", "recorded in ", "no driver recognises"] {
        assert!(said.err.contains(words), "{words}: {}", said.err);
    }
    let replayed = probe(&["--replay", &path("unknown")]).await;
    assert!(!replayed.success && replayed.err.contains("(piws: Identification.json: "), "{}", replayed.err);

    let said = probe(&["127.0.0.1:1", "--ipp-port", "9", "--record", &path("closed")]).await;
    assert!(!said.success && said.err.contains("nothing was recorded"), "{}", said.err);
    assert!(!Path::new(&path("closed")).exists());

    // What cannot be written is found before anybody is asked.
    let device = printer(0, 28).await;
    std::fs::write(path("file"), "").expect("written");
    let said = probe(&[&device.server.address().to_string(), "--record", &path("file/below")]).await;
    assert!(!said.success && said.err.contains("file/below"), "{}", said.err);
    assert_eq!(said.err.matches("os error").count(), 1, "a cause is said once: {}", said.err);
    assert_eq!(device.printer.lock().expect("not poisoned").requests().asked, 0);
}

/// A text in each spelling in which it could stand in a file.
fn spelt(text: &str) -> Vec<Needle> {
    let bytes = text.as_bytes();
    let each = |write: fn(&u8) -> String| bytes.iter().map(write).collect::<String>();
    let mut spelt = vec![
        text.to_owned(),
        text.to_ascii_lowercase(),
        text.to_ascii_uppercase(),
        each(|byte| format!("{byte:02x}")),
        each(|byte| format!("{byte:02X}")),
        each(|byte| format!("%{byte:02X}")),
    ];
    for before in 0..3 {
        let coded = STANDARD_NO_PAD.encode([&[0; 3][..before], bytes].concat());
        let (first, last) = ((8 * before).div_ceil(6), 8 * (before + bytes.len()) / 6);
        spelt.push(coded[first..last].to_owned());
    }
    spelt.sort();
    spelt.dedup();
    spelt.into_iter().map(|spelling| (text.to_owned(), spelling.into_bytes())).collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Whether a row's value may differ between a printer and its masked recording.
fn is_masked(row: &str) -> bool {
    let known = ROWS.iter().find(|known| known.id.word() == row).expect("a row");
    known.personal || ["C3", "S7", "S14", "P2", "N2"].contains(&row)
}

/// Fails where a row says something else in a replay than live, a mask excepted.
#[track_caller]
fn same_but_for_names(live: &Value, replayed: &Value) {
    let rows = |json: &Value| json["rows"].as_array().expect("rows").clone();
    let (live, replayed) = (rows(live), rows(replayed));
    assert_eq!(live.len(), replayed.len());
    for (live, replayed) in live.iter().zip(&replayed) {
        let row = row_of(live).expect("a row");
        match (live["value"].as_str(), replayed["value"].as_str()) {
            (Some(live), Some(replayed)) if is_masked(row) => assert_eq!(live.len(), replayed.len(), "{row}"),
            _ => assert_eq!(live, replayed),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_names_nobody_and_reads_as_the_printer_did() {
    let device = printer(1, 25).await;
    let address = device.server.address().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("recording").display().to_string();
    let live = probe(&[&address, "--via", "piws", "--json", "--record", &recording]).await;
    assert!(live.success && live.err.contains("serial numbers"), "{}", live.err);

    let mut hidden = planted(std::slice::from_ref(&device));
    assert!(hidden.len() > 10, "{hidden:?}");
    hidden.push("CN000025".to_owned());
    let needles = Needles::new(hidden.iter().flat_map(|text| spelt(text)));
    let files = files(Path::new(&recording));
    assert!(files.len() >= 8, "{files:?}");
    for file in &files {
        needles.none_in(&file.display().to_string(), &std::fs::read(file).expect("a file"));
    }

    let replayed = probe(&["--replay", &recording, "--json"]).await;
    assert!(replayed.success, "{}", replayed.err);
    let [live, replayed] = [live, replayed].map(|said| serde_json::from_str::<Value>(&said.out).expect("JSON"));
    for part in ["interfaces", "absent", "defects", "grade", "read_at", "not_asked"] {
        assert_eq!(live[part], replayed[part], "{part}");
    }
    same_but_for_names(&live, &replayed);

    let before = device.printer.lock().expect("not poisoned").requests().asked;
    let again = probe(&[&address, "--record", &recording]).await;
    assert!(!again.success && again.err.contains("is not empty"), "{}", again.err);
    assert_eq!(device.printer.lock().expect("not poisoned").requests().asked, before, "nobody is asked for nothing");
}

/// An IPP attribute: tag, name, value.
fn attribute(tag: u8, name: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    for part in [name.as_bytes(), value] {
        bytes.extend(u16::try_from(part.len()).expect("a short part").to_be_bytes());
        bytes.extend(part);
    }
    bytes
}

/// A printer with four interfaces on one port, of which one gives the jobs and the others name people too: in open
/// jobs, in settings, and in elements that no driver knows.
fn talkative() -> BTreeMap<String, Vec<u8>> {
    const EWS: &str = "/hp/device/webAccess/";
    let identification = "{\"Identification\":{\"Fields\":{\"SerialNumber\":\"CN61A0K01F\",\
        \"ModelName\":\"HP Latex 0330\",\"UUID\":\"0b8f4597-adbc-4b14-8637-000000000330\"}}}";
    let status = "<Serviceability><Printer_Status><PrintEngine><Status>Idle</Status></PrintEngine></Printer_Status>\
        </Serviceability>";
    let jobs = "<Serviceability><JOBS_ACCOUNTING_INFO><Job><User>weberhans</User><Title>Rathaus Nord</Title>\
        <Where>Keller links</Where><Zeta Eta=\"Grete Weber\">Ida Lovelace</Zeta></Job></JOBS_ACCOUNTING_INFO>\
        </Serviceability>";
    let supplies = "<html lang='en'><head><title>HP Latex 0330 - Supplies</title></head><body>\
        <a href='index.htm?content=supplies'>Supplies</a><a href='index.htm?content=usage'>Usage</a>\
        <p>at fe80::1a2b:3cff:fe4d:5e6f or 203.0.113.77</p></body></html>";
    let setup = "<html><body><table><tr><td>Serial number:</td><td>CN61A0K01F</td></tr><tr><td>Contact:</td>\
        <td>Grete Weber</td></tr><tr><td>Standort</td><td>Keller links</td></tr><tr><td>Host name</td>\
        <td>plotter-99</td></tr></table><input name=jobname value=rathausnord.pdf></body></html>";
    let accounting = "<html lang='en'><body><table><tr><th>Document</th><th>Job type</th><th>Status</th>\
        <th>Substrate usage m&sup2;</th><th>User</th><th>Account ID</th><th>Printing time</th></tr>\
        <tr><td>Rathaus Nord</td><td>Print</td><td>printed</td><td>6.5451</td><td>weberhans</td><td>4081577</td>\
        <td>01/04/2026 17:38:53</td></tr><tr><td>Schulhaus</td><td>Print</td><td>waiting</td><td></td>\
        <td>weberhans</td><td>4081577</td><td></td></tr></table></body></html>";
    let ipp = [
        vec![1, 1, 0, 0, 0, 0, 0, 1, 4],
        attribute(0x41, "printer-make-and-model", b"HP Latex 0330"),
        attribute(0x41, "printer-device-id", b"MFG:HP;MDL:Latex 0330;SN:CN61A0K01F;"),
        attribute(0x41, "printer-info", b"B\xfcro M\xfcller"),
        vec![2],
        attribute(0x21, "job-id", &[0, 0, 0, 7]),
        attribute(0x23, "job-state", &[0, 0, 0, 5]),
        attribute(0x42, "job-name", b"Schulhaus"),
        attribute(0x42, "job-originating-user-name", b"B\xfcro M\xfcller"),
        vec![3],
    ]
    .concat();
    let ews = |name: &str, body: &str| (format!("{EWS}{name}"), body.as_bytes().to_vec());
    BTreeMap::from([
        ("/LFPWebServices/PI/Identification.json".to_owned(), identification.as_bytes().to_vec()),
        ews("open_status.xml", status),
        ews("open_accounting.xml", jobs),
        ews("index.htm?content=supplies", supplies),
        ews("index.htm?content=device_setup", setup),
        ews("index.htm?content=accounting", accounting),
        ("/ipp/print".to_owned(), ipp),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_over_every_interface_names_nobody_and_reads_as_the_printer_did() {
    let address = serve(talkative()).await;
    let (_, port) = address.rsplit_once(':').expect("a port");
    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("recording").display().to_string();
    let live = probe(&[&address, "--ipp-port", port, "--json", "--record", &recording]).await;
    assert!(live.success, "{}", live.err);

    let hidden = [
        "CN61A0K01F",
        "0b8f4597-adbc-4b14-8637-000000000330",
        "Rathaus Nord",
        "rathausnord",
        "Schulhaus",
        "weberhans",
        "Grete Weber",
        "Ida Lovelace",
        "Keller links",
        "plotter-99",
        "4081577",
        "fe80::1a2b:3cff:fe4d:5e6f",
        "203.0.113.77",
    ];
    let latin: Needle = ("a name in Latin-1".to_owned(), b"M\xfcller".to_vec());
    let needles = Needles::new(hidden.iter().flat_map(|text| spelt(text)).chain([latin]));
    for file in &files(Path::new(&recording)) {
        needles.none_in(&file.display().to_string(), &std::fs::read(file).expect("a file"));
    }

    let replayed = probe(&["--replay", &recording, "--json"]).await;
    assert!(replayed.success, "{}", replayed.err);
    let [live, replayed] = [live, replayed].map(|said| serde_json::from_str::<Value>(&said.out).expect("JSON"));
    let names: Vec<&str> =
        live["interfaces"].as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["piws", "ews_xml", "ews_html", "ipp"]);
    for part in ["interfaces", "grade", "read_at", "not_asked"] {
        assert_eq!(live[part], replayed[part], "{part}");
    }
    let absent = |json: &Value| {
        let rows = json["absent"].as_array().expect("a list").clone();
        rows.iter().filter_map(row_of).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(absent(&live), absent(&replayed));
    same_but_for_names(&live, &replayed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_z9_over_https_fills_the_rows_that_it_recorded() {
    let Some(folder) = recordings() else { return };
    let address = serve(documents(&folder)).await;
    let Said { success, out: text, err: words } = probe(&[&address]).await;
    assert!(success, "{words}");
    let filled: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with("defect") && !line.contains(" absent: "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    println!("filled: {}", filled.iter().copied().collect::<Vec<_>>().join(" "));
    for row in [
        "C1", "C2", "C3", "C4", "S1", "S10", "S11", "S12", "S14", "S15", "S16", "S17", "U2", "U5", "U16", "P2", "P10",
        "P11",
    ] {
        assert!(filled.contains(row), "{row} is absent:\n{text}");
    }
    assert!(text.contains("W3Z71A"));
    assert!(text.contains("433.000 ml"), "magenta's lifetime ink, read by hand from the document");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_is_no_failure() {
    let device = printer(0, 22).await;
    let mut probe = tokio::process::Command::new(EXECUTABLE)
        .args(["probe", &device.server.address().to_string(), "--pause-ms", "0"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    drop(probe.stdout.take());
    let output = probe.wait_with_output().await.expect("ended");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !words.contains("panicked"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_a_printer_says_so() {
    let said = probe(&["127.0.0.1:1"]).await;
    assert!(!said.success);
    assert!(said.err.contains("could not be reached over HTTPS: nothing listens on that port"), "{}", said.err);
    let said = probe(&["2001:db8::1"]).await;
    assert!(!said.success && said.err.contains("in brackets"), "{}", said.err);
}

fn recordings() -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder =
        std::env::var_os("PLOTMETER_RECORDINGS").map_or_else(default, PathBuf::from).join("freeglaz/designjet-z9-24");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: recordings absent");
    None
}

/// The recorded documents by path. The recording keeps identification as a digest, without its frame.
fn documents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    const ROOT: &str = "/LFPWebServices/PI/";
    const QUEUE: &str = "JQ/JobQueue/5805be78-cd86-4875-afb9-9c21113dcca0";
    let text = std::fs::read_to_string(folder.join("device_status_reference.json")).expect("the recorded status");
    let recorded: serde_json::Value = serde_json::from_str(&text).expect("recorded JSON");
    let identification =
        serde_json::json!({ "Identification": { "Fields": recorded["full_status"]["identification"] } });
    let queues = serde_json::json!({ "JobQueueCollection": { "Queue": { "URI": format!("{ROOT}{QUEUE}") } } });
    let jobs = std::fs::read(folder.join("jobs_all_sample.xml")).expect("the recorded jobs");
    [
        ("Identification.json".to_owned(), identification.to_string().into_bytes()),
        ("InkSystem.json".to_owned(), recorded["raw_ink_system"].to_string().into_bytes()),
        ("DeviceStatus.json".to_owned(), recorded["raw_device_status"].to_string().into_bytes()),
        ("JQ/JobQueueCollection".to_owned(), queues.to_string().into_bytes()),
        (format!("{QUEUE}/jobs/all"), jobs),
    ]
    .map(|(path, body)| (format!("{ROOT}{path}"), body))
    .into()
}

/// A static HTTPS server with a self-signed certificate. What a request holds is read and passed over.
async fn serve(documents: BTreeMap<String, Vec<u8>>) -> String {
    let (certificate, key) = certificate("printer");
    let acceptor = acceptor(&certificate, &key);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let documents = Arc::new(documents);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, documents) = (acceptor.clone(), documents.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(socket).await else { return };
                let (mut head, mut byte) = (Vec::new(), [0]);
                while let Ok(1) = stream.read(&mut byte).await {
                    head.push(byte[0]);
                    if !head.ends_with(b"\r\n\r\n") {
                        continue;
                    }
                    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
                    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
                    let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
                    if stream.read_exact(&mut vec![0; length]).await.is_err() {
                        return;
                    }
                    let line = String::from_utf8_lossy(&head).into_owned();
                    let path = line.split(' ').nth(1).unwrap_or("");
                    let (status, body) =
                        documents.get(path).map_or(("404 Not Found", &[][..]), |body| ("200 OK", body.as_slice()));
                    let answer =
                        [format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body]
                            .concat();
                    head.clear();
                    if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}
