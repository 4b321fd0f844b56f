//! Texts across the boundary: read from C with a bound, given to C in the caller's own buffer.
//!
//! Deliberately absent: memory that the caller would have to free.

use crate::fault::Fault;
use std::ffi::{c_char, c_int};

/// The text at `text`, or `None` where the pointer is null. At most `bytes_max` bytes are looked at.
///
/// # Safety
/// `text` is null or points to bytes that end with a zero byte and that nobody changes during `'a`.
pub(crate) unsafe fn optional<'a>(
    text: *const c_char,
    name: &'static str,
    bytes_max: usize,
) -> Result<Option<&'a str>, Fault> {
    if text.is_null() {
        return Ok(None);
    }
    let start = text.cast::<u8>();
    let mut length = 0;
    // SAFETY: every byte before the end mark may be read, and the loop stops at the mark or the bound.
    while unsafe { *start.add(length) } != 0 {
        length += 1;
        if length > bytes_max {
            return Err(Fault::Text(name, bytes_max));
        }
    }
    // SAFETY: these `length` bytes were just read, and live and stay unchanged by the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(start, length) };
    std::str::from_utf8(bytes).map(Some).map_err(|_| Fault::Text(name, bytes_max))
}

/// The text at `text`, which must be there.
///
/// # Safety
/// As [`optional`].
pub(crate) unsafe fn required<'a>(text: *const c_char, name: &'static str, bytes_max: usize) -> Result<&'a str, Fault> {
    // SAFETY: the same promise is made to us.
    unsafe { optional(text, name, bytes_max) }?.ok_or(Fault::Null(name))
}

/// A buffer of the caller.
#[derive(Clone, Copy)]
pub(crate) struct Out {
    /// Where the text goes.
    pub(crate) buffer: *mut c_char,
    /// How many bytes there are, the end mark included.
    pub(crate) capacity: usize,
    /// Where the length without the end mark goes; may be null.
    pub(crate) length: *mut usize,
}

impl Out {
    /// Writes `text` and an end mark, or nothing where it does not fit; the length is given either way.
    ///
    /// # Safety
    /// `buffer` is null or has `capacity` bytes that may be written; `length` is null or may be written.
    pub(crate) unsafe fn put(self, text: &str) -> Result<c_int, Fault> {
        if !self.length.is_null() {
            // SAFETY: not null, so that it may be written by the caller's promise.
            unsafe { self.length.write(text.len()) };
        }
        if self.buffer.is_null() || self.capacity <= text.len() {
            return Err(Fault::Buffer(text.len() + 1));
        }
        // SAFETY: text.len() + 1 bytes fit into the capacity, and a text of ours is not in a buffer of C.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr(), self.buffer.cast::<u8>(), text.len());
            self.buffer.add(text.len()).write(0);
        }
        Ok(crate::abi::PM_OK)
    }

    /// Whether a text of `bytes` bytes would fit, for calls that cannot be made twice.
    pub(crate) fn holds(self, bytes: usize) -> bool {
        !self.buffer.is_null() && self.capacity > bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_within_their_bound() {
        let read = |bytes: &[u8], bound: usize| {
            // SAFETY: the cases end with a zero byte.
            unsafe { optional(bytes.as_ptr().cast(), "x", bound) }.map(|text| text.map(str::to_owned))
        };
        assert_eq!(read(b"abc\0", 3).expect("fits"), Some("abc".to_owned()));
        assert_eq!(read("Zeichnung №7\0".as_bytes(), 64).expect("UTF-8"), Some("Zeichnung №7".to_owned()));
        assert!(matches!(read(b"abcd\0", 3), Err(Fault::Text("x", 3))));
        assert!(matches!(read(b"\xff\xfe\0", 3), Err(Fault::Text("x", 3))));
        // SAFETY: null is allowed.
        assert!(matches!(unsafe { required(std::ptr::null(), "x", 3) }, Err(Fault::Null("x"))));
    }

    #[test]
    fn a_buffer_is_filled_whole_or_not_at_all() {
        let mut buffer = [b'?'; 4];
        let mut length = 0;
        let mut put = |capacity: usize, text: &str| {
            let out = Out { buffer: buffer.as_mut_ptr().cast(), capacity, length: &raw mut length };
            // SAFETY: the buffer has four bytes, and no case claims more.
            let result = unsafe { out.put(text) }.map_err(|fault| fault.code());
            (result, buffer, length)
        };
        assert_eq!(put(3, "abc"), (Err(crate::abi::PM_BUFFER), *b"????", 3));
        assert_eq!(put(4, "abc"), (Ok(0), *b"abc\0", 3));
    }
}
