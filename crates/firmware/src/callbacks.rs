//! What the printer brings, as the safe things that the rest of the library uses.

use crate::abi::{PM_LOG_ERROR, PM_OK, PM_TEXT_MAX, pm_config, pm_header, pm_request, pm_response};
use crate::fault::Fault;
use crate::pool::Pool;
use crate::printer::{Setup, Transport};
use crate::text;
use agent::{Inbound, Outbound, Signer};
use protocol::VerifyingKey;
use protocol::limits::ANSWER_BYTES_MAX;
use report::{Configuration, Instant, Surroundings};
use std::ffi::{CString, c_void};
use std::path::PathBuf;
use std::sync::Arc;

/// 9999-12-31T23:59:59Z: a clock that says more is broken, and arithmetic on it would be too.
const CLOCK_MAX: i64 = 253_402_300_799_000;
/// The default of `spool_bytes_max`.
const SPOOL_BYTES: u64 = 64 << 20;
/// Below this nothing useful fits beside the reserve.
const SPOOL_BYTES_MIN: u64 = 8 << 20;
/// Headers of an answer that are kept; an answer of ours has four.
const HEADERS_MAX: usize = 64;

type Clock = unsafe extern "C" fn(*mut c_void) -> i64;
type Entropy = unsafe extern "C" fn(*mut c_void, *mut u8, usize) -> i32;
type Carry = unsafe extern "C" fn(*mut c_void, *const pm_request, *mut pm_response) -> i32;
type PublicKey = unsafe extern "C" fn(*mut c_void, *mut u8) -> i32;
type Sign = unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut u8) -> i32;
type Log = unsafe extern "C" fn(*mut c_void, i32, *const std::ffi::c_char);

/// A function of the printer with the pointer it wants back.
///
/// Its methods take the whole of it, so that closures capture it whole too.
#[derive(Clone, Copy)]
struct With<F: Copy> {
    user: *mut c_void,
    call: F,
}

// SAFETY: the pointer is only handed back to the printer's own functions. The lock in `pm_agent` lets one
// thread at a time into a handle, so that they are never called at the same time for one handle; the
// header says that they may be called from whichever thread calls the library.
unsafe impl<F: Copy> Send for With<F> {}
// SAFETY: as above.
unsafe impl<F: Copy> Sync for With<F> {}

impl With<Clock> {
    fn now(&self) -> Instant {
        // SAFETY: the function and its pointer are the printer's, valid until the handle is closed.
        Instant(unsafe { (self.call)(self.user) }.clamp(0, CLOCK_MAX))
    }
}

impl With<Entropy> {
    fn fresh(&self) -> Result<[u8; 32], Fault> {
        let mut fresh = [0; 32];
        // SAFETY: as for the clock; 32 bytes may be written.
        let result = unsafe { (self.call)(self.user, fresh.as_mut_ptr(), fresh.len()) };
        // All zero is what a callback leaves that did nothing.
        if result != 0 || fresh == [0; 32] { Err(Fault::Callback("entropy")) } else { Ok(fresh) }
    }
}

impl With<Log> {
    fn line(&self, level: i32, line: &str) {
        if let Ok(line) = CString::new(line.replace(char::is_control, " ")) {
            // SAFETY: as for the clock; the line lives until the call returns.
            unsafe { (self.call)(self.user, level, line.as_ptr()) };
        }
    }
}

impl With<Carry> {
    fn post(&self, request: &Outbound, authority_pem: Option<&str>) -> Option<Inbound> {
        let text = |text: &str| CString::new(text).ok();
        let url = text(&format!("https://{}{}", request.authority, request.path))?;
        let pem = authority_pem.map(text);
        if matches!(pem, Some(None)) {
            return None;
        }
        let pem = pem.flatten();
        let headers: Vec<(CString, CString)> =
            request.headers.iter().map(|(name, value)| Some((text(name)?, text(value)?))).collect::<Option<_>>()?;
        let pairs: Vec<pm_header> =
            headers.iter().map(|(name, value)| pm_header { name: name.as_ptr(), value: value.as_ptr() }).collect();
        let request = pm_request {
            url: url.as_ptr(),
            headers: pairs.as_ptr(),
            header_count: pairs.len(),
            body: if request.body.is_empty() { std::ptr::null() } else { request.body.as_ptr() },
            body_length: request.body.len(),
            authority_pem: pem.as_ref().map_or(std::ptr::null(), |pem| pem.as_ptr()),
        };
        let mut response = pm_response { status: 0, headers: Vec::new(), body: Vec::new() };
        // SAFETY: as for the clock; everything that the request points to lives until the end of this
        // function, and nothing else holds the response meanwhile.
        let result = unsafe { (self.call)(self.user, &raw const request, &raw mut response) };
        let pm_response { status, headers, body } = response;
        (result == 0 && status != 0).then_some(Inbound { status, headers, body })
    }
}

impl Transport for With<Carry> {
    fn post(&mut self, request: &Outbound, authority_pem: Option<&str>) -> Option<Inbound> {
        With::<Carry>::post(self, request, authority_pem)
    }
}

impl pm_response {
    /// Takes a header; more than there can be are left out.
    pub(crate) fn header(&mut self, name: &str, value: &str) {
        if self.headers.len() < HEADERS_MAX {
            self.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// Takes a piece of the body. An answer longer than ours can be is no answer of ours.
    pub(crate) fn append(&mut self, piece: &[u8]) -> Result<i32, Fault> {
        if self.body.len().saturating_add(piece.len()) > ANSWER_BYTES_MAX {
            return Err(Fault::Value(format!("an answer has at most {ANSWER_BYTES_MAX} bytes")));
        }
        self.body.extend_from_slice(piece);
        Ok(PM_OK)
    }
}

/// A secure element: the evidence key never enters the library.
struct Element {
    public_key: [u8; 32],
    sign: With<Sign>,
}

impl Signer for Element {
    fn public_key(&self) -> [u8; 32] {
        self.public_key
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        // SAFETY: as for the clock; the message may be read and 64 bytes may be written.
        let result =
            unsafe { (self.sign.call)(self.sign.user, message.as_ptr(), message.len(), signature.as_mut_ptr()) };
        // The desk checks every signature before it keeps anything, and tries again with the next step.
        if result == 0 { signature } else { [0; 64] }
    }
}

/// Reads the configuration of a new handle.
///
/// # Safety
/// The texts of `config` are null or end with a zero byte, and its callbacks do what the header says
/// until the handle is closed.
pub(crate) unsafe fn setup(config: &pm_config) -> Result<Setup, Fault> {
    if config.abi_version != crate::abi::PM_ABI_VERSION {
        return Err(Fault::Abi(config.abi_version));
    }
    // SAFETY: the texts are as promised to us.
    let optional = |pointer, name| unsafe { text::optional(pointer, name, PM_TEXT_MAX) };
    let owned = |pointer, name| {
        let text: Option<&str> = optional(pointer, name)?;
        Ok::<_, Fault>(text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned))
    };
    let folder = optional(config.folder, "folder")?.filter(|folder| !folder.is_empty());
    let folder = PathBuf::from(folder.ok_or(Fault::Null("folder"))?);
    let serial = owned(config.serial_number, "serial_number")?.ok_or(Fault::Null("serial_number"))?;
    let printer = Configuration {
        product_number: owned(config.product_number, "product_number")?,
        product_name: owned(config.product_name, "product_name")?,
        // Upper case, since it is the key that one printer is known by, whoever reads it.
        serial_number: Some(serial.to_uppercase()),
        firmware_version: owned(config.firmware_version, "firmware_version")?,
        uuid: None,
    };
    let host = owned(config.host, "host")?.or_else(|| printer.product_name.clone()).unwrap_or_default();
    let user = config.user;
    let clock = With { user, call: config.clock.ok_or(Fault::Null("clock"))? };
    let entropy = With { user, call: config.entropy.ok_or(Fault::Null("entropy"))? };
    let transport = With { user, call: config.transport.ok_or(Fault::Null("transport"))? };
    let pool = Arc::new(Pool::default());
    let drawn = pool.clone();
    let surroundings =
        Surroundings { clock: Arc::new(move || clock.now()), entropy: Arc::new(move |out: &mut [u8]| drawn.fill(out)) };
    let log = config.log.map(|call| With { user, call });
    Ok(Setup {
        folder,
        printer,
        host: host.chars().take(100).collect(),
        surroundings,
        stir: Box::new(move || entropy.fresh().map(|fresh| pool.stir(&fresh))),
        transport: Box::new(transport),
        signer: signer(config)?,
        log: Box::new(move |level, line| {
            if let Some(log) = &log {
                log.line(level, line);
            }
        }),
        spool_bytes_max: match config.spool_bytes_max {
            0 => SPOOL_BYTES,
            bytes => bytes.max(SPOOL_BYTES_MIN),
        },
        catch_up_bytes: Some(config.catch_up_bytes).filter(|bytes| *bytes != 0),
    })
}

/// Says in the log why a handle was not opened: there is none to ask.
///
/// # Safety
/// The log callback of `config` does what the header says.
pub(crate) unsafe fn log_failure(config: &pm_config, fault: &Fault) {
    // A configuration of another version may have something else in this place.
    if let (crate::abi::PM_ABI_VERSION, Some(call)) = (config.abi_version, config.log) {
        With { user: config.user, call }.line(PM_LOG_ERROR, &fault.to_string());
    }
}

fn signer(config: &pm_config) -> Result<Option<Arc<dyn Signer>>, Fault> {
    let (public_key, call): (PublicKey, Sign) = match (config.public_key, config.sign) {
        (None, None) => return Ok(None),
        (Some(public_key), Some(sign)) => (public_key, sign),
        (None, Some(_)) => return Err(Fault::Null("public_key")),
        (Some(_), None) => return Err(Fault::Null("sign")),
    };
    let mut key = [0; 32];
    // SAFETY: the function and its pointer are the printer's; 32 bytes may be written.
    if unsafe { public_key(config.user, key.as_mut_ptr()) } != 0 {
        return Err(Fault::Callback("public_key"));
    }
    VerifyingKey::from_bytes(&key).map_err(|_| Fault::Callback("public_key"))?;
    Ok(Some(Arc::new(Element { public_key: key, sign: With { user: config.user, call } })))
}
