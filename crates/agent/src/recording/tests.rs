//! What a recording shows and what it does not, and that it reads back as it was written.

use super::*;
use report::{Configuration, Job, Personal};
use tempfile::TempDir;

const SERIAL: &str = "CN61A0K01F";
const NAME: &str = "Ada Köhler & Sons";

/// A report that names a printer and a job.
fn report() -> Report {
    let configuration = Configuration {
        product_name: Some("HP DesignJet T930".to_owned()),
        serial_number: Some(SERIAL.to_owned()),
        firmware_version: Some("10.1.2.3".to_owned()),
        ..Configuration::default()
    };
    let personal = Personal {
        name: Some("House of Kessler.pdf".to_owned()),
        user: Some(NAME.to_owned()),
        account: Some("4711".to_owned()),
        ..Personal::default()
    };
    let job = Job { personal, ..Job::default() };
    Report { configuration, jobs: vec![(job, Vec::new())], ..Report::default() }
}

/// A document as a recording shows it, where the report above was read from it.
fn shown(channel: Channel, body: &[u8]) -> Vec<u8> {
    let form = form(channel, body);
    let mut secrets = Secrets::of("https://192.0.2.77:8443");
    secrets.learn_report(&report());
    rewrite(form, body, &mut |field, text| {
        secrets.learn(field, text);
        None
    });
    let masks = secrets.masks().expect("few");
    masks.bytes(&rewrite(form, body, &mut |field, text| masks.value(field, text)))
}

fn shown_text(body: &str) -> String {
    String::from_utf8(shown(Channel::Web, body.as_bytes())).expect("text")
}

#[track_caller]
fn none_of(text: &str, hidden: &[&str]) {
    for word in hidden {
        assert!(!text.to_lowercase().contains(&word.to_lowercase()), "{word} stands in {text}");
    }
}

#[test]
fn json_keeps_its_form_and_its_numbers_and_loses_its_names() {
    let body = r#"{ "Fields": {"SerialNumber":"cn61a0k01f", "ModelName": "HP DesignJet T930",
        "FwReleaseName": "10.1.2.3"},
        "Job": [{"UserName": "Ada K\u00f6hler & Sons", "Account": 4711, "Pages": 4711, "JobName":"House of Kessler.pdf",
        "Note": "printed House of Kessler.pdf for Ada Köhler & Sons", "HostName": "pc-07", "UserDefined": "unknown",
        "JobUUID": "5805be78-cd86-4875-afb9-9c21113dcca0",
        "URI": "/JobQueue/5805BE78-CD86-4875-AFB9-9C21113DCCA0/"}]}"#;
    let text = shown_text(body);
    none_of(&text, &[SERIAL, "köhler", "K\\u00f6hler", "Kessler", "pc-07", "5805be78"]);
    let value: serde_json::Value = serde_json::from_str(&text).expect("still JSON");
    assert_eq!(value["Fields"]["ModelName"], "HP DesignJet T930");
    assert_eq!(value["Fields"]["FwReleaseName"], "10.1.2.3");
    assert_eq!(value["Fields"]["SerialNumber"].as_str().map(str::len), Some(SERIAL.len()));
    assert_eq!(value["Job"][0]["Pages"], 4711, "a count is no account");
    assert_ne!(value["Job"][0]["Account"], 4711);
    assert!(value["Job"][0]["Account"].is_number());
    assert_eq!(value["Job"][0]["UserDefined"], "unknown");
    let uuid = value["Job"][0]["JobUUID"].as_str().expect("a text");
    assert_eq!(value["Job"][0]["URI"], format!("/JobQueue/{uuid}/"), "equal texts have equal masks");
}

#[test]
fn xml_keeps_its_namespaces_and_html_its_tags() {
    let xml = "<?xml version=\"1.0\"?><p:Info xmlns:p=\"http://www.hp.com/schemas/x\" id='CN61A0K01F'>\
        <p:UserName>Ada K&#246;hler &amp; Sons</p:UserName><p:Link>https://plotter-9.kessler.example:443/a</p:Link>\
        <p:Level>61</p:Level><!-- CN61A0K01F --><p:Owner><![CDATA[Grace]]></p:Owner></p:Info>";
    let text = shown_text(xml);
    none_of(&text, &[SERIAL, "K&#246;hler", "köhler", "kessler", "Grace"]);
    for kept in ["xmlns:p=\"http://www.hp.com/schemas/x\"", "<p:Level>61</p:Level>", ":443/a", "</p:Info>"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    let html = "<!DOCTYPE html><html><br><td>4711</td><td>Ada K\u{f6}hler &amp; Sons</td><td>6,5 m²</td>\
        <a href='/x?user=Ada%20K%C3%B6hler%20%26%20Sons'>x</a></html>";
    let text = shown_text(html);
    none_of(&text, &["4711", "hler", "Sons"]);
    assert!(text.contains("<td>6,5 m²</td>") && text.starts_with("<!DOCTYPE html><html><br><td>"), "{text}");
}

#[test]
fn bytes_that_are_no_utf_8_keep_their_length_and_lose_their_names() {
    let mut body = b"<html><td>Ada K\xf6hler &amp; Sons</td><td>\xe9tat</td>".to_vec();
    body.extend_from_slice(SERIAL.as_bytes());
    let text = shown(Channel::Web, &body);
    let latin: String = text.iter().map(|byte| char::from(*byte)).collect();
    none_of(&latin, &[SERIAL, "hler", "Sons"]);
    assert!(latin.contains("état"), "{latin}");
}

/// An IPP attribute: tag, name, value.
fn attribute(tag: u8, name: &str, value: &[u8]) -> Vec<u8> {
    let counted = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).expect("short").to_be_bytes();
        [&length[..], bytes].concat()
    };
    [vec![tag], counted(name.as_bytes()), counted(value)].concat()
}

#[test]
fn an_ipp_message_keeps_every_length() {
    let device = b"MFG:HP;MDL:DesignJet T930;SN:CN61A0K01F;";
    let with_language = [&[0, 2][..], b"de", &[0, 18], NAME.as_bytes()].concat();
    let body = [
        vec![2, 0, 0, 0, 0, 0, 0, 1, 4],
        attribute(0x41, "printer-device-id", device),
        attribute(0x45, "printer-uuid", b"urn:uuid:5805be78-cd86-4875-afb9-9c21113dcca0"),
        attribute(0x45, "printer-uri-supported", b"ipps://HP1A2B3C.local:631/ipp/print"),
        attribute(0x36, "job-originating-user-name", &with_language),
        attribute(0x42, "job-name", b"draft"),
        attribute(0x42, "", b"draft 2"),
        attribute(0x44, "media-type", b"stationery"),
        attribute(0x21, "copies", &[0, 0, 0, 3]),
        vec![3],
    ]
    .concat();
    let masked = shown(Channel::Ipp, &body);
    assert_eq!(masked.len(), body.len());
    let text = String::from_utf8_lossy(&masked).into_owned();
    none_of(&text, &[SERIAL, "köhler", "5805be78", "HP1A2B3C", "draft"]);
    for kept in ["MDL:DesignJet T930;SN:", ".local:631/ipp/print", "stationery", "urn:uuid:00000000", "job-name"] {
        assert_eq!(text.contains(kept), kept != ".local:631/ipp/print", "{kept}");
    }
    for length in 0..body.len() {
        assert_eq!(shown(Channel::Ipp, &body[..length]).len(), length, "a message that was cut");
    }
}

#[test]
fn variables_lose_names_also_in_hexadecimal_digits() {
    let body = "1.3.6.1.2.1.1.5.0|4|plotter-9\n1.3.6.1.2.1.1.6.0|4|Room 12\n1.3.6.1.2.1.2.2.1.6.1|4x|a0b1c2d3e4f5\n\
        1.3.6.1.2.1.4.20.1.1|64|192.168.7.20\n1.3.6.1.2.1.43.5.1.1.17.1|4|CN61A0K01F\n\
        1.3.6.1.2.1.43.11.1.1.9.1.1|2|4711\n1.3.6.1.4.1.11.2.3.9.1.1.7.0|4x|534e3a434e3631413\
        04b3031463b\n";
    let text = String::from_utf8(shown(Channel::Snmp, body.as_bytes())).expect("text");
    none_of(&text, &["plotter-9", "Room", "a0b1c2d3e4f5", "192.168", SERIAL, "434e363141304b303146"]);
    assert!(text.contains("|2|4711\n") && text.contains("|4x|534e3a58"), "{text}");
    assert_eq!(drivers::snmp::to_text(&[]), "", "the form is the driver's");
    assert_eq!(text.len(), body.len());
}

#[test]
fn a_serial_number_is_found_however_it_is_spelt() {
    // CN61A0K01F behind zero, one and two other bytes, in base64.
    for coded in ["Q042MUEwSzAxRg==", "eENONjFBMEswMUY=", "eHhDTjYxQTBLMDFG", "434E363141304B303146", "cn61a0k01f"] {
        let text = shown_text(&format!("<a href=\"/x\">{coded}</a>"));
        assert!(!text.contains(coded), "{coded} stands in {text}");
    }
    let percent: String = SERIAL.bytes().map(|byte| format!("%{byte:02X}")).collect();
    none_of(&shown_text(&format!("{{\"URI\": \"/x/{percent}\"}}")), &[percent.as_str()]);
    // A name inside a text in base64.
    let text = shown_text("{\"Data\": \"QWRhIEvDtmhsZXIgJiBTb25z\"}");
    none_of(&text, &["QWRhIEvDtmhsZXIgJiBTb25z"]);
}

#[test]
fn masks_are_as_long_as_what_they_cover_and_different() {
    let mut secrets = Secrets::default();
    let users = ["Ada", "Grace", "Barbara Liskov", "7", "4711", "ä"];
    let field = Field::of("UserName", "");
    for user in users {
        secrets.learn(field, user);
    }
    let masks = secrets.masks().expect("few");
    let found: Vec<String> = users.iter().map(|user| masks.value(field, user).expect("masked")).collect();
    assert!(found.iter().zip(users).all(|(mask, user)| mask.len() == user.len() && mask != user), "{found:?}");
    let different: std::collections::BTreeSet<&String> = found.iter().collect();
    assert_eq!(different.len(), users.len(), "{found:?}");
    let elsewhere = Field::of("Level", "");
    assert_eq!((masks.value(elsewhere, "7"), masks.value(elsewhere, "Adagio")), (None, None));
}

fn body(content_type: &str, text: &str) -> Answer {
    Answer::Body { status: 200, content_type: content_type.to_owned(), body: text.as_bytes().to_vec() }
}

/// What a reading gave, over the web and by SNMP.
fn asked() -> Asked {
    let identification = "/LFPWebServices/PI/Identification.json";
    let web = Answers::from([
        (identification.to_owned(), body("application/json", "{\"SerialNumber\":\"CN61A0K01F\"}")),
        ("/a/b.xml?x=1".to_owned(), body("text/xml", "<a><UserName>Ada</UserName></a>")),
        ("/c/b.xml?x=1".to_owned(), body("text/xml", "<a/>")),
        ("/x.xls".to_owned(), body("application/vnd.ms-excel", "PK\u{3}\u{4}Ada")),
        ("/asleep".to_owned(), Answer::Elsewhere { status: 302, location: "http://pc-7/wakeup.htm".to_owned() }),
        ("/login".to_owned(), Answer::NotAsked("no login is configured".to_owned())),
        ("/gone".to_owned(), Answer::Failed("did not answer in time".to_owned())),
    ]);
    let snmp = Answers::from([
        ("snmp/1.3.6.1.2.1.1".to_owned(), body("text/x-snmprec", "1.3.6.1.2.1.1.1.0|4|HP\n1.3.6.1.2.1.1.10.0|2|3\n")),
        ("snmp/1.3.6.1.2.1.1.10".to_owned(), body("text/x-snmprec", "1.3.6.1.2.1.1.10.0|2|3\n")),
        ("snmp/1.3.6.1.2.1.25".to_owned(), body("text/x-snmprec", "")),
    ]);
    Asked {
        drivers: vec!["piws"],
        report: report(),
        defects: Vec::new(),
        grade: Grade::B,
        memory: Memory::parse(""),
        silent: Vec::new(),
        not_asked: vec![("/login".to_owned(), "no login is configured".to_owned())],
        answers: vec![("piws", web), ("snmp", snmp)],
        over: vec![("piws", "192.0.2.77:443 aa".to_owned()), ("snmp", "192.0.2.77:161 snmp".to_owned())],
        fingerprint: None,
        known: Known::default(),
    }
}

fn written() -> (TempDir, PathBuf, Written) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("recording");
    let written = write(&path, &asked(), "192.0.2.77").expect("written");
    (folder, path, written)
}

#[test]
fn a_recording_reads_back_as_it_was_written() {
    let (_folder, path, written) = written();
    assert_eq!((written.files, written.left_out.as_slice()), (5, ["piws /x.xls".to_owned()].as_slice()));
    let recording = read(&path).expect("reads");
    assert_eq!((recording.grade, recording.not_asked), (Grade::B, asked().not_asked));
    assert_eq!(recording.connections, [("piws", 1), ("snmp", 2)]);
    let of = |name: &str| {
        let found = recording.answers.iter().find(|(driver, _)| *driver == name);
        found.map(|(_, answers)| answers.clone()).expect("recorded")
    };
    let (web, snmp) = (of("piws"), of("snmp"));
    let mask = body("application/json", "{\"SerialNumber\":\"XXXXXXXXX1\"}");
    assert_eq!(web.get("/LFPWebServices/PI/Identification.json"), Some(&mask));
    assert_eq!(web.get("/c/b.xml?x=1"), Some(&body("text/xml", "<a/>")));
    assert_eq!(web.get("/gone"), Some(&Answer::Failed("did not answer in time".to_owned())));
    assert_eq!(web.get("/x.xls"), Some(&Answer::Failed(LEFT_OUT.to_owned())));
    let elsewhere = Answer::Elsewhere { status: 302, location: "http://hhh1/wakeup.htm".to_owned() };
    assert_eq!(web.get("/asleep"), Some(&elsewhere));
    assert_eq!(snmp, asked().answers.remove(1).1, "walks of one file are the walks that were made");
}

#[test]
fn a_recording_is_never_written_over_anything() {
    let (_folder, path, _) = written();
    assert!(matches!(write(&path, &asked(), "192.0.2.77"), Err(RecordingError::NotEmpty(_))));
}

#[test]
fn a_folder_is_made_ready_before_anything_is_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a").join("recording");
    assert!(prepare(&path).expect("made"), "it was not there");
    assert!(!prepare(&path).expect("still empty"), "it was there");
    assert_eq!(std::fs::read_dir(&path).expect("a folder").count(), 0);
    let file = folder.path().join("file");
    std::fs::write(&file, "sesame").expect("written");
    for path in [&file, &file.join("below")] {
        let error = prepare(path).expect_err("no folder").to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
    }
    assert!(matches!(prepare(folder.path()), Err(RecordingError::NotEmpty(_))));
}

#[test]
fn what_no_driver_knows_is_recorded_and_a_replay_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("recording");
    let page = "<html><table><tr><td>Contact:</td><td>Grete Weber</td></tr></table></html>";
    let key = "/LFPWebServices/PI/Identification.json";
    let answers = vec![("piws", Answers::from([(key.to_owned(), body("text/html", page))]))];
    let not_asked = vec![("snmp".to_owned(), "snmp is off".to_owned())];
    write_unrecognised(&path, Instant(7), (answers, not_asked.clone()), "192.0.2.77").expect("written");
    let recording = read(&path).expect("reads");
    assert_eq!((recording.read_at, recording.grade, &recording.not_asked), (Instant(7), Grade::C, &not_asked));
    let Some(Answer::Body { body, .. }) = recording.answers[0].1.get(key) else { panic!("{recording:?}") };
    none_of(&String::from_utf8_lossy(body), &["Weber"]);
    let error = recording.replay().expect_err("no printer").to_string();
    assert!(error.contains("no driver recognises a printer") && error.contains("Identification.json"), "{error}");
}

#[test]
fn a_cause_is_said_once_and_a_folder_without_a_recording_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = read(folder.path()).expect_err("empty").to_string();
    assert_eq!(error, format!("{}: is no recording: it holds no {INDEX}", folder.path().display()));
    let absent = folder.path().join("absent");
    let error = read(&absent).expect_err("absent").to_string();
    assert_eq!(error, format!("{}: there is no such folder", absent.display()));
    let (_folder, path, _) = written();
    std::fs::remove_file(path.join("snmp").join(VARIABLES)).expect("removed");
    let error = read(&path).expect_err("a file is gone");
    assert!(std::error::Error::source(&error).is_none(), "the text of it stands in the error's own");
    assert!(error.to_string().contains(VARIABLES), "{error}");
}

#[test]
fn a_recording_that_somebody_sent_reads_no_file_beside_it() {
    let (folder, path, _) = written();
    std::fs::write(folder.path().join("secret"), "sesame").expect("written");
    let index = path.join(INDEX);
    let text = std::fs::read_to_string(&index).expect("the index");
    for file in ["../secret", "/etc/hostname", "", "piws/../../secret", "..\\secret"] {
        let changed = text.replace("\"snmp/snmp.snmprec\"", &format!("{file:?}"));
        assert_ne!(changed, text);
        std::fs::write(&index, changed).expect("written");
        assert!(matches!(read(&path), Err(RecordingError::Wrong { .. })), "{file}");
    }
    let changes = [
        ("form = 1", "form = 2"),
        ("\"snmp\"", "\"telnet\""),
        ("came =", "comes ="),
        ("read_at = ", "read_at = -1"),
        ("read_at = ", "read_at = 99999999999999"),
        ("grade = \"B\"", "grade = \"A\""),
    ];
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        std::fs::write(&index, text.replace(from, to)).expect("written");
        assert!(matches!(read(&path), Err(RecordingError::Wrong { .. })), "{to}");
    }
    #[cfg(unix)]
    {
        std::fs::write(&index, &text).expect("written");
        let file = path.join("snmp").join(VARIABLES);
        std::fs::remove_file(&file).expect("removed");
        std::os::unix::fs::symlink(folder.path().join("secret"), &file).expect("linked");
        assert!(matches!(read(&path), Err(RecordingError::Wrong { .. })), "a link");
        std::fs::remove_file(&file).expect("removed");
        std::fs::remove_dir(path.join("snmp")).expect("removed");
        std::fs::write(folder.path().join(VARIABLES), "1.3|2|1\n").expect("written");
        std::os::unix::fs::symlink(folder.path(), path.join("snmp")).expect("linked");
        assert!(matches!(read(&path), Err(RecordingError::Wrong { .. })), "a folder that is a link");
    }
}

#[test]
fn a_recording_that_names_one_file_many_times_has_an_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let large = limits::BODY_MAX / 2;
    std::fs::write(folder.path().join("large.json"), vec![b' '; large]).expect("written");
    let index = |entries: usize| {
        let entry = |number| format!("[[answer]]\ndriver = \"piws\"\nkey = \"/{number}\"\ncame = \"body\"\n");
        let entries: Vec<String> = (0..entries).map(|number| entry(number) + "file = \"large.json\"\n").collect();
        format!("form = 1\nread_at = 0\ngrade = \"{}\"\n{}", Grade::C.word(), entries.concat())
    };
    let most = BYTES_MAX / large;
    for (entries, fits) in [(1, true), (most + 1, false)] {
        std::fs::write(folder.path().join(INDEX), index(entries)).expect("written");
        match read(folder.path()) {
            Ok(recording) => assert!(fits && recording.answers[0].1.len() == entries),
            Err(error) => assert!(!fits && error.to_string().contains("over"), "{error}"),
        }
    }
}

#[test]
fn an_interface_without_a_name_of_its_own_belongs_to_the_printer_on_the_same_connection_in_a_replay_too() {
    let status = "<Serviceability><Printer_Status><PrintEngine><Status>Idle</Status></PrintEngine></Printer_Status>\
        </Serviceability>";
    let identification = "{\"Identification\":{\"Fields\":{\"SerialNumber\":\"CN61A0K01F\"}}}";
    let piws = Answers::from([(
        "/LFPWebServices/PI/Identification.json".to_owned(),
        body("application/json", identification),
    )]);
    let ews = Answers::from([("/hp/device/webAccess/open_status.xml".to_owned(), body("text/xml", status))]);
    for (over, drivers) in [("a", &["piws", "ews_xml"][..]), ("b", &["piws"][..])] {
        let asked = Asked {
            answers: vec![("piws", piws.clone()), ("ews_xml", ews.clone())],
            over: vec![("piws", "a".to_owned()), ("ews_xml", over.to_owned())],
            ..asked()
        };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("recording");
        write(&path, &asked, "192.0.2.77").expect("written");
        let replayed = read(&path).expect("reads").replay().expect("a printer");
        assert_eq!(replayed.drivers, drivers, "{over}");
    }
}
