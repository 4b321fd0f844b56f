//! The functions of the C interface: each reads its arguments, enters the agent, and gives a number.
//!
//! No panic leaves a function: it is caught, and the handle answers `PM_PANIC` from then on. A lock lets
//! one call at a time into a handle, so that a second thread, or a callback that calls back, gets
//! `PM_BUSY` and does no harm. Deliberately absent: anything that decides, which is in the agent.
//!
//! What every caller owes, and every unsafe block here rests on: a handle comes from `pm_agent_open` and
//! was not closed; texts end with a zero byte; buffers are as long as is said; pointers stay valid until
//! the call returns.

use crate::abi::{
    PM_ABI_VERSION, PM_BUSY, PM_JOB_COPY, PM_JOB_PRINT, PM_JOB_SCAN, PM_JSON_MAX, PM_NULL, PM_OK, PM_PANIC,
    PM_SEVERITY_INFO, PM_SEVERITY_SEVERE, PM_SEVERITY_WARNING, PM_TEXT_MAX, pm_agent, pm_config, pm_response,
};
use crate::callbacks;
use crate::enrol::PROOF_MAX;
use crate::fault::Fault;
use crate::printer::PrinterAgent;
use crate::rows::Given;
use crate::text::{self, Out};
use report::{Alert, Instant, JobKind, Severity};
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError, TryLockError};

/// Keeps what went wrong for `pm_last_error`, and gives its number.
fn note(agent: &pm_agent, outcome: Result<i32, Fault>) -> i32 {
    let (code, words) = match outcome {
        Ok(code) => (code, String::new()),
        Err(fault) => (fault.code(), fault.to_string()),
    };
    *agent.last_error.lock().unwrap_or_else(PoisonError::into_inner) = words;
    code
}

/// Enters the agent behind a handle, with everything that must hold at the boundary.
///
/// # Safety
/// `agent` is null or a handle that was not closed.
unsafe fn enter(agent: *const pm_agent, work: impl FnOnce(&mut PrinterAgent) -> Result<i32, Fault>) -> i32 {
    // SAFETY: null, or a handle that lives until the call returns.
    let Some(agent) = (unsafe { agent.as_ref() }) else { return PM_NULL };
    // The lock is taken inside, so that a panic marks it, and the agent is not entered again.
    let outcome = catch_unwind(AssertUnwindSafe(|| match agent.inner.try_lock() {
        Ok(mut inner) => Ok(work(&mut inner)),
        Err(TryLockError::WouldBlock) => Err(PM_BUSY),
        Err(TryLockError::Poisoned(_)) => Err(PM_PANIC),
    }));
    match outcome {
        Ok(Ok(outcome)) => note(agent, outcome),
        Ok(Err(code)) => code,
        Err(_) => {
            let words = "a mistake inside the library: close the handle and open it again; nothing kept is lost";
            *agent.last_error.lock().unwrap_or_else(PoisonError::into_inner) = words.to_owned();
            PM_PANIC
        }
    }
}

/// Enters with a text of JSON.
///
/// # Safety
/// As [`enter`], and `json` is null or ends with a zero byte.
unsafe fn enter_with_json(
    agent: *const pm_agent,
    json: *const c_char,
    work: impl FnOnce(&mut PrinterAgent, &str) -> Result<i32, Fault>,
) -> i32 {
    // SAFETY: what is promised to us.
    unsafe { enter(agent, |agent| work(agent, text::required(json, "json", PM_JSON_MAX)?)) }
}

/// Enters for a text that goes into the caller's buffer.
///
/// # Safety
/// As [`enter`], and the buffer is as [`Out::put`] wants it.
unsafe fn enter_for_text(
    agent: *const pm_agent,
    out: Out,
    work: impl FnOnce(&mut PrinterAgent) -> Result<String, Fault>,
) -> i32 {
    // SAFETY: what is promised to us.
    unsafe { enter(agent, |agent| out.put(&work(agent)?)) }
}

/// The version of the interface that this library has, to be held against `PM_ABI_VERSION`.
#[unsafe(no_mangle)]
pub extern "C" fn pm_abi_version() -> u32 {
    PM_ABI_VERSION
}

/// Opens the agent in a folder, making it where it is absent; the handle is written to `out`. On failure
/// `out` is null and the reason goes to the log callback, if there is one. One handle a folder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_agent_open(config: *const pm_config, out: *mut *mut pm_agent) -> i32 {
    if config.is_null() || out.is_null() {
        return PM_NULL;
    }
    // SAFETY: `out` is not null, and may be written.
    unsafe { out.write(std::ptr::null_mut()) };
    let opened = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: `config` is not null, and its texts and callbacks are as the caller owes.
        let setup = unsafe { callbacks::setup(&*config) }?;
        PrinterAgent::open(setup)
    }));
    let fault = match opened {
        Ok(Ok(agent)) => {
            let agent = pm_agent { inner: Mutex::new(agent), last_error: Mutex::new(String::new()) };
            // SAFETY: as above.
            unsafe { out.write(Box::into_raw(Box::new(agent))) };
            return PM_OK;
        }
        Ok(Err(fault)) => fault,
        Err(_) => return PM_PANIC,
    };
    // SAFETY: as above.
    unsafe { callbacks::log_failure(&*config, &fault) };
    fault.code()
}

/// Closes a handle. What was kept stays in the folder. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_agent_close(agent: *mut pm_agent) -> i32 {
    // SAFETY: null, or a handle that lives until here.
    let Some(in_use) = (unsafe { agent.as_ref() }) else { return PM_OK };
    // A call that is under way, such as the one that this callback serves, still needs it.
    if matches!(in_use.inner.try_lock(), Err(TryLockError::WouldBlock)) {
        return PM_BUSY;
    }
    // SAFETY: it came from a box of ours, no call is under way, and the caller does not use it again.
    let closed = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Box::from_raw(agent) })));
    if closed.is_ok() { PM_OK } else { PM_PANIC }
}

/// What went wrong in the last call, in words for the printer's log; empty when nothing did.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_last_error(
    agent: *const pm_agent,
    out: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> i32 {
    // SAFETY: null, or a handle that lives until the call returns.
    let Some(agent) = (unsafe { agent.as_ref() }) else { return PM_NULL };
    let words = agent.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // SAFETY: the buffer is as the caller owes.
    unsafe { Out { buffer: out, capacity, length }.put(&words) }.unwrap_or_else(|fault| fault.code())
}

/// Begins an enrolment with the file that the reseller made. Calls the transport once. Then show the
/// account (`pm_account_reseller`, `pm_account_customer`) and the privacy policy (`pm_privacy`) to a person.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_enrol_file(agent: *mut pm_agent, json: *const c_char) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter_with_json(agent, json, PrinterAgent::enrol_file) }
}

/// Begins an enrolment with the secret that the factory put into this printer. Otherwise as `pm_enrol_file`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_enrol_factory(agent: *mut pm_agent, json: *const c_char) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter_with_json(agent, json, PrinterAgent::enrol_factory) }
}

/// Begins an enrolment by comparison with the portal at `portal`, such as `https://portal.example`. Calls
/// the transport twice and writes six digits for the panel to `digits`, of at least `PM_DIGITS_MAX` bytes.
/// The person who compared them on the portal confirms there; no call of `pm_enrol_confirm` is wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_enrol_compare_begin(
    agent: *mut pm_agent,
    portal: *const c_char,
    authority_pem: *const c_char,
    digits: *mut c_char,
    capacity: usize,
) -> i32 {
    let out = Out { buffer: digits, capacity, length: std::ptr::null_mut() };
    // SAFETY: as the caller owes.
    unsafe {
        enter(agent, |agent| {
            if !out.holds(crate::abi::PM_DIGITS_MAX - 1) {
                return Err(Fault::Buffer(crate::abi::PM_DIGITS_MAX));
            }
            let portal = text::required(portal, "portal", PM_TEXT_MAX)?;
            let authority = text::optional(authority_pem, "authority_pem", PM_JSON_MAX)?;
            out.put(&agent.enrol_compare(portal, authority)?)
        })
    }
}

/// How far the enrolment is: one of `PM_ENROL_…`, or an error below zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_enrol_status(agent: *const pm_agent) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter(agent, |agent| Ok(agent.enrolment())) }
}

/// The reseller that will see the data, as the portal proved it; empty where it is not known yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_account_reseller(
    agent: *const pm_agent,
    out: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter_for_text(agent, Out { buffer: out, capacity, length }, |agent| Ok(agent.account().0.to_owned())) }
}

/// The customer's account that the data goes to; empty where it is not known yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_account_customer(
    agent: *const pm_agent,
    out: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter_for_text(agent, Out { buffer: out, capacity, length }, |agent| Ok(agent.account().1.to_owned())) }
}

/// A person confirmed the account: the keys are kept, and the next `pm_step` tells the portal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_enrol_confirm(agent: *mut pm_agent) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter(agent, PrinterAgent::confirm) }
}

/// A person refused the account: nothing of the enrolment is kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_enrol_refuse(agent: *mut pm_agent) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter(agent, PrinterAgent::refuse) }
}

/// Ends the enrolment: tells the portal where it can, removes keys and everything unsent, and writes a
/// signed proof of what was removed to `out`, of `PM_OUT_MAX` bytes. The proof stays in the folder too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_factory_reset(
    agent: *mut pm_agent,
    out: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> i32 {
    let holds = Out { buffer: out, capacity, length }.holds(PROOF_MAX);
    // SAFETY: as the caller owes.
    unsafe {
        enter_for_text(agent, Out { buffer: out, capacity, length }, |agent| {
            // It cannot be done twice: the proof must fit before anything is removed.
            if !holds {
                return Err(Fault::Buffer(PROOF_MAX + 1));
            }
            agent.reset()
        })
    }
}

/// The privacy policy as JSON: each personal field with drop, pseudonym or keep, and how exact times are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_privacy(
    agent: *const pm_agent,
    out: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter_for_text(agent, Out { buffer: out, capacity, length }, |agent| agent.privacy()) }
}

/// Takes another privacy policy, which holds from now on and after a restart. Only a person on the
/// customer's side may loosen it. What waits is brought down to a tighter one before this returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_set_privacy(agent: *mut pm_agent, json: *const c_char) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter_with_json(agent, json, PrinterAgent::set_privacy) }
}

/// Begins a report: what the printer is and has counted, without its jobs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_report_begin(agent: *mut pm_agent) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter(agent, PrinterAgent::report_begin) }
}

/// Puts a row whose value is text, such as `S11` of the item `cyan`. An empty text is no value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_report_set_text(
    agent: *mut pm_agent,
    row: *const c_char,
    item: *const c_char,
    value: *const c_char,
) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter_with_text(agent, (row, item), value, PrinterAgent::report_put) }
}

/// Puts a row whose value is a number in the row's unit (mm², µm, nl, ms, ppm, a count, or 0 and 1), or an
/// instant in milliseconds since 1970.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_report_set_int(
    agent: *mut pm_agent,
    row: *const c_char,
    item: *const c_char,
    value: i64,
) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter_with_number(agent, (row, item), value, PrinterAgent::report_put) }
}

/// Ends the report. The next reading is made of it, when one is due.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_report_end(agent: *mut pm_agent) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter(agent, PrinterAgent::report_end) }
}

/// A whole report as JSON, with its alerts and jobs; the manual has the form.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_report_json(agent: *mut pm_agent, json: *const c_char) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter_with_json(agent, json, PrinterAgent::report_json) }
}

/// Begins a finished job of `kind`, one of `PM_JOB_…`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_job_begin(agent: *mut pm_agent, kind: i32) -> i32 {
    let kind = match kind {
        PM_JOB_PRINT => Some(JobKind::Print),
        PM_JOB_SCAN => Some(JobKind::Scan),
        PM_JOB_COPY => Some(JobKind::Copy),
        _ => None,
    };
    // SAFETY: as the caller owes.
    unsafe {
        enter(agent, |agent| {
            agent.job_begin(kind.ok_or_else(|| Fault::Value("there is no such kind of job".to_owned()))?)
        })
    }
}

/// Puts a row of the job whose value is text, such as `P2` or `P12`; `item` is null for a row that stands once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_job_set_text(
    agent: *mut pm_agent,
    row: *const c_char,
    item: *const c_char,
    value: *const c_char,
) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter_with_text(agent, (row, item), value, PrinterAgent::job_put) }
}

/// Puts a row of the job whose value is a number, such as `P18` of the item `cyan`, or an instant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_job_set_int(
    agent: *mut pm_agent,
    row: *const c_char,
    item: *const c_char,
    value: i64,
) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter_with_number(agent, (row, item), value, PrinterAgent::job_put) }
}

/// Ends the job. It is on storage when this returns `PM_OK`; a job given twice counts once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_job_end(agent: *mut pm_agent) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter(agent, PrinterAgent::job_end) }
}

/// A finished job as JSON; otherwise as `pm_job_end`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_job_json(agent: *mut pm_agent, json: *const c_char) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter_with_json(agent, json, PrinterAgent::job_json) }
}

/// Forgets the report and the job that were begun and not ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_cancel(agent: *mut pm_agent) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter(agent, |agent| Ok(agent.cancel())) }
}

/// Raises an alert of `severity`, one of `PM_SEVERITY_…`. `part` and `text` may be null. `since` is when it
/// began, in milliseconds since 1970, or 0 for now; an alert that is raised again after a boot has the same
/// `since`, and is sent once. Call `pm_step` at once after a severe one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_alert(
    agent: *mut pm_agent,
    code: *const c_char,
    severity: i32,
    part: *const c_char,
    text: *const c_char,
    since: i64,
) -> i32 {
    // SAFETY: as the caller owes.
    unsafe {
        enter(agent, |agent| {
            let severity = match severity {
                PM_SEVERITY_INFO => Severity::Info,
                PM_SEVERITY_WARNING => Severity::Warning,
                PM_SEVERITY_SEVERE => Severity::Severe,
                _ => return Err(Fault::Value("there is no such severity".to_owned())),
            };
            let owned = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
            agent.raise(Alert {
                code: text::required(code, "code", PM_TEXT_MAX)?.trim().to_owned(),
                severity,
                part: owned(text::optional(part, "part", PM_TEXT_MAX)?),
                text: owned(text::optional(text, "text", PM_TEXT_MAX)?),
                since: (since > 0).then_some(Instant(since)),
                cleared_at: None,
            })
        })
    }
}

/// Clears the active alerts of `code`, at `cleared_at` or, where that is 0, now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_alert_cleared(agent: *mut pm_agent, code: *const c_char, cleared_at: i64) -> i32 {
    // SAFETY: as the caller owes.
    unsafe {
        enter(agent, |agent| {
            let code = text::required(code, "code", PM_TEXT_MAX)?.trim();
            let at = if cleared_at > 0 { Instant(cleared_at) } else { agent.now() };
            agent.clear(code, at)
        })
    }
}

/// Says that the printer started. Call it once after `pm_agent_open`, then raise the alerts that are active.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_event_boot(agent: *mut pm_agent) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter(agent, PrinterAgent::boot) }
}

/// Whether the next step wants a new report first: 1 or 0, or an error below zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_report_wanted(agent: *const pm_agent) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter(agent, |agent| agent.report_wanted().map(i32::from)) }
}

/// Does what is due: makes a reading, sends, takes the portal's answers. It calls the transport, and
/// writes the milliseconds until it wants to be called again to `wait_ms`. Call it earlier after each job,
/// report and alert.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_step(agent: *mut pm_agent, wait_ms: *mut i64) -> i32 {
    if wait_ms.is_null() {
        return PM_NULL;
    }
    // SAFETY: as the caller owes; `wait_ms` is not null.
    unsafe {
        enter(agent, |agent| {
            let wait = agent.step()?;
            wait_ms.write(wait.0);
            Ok(PM_OK)
        })
    }
}

/// Makes another evidence key, which the one before introduces at the next step. Not with a secure element.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_rotate_key(agent: *mut pm_agent) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter(agent, PrinterAgent::rotate) }
}

/// What the agent says of itself, as JSON: enrolment, account, what waits, what the portal last refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_status(
    agent: *const pm_agent,
    out: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> i32 {
    // SAFETY: as the caller owes.
    unsafe { enter_for_text(agent, Out { buffer: out, capacity, length }, |agent| agent.status()) }
}

/// For the transport callback: the HTTP status of the answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_response_status(response: *mut pm_response, status: u16) -> i32 {
    // SAFETY: null, or the response of the callback that calls this.
    let Some(response) = (unsafe { response.as_mut() }) else { return PM_NULL };
    response.status = status;
    PM_OK
}

/// For the transport callback: one header of the answer. Give all of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_response_header(
    response: *mut pm_response,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    // SAFETY: null, or the response of the callback that calls this.
    let Some(response) = (unsafe { response.as_mut() }) else { return PM_NULL };
    // SAFETY: as the caller owes.
    let texts = unsafe { (text::required(name, "name", PM_TEXT_MAX), text::required(value, "value", 4 * PM_TEXT_MAX)) };
    match texts {
        (Ok(name), Ok(value)) => {
            response.header(name, value);
            PM_OK
        }
        (Err(fault), _) | (_, Err(fault)) => fault.code(),
    }
}

/// For the transport callback: a piece of the answer's body, in order. `PM_VALUE` says that the answer is
/// longer than the portal's can be: stop reading it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_response_body(response: *mut pm_response, bytes: *const u8, length: usize) -> i32 {
    // SAFETY: null, or the response of the callback that calls this.
    let Some(response) = (unsafe { response.as_mut() }) else { return PM_NULL };
    if length == 0 {
        return PM_OK;
    }
    if bytes.is_null() {
        return PM_NULL;
    }
    // SAFETY: not null, and `length` bytes may be read, as the caller owes.
    let piece = unsafe { std::slice::from_raw_parts(bytes, length) };
    response.append(piece).unwrap_or_else(|fault| fault.code())
}

/// A row's id and item; no item is an empty one.
///
/// # Safety
/// Both are null or end with a zero byte.
unsafe fn row_and_item<'a>(row: *const c_char, item: *const c_char) -> Result<(&'a str, &'a str), Fault> {
    // SAFETY: what is promised to us.
    let (row, item) = unsafe { (text::required(row, "row", 16), text::optional(item, "item", PM_TEXT_MAX)) };
    Ok((row?, item?.map_or("", str::trim)))
}

/// Enters with a row whose value is a number.
///
/// # Safety
/// As [`enter`], and the texts are null or end with a zero byte.
unsafe fn enter_with_number(
    agent: *mut pm_agent,
    (row, item): (*const c_char, *const c_char),
    value: i64,
    put: impl FnOnce(&mut PrinterAgent, &str, &str, Given<'_>) -> Result<i32, Fault>,
) -> i32 {
    // SAFETY: what is promised to us.
    unsafe {
        enter(agent, |agent| {
            let (row, item) = row_and_item(row, item)?;
            put(agent, row, item, Given::Number(value))
        })
    }
}

/// Enters with a row whose value is text.
///
/// # Safety
/// As [`enter`], and the texts are null or end with a zero byte.
unsafe fn enter_with_text(
    agent: *mut pm_agent,
    (row, item): (*const c_char, *const c_char),
    value: *const c_char,
    put: impl FnOnce(&mut PrinterAgent, &str, &str, Given<'_>) -> Result<i32, Fault>,
) -> i32 {
    // SAFETY: what is promised to us.
    unsafe {
        enter(agent, |agent| {
            let (row, item) = row_and_item(row, item)?;
            match text::required(value, "value", PM_TEXT_MAX)?.trim() {
                "" => Ok(PM_OK),
                value => put(agent, row, item, Given::Text(value)),
            }
        })
    }
}
