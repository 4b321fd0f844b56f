//! The C functions as a program calls them, behind safe methods for the tests.

use crate::conformance::World;
use plotmeter_agent::abi::{
    PM_ABI_VERSION, PM_BUSY, PM_DIGITS_MAX, PM_JOB_PRINT, PM_OUT_MAX, pm_agent, pm_config, pm_request, pm_response,
};
use plotmeter_agent::calls as c;
use protocol::SigningKey;
use protocol::testing::{Wire, WireAnswer};
use report::{Job, RowId, Value, walk_job};
use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// What the callbacks get back.
pub(crate) struct User {
    world: World,
    /// Whether the entropy callback fails.
    pub(crate) no_entropy: AtomicBool,
    /// Whether the secure element does not sign.
    pub(crate) no_signature: AtomicBool,
    /// A handle that the transport callback calls back into, and what that gave.
    pub(crate) reenter: Mutex<Option<usize>>,
    pub(crate) reentered: AtomicI32,
    pub(crate) log: Mutex<Vec<String>>,
}

/// An open handle, closed when it is dropped.
pub(crate) struct Handle {
    pub(crate) agent: *mut pm_agent,
    user: *mut User,
}

fn user<'a>(user: *mut c_void) -> &'a User {
    // SAFETY: every configuration of these tests carries a `User` that lives until the handle is closed.
    unsafe { &*user.cast::<User>() }
}

unsafe extern "C" fn clock(pointer: *mut c_void) -> i64 {
    user(pointer).world.clock.load(Ordering::Relaxed)
}

unsafe extern "C" fn entropy(pointer: *mut c_void, out: *mut u8, length: usize) -> i32 {
    let user = user(pointer);
    if user.no_entropy.load(Ordering::Relaxed) {
        return 1;
    }
    // SAFETY: the library says that so many bytes may be written.
    let out = unsafe { std::slice::from_raw_parts_mut(out, length) };
    (user.world.surroundings.entropy)(out);
    0
}

/// A text that the library gives to a callback.
fn given(text: *const c_char) -> String {
    // SAFETY: not null, and it ends with a zero byte, as the header says.
    unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8").to_owned()
}

unsafe extern "C" fn transport(pointer: *mut c_void, request: *const pm_request, response: *mut pm_response) -> i32 {
    let user = user(pointer);
    if let Some(handle) = *user.reenter.lock().expect("not poisoned") {
        let mut wait = 0;
        // SAFETY: the handle is open: a call into it is under way.
        user.reentered.store(unsafe { c::pm_step(handle as *mut pm_agent, &raw mut wait) }, Ordering::Relaxed);
    }
    // SAFETY: the request and what it points to live until this returns.
    let (url, headers, body) = unsafe {
        let request = &*request;
        let headers = std::slice::from_raw_parts(request.headers, request.header_count);
        let body = if request.body.is_null() {
            Vec::new()
        } else {
            std::slice::from_raw_parts(request.body, request.body_length).to_vec()
        };
        (given(request.url), headers, body)
    };
    let headers = headers.iter().map(|header| (given(header.name), given(header.value))).collect();
    let rest = url.strip_prefix("https://").expect("https only");
    let (authority, path) = rest.split_at(rest.find('/').expect("a path"));
    let wire = Wire { authority: authority.to_owned(), path: path.to_owned(), headers, body };
    let answer = user.world.net.lock().expect("not poisoned").post(&wire);
    let Some(WireAnswer { status, headers, body }) = answer else { return 1 };
    // SAFETY: the response is the library's, and the texts and bytes live until the calls return.
    unsafe {
        c::pm_response_status(response, status);
        for (name, value) in headers {
            let (name, value) = (text(&name), text(&value));
            c::pm_response_header(response, name.as_ptr(), value.as_ptr());
        }
        // In two pieces, as an HTTP client gives them.
        let (first, second) = body.split_at(body.len() / 2);
        for piece in [first, second] {
            c::pm_response_body(response, piece.as_ptr(), piece.len());
        }
    }
    0
}

unsafe extern "C" fn log(pointer: *mut c_void, _level: i32, line: *const c_char) {
    user(pointer).log.lock().expect("not poisoned").push(given(line));
}

/// The key of a secure element.
fn element() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

unsafe extern "C" fn public_key(_: *mut c_void, out: *mut u8) -> i32 {
    // SAFETY: the library says that 32 bytes may be written.
    unsafe { out.copy_from_nonoverlapping(element().verifying_key().as_bytes().as_ptr(), 32) };
    0
}

unsafe extern "C" fn signature(pointer: *mut c_void, message: *const u8, length: usize, out: *mut u8) -> i32 {
    if user(pointer).no_signature.load(Ordering::Relaxed) {
        return 1;
    }
    // SAFETY: the library says that the message may be read.
    let signature = protocol::sign(&element(), unsafe { std::slice::from_raw_parts(message, length) });
    // SAFETY: the library says that 64 bytes may be written.
    unsafe { out.copy_from_nonoverlapping(signature.as_ptr(), 64) };
    0
}

pub(crate) fn text(text: &str) -> CString {
    CString::new(text).expect("no zero byte")
}

/// A configuration whose texts the caller keeps alive.
pub(crate) fn config(folder: &CStr, serial: &CStr, user: *mut User) -> pm_config {
    pm_config {
        abi_version: PM_ABI_VERSION,
        folder: folder.as_ptr(),
        serial_number: serial.as_ptr(),
        product_number: null(),
        product_name: c"Example 36in".as_ptr(),
        firmware_version: c"1.0.0".as_ptr(),
        host: null(),
        user: user.cast(),
        clock: Some(clock),
        entropy: Some(entropy),
        transport: Some(transport),
        public_key: None,
        sign: None,
        log: Some(log),
        spool_bytes_max: 0,
        catch_up_bytes: 0,
    }
}

/// A user of `world`, to be freed with [`free`].
pub(crate) fn new_user(world: &World) -> *mut User {
    Box::into_raw(Box::new(User {
        world: world.clone(),
        no_entropy: AtomicBool::new(false),
        no_signature: AtomicBool::new(false),
        reenter: Mutex::new(None),
        reentered: AtomicI32::new(0),
        log: Mutex::new(Vec::new()),
    }))
}

/// Frees a user that no handle uses any more.
pub(crate) fn free(user: *mut User) {
    // SAFETY: it came from `new_user`, and the caller closed or never opened its handle.
    drop(unsafe { Box::from_raw(user) });
}

impl Handle {
    /// Opens the agent of the suite's printer in `folder`.
    pub(crate) fn open(world: &World, folder: &Path) -> Result<Handle, (i32, Vec<String>)> {
        Handle::open_as(world, folder, crate::conformance::SERIAL, false)
    }

    /// Opens another printer's agent, with its key in a secure element or not.
    pub(crate) fn open_as(
        world: &World,
        folder: &Path,
        serial: &str,
        secure_element: bool,
    ) -> Result<Handle, (i32, Vec<String>)> {
        let user = new_user(world);
        let (folder, serial) = (text(folder.to_str().expect("UTF-8")), text(serial));
        let mut config = config(&folder, &serial, user);
        if secure_element {
            config.public_key = Some(public_key);
            config.sign = Some(signature);
        }
        let mut agent = null_mut();
        // SAFETY: the configuration and its texts live until this returns, the user until the handle is closed.
        let code = unsafe { c::pm_agent_open(&raw const config, &raw mut agent) };
        if code == 0 {
            return Ok(Handle { agent, user });
        }
        assert!(agent.is_null());
        let log = self::user(user.cast()).log.lock().expect("not poisoned").clone();
        free(user);
        Err((code, log))
    }

    pub(crate) fn user(&self) -> &User {
        user(self.user.cast())
    }

    /// Calls with a buffer and gives the text in it.
    fn out(
        &self,
        call: unsafe extern "C" fn(*const pm_agent, *mut c_char, usize, *mut usize) -> i32,
    ) -> Result<String, i32> {
        let mut buffer: Vec<c_char> = vec![0; PM_OUT_MAX];
        let mut length = 0;
        // SAFETY: the handle is open, and the buffer has as many bytes as is said.
        let code = unsafe { call(self.agent, buffer.as_mut_ptr(), buffer.len(), &raw mut length) };
        if code != 0 {
            return Err(code);
        }
        let text = given(buffer.as_ptr());
        assert_eq!(text.len(), length);
        Ok(text)
    }

    pub(crate) fn last_error(&self) -> String {
        self.out(c::pm_last_error).expect("always there")
    }

    pub(crate) fn status(&self) -> Result<String, i32> {
        self.out(c::pm_status)
    }

    pub(crate) fn privacy(&self) -> Result<String, i32> {
        self.out(c::pm_privacy)
    }

    pub(crate) fn account(&self) -> (String, String) {
        let read = |call| self.out(call).expect("always there");
        (read(c::pm_account_reseller), read(c::pm_account_customer))
    }

    /// Calls with one text.
    fn with(&self, call: unsafe extern "C" fn(*mut pm_agent, *const c_char) -> i32, argument: &str) -> i32 {
        let argument = text(argument);
        // SAFETY: the handle is open, and the text lives until the call returns.
        unsafe { call(self.agent, argument.as_ptr()) }
    }

    pub(crate) fn enrol_file(&self, json: &str) -> i32 {
        self.with(c::pm_enrol_file, json)
    }

    pub(crate) fn set_privacy(&self, json: &str) -> i32 {
        self.with(c::pm_set_privacy, json)
    }

    pub(crate) fn report_json(&self, json: &str) -> i32 {
        self.with(c::pm_report_json, json)
    }

    pub(crate) fn job_json(&self, json: &str) -> i32 {
        self.with(c::pm_job_json, json)
    }

    /// Calls without arguments.
    fn plain(&self, call: unsafe extern "C" fn(*mut pm_agent) -> i32) -> i32 {
        // SAFETY: the handle is open.
        unsafe { call(self.agent) }
    }

    pub(crate) fn confirm(&self) -> i32 {
        self.plain(c::pm_enrol_confirm)
    }

    pub(crate) fn refuse(&self) -> i32 {
        self.plain(c::pm_enrol_refuse)
    }

    pub(crate) fn report_begin(&self) -> i32 {
        self.plain(c::pm_report_begin)
    }

    pub(crate) fn report_end(&self) -> i32 {
        self.plain(c::pm_report_end)
    }

    pub(crate) fn job_end(&self) -> i32 {
        self.plain(c::pm_job_end)
    }

    pub(crate) fn boot(&self) -> i32 {
        self.plain(c::pm_event_boot)
    }

    pub(crate) fn rotate_key(&self) -> i32 {
        self.plain(c::pm_rotate_key)
    }

    pub(crate) fn enrolment(&self) -> i32 {
        // SAFETY: the handle is open.
        unsafe { c::pm_enrol_status(self.agent) }
    }

    pub(crate) fn report_wanted(&self) -> i32 {
        // SAFETY: the handle is open.
        unsafe { c::pm_report_wanted(self.agent) }
    }

    pub(crate) fn step(&self) -> (i32, i64) {
        let mut wait = 0;
        // SAFETY: the handle is open, and `wait` may be written.
        let code = unsafe { c::pm_step(self.agent, &raw mut wait) };
        (code, wait)
    }

    pub(crate) fn reset(&self) -> Result<String, i32> {
        let mut buffer: Vec<c_char> = vec![0; PM_OUT_MAX];
        // SAFETY: the handle is open, and the buffer has as many bytes as is said.
        let code = unsafe { c::pm_factory_reset(self.agent, buffer.as_mut_ptr(), buffer.len(), null_mut()) };
        if code == 0 { Ok(given(buffer.as_ptr())) } else { Err(code) }
    }

    pub(crate) fn compare(&self, portal: &str) -> Result<String, i32> {
        let portal = text(portal);
        let mut digits: [c_char; PM_DIGITS_MAX] = [0; PM_DIGITS_MAX];
        let out = digits.as_mut_ptr();
        // SAFETY: the handle is open, the text lives until the call returns, and the buffer is as long as is said.
        let code = unsafe { c::pm_enrol_compare_begin(self.agent, portal.as_ptr(), null(), out, PM_DIGITS_MAX) };
        if code == 0 { Ok(given(digits.as_ptr())) } else { Err(code) }
    }

    pub(crate) fn alert(&self, code: &str, severity: i32, since: i64) -> i32 {
        let code = text(code);
        let (part, words) = (c"cutter".as_ptr(), c"The cutter is jammed".as_ptr());
        // SAFETY: the handle is open, and the texts live until the call returns.
        unsafe { c::pm_alert(self.agent, code.as_ptr(), severity, part, words, since) }
    }

    pub(crate) fn alert_cleared(&self, code: &str, at: i64) -> i32 {
        let code = text(code);
        // SAFETY: the handle is open, and the text lives until the call returns.
        unsafe { c::pm_alert_cleared(self.agent, code.as_ptr(), at) }
    }

    pub(crate) fn report_int(&self, row: &str, item: &str, value: i64) -> i32 {
        let (row, item) = (text(row), text(item));
        // SAFETY: the handle is open, and the texts live until the call returns.
        unsafe { c::pm_report_set_int(self.agent, row.as_ptr(), item.as_ptr(), value) }
    }

    pub(crate) fn report_text(&self, row: &str, item: &str, value: &str) -> i32 {
        let (row, item, value) = (text(row), text(item), text(value));
        // SAFETY: the handle is open, and the texts live until the call returns.
        unsafe { c::pm_report_set_text(self.agent, row.as_ptr(), item.as_ptr(), value.as_ptr()) }
    }

    pub(crate) fn job_begin(&self, kind: i32) -> i32 {
        // SAFETY: the handle is open.
        unsafe { c::pm_job_begin(self.agent, kind) }
    }

    pub(crate) fn job_int(&self, row: &str, item: &str, value: i64) -> i32 {
        let (row, item) = (text(row), text(item));
        // SAFETY: the handle is open, and the texts live until the call returns.
        unsafe { c::pm_job_set_int(self.agent, row.as_ptr(), item.as_ptr(), value) }
    }

    pub(crate) fn job_text(&self, row: &str, item: &str, value: &str) -> i32 {
        let (row, item, value) = (text(row), text(item), text(value));
        // SAFETY: the handle is open, and the texts live until the call returns.
        unsafe { c::pm_job_set_text(self.agent, row.as_ptr(), item.as_ptr(), value.as_ptr()) }
    }

    /// Gives a print job row by row; the first result that is not zero, or what ending it gave.
    pub(crate) fn job(&self, job: &Job) -> i32 {
        let mut code = self.job_begin(PM_JOB_PRINT);
        // The type of job was given at the beginning.
        for filled in walk_job(job).into_iter().filter(|filled| filled.row != RowId::P27) {
            let (row, item) = (filled.row.word(), filled.item.as_str());
            let put = match &filled.value {
                Value::Text(text) => self.job_text(row, item, text),
                Value::Area(area) => self.job_int(row, item, area.0),
                Value::Length(length) => self.job_int(row, item, length.0),
                Value::Ink(ink) => self.job_int(row, item, ink.0),
                Value::Instant(instant) => self.job_int(row, item, instant.0),
                Value::Duration(duration) => self.job_int(row, item, duration.0),
                Value::Share(share) => self.job_int(row, item, share.0),
                Value::Count(count) => self.job_int(row, item, *count),
                Value::Flag(flag) => self.job_int(row, item, i64::from(*flag)),
            };
            if code == 0 {
                code = put;
            }
        }
        if code == 0 { self.job_end() } else { code }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and nobody uses it after this.
        let code = unsafe { c::pm_agent_close(self.agent) };
        assert_ne!(code, PM_BUSY, "closed while a call is under way");
        free(self.user);
    }
}
