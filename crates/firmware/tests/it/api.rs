//! The C functions against callers that make mistakes, and what the interface promises in words.

use crate::c::{Handle, config, free, new_user, text};
use crate::conformance::{World, job};
use crate::network::START;
use plotmeter_agent::abi as pm;
use plotmeter_agent::calls as c;
use protocol::package::Core;
use protocol::receipt::{Participation, Settings};
use report::{Instant, RowId};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::atomic::Ordering;

struct Set {
    handle: Handle,
    world: World,
    folder: tempfile::TempDir,
}

impl Set {
    /// An open handle that is not enrolled.
    fn new() -> Set {
        let world = World::new("portal.example");
        let folder = tempfile::tempdir().expect("a folder");
        let handle = Handle::open(&world, folder.path()).expect("opens");
        Set { handle, world, folder }
    }

    fn enrolled() -> Set {
        let set = Set::new();
        set.enrol();
        set.steps(1);
        assert_eq!(set.handle.enrolment(), pm::PM_ENROL_DONE);
        set
    }

    fn enrol(&self) {
        let file = self.world.net.lock().expect("not poisoned").portal.file(None);
        let json = serde_json::to_string(&file).expect("serialises");
        assert_eq!(self.handle.enrol_file(&json), pm::PM_OK, "{}", self.handle.last_error());
        assert_eq!(self.handle.confirm(), pm::PM_OK, "{}", self.handle.last_error());
    }

    fn steps(&self, count: usize) {
        for _ in 0..count {
            assert_eq!(self.handle.step().0, pm::PM_OK, "{}", self.handle.last_error());
            self.world.clock.fetch_add(61 * 60_000, Ordering::Relaxed);
        }
    }

    fn cores(&self) -> Vec<Core> {
        self.world.net.lock().expect("not poisoned").portal.cores()
    }

    fn set_settings(&self, change: impl FnOnce(&mut Settings)) {
        let mut network = self.world.net.lock().expect("not poisoned");
        let settings = network.portal.settings.as_mut().expect("the network starts with settings");
        change(settings);
        settings.version += 1;
    }

    fn report(&self, pages: i64) {
        let handle = &self.handle;
        assert_eq!(handle.report_begin(), pm::PM_OK);
        assert_eq!(handle.report_text("S1", "", "ready"), pm::PM_OK);
        assert_eq!(handle.report_int("U15", "", pages), pm::PM_OK);
        assert_eq!(handle.report_end(), pm::PM_OK, "{}", handle.last_error());
    }
}

#[test]
fn null_pointers_are_named_and_nothing_else_happens() {
    let set = Set::new();
    let agent = set.handle.agent;
    let (mut wait, mut byte) = (0_i64, 0);
    // SAFETY: null is what these functions must withstand; everything else is valid.
    let codes = unsafe {
        [
            c::pm_agent_open(null(), null_mut()),
            c::pm_enrol_file(null_mut(), c"{}".as_ptr()),
            c::pm_enrol_file(agent, null()),
            c::pm_step(null_mut(), &raw mut wait),
            c::pm_step(agent, null_mut()),
            c::pm_status(null(), &raw mut byte, 1, null_mut()),
            c::pm_last_error(null(), &raw mut byte, 1, null_mut()),
            c::pm_report_set_text(agent, null(), null(), null()),
            c::pm_alert(agent, null(), pm::PM_SEVERITY_INFO, null(), null(), 0),
            c::pm_response_status(null_mut(), 200),
            c::pm_response_header(null_mut(), null(), null()),
            c::pm_response_body(null_mut(), null(), 3),
        ]
    };
    assert_eq!(codes, [pm::PM_NULL; 12]);
    // SAFETY: closing null is allowed.
    assert_eq!(unsafe { c::pm_agent_close(null_mut()) }, pm::PM_OK);
    assert_eq!(c::pm_abi_version(), pm::PM_ABI_VERSION);
}

#[test]
fn a_configuration_that_lacks_something_opens_nothing() {
    let world = World::new("portal.example");
    let folder = tempfile::tempdir().expect("a folder");
    let path = text(folder.path().to_str().expect("UTF-8"));
    let serial = text("EX1");
    let broken: [(fn(&mut pm::pm_config), i32); 9] = [
        (|config| config.abi_version = 2, pm::PM_ABI),
        (|config| config.folder = null(), pm::PM_NULL),
        (|config| config.serial_number = null(), pm::PM_NULL),
        (|config| config.serial_number = c"  ".as_ptr(), pm::PM_NULL),
        (|config| config.product_name = c"\xff\xfe".as_ptr(), pm::PM_TEXT),
        (|config| config.clock = None, pm::PM_NULL),
        (|config| config.entropy = None, pm::PM_NULL),
        (|config| config.transport = None, pm::PM_NULL),
        (|config| config.sign = Some(no_signature), pm::PM_NULL),
    ];
    for (index, (break_it, expected)) in broken.into_iter().enumerate() {
        let user = new_user(&world);
        let mut config = config(&path, &serial, user);
        break_it(&mut config);
        let mut agent = null_mut();
        // SAFETY: the configuration and its texts live until this returns.
        let code = unsafe { c::pm_agent_open(&raw const config, &raw mut agent) };
        assert_eq!(code, expected, "case {index}");
        assert!(agent.is_null());
        free(user);
    }
    assert_eq!(files(folder.path()), 0, "nothing was written");
}

unsafe extern "C" fn no_signature(_: *mut std::ffi::c_void, _: *const u8, _: usize, _: *mut u8) -> i32 {
    1
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).expect("reads").count()
}

#[test]
fn a_folder_has_one_handle_and_two_folders_have_two() {
    let set = Set::enrolled();
    let (code, log) = Handle::open(&set.world, set.folder.path()).err().expect("the folder is in use");
    assert_eq!(code, pm::PM_STORAGE);
    assert!(!log.is_empty(), "the log says why");
    // Another printer in the same program.
    let other = tempfile::tempdir().expect("a folder");
    let second = Handle::open_as(&set.world, other.path(), "EX2", false).expect("opens");
    assert_eq!(second.enrolment(), pm::PM_ENROL_NONE);
    assert_eq!(set.handle.job(&job(1)), pm::PM_OK);
}

#[test]
fn a_callback_that_calls_back_is_turned_away() {
    let set = Set::enrolled();
    assert_eq!(set.handle.boot(), pm::PM_OK);
    *set.handle.user().reenter.lock().expect("not poisoned") = Some(set.handle.agent as usize);
    set.steps(1);
    assert_eq!(set.handle.user().reentered.load(Ordering::Relaxed), pm::PM_BUSY);
    *set.handle.user().reenter.lock().expect("not poisoned") = None;
}

#[test]
fn without_entropy_nothing_is_made() {
    let set = Set::enrolled();
    set.handle.user().no_entropy.store(true, Ordering::Relaxed);
    assert_eq!(set.handle.job(&job(1)), pm::PM_CALLBACK);
    assert_eq!(set.handle.step().0, pm::PM_CALLBACK);
    set.handle.user().no_entropy.store(false, Ordering::Relaxed);
    // The job was begun and not ended: it can be ended now.
    assert_eq!(set.handle.job_end(), pm::PM_OK);
    set.steps(6);
    assert_eq!(set.cores().len(), 1);
}

#[test]
fn rows_that_are_none_are_named() {
    let set = Set::enrolled();
    let handle = &set.handle;
    assert_eq!(handle.report_int("U14", "", 1), pm::PM_STATE);
    assert_eq!(handle.report_begin(), pm::PM_OK);
    assert_eq!(handle.report_begin(), pm::PM_STATE);
    assert_eq!(handle.report_int("U99", "", 1), pm::PM_ROW);
    assert!(handle.last_error().contains("U99"), "{}", handle.last_error());
    assert_eq!(handle.report_int("P10", "", 1), pm::PM_ROW);
    assert_eq!(handle.report_int("S16", "", 1), pm::PM_ITEM);
    assert_eq!(handle.report_int("U14", "", -1), pm::PM_VALUE);
    assert_eq!(handle.report_int("S1", "", 1), pm::PM_VALUE);
    assert_eq!(handle.report_int("S16", "cyan", i64::MAX), pm::PM_OK);
    assert_eq!(handle.report_text("S1", "", &"x".repeat(pm::PM_TEXT_MAX + 1)), pm::PM_TEXT);
    // SAFETY: the texts end with a zero byte; that one is no UTF-8 is what is tested.
    let code = unsafe { c::pm_report_set_text(handle.agent, c"S1".as_ptr(), null(), c"\xc3\x28".as_ptr()) };
    assert_eq!(code, pm::PM_TEXT);
    assert_eq!(handle.report_end(), pm::PM_OK);
    assert_eq!(handle.last_error(), "");
    for json in ["", "{", "[]", r#"{"usage":{"jobs":NaN}}"#, r#"{"usage":{"jobs":1.5}}"#, r#"{"unknown":1}"#] {
        assert_eq!(handle.report_json(json), pm::PM_JSON, "{json}");
    }
    set.steps(6);
    let defects: Vec<_> = set
        .cores()
        .into_iter()
        .filter_map(|core| if let Core::Reading(reading) = core { Some(reading.defects) } else { None })
        .flatten()
        .collect();
    assert!(defects.iter().any(|defect| defect.row == Some(RowId::U14)), "what was refused is shown: {defects:?}");
}

#[test]
fn a_job_needs_a_name_and_a_time() {
    let set = Set::enrolled();
    let handle = &set.handle;
    assert_eq!(handle.job_end(), pm::PM_STATE);
    assert_eq!(handle.job_begin(7), pm::PM_VALUE);
    assert_eq!(handle.job_begin(pm::PM_JOB_SCAN), pm::PM_OK);
    assert_eq!(handle.job_end(), pm::PM_VALUE);
    assert_eq!(handle.job_int("N3", "", 17), pm::PM_OK);
    assert_eq!(handle.job_end(), pm::PM_VALUE);
    assert_eq!(handle.job_int("N9", "", START), pm::PM_OK);
    assert_eq!(handle.job_int("P10", "", START), pm::PM_ROW);
    assert_eq!(handle.job_end(), pm::PM_OK, "{}", handle.last_error());
    let copy = format!(
        r#"{{"job":{{"kind":"copy","uuid":"u","print":{{"printed_at":{START},"pages":2}},
            "scan":{{"scanned_at":{START},"area":62370}}}},"personal":{{"name":"plan"}}}}"#
    );
    assert_eq!(handle.job_json(&copy), pm::PM_OK, "{}", handle.last_error());
    set.steps(6);
    assert_eq!(set.cores().len(), 2);
}

#[test]
fn two_jobs_of_one_uuid_within_a_minute_are_two() {
    let set = Set::enrolled();
    let mut first = job(1);
    let print = first.print.as_mut().expect("a print job");
    print.printed_at = Some(Instant(START));
    let mut second = first.clone();
    second.print.as_mut().expect("a print job").printed_at = Some(Instant(START + 20_000));
    assert_eq!(set.handle.job(&first), pm::PM_OK);
    assert_eq!(set.handle.job(&second), pm::PM_OK);
    assert_eq!(set.handle.job(&first), pm::PM_OK);
    set.steps(6);
    let keys: Vec<_> = set
        .cores()
        .into_iter()
        .filter_map(|core| if let Core::Job(record) = core { record.key() } else { None })
        .collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(format!("{}#1", keys[0]), keys[1]);
}

#[test]
fn a_printer_that_takes_no_part_is_only_seen() {
    let set = Set::new();
    set.set_settings(|settings| settings.participation = Participation::default());
    set.enrol();
    set.steps(1);
    set.report(7);
    assert_eq!(set.handle.job(&job(1)), pm::PM_NOT_KEPT);
    assert_eq!(set.handle.alert("CUTTER/JAM", pm::PM_SEVERITY_SEVERE, START), pm::PM_NOT_KEPT);
    assert_eq!(set.handle.boot(), pm::PM_NOT_KEPT);
    set.steps(6);
    let cores = set.cores();
    assert!(matches!(cores.as_slice(), [Core::Seen(_)]), "{cores:?}");
    // Somebody marks it as taking part: it is read at once.
    set.set_settings(|settings| settings.participation = Participation::All);
    set.steps(5);
    assert_eq!(set.handle.report_wanted(), 1);
    set.report(9);
    assert_eq!(set.handle.step().0, pm::PM_OK);
    assert!(set.cores().iter().any(|core| matches!(core, Core::Reading(_))));
    // And stops it again.
    set.set_settings(|settings| settings.participation = Participation::default());
    set.steps(5);
    assert_eq!(set.handle.job(&job(2)), pm::PM_NOT_KEPT);
}

#[test]
fn nineteen_jobs_are_sent_at_once_and_eighteen_wait() {
    let set = Set::enrolled();
    for number in 1..=18 {
        assert_eq!(set.handle.job(&job(number)), pm::PM_OK);
        assert_eq!(set.handle.step().0, pm::PM_OK);
    }
    assert_eq!(set.cores().len(), 0);
    assert_eq!(set.handle.job(&job(19)), pm::PM_OK);
    assert_eq!(set.handle.step().0, pm::PM_OK);
    assert_eq!(set.cores().len(), 19);
}

#[test]
fn a_report_is_wanted_when_one_is_due_or_asked_for() {
    let set = Set::enrolled();
    assert_eq!(set.handle.report_wanted(), 1, "never read");
    set.report(1);
    assert_eq!(set.handle.report_wanted(), 0);
    set.steps(1);
    assert_eq!(set.handle.report_wanted(), 0);
    set.steps(2);
    assert_eq!(set.handle.report_wanted(), 1, "three hours later");
    set.report(2);
    set.steps(1);
    set.set_settings(|settings| settings.collect = 1);
    assert_eq!(set.handle.alert("CUTTER/JAM", pm::PM_SEVERITY_SEVERE, START), pm::PM_OK);
    set.steps(1);
    assert_eq!(set.handle.report_wanted(), 1, "the portal asked");
    set.report(3);
    assert_eq!(set.handle.step().0, pm::PM_OK);
    assert_eq!(set.handle.report_wanted(), 0);
    let readings = set.cores().into_iter().filter(|core| matches!(core, Core::Reading(_))).count();
    assert_eq!(readings, 3);
}

#[test]
fn alerts_stand_in_readings_until_they_are_cleared() {
    let set = Set::enrolled();
    assert_eq!(set.handle.alert("INK/LOW", pm::PM_SEVERITY_WARNING, START), pm::PM_OK);
    assert_eq!(set.handle.alert("INK/LOW", 9, START), pm::PM_VALUE);
    let reading = |pages| {
        set.report(pages);
        set.steps(4);
        let alerts = set.cores().into_iter().rev().find_map(|core| match core {
            Core::Reading(reading) => Some(reading.alerts),
            _ => None,
        });
        alerts.expect("a reading")
    };
    assert_eq!(reading(1).len(), 1);
    assert_eq!(set.handle.alert_cleared("INK/LOW", START + 5), pm::PM_OK);
    assert_eq!(reading(2)[0].cleared_at, Some(Instant(START + 5)));
    assert_eq!(reading(3), Vec::new());
    assert_eq!(set.handle.alert_cleared("INK/LOW", START + 5), pm::PM_NOT_KEPT);
}

#[test]
fn the_privacy_policy_drops_by_default_and_can_only_be_changed_here() {
    let mut set = Set::enrolled();
    assert!(set.handle.privacy().expect("JSON").contains(r#""user-name":"drop""#));
    assert_eq!(set.handle.set_privacy(r#"{"user-name":"perhaps"}"#), pm::PM_JSON);
    assert_eq!(set.handle.set_privacy(r#"{"user-name":"keep","timestamps":"second"}"#), pm::PM_OK);
    assert_eq!(set.handle.job(&job(1)), pm::PM_OK);
    // It holds after a restart.
    let Set { handle, world, folder } = set;
    drop(handle);
    set = Set { handle: Handle::open(&world, folder.path()).expect("opens"), world, folder };
    assert!(set.handle.privacy().expect("JSON").contains(r#""user-name":"keep""#));
    // Tightened before anything was sent: what waited is filtered.
    assert_eq!(set.handle.set_privacy("{}"), pm::PM_OK, "{}", set.handle.last_error());
    set.steps(6);
    assert_eq!(set.cores().len(), 1);
    assert!(!set.world.net.lock().expect("not poisoned").text().contains("Somebody"));
    // The portal can only ask for less.
    assert_eq!(set.handle.set_privacy(r#"{"user-name":"keep"}"#), pm::PM_OK);
    set.set_settings(|settings| settings.drop_personal = true);
    assert_eq!(set.handle.boot(), pm::PM_OK);
    set.steps(1);
    assert_eq!(set.handle.job(&job(2)), pm::PM_OK);
    set.steps(6);
    assert!(!set.world.net.lock().expect("not poisoned").text().contains("Somebody"));
}

#[test]
fn an_enrolment_is_shown_and_can_be_refused() {
    let set = Set::new();
    assert_eq!(set.handle.step().0, pm::PM_NOT_ENROLLED);
    assert_eq!(set.handle.job(&job(1)), pm::PM_NOT_ENROLLED);
    assert_eq!(set.handle.confirm(), pm::PM_STATE);
    assert_eq!(set.handle.enrol_file("{}"), pm::PM_JSON);
    let file = set.world.net.lock().expect("not poisoned").portal.file(None);
    let json = serde_json::to_string(&file).expect("serialises");
    assert_eq!(set.handle.enrol_file(&json), pm::PM_OK, "{}", set.handle.last_error());
    assert_eq!(set.handle.enrolment(), pm::PM_ENROL_ASKED);
    assert_eq!(set.handle.account(), ("Nordplan".to_owned(), "Kessler".to_owned()));
    assert_eq!(set.handle.refuse(), pm::PM_OK);
    assert_eq!(set.handle.enrolment(), pm::PM_ENROL_NONE);
    assert!(!set.folder.path().join("agent.json").exists());
    // A file whose code was altered, and an address that no agent talks to.
    let mut wrong = file.clone();
    wrong.code.0[0] ^= 1;
    let json = serde_json::to_string(&wrong).expect("serialises");
    assert_eq!(set.handle.enrol_file(&json), pm::PM_REFUSED);
    assert_eq!(set.handle.compare("http://portal.example"), Err(pm::PM_REFUSED));
    set.enrol();
    set.steps(1);
    assert_eq!(set.handle.enrol_file(&serde_json::to_string(&file).expect("serialises")), pm::PM_ENROLLED);
}

#[test]
fn a_reset_leaves_no_key_and_no_record() {
    let set = Set::enrolled();
    assert_eq!(set.handle.set_privacy(r#"{"user-name":"pseudonym"}"#), pm::PM_OK);
    assert_eq!(set.handle.job(&job(1)), pm::PM_OK);
    assert!(set.folder.path().join("pseudonym.key").exists());
    // A buffer that is too small changes nothing.
    let mut byte = 0;
    // SAFETY: the handle is open, and the buffer has one byte.
    let code = unsafe { c::pm_factory_reset(set.handle.agent, &raw mut byte, 1, null_mut()) };
    assert_eq!(code, pm::PM_BUFFER);
    assert_eq!(set.handle.enrolment(), pm::PM_ENROL_DONE);
    let proof = set.handle.reset().expect("a proof");
    let proof: serde_json::Value = serde_json::from_str(&proof).expect("JSON");
    assert!(proof["signature"].is_string() && proof["files"].is_array(), "{proof}");
    assert!(set.world.net.lock().expect("not poisoned").portal.left(), "the portal was told");
    assert_eq!(set.handle.enrolment(), pm::PM_ENROL_NONE);
    for name in ["agent.json", "spool.sqlite", "pseudonym.key"] {
        assert!(!set.folder.path().join(name).exists(), "{name} is still there");
    }
    // And for the next owner.
    set.enrol();
    set.steps(1);
    assert_eq!(set.handle.enrolment(), pm::PM_ENROL_DONE);
    assert_eq!(set.world.net.lock().expect("not poisoned").portal.enrolments, 2);
}

#[test]
fn a_key_in_a_secure_element_stays_there_and_a_signature_that_fails_loses_nothing() {
    let world = World::new("portal.example");
    let folder = tempfile::tempdir().expect("a folder");
    let handle = Handle::open_as(&world, folder.path(), "EX1", true).expect("opens");
    let set = Set { handle, world, folder };
    set.enrol();
    set.steps(1);
    assert_eq!(set.handle.enrolment(), pm::PM_ENROL_DONE);
    let identity = std::fs::read_to_string(set.folder.path().join("agent.json")).expect("reads");
    assert!(!identity.contains("seed"), "the library keeps a key of its own");
    assert_eq!(set.handle.rotate_key(), pm::PM_REFUSED);
    assert_eq!(set.handle.job(&job(1)), pm::PM_OK);
    assert_eq!(set.handle.boot(), pm::PM_OK);
    set.handle.user().no_signature.store(true, Ordering::Relaxed);
    assert_eq!(set.handle.step().0, pm::PM_STORAGE);
    assert!(set.handle.last_error().contains("signature"), "{}", set.handle.last_error());
    assert_eq!(set.cores().len(), 0);
    set.handle.user().no_signature.store(false, Ordering::Relaxed);
    set.steps(2);
    assert_eq!(set.cores().len(), 2);
    // A printer whose element is gone does not work with another key.
    let Set { handle, world, folder } = set;
    drop(handle);
    let (code, _) = Handle::open_as(&world, folder.path(), "EX1", false).err().expect("the key is missing");
    assert_eq!(code, pm::PM_STORAGE);
}

#[test]
fn the_header_declares_every_function_and_no_other() {
    let names = |text: &str, before: &str| {
        let mut names: Vec<String> = text
            .split(before)
            .skip(1)
            .filter_map(|rest| rest.split_once('(').map(|(name, _)| name.to_owned()))
            .filter(|name| name.starts_with("pm_") && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
            .collect();
        names.sort();
        names
    };
    let code = names(include_str!("../../src/calls.rs"), "extern \"C\" fn ");
    let mut header = names(include_str!("../../include/plotmeter_agent.h"), "int32_t ");
    // cbindgen knows the types as C does.
    header.retain(|name| name != "pm_abi_version");
    header.push("pm_abi_version".to_owned());
    header.sort();
    assert_eq!(code, header);
    assert!(code.len() > 30);
}
