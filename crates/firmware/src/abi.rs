//! The types and numbers of the C interface, exactly as C sees them.
//!
//! Deliberately absent: behaviour, which stands in `calls`. A change here that a compiled program
//! would notice raises [`PM_ABI_VERSION`].
#![allow(non_camel_case_types)]

use crate::printer::PrinterAgent;
use std::ffi::{c_char, c_void};
use std::sync::Mutex;

/// The version of this interface. Put it into `pm_config.abi_version`.
pub const PM_ABI_VERSION: u32 = 1;

/// The longest text of a row, an item or a name, in bytes without the end mark.
pub const PM_TEXT_MAX: usize = 1024;
/// The longest JSON text that is taken, in bytes without the end mark.
pub const PM_JSON_MAX: usize = 262144;
/// A buffer of this size holds every text that the library gives, the end mark included.
pub const PM_OUT_MAX: usize = 16384;
/// A buffer for the six digits of an enrolment by comparison, the end mark included.
pub const PM_DIGITS_MAX: usize = 8;

/// Done.
pub const PM_OK: i32 = 0;
/// Understood, and by the rules of the customer's side nothing is kept: the printer does not take part.
pub const PM_NOT_KEPT: i32 = 1;
/// A pointer that must not be null is null.
pub const PM_NULL: i32 = -1;
/// A text is not UTF-8 or too long.
pub const PM_TEXT: i32 = -2;
/// A value that the row cannot have; it is kept as a defect where a report or job is being built.
pub const PM_VALUE: i32 = -3;
/// No such row, or a row that is given by another call.
pub const PM_ROW: i32 = -4;
/// The row stands once for each of something, and the item does not say for which, or there are too many.
pub const PM_ITEM: i32 = -5;
/// The call does not fit what came before it: nothing was begun, or something still is.
pub const PM_STATE: i32 = -6;
/// No enrolment took place.
pub const PM_NOT_ENROLLED: i32 = -7;
/// An enrolment is in force already.
pub const PM_ENROLLED: i32 = -8;
/// The enrolment was refused, or what answered is not the portal that made the invitation.
pub const PM_REFUSED: i32 = -9;
/// The transport got no answer.
pub const PM_UNREACHED: i32 = -10;
/// The JSON is not of the documented form.
pub const PM_JSON: i32 = -11;
/// The buffer is too small; the length that is needed was given. Nothing else was done.
pub const PM_BUFFER: i32 = -12;
/// The storage folder failed.
pub const PM_STORAGE: i32 = -13;
/// A callback failed that must not: entropy, or the public key.
pub const PM_CALLBACK: i32 = -14;
/// The program was built for another version of this interface.
pub const PM_ABI: i32 = -15;
/// A mistake inside the library. The handle can only be closed; what was kept is safe, open it again.
pub const PM_PANIC: i32 = -16;
/// The handle is in use: by another thread, or by the call that this callback serves.
pub const PM_BUSY: i32 = -17;

/// A print job.
pub const PM_JOB_PRINT: i32 = 0;
/// A scan job.
pub const PM_JOB_SCAN: i32 = 1;
/// A copy job: scan and print in one.
pub const PM_JOB_COPY: i32 = 2;

/// Good to know.
pub const PM_SEVERITY_INFO: i32 = 0;
/// Will need somebody.
pub const PM_SEVERITY_WARNING: i32 = 1;
/// The printer cannot work as it should. Such an alert is sent at once.
pub const PM_SEVERITY_SEVERE: i32 = 2;

/// No enrolment took place.
pub const PM_ENROL_NONE: i32 = 0;
/// The portal answered; a person has to confirm or refuse the account.
pub const PM_ENROL_ASKED: i32 = 1;
/// The keys are kept; the portal has not yet said that the enrolment is in force.
pub const PM_ENROL_WAITING: i32 = 2;
/// The enrolment is in force.
pub const PM_ENROL_DONE: i32 = 3;
/// The portal has these keys no more. Nothing is lost; enrol again for the same account.
pub const PM_ENROL_AGAIN: i32 = 4;

/// For the log: what a person may want to know.
pub const PM_LOG_INFO: i32 = 0;
/// For the log: something did not work and is tried again.
pub const PM_LOG_WARNING: i32 = 1;
/// For the log: something needs a person.
pub const PM_LOG_ERROR: i32 = 2;

/// A header of a request. Both texts end with a zero byte.
#[repr(C)]
pub struct pm_header {
    /// The name, in lower case.
    pub name: *const c_char,
    /// The value.
    pub value: *const c_char,
}

/// A request to carry: always a POST. Everything in it lives until the callback returns.
#[repr(C)]
pub struct pm_request {
    /// `https://…`, the port only where it is not 443.
    pub url: *const c_char,
    /// The headers, content type included. Send these and no others that tell about the printer.
    pub headers: *const pm_header,
    /// How many headers.
    pub header_count: usize,
    /// The body; null when its length is 0.
    pub body: *const u8,
    /// Its length in bytes.
    pub body_length: usize,
    /// The certificate authority to trust for this portal instead of the public ones, in PEM; null for the public ones.
    pub authority_pem: *const c_char,
}

/// Takes the answer to a request; see `pm_response_status`, `pm_response_header` and `pm_response_body`.
pub struct pm_response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// One agent. Made by `pm_agent_open`, ended by `pm_agent_close`.
pub struct pm_agent {
    pub(crate) inner: Mutex<PrinterAgent>,
    /// Beside the agent and not in it, so that it can be read after a mistake inside.
    pub(crate) last_error: Mutex<String>,
}

/// What the printer brings. Texts are copied by `pm_agent_open`; callbacks and `user` are used until
/// `pm_agent_close`. Set all of it to zero first, so that what is not filled in is absent.
#[repr(C)]
pub struct pm_config {
    /// `PM_ABI_VERSION`.
    pub abi_version: u32,
    /// A folder of this agent alone, on storage that survives power loss. It is made where it is absent.
    pub folder: *const c_char,
    /// Row C3. Must be there: it is the key by which the printer is known.
    pub serial_number: *const c_char,
    /// Row C1, or null.
    pub product_number: *const c_char,
    /// Row C2, or null.
    pub product_name: *const c_char,
    /// Row C4, or null.
    pub firmware_version: *const c_char,
    /// How people recognise the printer in the portal, such as its host name; null for the product name.
    pub host: *const c_char,
    /// Handed to every callback.
    pub user: *mut c_void,
    /// Milliseconds since 1970-01-01T00:00:00Z. A wrong clock loses nothing; see the manual.
    pub clock: Option<unsafe extern "C" fn(user: *mut c_void) -> i64>,
    /// Fills `out` with unpredictable bytes; gives 0 when it did. Anything else stops the call with `PM_CALLBACK`.
    pub entropy: Option<unsafe extern "C" fn(user: *mut c_void, out: *mut u8, length: usize) -> i32>,
    /// Carries a request and fills in the answer; gives 0 when there was one, whatever its status.
    /// TLS 1.3, no redirects followed, a time limit of its own.
    pub transport:
        Option<unsafe extern "C" fn(user: *mut c_void, request: *const pm_request, response: *mut pm_response) -> i32>,
    /// The public Ed25519 key of a secure element, 32 bytes; gives 0. Null: the library makes a key and keeps it.
    pub public_key: Option<unsafe extern "C" fn(user: *mut c_void, out: *mut u8) -> i32>,
    /// Signs with the key of `public_key`, 64 bytes into `out`; gives 0. Both or neither.
    pub sign: Option<unsafe extern "C" fn(user: *mut c_void, message: *const u8, length: usize, out: *mut u8) -> i32>,
    /// Takes a line for the printer's log, without personal data; or null.
    pub log: Option<unsafe extern "C" fn(user: *mut c_void, level: i32, line: *const c_char)>,
    /// What the folder may hold, in bytes; 0 for the default of 64 MiB, never less than 8 MiB.
    pub spool_bytes_max: u64,
    /// Bytes within 30 minutes when there is much to catch up; 0 for the default of 11 250 000.
    pub catch_up_bytes: u64,
}
