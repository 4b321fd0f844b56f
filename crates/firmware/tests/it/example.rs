//! The example in C: built with the system's compiler, linked against the library, and run against a
//! portal behind TLS. Where there is no C compiler or no libcurl, it says skipped.

use crate::conformance::surroundings;
use crate::network::{Net, Network, START};
use protocol::package::Core;
use protocol::testing::Wire;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

#[test]
fn the_example_in_c_enrols_prints_and_reports() {
    let built = tempfile::tempdir().expect("a folder");
    let program = built.path().join("printer");
    if let Err(why) = build(&program) {
        println!("skipped: {why}");
        return;
    }
    let (net, authority_pem) = serve();
    let file = net.lock().expect("not poisoned").portal.file(Some(authority_pem));
    let enrolment = built.path().join("enrol.json");
    std::fs::write(&enrolment, serde_json::to_vec(&file).expect("serialises")).expect("writes");
    let state = built.path().join("state");
    let output = Command::new(&program).arg(&state).arg(&enrolment).env("no_proxy", "*").output().expect("runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{out}{err}");
    assert!(output.status.success());
    for line in ["reseller: Nordplan", "customer: Kessler", r#""user-name":"drop""#, "enrolment: 3"] {
        assert!(out.contains(line), "{line} is missing");
    }
    assert!(out.contains(r#""records_waiting":0,"packages_waiting":0"#), "everything was sent");
    let network = net.lock().expect("not poisoned");
    assert_eq!(network.jobs().len(), 25);
    assert_eq!(network.portal.alerts(), ["CUTTER/JAM"]);
    assert!(network.portal.cores().iter().any(|core| matches!(core, Core::Boot(_))));
    assert!(network.portal.cores().iter().any(|core| matches!(core, Core::Reading(_))));
    assert!(!network.text().contains("ground floor"), "a job's name left the printer");
}

/// Builds the example; says why where this machine cannot.
fn build(program: &Path) -> Result<(), String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let probe = Command::new("cc").args(["-E", "-include", "curl/curl.h", "-x", "c", "/dev/null"]).output();
    match probe {
        Err(_) => return Err("there is no C compiler".to_owned()),
        Ok(output) if !output.status.success() => return Err("there are no headers of libcurl".to_owned()),
        Ok(_) => {}
    }
    let library = library().ok_or("there is no static library beside the tests")?;
    let output = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(program)
        .arg(here.join("examples/printer.c"))
        .arg("-I")
        .arg(here.join("include"))
        .arg(library)
        .args(["-lcurl", "-lpthread", "-ldl", "-lm"])
        .output()
        .expect("the compiler runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The static library that this test was built with.
fn library() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let deps = program.parent()?;
    let places = [deps.to_owned(), deps.parent()?.to_owned()];
    places.into_iter().map(|place| place.join("libplotmeter_agent.a")).find(|library| library.exists())
}

/// Serves a portal over TLS on this machine, until the test program ends. Gives the authority to trust.
fn serve() -> (Net, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate =
        rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name").self_signed(&key).expect("signed");
    let secret = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .expect("a certificate");
    let config = Arc::new(config);
    let clock = Arc::new(AtomicI64::new(START));
    let net = Network::start(&address, surroundings(&clock, "portal"));
    let shared = net.clone();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            // A client that hangs up has had enough.
            let _hung_up = answer(socket, &config, &shared);
        }
    });
    (net, certificate.pem())
}

/// One request a connection.
fn answer(mut socket: TcpStream, config: &Arc<rustls::ServerConfig>, net: &Net) -> std::io::Result<()> {
    let mut connection = rustls::ServerConnection::new(config.clone()).map_err(std::io::Error::other)?;
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or("").to_owned();
    let headers: Vec<(String, String)> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let of = |name: &str| headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let (authority, length) = (of("host").to_owned(), of("content-length").parse().unwrap_or(0));
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let wire = Wire { authority, path, headers, body };
    let Some(answer) = net.lock().expect("not poisoned").post(&wire) else { return Ok(()) };
    let mut text = format!("HTTP/1.1 {} Answer\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n", answer.body.len()));
    stream.write_all(text.as_bytes())?;
    stream.write_all(&answer.body)?;
    stream.conn.send_close_notify();
    stream.flush()
}
