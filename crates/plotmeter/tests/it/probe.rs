//! `plotmeter probe` on a simulated printer and on recorded documents, each over HTTPS.

use crate::world::{START, TestClock, acceptor, certificate, device};
use report::Duration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

async fn probe(address: &str, json: bool) -> (bool, String, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_plotmeter"));
    command.args(["probe", address, "--pause-ms", "0"]);
    if json {
        command.arg("--json");
    }
    let output = command.output().await.expect("runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_printer_fills_nearly_every_row() {
    let clock = TestClock::at(START);
    let device = device(2, 21, &clock).await;
    clock.forward(Duration::hours(24 * 20));
    let (success, text, words) = probe(&device.server.address().to_string(), false).await;
    assert!(success, "{words}");
    let absent: Vec<&str> =
        text.lines().filter(|line| line.ends_with(" absent")).filter_map(|line| line.split(' ').next()).collect();
    // No interface of these printers shows these without a login, or at all.
    for row in &absent {
        assert!(["S18", "S24", "S25", "S26", "E1", "E2", "E3", "E4", "E5", "E6"].contains(row), "{row} is absent");
    }
    assert!(text.contains("[piws "), "sources are named");
    let (_, json, _) = probe(&device.server.address().to_string(), true).await;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["driver"], "piws");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_z9_over_https_fills_the_rows_that_it_recorded() {
    let Some(folder) = recordings() else { return };
    let address = serve(documents(&folder)).await;
    let (success, text, words) = probe(&address, false).await;
    assert!(success, "{words}");
    let filled: std::collections::BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with("defect") && !line.ends_with(" absent"))
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
    let clock = TestClock::at(START);
    let device = device(0, 22, &clock).await;
    let mut probe = tokio::process::Command::new(env!("CARGO_BIN_EXE_plotmeter"))
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
    let (success, _, words) = probe("127.0.0.1:1", false).await;
    assert!(!success);
    assert!(words.contains("could not be reached over HTTPS"), "{words}");
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

/// A static HTTPS server with a self-signed certificate.
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
